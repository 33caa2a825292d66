/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_text.h"

#include "../../user/node.h"
#include "../../user/site.h"

#define HEAD                                                                                       \
	"site: x\ncatalogs: [cyara, {catalog: cyara, as: lab}]\nmode: {in: enforce, out: audit}\n"

static struct site *read_text_of(struct policy_text *text, const char *yaml)
{
	*text = policy_text(yaml);
	return site_read(text->arena, text->diagnostics, text->path);
}

static const struct site *read_good(struct policy_text *text, const char *yaml)
{
	const struct site *site = read_text_of(text, yaml);

	assert_string_equal(findings(text), "");
	assert_non_null(site);
	return site;
}

static void check_findings(const char *yaml, const char *expected)
{
	struct policy_text text;

	read_text_of(&text, yaml);
	assert_string_equal(findings(&text), expected);
	policy_text_free(&text);
}

static void test_defaults(void **state)
{
	struct policy_text text;
	const struct site *site = read_good(&text, HEAD);

	assert_string_equal(site->name.text, "x");
	assert_int_equal(site->catalogs.count, 2);
	assert_string_equal(site->catalogs.items[0].as, "cyara");
	assert_string_equal(site->catalogs.items[1].as, "lab");
	assert_string_equal(site->catalogs.items[1].catalog.text, "cyara");
	assert_true(site->mode.is_set);
	assert_int_equal(site->mode.in, MODE_ENFORCE);
	assert_int_equal(site->mode.out, MODE_AUDIT);
	assert_int_equal(site->lookup, LOOKUP_FLAT);
	assert_int_equal(site->bound_flows, FLOWS_DEFAULT);
	assert_int_equal(site->bound_fragments, FRAGMENTS_DEFAULT);
	assert_false(site->has_management || site->has_interfaces || site->interfaces_auto);
	assert_false(site->settings.has_dhcp || site->settings.has_cross_check);
	policy_text_free(&text);
}

static void test_settings(void **state)
{
	struct policy_text text;
	const struct site *site = read_good(
		&text,
		HEAD "interfaces: eth0\nlookup: maps\nbounds: {flows: 64, fragments: "
		     "16}\nmanagement: []\n"
		     "host: {dhcp: yes, forwarding: pass, floating: 10.0.0.9, icmp-echo: off,\n"
		     "  timeouts: {tcp-syn: 1ms, tcp: 2h, tcp-closing: 30s, udp-new: 1m, udp: 7d, "
		     "icmp: 500ms},\n"
		     "  cross-check: 0}\n"
		     "hosts:\n"
		     "  h1: {addresses: 10.0.0.1, roles: [], dhcp: no, mode: {in: off, out: off},\n"
		     "    interfaces: auto, cross-check: 1}\n");
	const struct host_settings *settings = &site->settings;
	const struct site_host *host = &site->hosts.items[0];
	static const uint32_t expected[] = {1, 7200000, 30000, 60000, 604800000, 500};
	size_t i;

	assert_string_equal(site->interfaces.items[0].text, "eth0");
	assert_int_equal(site->lookup, LOOKUP_MAPS);
	assert_int_equal(site->bound_flows, 64);
	assert_int_equal(site->bound_fragments, 16);
	assert_true(site->has_management && !site->management.count);
	assert_true(settings->has_dhcp && settings->dhcp);
	assert_int_equal(settings->forwarding, FORWARDING_PASS);
	assert_int_equal(settings->floating.count, 1);
	for (i = 0; i < FLOW_STATE_COUNT; i++) {
		assert_true(settings->has_timeout[i]);
		assert_int_equal(settings->timeout_ms[i], expected[i]);
		assert_false(host->settings.has_timeout[i]);
	}
	assert_true(settings->has_cross_check && settings->cross_check == 0);
	assert_true(host->settings.has_dhcp && !host->settings.dhcp);
	assert_true(host->mode.is_set && host->mode.in == MODE_OFF);
	assert_true(host->has_interfaces && host->interfaces_auto);
	assert_int_equal(host->settings.cross_check, 1);
	policy_text_free(&text);
}

