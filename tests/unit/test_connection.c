/* SPDX-License-Identifier: BSD-2-Clause */
/* client-ports: what a connection with a client port becomes, and what is refused. */
#include "policy_fixture.h"

#define CATALOG                                                                                    \
	"parameters:\n"                                                                            \
	"  config-port: {type: ports}\n"                                                           \
	"  configuration-server-port: {type: ports, default: 2020}\n"                              \
	"  t-server-port: {type: ports, default: 3000}\n"                                          \
	"roles:\n"                                                                                 \
	"  configuration-server: {names: [Configuration Server]}\n"                                \
	"  proxy: {names: [Proxy], listens: [tcp/2021]}\n"                                         \
	"  t-server: {names: [T-Server]}\n"                                                        \
	"  stat-server: {names: [Stat Server]}\n"                                                  \
	"  license: {names: [License Server]}\n"                                                   \
	"groups: {servers: {names: [all servers], roles: [configuration-server, t-server]}}\n"     \
	"flows:\n"                                                                                 \
	"- {id: config, from: t-server, to: configuration-server, each: client-port,\n"            \
	"   cite: {section: Ports, row: 1, lines: 35}}\n"                                          \
	"- {id: stat, from: stat-server, to: servers, each: client-port,\n"                        \
	"   cite: {section: Ports, row: 2}}\n"                                                     \
	"- {id: any, from: proxy, to: [proxy, license], each: client-port,\n"                      \
	"   allow: tcp/$config-port, cite: {section: Ports, row: 3}}\n"                            \
	"- {id: pair, from: proxy, to: proxy, between: partners, allow: tcp/2021,\n"               \
	"   cite: {section: Ports, row: 4}}\n"                                                     \
	"- {id: licensing, from: t-server, to: license, allow: tcp/7260,\n"                        \
	"   cite: {section: Ports, lines: 84}}\n"

#define HOSTS                                                                                      \
	"hosts:\n"                                                                                 \
	"  cs-1: {addresses: 10.0.1.1, roles: acme/configuration-server}\n"                        \
	"  ts-1: {addresses: [10.0.5.1, 10.0.5.2], roles: acme/t-server, partner: ts-2}\n"         \
	"  ts-2: {addresses: 10.0.5.3, roles: acme/t-server, partner: ts-1}\n"                     \
	"  st-1: {addresses: 10.0.6.1, roles: acme/stat-server}\n"                                 \
	"  px-1: {addresses: 10.0.7.1, roles: acme/proxy, partner: px-2}\n"                        \
	"  px-2: {addresses: 10.0.7.2, roles: acme/proxy, partner: px-1}\n"                        \
	"  px-3: {addresses: 10.0.7.3, roles: acme/proxy}\n"                                       \
	"bind: {acme/license: 10.0.4.4}\n"                                                         \
	"client-ports:\n"

#define TS_1 "- {client: acme/t-server, host: ts-1, server: acme/configuration-server, "
#define TS_2 "- {client: acme/t-server, host: ts-2, server: acme/configuration-server, "
#define STAT "- {client: acme/stat-server, server: "

static const char *matches(struct fixture *f, const char *host, enum direction direction,
			   const char *id)
{
	assert_int_equal(fixture_play(f, PLAYER_HOST, host), RESOLVE_OK);
	return fixture_matches(f, direction, id);
}

static void read_site(struct fixture *f, const char *site)
{
	if (!fixture_read(f, CATALOG, site))
		fail_msg("%s", fixture_findings(f));
}

/* ------------------------------------------------------------ rules ----------------------------
 */

static void test_pins_port_and_address(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS TS_1 "transport: port=20340;address=10.0.5.2}\n");
	assert_string_equal(matches(f, "ts-1", DIRECTION_OUT, "acme/config:20340"),
			    "tcp 10.0.5.2 [20340] -> 10.0.1.1 [2020]\n");
	assert_string_equal(matches(f, "cs-1", DIRECTION_IN, "acme/config:20340"),
			    "tcp 10.0.1.1 [2020] <- 10.0.5.2 [20340]\n");
	/* The other T-Server has no entry, and so no rule. */
	assert_int_equal(fixture_play(f, PLAYER_HOST, "ts-2"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/licensing\n");
}

static void test_any_address_of_the_host(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS TS_1 "transport: port=20340}\n");
	assert_string_equal(matches(f, "ts-1", DIRECTION_OUT, "acme/config:20340"),
			    "tcp 10.0.5.1 10.0.5.2 [20340] -> 10.0.1.1 [2020]\n");
	assert_string_equal(matches(f, "cs-1", DIRECTION_IN, "acme/config:20340"),
			    "tcp 10.0.1.1 [2020] <- 10.0.5.1 10.0.5.2 [20340]\n");
}

