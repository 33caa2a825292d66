/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's own judgement: a figure of a packet that was judged otherwise than it must be is
 * no figure. (That it runs at all is tested in tests/net.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/goals.h"
#include "../bench/peer.h"
#include "../bench/series.h"
#include "../bench/target.h"

/* Behind failure.h: its own fail() is the one that is meant here. */
#include <cmocka.h>

#define PREFIXES 50u

struct fixture {
	struct arena *arena;
	struct population *population;
	struct stand *stand;
	struct target target;
	struct results results;
};

static const size_t prefixes[2] = {PREFIXES, PREFIXES};

/* The programs with a policy for the peers of one seed. */
static struct fixture *fixture_new(uint64_t seed_of_policy, uint64_t seed_of_traffic,
				   enum lookup lookup)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct diagnostics *diagnostics = diagnostics_new();
	struct failure failure = {""};
	struct population *other;
	struct tables *tables;
	const struct host_policy *policy;

	fixture->arena = fixture->results.arena = arena_new();
	fixture->population =
		population_new(fixture->arena, POPULATION_MIXED, seed_of_traffic, prefixes);
	other = population_new(fixture->arena, POPULATION_HOSTS, seed_of_policy, prefixes);
	policy = bench_policy(fixture->arena,
			      seed_of_policy == seed_of_traffic ? fixture->population : other,
			      prefixes);
	assert_int_equal(compile(policy, diagnostics, &tables), 0);
	diagnostics_free(diagnostics);
	assert_int_equal(stand_new(bench_own_address, &failure, &fixture->stand), 0);
	assert_int_equal(target_load(&fixture->target, policy, tables, lookup, &failure), 0);
	tables_free(tables);
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	target_unload(&fixture->target);
	stand_free(fixture->stand);
	arena_free(fixture->arena);
	free(fixture);
}

static int measure(struct fixture *fixture, const struct contender *contender, uint8_t family,
		   enum traffic_kind kind, struct failure *failure)
{
	static const size_t sizes[] = {PREFIXES};
	const struct contender contenders[] = {
		{.name = "XDP floor", .egress = true, .program = contender_empty_program},
		*contender,
	};
	const struct series series = {
		.stand = fixture->stand,
		.population = fixture->population,
		.seed = 7,
		.rounds = 1,
		.repeat = 4096,
		.live_repeat = 4096,
		.contenders = contenders,
		.contender_count = 2,
		.sizes = sizes,
		.size_count = 1,
	};
	const struct traffic traffic = {
		.name = "traffic",
		.kind = kind,
		.direction = DIRECTION_IN,
		.family = family,
		.packets = 1024,
	};

	return series_measure(&series, &traffic, &fixture->results, failure);
}

/* ---- verdicts ---- */

static void test_right_verdicts_are_measured(void **state)
{
	for (int lookup = LOOKUP_MAPS; lookup <= LOOKUP_FLAT; lookup++)
		for (uint8_t family = 4; family <= 6; family += 2) {
			struct fixture *fixture = fixture_new(1, 1, lookup);
			struct contender ours = target_contender(&fixture->target, PREFIXES, NULL);
			struct failure failure = {""};
			int error = measure(fixture, &ours, family, TRAFFIC_SERVED, &failure);

			if (!error)
				error = measure(fixture, &ours, family, TRAFFIC_STRANGER, &failure);
			if (error)
				fail_msg("%s", failure.message);
			/* The floor's and ours, of both. */
			assert_int_equal(fixture->results.list.count, 4);
			fixture_free(fixture);
		}
}

/* Somebody else's peers: what must pass is dropped, and fast. */
static void test_an_empty_table_is_no_figure(void **state)
{
	struct fixture *fixture = fixture_new(2, 1, LOOKUP_FLAT);
	struct contender ours = target_contender(&fixture->target, PREFIXES, NULL);
	struct failure failure = {""};

	assert_int_equal(measure(fixture, &ours, 4, TRAFFIC_SERVED, &failure), -EPROTO);
	assert_non_null(strstr(failure.message, "flat with 50 prefixes"));
	assert_non_null(strstr(failure.message, "must be passed, 0 were"));
	/* The floor alone: it judges nothing. */
	assert_int_equal(fixture->results.list.count, 1);
	fixture_free(fixture);
}

