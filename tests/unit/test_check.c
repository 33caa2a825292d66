/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_fixture.h"

#define ROLES                                                                                      \
	"roles:\n"                                                                                 \
	"  web: {names: [Web Server], listens: [tcp/80, tcp/443]}\n"                               \
	"  app: {names: [App Server], listens: [udp/5000-6000, tcp/$app-port]}\n"                  \
	"  db: {names: [Database]}\n"                                                              \
	"  gw: {names: [Gateway], bind: [address, prefix, any]}\n"                                 \
	"  user: {names: [User], outside: yes}\n"                                                  \
	"  pair: {names: [Pair], count: 2}\n"

#define PARAMETERS                                                                                 \
	"parameters:\n"                                                                            \
	"  app-port: {type: ports, default: 8080}\n"                                               \
	"  media: {type: ports, default: 30000-30100, within: 30000-31000, narrower: warn,\n"      \
	"          about: less means lost calls}\n"                                                \
	"  fast: {type: switch, default: off, reading: A-01, about: what the footnote means}\n"

#define CITE "cite: {section: Ports, row: 1, lines: 10-12}"

#define FLOWS                                                                                      \
	"flows:\n"                                                                                 \
	"  - {id: sql, from: web, to: db, allow: tcp/1433, " CITE "}\n"                            \
	"  - {id: page, from: user, to: web, allow: [tcp/80, tcp/443], " CITE "}\n"                \
	"  - {id: call, from: gw, to: app, allow: udp/$media, " CITE "}\n"                         \
	"  - {id: back, from: app, to: gw, allow: udp/$media, when: [fast], " CITE "}\n"           \
	"  - {id: two, from: web, to: pair, allow: tcp/99, " CITE "}\n"

#define CATALOG PARAMETERS ROLES FLOWS

/* The findings of check_policy alone, without those that every one of these sites has. */
static const char *check(struct fixture *f, const char *catalog, const char *site)
{
	if (!fixture_read(f, catalog, site))
		fail_msg("%s", fixture_findings(f));
	check_policy(f->arena, f->diagnostics, f->policy);
	return fixture_findings(f);
}

#define ALL                                                                                        \
	"hosts:\n"                                                                                 \
	"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"                                        \
	"  app-1: {addresses: 10.0.0.3, roles: acme/app}\n"                                        \
	"  db-1: {addresses: 10.0.0.4, roles: acme/db}\n"
#define BIND  "bind: {acme/gw: 10.0.1.1, acme/pair: [10.0.2.1, 10.0.2.2]}\n"
#define QUIET BIND "parameters: {acme/fast: off}\n"

static void test_nothing_to_say(void **state)
{
	assert_string_equal(check(*state, CATALOG, ALL QUIET), "");
}

static void test_unbound_roles(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      "hosts:\n"
		      "  app-1: {addresses: 10.0.0.3, roles: acme/app}\n"
		      "parameters: {acme/fast: off}\n"),
		"site.yaml:2:12: warning: catalog `acme`: 4 roles that flows name are bound to "
		"nothing (web, db, gw, ...); -v says which flows give no rule for it\n"
		"site.yaml:2:12: note: `acme/web` is bound to nothing, so these flows give no "
		"rule: "
		"sql, page, two\n"
		"site.yaml:2:12: note: `acme/db` is bound to nothing, so these flows give no rule: "
		"sql\n"
		"site.yaml:2:12: note: `acme/gw` is bound to nothing, so these flows give no rule: "
		"call\n"
		"site.yaml:2:12: note: `acme/pair` is bound to nothing, so these flows give no "
		"rule: two\n");
}

#define OWN(from, to)                                                                              \
	ALL QUIET "flows:\n  - {id: g, from: [" from "], to: [" to "], allow: udp/8000}\n"

static void test_rules_that_no_host_gets(void **state)
{
	assert_string_equal(
		check(*state, CATALOG, OWN("10.1.0.0/16", "10.2.0.1")),
		"site.yaml:11:10: warning: rule `site/g:10.1.0.0/16:10.2.0.1` (10.1.0.0/16 -> "
		"10.2.0.1) is no host's: neither end has an address of a host of this file, or one "
		"that `bind` names by itself; name a host or a role at the end that it is about\n");
}

static void test_rules_that_a_host_gets(void **state)
{
	assert_string_equal(check(*state, CATALOG, OWN("10.0.0.0/24", "10.2.0.1")), "");
	assert_string_equal(check(*state, CATALOG, OWN("any", "10.0.0.3")), "");
	assert_string_equal(check(*state, CATALOG, OWN("10.1.0.0/16", "10.0.2.1")), "");
	assert_string_equal(check(*state, CATALOG, OWN("10.1.0.0/16", "acme/web")), "");
	assert_string_equal(check(*state, CATALOG, OWN("10.1.0.0/16", "224.0.0.18")), "");
}

