/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_fixture.h"
#include "policy_texts.h"

/* ------------------------------------------------------------ sides -----------------------------
 */

static void test_from_opens_to_every_to(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/sql\n"
					      "in acme/peer\n"
					      "out acme/peer\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/sql"),
			    "tcp 10.0.0.1 2001:db8::1 [any] -> 10.0.0.4/31 [1433]\n");
}

static void test_to_is_opened_by_every_from(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-2"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/sql"),
			    "tcp 10.0.0.5 [1433] <- 10.0.0.1 10.0.0.2 2001:db8::1 [any]\n");
	assert_string_equal(fixture_rules(f), "in acme/sql\n");
}

static void test_host_is_no_peer_of_itself(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/peer"),
			    "udp 10.0.0.1 2001:db8::1 [7000-7001] <- 10.0.0.2 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/peer"),
			    "udp 10.0.0.1 2001:db8::1 [any] -> 10.0.0.2 [7000-7001]\n");
}

/* Both ends on one host: no rule, and so no line in what is enforced. */
static void test_both_ends_on_one_host(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN,
				 "hosts:\n"
				 "  all: {addresses: 10.0.0.1, roles: [acme/web, acme/db]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "all"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
}

static void test_own_addresses_are_cut_out_of_prefixes(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS "bind: {acme/gw: [10.0.0.0/30, 10.0.0.0/29]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(
		fixture_matches(f, DIRECTION_IN, "acme/call"),
		"tcp 10.0.0.1 2001:db8::1 [443] <- 10.0.0.0 10.0.0.2/31 10.0.0.4/30 [any]\n"
		"udp 10.0.0.1 2001:db8::1 [any] <- 10.0.0.0 10.0.0.2/31 10.0.0.4/30 [any]\n");
}

static void test_any_is_everyone_else(void **state)
{
	struct fixture *f = *state;
	struct address address;

	assert_true(fixture_read(f, PLAIN, HOSTS "bind: {acme/gw: any}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	assert_int_equal(f->host->rules[3].match_count, 2);
	assert_true(address_parse("10.0.0.2", &address));
	assert_false(prefix_list_contains(f->host->rules[3].matches[0].remote, &address));
	assert_true(address_parse("10.0.0.1", &address));
	assert_true(prefix_list_contains(f->host->rules[3].matches[0].remote, &address));
	assert_true(address_parse("2001:db8:ffff::", &address));
	assert_true(prefix_list_contains(f->host->rules[3].matches[0].remote, &address));
	/* A million prefixes in many rules are one list. */
	assert_ptr_equal(f->host->rules[3].matches[0].remote, f->host->rules[3].matches[1].remote);
}

/* A prefix that covers a host gives it no role. */
static void test_prefix_gives_no_role(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS "bind: {acme/gw: 10.0.0.0/24}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "app-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
	assert_int_equal(f->host->role_count, 1);
}

static void test_floating_address(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, PLAIN,
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, floating: 10.0.0.9, roles: acme/db}\n"
		"  db-2: {addresses: 10.0.0.5, floating: 10.0.0.9, roles: acme/db}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/sql"),
			    "tcp 10.0.0.4 10.0.0.9 [1433] <- 10.0.0.1 [any]\n");
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.4");
	assert_string_equal(fixture_prefixes(f, &f->host->floating), "10.0.0.9");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/sql"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.4/31 10.0.0.9 [1433]\n");
}

/* What only this host may have is no peer of it, wherever it is at the moment. */
static void test_own_floating_address_is_no_peer(void **state)
{
	struct fixture *f = *state;

	assert_true(
		fixture_read(f, PLAIN,
			     "hosts:\n"
			     "  web-1: {addresses: 10.0.0.1, floating: 10.0.0.9, roles: acme/web}\n"
			     "  web-2: {addresses: 10.0.0.2, roles: acme/web}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/peer"),
			    "udp 10.0.0.1 10.0.0.9 [any] -> 10.0.0.2 [7000-7001]\n");
}

/* Only TCP, UDP and SCTP have source ports to ask for. */
static void test_source_ports_of_what_has_none(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, ROLES,
				 HOSTS "flows:\n"
				       "  - {id: a, from: web-2, to: db-1, allow: [icmp/echo, esp, "
				       "sctp/5], source-ports: 99}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "site/a"),
			    "icmp 10.0.0.2 [any] -> 10.0.0.4 [2048]\n"
			    "esp 10.0.0.2 [any] -> 10.0.0.4 [0]\n"
			    "sctp 10.0.0.2 [99] -> 10.0.0.4 [5]\n");
}

