/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of one host: pairings and management, as they look from there. */
#ifndef SALLYPORT_RULES_H
#define SALLYPORT_RULES_H

#include "player.h"

/*
 * Fills rules, peers and forbids of host, whose own addresses must be there, in the order of
 * precedence. Returns 0, or -E2BIG after an error that names the bound.
 */
int rules_make(struct arena *arena, struct diagnostics *diagnostics, const struct policy *policy,
	       const struct identity *identity, struct host_policy *host);

#endif
