/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is playing, and what is refused. */
#include "policy_fixture.h"
#include "policy_texts.h"

/* ------------------------------------------------------------ players ---------------------------
 */

static void test_players(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, PLAIN,
		HOSTS "bind: {acme/gw: [10.0.0.9, 10.1.0.0/24], acme/app: [10.0.0.8]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_OWN, "10.0.0.77 10.0.0.2"), RESOLVE_OK);
	assert_string_equal(f->host->host, "web-2");
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.2 10.0.0.77");
	assert_int_equal(fixture_play(f, PLAYER_OWN, "10.0.0.76 10.0.0.9 10.0.0.8"), RESOLVE_OK);
	assert_null(f->host->host);
	assert_int_equal(f->host->role_count, 2);
	assert_string_equal(f->host->roles[0], "acme/app");
	assert_string_equal(f->host->roles[1], "acme/gw");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/call"),
			    "tcp 10.0.0.9 [any] -> 10.0.0.1 10.0.0.2 2001:db8::1 [443]\n"
			    "udp 10.0.0.9 [any] -> 10.0.0.1 10.0.0.2 2001:db8::1 [any]\n");
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "2001:db8::1"), RESOLVE_OK);
	assert_string_equal(f->host->host, "web-1");
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.1 2001:db8::1");
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.0.9"), RESOLVE_OK);
	assert_null(f->host->host);
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.9");
}

/* A range is many addresses, even where one of its prefixes is a single one. */
static void test_unnamed_host_has_its_address_alone(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, PLAIN,
		HOSTS "bind: {acme/gw: [10.0.0.9-10.0.0.11], acme/app: [10.0.0.12, 10.0.0.13]}\n"
		      "host: {floating: 10.0.0.20}\n"));
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.0.9"), RESOLVE_POLICY);
	assert_int_equal(fixture_play(f, PLAYER_ADDRESS, "10.0.0.13"), RESOLVE_OK);
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.13");
	assert_string_equal(fixture_prefixes(f, &f->host->floating), "");
	assert_int_equal(fixture_play(f, PLAYER_OWN, "10.0.0.13"), RESOLVE_OK);
	assert_string_equal(fixture_prefixes(f, &f->host->floating), "10.0.0.20");
}

static void test_no_such_player(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, HOSTS "bind: {acme/gw: 10.1.0.0/24}\n"));
	assert_int_equal(fixture_play(f, PLAYER_OWN, "10.1.0.1"), RESOLVE_POLICY);
	assert_int_equal(fixture_play(f, PLAYER_OWN, "10.0.0.1 10.0.0.4"), RESOLVE_USAGE);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-3"), RESOLVE_USAGE);
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "Gatewayy"), RESOLVE_USAGE);
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "acme/web"), RESOLVE_USAGE);
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "acme/gw"), RESOLVE_POLICY);
	assert_string_equal(
		fixture_findings(f),
		"site.yaml: error: no host in this file has the address 10.1.0.1, and no role in "
		"`bind` names it by itself: add it, or say with --host or --role who is playing\n"
		"site.yaml: error: no host `web-3` in this file; did you mean `web-1`?\n"
		"site.yaml: error: no role of this site is called `Gatewayy`; did you mean "
		"`Gateway`?\n"
		"site.yaml: error: 2 hosts have the role `acme/web`: say which with --host (web-1, "
		"web-2)\n"
		"site.yaml: error: no host and no single address has the role `acme/gw`: give it "
		"to "
		"one under `hosts` or `bind` (a prefix, a set or `any` makes no host)\n"
		"site.yaml:8:3: error: host `web-1` and host `db-1` both have one of 10.0.0.1 or "
		"10.0.0.4: say with --host which is meant\n");
}

