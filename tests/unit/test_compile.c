/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables against rules, case by case: nesting, ranges, own addresses, bounds, sizes. */
#include "compile_bench.h"

static void test_nesting(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1 2001:db8::1", "");
	permit(&bench, "child", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1 2001:db8::1", "80",
	       "10.1.2.0/24 2001:db8:1:2::/64", "any");
	permit(&bench, "parent", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1 2001:db8::1", "80-81",
	       "10.1.0.0/16 2001:db8:1::/48", "any");
	permit(&bench, "any", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1 2001:db8::1", "80-82",
	       "0.0.0.0/0 ::/0", "any");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.1.2.9", 1, REASON_RULE, "child");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 81, "10.1.2.9", 1, REASON_RULE, "parent");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 82, "10.1.2.9", 1, REASON_RULE, "any");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.1.3.0", 1, REASON_RULE, "parent");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.2.0.0", 1, REASON_RULE, "any");
	expect(&bench, DIRECTION_IN, 6, "2001:db8::1", 80, "2001:db8:1:2::", 1, REASON_RULE,
	       "child");
	expect(&bench, DIRECTION_IN, 6, "2001:db8::1", 81, "2001:db8:1:2::", 1, REASON_RULE,
	       "parent");
	expect(&bench, DIRECTION_IN, 6, "2001:db8::1", 80, "2001:db8:2::", 1, REASON_RULE, "any");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 83, "10.1.2.9", 1, REASON_CLOSED_PORT, NULL);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.0.0.1", 1, REASON_SPOOFED, NULL);
	/* any, parent, child and the own address, in each family; no more. */
	assert_int_equal(bench.tables->ipv4.count, 4);
	assert_int_equal(bench.tables->ipv6.count, 4);
	bench_close(&bench);
}

static void test_equal_and_adjacent_prefixes(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "192.0.2.1", "");
	permit(&bench, "one", DIRECTION_IN, IPPROTO_UDP, "192.0.2.1", "500",
	       "198.51.100.0/25 198.51.100.128/25", "any");
	permit(&bench, "two", DIRECTION_IN, IPPROTO_UDP, "192.0.2.1", "501",
	       "198.51.100.0/25 203.0.113.0/24 203.0.113.0/24 203.0.113.7", "any");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 17, "192.0.2.1", 501, "198.51.100.127", 1, REASON_RULE, "two");
	expect(&bench, DIRECTION_IN, 17, "192.0.2.1", 500, "198.51.100.127", 1, REASON_RULE, "one");
	expect(&bench, DIRECTION_IN, 17, "192.0.2.1", 501, "198.51.100.128", 1, REASON_WRONG_PORT,
	       NULL);
	expect(&bench, DIRECTION_IN, 17, "192.0.2.1", 500, "198.51.100.255", 1, REASON_RULE, "one");
	expect(&bench, DIRECTION_IN, 17, "192.0.2.1", 500, "198.51.101.0", 1, REASON_UNKNOWN_PEER,
	       NULL);
	expect(&bench, DIRECTION_IN, 17, "192.0.2.1", 501, "203.0.113.7", 1, REASON_RULE, "two");
	expect(&bench, DIRECTION_IN, 17, "192.0.2.2", 501, "203.0.113.7", 1, REASON_WRONG_ADDRESS,
	       NULL);
	/* The repeated prefix is there once, the one that lies in its own list's prefix not at all.
	 */
	assert_int_equal(bench.tables->ipv4.count, 4);
	bench_close(&bench);
}

static void test_own_addresses(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.3 10.0.0.4");
	permit(&bench, "first", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1", "80", "10.0.0.0/8", "any");
	permit(&bench, "management/1", DIRECTION_IN, IPPROTO_TCP, NULL, "22", "10.9.0.0/28", "any");
	permit(&bench, "outward", DIRECTION_OUT, IPPROTO_TCP, "10.0.0.1 10.0.0.2 10.0.0.4", "any",
	       "10.0.0.0/8", "443");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.0.0.2", 1, REASON_SPOOFED, NULL);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.0.0.3", 1, REASON_UNKNOWN_PEER, NULL);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.0.0.5", 1, REASON_RULE, "first");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.2", 80, "10.0.0.5", 1, REASON_WRONG_ADDRESS, NULL);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.2", 22, "10.9.0.1", 1, REASON_RULE, "management/1");
	expect(&bench, DIRECTION_IN, 6, "172.16.0.1", 22, "10.9.0.1", 1, REASON_RULE,
	       "management/1");
	expect(&bench, DIRECTION_IN, 6, "10.77.0.1", 22, "10.9.0.1", 1, REASON_RULE,
	       "management/1");
	expect(&bench, DIRECTION_IN, 6, "239.1.1.1", 22, "10.9.0.1", 1, REASON_WRONG_ADDRESS, NULL);
	expect(&bench, DIRECTION_IN, 6, "255.255.255.255", 22, "10.9.0.1", 1, REASON_WRONG_ADDRESS,
	       NULL);
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.1", 9, "10.0.0.2", 443, REASON_UNKNOWN_PEER, NULL);
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.4", 9, "10.0.0.9", 443, REASON_RULE, "outward");
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.3", 9, "10.0.0.9", 443, REASON_WRONG_PORT, NULL);
	bench_close(&bench);
}

