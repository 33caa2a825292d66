/* SPDX-License-Identifier: BSD-2-Clause */
/* Who reaches whom, and that it is the same as what the rules of each host say. */
#include "policy_fixture.h"

#include "party.h"
#include "reach.h"
#include "who.h"

/* ------------------------------------------------------------ the same as the rules -------------
 */

/* One rule as a host has it, or one as the answers about that host have it. */
struct line {
	const char *id;
	enum direction direction;
	struct prefix_list remote;
	struct service_list services;
};
typedef LIST(struct line) line_list;

static void add_addresses(struct arena *arena, struct prefix_list *list,
			  const struct prefix_list *more)
{
	list_for_each (prefix, more)
		prefix_list_add(arena, list, prefix);
	prefix_list_normalize(list);
}

static struct line *line_of(struct arena *arena, line_list *lines, const char *id,
			    enum direction direction)
{
	struct line *line;

	list_for_each (other, lines) {
		if (other->direction == direction && strcmp(other->id, id) == 0)
			return other;
	}
	line = arena_push(arena, lines);
	line->id = id;
	line->direction = direction;
	return line;
}

/* A match between addresses of two families is never met. */
static bool can_match(const struct match *match)
{
	if (!match->local)
		return true;
	list_for_each (local, match->local) {
		list_for_each (remote, match->remote) {
			if (local->address.family == remote->address.family)
				return true;
		}
	}
	return false;
}

static void lines_of_rules(struct arena *arena, const struct host_policy *host, line_list *lines)
{
	for (size_t i = 0; i < host->rule_count; i++) {
		const struct rule *rule = &host->rules[i];
		struct line *line;

		/* Management is about the hosts of the site, though anyone may play one. */
		if (!host->host && strncmp(rule->id, "management/", 11) == 0)
			continue;
		for (size_t j = 0; j < rule->match_count; j++) {
			const struct match *match = &rule->matches[j];

			if (!can_match(match))
				continue;
			line = line_of(arena, lines, rule->id, rule->direction);
			add_addresses(arena, &line->remote, match->remote);
			service_list_add(arena, &line->services, match->protocol,
					 rule->direction == DIRECTION_IN ? &match->local_ports
									 : &match->remote_ports);
		}
	}
}

/* What the party sees of the other end: addresses behind NAT as they are seen. */
static const struct prefix_list *other_end(struct fixture *fixture, const struct answer *answer,
					   bool to)
{
	const struct site *site = fixture->policy->site;
	const struct end_member *member;
	struct prefix_list *from;

	if (!answer->reach) {
		from = arena_alloc(fixture->arena, sizeof(*from));
		policy_addresses_seen(
			fixture->arena, fixture->policy,
			&site->management.items[atoi(strchr(answer->rule, '/') + 1) - 1].from,
			from);
		return from;
	}
	member = to ? answer->reach->from : answer->reach->to;
	return member->seen ? member->seen : member->addresses;
}

static void lines_of_answers(struct fixture *fixture, const struct party *party, bool to,
			     line_list *lines)
{
	reach_list reaches;
	answer_list answers;

	reach_find(fixture->arena, fixture->policy, false, &reaches);
	who_answer(fixture->arena, fixture->policy, &reaches, party, to, NULL, &answers);
	list_for_each (answer, &answers) {
		struct line *line;

		/* Management is a rule of those who let it in alone. */
		if (!answer->reach && !to)
			continue;
		line = line_of(fixture->arena, lines, answer->rule,
			       to ? DIRECTION_IN : DIRECTION_OUT);
		add_addresses(fixture->arena, &line->remote, other_end(fixture, answer, to));
		list_for_each (service, &answer->services)
			service_list_add(fixture->arena, &line->services, service->protocol,
					 &service->ports);
	}
}

