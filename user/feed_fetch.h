/* SPDX-License-Identifier: BSD-2-Clause */
/* Fetching a feed: the one place that speaks to a network, by libcurl. */
#ifndef SALLYPORT_FEED_FETCH_H
#define SALLYPORT_FEED_FETCH_H

#include "failure.h"
#include "feed_store.h"

struct feed_answer {
	bool unchanged; /* 304: what is stored is still current */
	const char *text;
	size_t length;
	const char *etag;	   /* "": none */
	const char *last_modified; /* "": none */
};

/*
 * Asks for the url, on the condition that it changed since known (NULL: nothing is stored). Only
 * http and https, also behind a redirect; certificates are verified; the whole takes at most
 * timeout_seconds and FEED_BYTES_MAX. Everything lives in the arena. 0, or -errno with what
 * happened in failure.
 */
int feed_fetch(struct arena *arena, const char *url, const struct stored_feed *known,
	       unsigned timeout_seconds, struct failure *failure, struct feed_answer *ret_answer);

#endif