/* A rule at a whole prefix: the own address in it has the same rules, but is still a spoof. */
static void test_own_address_in_a_local_prefix(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1", "");
	permit(&bench, "here", DIRECTION_IN, IPPROTO_TCP, "10.0.0.0/30", "80", "192.0.2.0/24",
	       "any");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "192.0.2.7", 1, REASON_RULE, "here");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.3", 80, "192.0.2.7", 1, REASON_RULE, "here");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.4", 80, "192.0.2.7", 1, REASON_WRONG_ADDRESS, NULL);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.3", 80, "10.0.0.1", 1, REASON_SPOOFED, NULL);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.0.0.3", 1, REASON_UNKNOWN_PEER, NULL);
	bench_close(&bench);
}

static void test_multicast_that_a_rule_names(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1", "");
	permit(&bench, "paging", DIRECTION_IN, IPPROTO_UDP, "239.1.1.1 ff05::1", "4000",
	       "10.0.0.0/8 2001:db8::/32", "any");
	permit(&bench, "management/1", DIRECTION_IN, IPPROTO_UDP, NULL, "161", "10.0.0.0/8", "any");
	permit(&bench, "outward", DIRECTION_OUT, IPPROTO_UDP, "10.0.0.1", "any", "0.0.0.0/0",
	       "4000");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 17, "239.1.1.1", 4000, "10.2.0.1", 9, REASON_RULE, "paging");
	expect(&bench, DIRECTION_IN, 17, "239.1.1.2", 4000, "10.2.0.1", 9, REASON_WRONG_ADDRESS,
	       NULL);
	expect(&bench, DIRECTION_IN, 17, "239.1.1.1", 161, "10.2.0.1", 9, REASON_WRONG_ADDRESS,
	       NULL);
	expect(&bench, DIRECTION_IN, 17, "ff05::1", 4000, "2001:db8::5", 9, REASON_RULE, "paging");
	/* As a peer it is what the prefixes around it say. */
	expect(&bench, DIRECTION_OUT, 17, "10.0.0.1", 9, "239.1.1.1", 4000, REASON_RULE, "outward");
	bench_close(&bench);
}

static void test_port_ranges(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1", "");
	permit(&bench, "low", DIRECTION_IN, IPPROTO_UDP, "10.0.0.1", "0-99", "10.1.0.0/16", "any");
	permit(&bench, "touching", DIRECTION_IN, IPPROTO_UDP, "10.0.0.1", "100-199", "10.1.0.0/16",
	       "any");
	permit(&bench, "overlapping", DIRECTION_IN, IPPROTO_UDP, "10.0.0.1", "150-250 251-300",
	       "10.1.0.0/16", "any");
	permit(&bench, "wide", DIRECTION_IN, IPPROTO_UDP, "10.0.0.1", "10000-65535", "10.1.0.0/16",
	       "any");
	compile_well(&bench);
	assert_false(bench.tables->remote_port_used[DIRECTION_IN]);
	assert_int_equal(bench.tables->ports.count, 5);
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 0, "10.1.0.0", 1, REASON_RULE, "low");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 99, "10.1.0.0", 1, REASON_RULE, "low");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 100, "10.1.0.0", 1, REASON_RULE, "touching");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 199, "10.1.0.0", 1, REASON_RULE, "touching");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 200, "10.1.0.0", 1, REASON_RULE,
	       "overlapping");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 300, "10.1.0.0", 1, REASON_RULE,
	       "overlapping");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 301, "10.1.0.0", 1, REASON_CLOSED_PORT, NULL);
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 9999, "10.1.0.0", 1, REASON_CLOSED_PORT, NULL);
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 10000, "10.1.0.0", 1, REASON_RULE, "wide");
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 65535, "10.1.0.0", 1, REASON_RULE, "wide");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 100, "10.1.0.0", 1, REASON_CLOSED_PORT, NULL);
	bench_close(&bench);
}

