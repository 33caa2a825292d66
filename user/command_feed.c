/* SPDX-License-Identifier: BSD-2-Clause */
/* feed: address sets that somebody else publishes, fetched, and what is stored of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "feed_fetch.h"
#include "feed_source.h"
#include "output.h"
#include "policy_feeds.h"
#include "site.h"

#define TIMEOUT_SECONDS_MAX 3600u

struct feed_job {
	const struct invocation *invocation;
	struct arena *arena;
	unsigned timeout_seconds;
	json_t *results; /* NULL: text */
	unsigned failed;
};

/* ------------------------------------------------------------ update ----------------------------
 */

static void report(struct feed_job *job, const struct policy_feed *one, const char *outcome,
		   const struct feed *feed, const char *reason)
{
	char fetched[32];

	if (job->results)
		json_array_append_new(
			job->results,
			json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I, s:s?, s:s?}", "feed", one->name,
				  "url", one->source->url, "outcome", outcome, "reason", reason,
				  "entries", (json_int_t)(feed ? feed->entries : 0), "prefixes",
				  (json_int_t)(feed ? feed->prefixes.count : 0), "digest",
				  feed ? feed->digest : NULL, "date", feed ? feed->date : NULL));
	else if (reason || !feed)
		fprintf(stderr, "sallyport feed: %s, %s: %s\n", one->name, one->source->url,
			reason);
	else
		printf("%s: %s at %s, %zu entries, %zu prefixes, digest %.12s%s%s\n", one->name,
		       outcome, time_format((uint64_t)time(NULL), fetched), feed->entries,
		       feed->prefixes.count, feed->digest, feed->date ? ", dated " : "",
		       feed->date ? feed->date : "");
}

static void refuse(struct feed_job *job, const struct policy_feed *one, const char *reason)
{
	job->failed++;
	report(job, one, "refused", NULL,
	       arena_printf(job->arena, "%s; what is stored stays as it is", reason));
}

/* Does it lose more than the site allows? The reason, or NULL. */
static const char *shrinks(struct feed_job *job, const struct policy_feed *one,
			   const struct stored_feed *known, const struct feed *now)
{
	struct failure failure = {""};
	struct feed before;
	uint64_t least;

	if (!known || job->invocation->given[OPTION_ACCEPT_SHRINK] ||
	    feed_parse(job->arena, one->source, known->text, known->length, &failure, &before))
		return NULL;
	least = (uint64_t)before.entries * (100 - one->source->shrink_percent);
	if ((uint64_t)now->entries * 100 >= least)
		return NULL;
	return arena_printf(job->arena,
			    "it has %zu entries where it had %zu, which is more than the %u%% less "
			    "that `shrink` allows; if that is right, repeat with --accept-shrink",
			    now->entries, before.entries, one->source->shrink_percent);
}

static int store(struct feed_job *job, const struct policy_feed *one,
		 const struct stored_feed *known, const struct feed_answer *answer,
		 struct failure *failure)
{
	struct stored_feed copy = {
		.path = feed_store_path(job->arena, job->invocation->value[OPTION_FEEDS],
					one->source->url),
		.url = one->source->url,
		.checked_at = (uint64_t)time(NULL),
		.max_age_seconds = one->source->max_age_seconds,
		.etag = answer->etag,
		.last_modified = answer->last_modified,
		.text = answer->text,
		.length = answer->length,
	};

	if (known && answer->unchanged) {
		copy.etag = known->etag;
		copy.last_modified = known->last_modified;
	}
	return feed_store_write(&copy, failure);
}

static void update_one(struct feed_job *job, const struct policy_feed *one, const char *site_path)
{
	struct failure failure = {""};
	struct stored_feed stored, *known = NULL;
	struct feed_answer answer;
	struct feed feed;
	const char *reason;

	if (!feed_store_read(job->arena, job->invocation->value[OPTION_FEEDS], one->source,
			     site_path, &failure, &stored))
		known = &stored;
	if (feed_fetch(job->arena, one->source->url, known, job->timeout_seconds, &failure,
		       &answer)) {
		refuse(job, one, failure.message);
		return;
	}
	if (known && answer.unchanged) {
		answer.text = known->text;
		answer.length = known->length;
	}
	if (feed_parse(job->arena, one->source, answer.text, answer.length, &failure, &feed)) {
		refuse(job, one, failure.message);
		return;
	}
	reason = answer.unchanged ? NULL : shrinks(job, one, known, &feed);
	if (reason) {
		refuse(job, one, reason);
		return;
	}
	if (store(job, one, known, &answer, &failure)) {
		refuse(job, one, failure.message);
		return;
	}
	report(job, one, answer.unchanged ? "unchanged" : "fetched", &feed, NULL);
}

