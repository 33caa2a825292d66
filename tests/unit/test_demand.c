/* SPDX-License-Identifier: BSD-2-Clause */
/* What documents and sites demand and forbid, and what a site adjusts, over whole policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Before cmocka.h, which has a macro of the name fail. */
#include "demand_check.h"
#include "forbidden.h"
#include "packet_line.h"

#include "policy_fixture.h"

#define ROLES                                                                                      \
	"roles:\n"                                                                                 \
	"  client: {names: [Client]}\n"                                                            \
	"  edge: {names: [Edge]}\n"                                                                \
	"  cloud: {names: [Cloud], outside: yes, bind: [address, prefix, any]}\n"                  \
	"  google: {names: [Google], outside: yes, bind: [address, prefix, any]}\n"                \
	"  bus: {names: [Bus]}\n"                                                                  \
	"  db: {names: [Database]}\n"                                                              \
	"  trunk: {names: [Trunk], outside: yes, count: 4}\n"                                      \
	"groups:\n"                                                                                \
	"  ours: {names: [ours], roles: [client, edge]}\n"

#define PARAMETERS                                                                                 \
	"parameters:\n"                                                                            \
	"  stun: {type: switch, default: on}\n"                                                    \
	"  google-stun: {type: switch, default: off}\n"                                            \
	"  model: {type: choice, of: [as-bound, split], default: as-bound}\n"                      \
	"  sql-port: {type: ports, default: 1433}\n"                                               \
	"  inbound: {type: switch, default: off}\n"

#define CITE "cite: {section: Ports, row: 1, lines: 10-12}"

#define FLOWS                                                                                      \
	"flows:\n"                                                                                 \
	"  - {id: stun, from: client, to: cloud, allow: udp/3478, when: stun, " CITE "}\n"         \
	"  - {id: google, from: client, to: google, allow: udp/19302, when: google-stun, " CITE    \
	"}\n"                                                                                      \
	"  - {id: bus, from: client, to: bus, allow: tcp/5672, " CITE "}\n"                        \
	"  - {id: media, from: edge, to: cloud, allow: udp/any, source-ports: 16384-65535, " CITE  \
	"}\n"                                                                                      \
	"  - {id: sql, from: edge, to: db, allow: tcp/$sql-port, " CITE "}\n"                      \
	"  - {id: sip, from: edge, to: trunk, allow: tcp/5061, " CITE "}\n"                        \
	"  - {id: in, from: cloud, to: edge, allow: tcp/8443, when: inbound, " CITE "}\n"

#define CATALOG PARAMETERS ROLES FLOWS

#define CLIENT	"  c-1: {addresses: 10.0.0.1, roles: acme/client}\n"
#define EDGE	"  e-1: {addresses: 10.0.0.2, roles: acme/edge}\n"
#define BUS	"  b-1: {addresses: 10.0.0.3, roles: acme/bus}\n"
#define DB	"  d-1: {addresses: 10.0.0.4, roles: acme/db}\n"

static const char *demands(struct fixture *f, const char *checks, const char *site)
{
	if (!fixture_read(f, arena_printf(f->arena, "%s%s", CATALOG, checks), site))
		fail_msg("%s", fixture_findings(f));
	demands_check(f->arena, f->diagnostics, f->policy);
	return fixture_findings(f);
}

/* ------------------------------------------------------------ at-least-one ----------------------
 */

#define ONE                                                                                        \
	"checks:\n"                                                                                \
	"  - {at-least-one: [stun, google], say: a client needs STUN, " CITE "}\n"
#define NONE_IN_FORCE                                                                              \
	"error: none of the flows `acme/stun`, `acme/google` is in force: a client needs STUN "    \
	"(Acme Guide: Ports, row 1, lines 10-12)\n"

static void test_at_least_one_is_in_force(void **state)
{
	assert_string_equal(demands(*state, ONE,
				    "hosts:\n" CLIENT
				    "bind: {acme/cloud: any, acme/google: 192.0.2.1}\n"),
			    "");
}

static void test_at_least_one_taken_out(void **state)
{
	assert_string_equal(demands(*state, ONE,
				    "hosts:\n" CLIENT "bind: {acme/cloud: any}\n"
				    "without: [{flow: acme/stun, because: unused}]\n"),
			    "site.yaml:7:11: " NONE_IN_FORCE);
}

static void test_at_least_one_switched_off(void **state)
{
	assert_string_equal(demands(*state, ONE,
				    "hosts:\n" CLIENT "bind: {acme/cloud: any}\n"
				    "parameters: {acme/stun: off}\n"),
			    "site.yaml:7:25: " NONE_IN_FORCE);
}