static void test_source_ports(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1", "");
	permit(&bench, "pinned", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1", "2000", "10.1.0.0/16",
	       "3000-3001");
	permit(&bench, "free", DIRECTION_IN, IPPROTO_UDP, "10.0.0.1", "2000", "10.1.0.0/16", "any");
	permit(&bench, "echo", DIRECTION_IN, IPPROTO_ICMP, "10.0.0.1", "2048", "10.1.0.0/16",
	       "any");
	permit(&bench, "out-free", DIRECTION_OUT, IPPROTO_TCP, "10.0.0.1", "any", "10.1.0.0/16",
	       "443");
	permit(&bench, "out-esp", DIRECTION_OUT, IPPROTO_ESP, "10.0.0.1", "0", "10.1.0.0/16", "0");
	compile_well(&bench);
	assert_true(bench.tables->remote_port_used[DIRECTION_IN]);
	assert_false(bench.tables->local_port_used[DIRECTION_OUT]);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 2000, "10.1.0.1", 3001, REASON_RULE, "pinned");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 2000, "10.1.0.1", 3002, REASON_WRONG_PORT,
	       NULL);
	expect(&bench, DIRECTION_IN, 17, "10.0.0.1", 2000, "10.1.0.1", 0, REASON_RULE, "free");
	expect(&bench, DIRECTION_IN, 1, "10.0.0.1", ICMP4_ECHO_SERVICE, "10.1.0.1", 0, REASON_RULE,
	       "echo");
	expect(&bench, DIRECTION_OUT, 50, "10.0.0.1", 0, "10.1.0.1", 0, REASON_RULE, "out-esp");
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.1", 7, "10.1.0.1", 443, REASON_RULE, "out-free");
	bench_close(&bench);
}

/* Without a class of the source port it is the remote end that says which protocol it is. */
static void test_protocols_at_two_addresses(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1 10.0.0.2", "");
	permit(&bench, "tcp", DIRECTION_OUT, IPPROTO_TCP, "10.0.0.1", "any", "10.1.0.0/16", "80");
	permit(&bench, "udp", DIRECTION_OUT, IPPROTO_UDP, "10.0.0.2", "any", "10.1.0.0/16", "80");
	compile_well(&bench);
	assert_false(bench.tables->local_port_used[DIRECTION_OUT]);
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.1", 7, "10.1.0.1", 80, REASON_RULE, "tcp");
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.2", 7, "10.1.0.1", 80, REASON_WRONG_PORT, NULL);
	expect(&bench, DIRECTION_OUT, 17, "10.0.0.1", 7, "10.1.0.1", 80, REASON_WRONG_PORT, NULL);
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.3", 7, "10.1.0.1", 80, REASON_WRONG_PORT, NULL);
	bench_close(&bench);
}

static void test_precedence(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1", "");
	permit(&bench, "wide", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1", "1-1000", "10.0.0.0/8",
	       "any");
	permit(&bench, "narrow", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1", "80", "10.1.1.1", "any");
	permit(&bench, "narrow", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1", "2000", "10.1.1.1", "any");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.1.1.1", 1, REASON_RULE, "wide");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 2000, "10.1.1.1", 1, REASON_RULE, "narrow");
	bench_close(&bench);
}

static void test_roles(void **state)
{
	struct bench bench;
	struct address address;

	bench_open(&bench);
	own(&bench, "10.0.0.1", "");
	permit(&bench, "rule", DIRECTION_IN, IPPROTO_TCP, "10.0.0.1", "80", "10.0.0.0/8", "any");
	role(&bench, "cyara/agent", "10.1.0.0/16");
	role(&bench, "cyara/any", "10.0.0.0/8 2001:db8::/32");
	role(&bench, "cyara/agent", "192.0.2.0/24");
	role(&bench, "cyara/late", "10.1.2.0/24 192.0.0.0/16 2001:db8:1::/48");
	compile_well(&bench);
	assert_int_equal(bench.tables->role_count, 3);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.1.2.3", 1, REASON_RULE, "rule");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.2.2.3", 1, REASON_RULE, "rule");
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "192.0.2.3", 1, REASON_UNKNOWN_PEER, NULL);
	assert_true(address_parse("192.0.2.3", &address));
	assert_int_equal(address_entry(bench.tables, &address).role, 1);
	assert_true(address_parse("192.0.3.3", &address));
	assert_int_equal(address_entry(bench.tables, &address).role, 3);
	/* The later role says nothing inside the earlier one. */
	assert_int_equal(bench.tables->ipv6.count, 1);
	bench_close(&bench);
}

