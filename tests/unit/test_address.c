/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct prefix_list list_of(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);
	struct prefix_list list = {0};
	struct prefix prefix;
	char *rest = NULL;

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(prefix_parse(word, &prefix));
		prefix_list_add(arena, &list, &prefix);
	}
	return list;
}

static const char *text_of(struct arena *arena, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	list_for_each (prefix, list) {
		text = arena_printf(arena, "%s%s%s", text, *text ? " " : "",
				    prefix_format(prefix, buffer));
	}
	return text;
}

static void test_parses_and_formats(void **state)
{
	static const struct {
		const char *text;
		const char *canonical; /* NULL: no prefix */
	} rows[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"10.0.0.1/32", "10.0.0.1"},
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2 */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},	  /* 4.2.3 */
		{"2001:db8::/32", "2001:db8::/32"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"}, /* 5 */
		{"10.0.0.1/8", NULL},
		{"2001:db8::1/64", NULL},
		{"10.0.0.0/33", NULL},
		{"::/129", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/08", NULL},
		{"10.0.0.0/8 ", NULL},
		{"10.0.0.0/+8", NULL},
		{"/8", NULL},
		{"", NULL},
		{"10.0.0", NULL},
		{"010.0.0.1", NULL},
		{"10.0.0.256", NULL},
		{"fe80::1%eth0", NULL},
		{"2001:db8::1::", NULL},
	};
	char buffer[ADDRESS_TEXT_MAX];
	struct prefix prefix;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool parsed = prefix_parse(rows[i].text, &prefix);

		if (parsed != (rows[i].canonical != NULL))
			fail_msg("%s: parsed %d", rows[i].text, parsed);
		if (parsed)
			assert_string_equal(prefix_format(&prefix, buffer), rows[i].canonical);
	}
}

static void test_loose_parsing_clears_host_bits(void **state)
{
	char buffer[ADDRESS_TEXT_MAX];
	struct prefix prefix;

	assert_true(prefix_parse_loosely("10.1.2.3/12", &prefix));
	assert_string_equal(prefix_format(&prefix, buffer), "10.0.0.0/12");
	assert_true(prefix_parse_loosely("2001:db8::ffff/127", &prefix));
	assert_string_equal(prefix_format(&prefix, buffer), "2001:db8::fffe/127");
	assert_false(prefix_parse_loosely("10.1.2.3/x", &prefix));
}

static void test_covering(void **state)
{
	struct address inside;
	struct address outside;
	struct prefix outer;
	struct prefix inner;

	assert_true(prefix_parse("10.0.0.0/9", &outer));
	assert_true(prefix_parse("10.127.255.255", &inner));
	assert_true(address_parse("10.127.255.255", &inside));
	assert_true(address_parse("10.128.0.0", &outside));
	assert_true(prefix_contains(&outer, &inside));
	assert_false(prefix_contains(&outer, &outside));
	assert_true(prefix_covers(&outer, &inner));
	assert_false(prefix_covers(&inner, &outer));
	assert_true(prefix_is_single(&inner));
	assert_false(prefix_is_single(&outer));
	/* Families never meet, whatever their bits are. */
	assert_true(prefix_parse("::/0", &outer));
	assert_false(prefix_contains(&outer, &inside));
	assert_true(prefix_compare(&inner, &outer) < 0);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *first;
		const char *last;
		const char *prefixes;
	} rows[] = {
		{"10.0.0.1", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.0", "10.0.0.255", "10.0.0.0/24"},
		{"10.0.0.1", "10.0.0.6", "10.0.0.1 10.0.0.2/31 10.0.0.4/31 10.0.0.6"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"255.255.255.254", "255.255.255.255", "255.255.255.254/31"},
		{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"},
		{"2001:db8::fffe", "2001:db8::1:0", "2001:db8::fffe/127 2001:db8::1:0"},
	};
	struct arena *arena = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix_list list = {0};
		struct address first;
		struct address last;

		assert_true(address_parse(rows[i].first, &first));
		assert_true(address_parse(rows[i].last, &last));
		prefix_list_add_range(arena, &list, &first, &last);
		assert_string_equal(text_of(arena, &list), rows[i].prefixes);
	}
}

static void test_normalizing(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} rows[] = {
		{"", ""},
		{"::1 10.0.0.1", "10.0.0.1 ::1"},
		{"10.0.0.1 10.0.0.1", "10.0.0.1"},
		{"10.0.0.7 10.0.0.0/8 10.1.0.0/16", "10.0.0.0/8"},
		{"10.0.0.3 10.0.0.0 10.0.0.1 10.0.0.2", "10.0.0.0/30"},
		{"10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"}, /* side by side, but no pair */
		{"128.0.0.0/1 0.0.0.0/1", "0.0.0.0/0"},
		{"8000::/1 ::/1 10.0.0.1", "10.0.0.1 ::/0"},
		{"10.0.0.0/25 10.0.0.128/26 10.0.0.192/26", "10.0.0.0/24"},
	};
	struct arena *arena = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix_list list = list_of(arena, rows[i].before);

		prefix_list_normalize(&list);
		assert_string_equal(text_of(arena, &list), rows[i].after);
	}
}

