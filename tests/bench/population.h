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

enum population_kind {
	/*
	 * One prefix in two is a cloud's: lengths as in AWS's ip-ranges.json, most of them beside
	 * one that is there already, as allocations lie. The others are networks of offices and
	 * single hosts, anywhere.
	 */
	POPULATION_MIXED,
	POPULATION_CLOUD, /* clouds' prefixes alone */
	POPULATION_HOSTS, /* single hosts alone, anywhere: a list of offenders */
	POPULATION_KINDS,
};

extern const char *const population_names[POPULATION_KINDS];

struct population {
	struct arena *arena;
	struct prefix_list ordered[2]; /* IPv4, IPv6: any first part of it is a population too */
	struct prefix_list all[2];     /* the same, normalized */
};

/* prefixes: IPv4, IPv6; no prefix is in a list twice, though one may hold another. */
struct population *population_new(struct arena *arena, enum population_kind kind, uint64_t seed,
				  const size_t prefixes[2]);

/* An address in one of the first prefixes of its family; ret_prefix: which. */
struct address population_member(const struct population *population, struct random *random,
				 uint8_t family, size_t prefixes, size_t *ret_prefix);
/* An address in no prefix at all. */
struct address population_stranger(const struct population *population, struct random *random,
				   uint8_t family);

#endif
