/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_policy.h"

#include <netinet/in.h>

/* No flow of a bench may expire while it runs. */
#define TIMEOUT_MS DURATION_MS_MAX

const char *const bench_own_address[2] = {"192.0.2.10", "2001:db8::10"};

static struct prefix_list *own_addresses(struct arena *arena)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));

	for (int f = 0; f < 2; f++) {
		struct address address;
		struct prefix prefix;

		address_parse(bench_own_address[f], &address);
		prefix = prefix_of_address(&address);
		prefix_list_add(arena, list, &prefix);
	}
	prefix_list_normalize(list);
	return list;
}

static struct prefix_list *group(struct arena *arena, const struct population *population,
				 const size_t prefixes[2], size_t number)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));

	for (int f = 0; f < 2; f++)
		for (size_t i = number; i < prefixes[f]; i += BENCH_GROUPS)
			prefix_list_add(arena, list, &population->ordered[f].items[i]);
	prefix_list_normalize(list);
	return list;
}

uint8_t bench_protocol_of_rule(size_t in_rule)
{
	return in_rule % 2 ? IPPROTO_UDP : IPPROTO_TCP;
}

static void set_in_rule(struct arena *arena, struct rule *rule, size_t number)
{
	uint16_t first = (uint16_t)(BENCH_RULE_PORT_FIRST + number * BENCH_RULE_PORTS);
	struct match *match = arena_alloc(arena, sizeof(*match));

	rule->id = arena_printf(arena, "bench/in-%zu", number + 1);
	rule->direction = DIRECTION_IN;
	rule->match_count = 1;
	rule->matches = match;
	match->protocol = bench_protocol_of_rule(number);
	port_list_add(arena, &match->local_ports, first, (uint16_t)(first + BENCH_RULE_PORTS - 1));
	port_list_add(arena, &match->remote_ports, 0, 65535);
}

static void set_out_rule(struct arena *arena, struct rule *rule, size_t number)
{
	rule->id = arena_printf(arena, "bench/out-%zu", number + 1);
	rule->direction = DIRECTION_OUT;
	rule->match_count = 2;
	rule->matches = arena_alloc(arena, rule->match_count * sizeof(*rule->matches));
	for (size_t i = 0; i < rule->match_count; i++) {
		struct match *match = &rule->matches[i];

		match->protocol = i ? IPPROTO_UDP : IPPROTO_TCP;
		port_list_add(arena, &match->local_ports, 0, 65535);
		port_list_add(arena, &match->remote_ports, BENCH_SERVICE_PORT, BENCH_SERVICE_PORT);
	}
}

static void set_rules(struct arena *arena, struct host_policy *policy,
		      const struct prefix_list *local)
{
	policy->rule_count = BENCH_RULES;
	policy->rules = arena_alloc(arena, policy->rule_count * sizeof(*policy->rules));
	for (size_t i = 0; i < policy->rule_count; i++) {
		struct rule *rule = &policy->rules[i];
		size_t number = i < BENCH_IN_RULES ? i : i - BENCH_IN_RULES;

		if (i < BENCH_IN_RULES)
			set_in_rule(arena, rule, number);
		else
			set_out_rule(arena, rule, number);
		rule->from = "peer";
		rule->to = "self";
		rule->services = "bench";
		for (size_t m = 0; m < rule->match_count; m++) {
			rule->matches[m].local = local;
			rule->matches[m].remote = policy->peers[number % BENCH_GROUPS].addresses;
		}
	}
}

struct host_policy *bench_policy(struct arena *arena, const struct population *population,
				 const size_t prefixes[2])
{
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));
	const struct prefix_list *local = own_addresses(arena);

	policy->site = "bench";
	policy->own = *local;
	policy->mode[DIRECTION_IN] = MODE_ENFORCE;
	policy->mode[DIRECTION_OUT] = MODE_ENFORCE;
	policy->cross_check = CROSS_CHECK_DEFAULT;
	policy->link = link_settings_default();
	policy->flows = BENCH_FLOWS;
	policy->fragments = FRAGMENTS_DEFAULT;
	policy->icmp_errors_per_second = ICMP_ERRORS_PER_SECOND;
	policy->flow_share = BENCH_FLOWS / FLOW_PEER_SHARE;
	policy->fragment_timeout_ms = TIMEOUT_MS;
	for (int state = 0; state < FLOW_STATE_COUNT; state++)
		policy->timeout_ms[state] = TIMEOUT_MS;
	policy->peer_count = BENCH_GROUPS;
	policy->peers = arena_alloc(arena, policy->peer_count * sizeof(*policy->peers));
	for (size_t i = 0; i < policy->peer_count; i++) {
		policy->peers[i].role = arena_printf(arena, "bench/role-%zu", i + 1);
		policy->peers[i].addresses = group(arena, population, prefixes, i);
	}
	set_rules(arena, policy, local);
	return policy;
}
