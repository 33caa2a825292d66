/* SPDX-License-Identifier: BSD-2-Clause */
/* Counter slots: who gets which, who keeps which, and that no count is lost when one is reused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slots.h"

#include <cmocka.h> /* after failure.h: it makes fail a macro */

struct bench {
	struct arena *arena;
	struct slots slots;
	struct live_slots live;
	struct failure failure;
	struct slot_assignment assignment;
};

static int bench_open(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->arena = arena_new();
	bench->slots.arena = bench->arena;
	*state = bench;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *bench = *state;

	arena_free(bench->arena);
	free(bench);
	return 0;
}

/* Rules PREFIX-0 ... PREFIX-(count-1), all in. */
static struct rule *rules(struct bench *bench, const char *prefix, size_t count)
{
	struct rule *list = arena_alloc(bench->arena, count * sizeof(*list));

	for (size_t i = 0; i < count; i++) {
		list[i].id = arena_printf(bench->arena, "test/%s-%zu", prefix, i);
		list[i].direction = DIRECTION_IN;
	}
	return list;
}

static int assign(struct bench *bench, const struct rule *list, size_t count, uint32_t generation)
{
	const struct slot_request request = {
		.rules = list,
		.rule_count = count,
		.live = &bench->live,
		.generation = generation,
	};

	memset(&bench->assignment, 0, sizeof(bench->assignment));
	return slots_assign(&bench->slots, &request, &bench->failure, &bench->assignment);
}

/* What was assigned is now in force, and nothing else. */
static void go_live(struct bench *bench, size_t count)
{
	memset(&bench->live, 0, sizeof(bench->live));
	for (size_t i = 0; i < count; i++)
		bench->live.used[bench->assignment.rules[i]] = true;
}

static void test_stable(void **state)
{
	struct bench *bench = *state;
	struct rule *list = rules(bench, "a", 3);
	uint16_t first[3];

	assert_int_equal(assign(bench, list, 3, 1), 0);
	memcpy(first, bench->assignment.rules, sizeof(first));
	for (int i = 0; i < 3; i++) {
		assert_int_not_equal(first[i], 0);
		assert_int_not_equal(first[i], first[(i + 1) % 3]);
	}
	go_live(bench, 3);
	/* Another order, and one that left and came back. */
	struct rule other[2] = {list[2], list[0]};

	assert_int_equal(assign(bench, other, 2, 2), 0);
	assert_int_equal(bench->assignment.rules[0], first[2]);
	assert_int_equal(bench->assignment.rules[1], first[0]);
	go_live(bench, 2);
	assert_int_equal(assign(bench, list, 3, 3), 0);
	assert_memory_equal(bench->assignment.rules, first, sizeof(first));
	assert_int_equal(bench->assignment.freed.count, 0);
}

static void test_directions_are_apart(void **state)
{
	struct bench *bench = *state;
	struct rule list[2] = {
		{.id = "test/same", .direction = DIRECTION_IN},
		{.id = "test/same", .direction = DIRECTION_OUT},
	};

	assert_int_equal(assign(bench, list, 2, 1), 0);
	assert_int_not_equal(bench->assignment.rules[0], bench->assignment.rules[1]);
}

static void test_all_slots_are_used(void **state)
{
	struct bench *bench = *state;
	const size_t count = RULE_SLOTS_MAX - 1;
	bool seen[RULE_SLOTS_MAX] = {0};

	assert_int_equal(assign(bench, rules(bench, "a", count), count, 1), 0);
	for (size_t i = 0; i < count; i++) {
		assert_in_range(bench->assignment.rules[i], 1, RULE_SLOTS_MAX - 1);
		assert_false(seen[bench->assignment.rules[i]]);
		seen[bench->assignment.rules[i]] = true;
	}
	assert_int_equal(assign(bench, rules(bench, "b", count + 1), count + 1, 2), -ENOSPC);
	assert_non_null(strstr(bench->failure.message, "RULE_SLOTS_MAX"));
}

static void test_live_slots_are_never_reused(void **state)
{
	struct bench *bench = *state;
	const size_t half = RULE_SLOTS_MAX / 2;

	assert_int_equal(assign(bench, rules(bench, "a", half), half, 1), 0);
	go_live(bench, half);
	/* 2,048 live, 2,047 free. */
	assert_int_equal(assign(bench, rules(bench, "b", half), half, 2), -ENOSPC);
}

