/* SPDX-License-Identifier: BSD-2-Clause */
/* The feeds that a site names, read from this machine: what its sets and bindings then hold. */
#ifndef SALLYPORT_POLICY_FEEDS_H
#define SALLYPORT_POLICY_FEEDS_H

#include "feed.h"
#include "feed_store.h"
#include "policy.h"

struct policy_feed {
	const char *name; /* of the set it is in, or of the role that is bound to it */
	const struct site_feed *source;
	struct feed feed;
	const char *path;
	uint64_t checked_at; /* Unix time */
};

/* Each feed of the site, in the order of the file, unread. */
typedef LIST(struct policy_feed) policy_feed_list;
void site_feeds(struct arena *arena, const struct site *site, policy_feed_list *ret_feeds);

/*
 * Fills feeds of policy. Reports what can't be read or used, where the site names it. directory
 * NULL: FEEDS_DIRECTORY.
 */
void policy_feeds_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy,
		       const char *directory);

/* The addresses of a feed of the policy; NULL if it could not be read. */
const struct prefix_list *policy_feed_addresses(const struct policy *policy,
						const struct site_feed *source);

/* Warns of feeds that are older than their site wants them to be. now: Unix time. */
void policy_feeds_check(struct diagnostics *diagnostics, const struct policy *policy, uint64_t now);

#endif
