/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One traffic, measured with everybody who can judge it: rounds in which all take turns, policy by
 * policy, each beside the floor on the same packets; then the medians. Every packet that was timed
 * is accounted for: one that was judged otherwise than it must be ends the bench.
 */
#ifndef SALLYPORT_TESTS_BENCH_SERIES_H
#define SALLYPORT_TESTS_BENCH_SERIES_H

#include "contender.h"
#include "results.h"

#define SERIES_CONTENDERS_MAX 64u
#define SERIES_SIZES_MAX      8u
#define SERIES_ROUNDS_MAX     31u

struct series {
	struct stand *stand;
	const struct population *population;
	uint64_t seed;
	unsigned rounds;
	uint32_t repeat;      /* packets of one timed run */
	uint32_t live_repeat; /* the same, where the stack is behind the program */
	const struct contender *contenders;
	size_t contender_count;
	const size_t *sizes; /* prefixes of each family: the policies */
	size_t size_count;
	bool shuffled; /* the packets in another order than they were drawn in */
};

/* Adds a result for each contender and size. 0 or -errno with what was found in failure. */
int series_measure(const struct series *series, const struct traffic *traffic,
		   struct results *results, struct failure *failure);

#endif
