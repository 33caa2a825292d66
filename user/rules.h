/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of one host: pairings and management, as they look from there. */
#ifndef SALLYPORT_RULES_H
#define SALLYPORT_RULES_H

#include "player.h"

/*
 * Fills rules, peers and forbids of host, whose own addresses must be there, in the order of the
 * files, management first. Returns 0, -EINVAL after an error of theirs (precedence.h), or -E2BIG
 * after one that names the bound.
 */
int rules_make(struct arena *arena, struct diagnostics *diagnostics, const struct policy *policy,
	       const struct identity *identity, struct host_policy *host);

/* Fills the citations of a rule: those of the flow, or (NULL) the site file. */
void rule_cite(struct arena *arena, const struct instance *instance, const struct flow_rule *flow,
	       struct rule *rule);

#endif