static const char *lines_text(struct fixture *fixture, const line_list *lines)
{
	const char *text = "";

	list_for_each (line, lines) {
		struct prefix_list remote = line->remote;

		prefix_list_subtract(fixture->arena, &remote, &fixture->host->own);
		prefix_list_subtract(fixture->arena, &remote, &fixture->host->floating);
		text = arena_printf(fixture->arena, "%s%s %s %s %s\n", text,
				    line->direction == DIRECTION_IN ? "in" : "out", line->id,
				    service_list_format(fixture->arena, &line->services),
				    fixture_prefixes(fixture, &remote));
	}
	return text;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *first = a, *second = b;

	if (first->direction != second->direction)
		return first->direction < second->direction ? -1 : 1;
	return strcmp(first->id, second->id);
}

static void expect_same(struct fixture *fixture, const char *name)
{
	line_list rules = {0}, answers = {0};
	struct party party;
	const char *hint;

	lines_of_rules(fixture->arena, fixture->host, &rules);
	assert_true(party_find(fixture->arena, fixture->policy, name, &party, &hint));
	lines_of_answers(fixture, &party, true, &answers);
	lines_of_answers(fixture, &party, false, &answers);
	if (rules.count)
		qsort(rules.items, rules.count, sizeof(*rules.items), compare_lines);
	if (answers.count)
		qsort(answers.items, answers.count, sizeof(*answers.items), compare_lines);
	assert_string_equal(lines_text(fixture, &answers), lines_text(fixture, &rules));
}

/* Every host, and every host without a name that "bind" names by an address. */
static size_t expect_all_same(struct fixture *fixture)
{
	const struct policy *policy = fixture->policy;
	char buffer[ADDRESS_TEXT_MAX];
	size_t count = 0;

	list_for_each (host, &policy->site->hosts) {
		assert_int_equal(fixture_play(fixture, PLAYER_HOST, host->name.text), RESOLVE_OK);
		expect_same(fixture, host->name.text);
		count++;
	}
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t j = 0; j < binding->member_count; j++) {
			const struct prefix_list *single = &binding->members[j].single;

			for (size_t k = 0; k < single->count && !binding->members[j].host; k++) {
				const char *text = prefix_format(&single->items[k], buffer);

				if (!prefix_is_single(&single->items[k]))
					continue;
				if (fixture_play(fixture, PLAYER_ADDRESS, text) != RESOLVE_OK ||
				    fixture->host->host)
					continue;
				expect_same(fixture, text);
				count++;
			}
		}
	}
	return count;
}

static void same_as_rules_of_shipped_sites(void **state)
{
	static const struct {
		const char *site;
		const char *catalogs;
		size_t players;
	} sites[] = {
		{"policies/sites/cyara-all.yaml", "policies", 58},
		{"policies/sites/cyara-small.yaml", "policies", 7},
		{"policies/sites/demo.yaml", "policies", 7},
		{"tests/policy/links.yaml", "tests/policy", 11},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		fixture->policy = policy_read(fixture->arena, fixture->diagnostics, sites[i].site,
					      sites[i].catalogs);
		assert_non_null(fixture->policy);
		assert_int_equal(expect_all_same(fixture), sites[i].players);
	}
}

static const char catalog[] =
	"parameters:\n"
	"  web-port: {type: ports, default: 443}\n"
	"  extra: {type: switch, default: off}\n"
	"roles:\n"
	"  web: {names: [Web Server, Web Servers]}\n"
	"  sql: {names: [SQL Server]}\n"
	"  bus: {names: [Message Bus]}\n"
	"  pbx: {names: [Telephone Exchange]}\n"
	"  users: {names: [Users], outside: yes, bind: any}\n"
	"flows:\n"
	"  - {id: u, from: users, to: web, allow: [tcp/$web-port], cite: {section: Ports, row: "
	"1}}\n"
	"  - {id: s, from: [web, bus], to: sql, allow: [tcp/1433], cite: {section: Ports, row: "
	"2}}\n"
	"  - {id: p, from: web, to: pbx, allow: [tcp+udp/5060], either-way: yes,\n"
	"     cite: {section: Ports, row: 3, lines: 30}}\n"
	"  - {id: b, from: [web, sql], to: bus, allow: [tcp/5672], cite: {section: Ports, row: "
	"4}}\n"
	"  - {id: x, from: web, to: sql, allow: [tcp/9], when: extra, cite: {section: Ports, row: "
	"5}}\n";