/* ------------------------------------------------------------ ids -------------------------------
 */

static void test_rule_ids(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		ROLES
		"flows:\n"
		"  - {id: one, from: web, to: [db], allow: tcp/1, " CITE "}\n"
		"  - {id: two, from: front, to: [db, gw], allow: tcp/2, either-way: yes, " CITE
		"}\n",
		HOSTS "bind: {acme/gw: 10.0.0.9}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/one:db\n"
					      "out acme/two:web:db\n"
					      "in acme/two:web:db:back\n"
					      "out acme/two:web:gw\n"
					      "in acme/two:web:gw:back\n");
	assert_string_equal(f->host->rules[2].from, "acme/db");
	assert_string_equal(f->host->rules[2].to, "acme/web");
}

static void test_second_instance(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN,
				 "catalogs: [acme, {catalog: acme, as: lab}]\n"
				 "hosts:\n"
				 "  a: {addresses: 10.0.0.1, roles: [lab/web, acme/web]}\n"
				 "  b: {addresses: 10.0.0.2, roles: lab/db}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "a"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out lab/sql\n");
	assert_string_equal(f->host->rules[0].citations[0].document, "Acme Guide");
}

/* ------------------------------------------------------------ parameters ------------------------
 */

static void test_value_belongs_to_who_listens(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES
		"flows:\n"
		"  - {id: sql, from: web, to: db, allow: tcp/$db-port, source-ports: $own, " CITE
		"}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web, parameters: {acme/own: 50000, "
		"acme/db-port: 9}}\n"
		"  web-2: {addresses: 10.0.0.2, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db, parameters: {acme/db-port: 1500}}\n"
		"  db-2: {addresses: 10.0.0.5, roles: acme/db}\n"
		"  db-3: {addresses: 10.0.0.6, roles: acme/db}\n"
		"bind: {acme/db: 10.0.0.7}\n"
		"parameters: {acme/db-port: 1600}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/sql"),
			    "tcp 10.0.0.1 [50000] -> 10.0.0.4 [1500]\n"
			    "tcp 10.0.0.1 [50000] -> 10.0.0.5 10.0.0.6/31 [1600]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/sql"),
			    "tcp 10.0.0.4 [1500] <- 10.0.0.1 [50000]\n"
			    "tcp 10.0.0.4 [1500] <- 10.0.0.2 [40000-40001]\n");
}

/* The exchanged rule takes the value at its own "to". */
static void test_either_way_takes_its_own_to(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES
		"flows:\n"
		"  - {id: x, from: web, to: db, allow: tcp/$db-port, either-way: yes, " CITE "}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web, parameters: {acme/db-port: 1}}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db, parameters: {acme/db-port: 2}}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/x"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.4 [2]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/x:back"),
			    "tcp 10.0.0.1 [1] <- 10.0.0.4 [any]\n");
}

static void test_none_takes_the_service_away(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: db, allow: [tcp/$must, tcp/5], " CITE "}\n"
			    "  - {id: b, from: web, to: db, allow: [tcp/$must], " CITE "}\n",
		HOSTS "parameters: {acme/must: none}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/a\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/a"),
			    "tcp 10.0.0.2 [any] -> 10.0.0.4/31 [5]\n");
}

static void test_reference_to_another_parameter(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: db, allow: [tcp/$must, $more], " CITE "}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db, parameters: {acme/db-port: 7}}\n"
		"  db-2: {addresses: 10.0.0.5, roles: acme/db}\n"
		"parameters: {acme/must: [$acme/db-port, 8], acme/more: [tcp/80, "
		"udp/$acme/db-port]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/a"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.4 [7-8, 80]\n"
			    "udp 10.0.0.1 [any] -> 10.0.0.4 [7]\n"
			    "tcp 10.0.0.1 [any] -> 10.0.0.5 [8, 80, 1433]\n"
			    "udp 10.0.0.1 [any] -> 10.0.0.5 [1433]\n");
}