static void test_rule_cites_its_template(void **state)
{
	struct fixture *f = *state;
	const struct rule *rule;

	read_site(f, HOSTS TS_1 "transport: port=20340}\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "ts-1"), RESOLVE_OK);
	rule = host_policy_rule(f->host, "acme/config:20340", DIRECTION_OUT);
	assert_non_null(rule);
	assert_string_equal(citation_format(f->arena, rule), "Ports, row 1 (Acme Guide, line 35)");
	assert_string_equal(rule->from, "acme/t-server");
	assert_string_equal(rule->to, "acme/configuration-server");
}

/* One flow and one port on two hosts: one rule id, and yet only the two that were written. */
static void test_same_port_on_two_hosts_is_one_rule(void **state)
{
	struct fixture *f = *state;

	read_site(f, "hosts:\n"
		     "  cs-1: {addresses: 10.0.1.1, roles: acme/configuration-server}\n"
		     "  cs-2: {addresses: 10.0.1.2, roles: acme/configuration-server}\n"
		     "  ts-1: {addresses: 10.0.5.1, roles: acme/t-server}\n"
		     "  ts-2: {addresses: 10.0.5.3, roles: acme/t-server}\n"
		     "client-ports:\n" TS_1 "server-host: cs-1, transport: port=20340}\n" TS_2
		     "server-host: [cs-2, cs-1], server-port: 2025, transport: port=20340}\n");
	assert_string_equal(matches(f, "cs-1", DIRECTION_IN, "acme/config:20340"),
			    "tcp 10.0.1.1 [2020] <- 10.0.5.1 [20340]\n"
			    "tcp 10.0.1.1 [2025] <- 10.0.5.3 [20340]\n");
	assert_string_equal(fixture_rules(f), "in acme/config:20340\n");
	assert_string_equal(matches(f, "cs-2", DIRECTION_IN, "acme/config:20340"),
			    "tcp 10.0.1.2 [2025] <- 10.0.5.3 [20340]\n");
	assert_string_equal(matches(f, "ts-1", DIRECTION_OUT, "acme/config:20340"),
			    "tcp 10.0.5.1 [20340] -> 10.0.1.1 [2020]\n");
	/* Fail-over: the same port to either server. */
	assert_string_equal(matches(f, "ts-2", DIRECTION_OUT, "acme/config:20340"),
			    "tcp 10.0.5.3 [20340] -> 10.0.1.1 10.0.1.2 [2025]\n");
}

/* The default is the parameter at the server's host; a group names the role in the id. */
static void test_port_of_the_server(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS STAT "acme/t-server, server-host: ts-2, transport: port=20341}\n" STAT
				"acme/configuration-server, transport: port=20342, server-port: "
				"[$acme/t-server-port, 2025]}\n"
				"parameters: {acme/t-server-port: 3001}\n");
	assert_string_equal(matches(f, "st-1", DIRECTION_OUT, "acme/stat:t-server:20341"),
			    "tcp 10.0.6.1 [20341] -> 10.0.5.3 [3001]\n");
	assert_string_equal(
		matches(f, "cs-1", DIRECTION_IN, "acme/stat:configuration-server:20342"),
		"tcp 10.0.1.1 [2025, 3001] <- 10.0.6.1 [20342]\n");
}

static void test_port_of_the_flow(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS "- {client: acme/proxy, host: px-1, server: acme/license, transport: "
			   "port=20341}\n"
			   "- {client: acme/proxy, host: px-1, server: acme/proxy, server-host: "
			   "px-3, transport: port=20342, server-port: 4000}\n"
			   "parameters: {acme/config-port: 2222}\n");
	assert_string_equal(matches(f, "px-1", DIRECTION_OUT, "acme/any:license:20341"),
			    "tcp 10.0.7.1 [20341] -> 10.0.4.4 [2222]\n");
	assert_string_equal(matches(f, "px-3", DIRECTION_IN, "acme/any:proxy:20342"),
			    "tcp 10.0.7.3 [4000] <- 10.0.7.1 [20342]\n");
}