static uint16_t class_of(const struct bench *bench, const char *text)
{
	struct prefix prefix;

	assert_true(prefix_parse(text, &prefix));
	list_for_each (entry, &bench->tables->ipv4) {
		if (!prefix_compare(&entry->prefix, &prefix))
			return entry->class_id;
	}
	fail_msg("%s has no entry", text);
	return 0;
}

/* What the kernel holds of two hundred thousand peers must not change with the two hundred that
 * come. */
static void test_classes_keep_their_numbers(void **state)
{
	static const char *const turns[][2] = {
		{"10.1.0.0/16", "10.2.0.0/16"},
		{"10.1.0.0/16", "10.0.0.0/16 10.2.0.0/16"},
		{"10.1.0.0/16 10.2.3.0/24 10.3.0.0/16", "10.0.0.0/16 10.2.0.0/16"},
	};
	uint16_t first = 0, second = 0;

	for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
		struct bench bench;

		bench_open(&bench);
		own(&bench, "192.0.2.1", "");
		permit(&bench, "first", DIRECTION_IN, IPPROTO_TCP, "192.0.2.1", "80", turns[i][0],
		       "any");
		permit(&bench, "second", DIRECTION_IN, IPPROTO_TCP, "192.0.2.1", "81", turns[i][1],
		       "any");
		compile_well(&bench);
		if (i == 0) {
			first = class_of(&bench, "10.1.0.0/16");
			second = class_of(&bench, "10.2.0.0/16");
		}
		assert_int_equal(class_of(&bench, "10.1.0.0/16"), first);
		assert_int_equal(class_of(&bench, "10.2.0.0/16"), second);
		bench_close(&bench);
	}
	assert_int_not_equal(first, second);
}

static void test_no_rules(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "10.0.0.1 2001:db8::1", "");
	compile_well(&bench);
	expect(&bench, DIRECTION_IN, 6, "10.0.0.1", 80, "10.1.1.1", 1, REASON_CLOSED_PORT, NULL);
	expect(&bench, DIRECTION_OUT, 6, "10.0.0.1", 80, "10.1.1.1", 1, REASON_CLOSED_PORT, NULL);
	assert_int_equal(bench.tables->ipv4.count, 1);
	assert_true(bench.tables->ipv4.items[0].own);
	assert_int_equal(bench.tables->ipv4.items[0].class_id, LOCAL_CLASS_FIRST);
	bench_close(&bench);
}

/* ------------------------------------------------------------ sizes ----------------------------
 */

#define MANY_RULES    1024u
#define MANY_PREFIXES 1000000u

static struct prefix single4(uint32_t number)
{
	struct address address = {.family = 4};

	for (unsigned i = 0; i < 4; i++)
		address.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
	return prefix_of_address(&address);
}

static struct prefix single6(uint32_t number)
{
	struct address address = {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8}};

	for (unsigned i = 0; i < 4; i++)
		address.bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	return prefix_of_address(&address);
}

/* A rule for one port and these peers; returns their list. */
static struct prefix_list *permit_port(struct bench *bench, const char *id,
				       enum direction direction, uint16_t port)
{
	struct prefix_list *list = arena_alloc(bench->arena, sizeof(*list));
	struct match *match = add_match(bench, id, direction);
	struct port_list *service =
		direction == DIRECTION_IN ? &match->local_ports : &match->remote_ports;
	struct port_list *source =
		direction == DIRECTION_IN ? &match->remote_ports : &match->local_ports;

	match->protocol = IPPROTO_TCP;
	match->local = &bench->host.own;
	match->remote = list;
	port_list_add(bench->arena, service, port, port);
	*source = ports(bench->arena, "any");
	return list;
}

