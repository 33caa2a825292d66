/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of traffic that are timed: what each packet is, and what must become of it. */
#ifndef SALLYPORT_TESTS_BENCH_TRAFFIC_H
#define SALLYPORT_TESTS_BENCH_TRAFFIC_H

#include "bench_policy.h"
#include "generator.h"

enum traffic_kind {
	TRAFFIC_SERVED,	      /* a peer and a port of the in rules, TCP and UDP mixed */
	TRAFFIC_FLOW,	      /* a flow that this host opened, TCP and UDP mixed */
	TRAFFIC_OPENING,      /* the first packets of the same flows */
	TRAFFIC_STRANGER_SYN, /* no peer, to a port of the in rules */
	TRAFFIC_STRANGER_UDP,
	TRAFFIC_CLOSED_SYN, /* no peer, to a port of no rule */
	TRAFFIC_CLOSED_UDP,
};

struct traffic {
	const char *name;
	enum traffic_kind kind;
	enum direction direction;
	uint32_t packets; /* different ones: a power of two */
	enum reason reason;
	bool quick; /* part of a quick run */
};

extern const struct traffic traffics[];
extern const size_t traffic_count;

/* prefixes: of the policy. The same seed gives the same packets. */
void traffic_fill(const struct traffic *traffic, const struct population *population, uint64_t seed,
		  uint8_t family, size_t prefixes, struct generator_packet *packets);

#endif