static void test_reference_to_itself(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(f, PORTS ROLES,
				  "parameters:\n"
				  "  acme/must: $acme/own\n"
				  "  acme/own: [1, $acme/must]\n"));
	assert_string_equal(fixture_findings(f),
			    "site.yaml:5:14: error: `acme/must` refers to itself, so it has no "
			    "value: set it to ports\n");
}

static void test_required_parameter(void **state)
{
	struct fixture *f = *state;
	const char *catalog =
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: db, allow: tcp/$must, " CITE "}\n"
			    "  - {id: b, from: web, to: db, allow: tcp/$must, " CITE "}\n";

	assert_false(fixture_read(f, catalog, HOSTS));
	assert_string_equal(
		fixture_findings(f),
		"site.yaml:2:12: error: `acme/must` has no value, and flow `acme/a` needs "
		"it (Acme Guide: Ports, row 1, lines 10-12): set it under `parameters`, or "
		"to `none` if it is not used here\n");
}

static void test_required_parameter_of_one_host(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: db, allow: tcp/$must, " CITE "}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db, parameters: {acme/must: 7}}\n"
		"  db-2: {addresses: 10.0.0.5, roles: acme/db, parameters: {acme/own: 7}}\n"));
	assert_string_equal(
		fixture_findings(f),
		"site.yaml:2:12: error: `acme/must` has no value on host `db-2`, and flow "
		"`acme/a` needs it (Acme Guide: Ports, row 1, lines 10-12): set it under "
		"`parameters`, or to `none` if it is not used here\n");
}

/* Nobody asks for what no flow in force needs. */
static void test_required_parameter_that_nothing_needs(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: off, from: web, to: db, allow: tcp/$must, when: [fast], " CITE
			    "}\n"
			    "  - {id: unbound, from: gw, to: db, allow: tcp/$must, " CITE "}\n"
			    "  - {id: out, from: web, to: db, allow: tcp/$must, " CITE "}\n",
		HOSTS "without: [{flow: acme/out, because: not bought}]\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
}

/* ------------------------------------------------------------ conditions ------------------------
 */

static void test_conditions(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES
		"flows:\n"
		"  - {id: a, from: web, to: db, allow: tcp/1, when: [fast], " CITE "}\n"
		"  - {id: b, from: web, to: db, allow: tcp/2, when: [not fast], " CITE "}\n"
		"  - {id: c, from: web, to: db, allow: tcp/3, when: [kind=small|big], " CITE "}\n"
		"  - {id: d, from: web, to: db, allow: tcp/4, when: [not kind=small], " CITE "}\n"
		"  - {id: e, from: web, to: db, allow: tcp/5, when: [bound app], " CITE "}\n"
		"  - {id: g, from: web, to: db, allow: tcp/6, when: [bound gw], " CITE "}\n"
		"  - {id: h, from: web, to: db, allow: tcp/7, when: [not bound gw], " CITE "}\n"
		"  - {id: i, from: web, to: db, allow: tcp/8, when: [bound app, fast], " CITE "}\n",
		HOSTS "parameters: {acme/kind: small}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "in acme/b\n"
					      "in acme/c\n"
					      "in acme/e\n"
					      "in acme/h\n");
}

/* A switch of one host is asked where the flow opens to. */
static void test_condition_at_the_listener(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: db, allow: tcp/1, when: [fast], " CITE
			    "}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db, parameters: {acme/fast: on}}\n"
		"  db-2: {addresses: 10.0.0.5, roles: acme/db}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/a"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.4 [1]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-2"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
}

static void test_without(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN,
				 HOSTS "without: [{flow: acme/peer, because: one server}]\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/sql\n");
}

/* ------------------------------------------------------------ the site's own --------------------
 */