static void test_addresses(void **state)
{
	struct policy_text text;
	const struct site *site = read_good(
		&text,
		HEAD "sets:\n"
		     "  s: [10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.6, \"2001:db8::/32\", $t, h-1]\n"
		     "  t: any\n"
		     "hosts: {h-1: {addresses: [192.0.2.1, \"2001:DB8::0:1\"], roles: [lab/a]}}\n"
		     "bind: {cyara/b: $s}\n");
	const struct address_term *terms = site->sets.items[0].addresses.items;
	const struct address_term *own = site->hosts.items[0].addresses.items;
	char buffer[ADDRESS_TEXT_MAX];

	assert_int_equal(site->sets.items[0].addresses.count, 6);
	assert_string_equal(prefix_format(&terms[0].prefixes.items[0], buffer), "10.0.0.1");
	assert_string_equal(prefix_format(&terms[1].prefixes.items[0], buffer), "10.0.0.0/8");
	assert_int_equal(terms[2].prefixes.count, 4); /* .1, .2/31, .4/31, .6 */
	assert_string_equal(prefix_format(&terms[3].prefixes.items[0], buffer), "2001:db8::/32");
	assert_int_equal(terms[4].kind, ADDRESS_SET);
	assert_string_equal(terms[4].name, "t");
	assert_int_equal(terms[5].kind, ADDRESS_HOST);
	assert_string_equal(terms[5].name, "h-1");
	assert_int_equal(site->sets.items[1].addresses.items[0].kind, ADDRESS_ANY);
	assert_string_equal(prefix_format(&own[1].prefixes.items[0], buffer), "2001:db8::1");
	assert_string_equal(site->hosts.items[0].roles.items[0].text, "lab/a");
	assert_string_equal(site->bind.items[0].role.text, "cyara/b");
	policy_text_free(&text);
}

static void test_flows(void **state)
{
	struct policy_text text;
	const struct site *site = read_good(
		&text,
		HEAD "flows:\n"
		     "  - {id: f, from: hosts, to: [10.0.0.0/8, cyara/b], allow: udp/$cyara/p,\n"
		     "     when: not bound lab/x}\n"
		     "without: {flow: lab/voice-6, because: \"not  here\"}\n"
		     "parameters: {cyara/p: [1, 2], lab/s: off}\n");
	const struct flow_rule *flow = &site->flows.items[0];

	assert_string_equal(flow->from.items[0].text, "hosts");
	assert_false(flow->from_is_list);
	assert_true(flow->to_is_list);
	assert_string_equal(flow->to.items[0].text, "10.0.0.0/8");
	assert_string_equal(flow->allow.items[0].ports.parameter, "cyara/p");
	assert_string_equal(flow->when.items[0].name, "lab/x");
	assert_int_equal(flow->cite.count, 0);
	assert_string_equal(site->without.items[0].because, "not here");
	assert_int_equal(site->parameters.items[0].value->count, 2);
	assert_string_equal(site->parameters.items[1].value->text, "off");
	policy_text_free(&text);
}

static void test_modes(void **state)
{
	static const char *const words[] = {"off", "audit", "enforce"};
	char yaml[128];
	size_t in, out;

	for (in = 0; in < 3; in++)
		for (out = 0; out < 3; out++) {
			struct policy_text text;

			snprintf(yaml, sizeof(yaml),
				 "site: x\ncatalogs: []\nmode: {in: %s, out: %s}\n", words[in],
				 words[out]);
			read_text_of(&text, yaml);
			assert_int_equal(diagnostics_errors(text.diagnostics), in < 2 && out == 2);
			policy_text_free(&text);
		}
}

static void test_bounds(void **state)
{
	check_findings(HEAD "bounds: {flows: 16777216, fragments: 1048576}\n", "");
	check_findings(HEAD "bounds: {flows: 16777217, fragments: 15}\n",
		       "4:17: error: `flows` must be a number from 64 to 16777216, not `16777217`\n"
		       "4:38: error: `fragments` must be a number from 16 to 1048576, not `15`\n");
	check_findings(HEAD
		       "host: {cross-check: 2147483648, timeouts: {tcp: 168h, udp: 604800000ms}}\n",
		       "");
	check_findings(HEAD "host: {timeouts: {tcp: 169h, udp: 0ms}}\n",
		       "4:24: error: `tcp` must be from 1ms to 7d (DURATION_MS_MAX), not `169h`\n"
		       "4:35: error: `udp` must be from 1ms to 7d (DURATION_MS_MAX), not `0ms`\n");
}