/* Most of them right is not right. */
static int count_one_less(void *self, const struct traffic *traffic, struct failure *failure,
			  uint64_t *ret_packets)
{
	uint64_t *calls = self;

	/* The run before it is timed, and the timed one. */
	*ret_packets = (*calls)++ ? 4096 * 2 - 1 : 0;
	return 0;
}

static void test_one_wrong_verdict_is_found(void **state)
{
	struct fixture *fixture = fixture_new(1, 1, LOOKUP_FLAT);
	uint64_t calls = 0;
	const struct contender liar = {
		.name = "liar",
		.prefixes = PREFIXES,
		.program = contender_empty_program,
		.count = count_one_less,
		.self = &calls,
	};
	struct failure failure = {""};

	assert_int_equal(measure(fixture, &liar, 4, TRAFFIC_SERVED, &failure), -EPROTO);
	assert_non_null(strstr(failure.message, "of 8192 packets that must be passed, 8191 were"));
	fixture_free(fixture);
}

/* In the stack: a namespace that lets everything pass is no firewall. */
static void test_a_peer_that_drops_nothing_is_found(void **state)
{
	struct fixture *fixture = fixture_new(1, 1, LOOKUP_FLAT);
	struct peer peer = {0};
	struct failure failure = {""};
	struct contender contender;

	if (peer_missing(PEER_NONE)) {
		fixture_free(fixture);
		print_message("the stack can't be measured here: %s\n", peer_missing(PEER_NONE));
		skip();
	}
	assert_int_equal(peer_load(&peer, PEER_NONE, NULL, fixture->stand, &failure), 0);
	contender = peer_contender(&peer, PREFIXES);
	if (measure(fixture, &contender, 4, TRAFFIC_SERVED, &failure))
		fail_msg("%s", failure.message);
	/* The same packets, but now they are to be dropped where nobody counts drops. */
	peer.kind = PEER_IPSET;
	assert_int_not_equal(measure(fixture, &contender, 4, TRAFFIC_STRANGER, &failure), 0);
	peer_unload(&peer);
	fixture_free(fixture);
}

/* ---- goals ---- */

static const struct goal *goal_with(const struct goals *goals, const char *text)
{
	for (size_t i = 0; i < goals->list.count; i++)
		if (strcmp(goals->list.items[i].text, text) == 0)
			return &goals->list.items[i];
	fail_msg("no goal \"%s\"", text);
	return NULL;
}

static void add_result(struct results *results, const char *contender, int32_t net)
{
	struct result *result = arena_push(results->arena, &results->list);

	*result = (struct result){
		.contender = contender,
		.way = WAY_PROGRAM,
		.prefixes = 50,
		.traffic = {.kind = TRAFFIC_SERVED, .family = 4, .packets = 1024},
		.total = (uint32_t)(net + 25),
		.net = net,
	};
}

static void test_goals_are_met_or_not(void **state)
{
	static const char decision[] = "full decision, pass, 50 rules, IPv4";
	static const char ratio[] = "`maps` against `flat`, 50 prefixes";
	const struct rebuild_figures none = {0};
	const struct reload_figures no_reloads = {0};

	for (int32_t net = 15; net <= 16; net++) {
		struct arena *arena = arena_new();
		struct results results = {.arena = arena};
		struct goals goals = {.arena = arena};

		add_result(&results, "flat", net);
		add_result(&results, "maps", 90);
		goals_judge(&results, &none, &no_reloads, &goals);
		assert_int_equal(goal_is_met(goal_with(&goals, decision)), net == 15);
		/* 90 / 15 is 6. */
		assert_int_equal(goal_is_met(goal_with(&goals, ratio)), net == 15);
		/* What was not measured is not met. */
		assert_false(goal_is_met(goal_with(&goals, "one warm packet, IPv4")));
		assert_non_null(goal_with(&goals, "one warm packet, IPv4")->why_not);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_verdicts_are_measured),
		cmocka_unit_test(test_an_empty_table_is_no_figure),
		cmocka_unit_test(test_one_wrong_verdict_is_found),
		cmocka_unit_test(test_a_peer_that_drops_nothing_is_found),
		cmocka_unit_test(test_goals_are_met_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