static void test_subtracting(void **state)
{
	static const struct {
		const char *list;
		const char *remove;
		const char *rest;
	} rows[] = {
		{"10.0.0.0/30", "", "10.0.0.0/30"},
		{"", "10.0.0.0/30", ""},
		{"10.0.0.0/30", "10.0.0.0/30", ""},
		{"10.0.0.0/30", "10.0.0.0/8", ""},
		{"10.0.0.0/30", "10.0.0.0", "10.0.0.1 10.0.0.2/31"},
		{"10.0.0.0/30", "10.0.0.3", "10.0.0.0/31 10.0.0.2"},
		{"10.0.0.0/29", "10.0.0.6 10.0.0.1", "10.0.0.0 10.0.0.2/31 10.0.0.4/31 10.0.0.7"},
		{"10.0.0.1 10.0.0.4 10.0.0.9", "10.0.0.4 10.0.0.8/30", "10.0.0.1"},
		{"10.0.0.0/24 10.0.2.0/24 10.0.4.0/24", "10.0.1.0/24 10.0.2.128/25 10.0.5.0/24",
		 "10.0.0.0/24 10.0.2.0/25 10.0.4.0/24"},
		{"::/127 10.0.0.1", "::1", "10.0.0.1 ::"},
		{"::/1 255.255.255.255", "10.0.0.0/8", "255.255.255.255 ::/1"},
		{"255.255.255.254/31 ::/127", "255.255.255.255 ::", "255.255.255.254 ::1"},
	};
	struct arena *arena = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix_list list = list_of(arena, rows[i].list);
		struct prefix_list remove = list_of(arena, rows[i].remove);

		prefix_list_subtract(arena, &list, &remove);
		assert_string_equal(text_of(arena, &list), rows[i].rest);
	}
}

/* Against the plain answer, address by address, in a space small enough to try all of it. */
static void test_subtracting_at_random(void **state)
{
	struct arena *arena = *state;
	unsigned seed = 1;

	for (unsigned round = 0; round < 500; round++) {
		struct prefix_list lists[2] = {0};
		struct prefix_list rest = {0};
		struct prefix_list again;

		for (unsigned i = 0; i < 24; i++) {
			unsigned length = 24 + (unsigned)rand_r(&seed) % 9;
			unsigned bits = (unsigned)rand_r(&seed) % 256;
			struct prefix prefix = {{4, {192, 0, 2, 0}}, (uint8_t)length};

			prefix.address.bytes[3] = (uint8_t)(bits & (0xff00u >> (length - 24)));
			prefix_list_add(arena, &lists[(unsigned)rand_r(&seed) % 2], &prefix);
		}
		list_for_each (prefix, &lists[0]) {
			prefix_list_add(arena, &rest, prefix);
		}
		prefix_list_subtract(arena, &rest, &lists[1]);
		for (unsigned i = 0; i < 256; i++) {
			struct address address = {4, {192, 0, 2, (uint8_t)i}};
			bool expected = prefix_list_contains(&lists[0], &address) &&
					!prefix_list_contains(&lists[1], &address);

			assert_int_equal(prefix_list_contains(&rest, &address), expected);
		}
		/* And canonical: normalizing changes nothing. */
		again = list_of(arena, text_of(arena, &rest));
		prefix_list_normalize(&again);
		assert_true(prefix_list_equal(&again, &rest));
	}
}

#define MANY 300000u

/* Would not end in a human's time if it were quadratic. */
static void test_many_prefixes(void **state)
{
	struct arena *arena = *state;
	struct prefix_list list = {0};
	struct prefix_list remove = {0};

	for (unsigned i = 0; i < MANY; i++) {
		unsigned scattered = i * 2654435761u;
		struct prefix prefix = {{4,
					 {(uint8_t)(scattered >> 24), (uint8_t)(scattered >> 16),
					  (uint8_t)(scattered >> 8), (uint8_t)scattered}},
					32};

		prefix_list_add(arena, &list, &prefix);
		if (i % 2)
			prefix_list_add(arena, &remove, &prefix);
	}
	prefix_list_subtract(arena, &list, &remove);
	assert_in_range(list.count, MANY / 4, MANY / 2);
	assert_true(prefix_list_contains(&list, &list.items[list.count - 1].address));
	assert_false(prefix_list_contains(&list, &remove.items[0].address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parses_and_formats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loose_parsing_clears_host_bits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_covering, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_normalizing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subtracting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subtracting_at_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_prefixes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
