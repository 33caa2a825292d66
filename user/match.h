/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Matches as sets of packets: each is a product of four sets (ports and addresses of both ends) for
 * one protocol. All here have local addresses and canonical ports; prefix lists may be shared and
 * are never changed.
 */
#ifndef SALLYPORT_MATCH_H
#define SALLYPORT_MATCH_H

#include "host_policy.h"

typedef LIST(struct match) match_list;

/* The packets that both match: false if there are none. What else stands in a is kept. */
bool match_common(struct arena *arena, const struct match *a, const struct match *b,
		  struct match *ret_common);

/* Adds to list what match has and removed has not: at most one piece for each of the four sets.
 * Of one protocol both. */
void match_subtract(struct arena *arena, const struct match *match, const struct match *removed,
		    match_list *list);

#endif
