/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who judges packets, and is timed: an empty program, ours, or somebody else's. What it says of
 * itself is checked: packets that it counted as it should.
 */
#ifndef SALLYPORT_TESTS_BENCH_CONTENDER_H
#define SALLYPORT_TESTS_BENCH_CONTENDER_H

#include "namespace.h"
#include "stand.h"
#include "traffic.h"

struct contender {
	const char *name;
	size_t prefixes;	       /* 0: it knows none, and is measured beside all sizes */
	const struct namespace *place; /* where the stack is behind it; NULL: nothing is */
	bool egress;		       /* it has an egress program too */
	/* The program for the generator; STAND_EMPTY. */
	int (*program)(void *self, enum direction direction);
	/*
	 * So many packets were judged right so far: passed, or dropped for the right reason. NULL:
	 * nothing is judged.
	 */
	int (*count)(void *self, const struct traffic *traffic, struct failure *failure,
		     uint64_t *ret_packets);
	/* What it wants to have seen before the traffic is timed; NULL: nothing. */
	int (*prepare)(void *self, struct stand *stand, const struct traffic *traffic,
		       const struct generator_packet *packets, struct failure *failure);
	/* Why it can't be asked to judge this traffic, or NULL. The function may be NULL. */
	const char *(*refuses)(void *self, const struct traffic *traffic);
	void *self;
};

/* Program of those that judge in the stack; and of the floors, who know no prefixes either. */
int contender_empty_program(void *self, enum direction direction);

#endif