/* The other one's switch is off by default, and only its ends are bound. */
static void test_at_least_one_off_by_default(void **state)
{
	assert_string_equal(demands(*state, ONE, "hosts:\n" CLIENT "bind: {acme/google: any}\n"),
			    "site.yaml:5:37: " NONE_IN_FORCE);
}

static void test_at_least_one_of_what_is_not_bound(void **state)
{
	assert_string_equal(
		demands(*state, ONE, "hosts:\n" CLIENT "parameters: {acme/stun: off}\n"), "");
	assert_string_equal(demands(*state, ONE,
				    "hosts:\n" EDGE "bind: {acme/cloud: any}\n"
				    "parameters: {acme/stun: off}\n"),
			    "");
}

/* ------------------------------------------------------------ not-together ----------------------
 */

#define APART                                                                                      \
	"checks:\n"                                                                                \
	"  - {not-together: [client, bus, db], when: model=as-bound, level: warning, say: "        \
	"mixed}\n"                                                                                 \
	"  - {not-together: db, when: [model=split, not bound bus]}\n"

static void test_roles_bound_together(void **state)
{
	assert_string_equal(demands(*state, APART, "hosts:\n" CLIENT EDGE DB),
			    "site.yaml:7:37: warning: `acme/client`, `acme/db` must not be bound "
			    "together: mixed\n");
}

static void test_roles_apart(void **state)
{
	assert_string_equal(demands(*state, APART, "hosts:\n" DB EDGE), "");
}

static void test_role_not_to_be_bound(void **state)
{
	assert_string_equal(
		demands(*state, APART, "hosts:\n" CLIENT DB "parameters: {acme/model: split}\n"),
		"site.yaml:6:37: error: `acme/db` must not be bound here\n");
}

static void test_role_that_a_condition_lets_be_bound(void **state)
{
	assert_string_equal(
		demands(*state, APART, "hosts:\n" BUS DB "parameters: {acme/model: split}\n"), "");
}

/* ------------------------------------------------------------ all-reach -------------------------
 */

#define REACH "checks: [{all-reach: bus, level: warning, " CITE "}]\n"

static void test_role_without_a_way(void **state)
{
	assert_string_equal(
		demands(*state, REACH, "hosts:\n" CLIENT EDGE BUS DB "bind: {acme/cloud: any}\n"),
		"site.yaml:6:37: warning: `acme/edge` has no flow in force to "
		"`acme/bus` (Acme Guide: Ports, row 1, lines 10-12)\n");
}

/* A site's own flow is a way as well. */
static void test_role_with_a_way_of_the_sites_own(void **state)
{
	assert_string_equal(
		demands(*state, REACH,
			"hosts:\n" CLIENT EDGE BUS DB
			"flows: [{id: bus, from: acme/edge, to: acme/bus, allow: tcp/5672}]\n"),
		"");
}

static void test_role_whose_way_is_taken_out(void **state)
{
	assert_string_equal(demands(*state, REACH,
				    "hosts:\n" CLIENT BUS "bind: {acme/cloud: any}\n"
				    "without: [{flow: acme/bus, because: unused}]\n"),
			    "site.yaml:5:37: warning: `acme/client` has no flow in force to "
			    "`acme/bus` (Acme Guide: Ports, row 1, lines 10-12)\n");
}

/* On one host nothing crosses a wire. */
static void test_role_that_lives_with_it(void **state)
{
	assert_string_equal(
		demands(*state, REACH,
			"hosts:\n"
			"  all: {addresses: 10.0.0.1, roles: [acme/edge, acme/bus]}\n" DB
			"bind: {acme/cloud: any}\n"),
		"");
}

/* ------------------------------------------------------------ count -----------------------------
 */

static void test_exact_number_of_addresses(void **state)
{
	assert_string_equal(demands(*state, "",
				    "hosts:\n" EDGE "bind: {acme/trunk: [192.0.2.1, 192.0.2.2, "
				    "192.0.2.3, 192.0.2.4]}\n"),
			    "");
	assert_string_equal(
		demands(*state, "", "hosts:\n" EDGE "bind: {acme/trunk: [192.0.2.1, 192.0.2.2]}\n"),
		"site.yaml:6:8: error: `acme/trunk` has 2 addresses, and Acme Guide "
		"has exactly 4: bind all of them and no other\n");
}

/* ------------------------------------------------------------ forbid ----------------------------
 */