static const char site[] = "management:\n"
			   "  - {from: 10.0.9.0/28, allow: [tcp/22, tcp/$acme/web-port]}\n"
			   "hosts:\n"
			   "  web-1: {addresses: 10.0.0.1, roles: acme/web}\n"
			   "  web-2: {addresses: [10.0.0.2, \"2001:db8::2\"], roles: acme/web,\n"
			   "          parameters: {acme/web-port: 8443}}\n"
			   "  sql-1: {addresses: 10.0.0.5, roles: acme/sql}\n"
			   "  jump: {addresses: 10.0.9.1, roles: []}\n"
			   "bind:\n"
			   "  acme/users: any\n"
			   "  acme/pbx: 10.0.0.0/24\n"
			   "  acme/bus: 10.0.0.7\n"
			   "flows:\n"
			   "  - {id: dump, from: 10.0.9.9, to: 10.0.0.5, allow: [tcp/9999]}\n"
			   "  - {id: named, from: 10.0.9.9, to: sql-1, allow: [tcp/9998]}\n"
			   "  - {id: self, from: sql-1, to: 10.0.0.5, allow: [tcp/9997]}\n"
			   "  - {id: dns, from: hosts, to: 10.0.0.53, allow: [tcp+udp/53]}\n"
			   "  - {id: out, from: sql-1, to: any, allow: [tcp/80]}\n";

static void same_as_rules_of_mixed_ends(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_read(fixture, catalog, site));
	assert_int_equal(expect_all_same(fixture), 5);
}

/* ------------------------------------------------------------ questions -------------------------
 */

/* "rule: sources > destinations services", a line each. */
static const char *ask(struct fixture *fixture, const char *name, bool to,
		       const struct service_list *wanted)
{
	const char *text = "", *hint;
	reach_list reaches;
	answer_list answers;
	struct party party;

	assert_true(party_find(fixture->arena, fixture->policy, name, &party, &hint));
	reach_find(fixture->arena, fixture->policy, false, &reaches);
	who_answer(fixture->arena, fixture->policy, &reaches, &party, to, wanted, &answers);
	list_for_each (answer, &answers)
		text = arena_printf(fixture->arena, "%s%s: %s > %s %s\n", text, answer->rule,
				    fixture_prefixes(fixture, &answer->sources),
				    fixture_prefixes(fixture, &answer->destinations),
				    service_list_format(fixture->arena, &answer->services));
	return text;
}

static void a_role_is_asked_for_with_the_flows_to_its_hosts(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_read(fixture, catalog, site));
	assert_string_equal(ask(fixture, "acme/sql", true, NULL),
			    "management/1: 10.0.9.0/28 > 10.0.0.5 tcp/22, tcp/443\n"
			    "acme/s:web: 10.0.0.1 > 10.0.0.5 tcp/1433\n"
			    "acme/s:web: 10.0.0.2 2001:db8::2 > 10.0.0.5 tcp/1433\n"
			    "acme/s:bus: 10.0.0.7 > 10.0.0.5 tcp/1433\n"
			    "site/dump: 10.0.9.9 > 10.0.0.5 tcp/9999\n"
			    "site/named: 10.0.9.9 > 10.0.0.5 tcp/9998\n");
	assert_string_equal(ask(fixture, "SQL  server", true, NULL),
			    ask(fixture, "acme/sql", true, NULL));
}

static void a_prefix_gives_a_host_no_role(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_read(fixture, catalog, site));
	/* 10.0.0.5 is in what pbx and users are bound to, but a host with the role sql alone. */
	assert_string_equal(ask(fixture, "10.0.0.5", false, NULL),
			    "acme/b:sql: 10.0.0.5 > 10.0.0.7 tcp/5672\n"
			    "site/dns: 10.0.0.5 > 10.0.0.53 tcp+udp/53\n"
			    "site/out: 10.0.0.5 > 0.0.0.0/0 ::/0 tcp/80\n");
	assert_string_equal(ask(fixture, "10.0.0.5", false, NULL),
			    ask(fixture, "sql-1", false, NULL));
	/* Nobody has 10.0.0.99: it is what the prefixes make of it. */
	assert_string_equal(ask(fixture, "10.0.0.99", true, NULL),
			    "acme/p: 10.0.0.1 > 10.0.0.99 tcp+udp/5060\n"
			    "acme/p: 10.0.0.2 2001:db8::2 > 10.0.0.99 tcp+udp/5060\n"
			    "site/out: 10.0.0.5 > 10.0.0.99 tcp/80\n");
}

