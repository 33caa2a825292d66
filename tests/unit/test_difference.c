/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * difference_find beside a plain question asked of both policies: for random policies and random
 * openers, an opener is in `allowed` if and only if the second policy alone lets it pass, and so
 * on; and in one permit only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "difference.h"

#define RULES	 12
#define ROUNDS	 60
#define OPENERS	 3000
#define PORT_MAX 40u

struct opener {
	enum direction direction;
	uint8_t protocol;
	struct address local, remote;
	uint16_t local_port, remote_port;
};

/* Numerical Recipes' generator: the same on every machine. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static struct address random_address(uint32_t *seed)
{
	struct address address = {4, {192, 0, 2, (uint8_t)(next_random(seed) % 32)}};

	if (next_random(seed) % 4 == 0)
		address = (struct address){
			6, {0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(next_random(seed) % 32)}};
	return address;
}

static const struct prefix_list *random_prefixes(struct arena *arena, uint32_t *seed)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));

	for (unsigned i = 0; i < 1 + next_random(seed) % 3; i++) {
		struct address address = random_address(seed);
		struct prefix prefix = prefix_of_address(&address);
		unsigned last = address.family == 4 ? 3 : 15;
		unsigned cut = next_random(seed) % 4;

		prefix.length = (uint8_t)(prefix.length - cut);
		prefix.address.bytes[last] &= (uint8_t)(0xff << cut);
		prefix_list_add(arena, list, &prefix);
	}
	prefix_list_normalize(list);
	return list;
}

static struct port_list random_ports(struct arena *arena, uint32_t *seed)
{
	struct port_list list = {0};

	for (unsigned i = 0; i < 1 + next_random(seed) % 2; i++) {
		uint16_t first = (uint16_t)(next_random(seed) % PORT_MAX);

		port_list_add(arena, &list, first, (uint16_t)(first + next_random(seed) % 8));
	}
	if (next_random(seed) % 4 == 0)
		port_list_add(arena, &list, 0, UINT16_MAX);
	port_list_normalize(&list);
	return list;
}

static struct host_policy *random_policy(struct arena *arena, uint32_t *seed)
{
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));

	policy->rules = arena_alloc(arena, RULES * sizeof(*policy->rules));
	policy->rule_count = RULES;
	for (size_t i = 0; i < RULES; i++) {
		struct rule *rule = &policy->rules[i];

		rule->id = arena_printf(arena, "rule-%zu", i);
		rule->direction = (enum direction)(next_random(seed) % 2);
		rule->match_count = 1 + next_random(seed) % 2;
		rule->matches = arena_alloc(arena, rule->match_count * sizeof(*rule->matches));
		for (size_t j = 0; j < rule->match_count; j++)
			rule->matches[j] = (struct match){
				.protocol = next_random(seed) % 3 ? IPPROTO_TCP : IPPROTO_UDP,
				.local_ports = random_ports(arena, seed),
				.remote_ports = random_ports(arena, seed),
				.local =
					next_random(seed) % 6 ? random_prefixes(arena, seed) : NULL,
				.remote = random_prefixes(arena, seed),
			};
	}
	return policy;
}

static bool match_has(const struct match *match, const struct opener *opener)
{
	return match->protocol == opener->protocol &&
	       port_list_contains(&match->local_ports, opener->local_port) &&
	       port_list_contains(&match->remote_ports, opener->remote_port) &&
	       (!match->local || prefix_list_contains(match->local, &opener->local)) &&
	       prefix_list_contains(match->remote, &opener->remote);
}

static bool policy_has(const struct host_policy *policy, const struct opener *opener)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		for (size_t j = 0; j < rule->match_count; j++) {
			if (rule->direction == opener->direction &&
			    match_has(&rule->matches[j], opener))
				return true;
		}
	}
	return false;
}

static unsigned permits_with(const permit_list *permits, const struct opener *opener)
{
	unsigned count = 0;

	list_for_each (permit, permits)
		count += permit->rule->direction == opener->direction &&
			 match_has(&permit->match, opener);
	return count;
}

static struct opener random_opener(uint32_t *seed)
{
	return (struct opener){
		.direction = (enum direction)(next_random(seed) % 2),
		.protocol = next_random(seed) % 2 ? IPPROTO_TCP : IPPROTO_UDP,
		.local = random_address(seed),
		.remote = random_address(seed),
		.local_port = (uint16_t)(next_random(seed) % (PORT_MAX + 10)),
		.remote_port = (uint16_t)(next_random(seed) % (PORT_MAX + 10)),
	};
}

static void random_policies_differ_exactly(void **state)
{
	uint32_t seed = 4711;
	unsigned differing = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct arena *arena = arena_new();
		struct host_policy *before = random_policy(arena, &seed);
		struct host_policy *after = random_policy(arena, &seed);
		struct difference difference;

		/* Most of the two is the same, as between two versions of a site. */
		for (size_t i = 0; i < RULES; i++) {
			if (next_random(&seed) % 2)
				after->rules[i] = before->rules[i];
		}
		difference_find(arena, before, after, &difference);
		for (unsigned i = 0; i < OPENERS; i++) {
			struct opener opener = random_opener(&seed);
			bool old = policy_has(before, &opener), new = policy_has(after, &opener);

			assert_int_equal(permits_with(&difference.allowed, &opener), new && !old);
			assert_int_equal(permits_with(&difference.denied, &opener), old && !new);
			differing += old != new;
		}
		arena_free(arena);
	}
	assert_true(differing > 1000);
}