static void test_role_by_name(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f, PORTS PLAIN,
		"hosts:\n"
		"  both: {addresses: 10.0.0.1, roles: [acme/web, acme/app], parameters: "
		"{acme/fast: on}}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db}\n"
		"bind: {acme/web: [10.0.0.7, 10.1.0.0/24], acme/gw: 10.0.0.9}\n"));
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "web  SERVERS"), RESOLVE_OK);
	assert_null(f->host->host);
	assert_int_equal(f->host->role_count, 1);
	assert_string_equal(f->host->roles[0], "acme/web");
	assert_string_equal(fixture_prefixes(f, &f->host->own), "10.0.0.1 10.0.0.7");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/sql"),
			    "tcp 10.0.0.1 10.0.0.7 [any] -> 10.0.0.4 [1433]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/peer"),
			    "udp 10.0.0.1 10.0.0.7 [7000-7001] <- 10.1.0.0/24 [any]\n");
}

static void test_name_of_two_roles(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN, "catalogs: [acme, {catalog: acme, as: lab}]\n" HOSTS));
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "Database"), RESOLVE_USAGE);
	assert_string_equal(
		fixture_findings(f),
		"site.yaml: error: `Database` is the name of 2 roles: say one of acme/db, "
		"lab/db\n");
}

/* ------------------------------------------------------------ errors ----------------------------
 */

static void test_errors_in_references(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(
		f, PORTS PLAIN,
		"hosts:\n"
		"  a: {addresses: 10.0.0.1, roles: [acme/wep, acme/front]}\n"
		"  b: {addresses: 10.0.0.2, roles: acme/web, parameters: {acme/db-prt: 1}}\n"
		"bind:\n"
		"  acme/gateway: 10.0.0.9\n"
		"  acme/db: any\n"
		"parameters: {acme/fast: maybe}\n"
		"without: [{flow: acme/sqll, because: why}]\n"
		"flows:\n"
		"  - {id: x, from: acme/wob, to: a, allow: tcp/$acme/fast, when: [acme/kind]}\n"
		"  - {id: y, from: a, to: b, allow: tcp/1, when: [acme/kind=smal]}\n"));
	assert_string_equal(
		fixture_findings(f),
		"site.yaml:5:36: error: catalog `acme` has no role `wep`; did you mean `web`?\n"
		"site.yaml:5:46: error: `acme/front` is a group, and only roles can be bound; its "
		"roles are acme/web, acme/app\n"
		"site.yaml:6:58: error: catalog `acme` has no parameter `db-prt`; did you mean "
		"`db-port`?\n"
		"site.yaml:8:3: error: catalog `acme` has no role `gateway`\n"
		"site.yaml:9:12: error: `acme/db` can't be bound to any, only to an address, a "
		"prefix\n"
		"site.yaml:10:25: error: `fast` is a switch: it must be `on` or `off`, not "
		"`maybe`\n"
		"site.yaml:11:18: error: catalog `acme` has no flow `sqll`; did you mean `sql`?\n"
		"site.yaml:13:19: error: catalog `acme` has no role `wob`; did you mean `web`?\n"
		"site.yaml:13:43: error: `acme/fast` can't stand here: it is not of type ports\n"
		"site.yaml:13:66: error: `acme/kind` can't stand here: it is not of type switch\n"
		"site.yaml:14:50: error: `smal` is none of the values of choice `acme/kind`; did "
		"you "
		"mean `small`?\n");
}

static void test_missing_catalog(void **state)
{
	struct fixture *f = *state;
	const char *expected = arena_printf(
		f->arena,
		"site.yaml:3:12: error: no `absent.yaml` in %s, policies, /etc/sallyport/policies, "
		"/usr/share/sallyport/policies: put it there, or say with --catalogs where it is\n",
		f->folder);

	assert_false(fixture_read(f, PLAIN,
				  "catalogs: [absent]\n"
				  "hosts: {a: {addresses: 10.0.0.1, roles: absent/x}}\n"));
	assert_string_equal(fixture_findings(f), expected);
}

