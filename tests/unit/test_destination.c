/* SPDX-License-Identifier: BSD-2-Clause */
/* locations: what a URI becomes, what is refused, and that no password is ever said. */
#include <sys/stat.h>

#include "policy_fixture.h"

#define SECRET "s3cr3t"

#define CATALOG                                                                                    \
	"roles:\n"                                                                                 \
	"  proxy: {names: [Proxy]}\n"                                                              \
	"  unified: {names: [Unified]}\n"                                                          \
	"  backup: {names: [backup destinations], outside: yes}\n"                                 \
	"groups: {nodes: {names: [all nodes], roles: [proxy, unified]}}\n"                         \
	"flows:\n"                                                                                 \
	"- {id: sftp, from: nodes, to: backup, allow: tcp/22, each: location sftp,\n"              \
	"   cite: {section: Ports, row: 4, lines: 229}}\n"                                         \
	"- {id: ftp, from: nodes, to: backup, each: location ftp, cite: {section: Ports}}\n"       \
	"- {id: web, from: unified, to: backup, each: location http, cite: {section: Ports}}\n"    \
	"- {id: tls, from: unified, to: backup, each: location https, cite: {section: Ports}}\n"   \
	"- {id: scp, from: unified, to: backup, each: location scp, cite: {section: Ports}}\n"     \
	"- {id: mail, from: unified, to: backup, each: location mailto, cite: {section: "          \
	"Ports}}\n"                                                                                \
	"- {id: trap, from: unified, to: backup, allow: tcp+udp/162, each: location snmp,\n"       \
	"   cite: {section: Ports}}\n"

#define HOSTS                                                                                      \
	"sets: {backups: [10.8.0.1, 10.8.0.2], all: any}\n"                                        \
	"hosts:\n"                                                                                 \
	"  n-1: {addresses: 10.0.0.1, roles: acme/unified}\n"                                      \
	"  n-2: {addresses: 10.0.0.2, roles: acme/proxy}\n"                                        \
	"  bk-1: {addresses: 10.0.0.9, roles: []}\n"

#define AT HOSTS "locations:\n  acme:\n    backup:\n"

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

/* ------------------------------------------------------------ rules ----------------------------
 */