static int read_timeout(const struct invocation *invocation, unsigned *ret_seconds)
{
	const char *text = invocation->value[OPTION_TIMEOUT];
	char *end;
	unsigned long seconds;

	*ret_seconds = FEED_TIMEOUT_SECONDS;
	if (!text)
		return EXIT_DONE;
	seconds = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || !seconds || seconds > TIMEOUT_SECONDS_MAX)
		return usage_error(invocation, "--timeout %s: it must be 1 to %u seconds", text,
				   TIMEOUT_SECONDS_MAX);
	*ret_seconds = (unsigned)seconds;
	return EXIT_DONE;
}

static int update(const struct invocation *invocation)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	struct feed_job job = {.invocation = invocation, .arena = arena};
	policy_feed_list feeds;
	const struct site *site;
	size_t urls = 0;
	int result;

	if (invocation->argument_count != 2)
		return usage_error(invocation, "feed update takes a site file");
	result = read_timeout(invocation, &job.timeout_seconds);
	if (result != EXIT_DONE)
		return result;
	site = site_read(arena, diagnostics, invocation->arguments[1]);
	output_diagnostics(invocation, diagnostics);
	if (!site || diagnostics_errors(diagnostics))
		return EXIT_POLICY;
	job.results = invocation->given[OPTION_JSON] ? json_array() : NULL;
	site_feeds(arena, site, &feeds);
	list_for_each (one, &feeds) {
		if (!one->source->url)
			continue;
		urls++;
		update_one(&job, one, site->path);
	}
	if (job.results)
		output_json(invocation, stdout, job.results);
	else if (!urls)
		printf("%s names no feed with a url\n", site->path);
	return job.failed ? EXIT_FAILED : EXIT_DONE;
}

/* ------------------------------------------------------------ status ----------------------------
 */

static bool is_old(const struct stored_feed *feed, uint64_t now)
{
	return feed->max_age_seconds && now > feed->checked_at + feed->max_age_seconds;
}

static int read_stored(const struct invocation *invocation, struct arena *arena, const char *path,
		       json_t *all, struct text_table *table, bool *old)
{
	struct failure failure = {""};
	struct stored_feed feed;
	char checked[32];
	uint64_t now = (uint64_t)time(NULL);

	if (feed_store_read_path(arena, path, &failure, &feed))
		return output_failure(invocation, &failure);
	*old |= is_old(&feed, now);
	time_format(feed.checked_at, checked);
	if (all) {
		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:I}", "url", feed.url, "path",
				  path, "checked_at", checked, "age_seconds",
				  (json_int_t)(now > feed.checked_at ? now - feed.checked_at : 0),
				  "max_age_seconds", (json_int_t)feed.max_age_seconds, "old",
				  is_old(&feed, now), "bytes", (json_int_t)feed.length));
		return EXIT_DONE;
	}
	text_table_add(table, "%s", feed.url);
	text_table_add(table, "%s", checked);
	text_table_add(table, "%s", is_old(&feed, now) ? "old" : "ok");
	text_table_add(table, "%zu", feed.length);
	text_table_add(table, "%s", path);
	return EXIT_DONE;
}

static int status(const struct invocation *invocation)
{
	static const char *const header[] = {"URL", "CHECKED AT", "AGE", "BYTES", "STORED AT"};
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(text_table_freep) struct text_table *table = text_table_new(5, header);
	json_t *all = invocation->given[OPTION_JSON] ? json_array() : NULL;
	struct failure failure = {""};
	path_list paths;
	bool old = false;
	int result = EXIT_DONE;

	if (invocation->argument_count != 1)
		return usage_error(invocation, "feed status takes no argument");
	if (feed_store_list(arena, invocation->value[OPTION_FEEDS], &failure, &paths))
		return output_failure(invocation, &failure);
	list_for_each (path, &paths) {
		if (result == EXIT_DONE)
			result = read_stored(invocation, arena, *path, all, table, &old);
	}
	if (all)
		output_json(invocation, stdout, all);
	else if (paths.count)
		text_table_print(table, stdout);
	else
		printf("no feed is stored\n");
	return result == EXIT_DONE && old ? EXIT_FAILED : result;
}

int command_feed(const struct invocation *invocation)
{
	if (strcmp(invocation->arguments[0], "update") == 0)
		return update(invocation);
	if (strcmp(invocation->arguments[0], "status") == 0)
		return status(invocation);
	return usage_error(invocation, "\"%s\": there are feed update SITE and feed status",
			   invocation->arguments[0]);
}
