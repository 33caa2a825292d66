/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_text.h"

#include "../../user/catalog.h"
#include "../../user/node.h"
#include "../../user/reader.h"
#include "../../user/site.h"

#define HEAD	  "catalog: x\ndocument: {title: T, sections: [One, Two]}\n"
#define ROLES	  "roles:\n  a: {names: [A]}\n  b: {names: [B]}\n"
#define FLOW(...) "flows:\n  - {id: f, from: a, to: b, cite: {section: One}, " __VA_ARGS__ "}\n"

static struct catalog *read_text_of(struct policy_text *text, const char *yaml)
{
	*text = policy_text(yaml);
	return catalog_read(text->arena, text->diagnostics, text->path);
}

static const struct catalog *read_good(struct policy_text *text, const char *yaml)
{
	const struct catalog *catalog = read_text_of(text, yaml);

	assert_string_equal(findings(text), "");
	assert_non_null(catalog);
	return catalog;
}

static void test_services(void **state)
{
	struct policy_text text;
	const struct catalog *catalog = read_good(
		&text, HEAD "parameters: {p: {type: ports}, s: {type: services}}\n" ROLES FLOW(
			       "allow: [tcp/443, udp+tcp/5:7, sctp/any, tcp/$p, $s, esp, "
			       "proto/112, icmp/echo]"));
	const service_term_list *allow = &catalog_flow(catalog, "f")->allow;
	const struct service_term *terms = allow->items;

	assert_int_equal(allow->count, 8);
	assert_int_equal(terms[0].kind, SERVICE_PORTS);
	assert_int_equal(terms[0].protocol_count, 1);
	assert_int_equal(terms[0].protocols[0], 6);
	assert_int_equal(terms[0].ports.kind, PORTS_RANGE);
	assert_int_equal(terms[0].ports.range.first, 443);
	assert_int_equal(terms[0].ports.range.last, 443);
	assert_int_equal(terms[1].protocol_count, 2);
	assert_int_equal(terms[1].protocols[0], 6);
	assert_int_equal(terms[1].protocols[1], 17);
	assert_int_equal(terms[1].ports.range.first, 5);
	assert_int_equal(terms[1].ports.range.last, 7);
	assert_int_equal(terms[2].protocols[0], 132);
	assert_int_equal(terms[2].ports.kind, PORTS_ANY);
	assert_int_equal(terms[3].ports.kind, PORTS_PARAMETER);
	assert_string_equal(terms[3].ports.parameter, "p");
	assert_int_equal(terms[4].kind, SERVICE_PARAMETER);
	assert_string_equal(terms[4].parameter, "s");
	assert_int_equal(terms[5].kind, SERVICE_PROTOCOL);
	assert_int_equal(terms[5].protocols[0], 50);
	assert_int_equal(terms[6].protocols[0], 112);
	assert_int_equal(terms[7].kind, SERVICE_ECHO);
	assert_int_equal(terms[7].at.line, 8);
	policy_text_free(&text);
}

static void test_flow(void **state)
{
	struct policy_text text;
	const struct catalog *catalog = read_good(
		&text, HEAD
		"parameters: {s: {type: switch, default: on}, c: {type: choice, of: [m, "
		"n]}}\n" ROLES "groups: {all: {names: [All], roles: [a, b]}}\n"
		"flows:\n"
		"  - {id: one, from: a, to: all, allow: tcp/1, source-ports: [5, 7-9], either-way: "
		"yes,\n"
		"     when: [s, not s, c=m|n, not bound b], reading: C-01, mirror: missing,\n"
		"     cite: [{section: One, row: 6a, lines: 1-2}, {section: Two, footnote: '*'}]}\n"
		"  - {id: two, from: [a], to: b, allow: tcp/1, source-ports: any, cite: {section: "
		"One}}\n");
	const struct flow_rule *one = catalog_flow(catalog, "one");
	const struct flow_rule *two = catalog_flow(catalog, "two");
	const struct condition *when = one->when.items;

	assert_false(one->from_is_list);
	assert_true(one->to_is_list); /* a group */
	assert_true(two->from_is_list);
	assert_false(two->to_is_list);
	assert_int_equal(one->source_ports.count, 2);
	assert_int_equal(one->source_ports.items[1].range.last, 9);
	assert_int_equal(two->source_ports.count, 0);
	assert_true(one->either_way && one->mirror_missing);
	assert_false(two->either_way || two->mirror_missing);
	assert_string_equal(one->reading, "C-01");
	assert_int_equal(one->when.count, 4);
	assert_true(when[0].kind == WHEN_SWITCH && !when[0].negated);
	assert_true(when[1].kind == WHEN_SWITCH && when[1].negated);
	assert_true(when[2].kind == WHEN_CHOICE && when[2].values.count == 2);
	assert_string_equal(when[2].name, "c");
	assert_string_equal(when[2].values.items[1].text, "n");
	assert_true(when[3].kind == WHEN_BOUND && when[3].negated);
	assert_string_equal(when[3].name, "b");
	assert_int_equal(one->cite.count, 2);
	assert_string_equal(one->cite.items[0].row, "6a");
	assert_string_equal(one->cite.items[0].lines, "1-2");
	assert_null(one->cite.items[1].row);
	assert_string_equal(one->cite.items[1].footnote, "*");
	assert_null(catalog_flow(catalog, "three"));
	assert_non_null(catalog_group(catalog, "all"));
	assert_null(catalog_role(catalog, "all"));
	policy_text_free(&text);
}

