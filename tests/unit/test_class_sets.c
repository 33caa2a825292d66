/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "class_index.h"
#include "class_sets.h"

static void test_equal_sets_are_one(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct class_sets *sets = class_sets_new(arena);
	const uint32_t some[] = {1, 4, 9};
	struct class_set set;

	assert_int_equal(class_sets_add(sets, NULL, 0), 0);
	assert_int_equal(class_sets_add(sets, some, 3), 1);
	assert_int_equal(class_sets_add(sets, some, 2), 2);
	assert_int_equal(class_sets_add(sets, some, 3), 1);
	assert_int_equal(class_sets_count(sets), 3);
	set = class_sets_get(sets, 1);
	assert_int_equal(set.count, 3);
	assert_memory_equal(set.items, some, sizeof(some));
}

static void test_one_more_number(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct class_sets *sets = class_sets_new(arena);
	const uint32_t some[] = {4, 9};
	const uint32_t more[] = {1, 4, 7, 9, 12};
	uint32_t set = class_sets_add(sets, some, 2);

	assert_int_equal(class_sets_with(sets, set, 4), set);
	set = class_sets_with(sets, set, 12);
	set = class_sets_with(sets, set, 1);
	set = class_sets_with(sets, set, 7);
	assert_int_equal(class_sets_with(sets, set, 12), set);
	assert_int_equal(class_sets_add(sets, more, 5), set);
	/* Another way to the same set, twice: the second is remembered. */
	for (int i = 0; i < 2; i++) {
		uint32_t other = class_sets_with(sets, 0, 9);

		for (int j = 3; j >= 0; j--)
			other = class_sets_with(sets, other, more[j]);
		other = class_sets_with(sets, other, 12);
		assert_int_equal(other, set);
	}
}

static void test_holders(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct class_sets *sets = class_sets_new(arena);
	const uint32_t first[] = {0, 2};
	const uint32_t second[] = {2, 4};
	struct class_holders holders;

	class_sets_add(sets, first, 2);
	class_sets_add(sets, second, 2);
	holders = class_sets_holders(sets, arena, 5);
	assert_int_equal(holders.start[1] - holders.start[0], 1);
	assert_int_equal(holders.items[holders.start[0]], 1);
	assert_int_equal(holders.start[2] - holders.start[1], 0);
	assert_int_equal(holders.start[3] - holders.start[2], 2);
	assert_int_equal(holders.items[holders.start[2]], 1);
	assert_int_equal(holders.items[holders.start[2] + 1], 2);
	assert_int_equal(holders.start[4] - holders.start[3], 0);
	assert_int_equal(holders.items[holders.start[4]], 2);
	assert_int_equal(holders.start[5], 4);
}

/* Numbers under one hash stay apart from those of its neighbours, however full it gets. */
static void test_index(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct class_index index = {0};
	uint32_t cursor = 0;
	uint32_t number;

	assert_false(class_index_next(&index, 7, &cursor, &number));
	for (uint32_t i = 0; i < 1000; i++)
		class_index_add(arena, &index, i / 2, i);
	for (uint32_t hash = 0; hash < 500; hash++) {
		uint32_t sum = 0;
		uint32_t count = 0;

		for (cursor = 0; class_index_next(&index, hash, &cursor, &number); count++)
			sum += number;
		assert_int_equal(count, 2);
		assert_int_equal(sum, 4 * hash + 1);
	}
	cursor = 0;
	assert_false(class_index_next(&index, 500, &cursor, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_sets_are_one),
		cmocka_unit_test(test_one_more_number),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
