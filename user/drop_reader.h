/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads drop events from the pinned rings of every interface, as they come. Readers take nothing
 * away and wait for nobody: any number of them see the same events. What the rings hold is there
 * from the start, sixteen of each direction and reason; reloads go on in the same rings.
 */
#ifndef SALLYPORT_DROP_READER_H
#define SALLYPORT_DROP_READER_H

#include "arena.h"
#include "drop_event.h"
#include "failure.h"

struct drop_reader;

struct drop_reader_request {
	const char *pins;      /* NULL: PINS_ROOT */
	const char *interface; /* NULL: all */
	enum reason reason;    /* REASON_NONE: all */
};

/* Strings live as long as the request's; nothing is opened yet. */
struct drop_reader *drop_reader_new(const struct drop_reader_request *request);
void drop_reader_free(struct drop_reader *reader);
void drop_reader_freep(struct drop_reader **reader);

typedef LIST(struct drop) drop_list;

struct drop_reading {
	drop_list drops;   /* since the last reading, in the order of their time */
	uint64_t missed;   /* events that were overwritten before they could be read */
	size_t interfaces; /* that are read: those that come and go are followed */
};

/* Everything lives in the arena, which must not be older than the reader. 0, or -errno with the
 * way out: other layouts, not permitted. */
int drop_reader_read(struct drop_reader *reader, struct arena *arena, struct failure *failure,
		     struct drop_reading *ret_reading);

/*
 * Drops since the last event of their reason and role that was read: of them there is no event yet.
 * Only of what was read at all; event.packets is their count up to now, more those that are new.
 */
int drop_reader_rest(struct drop_reader *reader, struct arena *arena, struct failure *failure,
		     drop_list *ret_rest);

#endif