/* Roles that only bind names: the unnamed hosts play as well. */
static void test_bound_roles(void **state)
{
	struct fixture *f = *state;

	read_site(f, "bind: {acme/t-server: [10.0.5.1, 10.0.5.2], acme/configuration-server: "
		     "10.0.1.1}\n"
		     "client-ports:\n"
		     "- {client: acme/t-server, server: acme/configuration-server,\n"
		     "   transport: port=20340;address=10.0.5.1}\n");
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "T-Server"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/config:20340"),
			    "tcp 10.0.5.1 [20340] -> 10.0.1.1 [2020]\n");
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.5.2"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.1.1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/config:20340"),
			    "tcp 10.0.1.1 [2020] <- 10.0.5.1 [20340]\n");
}

/* The site's own flow may be a template too, for what SDKs make. */
static void test_own_template(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS "- {client: acme/t-server, host: ts-1, server: acme/stat-server,\n"
			   "   transport: port=20340, server-port: 5000}\n"
			   "flows: [{id: own, from: acme/t-server, to: acme/stat-server, each: "
			   "client-port}]\n");
	assert_string_equal(matches(f, "st-1", DIRECTION_IN, "site/own:20340"),
			    "tcp 10.0.6.1 [5000] <- 10.0.5.1 10.0.5.2 [20340]\n");
}

static void test_without_takes_the_template_out(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS TS_1 "transport: port=20340}\n"
				"without: [{flow: acme/config, because: not here}]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "cs-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
}

/* Behind NAT the address on the wire is another, the port is not. */
static void test_client_behind_nat(void **state)
{
	struct fixture *f = *state;

	read_site(f, "hosts:\n"
		     "  cs-1: {addresses: 10.0.1.1, seen-as: 192.0.2.1, roles: "
		     "acme/configuration-server}\n"
		     "  ts-1: {addresses: 10.0.5.1, seen-as: 192.0.2.5, roles: acme/t-server}\n"
		     "client-ports:\n" TS_1 "transport: port=20340;address=10.0.5.1}\n");
	assert_string_equal(matches(f, "ts-1", DIRECTION_OUT, "acme/config:20340"),
			    "tcp 10.0.5.1 [20340] -> 192.0.2.1 [2020]\n");
	assert_string_equal(matches(f, "cs-1", DIRECTION_IN, "acme/config:20340"),
			    "tcp 10.0.1.1 [2020] <- 192.0.2.5 [20340]\n");
}

/* ------------------------------------------------------------ refusals -------------------------
 */

/* Every line but the last has the wrong site's position: only this finding, and nothing else. */
static void refuse(struct fixture *f, const char *site, const char *findings)
{
	assert_false(fixture_read(f, CATALOG, site));
	assert_string_equal(fixture_findings(f), findings);
}

static void test_forms_that_disagree(void **state)
{
	refuse(*state, HOSTS TS_1 "transport: port=20340, command-line: -transport-port 20341}\n",
	       "site.yaml:14:111: error: `command-line` says `-transport-port 20341`, and "
	       "`transport` says `port=20340`: both must be the same, as in `-transport-port "
	       "20340`\n");
}

static void test_forms_that_disagree_on_the_address(void **state)
{
	refuse(*state,
	       HOSTS TS_1 "transport: port=20340;address=10.0.5.1, command-line: -transport-port "
			  "20340}\n",
	       "site.yaml:14:128: error: `command-line` says `-transport-port 20340`, and "
	       "`transport` says `port=20340;address=10.0.5.1`: both must be the same, as in "
	       "`-transport-port 20340 -transport-address 10.0.5.1`\n");
}

static void test_port_twice_on_one_host(void **state)
{
	refuse(*state,
	       HOSTS STAT "acme/configuration-server, transport: port=20340}\n" STAT
			  "acme/t-server, server-host: ts-1, transport: port=20340}\n",
	       "site.yaml:15:83: error: port 20340 is there twice on host `st-1`: on line 14 it is "
	       "that of `acme/stat-server` to `acme/configuration-server`; each connection needs a "
	       "port of its own\n");
}

static void test_port_of_a_listener(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/proxy, host: px-1, server: acme/license, server-port: 1,\n"
		     "   transport: port=2021}\n",
	       "site.yaml:15:15: error: on host `px-1`, `acme/proxy` listens on port 2021, so that "
	       "no client can open from it: choose another port\n");
}

