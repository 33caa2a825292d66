/* SPDX-License-Identifier: BSD-2-Clause */
/* Which interfaces' packets pass a hook, and the kernel's routing. */
#include "route.h"

#include <stdlib.h>
#include <string.h>

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct interface interfaces[] = {
	{.name = "lo", .index = 1, .kind = "", .loopback = true},
	{.name = "eth0", .index = 2, .kind = ""},
	{.name = "eth1", .index = 3, .kind = "", .upper = "bond0"},
	{.name = "bond0", .index = 4, .kind = "bond"},
	{.name = "eth0.5", .index = 5, .kind = "vlan", .lower = "eth0"},
	{.name = "eth0.5.6", .index = 6, .kind = "vlan", .lower = "eth0.5"},
	{.name = "bond0.7", .index = 7, .kind = "vlan", .lower = "bond0"},
	{.name = "mac0", .index = 8, .kind = "macvlan"},
	{.name = "round", .index = 9, .kind = "vlan", .lower = "round"},
};
static const struct interface_list all = {.items = interfaces,
					  .count = sizeof(interfaces) / sizeof(interfaces[0])};

static bool meets(uint32_t index, const char *hooked)
{
	const struct interface *interface = interface_by_name(&all, hooked);
	const struct interface_list list = {.items = (struct interface *)interface, .count = 1};

	return route_meets(&all, index, &list);
}

static void itself_and_what_lies_above(void **data)
{
	assert_true(meets(2, "eth0"));
	assert_true(meets(5, "eth0"));
	assert_true(meets(6, "eth0"));
	assert_true(meets(7, "bond0"));
	assert_false(meets(2, "bond0"));
	assert_false(meets(5, "bond0"));
	assert_false(meets(7, "eth0"));
	assert_false(meets(9, "eth0"));
}

static void a_port_of_what_it_leaves_by(void **data)
{
	assert_true(meets(4, "eth1"));
	assert_true(meets(7, "eth1"));
	assert_false(meets(4, "eth0"));
}

static void what_is_not_known_is_met(void **data)
{
	assert_true(meets(8, "eth0"));
	assert_true(meets(99, "eth0"));
}

static void loopback_leads_to_loopback(void **data)
{
	struct address address;
	uint32_t index = 0;

	assert_true(address_parse("127.0.0.1", &address));
	assert_int_equal(route_interface(&address, &address, &index), 0);
	assert_int_equal(index, if_nametoindex("lo"));
}

static void no_route(void **data)
{
	struct address local, remote;
	uint32_t index = 0;

	/* Nobody can leave from an address that is not there. */
	assert_true(address_parse("192.0.2.254", &local));
	assert_true(address_parse("203.0.113.1", &remote));
	assert_true(route_interface(&local, &remote, &index) < 0);
	assert_int_equal(index, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(itself_and_what_lies_above),
		cmocka_unit_test(a_port_of_what_it_leaves_by),
		cmocka_unit_test(what_is_not_known_is_met),
		cmocka_unit_test(loopback_leads_to_loopback),
		cmocka_unit_test(no_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