static void test_roles(void **state)
{
	struct policy_text text;
	const struct catalog *catalog = read_good(
		&text, HEAD "roles:\n"
			    "  a: {names: One name}\n"
			    "  b: {names: [X, Y], bind: [any, feed], outside: yes, count: 3, "
			    "refuse: {domain: no names}}\n"
			    "  c: {names: [Z], bind: domain, count: any, listens: [esp]}\n");
	const struct role *a = catalog_role(catalog, "a"), *b = catalog_role(catalog, "b");
	const struct role *c = catalog_role(catalog, "c");

	assert_int_equal(a->bind, BIND_ADDRESS | BIND_PREFIX);
	assert_int_equal(a->names.count, 1);
	assert_int_equal(a->count, 0);
	assert_int_equal(b->bind, BIND_ANY | BIND_FEED);
	assert_true(b->outside);
	assert_int_equal(b->count, 3);
	assert_string_equal(b->refuse_domain, "no names");
	assert_int_equal(c->bind, BIND_DOMAIN);
	assert_int_equal(c->listens.count, 1);
	policy_text_free(&text);
}

static void test_parameters(void **state)
{
	struct policy_text text;
	const struct catalog *catalog = read_good(
		&text, HEAD "parameters:\n"
			    "  a: {type: ports, default: [5060, 10:20], within: 1-6000}\n"
			    "  b: {type: ports}\n"
			    "  c: {type: switch, default: on, about: why,  reading: C-1}\n"
			    "  d: {type: choice, of: [x, y], default: y, cite: {section: Two}}\n"
			    "  e: {type: number, default: 4294967295}\n"
			    "  f: {type: services, default: none}\n");
	const struct parameter *a = catalog_parameter(catalog, "a");

	assert_true(a->has_default && a->has_within);
	assert_int_equal(a->standard.ports.count, 2);
	assert_int_equal(a->standard.ports.items[1].range.last, 20);
	assert_false(catalog_parameter(catalog, "b")->has_default);
	assert_true(catalog_parameter(catalog, "c")->standard.on);
	assert_string_equal(catalog_parameter(catalog, "c")->about, "why");
	assert_string_equal(catalog_parameter(catalog, "d")->standard.choice, "y");
	assert_int_equal(catalog_parameter(catalog, "d")->cite.count, 1);
	assert_int_equal(catalog_parameter(catalog, "e")->standard.number, UINT32_MAX);
	assert_true(catalog_parameter(catalog, "f")->standard.none);
	policy_text_free(&text);
}

/* A site's value for the parameter of a catalog that reads "p: {...}". */
static void check_value(const char *parameter, const char *value, const char *expected)
{
	struct policy_text text, site;
	const struct catalog *catalog;
	struct parameter_value read;
	const struct node *top;
	char yaml[512];

	snprintf(yaml, sizeof(yaml), HEAD "parameters: {p: %s}\n", parameter);
	catalog = read_good(&text, yaml);
	snprintf(yaml, sizeof(yaml), "x/p: %s\n", value);
	site = policy_text(yaml);
	top = node_read(site.arena, site.diagnostics, site.path);
	assert_int_equal(parameter_value_read(site.arena, site.diagnostics, top->first,
					      &catalog->parameters.items[0], &read),
			 !strstr(expected, "error"));
	assert_string_equal(findings(&site), expected);
	policy_text_free(&text);
	policy_text_free(&site);
}

static void test_values(void **state)
{
	const char *within = "{type: ports, default: 100-200, within: 1-1000, narrower: warn}";

	check_value("{type: ports}", "[5060, 7-9]", "");
	check_value("{type: ports}", "none", "");
	check_value("{type: ports}", "$other/p", "");
	check_value("{type: ports}", "any",
		    "1:6: error: `any` can't be set here: name the ports, or write `none` if it is "
		    "not used\n");
	check_value("{type: ports}", "$p",
		    "1:6: error: `$p`: whose parameter? write `$instance/p`\n");
	check_value(within, "100-200", "");
	check_value(within, "[50-150, 151-300]", "");
	check_value(within, "none", "");
	check_value(within, "$other/p", "");
	check_value(within, "999-1001", "1:6: error: `p` must lie within 1-1000\n");
	check_value(within, "101-200",
		    "1:6: warning: `p` is narrower than the 100-200 that the document gives\n");
	check_value("{type: services, within: [tcp/1-9, icmp/echo]}", "[tcp/5, icmp/echo]", "");
	check_value("{type: services, within: [tcp/1-9]}", "udp/5",
		    "1:6: error: `p` must lie within tcp/1-9\n");
	check_value("{type: switch}", "off", "");
	check_value("{type: switch}", "no",
		    "1:6: error: `p` is a switch: it must be `on` or `off`, not `no`\n");
	check_value("{type: choice, of: [small, large]}", "large", "");
	check_value("{type: choice, of: [small, large]}", "lagre",
		    "1:6: error: `p` can't be `lagre`; did you mean `large`?\n");
	check_value("{type: number}", "5", "");
	check_value("{type: number}", "[5]",
		    "1:6: error: `p`: a single value is due here, not a list\n");
	check_value("{type: switch}", "none",
		    "1:6: error: `p` is a switch: it must be `on` or `off`, not `none`\n");
}