static void test_catalog_in_the_wrong_file(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, "more.yaml", "catalog: other\ndocument: {title: T, sections: [S]}\n");
	assert_false(fixture_read(f, PLAIN, "catalogs: [more]\n"));
	assert_string_equal(fixture_findings(f),
			    "more.yaml:1:10: error: this is catalog `other`, so the file must be "
			    "named `other.yaml`\n");
}

static void test_too_many_own_addresses(void **state)
{
	struct fixture *f = *state;
	const char *all = "";

	assert_true(fixture_read(f, PLAIN, HOSTS));
	for (unsigned i = 0; i < LOCAL_ADDRESSES_MAX; i++)
		all = arena_printf(f->arena, "%s 10.5.%u.%u", all, i / 100, i % 100);
	all = arena_printf(f->arena, "10.0.0.1%s", all);
	assert_int_equal(fixture_play(f, PLAYER_OWN, all), RESOLVE_POLICY);
	assert_string_equal(fixture_findings(f),
			    "site.yaml: error: this host has more than 256 addresses of its own "
			    "(LOCAL_ADDRESSES_MAX): name only those that a role needs\n");
}

static void test_too_many_rules(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t length;
	FILE *site = open_memstream(&text, &length);

	fputs(HOSTS "flows:\n", site);
	for (unsigned i = 0; i <= RULES_MAX; i++)
		fprintf(site, "  - {id: f%u, from: web-1, to: db-1, allow: tcp/%u}\n", i, i + 1);
	fclose(site);
	assert_true(fixture_read(f, ROLES, text));
	free(text);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_POLICY);
	assert_string_equal(
		fixture_findings(f),
		"site.yaml: error: 4096 rules on one host are more than 4095 "
		"(RULES_MAX): give this host fewer roles, or the roles fewer addresses\n");
	/* Another host has fewer. */
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
}

static void test_too_many_matches(void **state)
{
	enum { FLOWS = 300, DATABASES = 220 };
	struct fixture *f = *state;
	char *text = NULL;
	size_t length;
	FILE *site = open_memstream(&text, &length);

	fputs("hosts:\n  web-1: {addresses: 10.0.0.1, roles: acme/web}\n", site);
	for (unsigned i = 0; i < DATABASES; i++)
		fprintf(site,
			"  db-%u: {addresses: 10.1.0.%u, roles: acme/db, parameters: "
			"{acme/db-port: %u}}\n",
			i, i, i + 1);
	fputs("flows:\n", site);
	for (unsigned i = 0; i < FLOWS; i++)
		fprintf(site, "  - {id: f%u, from: web-1, to: acme/db, allow: tcp/$acme/db-port}\n",
			i);
	fclose(site);
	assert_true(fixture_read(f, PORTS ROLES, text));
	free(text);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_POLICY);
	assert_string_equal(fixture_findings(f),
			    "site.yaml: error: the rules of one host have 65560 terms, more than "
			    "65536 (MATCHES_MAX): give this host fewer roles, or the roles fewer "
			    "addresses\n");
}

#define LONG_NAME "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-xyz"

static void test_rule_id_too_long(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(f,
				  "roles:\n"
				  "  " LONG_NAME ": {names: [Long]}\n"
				  "flows:\n"
				  "  - {id: " LONG_NAME ", from: [" LONG_NAME "], to: [" LONG_NAME
				  "], allow: tcp/1, " CITE "}\n",
				  "hosts: {}\n"));
	assert_string_equal(
		fixture_findings(f),
		"acme.yaml:6:10: error: the rule id `acme/" LONG_NAME ":" LONG_NAME ":" LONG_NAME
		"` has more than 191 bytes (RULE_ID_BYTES_MAX): shorten the names in it\n");
}

