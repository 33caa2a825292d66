/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is playing: which host a policy is looked at from, and what is its own there. */
#ifndef SALLYPORT_PLAYER_H
#define SALLYPORT_PLAYER_H

#include "pairing.h"
#include "resolve.h"

struct identity {
	const struct site_host *host; /* NULL: unnamed */
	/* An unnamed host that plays one role alone: that role, and the host whose address it has.
	 */
	const struct binding *only;
	const struct site_host *stands_for;
	struct prefix_list own;	     /* single, sorted; without the floating ones */
	struct prefix_list floating; /* the same */
	struct prefix_list local;    /* both, normalized */
};

enum resolve_result identify(struct arena *arena, struct diagnostics *diagnostics,
			     const struct policy *policy, const struct player *player,
			     struct identity *ret_identity);

/* Is this member of an end the host itself, by name? */
bool identity_is(const struct identity *identity, const struct end *end,
		 const struct end_member *member);
/* The member's addresses that are this host's in that end; normalized, empty if there are none. */
struct prefix_list identity_local(struct arena *arena, const struct identity *identity,
				  const struct end *end, const struct end_member *member);

#endif