/* The same packets in other rules, cut in another way, are no difference. */
static void another_cut_is_no_difference(void **state)
{
	struct arena *arena = arena_new();
	uint32_t seed = 1;
	struct host_policy *before = random_policy(arena, &seed), after = *before;
	struct difference difference;
	struct rule halves[RULES * 2];

	for (size_t i = 0; i < RULES; i++) {
		halves[i] = halves[RULES + i] = before->rules[RULES - 1 - i];
		halves[i].id = "lower";
		halves[i].matches = arena_alloc(arena, 2 * sizeof(struct match));
		halves[RULES + i].matches = arena_alloc(arena, 2 * sizeof(struct match));
		for (size_t j = 0; j < halves[i].match_count; j++) {
			const struct match *whole = &before->rules[RULES - 1 - i].matches[j];
			struct match *lower = &halves[i].matches[j];
			struct match *upper = &halves[RULES + i].matches[j];

			*lower = *upper = *whole;
			lower->local_ports = upper->local_ports = (struct port_list){0};
			list_for_each (range, &whole->local_ports) {
				uint16_t middle = (uint16_t)((range->first + range->last) / 2);

				port_list_add(arena, &lower->local_ports, range->first, middle);
				if (middle < range->last)
					port_list_add(arena, &upper->local_ports,
						      (uint16_t)(middle + 1), range->last);
			}
		}
	}
	after.rules = halves;
	after.rule_count = RULES * 2;
	difference_find(arena, before, &after, &difference);
	assert_true(difference_is_empty(&difference));
	arena_free(arena);
}

static void a_host_of_one_site_only_differs_by_all_its_rules(void **state)
{
	struct arena *arena = arena_new();
	uint32_t seed = 2;
	struct host_policy *policy = random_policy(arena, &seed);
	struct difference difference;

	difference_find(arena, NULL, policy, &difference);
	assert_true(difference.allowed.count > 0);
	assert_int_equal(difference.denied.count, 0);
	difference_find(arena, policy, NULL, &difference);
	assert_int_equal(difference.allowed.count, 0);
	assert_true(difference.denied.count > 0);
	arena_free(arena);
}

static void settings_are_differences_too(void **state)
{
	struct arena *arena = arena_new();
	struct host_policy before = {.mode = {MODE_ENFORCE, MODE_ENFORCE}};
	struct host_policy after = {.mode = {MODE_ENFORCE, MODE_AUDIT}, .dhcp = true};
	struct difference difference;

	difference_find(arena, &before, &after, &difference);
	assert_int_equal(difference.settings.count, 2);
	assert_string_equal(difference.settings.items[0].name, "mode out");
	assert_string_equal(difference.settings.items[0].before, "enforce");
	assert_string_equal(difference.settings.items[0].after, "audit");
	assert_string_equal(difference.settings.items[1].name, "dhcp");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_policies_differ_exactly),
		cmocka_unit_test(another_cut_is_no_difference),
		cmocka_unit_test(a_host_of_one_site_only_differs_by_all_its_rules),
		cmocka_unit_test(settings_are_differences_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
