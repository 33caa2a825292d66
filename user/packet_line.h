/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of trace's input: a packet in words, as a JSON object, or a frame in hex. The keys are
 * described for users in docs/packet-lines.md; here is what the defaults rest on.
 *
 * Strict: an unknown key, a wrong type, a missing or a contradictory field is an error that says
 * what would be right. Nothing is guessed but the documented defaults: direction "in", tcp_flags
 * "SYN", source_port 40000, an echo request, icmp_id 1, hop_limit 64 (255 for neighbour discovery,
 * RFC 4861), no payload (a fragment with more to come is padded with zeros to the next multiple of
 * eight, as RFC 791 asks), the time of the line before.
 */
#ifndef SALLYPORT_PACKET_LINE_H
#define SALLYPORT_PACKET_LINE_H

#include <jansson.h>

#include "../include/abi.h"
#include "address.h"
#include "failure.h"

/*
 * Turns a name that stands for a source or destination into an address of that family. False: no
 * such name, or it has none of that family.
 */
struct packet_names {
	bool (*address)(void *context, const char *name, uint8_t family,
			struct address *ret_address);
	void *context;
};

struct packet_line {
	json_t *id; /* a string or an integer; NULL: the line has none. Owned */
	bool reset; /* {"reset": true}: nothing else is set */
	enum direction direction;
	bool has_time;
	uint64_t at_ms;
	bool has_bound;
	bool bound;	      /* a local socket is bound there; true where the line says nothing */
	bool has_payload;     /* it has one of at least a byte: rules with shape ask of no other */
	struct address local; /* this host's by direction; family 0: no IP packet that is whole */
	uint8_t *frame;	      /* owned */
	size_t frame_length;
};

/* Frees what the line owns and zeroes it. A zeroed line may be cleared. */
void packet_line_clear(struct packet_line *line);

/*
 * names may be NULL: then only addresses will do. Returns 0; or -EINVAL with the reason in failure,
 * without a position, which only the caller knows. The object is not taken over.
 */
int packet_line_from_json(const json_t *object, const struct packet_names *names,
			  struct packet_line *ret_line, struct failure *failure);

/* The same from text: one JSON object without duplicate keys. */
int packet_line_parse(const char *text, size_t length, const struct packet_names *names,
		      struct packet_line *ret_line, struct failure *failure);

/* A JSON object from one line of text; NULL with the reason in failure. New reference. */
json_t *packet_line_json(const char *text, size_t length, struct failure *failure);

#endif
