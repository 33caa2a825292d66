/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How two policies of one host differ, as packets: what one lets open and the other does not,
 * exactly, whatever the rules are called and however they are cut.
 */
#ifndef SALLYPORT_DIFFERENCE_H
#define SALLYPORT_DIFFERENCE_H

#include "host_policy.h"

/* Openers of one protocol that only one of the two policies lets pass: every combination of the
 * addresses and ports of its match. */
struct permit {
	const struct rule *rule; /* of the policy that lets them pass; the first that does */
	struct match match;	 /* local is never NULL here */
};
typedef LIST(struct permit) permit_list;

/* What else decides verdicts: modes, forwarding, and so on, where they differ. For people. */
struct changed_setting {
	const char *name; /* "mode in" */
	const char *before;
	const char *after;
};
typedef LIST(struct changed_setting) changed_setting_list;

struct difference {
	permit_list allowed; /* by the second policy only */
	permit_list denied;  /* allowed by the first only */
	changed_setting_list settings;
};

/*
 * No opener is in two permits of one list. Everything lives in the arena; rules are those of the
 * two policies, which must outlive it. The rules of a NULL policy (a host that is in one site only)
 * are none.
 */
void difference_find(struct arena *arena, const struct host_policy *before,
		     const struct host_policy *after, struct difference *ret_difference);

bool difference_is_empty(const struct difference *difference);

#endif