static void test_the_longest_gone_lose(void **state)
{
	struct bench *bench = *state;
	const size_t third = RULE_SLOTS_MAX / 4;
	struct rule *a = rules(bench, "a", third), *b = rules(bench, "b", third);
	uint16_t slot_of_b0;

	assert_int_equal(assign(bench, a, third, 1), 0);
	go_live(bench, third);
	assert_int_equal(assign(bench, b, third, 2), 0);
	slot_of_b0 = bench->assignment.rules[0];
	go_live(bench, third);
	assert_int_equal(assign(bench, rules(bench, "c", third), third, 3), 0);
	go_live(bench, third);
	assert_int_equal(bench->assignment.freed.count, 0);
	/* 1,023 are free, for 1,025 rules: two of a lose theirs, none of b. */
	assert_int_equal(assign(bench, rules(bench, "d", third + 1), third + 1, 4), 0);
	assert_int_equal(bench->assignment.freed.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct rule_slot_entry *freed = &bench->assignment.freed.items[i];

		assert_memory_equal(freed->key.id, "test/a-", 7);
		assert_false(bench->live.used[freed->value.slot]);
	}
	go_live(bench, third + 1);
	assert_int_equal(assign(bench, b, 1, 5), 0);
	assert_int_equal(bench->assignment.rules[0], slot_of_b0);
}

static void test_rule_ids_are_bounded(void **state)
{
	struct bench *bench = *state;
	const size_t count = RULE_SLOTS_MAX - 1;
	char name[16];
	int result = 0;
	uint32_t round;

	for (round = 1; result == 0 && round < 10; round++) {
		snprintf(name, sizeof(name), "r%u", round);
		result = assign(bench, rules(bench, name, count), count, round);
		memset(&bench->live, 0, sizeof(bench->live));
	}
	assert_int_equal(result, -ENOSPC);
	assert_int_equal(round - 1, RULE_IDS_MAX / count + 1);
	assert_non_null(strstr(bench->failure.message, "RULE_IDS_MAX"));
}

static void test_roles_share_the_last(void **state)
{
	struct bench *bench = *state;
	const size_t count = ROLE_SLOTS_MAX + 5;
	const char **roles = arena_alloc(bench->arena, count * sizeof(*roles));
	bool seen[ROLE_SLOTS_MAX] = {0};

	for (size_t i = 0; i < count; i++)
		roles[i] = arena_printf(bench->arena, "test/role-%zu", i);
	const struct slot_request request = {
		.roles = roles,
		.role_count = count,
		.live = &bench->live,
		.generation = 1,
	};

	assert_int_equal(slots_assign(&bench->slots, &request, &bench->failure, &bench->assignment),
			 0);
	for (size_t i = 0; i < ROLE_SLOTS_MAX - 2; i++) {
		assert_in_range(bench->assignment.roles[i], 2, ROLE_SLOTS_MAX - 1);
		assert_false(seen[bench->assignment.roles[i]]);
		seen[bench->assignment.roles[i]] = true;
	}
	for (size_t i = ROLE_SLOTS_MAX - 2; i < count; i++)
		assert_int_equal(bench->assignment.roles[i], ROLE_SLOT_OTHER);
	assert_int_equal(bench->assignment.roles_without, 7);
}

/* ------------------------------------------------------------ with maps -------------------------
 */

struct maps {
	int rule_slots;
	struct rule_counters counters;
};

static int make_map(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries,
		    uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);

	return bpf_map_create(type, "test_slots", key, value, entries, &options);
}

static void maps_open(struct maps *maps)
{
	*maps = (struct maps){
		make_map(BPF_MAP_TYPE_HASH, sizeof(struct rule_key), sizeof(struct rule_slot),
			 RULE_IDS_MAX, BPF_F_NO_PREALLOC),
		{
			make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct counter),
				 RULE_SLOTS_MAX, 0),
			make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct counter),
				 RULE_SLOTS_MAX, 0),
			make_map(BPF_MAP_TYPE_HASH, sizeof(struct rule_key),
				 sizeof(struct rule_base), RULE_IDS_MAX, BPF_F_NO_PREALLOC),
		}};
	/* Needs CAP_BPF. */
	if (maps->rule_slots < 0) {
		print_message("no map can be made here: that takes CAP_BPF\n");
		skip();
	}
	assert_true(maps->counters.receive_rules >= 0 && maps->counters.transmit_rules >= 0 &&
		    maps->counters.rule_bases >= 0);
}