#define FORBID                                                                                     \
	"forbid:\n"                                                                                \
	"  - {id: no-inbound, from: cloud, to: ours, " CITE "}\n"                                  \
	"  - {id: sql-only, from: edge, to: db, services: [tcp/any, icmp/echo], except: "          \
	"sql, " CITE "}\n"

static const char *refused(struct fixture *f, const char *site)
{
	assert_false(fixture_read(f, CATALOG FORBID, site));
	return fixture_findings(f);
}

/* A switch of the document's own, against the document. */
static void test_flow_of_the_same_instance(void **state)
{
	assert_string_equal(
		refused(*state, "hosts:\n" EDGE "bind: {acme/cloud: any}\n"
				"parameters: {acme/inbound: on}\n"),
		"acme.yaml:26:10: error: flow `acme/in` opens tcp/8443 from `acme/cloud` to "
		"`acme/edge`, which `acme/no-inbound` forbids (Acme Guide: Ports, row 1, lines "
		"10-12): set its parameters otherwise, or take it out with `without`\n");
}

static void test_flow_that_is_not_in_force(void **state)
{
	assert_true(fixture_read(*state, CATALOG FORBID,
				 "hosts:\n" EDGE DB "bind: {acme/cloud: any}\n"
				 "without: [{flow: acme/in, because: forbidden}]\n"
				 "parameters: {acme/inbound: on, acme/sql-port: 14330}\n"));
}

static void test_flow_of_the_site(void **state)
{
	assert_string_equal(
		refused(*state, "hosts:\n" EDGE DB "flows:\n"
				"  - {id: more, from: acme/edge, to: acme/db, allow: [tcp/1434, "
				"udp/1434]}\n"
				"  - {id: udp, from: acme/edge, to: acme/db, allow: udp/1434}\n"
				"  - {id: ping, from: hosts, to: 10.0.0.0/24, allow: icmp/echo}\n"),
		"site.yaml:8:10: error: flow `site/more` opens tcp/1434 from `acme/edge` to "
		"`acme/db`, which `acme/sql-only` forbids (Acme Guide: Ports, row 1, lines 10-12): "
		"take the flow out, or open only what the document leaves open\n"
		"site.yaml:10:10: error: flow `site/ping` opens icmp/echo from `hosts` to "
		"`10.0.0.0/24`, which `acme/sql-only` forbids (Acme Guide: Ports, row 1, lines "
		"10-12): take the flow out, or open only what the document leaves open\n");
}

/* Bound to any is "the others": who is written somewhere by address is not meant. */
static void test_flow_beside_a_role_bound_to_any(void **state)
{
	assert_true(fixture_read(*state, CATALOG FORBID,
				 "hosts:\n" EDGE "bind: {acme/cloud: any}\n"
				 "flows:\n"
				 "  - {id: backup, from: 10.9.0.0/16, to: e-1, allow: tcp/22}\n"
				 "  - {id: bus, from: acme/bus, to: acme/edge, allow: tcp/22}\n"));
}

/* Management is no flow: it gets in whatever is forbidden. */
static void test_management_is_not_touched(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, CATALOG FORBID,
				 "hosts:\n" EDGE "bind: {acme/cloud: 198.51.100.0/24}\n"
				 "management: [{from: 198.51.100.0/24, allow: tcp/22}]\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "e-1"), RESOLVE_OK);
	assert_non_null(host_policy_rule(f->host, "management/1", DIRECTION_IN));
}

/* What the site forbids, no catalog may open either. */
static void test_site_against_a_catalog(void **state)
{
	assert_string_equal(
		refused(*state,
			"hosts:\n" EDGE DB
			"forbid: [{id: no-sql, from: hosts, to: d-1, services: tcp/1000-2000}]\n"),
		"acme.yaml:24:10: error: flow `acme/sql` opens tcp/1433 from `acme/edge` to "
		"`acme/db`, which `site/no-sql` on line 7 of the site file forbids: take the flow "
		"out with `without`, or name it in `except`\n");
}

/* The ports are those of the host that listens. */
static void test_site_against_one_hosts_ports(void **state)
{
	assert_string_equal(
		refused(*state,
			"hosts:\n" EDGE "  d-1: {addresses: 10.0.0.4, roles: acme/db}\n"
			"  d-2: {addresses: 10.0.0.5, roles: acme/db, parameters: {acme/sql-port: "
			"99}}\n"
			"forbid: [{id: low, from: any, to: 10.0.0.0/8, services: tcp/1-100}]\n"),
		"acme.yaml:24:10: error: flow `acme/sql` opens tcp/99 from `acme/edge` to "
		"`acme/db`, which `site/low` on line 8 of the site file forbids: take the flow out "
		"with `without`, or name it in `except`\n");
}