static void parameters_are_those_of_the_host(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_read(fixture, catalog, site));
	assert_string_equal(ask(fixture, "web-2", true, NULL),
			    "management/1: 10.0.9.0/28 > 10.0.0.2 2001:db8::2 tcp/22, tcp/8443\n"
			    "acme/u: 0.0.0.0/0 ::/0 > 10.0.0.2 2001:db8::2 tcp/8443\n"
			    "acme/p:back: 10.0.0.0/24 > 10.0.0.2 2001:db8::2 tcp+udp/5060\n");
	/* Hosts where management is the same are one answer. */
	assert_string_equal(ask(fixture, "jump", false, NULL),
			    "management/1: 10.0.9.1 > 10.0.0.1 10.0.0.5 tcp/22, tcp/443\n"
			    "management/1: 10.0.9.1 > 10.0.0.2 2001:db8::2 tcp/22, tcp/8443\n"
			    "site/dns: 10.0.9.1 > 10.0.0.53 tcp+udp/53\n");
}

static void a_service_is_asked_for_alone(void **state)
{
	struct fixture *fixture = *state;
	struct service_list wanted = {0};
	struct port_list ports = {0};

	port_list_add(fixture->arena, &ports, 1000, 2000);
	service_list_add(fixture->arena, &wanted, 6, &ports);
	assert_true(fixture_read(fixture, catalog, site));
	assert_string_equal(ask(fixture, "sql-1", true, &wanted),
			    "acme/s:web: 10.0.0.1 > 10.0.0.5 tcp/1433\n"
			    "acme/s:web: 10.0.0.2 2001:db8::2 > 10.0.0.5 tcp/1433\n"
			    "acme/s:bus: 10.0.0.7 > 10.0.0.5 tcp/1433\n");
	assert_string_equal(ask(fixture, "jump", true, &wanted), "");
}

static void a_name_that_is_not_there_gets_a_hint(void **state)
{
	struct fixture *fixture = *state;
	const char *hint = NULL;
	struct party party;

	assert_true(fixture_read(fixture, catalog, site));
	assert_false(party_find(fixture->arena, fixture->policy, "acme/sqll", &party, &hint));
	assert_string_equal(hint, "; did you mean `acme/sql`?");
	assert_false(party_find(fixture->arena, fixture->policy, "web-3", &party, &hint));
	assert_string_equal(hint, "; did you mean `web-1`?");
	assert_false(party_find(fixture->arena, fixture->policy, "10.0.0.256", &party, &hint));
	assert_string_equal(hint, "");
}

/* ------------------------------------------------------------ reaches ---------------------------
 */

static const char *reaches_text(struct fixture *fixture, bool unbound)
{
	const char *text = "";
	reach_list reaches;

	reach_find(fixture->arena, fixture->policy, unbound, &reaches);
	list_for_each (reach, &reaches)
		text = arena_printf(fixture->arena, "%s%s %s %s\n", text, reach->pairing->id,
				    reach->missing ? reach->missing : "-",
				    service_list_format(fixture->arena, &reach->services));
	return text;
}