static void test_cycles(void **state)
{
	check_findings(HEAD "sets: {a: [$b, $c], b: [$c, 10.0.0.1], c: 10.0.0.2}\n", "");
	check_findings(HEAD "sets: {a: $b, b: $c, c: $a, d: $a}\n",
		       "4:25: error: set `a` would hold itself: take out `$a`\n");
	check_findings(HEAD "sets: {a: $a}\n",
		       "4:11: error: set `a` would hold itself: take out `$a`\n");
}

static void test_references(void **state)
{
	check_findings(
		HEAD "bind: {cyra/a: 10.0.0.1, zzz/a: 10.0.0.1}\n",
		"4:8: error: `cyra/a`: `cyra` is not in `catalogs`; did you mean `cyara/a`?\n"
		"4:26: error: `zzz/a`: `zzz` is not in `catalogs` of this site\n");
	check_findings(HEAD "sets: {jump: 10.0.0.1}\nbind: {lab/a: [jump, $jmup]}\n",
		       "5:16: error: `jump` is a set: write `$jump`\n"
		       "5:22: error: no set `$jmup` in this file; did you mean `$jump`?\n");
	check_findings(
		HEAD "hosts:\n  web-1: {addresses: 10.0.0.1, roles: []}\n"
		     "  web-2: {addresses: 10.0.0.1, roles: []}\nbind: {lab/a: [web-3, "
		     "web-9.example.com]}\n",
		"6:22: error: `10.0.0.1` is already an address of host `web-1`, on line 5\n"
		"7:16: error: no host `web-3` in this file; did you mean `web-1`?\n"
		"7:23: error: no host `web-9.example.com` in this file; a domain name is written "
		"`{domain: ...}`, and only roles that a document wants by name can be bound to "
		"one\n");
}

/* What the trap let through as a list item is told once, in our words. */
static void test_trap(void **state)
{
	check_findings(
		HEAD "sets:\n  s:\n    - 2001:db8::\n    - 10.0.0.1/8\n",
		"6:7: error: YAML takes the last colon of `2001:db8::` for its own and this for a "
		"mapping: put it in quotes, \"2001:db8::\"\n"
		"7:7: error: `10.0.0.1/8` has bits set behind its prefix length; the network is "
		"`10.0.0.0/8`\n");
}

static char *printed(const struct site *site)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	site_print(site, out);
	fclose(out);
	return text;
}

static void test_round_trip(void **state)
{
	struct policy_text first, second;
	char *print, *again;

	print = printed(
		read_good(&first, HEAD
			  "host: {dhcp: no, timeouts: {tcp: 2h, udp: 121s}, cross-check: 65536}\n"
			  "management: {from: [any], allow: tcp/22}\n"
			  "sets: {s: [10.0.0.4-10.0.0.7, 10.0.0.1-10.0.0.6, \"2001:DB8::/32\"]}\n"
			  "hosts: {h1: {addresses: \"fd00::1\", roles: cyara/a, dhcp: no}}\n"
			  "bind: {lab/a: [h1, $s]}\n"
			  "parameters: {lab/p: [7], lab/q: []}\n"));
	assert_string_equal(print, "site: x\n"
				   "catalogs:\n"
				   "  - cyara\n"
				   "  - {catalog: cyara, as: lab}\n"
				   "mode: {in: enforce, out: audit}\n"
				   "host:\n"
				   "  timeouts: {udp: 121s}\n"
				   "management:\n"
				   "  - from: any\n"
				   "    allow: [tcp/22]\n"
				   "sets:\n"
				   "  s: [10.0.0.4/30, 10.0.0.1-10.0.0.6, \"2001:db8::/32\"]\n"
				   "hosts:\n"
				   "  h1:\n"
				   "    addresses: [\"fd00::1\"]\n"
				   "    roles: [cyara/a]\n"
				   "    dhcp: no\n"
				   "bind:\n"
				   "  lab/a: [h1, $s]\n"
				   "parameters:\n"
				   "  lab/p: 7\n"
				   "  lab/q: []\n");
	again = printed(read_good(&second, print));
	assert_string_equal(print, again);
	free(print);
	free(again);
	policy_text_free(&first);
	policy_text_free(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),  cmocka_unit_test(test_settings),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_flows),
		cmocka_unit_test(test_modes),	  cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_cycles),	  cmocka_unit_test(test_references),
		cmocka_unit_test(test_trap),	  cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
