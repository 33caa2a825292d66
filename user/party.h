/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom a question about a site is asked of: a role, a printed name of one, a host or an address. It
 * is at the same ends of flows as in the rules of the hosts that it stands for (resolve.h).
 */
#ifndef SALLYPORT_PARTY_H
#define SALLYPORT_PARTY_H

#include "pairing.h"

struct party {
	const char *name;	       /* as asked */
	const struct binding *binding; /* a role; NULL: not one */
	const struct site_host *host;  /* a host; NULL: not one */
	bool is_address;
	struct address address;
	/* Hosts of the site that it is, or that play it. */
	LIST(const struct site_host *) hosts;
	struct prefix_list own;	   /* of those, and of unnamed hosts: the ends that name them */
	struct prefix_list seen;   /* those as peers see them (NAT) */
	struct prefix_list within; /* addresses of nobody in particular: any end that covers them */
};

/*
 * "instance/id", a printed name, a host of the site, or an address. False: nothing of that name;
 * ret_hint is then "; did you mean ...?" or "". Several roles of one name: false, and the hint
 * names them.
 */
bool party_find(struct arena *arena, const struct policy *policy, const char *name,
		struct party *ret_party, const char **ret_hint);

/*
 * The member's addresses by which the party is at that end; empty: it is not. A role is not where
 * its hosts are in another role.
 */
struct prefix_list party_at(struct arena *arena, const struct party *party, const struct end *end,
			    const struct end_member *member);

/* What of the addresses of one of its hosts is the party's: an address is that one alone. */
struct prefix_list party_of_host(struct arena *arena, const struct party *party,
				 const struct prefix_list *addresses);

bool party_plays(const struct party *party, const struct site_host *host);

#endif