/* A broadcast is heard by hosts that have its address. */
static void test_rules_to_a_broadcast_address(void **state)
{
	assert_string_equal(
		check(*state, CATALOG, OWN("10.0.0.0/24", "10.0.0.255")),
		"site.yaml:11:10: warning: rule `site/g:10.0.0.0/24:10.0.0.255`: 10.0.0.255 is the "
		"broadcast address of 10.0.0.0/24 and no host's, so no host lets in what comes to "
		"it: hosts that are to hear it need it under `floating` in `host`\n");
}

static void test_rules_to_no_broadcast_address(void **state)
{
	assert_string_equal(check(*state, CATALOG, OWN("10.0.0.0/24", "10.0.0.127")), "");
	assert_string_equal(check(*state, CATALOG, OWN("10.0.0.4/31", "10.0.0.5")), "");
	assert_string_equal(
		check(*state, CATALOG,
		      OWN("10.0.0.0/24", "10.0.0.255") "host: {floating: 10.0.0.255}\n"),
		"");
}

/* What no flow in force names need not be bound. */
static void test_unbound_role_that_nothing_uses(void **state)
{
	assert_string_equal(check(*state, CATALOG,
				  ALL "bind: {acme/gw: 10.0.1.1}\n"
				      "parameters: {acme/fast: off}\n"
				      "without: [{flow: acme/two, because: there is none}]\n"),
			    "");
}

static void test_address_of_a_host_in_bind(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      ALL "bind: {acme/gw: [10.0.0.0/24, 10.0.1.1], acme/pair: [10.0.2.1, "
			  "10.0.2.2], acme/db: 10.0.0.4}\n"
			  "parameters: {acme/fast: off}\n"),
		"site.yaml:8:8: warning: 10.0.0.1 is in `bind` of `acme/gw` and, on line 5, in "
		"host "
		"`web-1`: the rules of both hold for it; take it out here, or give that host this "
		"role too\n"
		"site.yaml:8:8: warning: 10.0.0.3 is in `bind` of `acme/gw` and, on line 6, in "
		"host "
		"`app-1`: the rules of both hold for it; take it out here, or give that host this "
		"role too\n"
		"site.yaml:8:8: warning: 10.0.0.4 is in `bind` of `acme/gw` and, on line 7, in "
		"host "
		"`db-1`: the rules of both hold for it; take it out here, or give that host this "
		"role too\n"
		"site.yaml:8:8: warning: 10.0.0.4 is in `bind` of `acme/gw` and, on line 8, in "
		"`bind` of `acme/db`: the rules of both hold for it; if that is meant, bind both "
		"to "
		"the same addresses\n");
}

static void test_addresses_that_are_meant_for_two(void **state)
{
	assert_string_equal(check(*state, CATALOG,
				  ALL "sets: {cloud: [10.0.2.1, 10.0.2.2]}\n"
				      "bind: {acme/gw: $cloud, acme/pair: $cloud}\n"
				      "parameters: {acme/fast: off}\n"),
			    "");
}

static void test_any_overlaps_nothing(void **state)
{
	assert_string_equal(check(*state, CATALOG,
				  ALL "bind: {acme/gw: any, acme/pair: [10.0.2.1, 10.0.2.2]}\n"
				      "parameters: {acme/fast: off}\n"),
			    "");
}

static void test_useless_rule(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      ALL QUIET
		      "flows:\n"
		      "  - {id: db, from: acme/web, to: acme/db, allow: tcp/1433}\n"
		      "  - {id: more, from: acme/web, to: acme/db, allow: tcp/1433-1434}\n"
		      "  - {id: ports, from: acme/web, to: acme/db, allow: tcp/1433, "
		      "source-ports: 5000}\n"
		      "  - {id: net, from: 10.0.3.0/24, to: web-1, allow: tcp/22}\n"
		      "  - {id: part, from: 10.0.3.128/25, to: web-1, allow: tcp/22}\n"),
		"site.yaml:11:10: warning: rule `site/db` (acme/web -> acme/db) never decides: all "
		"that it permits, `acme/sql` (acme/web -> acme/db) before it permits already\n"
		"site.yaml:13:10: warning: rule `site/ports` (acme/web -> acme/db) never decides: "
		"all that it permits, `acme/sql` (acme/web -> acme/db) before it permits already\n"
		"site.yaml:15:10: warning: rule `site/part` (10.0.3.128/25 -> web-1) never "
		"decides: "
		"all that it permits, `site/net` (10.0.3.0/24 -> web-1) before it permits "
		"already\n");
}