static void test_name_fold(void **state)
{
	static const struct {
		const char *name;
		const char *folded;
	} rows[] = {
		{"Cyara Call Engine", "cyara call engine"},
		{"  call--ENGINE (2) ", "call engine 2"},
		{"external systems (SNMP)", "external systems snmp"},
		{"no\xc2\xa0"
		 "break \xe2\x80\x93 dash",
		 "no break dash"},
		{"Schl\xc3\xbcssel", "schl\xc3\xbcssel"},
		{"...", ""},
		{"", ""},
		{"cut \xe2\x80", "cut \xe2\x80"},
	};
	struct arena *arena = arena_new();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(name_fold(arena, rows[i].name), rows[i].folded);
	arena_free(arena);
}

/* All of what is wrong in one file is told in one run, in its order. */
static void test_all_findings(void **state)
{
	struct policy_text text;

	read_text_of(
		&text,
		"catalog: x\n"
		"document: {title: T, sections: [One]}\n"
		"live: yes\n"
		"roles:\n"
		"  a: {names: [A], lisens: tcp/1}\n"
		"flows:\n"
		"  - {id: f, from: a, to: aa, allow: tcp/0, cite: {section: Two}, live: maybe}\n"
		"  - {id: f, from: a, to: a, allow: [tcp/$p], cite: {section: One}}\n");
	assert_string_equal(
		findings(&text),
		"3:1: error: unknown key `live` in a catalog; it may have `catalog`, `document`, "
		"`parameters`, `roles`, `groups`, `flows`, `forbid`, `checks`, `no-flow`\n"
		"5:19: error: unknown key `lisens` in a role; did you mean `listens`?\n"
		"7:26: error: no role `aa` in this catalog\n"
		"7:37: error: `0`: a port is a number from 1 to 65535\n"
		"7:60: error: `Two` is not in `sections` of `document`: cite a section as it is "
		"printed\n"
		"7:72: error: `live` must be `yes` or `no`, not `maybe`\n"
		"8:10: error: `f` is in `flows` twice; the first is on line 7\n"
		"8:37: error: no parameter `p` in this catalog\n");
	policy_text_free(&text);
}

static char *printed(const struct catalog *catalog)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	catalog_print(catalog, out);
	fclose(out);
	return text;
}

/* Any text that a file can hold comes back as itself. */
static void test_round_trip_of_texts(void **state)
{
	static const char *const titles[] = {
		"plain",     "a: b",	    "a:",    ":a",	  "- a",	 "-",
		"#a",	     "a #b",	    "a#b",   "\\\"a\\\"", "'a'",	 "\\\\",
		"[a]",	     "a]",	    "{a}",   "a, b",	  "&a",		 "*a",
		"!a",	     "|",	    ">",     "%a",	  "@a",		 "`a",
		"?",	     "? a",	    "~",     "null",	  "=",		 "<<",
		"---",	     "...",	    "1:30",  "::",	  "2001:db8::1", "\\u00e9",
		"\\u2014 a", "\\U0001F600", "a\\tb", "a \\n b",	  "a\\Lb",	 "yes",
		"a  :  b",   "a?b",	    "a:b",   "[",	  "}",		 "a'b\\\"c",
	};
	char yaml[512];
	size_t i;

	for (i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		struct policy_text first, second;
		const struct catalog *one, *two;
		char *print, *again;

		snprintf(yaml, sizeof(yaml),
			 "catalog: x\ndocument: {title: \"%s\", sections: [\"%s\", other]}\n"
			 "roles: {a: {names: [A]}}\nflows: [{id: f, from: a, to: a, allow: tcp/1, "
			 "cite: {section: \"%s\", row: \"%s\"}}]\n",
			 titles[i], titles[i], titles[i], titles[i]);
		one = read_good(&first, yaml);
		print = printed(one);
		two = read_good(&second, print);
		again = printed(two);
		assert_string_equal(print, again);
		assert_string_equal(one->title, two->title);
		assert_string_equal(one->sections.items[0].text, two->sections.items[0].text);
		assert_string_equal(one->flows.items[0].cite.items[0].row,
				    two->flows.items[0].cite.items[0].row);
		free(print);
		free(again);
		policy_text_free(&first);
		policy_text_free(&second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),     cmocka_unit_test(test_flow),
		cmocka_unit_test(test_roles),	     cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_values),	     cmocka_unit_test(test_name_fold),
		cmocka_unit_test(test_all_findings), cmocka_unit_test(test_round_trip_of_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