static void test_site_flows(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, PORTS PLAIN,
		HOSTS
		"sets: {dns: [10.9.0.1, 10.9.0.2], office: [10.8.0.0/16]}\n"
		"parameters: {acme/must: 99}\n"
		"flows:\n"
		"  - {id: dns, from: hosts, to: $dns, allow: [udp/53, icmp/echo]}\n"
		"  - {id: ntp, from: [web-1, acme/db], to: 10.9.1.0-10.9.1.2, allow: udp/123}\n"
		"  - {id: desk, from: [$office, 10.7.0.0/24], to: acme/front, allow: "
		"tcp/$acme/must}\n"
		"  - {id: web, from: any, to: web-1, allow: tcp/443, when: [bound acme/app]}\n"
		"  - {id: none, from: any, to: web-1, allow: tcp/444, when: [acme/fast]}\n"
		"  - {id: net, from: 10.0.0.0/30, to: 10.0.0.2, allow: tcp/5}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/sql\n"
					      "in acme/peer\n"
					      "out acme/peer\n"
					      "out site/dns\n"
					      "out site/ntp:web-1\n"
					      "in site/desk:$office:acme/web\n"
					      "in site/desk:10.7.0.0/24:acme/web\n"
					      "in site/web\n"
					      "out site/net\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "site/dns"),
			    "icmp 10.0.0.1 2001:db8::1 [any] -> 10.9.0.1 10.9.0.2 [2048]\n"
			    "udp 10.0.0.1 2001:db8::1 [any] -> 10.9.0.1 10.9.0.2 [53]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "site/ntp:web-1"),
			    "udp 10.0.0.1 2001:db8::1 [any] -> 10.9.1.0/31 10.9.1.2 [123]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "site/desk:$office:acme/web"),
			    "tcp 10.0.0.1 2001:db8::1 [99] <- 10.8.0.0/16 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "site/net"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.2 [5]\n");
	assert_null(f->host->rules[3].citations[0].document);
	/* "any" means the others: it opens nothing on a host that merely lies in it. */
	assert_int_equal(fixture_play(f, PLAYER_HOST, "app-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out site/dns\n"
					      "in site/desk:$office:acme/app\n"
					      "in site/desk:10.7.0.0/24:acme/app\n"
					      "out site/net\n");
}

static void test_management_comes_first(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN,
				 HOSTS
				 "management:\n"
				 "  - {from: [10.9.0.0/28, web-1], allow: [tcp/22, icmp/echo]}\n"
				 "  - {from: 10.0.0.1, allow: tcp/23}\n"
				 "  - {from: \"2001:db8::/64\", allow: [tcp/24, icmp/echo]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "in management/1\n"
					      "in management/2\n"
					      "in management/3\n"
					      "out acme/sql\n"
					      "in acme/peer\n"
					      "out acme/peer\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "management/1"),
			    "icmp every [2048] <- 10.0.0.1 10.9.0.0/28 [any]\n"
			    "tcp every [22] <- 10.0.0.1 10.9.0.0/28 2001:db8::1 [any]\n"
			    "icmpv6 every [32768] <- 2001:db8::1 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "management/3"),
			    "tcp every [24] <- 2001:db8::/64 [any]\n"
			    "icmpv6 every [32768] <- 2001:db8::/64 [any]\n");
	/* The one whose only peer is the host itself is gone, and the others keep their numbers. */
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.0.1"), RESOLVE_OK);
	assert_string_equal(f->host->rules[0].id, "management/1");
	assert_string_equal(f->host->rules[1].id, "management/3");
	assert_true(f->host->has_management);
}

/* ------------------------------------------------------------ settings --------------------------
 */

static void test_defaults_and_overrides(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, PLAIN,
		"interfaces: [eth0]\n"
		"lookup: maps\n"
		"bounds: {flows: 4096}\n"
		"host: {dhcp: yes, timeouts: {tcp: 1h}}\n"
		"hosts:\n"
		"  a: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  b: {addresses: 10.0.0.2, roles: acme/web, mode: {in: audit, out: off},\n"
		"      interfaces: auto, dhcp: no, forwarding: pass, cross-check: 0}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "a"), RESOLVE_OK);
	assert_int_equal(f->host->mode[DIRECTION_IN], MODE_ENFORCE);
	assert_int_equal(f->host->lookup, LOOKUP_MAPS);
	assert_int_equal(f->host->flows, 4096);
	assert_int_equal(f->host->flow_share, 1024);
	assert_int_equal(f->host->fragments, FRAGMENTS_DEFAULT);
	assert_int_equal(f->host->cross_check, 65536);
	assert_int_equal(f->host->timeout_ms[FLOW_TCP], 3600 * 1000);
	assert_int_equal(f->host->timeout_ms[FLOW_UDP], 120 * 1000);
	assert_int_equal(f->host->timeout_ms[FLOW_ICMP], 10 * 1000);
	assert_int_equal(f->host->fragment_timeout_ms, 2000);
	assert_int_equal(f->host->icmp_errors_per_second, ICMP_ERRORS_PER_SECOND);
	assert_int_equal(f->host->forwarding, FORWARDING_REFUSE);
	assert_true(f->host->dhcp);
	assert_false(f->host->interfaces_auto);
	assert_string_equal(f->host->interfaces[0], "eth0");
	assert_false(f->host->has_management);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "b"), RESOLVE_OK);
	assert_int_equal(f->host->mode[DIRECTION_IN], MODE_AUDIT);
	assert_int_equal(f->host->mode[DIRECTION_OUT], MODE_OFF);
	assert_false(f->host->dhcp);
	assert_true(f->host->interfaces_auto);
	assert_int_equal(f->host->interface_count, 0);
	assert_int_equal(f->host->forwarding, FORWARDING_PASS);
	assert_int_equal(f->host->cross_check, 0);
	assert_int_equal(f->host->timeout_ms[FLOW_TCP], 3600 * 1000);
}

