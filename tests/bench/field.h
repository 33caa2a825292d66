/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everybody who is measured on the same packets: ours in both encodings and the peers, each with
 * the policy in each size, and the floors.
 */
#ifndef SALLYPORT_TESTS_BENCH_FIELD_H
#define SALLYPORT_TESTS_BENCH_FIELD_H

#include "peer.h"
#include "series.h"
#include "target.h"
#include "xdp_filter.h"

#define FIELD_ABSENT_MAX 8u

struct field_plan {
	const size_t *sizes; /* prefixes of each family */
	size_t size_count;
	size_t peers_up_to; /* bigger policies are for ours only */
	uint64_t seed;
};

struct field {
	struct field_plan plan;
	struct arena *arena;
	const struct population *population;
	struct stand *stand;
	struct target targets[SERIES_SIZES_MAX][2]; /* flat, maps */
	struct peer peers[SERIES_SIZES_MAX][PEER_KINDS];
	struct peer floor; /* the stack alone */
	struct peer own;   /* the same, behind our programs */
	struct xdp_filter xdp_filter;
	struct contender contenders[SERIES_CONTENDERS_MAX];
	size_t contender_count;
	const char *absent[FIELD_ABSENT_MAX]; /* who is not, and why */
	size_t absent_count;
};

/* Zeroed but for plan, arena, population and stand. What is half set up is taken down all the same.
 */
int field_set_up(struct field *field, struct failure *failure);
void field_take_down(struct field *field);

/* Whether our encodings agreed throughout. */
int field_check(const struct field *field, struct failure *failure);

#endif
