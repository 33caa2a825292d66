/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_feeds.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------ which -----------------------------
 */

static void add_feeds(struct arena *arena, const char *name, const address_term_list *terms,
		      policy_feed_list *feeds)
{
	list_for_each (term, terms) {
		if (term->kind == ADDRESS_FEED)
			*arena_push(arena, feeds) =
				(struct policy_feed){.name = name, .source = term->feed};
	}
}

void site_feeds(struct arena *arena, const struct site *site, policy_feed_list *ret_feeds)
{
	policy_feed_list feeds = {0};

	list_for_each (set, &site->sets)
		add_feeds(arena, set->name.text, &set->addresses, &feeds);
	list_for_each (bind, &site->bind)
		add_feeds(arena, bind->role.text, &bind->addresses, &feeds);
	list_for_each (management, &site->management)
		add_feeds(arena, "management", &management->from, &feeds);
	*ret_feeds = feeds;
}

/* ------------------------------------------------------------ reading ---------------------------
 */

static void report(struct diagnostics *diagnostics, const struct policy *policy,
		   const struct policy_feed *feed, int error, const struct failure *failure)
{
	const struct position at = feed->source->at;

	if (feed->source->url && error == -ENOENT)
		diagnostics_error(diagnostics, at,
				  "feed `%s` was never fetched to this machine: run \"sallyport "
				  "feed update %s\" (a policy is read from the stored copy, never "
				  "from the network)",
				  feed->name, policy->site->path);
	else if (feed->source->url)
		diagnostics_error(diagnostics, at,
				  "the stored copy of feed `%s` can't be used: %s; \"sallyport "
				  "feed update %s\" fetches it anew",
				  feed->name, failure->message, policy->site->path);
	else
		diagnostics_error(diagnostics, at, "feed `%s`, the file `%s`, can't be used: %s",
				  feed->name, feed->source->file, failure->message);
}

static void read_feed(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy,
		      struct policy_feed *feed, const char *directory)
{
	struct failure failure = {""};
	struct stored_feed stored;
	int error = feed_store_read(arena, directory, feed->source, policy->site->path, &failure,
				    &stored);

	if (!error)
		error = feed_parse(arena, feed->source, stored.text, stored.length, &failure,
				   &feed->feed);
	if (error) {
		report(diagnostics, policy, feed, error, &failure);
		return;
	}
	feed->path = stored.path;
	feed->checked_at = stored.checked_at;
}

void policy_feeds_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy,
		       const char *directory)
{
	policy_feed_list feeds;

	site_feeds(arena, policy->site, &feeds);
	list_for_each (feed, &feeds)
		read_feed(arena, diagnostics, policy, feed, directory);
	policy->feeds = feeds.items;
	policy->feed_count = feeds.count;
}

const struct prefix_list *policy_feed_addresses(const struct policy *policy,
						const struct site_feed *source)
{
	for (size_t i = 0; i < policy->feed_count; i++) {
		if (policy->feeds[i].source == source)
			return &policy->feeds[i].feed.prefixes;
	}
	return NULL;
}

void policy_feeds_check(struct diagnostics *diagnostics, const struct policy *policy, uint64_t now)
{
	for (size_t i = 0; i < policy->feed_count; i++) {
		const struct policy_feed *feed = &policy->feeds[i];
		uint64_t age = now > feed->checked_at ? now - feed->checked_at : 0;

		if (!feed->path || age <= feed->source->max_age_seconds)
			continue;
		diagnostics_warning(diagnostics, feed->source->at,
				    "feed `%s` is %llu days old, and `max-age` is %llu: addresses "
				    "may be missing from it; %s%s",
				    feed->name, (unsigned long long)age / 86400,
				    (unsigned long long)feed->source->max_age_seconds / 86400,
				    feed->source->url ? "run \"sallyport feed update\" for "
						      : "renew the file ",
				    feed->source->url ? policy->site->path : feed->path);
	}
}
