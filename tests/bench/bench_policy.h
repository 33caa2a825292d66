/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy under test, with as many prefixes as asked for: fifty in rules, each for a group of
 * peers of its own, ten out rules, one own address of each family. A prefix is in one rule, so that
 * enforcers that want an element for each prefix and rule have as many as there are prefixes.
 */
#ifndef SALLYPORT_TESTS_BENCH_POLICY_H
#define SALLYPORT_TESTS_BENCH_POLICY_H

#include "host_policy.h"
#include "population.h"

enum {
	BENCH_IN_RULES = 50,
	BENCH_OUT_RULES = 10,
	BENCH_RULES = BENCH_IN_RULES + BENCH_OUT_RULES,
	BENCH_GROUPS = BENCH_IN_RULES, /* prefix i is in group i % BENCH_GROUPS */
	BENCH_FLOWS = 1 << 18,
	/* In rule i serves group i, by UDP if i is odd; out rule i is for group i. */
	BENCH_RULE_PORT_FIRST = 10000,
	BENCH_RULE_PORTS = 100,
	BENCH_CLOSED_PORT_FIRST = 20000, /* up to 29999 */
	BENCH_SERVICE_PORT = 5061,	 /* of the out rules' groups, by TCP and UDP */
};

extern const char *const bench_own_address[2]; /* IPv4, IPv6 */

/* prefixes: so many of the first, IPv4 and IPv6. In the arena. */
struct host_policy *bench_policy(struct arena *arena, const struct population *population,
				 const size_t prefixes[2]);
uint8_t bench_protocol_of_rule(size_t in_rule);

#endif
