/* SPDX-License-Identifier: BSD-2-Clause */
/* HA partners, and hosts that their peers know by other addresses. */
#include "partner.h"
#include "policy_fixture.h"

#define CATALOG                                                                                    \
	"parameters: {sync-port: {type: ports}}\n"                                                 \
	"roles:\n"                                                                                 \
	"  web: {names: [Web]}\n"                                                                  \
	"  db: {names: [Database]}\n"                                                              \
	"flows:\n"                                                                                 \
	"- {id: sync, from: web, to: web, between: partners, allow: tcp/$sync-port,\n"             \
	"   cite: {section: Ports, row: 1}}\n"                                                     \
	"- {id: all, from: web, to: web, allow: tcp/80, cite: {section: Ports, row: 2}}\n"         \
	"- {id: sql, from: web, to: db, allow: tcp/1433, cite: {section: Ports, row: 3}}\n"
#define SYNC "parameters: {acme/sync-port: 5000}\n"

static void read_site(struct fixture *f, const char *site)
{
	if (!fixture_read(f, CATALOG, site))
		fail_msg("%s", fixture_findings(f));
}

static const char *matches(struct fixture *f, const char *host, enum direction direction,
			   const char *id)
{
	assert_int_equal(fixture_play(f, PLAYER_HOST, host), RESOLVE_OK);
	return fixture_matches(f, direction, id);
}

static void refuse(struct fixture *f, const char *site, const char *findings)
{
	assert_false(fixture_read(f, CATALOG, site));
	assert_string_equal(fixture_findings(f), findings);
}

/* ------------------------------------------------------------ partners -------------------------
 */

#define PAIRS                                                                                      \
	"hosts:\n"                                                                                 \
	"  w-1: {addresses: 10.0.0.1, roles: acme/web, partner: w-2}\n"                            \
	"  w-2: {addresses: 10.0.0.2, roles: acme/web, partner: [w-1]}\n"                          \
	"  w-3: {addresses: 10.0.0.3, roles: acme/web, partner: [w-4, w-5]}\n"                     \
	"  w-4: {addresses: 10.0.0.4, roles: acme/web, partner: w-3}\n"                            \
	"  w-5: {addresses: 10.0.0.5, roles: acme/web, partner: w-3}\n"                            \
	"  w-6: {addresses: 10.0.0.6, roles: acme/web}\n"