static void test_sets_inside_sets(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(f, PLAIN,
				 HOSTS "sets:\n"
				       "  outer: [$inner, 10.2.0.0/16]\n"
				       "  inner: [10.3.0.0/16, db-1]\n"
				       "bind: {acme/gw: [$outer, 10.0.0.3]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-2"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/call"),
			    "tcp 10.0.0.2 [443] <- 10.0.0.3 10.0.0.4 10.2.0.0/15 [any]\n"
			    "udp 10.0.0.2 [any] <- 10.0.0.3 10.0.0.4 10.2.0.0/15 [any]\n");
	/* A set names nobody, even if it holds one address; an address in bind does. */
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	assert_int_equal(f->host->role_count, 1);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "app-1"), RESOLVE_OK);
	assert_int_equal(f->host->role_count, 2);
	assert_string_equal(f->host->roles[1], "acme/gw");
}

static void test_sets_too_deep(void **state)
{
	struct fixture *f = *state;
	const char *site = "sets:\n  s0: 10.0.0.1\n";

	for (unsigned i = 1; i <= REFERENCE_DEPTH_MAX; i++)
		site = arena_printf(f->arena, "%s  s%u: $s%u\n", site, i, i - 1);
	assert_true(fixture_read(f, PLAIN, site));
	site = "sets:\n";
	for (unsigned i = 0; i <= REFERENCE_DEPTH_MAX; i++)
		site = arena_printf(f->arena, "%s  s%u: $s%u\n", site, i, i + 1);
	site = arena_printf(f->arena, "%s  s%u: 10.0.0.1\n", site, REFERENCE_DEPTH_MAX + 1);
	assert_false(fixture_read(f, PLAIN, site));
	assert_string_equal(fixture_findings(f),
			    "site.yaml:20:8: error: more than 16 sets inside each other "
			    "(REFERENCE_DEPTH_MAX): write the addresses here\n");
}

static void test_host_in_bind(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: gw, allow: tcp/$db-port, " CITE "}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, roles: acme/db, parameters: {acme/db-port: 7}}\n"
		"bind: {acme/gw: [db-1, 10.0.0.9]}\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "web-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/a"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.4 [7]\n"
			    "tcp 10.0.0.1 [any] -> 10.0.0.9 [1433]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "db-1"), RESOLVE_OK);
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/a"),
			    "tcp 10.0.0.4 [7] <- 10.0.0.1 [any]\n");
}

/* Alone in its role, but with the address of a host: the values are that host's. */
static void test_role_has_its_hosts_values(void **state)
{
	struct fixture *f = *state;

	assert_true(fixture_read(
		f,
		PORTS ROLES "flows:\n"
			    "  - {id: a, from: web, to: db, allow: tcp/$db-port, " CITE "}\n"
			    "  - {id: b, from: web, to: app, allow: tcp/1, " CITE "}\n",
		"hosts:\n"
		"  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
		"  db-1: {addresses: 10.0.0.4, roles: [acme/db, acme/app], parameters: "
		"{acme/db-port: 7}, mode: {in: audit, out: audit}}\n"
		"bind: {acme/db: 10.0.0.9}\n"));
	assert_int_equal(fixture_play(f, PLAYER_ROLE, "acme/db"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "in acme/a\n");
	assert_string_equal(fixture_matches(f, DIRECTION_IN, "acme/a"),
			    "tcp 10.0.0.4 [7] <- 10.0.0.1 [any]\n"
			    "tcp 10.0.0.9 [1433] <- 10.0.0.1 [any]\n");
	assert_int_equal(f->host->mode[DIRECTION_IN], MODE_ENFORCE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_players),
		TEST(test_unnamed_host_has_its_address_alone),
		TEST(test_no_such_player),
		TEST(test_role_by_name),
		TEST(test_name_of_two_roles),
		TEST(test_errors_in_references),
		TEST(test_missing_catalog),
		TEST(test_catalog_in_the_wrong_file),
		TEST(test_too_many_own_addresses),
		TEST(test_too_many_rules),
		TEST(test_too_many_matches),
		TEST(test_rule_id_too_long),
		TEST(test_sets_inside_sets),
		TEST(test_sets_too_deep),
		TEST(test_host_in_bind),
		TEST(test_role_has_its_hosts_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