static void test_many_rules(void **state)
{
	struct bench bench;
	struct prefix around = single4(0x0a000000);

	bench_open(&bench);
	own(&bench, "192.0.2.1", "");
	for (unsigned i = 0; i < 2 * MANY_RULES; i++) {
		char *id = arena_printf(bench.arena, "rule-%u", i);
		struct prefix_list *list = permit_port(&bench, id, i % 2, (uint16_t)(1000 + i));
		struct prefix peer = single4(0x0a000000 + i * 7);

		prefix_list_add(bench.arena, list, &peer);
		/* Some share a prefix that holds the peers of all. */
		around.length = (uint8_t)(8 + i / 128);
		if (i % 128 < 2)
			prefix_list_add(bench.arena, list, &around);
	}
	compile_well(&bench);
	for (unsigned i = 0; i < 2 * MANY_RULES; i += 13) {
		for (unsigned j = 0; j < 2 * MANY_RULES; j += 129) {
			struct question question = {
				.direction = i % 2 ? DIRECTION_OUT : DIRECTION_IN,
				.protocol = IPPROTO_TCP,
				.local = bench.host.own.items[0].address,
				.remote = single4(0x0a000000 + (i + j) * 7).address,
				.local_port = (uint16_t)(1000 + i),
				.remote_port = (uint16_t)(1000 + i),
			};

			ask(&bench, &question);
		}
	}
	bench_close(&bench);
}

/* Overlapping ranges for overlapping peers: each pair of them is another set of rules. */
static void test_many_wide_rules(void **state)
{
	struct bench bench;
	uint32_t random = 1;

	bench_open(&bench);
	own(&bench, "192.0.2.1", "");
	for (unsigned i = 0; i < MANY_RULES; i++) {
		char *id = arena_printf(bench.arena, "rule-%u", i);
		struct prefix_list *list = permit_port(&bench, id, DIRECTION_OUT, 0);
		struct rule *rule = &bench.rules.items[i];

		rule->matches[0].remote_ports.items[0] = (struct port_range){
			(uint16_t)(i * 25),
			(uint16_t)(i * 25 + 20000),
		};
		for (unsigned j = 0; j < 4; j++) {
			struct prefix prefix = single4(0x0a000000 + (random >> 16));

			random = random * 1664525 + 1013904223;
			prefix.length = (uint8_t)(20 + random % 13);
			for (unsigned bit = prefix.length; bit < 32; bit++)
				prefix.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
			prefix_list_add(bench.arena, list, &prefix);
		}
	}
	compile_well(&bench);
	for (unsigned i = 0; i < 400; i++) {
		struct question question = {
			.direction = DIRECTION_OUT,
			.protocol = IPPROTO_TCP,
			.local = bench.host.own.items[0].address,
			.remote = single4(0x0a000000 + i * 163).address,
			.remote_port = (uint16_t)(i * 113),
		};

		ask(&bench, &question);
	}
	bench_close(&bench);
}

static void test_many_prefixes(void **state)
{
	struct bench bench;
	struct prefix_list *lists[3];

	bench_open(&bench);
	own(&bench, "192.0.2.1", "");
	permit(&bench, "any", DIRECTION_IN, IPPROTO_TCP, "192.0.2.1", "80", "0.0.0.0/0", "any");
	for (unsigned i = 0; i < 3; i++)
		lists[i] = permit_port(&bench, arena_printf(bench.arena, "list-%u", i),
				       DIRECTION_IN, (uint16_t)(81 + i));
	for (uint32_t i = 0; i < MANY_PREFIXES; i++) {
		struct prefix prefix = i % 4 ? single4(0x0a000000 + 2 * i) : single6(2 * i);

		/* One list has all, the second every third, the third a /30 here and there. */
		prefix_list_add(bench.arena, lists[0], &prefix);
		if (!(i % 3))
			prefix_list_add(bench.arena, lists[1], &prefix);
		if (!(i % 1024)) {
			prefix.length -= 2;
			prefix_list_add(bench.arena, lists[2], &prefix);
		}
	}
	assert_int_equal(try_compile(&bench), 0);
	assert_in_range(bench.tables->ipv4.count + bench.tables->ipv6.count, MANY_PREFIXES,
			MANY_PREFIXES + 2 * MANY_PREFIXES / 1024);
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t number = (MANY_PREFIXES / 40 * i / 1024 * 1024) + i % 7;
		struct question question = {
			.direction = DIRECTION_IN,
			.protocol = IPPROTO_TCP,
			.local = bench.host.own.items[0].address,
			.remote = i % 4 ? single4(0x0a000000 + number).address
					: single6(number).address,
			.local_port = (uint16_t)(80 + i % 5),
		};

		ask(&bench, &question);
	}
	bench_close(&bench);
}

/* ------------------------------------------------------------ bounds ---------------------------
 */