/* ------------------------------------------------------------ forbids on a host -----------------
 */

static void test_forbids_of_a_host(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, CATALOG FORBID,
		"hosts:\n" CLIENT EDGE DB "bind: {acme/cloud: [198.51.100.0/24, 203.0.113.7]}\n"
		"forbid: [{id: telnet, from: c-1, to: [e-1, d-1], services: tcp/23}]\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "e-1"), RESOLVE_OK);
	assert_int_equal(f->host->forbid_count, 3);
	assert_string_equal(f->host->forbids[0].rule.id, "acme/no-inbound");
	assert_int_equal(f->host->forbids[0].rule.direction, DIRECTION_IN);
	assert_string_equal(f->host->forbids[0].rule.to, "acme/ours");
	assert_true(f->host->forbids[0].any_service);
	assert_string_equal(f->host->forbids[1].rule.id, "site/telnet");
	assert_string_equal(f->host->forbids[1].rule.services, "tcp/23");
	assert_string_equal(f->host->forbids[2].rule.id, "acme/sql-only");
	assert_int_equal(f->host->forbids[2].rule.direction, DIRECTION_OUT);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "c-1"), RESOLVE_OK);
	assert_int_equal(f->host->forbid_count, 2);
	/* To two hosts: one entry. */
	assert_string_equal(f->host->forbids[1].rule.id, "site/telnet");
	assert_int_equal(f->host->forbids[1].rule.match_count, 2);
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "203.0.113.7"), RESOLVE_OK);
	assert_int_equal(f->host->forbid_count, 1);
	assert_int_equal(f->host->forbids[0].rule.match_count, 2);
}

/* They judge nothing, so the digest of what is enforced does not know them. */
static void test_forbids_are_not_enforced(void **state)
{
	char with[65], without[65];
	struct fixture *f = *state;

	assert_true(fixture_read(f, CATALOG FORBID, "hosts:\n" EDGE DB));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "e-1"), RESOLVE_OK);
	assert_int_equal(f->host->rule_count, 1);
	host_policy_digest(f->host, with);
	assert_true(fixture_read(f, CATALOG, "hosts:\n" EDGE DB));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "e-1"), RESOLVE_OK);
	assert_int_equal(f->host->forbid_count, 0);
	host_policy_digest(f->host, without);
	assert_string_equal(with, without);
}

/* The id of what forbids the packet on that host, or "". packet: what follows the direction. */
static const char *cited(struct fixture *f, const char *host, const char *packet)
{
	const char *text = arena_printf(f->arena, "{\"direction\":%s}", packet);
	struct failure failure = {""};
	struct judgement judgement;
	struct packet_line line;
	const struct rule *forbid;
	struct judge *judge;

	assert_int_equal(fixture_play(f, PLAYER_HOST, host), RESOLVE_OK);
	assert_int_equal(model_new(f->host, &judge), 0);
	if (packet_line_parse(text, strlen(text), NULL, &line, &failure))
		fail_msg("%s", failure.message);
	assert_int_equal(
		judge->judge(judge, line.direction, line.frame, line.frame_length, 0, &judgement),
		0);
	forbid = forbidden_by(f->host, line.direction, line.frame, line.frame_length, &judgement);
	packet_line_clear(&line);
	judge->free(judge);
	return forbid ? forbid->id : "";
}

#define SYN(source, destination, port)                                                             \
	"\"l4\":\"tcp\",\"source\":\"" source                                                      \
	"\",\"source_port\":40000,\"destination\":\"" destination "\",\"destination_port\":" #port \
	",\"tcp_flags\":\"SYN\""

static void test_drops_that_are_forbidden(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, CATALOG FORBID,
				 "hosts:\n" EDGE DB "bind: {acme/cloud: 198.51.100.0/24}\n"));
	assert_string_equal(cited(f, "e-1", "\"in\"," SYN("198.51.100.9", "10.0.0.2", 443)),
			    "acme/no-inbound");
	assert_string_equal(cited(f, "e-1",
				  "\"in\",\"l4\":\"icmp\",\"source\":\"198.51.100.9\","
				  "\"destination\":\"10.0.0.2\",\"icmp_type\":8"),
			    "acme/no-inbound");
	assert_string_equal(cited(f, "e-1", "\"out\"," SYN("10.0.0.2", "10.0.0.4", 1434)),
			    "acme/sql-only");
	assert_string_equal(cited(f, "d-1", "\"in\"," SYN("10.0.0.2", "10.0.0.4", 1434)),
			    "acme/sql-only");
	assert_string_equal(cited(f, "d-1",
				  "\"in\",\"l4\":\"icmp\",\"source\":\"10.0.0.2\","
				  "\"destination\":\"10.0.0.4\",\"icmp_type\":8"),
			    "acme/sql-only");
}