/* What takes less away than the rule before it decides in its place; what takes more never does. */
static void test_useless_rule_with_options(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      ALL QUIET
		      "flows:\n"
		      "  - {id: live, from: 10.0.3.0/24, to: web-1, allow: [udp/9, udp/20-30], "
		      "live: "
		      "yes}\n"
		      "  - {id: less, from: 10.0.3.0/25, to: web-1, allow: udp/25}\n"
		      "  - {id: other, from: 10.0.3.0/25, to: web-1, allow: udp/26, shape: rtp}\n"
		      "  - {id: more, from: 10.0.3.0/25, to: web-1, allow: udp/20-21, live: yes, "
		      "limit: {per-second: 5}}\n"
		      "  - {id: limit, from: 10.0.4.0/24, to: web-1, allow: tcp/22, limit: "
		      "{per-second: 5}}\n"
		      "  - {id: higher, from: 10.0.4.1, to: web-1, allow: tcp/22, limit: "
		      "{per-second: 6}}\n"
		      "  - {id: same, from: 10.0.4.1, to: web-1, allow: tcp/22, limit: "
		      "{per-second: "
		      "5}}\n"),
		"site.yaml:14:10: warning: rule `site/more` (10.0.3.0/25 -> web-1) never decides: "
		"all that it permits, `site/live` (10.0.3.0/24 -> web-1) before it permits "
		"already\n"
		"site.yaml:17:10: warning: rule `site/same` (10.0.4.1 -> web-1) never decides: all "
		"that it permits, `site/limit` (10.0.4.0/24 -> web-1) before it permits already\n");
}

/* Which flows are live and shaped without the site's saying so, and what is asked for in vain. */
static void test_media(void **state)
{
	assert_string_equal(
		check(*state,
		      PARAMETERS
		      "  any: {type: services, default: udp/9}\n" ROLES "flows:\n"
		      "  - {id: in, from: gw, to: app, allow: [tcp+udp/5060, udp/$media], "
		      "live: yes, shape: rtp, " CITE "}\n"
		      "  - {id: both, from: app, to: gw, allow: udp/$media, either-way: yes, "
		      "live: yes, " CITE "}\n"
		      "  - {id: out, from: app, to: gw, allow: udp/$media, shape: rtp, " CITE "}\n"
		      "  - {id: off, from: gw, to: app, allow: udp/$media, when: [fast], "
		      "live: yes, " CITE "}\n"
		      "  - {id: none, from: gw, to: app, allow: $any, live: yes, " CITE "}\n"
		      "  - {id: adjusted, from: gw, to: app, allow: udp/$media, source-ports: 5, "
		      "live: yes, shape: rtp, " CITE "}\n",
		      "hosts: {app-1: {addresses: 10.0.0.3, roles: acme/app}}\n"
		      "bind: {acme/gw: 10.0.1.1}\n"
		      "parameters: {acme/fast: off}\n"
		      "adjust: {acme/adjusted: {live: no}}\n"
		      "flows:\n"
		      "  - {id: vain, from: 10.0.3.0/24, to: app-1, allow: $acme/any, shape: "
		      "rtp}\n"),
		"site.yaml:2:12: note: the media ports of these flows are open only while an "
		"application has them bound (live), as the catalog has it: acme/both; `adjust: "
		"{acme/both: {live: no}}` turns that off for one\n"
		"site.yaml:2:12: note: the media ports of these flows let in only what is media "
		"(shape: rtp), as the catalog has it: acme/adjusted; `adjust: {acme/adjusted: "
		"{shape: none}}` turns that off for one\n"
		"site.yaml:2:12: note: the media ports of these flows are open only while an "
		"application has them bound (live), and let in only what is media (shape: rtp), as "
		"the catalog has it: acme/in; `adjust: {acme/in: {live: no, shape: none}}` turns "
		"that off for one\n"
		"site.yaml:9:10: warning: `site/vain` has shape: rtp, but no range of UDP ports on "
		"any host of this file: of services that a parameter gives, only such ranges are "
		"meant\n");
}

/* One host with other ports than the rest keeps the rule useful. */
static void test_rule_that_one_host_needs(void **state)
{
	assert_string_equal(check(*state,
				  PARAMETERS ROLES
				  "flows:\n"
				  "  - {id: a, from: web, to: app, allow: tcp/8080, " CITE "}\n"
				  "  - {id: b, from: web, to: app, allow: tcp/$app-port, " CITE
				  "}\n",
				  "hosts:\n"
				  "  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
				  "  app-1: {addresses: 10.0.0.3, roles: acme/app, parameters: "
				  "{acme/app-port: 8081}}\n"
				  "  app-2: {addresses: 10.0.0.4, roles: acme/app}\n"),
			    "");
}

