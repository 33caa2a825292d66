/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A feed's content: addresses that somebody else publishes, as JSON or as a list. What is not
 * surely understood is refused whole: half a feed would cut half of a cloud off.
 */
#ifndef SALLYPORT_FEED_H
#define SALLYPORT_FEED_H

#include "failure.h"
#include "site.h"

struct feed {
	struct prefix_list prefixes; /* of the regions and services asked for; normalized */
	size_t entries;		     /* of them before they were made fewer */
	const char *date;	     /* as the feed says it; NULL: it does not */
	char digest[65];	     /* of the bytes, SHA-256 */
};

/*
 * Reads length bytes. Everything lives in the arena. 0, or -errno with what is wrong in failure,
 * with the place in the text where it has one: -EINVAL not of that kind, or nothing in it that was
 * asked for; -E2BIG too large, with the bound's name.
 */
int feed_parse(struct arena *arena, const struct site_feed *source, const char *text, size_t length,
	       struct failure *failure, struct feed *ret_feed);

#endif
