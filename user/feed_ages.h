/* SPDX-License-Identifier: BSD-2-Clause */
/* How old the stored feeds are, for those who watch. */
#ifndef SALLYPORT_FEED_AGES_H
#define SALLYPORT_FEED_AGES_H

#include "failure.h"
#include "snapshot.h"

/*
 * Adds the stored feeds to the snapshot. directory NULL: FEEDS_DIRECTORY. A copy that can't be read
 * counts as one of 1970, so that whoever watches ages hears of it.
 */
int feed_ages_read(const char *directory, struct failure *failure, struct snapshot *snapshot);

/* Unix time now: is the feed older than its site wants it? */
bool feed_age_is_over(const struct feed_age *feed, uint64_t now);

#endif
