/* SPDX-License-Identifier: BSD-2-Clause */
/* What was measured: for the table, for the goals, for the file that the picture is drawn from. */
#ifndef SALLYPORT_TESTS_BENCH_RESULTS_H
#define SALLYPORT_TESTS_BENCH_RESULTS_H

#include "arena.h"
#include "traffic.h"

enum way {
	WAY_PROGRAM, /* the program alone */
	WAY_STACK,   /* what passes goes on into the stack */
};

/* Nanoseconds a packet, medians of rounds. */
struct result {
	const char *contender;
	enum way way;
	size_t prefixes; /* of each family */
	struct traffic traffic;
	const char *why_not; /* not measured, and why; else NULL */
	uint32_t total;
	int32_t net; /* above the floor of the same round and way */
};

struct results {
	struct arena *arena;
	LIST(struct result) list;
};

/* NULL: there is none. Only kind, direction, family, packets and flows of traffic are looked at. */
const struct result *results_find(const struct results *results, const struct traffic *traffic,
				  size_t prefixes, const char *contender, enum way way);

#endif
