/* SPDX-License-Identifier: BSD-2-Clause */
/* From the policy of a site to the policy of one host. */
#ifndef SALLYPORT_RESOLVE_H
#define SALLYPORT_RESOLVE_H

#include "host_policy.h"
#include "policy.h"

/* Who is playing. */
struct player {
	enum {
		PLAYER_OWN,	/* the host that has these addresses */
		PLAYER_HOST,	/* hosts.NAME */
		PLAYER_ADDRESS, /* the host in hosts with it, else an unnamed one with it alone */
		PLAYER_ROLE,	/* an unnamed host with this role alone */
	} kind;
	const char *name;	      /* PLAYER_HOST, PLAYER_ROLE */
	struct prefix_list addresses; /* PLAYER_OWN: all of the machine's; PLAYER_ADDRESS: one */
};

enum resolve_result {
	RESOLVE_OK = 0,
	RESOLVE_POLICY = 3, /* the policy has errors: see diagnostics; also: no such host here */
	RESOLVE_USAGE = 2,  /* the player can't be told from what was given; diagnostics says why */
};

enum resolve_result resolve(struct arena *arena, struct diagnostics *diagnostics,
			    const struct policy *policy, const struct player *player,
			    struct host_policy **ret_host);

/*
 * What only the whole site shows: roles used but not bound, addresses in two roles, rules that
 * another makes useless, clashing listeners, parameters that must be set or stand at a reading's
 * default. Adds to diagnostics.
 */
void check_policy(struct arena *arena, struct diagnostics *diagnostics,
		  const struct policy *policy);

#endif
