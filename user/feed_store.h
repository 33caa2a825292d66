/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds on this machine: files of the site, and the stored copies of what was fetched. Policies are
 * read from here alone, so that what a site means never depends on a network. A copy is one file:
 * lines of what is known about it, an empty line, and the bytes as they came.
 */
#ifndef SALLYPORT_FEED_STORE_H
#define SALLYPORT_FEED_STORE_H

#include "failure.h"
#include "site.h"

#define FEEDS_DIRECTORY "/var/lib/sallyport/feeds"

struct stored_feed {
	const char *path;
	const char *url;	   /* "" for a file of the site */
	uint64_t checked_at;	   /* Unix time: when the source last said that this is current */
	uint64_t max_age_seconds;  /* as the site had it then; 0: a file of the site */
	const char *etag;	   /* of the last answer; "": none */
	const char *last_modified; /* the same */
	const char *digest;	   /* of the text, SHA-256; as stored. "": a file of the site */
	const char *text;	   /* ends with a NUL that is not counted */
	size_t length;
};

/* Where the copy of a url is: in the arena. directory NULL: FEEDS_DIRECTORY. */
const char *feed_store_path(struct arena *arena, const char *directory, const char *url);

/*
 * Reads a site's feed: the file, relative to the folder of the site, or the copy of the url.
 * -ENOENT: there is none; other errors with the reason in failure.
 */
int feed_store_read(struct arena *arena, const char *directory, const struct site_feed *source,
		    const char *site_path, struct failure *failure, struct stored_feed *ret_feed);

/* Reads one copy. */
int feed_store_read_path(struct arena *arena, const char *path, struct failure *failure,
			 struct stored_feed *ret_feed);

/* Replaces the copy at feed->path at once: whoever reads sees the old or the new one, whole. Makes
 * the directory. */
int feed_store_write(const struct stored_feed *feed, struct failure *failure);

/* The paths of all copies, sorted. No directory: none. */
typedef LIST(const char *) path_list;
int feed_store_list(struct arena *arena, const char *directory, struct failure *failure,
		    path_list *ret_paths);

#endif
