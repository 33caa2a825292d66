/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy under test, with as many prefixes as asked for: fifty in rules, ten out rules, ten
 * groups of peers, one own address of each family.
 */
#ifndef SALLYPORT_TESTS_BENCH_POLICY_H
#define SALLYPORT_TESTS_BENCH_POLICY_H

#include "host_policy.h"
#include "population.h"

enum {
	BENCH_IN_RULES = 50,
	BENCH_OUT_RULES = 10,
	BENCH_RULES = BENCH_IN_RULES + BENCH_OUT_RULES,
	BENCH_GROUPS = 10, /* prefix i is in group i % BENCH_GROUPS */
	BENCH_FLOWS = 1 << 18,
	/* In rule i serves group i % BENCH_GROUPS, by UDP if i / BENCH_GROUPS is odd. */
	BENCH_RULE_PORT_FIRST = 10000,
	BENCH_RULE_PORTS = 100,
	BENCH_CLOSED_PORT_FIRST = 20000, /* up to 29999 */
	BENCH_SERVICE_PORT = 5061, /* of every group, by TCP and UDP, to this host's openings */
};

extern const char *const bench_own_address[2]; /* IPv4, IPv6 */

/* In the arena. */
struct host_policy *bench_policy(struct arena *arena, const struct population *population,
				 size_t prefixes);

#endif
