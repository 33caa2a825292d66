/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One sampled drop: what include/abi.h's struct drop_event says, with the names that its numbers
 * stand for, and how people and programs are told. Plain data: what renders it needs no kernel.
 */
#ifndef SALLYPORT_DROP_EVENT_H
#define SALLYPORT_DROP_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "../include/abi.h"

struct drop {
	struct drop_event event;
	const char *interface;
	const char *role; /* of the peer; NULL: none */
	const char *rule; /* that was involved; NULL: none */
	uint64_t time;	  /* nanoseconds since 1970 */
	/* Drops of the same interface, direction, reason and role between the event before and this
	 * one, of which there is no event. */
	uint64_t more;
	bool has_more; /* false: the event before is not known */
};

/*
 * One line: time in UTC, interface, direction, "drop" or in audit mode "would-drop", reason, the
 * packet as far as it can be read, and what is known besides.
 */
void drop_print(const struct drop *drop, FILE *out);

/* One line of what drop_reader_rest() found: no packet is known of it. */
void drop_print_rest(const struct drop *rest, FILE *out);

/* The same for programs, by the words of packet lines where there are any. New reference. */
json_t *drop_json(const struct drop *drop);

/*
 * The captured bytes as they were on the wire: a VLAN tag that the kernel keeps in metadata is put
 * back behind the addresses. Returns how many bytes that is; ret_length: of the whole frame.
 */
#define DROP_FRAME_BYTES_MAX (DROP_EVENT_FRAME_BYTES + 4u)
uint32_t drop_frame(const struct drop *drop, uint8_t *frame /* DROP_FRAME_BYTES_MAX */,
		    uint32_t *ret_length);

#endif