static void test_peers(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS "bind: {acme/gw: any}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	assert_int_equal(f->host->peer_count, 4);
	assert_string_equal(f->host->peers[0].role, "acme/web");
	assert_string_equal(fixture_prefixes(f, f->host->peers[0].addresses),
			    "10.0.0.1 2001:db8::1");
	assert_string_equal(f->host->peers[3].role, "acme/gw");
}

static void test_digest(void **state)
{
	struct fixture *f = *state;
	char first[65];
	char second[65];

	assert_true(fixture_read(f, PLAIN, HOSTS "about: one\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	host_policy_digest(f->host, first);
	assert_int_equal(strlen(first), 64);
	assert_true(fixture_read(f, PLAIN, HOSTS "about: two\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	host_policy_digest(f->host, second);
	assert_string_equal(first, second);
	assert_true(fixture_read(f, PLAIN, HOSTS "host: {timeouts: {udp: 121s}}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	host_policy_digest(f->host, second);
	assert_string_not_equal(first, second);
}

static void test_printed(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	const char *cut;
	json_t *json;

	assert_true(
		fixture_read(f, PLAIN, HOSTS "management: [{from: 10.9.0.1, allow: tcp/22}]\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	host_policy_print(f->host, out);
	fclose(out);
	cut = strstr(text, "\nin (");
	assert_non_null(cut);
	assert_string_equal(cut, "\nin (peers open to this host): 2 rules, mode enforce\n"
				 "  management/1\n"
				 "      10.9.0.1 -> hosts: tcp/22\n"
				 "      10.9.0.1 -> every address\n"
				 "      the site file\n"
				 "  acme/sql\n"
				 "      acme/web -> acme/db: tcp/1433\n"
				 "      10.0.0.1, 10.0.0.2, 2001:db8::1 -> 10.0.0.4\n"
				 "      Ports, row 1 (Acme Guide, lines 10-12)\n"
				 "\nout (this host opens): 0 rules, mode enforce\n"
				 "\nEverything else is dropped.\n");
	free(text);
	json = host_policy_json(f->host);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "rules")), 2);
	json_decref(json);
}

/* ------------------------------------------------------------ both ends -------------------------
 */

#define HOST_COUNT 5

static const struct rule *answering(const struct host_policy *host, const struct rule *rule)
{
	return host_policy_rule(host, rule->id,
				rule->direction == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN);
}

/* Is there a match at the other end for the same packet? */
static bool is_answered(const struct rule *rule, const struct match *match,
			const struct address *near, const struct address *far)
{
	for (size_t i = 0; rule && i < rule->match_count; i++) {
		const struct match *other = &rule->matches[i];

		if (other->protocol == match->protocol &&
		    port_list_equal(&other->local_ports, &match->remote_ports) &&
		    port_list_equal(&other->remote_ports, &match->local_ports) &&
		    prefix_list_contains(other->local, far) &&
		    prefix_list_contains(other->remote, near))
			return true;
	}
	return false;
}

static size_t check_pair(const struct host_policy *host, const struct host_policy *peer)
{
	size_t pairs = 0;

	for (size_t i = 0; i < host->rule_count; i++) {
		const struct rule *rule = &host->rules[i];

		for (size_t j = 0; j < rule->match_count; j++) {
			const struct match *match = &rule->matches[j];

			list_for_each (near, &host->own) {
				list_for_each (far, &peer->own) {
					if (near->address.family != far->address.family ||
					    !prefix_list_contains(match->local, &near->address) ||
					    !prefix_list_contains(match->remote, &far->address))
						continue;
					if (!is_answered(answering(peer, rule), match,
							 &near->address, &far->address))
						fail_msg("%s of %s has no other end at %s",
							 rule->id, host->host, peer->host);
					pairs++;
				}
			}
		}
	}
	return pairs;
}

/* What one host may open, the other lets in, and the other way round: by the same rule, from the
 * same ports. */
static void test_both_ends_agree(void **state)
{
	static const char *const names[HOST_COUNT] = {"web-1", "web-2", "app-1", "db-1", "db-2"};
	const struct host_policy *hosts[HOST_COUNT];
	struct fixture *f = *state;
	size_t pairs = 0;

	assert_true(fixture_read(
		f,
		PORTS ROLES
		"flows:\n"
		"  - {id: a, from: front, to: [db, web], allow: [tcp/$db-port, $more, icmp/echo],\n"
		"     source-ports: $own, either-way: yes, " CITE "}\n"
		"  - {id: b, from: web, to: web, allow: esp, when: [fast], " CITE "}\n"
		"  - {id: c, from: gw, to: db, allow: sctp/1, " CITE "}\n",
		"hosts:\n"
		"  web-1: {addresses: [10.0.0.1, \"2001:db8::1\"], roles: acme/web,\n"
		"          parameters: {acme/own: 50000, acme/db-port: [9, 10], acme/fast: on}}\n"
		"  web-2: {addresses: [10.0.0.2, 10.0.1.2], roles: [acme/web, acme/app]}\n"
		"  app-1: {addresses: 10.0.0.3, roles: [acme/app, acme/gw], parameters: "
		"{acme/more: "
		"none}}\n"
		"  db-1: {addresses: [10.0.0.4, \"2001:db8::4\"], roles: acme/db, parameters: "
		"{acme/db-port: 1500}}\n"
		"  db-2: {addresses: 10.0.0.5, roles: [acme/db, acme/gw]}\n"
		"bind: {acme/gw: [10.0.1.2, 10.0.7.0/24]}\n"
		"flows:\n"
		"  - {id: s, from: [hosts, 10.0.0.0/30], to: [acme/front, 10.0.0.5], allow: "
		"tcp/$acme/db-port}\n"));
	for (size_t i = 0; i < HOST_COUNT; i++) {
		assert_int_equal(fixture_play(f, PLAYER_HOST, names[i]), RESOLVE_OK);
		hosts[i] = f->host;
	}
	for (size_t i = 0; i < HOST_COUNT; i++) {
		for (size_t j = 0; j < HOST_COUNT; j++) {
			if (i != j)
				pairs += check_pair(hosts[i], hosts[j]);
		}
	}
	assert_true(pairs > 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_opens_to_every_to),
		TEST(test_to_is_opened_by_every_from),
		TEST(test_host_is_no_peer_of_itself),
		TEST(test_both_ends_on_one_host),
		TEST(test_own_addresses_are_cut_out_of_prefixes),
		TEST(test_any_is_everyone_else),
		TEST(test_prefix_gives_no_role),
		TEST(test_floating_address),
		TEST(test_own_floating_address_is_no_peer),
		TEST(test_source_ports_of_what_has_none),
		TEST(test_rule_ids),
		TEST(test_second_instance),
		TEST(test_value_belongs_to_who_listens),
		TEST(test_either_way_takes_its_own_to),
		TEST(test_none_takes_the_service_away),
		TEST(test_reference_to_another_parameter),
		TEST(test_reference_to_itself),
		TEST(test_required_parameter),
		TEST(test_required_parameter_of_one_host),
		TEST(test_required_parameter_that_nothing_needs),
		TEST(test_conditions),
		TEST(test_condition_at_the_listener),
		TEST(test_without),
		TEST(test_site_flows),
		TEST(test_management_comes_first),
		TEST(test_defaults_and_overrides),
		TEST(test_peers),
		TEST(test_digest),
		TEST(test_printed),
		TEST(test_both_ends_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
