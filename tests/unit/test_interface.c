/* SPDX-License-Identifier: BSD-2-Clause */
/* Which interfaces a policy is enforced on, which are refused, and the names of their pins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interface.h"
#include "pins.h"

#include <cmocka.h> /* after failure.h: it makes fail a macro */

static struct interface_list machine(struct arena *arena)
{
	static const struct {
		const char *name, *kind, *slave_kind, *upper, *lower, *addresses[2];
		bool loopback;
	} rows[] = {
		{"lo", "", "", "", "", {"127.0.0.1/32", "10.9.9.9/32"}, true},
		{"eth0", "", "", "", "", {"10.0.0.1/32", "2001:db8::1/128"}, false},
		{"eth1", "", "", "", "", {"10.0.1.1/32", NULL}, false},
		{"eth2", "", "bond", "bond0", "", {NULL, NULL}, false},
		{"bond0", "bond", "", "", "", {"10.0.2.1/32", NULL}, false},
		{"eth3", "", "bridge", "br0", "", {NULL, NULL}, false},
		{"eth0.5", "vlan", "", "", "eth0", {"10.0.5.1/32", NULL}, false},
	};
	struct interface_list list = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct interface *interface = arena_push(arena, &list);
		struct prefix prefix;

		interface->index = (uint32_t)i + 1;
		snprintf(interface->name, sizeof(interface->name), "%s", rows[i].name);
		snprintf(interface->upper, sizeof(interface->upper), "%s", rows[i].upper);
		snprintf(interface->lower, sizeof(interface->lower), "%s", rows[i].lower);
		interface->kind = rows[i].kind;
		interface->slave_kind = rows[i].slave_kind;
		interface->loopback = rows[i].loopback;
		for (size_t j = 0; j < 2 && rows[i].addresses[j]; j++) {
			assert_true(prefix_parse(rows[i].addresses[j], &prefix));
			prefix_list_add(arena, &interface->addresses, &prefix);
		}
	}
	return list;
}

static void own(struct arena *arena, struct prefix_list *list, const char *text)
{
	struct prefix prefix;

	assert_true(prefix_parse(text, &prefix));
	prefix_list_add(arena, list, &prefix);
}

/* An interface is enforced with the VLAN interfaces that stand on it. */
static void test_advertisements(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena);
	struct interface *parent = (struct interface *)interface_by_name(&all, "eth0");
	struct interface *vlan = (struct interface *)interface_by_name(&all, "eth0.5");
	const struct interface *other = interface_by_name(&all, "eth1");

	assert_false(interface_takes_advertisements(&all, parent));
	vlan->router_advertisements = true;
	assert_true(interface_takes_advertisements(&all, parent));
	assert_false(interface_takes_advertisements(&all, other));
	vlan->router_advertisements = false;
	parent->router_advertisements = true;
	assert_true(interface_takes_advertisements(&all, parent));
	assert_false(interface_takes_advertisements(&all, vlan));
}

static void test_auto(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena), selected = {0};
	struct host_policy policy = {.interfaces_auto = true};
	struct failure failure;

	own(arena, &policy.own, "2001:db8::1/128");
	own(arena, &policy.floating, "10.0.1.1/32");
	assert_int_equal(interface_select(arena, &all, &policy, &failure, &selected), 0);
	assert_int_equal(selected.count, 2);
	assert_string_equal(selected.items[0].name, "eth0");
	assert_string_equal(selected.items[1].name, "eth1");
}

static void test_unseen(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena), selected = {0}, unseen;
	struct prefix prefix;

	/* Of the bridge an address, of an interface without any what IPv6 gives it by itself. */
	own(arena, &all.items[2].addresses, "10.0.3.1/32");
	snprintf(all.items[2].name, sizeof(all.items[2].name), "br0");
	assert_true(prefix_parse("fe80::2/128", &prefix));
	prefix_list_add(arena, &all.items[3].addresses, &prefix);
	*arena_push(arena, &selected) = all.items[0];
	unseen = interface_list_unseen(arena, &all, &selected);
	assert_int_equal(unseen.count, 4);
	assert_string_equal(unseen.items[0].name, "eth0");
	assert_string_equal(unseen.items[1].name, "br0");
	assert_string_equal(unseen.items[2].name, "bond0");
	assert_string_equal(unseen.items[3].name, "eth0.5");
	/* A port of the bridge, and the parent of the VLAN. */
	*arena_push(arena, &selected) = all.items[5];
	*arena_push(arena, &selected) = all.items[1];
	unseen = interface_list_unseen(arena, &all, &selected);
	assert_int_equal(unseen.count, 1);
	assert_string_equal(unseen.items[0].name, "bond0");
}

