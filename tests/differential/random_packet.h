/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets that try a policy: near misses of its rules, conversations, fragments, ICMP errors about
 * earlier packets, neighbour discovery, and frames that lie about themselves.
 */
#ifndef SALLYPORT_TEST_RANDOM_PACKET_H
#define SALLYPORT_TEST_RANDOM_PACKET_H

#include "../../user/frame.h"
#include "../../user/host_policy.h"
#include "random.h"

enum {
	PACKET_HISTORY = 24, /* earlier packets that later ones answer, repeat or quote */
	DATAGRAMS = 3,	     /* whose first fragments were sent */
	PACKET_BYTES_MAX = 9100,
	/* The kernel takes no shorter frame in a test run; shorter ones are in the unit tests. */
	PACKET_BYTES_MIN = 14,
};

struct spoken {
	struct frame_fields fields;
	enum direction direction;
};

struct packet_source {
	struct random *random;
	const struct host_policy *policy;
	struct spoken history[PACKET_HISTORY];
	size_t spoken; /* so many so far */
	struct spoken datagrams[DATAGRAMS];
	size_t datagram_count; /* so many so far */
	uint8_t payload[PACKET_BYTES_MAX];
};

struct random_packet {
	enum direction direction;
	uint32_t after_ms; /* since the packet before */
	uint8_t frame[PACKET_BYTES_MAX];
	size_t length;
	/* What a line says besides the frame: judge.h. */
	bool bound;
	bool has_payload;
};

void random_packet(struct packet_source *source, struct random_packet *ret_packet);

#endif
