/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed_ages.h"

#include <string.h>

#include "feed_store.h"

/* The name of the file, without its folder and its ending. */
static const char *feed_name(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return arena_strndup(arena, name, dot ? (size_t)(dot - name) : strlen(name));
}

int feed_ages_read(const char *directory, struct failure *failure, struct snapshot *snapshot)
{
	/* The copies may be large, and only their ages are kept. */
	cleanup(arena_freep) struct arena *scratch = arena_new();
	path_list paths;
	int error = feed_store_list(scratch, directory, failure, &paths);

	if (error)
		return error;
	list_for_each (path, &paths) {
		struct feed_age *age = arena_push(snapshot->arena, &snapshot->feeds);
		struct stored_feed feed;

		age->name = feed_name(snapshot->arena, *path);
		age->url = "";
		if (feed_store_read_path(scratch, *path, NULL, &feed))
			continue;
		age->url = arena_strdup(snapshot->arena, feed.url);
		age->checked_at = feed.checked_at;
		age->max_age_seconds = feed.max_age_seconds;
	}
	return 0;
}

bool feed_age_is_over(const struct feed_age *feed, uint64_t now)
{
	return now > feed->checked_at + feed->max_age_seconds;
}