static void test_auto_finds_none(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena), selected = {0};
	struct host_policy policy = {.interfaces_auto = true, .host = "ce-1"};
	struct failure failure;

	/* On loopback, which is never enforced. */
	own(arena, &policy.own, "10.9.9.9/32");
	assert_int_equal(interface_select(arena, &all, &policy, &failure, &selected), -ENODEV);
	assert_string_equal(
		failure.message,
		"no interface carries an address of ce-1 (looked for 10.9.9.9 on: "
		"eth0, eth1, eth2, bond0, eth3, eth0.5); configure the address, or name "
		"the interfaces in the site (interfaces: [NAME])");
	assert_int_equal(selected.count, 0);
}

static void test_names(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena), selected = {0};
	const char *names[] = {"eth1", "eth0", "eth1"};
	const char *wrong[] = {"eth0", "eth7"};
	struct host_policy policy = {.interfaces = names, .interface_count = 3};
	struct failure failure;

	assert_int_equal(interface_select(arena, &all, &policy, &failure, &selected), 0);
	assert_int_equal(selected.count, 2);
	assert_string_equal(selected.items[0].name, "eth1");
	policy.interfaces = wrong;
	policy.interface_count = 2;
	assert_int_equal(interface_select(arena, &all, &policy, &failure, &selected), -ENODEV);
	assert_non_null(strstr(failure.message, "there is no interface eth7"));
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		enum forwarding forwarding;
		const char *says; /* NULL: it is taken */
	} rows[] = {
		{"lo", FORWARDING_PASS, "never enforced"},
		{"eth0.5", FORWARDING_PASS, "interfaces: [eth0]"},
		{"eth2", FORWARDING_PASS, "interfaces: [bond0]"},
		{"eth3", FORWARDING_REFUSE, "port of the bridge br0"},
		{"eth3", FORWARDING_DROP, NULL},
		{"eth3", FORWARDING_PASS, NULL},
		{"bond0", FORWARDING_DROP, NULL},
		{"eth0", FORWARDING_DROP, NULL},
	};
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host_policy policy = {.forwarding = rows[i].forwarding};
		struct failure failure = {0};
		int result =
			interface_check(interface_by_name(&all, rows[i].name), &policy, &failure);

		assert_int_equal(result, rows[i].says ? -EINVAL : 0);
		if (rows[i].says)
			assert_non_null(strstr(failure.message, rows[i].says));
	}
}

static void test_own_addresses(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all = machine(arena);
	struct prefix_list addresses = interface_list_addresses(arena, &all);

	assert_int_equal(addresses.count, 5); /* without loopback's two */
}

/* Asks the kernel: loopback is everywhere. */
static void test_this_machine(void **state)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct interface_list all;
	struct failure failure;
	struct netns netns;

	assert_int_equal(interface_list_read(arena, &failure, &all), 0);
	assert_non_null(interface_by_name(&all, "lo"));
	assert_true(interface_by_name(&all, "lo")->loopback);
	assert_int_equal(netns_read(&netns), 0);
	assert_int_not_equal(netns.inode, 0);
}

static void test_directories(void **state)
{
	static const char *const rows[][2] = {
		{"eth0", "eth0"},
		{"eth0.5", "eth0%2e5"},
		{"a%2eb", "a%252eb"},
		{"shared", "%73hared"},
		{"shared0", "shared0"},
		{"...............", "%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e"},
	};
	char buffer[PIN_DIRECTORY_BYTES_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(pins_interface_directory(rows[i][0], buffer), rows[i][1]);
}

static void test_pins_need_bpffs(void **state)
{
	const struct pins_request request = {.root = "/tmp/sallyport-no-bpffs", .create = true};
	struct failure failure = {0};
	struct pins *pins = NULL;

	assert_int_equal(pins_open(&request, &failure, &pins), -ENOTDIR);
	assert_non_null(strstr(failure.message, "mount -t bpf bpf /sys/fs/bpf"));
	assert_null(pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advertisements), cmocka_unit_test(test_auto),
		cmocka_unit_test(test_unseen),	       cmocka_unit_test(test_auto_finds_none),
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_own_addresses),  cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_directories),    cmocka_unit_test(test_pins_need_bpffs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
