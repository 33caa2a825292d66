/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows of a site's own that open less than they seem to: addresses that are no host's. */
#ifndef SALLYPORT_OWN_FLOW_CHECK_H
#define SALLYPORT_OWN_FLOW_CHECK_H

#include "diagnostic.h"
#include "policy.h"

/*
 * Warns of rules of the site's own flows that no host gets, since at neither end is one of this
 * file or one that bind names singly; and of rules to the broadcast address of whom they are from,
 * where no host has it: nobody would hear it.
 */
void own_flows_check(struct arena *arena, struct diagnostics *diagnostics,
		     const struct policy *policy);

#endif