static void nobody_reaches_himself_or_another_family(void **state)
{
	struct fixture *fixture = *state;

	assert_true(
		fixture_read(fixture,
			     "roles:\n"
			     "  a: {names: [A]}\n"
			     "  b: {names: [B]}\n"
			     "  c: {names: [C]}\n"
			     "flows:\n"
			     "  - {id: ab, from: a, to: b, allow: tcp/1, cite: {section: Ports}}\n"
			     "  - {id: ac, from: a, to: c, allow: tcp/2, cite: {section: Ports}}\n"
			     "  - {id: bc, from: b, to: c, allow: tcp/3, cite: {section: Ports}}\n",
			     "bind:\n"
			     "  acme/a: 10.0.0.1\n"
			     "  acme/b: [10.0.0.1, \"2001:db8::1\"]\n"
			     "  acme/c: \"2001:db8::1\"\n"));
	assert_string_equal(reaches_text(fixture, false), "");
	assert_true(
		fixture_read(fixture,
			     "roles:\n"
			     "  a: {names: [A]}\n"
			     "  b: {names: [B]}\n"
			     "flows:\n"
			     "  - {id: ab, from: a, to: b, allow: tcp/1, cite: {section: Ports}}\n",
			     "bind:\n"
			     "  acme/a: [10.0.0.1, 10.0.0.4]\n"
			     "  acme/b: 10.0.0.1\n"));
	assert_string_equal(reaches_text(fixture, false), "acme/ab - tcp/1\n");
}

static void what_has_no_value_is_named(void **state)
{
	struct fixture *fixture = *state;

	assert_true(fixture_read(
		fixture,
		"parameters:\n"
		"  open: {type: ports}\n"
		"  unused: {type: ports, default: none}\n"
		"roles:\n"
		"  a: {names: [A]}\n"
		"  b: {names: [B]}\n"
		"flows:\n"
		"  - {id: f, from: a, to: b, allow: [tcp/1, tcp/$open],\n"
		"     cite: {section: Ports}}\n"
		"  - {id: g, from: a, to: b, allow: tcp/$unused, cite: {section: Ports}}\n",
		"bind: {acme/a: 10.0.0.1}\n"));
	assert_string_equal(reaches_text(fixture, false), "");
	assert_string_equal(reaches_text(fixture, true), "acme/f acme/open none\n");
}

static void flows_between_two_are_one_pair(void **state)
{
	struct fixture *fixture = *state;
	reach_list reaches;
	reach_pair_list pairs;
	const char *text = "";

	assert_true(fixture_read(fixture, catalog,
				 "hosts:\n"
				 "  w: {addresses: 10.0.0.1, roles: acme/web}\n"
				 "  v: {addresses: 10.0.0.2, roles: acme/web}\n"
				 "bind: {acme/sql: 10.0.0.5, acme/bus: 10.0.0.7}\n"
				 "parameters: {acme/extra: on}\n"));
	reach_find(fixture->arena, fixture->policy, false, &reaches);
	reach_pairs(fixture->arena, &reaches, &pairs);
	list_for_each (pair, &pairs)
		text = arena_printf(fixture->arena, "%s%s > %s %s, %zu flows, %u ports\n", text,
				    pair->from->name, pair->to->name,
				    service_list_format(fixture->arena, &pair->services),
				    pair->pairings.count, services_port_count(&pair->services));
	assert_string_equal(text, "acme/web > acme/sql tcp/9, tcp/1433, 2 flows, 2 ports\n"
				  "acme/bus > acme/sql tcp/1433, 1 flows, 1 ports\n"
				  "acme/web > acme/bus tcp/5672, 1 flows, 1 ports\n"
				  "acme/sql > acme/bus tcp/5672, 1 flows, 1 ports\n");
	assert_string_equal(pairing_cite(fixture->arena, pairs.items[0].pairings.items[0]),
			    "Ports, row 2 (Acme Guide)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(same_as_rules_of_shipped_sites),
		TEST(same_as_rules_of_mixed_ends),
		TEST(a_role_is_asked_for_with_the_flows_to_its_hosts),
		TEST(a_prefix_gives_a_host_no_role),
		TEST(parameters_are_those_of_the_host),
		TEST(a_service_is_asked_for_alone),
		TEST(a_name_that_is_not_there_gets_a_hint),
		TEST(nobody_reaches_himself_or_another_family),
		TEST(what_has_no_value_is_named),
		TEST(flows_between_two_are_one_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
