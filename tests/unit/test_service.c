/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../include/abi.h"
#include "service.h"

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

/* "5060 30000-65535" */
static struct port_list ports_of(struct arena *arena, const char *text)
{
	struct port_list list = {0};
	unsigned first;
	unsigned last;
	int length;

	while (sscanf(text, "%u%n", &first, &length) == 1) {
		text += length;
		last = first;
		if (sscanf(text, "-%u%n", &last, &length) == 1)
			text += length;
		port_list_add(arena, &list, (uint16_t)first, (uint16_t)last);
	}
	return list;
}

static void test_normalizing(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} rows[] = {
		{"", "none"},
		{"443", "443"},
		{"443 80", "80, 443"},
		{"80 81 82", "80-82"},
		{"80-90 85-100", "80-100"},
		{"80-100 85-90 100", "80-100"},
		{"80 82", "80, 82"},
		{"32768-65535 0-32767", "any"},
		{"0-65535 5", "any"},
		{"65535 0", "0, 65535"},
		{"65535 65534-65535", "65534-65535"},
	};
	struct arena *arena = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port_list list = ports_of(arena, rows[i].before);

		port_list_normalize(&list);
		assert_string_equal(port_list_format(arena, &list), rows[i].after);
	}
}

static void test_range_ends_are_inclusive(void **state)
{
	struct port_list list = ports_of(*state, "5060 30000-65535");

	assert_false(port_list_contains(&list, 5059));
	assert_true(port_list_contains(&list, 5060));
	assert_false(port_list_contains(&list, 5061));
	assert_false(port_list_contains(&list, 29999));
	assert_true(port_list_contains(&list, 30000));
	assert_true(port_list_contains(&list, 65535));
	assert_false(port_list_contains(&list, 0));
}

static void test_comparing(void **state)
{
	struct arena *arena = *state;
	struct port_list wide = ports_of(arena, "10-20 30-40");
	struct port_list narrow = ports_of(arena, "10 15-20 40");
	struct port_list across = ports_of(arena, "20-30");
	struct port_list apart = ports_of(arena, "21-29 41");
	struct port_list empty = {0};
	struct port_list any = ports_of(arena, "0-65535");

	assert_true(port_list_covers(&wide, &narrow));
	assert_false(port_list_covers(&narrow, &wide));
	assert_false(port_list_covers(&wide, &across));
	assert_true(port_list_overlaps(&wide, &across));
	assert_false(port_list_overlaps(&wide, &apart));
	assert_true(port_list_covers(&empty, &empty));
	assert_true(port_list_covers(&wide, &empty));
	assert_false(port_list_covers(&empty, &wide));
	assert_true(port_list_is_any(&any));
	assert_false(port_list_is_any(&wide));
	assert_true(port_list_equal(&wide, &wide));
	assert_false(port_list_equal(&wide, &narrow));
}

static void add(struct arena *arena, struct service_list *list, uint8_t protocol, const char *ports)
{
	struct port_list some = ports_of(arena, ports);

	service_list_add(arena, list, protocol, &some);
}

static void test_services_stay_sorted(void **state)
{
	struct arena *arena = *state;
	struct service_list list = {0};

	add(arena, &list, 17, "5060");
	add(arena, &list, 50, "0");
	add(arena, &list, 6, "443");
	add(arena, &list, 17, "5061 4000");
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[0].protocol, 6);
	assert_int_equal(list.items[1].protocol, 17);
	assert_int_equal(list.items[2].protocol, 50);
	assert_string_equal(port_list_format(arena, &list.items[1].ports), "4000, 5060-5061");
}

static void test_services_cover(void **state)
{
	struct arena *arena = *state;
	struct service_list wide = {0};
	struct service_list narrow = {0};

	add(arena, &wide, 6, "1-100");
	add(arena, &wide, 17, "5");
	add(arena, &narrow, 6, "7");
	assert_true(service_list_covers(&wide, &narrow));
	assert_false(service_list_covers(&narrow, &wide));
	assert_false(service_list_equal(&narrow, &wide));
	assert_true(service_list_equal(&wide, &wide));
	add(arena, &narrow, 50, "0");
	assert_false(service_list_covers(&wide, &narrow));
}

static void test_formatting_services(void **state)
{
	struct arena *arena = *state;
	struct service_list list = {0};

	assert_string_equal(service_list_format(arena, &list), "none");
	add(arena, &list, 17, "30000-65535 5060");
	add(arena, &list, 6, "5060");
	assert_string_equal(service_list_format(arena, &list), "tcp+udp/5060, udp/30000-65535");
	add(arena, &list, 1, "2048");
	add(arena, &list, 58, "32768");
	add(arena, &list, 50, "0");
	add(arena, &list, 112, "0");
	add(arena, &list, 132, "0-65535");
	assert_string_equal(service_list_format(arena, &list),
			    "sctp/any, tcp+udp/5060, udp/30000-65535, icmp/echo, esp, proto/112");
	assert_int_equal(ICMP4_ECHO_SERVICE, 2048);
	assert_int_equal(ICMP6_ECHO_SERVICE, 32768);
}

static void test_protocols(void **state)
{
	char buffer[16];

	assert_true(protocol_has_ports(6));
	assert_true(protocol_has_ports(17));
	assert_true(protocol_has_ports(132));
	assert_false(protocol_has_ports(1));
	assert_false(protocol_has_ports(50));
	assert_string_equal(protocol_name(17, buffer), "udp");
	assert_string_equal(protocol_name(255, buffer), "proto/255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_normalizing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_range_ends_are_inclusive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comparing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_services_stay_sorted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_services_cover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_formatting_services, setup, teardown),
		cmocka_unit_test_setup_teardown(test_protocols, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