/* What a flow opens to is listened on as well as what the catalog says is. */
static void test_port_of_an_opened_service(void **state)
{
	refuse(*state,
	       HOSTS TS_1 "transport: port=3000}\n" STAT
			  "acme/t-server, server-host: ts-1, transport: port=20340}\n",
	       "site.yaml:14:85: error: on host `ts-1`, `acme/t-server` listens on port 3000, so "
	       "that no client can open from it: choose another port\n");
}

static void test_port_of_the_partner(void **state)
{
	refuse(*state, HOSTS TS_1 "transport: port=20340}\n" TS_2 "transport: port=20340}\n",
	       "site.yaml:15:85: error: port 20340 is on line 14 also that of `ts-1`, the HA "
	       "partner of `ts-2`: what the primary's Application object says was propagated to "
	       "the backup's; correct it there, and write it here\n");
}

static void test_address_of_the_partner(void **state)
{
	refuse(*state, HOSTS TS_2 "transport: port=20341;address=10.0.5.1}\n",
	       "site.yaml:14:85: error: 10.0.5.1 is the address of `ts-1`, the HA partner of "
	       "`ts-2`: what the primary's Application object says was propagated to the backup's; "
	       "correct port and address there, and write them here\n");
}

static void test_address_of_another(void **state)
{
	refuse(*state, HOSTS TS_2 "transport: port=20341;address=10.0.1.1}\n",
	       "site.yaml:14:85: error: 10.0.1.1 is no address of `ts-2`, but of `cs-1`: the "
	       "client opens from an address of its own host\n");
}

/* The address that peers see is none that the client can open from. */
static void test_address_outside(void **state)
{
	refuse(*state,
	       "hosts:\n"
	       "  cs-1: {addresses: 10.0.1.1, roles: acme/configuration-server}\n"
	       "  ts-1: {addresses: 10.0.5.1, seen-as: 192.0.2.5, roles: acme/t-server}\n"
	       "client-ports:\n" TS_1 "transport: port=20340;address=192.0.2.5}\n",
	       "site.yaml:8:85: error: 192.0.2.5 is no address of `ts-1`: the client opens from an "
	       "address of its own host\n");
}

static void test_licensing(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/t-server, host: ts-1, server: acme/license, transport: "
		     "port=20340}\n",
	       "site.yaml:14:47: error: `acme/t-server` can't have a client port to "
	       "`acme/license`: flow `licensing` (Ports, line 84) opens from any port; take this "
	       "entry out\n");
}

static void test_between_partners(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/proxy, host: px-1, server: acme/proxy, server-host: px-2,\n"
		     "   transport: port=20340}\n",
	       "site.yaml:14:44: error: `px-1` and `px-2` are HA partners, and between those there "
	       "is no client port: flow `pair` (Ports, row 4) lets any port open; take this entry "
	       "out\n");
}

static void test_unlisted_pair(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/t-server, host: ts-1, server: acme/stat-server, transport: "
		     "port=20340}\n",
	       "site.yaml:14:47: error: `acme/t-server` to `acme/stat-server` is no connection for "
	       "which the document lists client ports; from this client they are to "
	       "acme/configuration-server\n");
}

static void test_client_without_any(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/configuration-server, server: acme/stat-server, transport: "
		     "port=20340}\n",
	       "site.yaml:14:47: error: `acme/configuration-server` to `acme/stat-server` is no "
	       "connection for which the document lists client ports; this client has none\n");
}

static void test_which_host(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/t-server, server: acme/configuration-server, transport: "
		     "port=20340}\n" STAT "acme/t-server, transport: port=20341}\n",
	       "site.yaml:14:12: error: 2 hosts have the role `acme/t-server`: say which is meant "
	       "with `host` (ts-1, ts-2)\n"
	       "site.yaml:15:38: error: 2 hosts have the role `acme/t-server`: say which is meant "
	       "with `server-host` (ts-1, ts-2)\n");
}

static void test_host_without_the_role(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/t-server, host: cs-1, server: acme/configuration-server, "
		     "server-host: ts-1, transport: port=20340}\n",
	       "site.yaml:14:33: error: host `cs-1` does not have the role `acme/t-server`; it is "
	       "that of ts-1, ts-2\n"
	       "site.yaml:14:87: error: host `ts-1` does not have the role "
	       "`acme/configuration-server`; it is that of cs-1\n");
}