static void test_only_between_partners(void **state)
{
	struct fixture *f = *state;

	read_site(f, PAIRS SYNC);
	assert_string_equal(matches(f, "w-1", DIRECTION_IN, "acme/sync"),
			    "tcp 10.0.0.1 [5000] <- 10.0.0.2 [any]\n");
	assert_string_equal(matches(f, "w-2", DIRECTION_OUT, "acme/sync"),
			    "tcp 10.0.0.2 [any] -> 10.0.0.1 [5000]\n");
	assert_string_equal(matches(f, "w-3", DIRECTION_OUT, "acme/sync"),
			    "tcp 10.0.0.3 [any] -> 10.0.0.4/31 [5000]\n");
	assert_string_equal(matches(f, "w-4", DIRECTION_OUT, "acme/sync"),
			    "tcp 10.0.0.4 [any] -> 10.0.0.3 [5000]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "w-6"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "in acme/all\nout acme/all\n");
}

static void test_relation_is_mutual(void **state)
{
	struct fixture *f = *state;
	const struct site_host *hosts;

	read_site(f, PAIRS SYNC);
	hosts = f->policy->site->hosts.items;
	assert_true(hosts_are_partners(&hosts[0], &hosts[1]));
	assert_true(hosts_are_partners(&hosts[1], &hosts[0]));
	assert_false(hosts_are_partners(&hosts[0], &hosts[2]));
	assert_false(hosts_are_partners(&hosts[3], &hosts[4]));
	assert_false(hosts_are_partners(&hosts[0], &hosts[0]));
	assert_false(hosts_are_partners(&hosts[0], NULL));
}

/* Without partners nobody needs the flow's parameter, and what stands only between them makes no
 * other rule useless. */
static void test_no_partners_no_flow(void **state)
{
	struct fixture *f = *state;

	read_site(f, "hosts:\n"
		     "  w-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		     "  w-2: {addresses: 10.0.0.2, roles: acme/web}\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "w-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "in acme/all\nout acme/all\n");
}

static void test_partner_flow_covers_no_other(void **state)
{
	struct fixture *f = *state;

	read_site(f, PAIRS "parameters: {acme/sync-port: 80}\n");
	check_policy(f->arena, f->diagnostics, f->policy);
	assert_null(strstr(fixture_findings(f), "never decides"));
}

static void test_unnamed_hosts_are_no_partners(void **state)
{
	struct fixture *f = *state;

	read_site(f, PAIRS SYNC "bind: {acme/web: 10.0.0.9}\n");
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.0.9"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "in acme/all\nout acme/all\n");
	assert_string_equal(matches(f, "w-1", DIRECTION_IN, "acme/sync"),
			    "tcp 10.0.0.1 [5000] <- 10.0.0.2 [any]\n");
}

static void test_wrong_partners(void **state)
{
	refuse(*state,
	       "hosts:\n"
	       "  w-1: {addresses: 10.0.0.1, roles: acme/web, partner: w-2}\n"
	       "  w-2: {addresses: 10.0.0.2, roles: acme/web}\n"
	       "  w-3: {addresses: 10.0.0.3, roles: acme/web, partner: [w-3, w-33, ten, ten]}\n",
	       "site.yaml:7:57: error: host `w-3` can't be its own partner\n"
	       "site.yaml:7:62: error: no host `w-33` in this file; did you mean `w-3`?\n"
	       "site.yaml:7:68: error: no host `ten` in this file\n"
	       "site.yaml:7:73: error: `ten` is in `partner` twice; the first is on line 7\n"
	       "site.yaml:7:73: error: no host `ten` in this file\n");
}

/* ------------------------------------------------------------ NAT ------------------------------
 */

#define NAT                                                                                        \
	"hosts:\n"                                                                                 \
	"  w-1: {addresses: 10.0.0.1, seen-as: 192.0.2.1, roles: acme/web, partner: w-2}\n"        \
	"  w-2: {addresses: 10.0.0.2, seen-as: [192.0.2.2, \"2001:db8::2\"], roles: acme/web,\n"   \
	"        partner: w-1}\n"                                                                  \
	"  w-3: {addresses: 10.0.0.3, roles: acme/web}\n"                                          \
	"  d-1: {addresses: 10.0.0.9, roles: acme/db}\n"                                           \
	"  j-1: {addresses: 10.0.9.9, seen-as: 192.0.2.9, roles: []}\n"

/* Own addresses at home, those that peers see everywhere else, in both directions. */
static void test_peers_use_what_they_see(void **state)
{
	struct fixture *f = *state;

	read_site(f, NAT SYNC);
	assert_string_equal(matches(f, "d-1", DIRECTION_IN, "acme/sql"),
			    "tcp 10.0.0.9 [1433] <- 10.0.0.3 192.0.2.1 192.0.2.2 2001:db8::2 "
			    "[any]\n");
	assert_string_equal(matches(f, "w-1", DIRECTION_OUT, "acme/sql"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.9 [1433]\n");
	assert_string_equal(matches(f, "w-3", DIRECTION_OUT, "acme/all"),
			    "tcp 10.0.0.3 [any] -> 192.0.2.1 192.0.2.2 2001:db8::2 [80]\n");
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.3");
}

static void test_both_behind_nat(void **state)
{
	struct fixture *f = *state;

	read_site(f, NAT SYNC);
	assert_string_equal(matches(f, "w-1", DIRECTION_OUT, "acme/sync"),
			    "tcp 10.0.0.1 [any] -> 192.0.2.2 2001:db8::2 [5000]\n");
	assert_string_equal(matches(f, "w-1", DIRECTION_IN, "acme/sync"),
			    "tcp 10.0.0.1 [5000] <- 192.0.2.2 2001:db8::2 [any]\n");
	assert_string_equal(matches(f, "w-2", DIRECTION_IN, "acme/sync"),
			    "tcp 10.0.0.2 [5000] <- 192.0.2.1 [any]\n");
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.2");
}

/* The label of a drop is found by what a peer looks like. */
static void test_peer_roles(void **state)
{
	struct fixture *f = *state;

	read_site(f, NAT SYNC);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "d-1"), RESOLVE_OK);
	assert_int_equal(f->host->peer_count, 1);
	assert_string_equal(fixture_prefixes(f, f->host->peers[0].addresses),
			    "10.0.0.3 192.0.2.1 192.0.2.2 2001:db8::2");
}

/* By name, by a set that names it, in bind and in the site's own flows. */
static void test_wherever_a_host_is_named(void **state)
{
	struct fixture *f = *state;

	read_site(f, NAT SYNC "sets: {jump: [j-1, 10.0.9.8], inner: $jump}\n"
			      "management: [{from: $inner, allow: tcp/22}, {from: j-1, allow: "
			      "tcp/23}]\n"
			      "bind: {acme/db: [$jump]}\n"
			      "flows:\n"
			      "- {id: a, from: hosts, to: d-1, allow: tcp/1}\n"
			      "- {id: b, from: $jump, to: d-1, allow: tcp/2}\n"
			      "- {id: c, from: j-1, to: d-1, allow: tcp/3}\n");
	assert_string_equal(matches(f, "d-1", DIRECTION_IN, "management/1"),
			    "tcp every [22] <- 10.0.9.8 192.0.2.9 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "management/2"),
			    "tcp every [23] <- 192.0.2.9 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "site/a"),
			    "tcp 10.0.0.9 [1] <- 10.0.0.3 192.0.2.1 192.0.2.2 192.0.2.9 "
			    "2001:db8::2 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "site/b"),
			    "tcp 10.0.0.9 [2] <- 10.0.9.8 192.0.2.9 [any]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "site/c"),
			    "tcp 10.0.0.9 [3] <- 192.0.2.9 [any]\n");
	assert_string_equal(matches(f, "w-3", DIRECTION_OUT, "acme/sql"),
			    "tcp 10.0.0.3 [any] -> 10.0.0.9 10.0.9.8 192.0.2.9 [1433]\n");
	/* At home it is still itself. */
	assert_string_equal(matches(f, "j-1", DIRECTION_OUT, "site/b"),
			    "tcp 10.0.9.9 [any] -> 10.0.0.9 [2]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "site/c"),
			    "tcp 10.0.9.9 [any] -> 10.0.0.9 [3]\n");
}

/* No host is its own peer, by whichever address; but another may be behind the same. */
static void test_own_face_is_no_peer(void **state)
{
	struct fixture *f = *state;

	read_site(f, NAT SYNC "management: [{from: [j-1, 10.0.9.8], allow: tcp/22}]\n");
	assert_string_equal(matches(f, "j-1", DIRECTION_IN, "management/1"),
			    "tcp every [22] <- 10.0.9.8 [any]\n");
}

#define SHARED                                                                                     \
	"hosts:\n"                                                                                 \
	"  w-1: {addresses: 10.0.0.1, seen-as: 192.0.2.1, roles: acme/web}\n"                      \
	"  w-2: {addresses: 10.0.0.2, seen-as: 192.0.2.1, roles: acme/web}\n"                      \
	"  w-3: {addresses: 10.0.0.3, seen-as: 10.0.0.2, roles: acme/web}\n"

static void test_shared_face(void **state)
{
	struct fixture *f = *state;

	read_site(f, SHARED);
	assert_string_equal(matches(f, "w-1", DIRECTION_OUT, "acme/all"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.2 192.0.2.1 [80]\n");
	assert_string_equal(
		fixture_findings(f),
		"site.yaml:6:39: warning: `192.0.2.1` is what peers see of host `w-2`, and on line "
		"5 it is host `w-1`'s too: the rules of both hold for it, since peers can't tell "
		"them apart\n"
		"site.yaml:7:39: warning: `10.0.0.2` is what peers see of host `w-3`, and on line "
		"6 "
		"it is host `w-2`'s too: the rules of both hold for it, since peers can't tell "
		"them "
		"apart\n");
}

static void test_floating_addresses_are_seen_as_they_are(void **state)
{
	struct fixture *f = *state;

	read_site(f, "hosts:\n"
		     "  w-1: {addresses: 10.0.0.1, seen-as: 192.0.2.1, floating: 10.0.0.8, roles: "
		     "acme/web}\n"
		     "  d-1: {addresses: 10.0.0.9, roles: acme/db}\n");
	assert_string_equal(matches(f, "d-1", DIRECTION_IN, "acme/sql"),
			    "tcp 10.0.0.9 [1433] <- 10.0.0.8 192.0.2.1 [any]\n");
}

/* A host is found by an address of its own, not by what others see. */
static void test_player_is_found_by_own_address(void **state)
{
	struct fixture *f = *state;

	read_site(f, NAT SYNC);
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.0.1"), RESOLVE_OK);
	assert_string_equal(f->host->host, "w-1");
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "192.0.2.1"), RESOLVE_POLICY);
}

static void test_wrong_faces(void **state)
{
	refuse(*state,
	       "hosts:\n"
	       "  w-1: {addresses: 10.0.0.1, seen-as: 192.0.2.0/24, roles: acme/web}\n"
	       "  w-2: {addresses: 10.0.0.2, seen-as: [w-1, any], roles: acme/web}\n"
	       "  w-3: {addresses: 10.0.0.3, seen-as: [], roles: acme/web}\n",
	       "site.yaml:5:39: error: `192.0.2.0/24` in `seen-as`: single addresses only\n"
	       "site.yaml:6:40: error: `w-1` in `seen-as`: single addresses only\n"
	       "site.yaml:6:45: error: `any` in `seen-as`: single addresses only\n"
	       "site.yaml:7:39: error: `seen-as` has no addresses\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_between_partners),
		TEST(test_relation_is_mutual),
		TEST(test_no_partners_no_flow),
		TEST(test_partner_flow_covers_no_other),
		TEST(test_unnamed_hosts_are_no_partners),
		TEST(test_wrong_partners),
		TEST(test_peers_use_what_they_see),
		TEST(test_both_behind_nat),
		TEST(test_peer_roles),
		TEST(test_wherever_a_host_is_named),
		TEST(test_own_face_is_no_peer),
		TEST(test_shared_face),
		TEST(test_floating_addresses_are_seen_as_they_are),
		TEST(test_player_is_found_by_own_address),
		TEST(test_wrong_faces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