static void test_listener_clash(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      "hosts:\n"
		      "  one: {addresses: 10.0.0.1, roles: [acme/web, acme/app], parameters: "
		      "{acme/app-port: [443, 81]}}\n"
		      "  two: {addresses: 10.0.0.2, roles: [acme/db, acme/gw]}\n" QUIET
		      "without: [{flow: acme/two, because: x}]\n"),
		"site.yaml:5:48: warning: on host `one`, `acme/web` and `acme/app` both need "
		"tcp/443: only one can listen there; set other ports, or put the roles on two "
		"hosts\n");
}

/* A port that flows open to on one role, and that another needs vacant. */
static void test_listener_against_flow(void **state)
{
	assert_string_equal(
		check(*state,
		      PARAMETERS ROLES "flows:\n"
				       "  - {id: a, from: gw, to: db, allow: tcp/443, " CITE "}\n",
		      "hosts:\n"
		      "  one: {addresses: 10.0.0.1, roles: [acme/web, acme/db]}\n"
		      "bind: {acme/gw: 10.0.0.9}\n"),
		"site.yaml:5:48: warning: on host `one`, `acme/web` and `acme/db` both need "
		"tcp/443: only one can listen there; set other ports, or put the roles on two "
		"hosts\n");
}

static void test_count(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      ALL "bind: {acme/gw: 10.0.1.1, acme/pair: 10.0.2.1}\n"
			  "parameters: {acme/fast: off}\n"),
		"site.yaml:8:27: error: `acme/pair` has 1 address, and Acme Guide has exactly 2: "
		"bind all of them and no other\n");
}

static void test_count_of_what_is_not_used(void **state)
{
	assert_string_equal(check(*state, CATALOG,
				  ALL "bind: {acme/gw: 10.0.1.1, acme/pair: 10.0.2.1}\n"
				      "parameters: {acme/fast: off}\n"
				      "without: [{flow: acme/two, because: there is none}]\n"),
			    "");
}

static void test_parameter_at_a_readings_default(void **state)
{
	assert_string_equal(
		check(*state, CATALOG, ALL BIND),
		"site.yaml:2:12: note: `acme/fast` stands at its default off, which is a "
		"reading of the document (A-01): what the footnote means\n"
		"site.yaml:2:12: note: `acme`: left at what a reading of the document gives: "
		"fast = off; -v says why\n");
}

static void test_narrower_than_the_document(void **state)
{
	assert_string_equal(
		check(*state, CATALOG,
		      "hosts:\n"
		      "  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		      "  app-1: {addresses: 10.0.0.3, roles: acme/app, parameters: {acme/media: "
		      "30000-30050}}\n"
		      "  app-2: {addresses: 10.0.0.5, roles: acme/app, parameters: {acme/media: "
		      "30000-31000}}\n"
		      "  app-3: {addresses: 10.0.0.6, roles: acme/app, parameters: {acme/app-port: "
		      "30000, acme/media: $acme/app-port}}\n"
		      "  db-1: {addresses: 10.0.0.4, roles: acme/db}\n" QUIET),
		"site.yaml:6:74: warning: `media` is narrower than the 30000-30100 that the "
		"document gives\n"
		"site.yaml:8:96: warning: `acme/media` comes to 30000, narrower than the "
		"30000-30100 "
		"that the document gives\n");
}

static void test_outside_of_what_may_be_chosen(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(f, CATALOG,
				  ALL BIND "parameters: {acme/media: [$acme/app-port, 30000]}\n"));
	assert_string_equal(
		fixture_findings(f),
		"site.yaml:9:26: error: `acme/media` comes to 8080, 30000, but must lie "
		"within 30000-31000\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_to_say),
		TEST(test_unbound_roles),
		TEST(test_rules_that_no_host_gets),
		TEST(test_rules_that_a_host_gets),
		TEST(test_rules_to_a_broadcast_address),
		TEST(test_rules_to_no_broadcast_address),
		TEST(test_unbound_role_that_nothing_uses),
		TEST(test_address_of_a_host_in_bind),
		TEST(test_addresses_that_are_meant_for_two),
		TEST(test_any_overlaps_nothing),
		TEST(test_useless_rule),
		TEST(test_useless_rule_with_options),
		TEST(test_media),
		TEST(test_rule_that_one_host_needs),
		TEST(test_listener_clash),
		TEST(test_listener_against_flow),
		TEST(test_count),
		TEST(test_count_of_what_is_not_used),
		TEST(test_parameter_at_a_readings_default),
		TEST(test_narrower_than_the_document),
		TEST(test_outside_of_what_may_be_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