static void test_bound_to_nothing(void **state)
{
	refuse(*state,
	       "hosts:\n"
	       "  ts-1: {addresses: 10.0.5.1, roles: acme/t-server}\n"
	       "client-ports:\n" TS_1 "transport: port=20340}\n",
	       "site.yaml:7:47: error: `acme/configuration-server` is bound to nothing, so this "
	       "connection gives no rule: give the role to a host, or take this out\n");
}

static void test_no_parameter_for_the_port(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/t-server, host: ts-1, server: acme/stat-server, transport: "
		     "port=20340}\n"
		     "flows: [{id: own, from: acme/t-server, to: acme/stat-server, each: "
		     "client-port}]\n",
	       "site.yaml:14:3: error: `server-port` is needed here: catalog `acme` has no "
	       "parameter `stat-server-port` to say it\n");
}

/* A port that the document leaves open must be set: the catalog's line is named. */
static void test_port_without_value(void **state)
{
	refuse(*state,
	       HOSTS "- {client: acme/proxy, host: px-1, server: acme/license, transport: "
		     "port=20341}\n",
	       "site.yaml:2:12: error: `acme/config-port` has no value, and flow `acme/any` needs "
	       "it (Acme Guide: Ports, row 3): set it under `parameters`, or to `none` if it is "
	       "not used here\n");
}

static void test_wrong_server_port(void **state)
{
	refuse(*state, HOSTS TS_1 "transport: port=20340, server-port: $acme/config-prot}\n",
	       "site.yaml:14:110: error: catalog `acme` has no parameter `config-prot`; did you "
	       "mean `config-port`?\n");
}

/* ------------------------------------------------------------ the first connection -------------
 */

#define BLOCKED                                                                                    \
	"site.yaml:14:12: warning: `acme/stat-server` on host `st-1` has client ports, but none "  \
	"to `acme/configuration-server`: its first connection, from which it learns of all "       \
	"others, is blocked; give it one\n"
#define TO_T_SERVER STAT "acme/t-server, server-host: ts-1, transport: port=20340}\n"

static bool warns(struct fixture *f, const char *site)
{
	read_site(f, site);
	check_policy(f->arena, f->diagnostics, f->policy);
	return strstr(fixture_findings(f), BLOCKED);
}

static void test_first_connection_is_blocked(void **state)
{
	assert_true(warns(*state, HOSTS TO_T_SERVER));
}

static void test_first_connection_has_a_port(void **state)
{
	assert_false(warns(*state, HOSTS TO_T_SERVER STAT
			   "acme/configuration-server, transport: port=20341}\n"));
}

static void test_first_connection_has_a_flow(void **state)
{
	assert_false(warns(*state,
			   HOSTS TO_T_SERVER "flows: [{id: own, from: acme/stat-server, to: "
					     "acme/configuration-server, allow: "
					     "tcp/2020}]\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pins_port_and_address),
		TEST(test_any_address_of_the_host),
		TEST(test_rule_cites_its_template),
		TEST(test_same_port_on_two_hosts_is_one_rule),
		TEST(test_port_of_the_server),
		TEST(test_port_of_the_flow),
		TEST(test_bound_roles),
		TEST(test_own_template),
		TEST(test_without_takes_the_template_out),
		TEST(test_client_behind_nat),
		TEST(test_forms_that_disagree),
		TEST(test_forms_that_disagree_on_the_address),
		TEST(test_port_twice_on_one_host),
		TEST(test_port_of_a_listener),
		TEST(test_port_of_an_opened_service),
		TEST(test_port_of_the_partner),
		TEST(test_address_of_the_partner),
		TEST(test_address_of_another),
		TEST(test_address_outside),
		TEST(test_licensing),
		TEST(test_between_partners),
		TEST(test_unlisted_pair),
		TEST(test_client_without_any),
		TEST(test_which_host),
		TEST(test_host_without_the_role),
		TEST(test_bound_to_nothing),
		TEST(test_no_parameter_for_the_port),
		TEST(test_port_without_value),
		TEST(test_wrong_server_port),
		TEST(test_first_connection_is_blocked),
		TEST(test_first_connection_has_a_port),
		TEST(test_first_connection_has_a_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
