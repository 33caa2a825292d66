/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of traffic that are timed: what each packet is, and what must become of it. */
#ifndef SALLYPORT_TESTS_BENCH_TRAFFIC_H
#define SALLYPORT_TESTS_BENCH_TRAFFIC_H

#include "bench_policy.h"
#include "generator.h"

/* TCP and UDP mixed, unless the name says otherwise. */
enum traffic_kind {
	TRAFFIC_SERVED,	     /* a peer and a port of the in rules */
	TRAFFIC_MEDIA,	     /* the same, RTP alone; UDP */
	TRAFFIC_STRANGER,    /* no peer, to a port of the in rules */
	TRAFFIC_CLOSED,	     /* no peer, to a port of no rule */
	TRAFFIC_OPENING,     /* the first packets of own flows */
	TRAFFIC_FLOW,	     /* the later ones of the same flows */
	TRAFFIC_OWNED_SYN,   /* no peer, to ports that those flows own; TCP */
	TRAFFIC_OWNED_ACK,   /* the same, but asking for a flow; TCP */
	TRAFFIC_UNOWNED_SYN, /* no peer, to ports of no rule and no flow; TCP */
	TRAFFIC_UNOWNED_ACK,
};

struct traffic {
	const char *name;
	enum traffic_kind kind;
	enum direction direction;
	uint8_t family;
	uint32_t packets; /* different ones: a power of two */
	uint32_t flows;	  /* OWNED: how many own flows there are */
};

/* The same packets, by whatever name. */
bool traffic_is_same(const struct traffic *a, const struct traffic *b);
/* Whether it must pass, and what it must be counted as. */
bool traffic_passes(const struct traffic *traffic);
enum reason traffic_reason(const struct traffic *traffic);

/* prefixes: of the policy, of this family. The same seed gives the same packets. */
void traffic_fill(const struct traffic *traffic, const struct population *population, uint64_t seed,
		  size_t prefixes, struct generator_packet *packets);
/* In another order, so that what was opened first does not lie side by side. */
void traffic_shuffle(struct generator_packet *packets, uint32_t count, uint64_t seed);

#endif