static void expect_over(struct bench *bench, const char *bound)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	assert_int_equal(try_compile(bench), -E2BIG);
	assert_null(bench->tables);
	assert_int_equal(diagnostics_errors(bench->diagnostics), 1);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	diagnostics_print(bench->diagnostics, out, false);
	fclose(out);
	if (!strstr(text, bound))
		fail_msg("%s is not in: %s", bound, text);
	free(text);
}

static void test_too_many_rules(void **state)
{
	struct bench bench;

	bench_open(&bench);
	for (unsigned i = 0; i <= RULES_MAX; i++)
		arena_push(bench.arena, &bench.rules)->id = "rule";
	expect_over(&bench, "RULES_MAX");
	bench_close(&bench);
}

static void test_too_many_matches(void **state)
{
	struct bench bench;

	bench_open(&bench);
	for (unsigned i = 0; i <= MATCHES_MAX; i++)
		permit_port(&bench, "rule", DIRECTION_IN, 80);
	expect_over(&bench, "MATCHES_MAX");
	bench_close(&bench);
}

static void test_too_many_local_addresses(void **state)
{
	struct bench bench;

	bench_open(&bench);
	for (unsigned i = 0; i <= LOCAL_ADDRESSES_MAX; i++) {
		struct prefix prefix = single4(0x0a000000 + i);

		prefix_list_add(bench.arena, i % 2 ? &bench.host.own : &bench.host.floating,
				&prefix);
	}
	expect_over(&bench, "LOCAL_ADDRESSES_MAX");
	bench_close(&bench);
}

static void test_too_many_roles(void **state)
{
	struct bench bench;

	bench_open(&bench);
	for (unsigned i = 0; i <= CLASSES_MAX; i++)
		role(&bench, arena_printf(bench.arena, "role-%u", i), "10.0.0.0/8");
	expect_over(&bench, "CLASSES_MAX");
	bench_close(&bench);
}

static void test_too_many_prefixes(void **state)
{
	struct bench bench;
	struct prefix_list *list;

	bench_open(&bench);
	list = permit_port(&bench, "rule", DIRECTION_IN, 80);
	for (uint32_t i = 0; i <= PREFIXES_MAX; i++) {
		struct prefix prefix = single4(0x0a000000 + 2 * i);

		prefix_list_add(bench.arena, list, &prefix);
	}
	expect_over(&bench, "PREFIXES_MAX");
	bench_close(&bench);
}

/* Each list has an address of its own and shares one with its neighbour: three classes for two. */
static void test_too_many_classes(void **state)
{
	struct bench bench;

	bench_open(&bench);
	for (uint32_t i = 0; i < MATCHES_MAX; i++) {
		struct prefix_list *list = permit_port(&bench, "rule", DIRECTION_IN, 80);
		struct prefix alone = single4(0x0a000000 + i);
		struct prefix together = single4(0x0b000000 + i / 2);

		prefix_list_add(bench.arena, list, &alone);
		prefix_list_add(bench.arena, list, &together);
	}
	expect_over(&bench, "CLASSES_MAX");
	bench_close(&bench);
}

static void test_too_many_decisions(void **state)
{
	struct bench bench;

	bench_open(&bench);
	own(&bench, "192.0.2.1", "");
	for (uint32_t i = 0; i < 6000; i++) {
		struct prefix_list *list =
			permit_port(&bench, "rule", DIRECTION_IN, (uint16_t)(2 * i));
		struct prefix peer = single4(0x0a000000 + i);

		prefix_list_add(bench.arena, list, &peer);
	}
	expect_over(&bench, "DECISION_CELLS_MAX");
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_equal_and_adjacent_prefixes),
		cmocka_unit_test(test_own_addresses),
		cmocka_unit_test(test_own_address_in_a_local_prefix),
		cmocka_unit_test(test_multicast_that_a_rule_names),
		cmocka_unit_test(test_port_ranges),
		cmocka_unit_test(test_source_ports),
		cmocka_unit_test(test_protocols_at_two_addresses),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_classes_keep_their_numbers),
		cmocka_unit_test(test_no_rules),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_many_wide_rules),
		cmocka_unit_test(test_many_prefixes),
		cmocka_unit_test(test_too_many_rules),
		cmocka_unit_test(test_too_many_matches),
		cmocka_unit_test(test_too_many_local_addresses),
		cmocka_unit_test(test_too_many_roles),
		cmocka_unit_test(test_too_many_prefixes),
		cmocka_unit_test(test_too_many_classes),
		cmocka_unit_test(test_too_many_decisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