static void maps_close(struct maps *maps)
{
	close(maps->rule_slots);
	close(maps->counters.receive_rules);
	close(maps->counters.transmit_rules);
	close(maps->counters.rule_bases);
}

/* Every CPU counted so many packets of ten bytes. */
static void count(int fd, uint32_t slot, uint64_t packets)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc((size_t)cpus, sizeof(*values));

	for (int i = 0; i < cpus; i++)
		values[i] = (struct counter){packets, packets * 10};
	assert_int_equal(bpf_map_update_elem(fd, &slot, values, BPF_ANY), 0);
	free(values);
}

static struct rule_base total(const struct maps *maps, const struct rule_key *key, uint32_t slot)
{
	struct rule_base base;

	assert_int_equal(slots_rule_total(&maps->counters, key, slot, &base), 0);
	return base;
}

static void test_registry_round_trip(void **state)
{
	struct bench *bench = *state;
	struct rule *list = rules(bench, "a", 50);
	struct slots again;
	struct maps maps;
	uint16_t first[50];

	maps_open(&maps);
	assert_int_equal(assign(bench, list, 50, 1), 0);
	memcpy(first, bench->assignment.rules, sizeof(first));
	assert_int_equal(slots_store(&bench->slots, maps.rule_slots, -1, &bench->failure), 0);
	assert_int_equal(slots_read(bench->arena, maps.rule_slots, -1, &bench->failure, &again), 0);
	assert_int_equal(again.rules.count, 50);
	bench->slots = again;
	assert_int_equal(assign(bench, list, 50, 2), 0);
	assert_memory_equal(bench->assignment.rules, first, sizeof(first));
	maps_close(&maps);
}

static void test_fold(void **state)
{
	struct bench *bench = *state;
	struct rule_key key = slots_rule_key(rules(bench, "a", 1));
	uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();
	struct maps maps;

	maps_open(&maps);
	count(maps.counters.receive_rules, 7, 5);
	count(maps.counters.transmit_rules, 7, 3);
	assert_int_equal(total(&maps, &key, 7).received.packets, 5 * cpus);
	assert_int_equal(slots_fold(&maps.counters, &key, 7, &bench->failure), 0);
	assert_int_equal(total(&maps, &key, 0).received.packets, 5 * cpus);
	assert_int_equal(total(&maps, &key, 0).received.bytes, 50 * cpus);
	assert_int_equal(total(&maps, &key, 0).transmitted.packets, 3 * cpus);
	/* The slot starts at zero, and another one adds to the base. */
	assert_int_equal(total(&maps, &key, 7).received.packets, 5 * cpus);
	count(maps.counters.receive_rules, 9, 1);
	assert_int_equal(total(&maps, &key, 9).received.packets, 6 * cpus);
	assert_int_equal(slots_fold(&maps.counters, &key, 9, &bench->failure), 0);
	assert_int_equal(total(&maps, &key, 0).received.packets, 6 * cpus);
	maps_close(&maps);
}

/* Killed after the sum was written and before the counters were zeroed. */
static void test_fold_is_finished(void **state)
{
	struct bench *bench = *state;
	struct rule *list = rules(bench, "a", 1);
	struct rule_key key = slots_rule_key(list);
	uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();
	struct rule_base base = {.received = {5 * cpus, 50 * cpus}, .folding = 1};
	struct maps maps;
	uint32_t slot;

	maps_open(&maps);
	assert_int_equal(assign(bench, list, 1, 1), 0);
	slot = bench->assignment.rules[0];
	count(maps.counters.receive_rules, slot, 5);
	assert_int_equal(bpf_map_update_elem(maps.counters.rule_bases, &key, &base, BPF_ANY), 0);
	assert_int_equal(total(&maps, &key, slot).received.packets, 5 * cpus);
	assert_int_equal(slots_fold_finish(&maps.counters, &bench->slots, &bench->failure), 0);
	assert_int_equal(total(&maps, &key, slot).received.packets, 5 * cpus);
	assert_int_equal(total(&maps, &key, slot).folding, 0);
	maps_close(&maps);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)
	const struct CMUnitTest tests[] = {
		TEST(test_stable),
		TEST(test_directions_are_apart),
		TEST(test_all_slots_are_used),
		TEST(test_live_slots_are_never_reused),
		TEST(test_the_longest_gone_lose),
		TEST(test_rule_ids_are_bounded),
		TEST(test_roles_share_the_last),
		TEST(test_registry_round_trip),
		TEST(test_fold),
		TEST(test_fold_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
