/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who lives where: the prefixes of the policies under test, and addresses in and out of them. They
 * are drawn from all of the unicast space, since what a look-up costs depends on how they lie;
 * nothing is ever sent to them.
 */
#ifndef SALLYPORT_TESTS_BENCH_POPULATION_H
#define SALLYPORT_TESTS_BENCH_POPULATION_H

#include "address.h"
#include "../differential/random.h"

struct population {
	struct arena *arena;
	struct prefix_list ordered[2]; /* IPv4, IPv6: any first part of it is a population too */
	struct prefix_list all[2];     /* the same, normalized */
};

/* prefixes: of each family. */
struct population *population_new(struct arena *arena, uint64_t seed, size_t prefixes);

/* An address in one of the first prefixes of its family; ret_prefix: which. */
struct address population_member(const struct population *population, struct random *random,
				 uint8_t family, size_t prefixes, size_t *ret_prefix);
/* An address in no prefix at all. */
struct address population_stranger(const struct population *population, struct random *random,
				   uint8_t family);

#endif