static void test_packets_that_nothing_forbids(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, CATALOG FORBID,
				 "hosts:\n" EDGE DB "bind: {acme/cloud: 198.51.100.0/24}\n"));
	/* Another peer, the other direction, another protocol. */
	assert_string_equal(cited(f, "e-1", "\"in\"," SYN("198.51.101.9", "10.0.0.2", 443)), "");
	assert_string_equal(cited(f, "e-1", "\"out\"," SYN("10.0.0.2", "198.51.100.9", 443)), "");
	assert_string_equal(cited(f, "e-1",
				  "\"out\",\"l4\":\"udp\",\"source\":\"10.0.0.2\","
				  "\"source_port\":4,\"destination\":\"10.0.0.4\","
				  "\"destination_port\":1434"),
			    "");
	/* It passes: an excepted flow. */
	assert_string_equal(cited(f, "e-1", "\"out\"," SYN("10.0.0.2", "10.0.0.4", 1433)), "");
	/* It opens nothing, and is dropped for that. */
	assert_string_equal(cited(f, "e-1",
				  "\"in\",\"l4\":\"tcp\",\"source\":\"198.51.100.9\","
				  "\"source_port\":443,\"destination\":\"10.0.0.2\","
				  "\"destination_port\":40000,\"tcp_flags\":\"SYN+ACK\""),
			    "");
	assert_string_equal(cited(f, "e-1", "\"in\",\"frame\":\"00\""), "");
}

/* ------------------------------------------------------------ adjust ----------------------------
 */

static void test_adjusted_source_ports(void **state)
{
	struct fixture *f = *state;
	const struct rule *rule;

	assert_true(fixture_read(f, CATALOG,
				 "hosts:\n" EDGE "bind: {acme/cloud: any}\n"
				 "adjust: {acme/media: {source-ports: 20000-30000}}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "e-1"), RESOLVE_OK);
	rule = host_policy_rule(f->host, "acme/media", DIRECTION_OUT);
	assert_true(rule->is_adjusted);
	assert_string_equal(port_list_format(f->arena, &rule->matches[0].local_ports),
			    "20000-30000");
}

static void test_adjusted_where_the_document_says_any(void **state)
{
	struct fixture *f = *state;
	const struct rule *rule;

	assert_true(fixture_read(f, CATALOG,
				 "hosts:\n" EDGE DB "adjust: {acme/sql: {source-ports: "
				 "$acme/sql-port}}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "d-1"), RESOLVE_OK);
	rule = host_policy_rule(f->host, "acme/sql", DIRECTION_IN);
	assert_string_equal(port_list_format(f->arena, &rule->matches[0].remote_ports), "1433");
}

static void test_never_wider(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(f, CATALOG,
				  "hosts:\n" EDGE "adjust: {acme/media: {source-ports: "
				  "[16383, 20000]}}\n"));
	assert_string_equal(fixture_findings(f),
			    "site.yaml:6:38: error: `acme/media` has source ports 16384-65535, and "
			    "16383, 20000 is not within them: an adjusted flow never allows "
			    "more\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_least_one_is_in_force),
		TEST(test_at_least_one_taken_out),
		TEST(test_at_least_one_switched_off),
		TEST(test_at_least_one_off_by_default),
		TEST(test_at_least_one_of_what_is_not_bound),
		TEST(test_roles_bound_together),
		TEST(test_roles_apart),
		TEST(test_role_not_to_be_bound),
		TEST(test_role_that_a_condition_lets_be_bound),
		TEST(test_role_without_a_way),
		TEST(test_role_with_a_way_of_the_sites_own),
		TEST(test_role_whose_way_is_taken_out),
		TEST(test_role_that_lives_with_it),
		TEST(test_exact_number_of_addresses),
		TEST(test_flow_of_the_same_instance),
		TEST(test_flow_that_is_not_in_force),
		TEST(test_flow_of_the_site),
		TEST(test_flow_beside_a_role_bound_to_any),
		TEST(test_management_is_not_touched),
		TEST(test_site_against_a_catalog),
		TEST(test_site_against_one_hosts_ports),
		TEST(test_forbids_of_a_host),
		TEST(test_forbids_are_not_enforced),
		TEST(test_drops_that_are_forbidden),
		TEST(test_packets_that_nothing_forbids),
		TEST(test_adjusted_source_ports),
		TEST(test_adjusted_where_the_document_says_any),
		TEST(test_never_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