static void test_from_every_node(void **state)
{
	struct fixture *f = *state;

	read_site(f, AT "      [sftp://bob@10.8.0.5/dir]\n");
	assert_string_equal(matches(f, "n-1", DIRECTION_OUT, "acme/sftp:unified:sftp-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [22]\n");
	assert_string_equal(fixture_rules(f), "out acme/sftp:unified:sftp-10.8.0.5\n");
	assert_string_equal(citation_format(f->arena, &f->host->rules[0]),
			    "Ports, row 4 (Acme Guide, line 229)");
	assert_string_equal(matches(f, "n-2", DIRECTION_OUT, "acme/sftp:proxy:sftp-10.8.0.5"),
			    "tcp 10.0.0.2 [any] -> 10.8.0.5 [22]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "bk-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
}

static void test_no_location_no_rule(void **state)
{
	struct fixture *f = *state;

	read_site(f, HOSTS);
	assert_int_equal(fixture_play(f, PLAYER_HOST, "n-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
}

/* The URI's port, else the flow's, else the scheme's. */
static void test_every_scheme(void **state)
{
	struct fixture *f = *state;

	read_site(f, AT "      - ftp://bob@10.8.0.5\n"
			"      - http://bob@10.8.0.5/x\n"
			"      - https://bob@10.8.0.5:8443/x\n"
			"      - \"scp://10.8.0.5:\"\n"
			"      - file:///var/backup\n"
			"      - snmp://public@10.8.0.5\n"
			"      - snmp://bob:authauth@10.8.0.6:1162\n"
			"      - mailto:bob@example.com\n"
			"    mail-relay: [10.8.0.25, $backups]\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "n-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/ftp:unified:ftp-10.8.0.5\n"
					      "out acme/web:http-10.8.0.5\n"
					      "out acme/tls:https-10.8.0.5\n"
					      "out acme/scp:scp-10.8.0.5\n"
					      "out acme/mail:mailto-example.com\n"
					      "out acme/trap:snmp-10.8.0.5\n"
					      "out acme/trap:snmp-10.8.0.6\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/ftp:unified:ftp-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [21]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/web:http-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [80]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/tls:https-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [8443]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/scp:scp-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [22]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/mail:mailto-example.com"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.1 10.8.0.2 10.8.0.25 [25]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/trap:snmp-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [162]\n"
			    "udp 10.0.0.1 [any] -> 10.8.0.5 [162]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/trap:snmp-10.8.0.6"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.6 [1162]\n"
			    "udp 10.0.0.1 [any] -> 10.8.0.6 [1162]\n");
}

static void test_host_set_and_ipv6(void **state)
{
	struct fixture *f = *state;

	read_site(f, AT "      [sftp://bob@backups, sftp://bob@bk-1:2222, "
			"\"sftp://bob@[2001:db8::5]\"]\n");
	assert_string_equal(matches(f, "n-1", DIRECTION_OUT, "acme/sftp:unified:sftp-backups"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.1 10.8.0.2 [22]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/sftp:unified:sftp-bk-1"),
			    "tcp 10.0.0.1 [any] -> 10.0.0.9 [2222]\n");
	assert_string_equal(fixture_matches(f, DIRECTION_OUT, "acme/sftp:unified:sftp-2001:db8::5"),
			    "tcp 10.0.0.1 [any] -> 2001:db8::5 [22]\n");
	/* A host of this file lets them in as well. */
	assert_string_equal(matches(f, "bk-1", DIRECTION_IN, "acme/sftp:unified:sftp-bk-1"),
			    "tcp 10.0.0.9 [2222] <- 10.0.0.1 [any]\n");
}

/* One host twice is one rule; twice the same is said once. */
static void test_one_host_is_one_rule(void **state)
{
	struct fixture *f = *state;

	read_site(f, AT "      [sftp://bob@10.8.0.5/a, sftp://eve@10.8.0.5/b, "
			"sftp://bob@10.8.0.5:2222/a]\n");
	assert_string_equal(matches(f, "n-1", DIRECTION_OUT, "acme/sftp:unified:sftp-10.8.0.5"),
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [22]\n"
			    "tcp 10.0.0.1 [any] -> 10.8.0.5 [2222]\n");
	assert_int_equal(f->host->rule_count, 1);
	assert_string_equal(f->host->rules[0].services, "tcp/22, tcp/2222");
}

static void test_two_domains_of_one_relay(void **state)
{
	struct fixture *f = *state;

	read_site(f, AT "      [\"mailto:bob@a.example\", \"mailto:bob@b.example\"]\n"
			"    mail-relay: 10.8.0.25\n");
	check_policy(f->arena, f->diagnostics, f->policy);
	assert_string_equal(fixture_findings(f), "");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "n-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out acme/mail:mailto-a.example\n"
					      "out acme/mail:mailto-b.example\n");
}

static void test_second_instance(void **state)
{
	struct fixture *f = *state;

	read_site(f, "catalogs: [acme, {catalog: acme, as: lab}]\n"
		     "hosts:\n"
		     "  n-1: {addresses: 10.0.0.1, roles: acme/unified}\n"
		     "  l-1: {addresses: 10.0.0.2, roles: lab/unified}\n"
		     "locations: {lab: {backup: sftp://bob@10.8.0.5}}\n");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "n-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "");
	assert_int_equal(fixture_play(f, PLAYER_HOST, "l-1"), RESOLVE_OK);
	assert_string_equal(fixture_rules(f), "out lab/sftp:unified:sftp-10.8.0.5\n");
}

static void test_ftp_warns_of_its_data(void **state)
{
	struct fixture *f = *state;

	read_site(f, AT "      [ftp://bob@10.8.0.5]\n");
	check_policy(f->arena, f->diagnostics, f->policy);
	assert_string_equal(
		fixture_findings(f),
		"site.yaml:12:8: warning: FTP moves files over a second connection, to a "
		"port that the server chooses, and this location gives the first alone: "
		"use sftp, or add a flow of the site's own for that range\n");
}

/* ------------------------------------------------------------ refusals -------------------------
 */

static void refuse(struct fixture *f, const char *site, const char *findings)
{
	assert_false(fixture_read(f, CATALOG, site));
	assert_string_equal(fixture_findings(f), findings);
}

static void test_unknown_host(void **state)
{
	refuse(*state, AT "      [sftp://bob@bakcups/x, sftp://bob@backup.example.com]\n",
	       "site.yaml:12:8: error: no host or set `bakcups` in this file: give it addresses "
	       "under `sets`, or write the address in the location; did you mean `backups`?\n"
	       "site.yaml:12:30: error: no host or set `backup.example.com` in this file: give it "
	       "addresses under `sets`, or write the address in the location\n");
}

static void test_everyone_as_peer(void **state)
{
	refuse(*state, AT "      [sftp://bob@all]\n",
	       "site.yaml:12:8: error: the peer of this location, `all`, is any address: name the "
	       "one that it is\n");
}

static void test_scheme_without_flow(void **state)
{
	struct fixture *f = *state;

	assert_false(fixture_read(f, "roles: {unified: {names: [Unified]}}\n",
				  "locations: {acme: {backup: [sftp://bob@10.8.0.5]}}\n"));
	assert_string_equal(fixture_findings(f),
			    "site.yaml:4:29: error: catalog `acme` has no flow for locations of "
			    "scheme `sftp`, so this one would give no rule\n");
}

static void test_mail_without_relay(void **state)
{
	refuse(*state, AT "      [\"mailto:bob@example.com\"]\n",
	       "site.yaml:12:8: error: a `mailto:` location needs `mail-relay`: the addresses of "
	       "the server that takes the mail; the domain behind the `@` is not the peer\n");
}

static void test_relay_without_mail(void **state)
{
	refuse(*state, AT "      [sftp://bob@10.8.0.5]\n    mail-relay: 10.8.0.25\n",
	       "site.yaml:13:17: error: `mail-relay` without a `mailto:` location opens nothing: "
	       "take it out, or add the location\n");
}

/* The rule's id would be too long: the location is what can be mended. */
static void test_long_mail_domain(void **state)
{
	struct fixture *f = *state;
	const char *label = "a23456789-b23456789-c23456789-d23456789-e23456789";

	assert_false(fixture_read(f, CATALOG,
				  arena_printf(f->arena,
					       AT "      [\"mailto:bob@%s.%s.%s.%s\"]\n"
						  "    mail-relay: 10.8.0.25\n",
					       label, label, label, label)));
	assert_non_null(strstr(fixture_findings(f), "site.yaml:12:8: error: the rule id "));
	assert_non_null(strstr(fixture_findings(f), "RULE_ID_BYTES_MAX"));
}

static void test_unknown_instance(void **state)
{
	refuse(*state, HOSTS "locations: {acne: {backup: [sftp://bob@10.8.0.5]}, more: {}}\n",
	       "site.yaml:9:13: error: no instance `acne` in this file; did you mean `acme`?\n"
	       "site.yaml:9:52: error: no instance `more` in this file\n"
	       "site.yaml:9:58: error: no locations here: take `more` out\n");
}

/* ------------------------------------------------------------ passwords ------------------------
 */

static const char *const leaky[] = {
	"    backup: [sftp://bob:" SECRET "@@10.8.0.5]\n",
	"    backup: [\"sftp://bob:" SECRET " x@10.8.0.5\"]\n",
	"    backup: {sftp://bob:" SECRET "@10.8.0.5: x}\n",
	"    backup: [[sftp://bob:" SECRET "@10.8.0.5]]\n",
	"    sftp://bob:" SECRET "@10.8.0.5: x\n",
	"    sftp://bob:" SECRET "@10.8.0.5: x\n    sftp://bob:" SECRET "@10.8.0.5: x\n",
	"    mail-relay: sftp://bob:" SECRET "@10.8.0.5\n",
	"    mail-relay: [10.8.0.1-sftp://bob:" SECRET "@10.8.0.5]\n",
	"    backup: sftp://bob:" SECRET "@10.8.0.5: /dir\n",
	"    backup: \"sftp://bob:" SECRET "@10.8.0.5\\u0001\"\n",
	"    backup: [snmp://bob:x:" SECRET "]@10.8.0.5]\n",
	"    backup: [snmp://" SECRET "@nobody]\n",
	"    notify: [scp://bob:" SECRET "@10.8.0.5:/x]\n",
	"    backup: [sftp://bob:" SECRET "@nobody]\n",
};

static void test_no_finding_tells_a_password(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(leaky) / sizeof(leaky[0]); i++) {
		const char *findings;
		json_t *json;
		char *text;

		diagnostics_free(f->diagnostics);
		f->diagnostics = diagnostics_new();
		assert_false(fixture_read(
			f, CATALOG,
			arena_printf(f->arena, HOSTS "locations:\n  acme:\n%s", leaky[i])));
		findings = fixture_findings(f);
		assert_non_null(strstr(findings, "error: "));
		json = diagnostics_json(f->diagnostics);
		text = json_dumps(json, 0);
		if (strstr(findings, SECRET) || strstr(text, SECRET))
			fail_msg("%s%s", leaky[i], findings);
		free(text);
		json_decref(json);
	}
}

static const char *printed(struct fixture *f)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	const char *copy;

	site_print(f->policy->site, out);
	fclose(out);
	copy = arena_strdup(f->arena, text);
	free(text);
	return copy;
}

#define WITH_SECRETS                                                                               \
	AT "      - sftp://bob:" SECRET "@10.8.0.5/dir\n"                                          \
	   "      - snmp://" SECRET "@10.8.0.5\n"                                                  \
	   "      - snmp://bob:" SECRET ":" SECRET "@10.8.0.5\n"

static void test_no_output_tells_a_password(void **state)
{
	struct fixture *f = *state;
	const char *site;
	json_t *json;
	char *text;

	read_site(f, WITH_SECRETS);
	site = printed(f);
	assert_null(strstr(site, SECRET));
	assert_non_null(strstr(site, "    backup: [sftp://bob@10.8.0.5/dir, snmp://***@10.8.0.5, "
				     "snmp://bob:***@10.8.0.5]\n"));
	assert_int_equal(fixture_play(f, PLAYER_HOST, "n-1"), RESOLVE_OK);
	json = host_policy_json(f->host);
	text = json_dumps(json, 0);
	assert_null(strstr(text, SECRET));
	free(text);
	json_decref(json);
}

#define WARNING                                                                                    \
	"a password in a file that others can read: leave the password out, which is never "       \
	"needed here, or `chmod 600` the file\n"

static const char *findings_at_mode(struct fixture *f, mode_t mode)
{
	const char *path = arena_printf(f->arena, "%s/site.yaml", f->folder);

	read_site(f, WITH_SECRETS);
	assert_int_equal(chmod(path, mode), 0);
	diagnostics_free(f->diagnostics);
	f->diagnostics = diagnostics_new();
	assert_non_null(policy_read(f->arena, f->diagnostics, path, NULL));
	return fixture_findings(f);
}

static void test_file_of_the_owner_alone(void **state)
{
	assert_string_equal(findings_at_mode(*state, 0600), "");
}

/* A community can't be left out, and so is not warned of. */
static void test_file_that_others_read(void **state)
{
	const char *warnings =
		"site.yaml:12:9: warning: " WARNING "site.yaml:14:9: warning: " WARNING;

	assert_string_equal(findings_at_mode(*state, 0640), warnings);
	assert_string_equal(findings_at_mode(*state, 0604), warnings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_every_node),
		TEST(test_no_location_no_rule),
		TEST(test_every_scheme),
		TEST(test_host_set_and_ipv6),
		TEST(test_one_host_is_one_rule),
		TEST(test_two_domains_of_one_relay),
		TEST(test_second_instance),
		TEST(test_ftp_warns_of_its_data),
		TEST(test_unknown_host),
		TEST(test_everyone_as_peer),
		TEST(test_scheme_without_flow),
		TEST(test_mail_without_relay),
		TEST(test_relay_without_mail),
		TEST(test_long_mail_domain),
		TEST(test_unknown_instance),
		TEST(test_no_finding_tells_a_password),
		TEST(test_no_output_tells_a_password),
		TEST(test_file_of_the_owner_alone),
		TEST(test_file_that_others_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
