/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rule a packet meets: what is refused, and what the media of a flow are. */
#include "policy_fixture.h"
#include "precedence.h"
#include "rule_options.h"

/* ------------------------------------------------------------ what a site writes ---------------
 */

#define ROLES                                                                                      \
	"parameters:\n"                                                                            \
	"  sip: {type: ports, default: 5060}\n"                                                    \
	"  rtp: {type: ports, default: 30000-30100}\n"                                             \
	"  more: {type: services, default: [udp/40000-40010, tcp+udp/40005, udp/40007]}\n"         \
	"roles:\n"                                                                                 \
	"  a: {names: [A]}\n"                                                                      \
	"  b: {names: [B]}\n"                                                                      \
	"flows:\n"
#define CITE  "cite: {section: Ports}"
#define HOSTS "hosts: {h: {addresses: 10.0.0.1, roles: acme/b}}\nbind: {acme/a: 10.0.1.0/24}\n"

/* The options of each match of an in rule: "udp 5060 \nudp 30000-30100 live, shape: rtp\n". */
static const char *options_of(struct fixture *f, const char *id)
{
	const struct rule *rule = host_policy_rule(f->host, id, DIRECTION_IN);
	const char *text = "";
	char buffer[16];

	assert_non_null(rule);
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];

		text = arena_printf(
			f->arena, "%s%s %s%s%s\n", text, protocol_name(match->protocol, buffer),
			port_list_format(f->arena, &match->local_ports), match->options ? ": " : "",
			rule_options_format(f->arena, match->options, &rule->limit));
	}
	return text;
}

static const char *media(struct fixture *f, const char *flow, const char *site)
{
	const char *catalog =
		arena_printf(f->arena, ROLES "  - {id: f, from: a, to: b, %s, " CITE "}\n", flow);

	if (!fixture_read(f, catalog, arena_printf(f->arena, HOSTS "%s", site)) ||
	    fixture_play(f, PLAYER_HOST, "h") != RESOLVE_OK)
		fail_msg("%s", fixture_findings(f));
	return options_of(f, "acme/f");
}

#define MEDIA ", live: yes, shape: rtp"

static void test_media_beside_sip(void **state)
{
	assert_string_equal(media(*state, "allow: [tcp+udp/$sip, udp/$rtp]" MEDIA, ""),
			    "tcp 5060\nudp 5060\nudp 30000-30100: live, shape: rtp\n");
}

/* However the site sets the ports: what is for TCP too is no media, nor one port in figures. */
static void test_media_with_sip_in_a_range(void **state)
{
	assert_string_equal(
		media(*state, "allow: [tcp+udp/$sip, udp/1718, udp/$rtp]" MEDIA,
		      "parameters: {acme/sip: 30010-30020, acme/rtp: [30000-30030, 31000]}\n"),
		"tcp 30010-30020\nudp 1718, 30010-30020\n"
		"udp 30000-30009, 30021-30030, 31000: live, shape: rtp\n");
}

static void test_media_of_one_port(void **state)
{
	assert_string_equal(media(*state, "allow: [tcp+udp/$sip, udp/1718, udp/$rtp]" MEDIA,
				  "parameters: {acme/rtp: 30000}\n"),
			    "tcp 5060\nudp 1718, 5060\nudp 30000: live, shape: rtp\n");
}

/* Two parameters: which of them is media, only a range tells. */
static void test_media_of_two_parameters(void **state)
{
	assert_string_equal(media(*state, "allow: [udp/$sip, udp/$rtp]" MEDIA, ""),
			    "udp 5060\nudp 30000-30100: live, shape: rtp\n");
}

static void test_services_without_media(void **state)
{
	assert_string_equal(media(*state, "allow: $more" MEDIA,
				  "parameters: {acme/more: [udp/5060, tcp/5061]}\n"),
			    "tcp 5061\nudp 5060\n");
}

static void test_media_in_services(void **state)
{
	assert_string_equal(media(*state, "allow: $more" MEDIA, ""),
			    "tcp 40005\nudp 40005, 40007\n"
			    "udp 40000-40004, 40006, 40008-40010: live, shape: rtp\n");
}

/* No range: then all ports are meant. TCP has no shape, and what has no ports nothing but a limit.
 */
static void test_no_range(void **state)
{
	assert_string_equal(media(*state,
				  "allow: [tcp/443, udp/10000, esp, sctp/9, icmp/echo]" MEDIA
				  ", limit: {per-second: 3}",
				  ""),
			    "icmp 2048: limit: 3 a second\n"
			    "tcp 443: live, limit: 3 a second\n"
			    "udp 10000: live, shape: rtp, limit: 3 a second\n"
			    "esp 0: limit: 3 a second\n"
			    "sctp 9: limit: 3 a second\n");
}

static void test_limit_beside_media(void **state)
{
	assert_string_equal(
		media(*state, "allow: [udp/$sip, udp/$rtp], live: yes",
		      "adjust: {acme/f: {limit: {per-second: 9, burst: 20, v4: 24, v6: 48}}}\n"),
		"udp 5060: limit: 9 a second, at most 20 at once, each /24 or /48\n"
		"udp 30000-30100: live, limit: 9 a second, at most 20 at once, each /24 or /48\n");
}

static void test_adjust_turns_off(void **state)
{
	assert_string_equal(media(*state, "allow: [udp/$rtp], limit: {per-second: 5}" MEDIA,
				  "adjust: {acme/f: {live: no, limit: none}}\n"),
			    "udp 30000-30100: shape: rtp\n");
}

/* Nothing is asked of what this host opens. */
static void test_out_rules_have_none(void **state)
{
	struct fixture *f = *state;
	const struct rule *rule;

	media(f, "allow: [udp/$rtp], either-way: yes" MEDIA, "");
	rule = host_policy_rule(f->host, "acme/f:back", DIRECTION_OUT);
	assert_non_null(rule);
	assert_int_equal(rule->options, 0);
	assert_int_equal(rule->matches[0].options, 0);
}

static const char *refused(struct fixture *f, const char *flows, const char *site)
{
	const char *catalog = arena_printf(f->arena, ROLES "%s", flows);

	assert_true(fixture_read(f, catalog, arena_printf(f->arena, HOSTS "%s", site)));
	if (fixture_play(f, PLAYER_HOST, "h") == RESOLVE_OK)
		assert_string_equal(fixture_findings(f), "");
	return fixture_findings(f);
}

#define LIVE_A "  - {id: one, from: a, to: b, allow: udp/1000-1010, live: yes, " CITE "}\n"

static void test_incomparable(void **state)
{
	assert_string_equal(
		refused(*state, LIVE_A,
			"flows:\n"
			"  - {id: two, from: any, to: h, allow: udp/1005, limit: {per-second: "
			"3}}\n"),
		"site.yaml:7:10: error: rule `site/two` (limit: 3 a second) and, at "
		"acme.yaml:11:10, rule `acme/one` (live) both match udp from 10.0.1.0/24 to "
		"10.0.0.1 port 1005, and each has an option that the other has not: give both "
		"the same options, or keep their ports or peers apart\n");
}

/* adjust is where the options are written then. */
static void test_incomparable_by_adjust(void **state)
{
	assert_string_equal(
		refused(*state, LIVE_A "  - {id: two, from: a, to: b, allow: udp/1005, " CITE "}\n",
			"adjust: {acme/two: {shape: rtp}}\n"),
		"site.yaml:6:10: error: rule `acme/two` (shape: rtp) and, at acme.yaml:11:10, rule "
		"`acme/one` (live) both match udp from 10.0.1.0/24 to 10.0.0.1 port 1005, and "
		"each has an option that the other has not: give both the same options, or keep "
		"their ports or peers apart\n");
}

static void test_comparable(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(
		refused(f, LIVE_A,
			"flows:\n"
			"  - {id: tcp, from: any, to: h, allow: tcp/1005, limit: {per-second: 3}}\n"
			"  - {id: port, from: any, to: h, allow: udp/1011, shape: rtp}\n"
			"  - {id: peer, from: 10.0.2.1, to: h, allow: udp/1005, shape: rtp}\n"
			"  - {id: source, from: any, to: h, allow: udp/2000-2001, shape: rtp, "
			"source-ports: 5}\n"
			"  - {id: other, from: any, to: h, allow: udp/2000, live: yes, "
			"source-ports: 6-7}\n"
			"  - {id: more, from: 10.0.1.0/24, to: h, allow: udp/1000-1010, live: yes, "
			"limit: {per-second: 3}}\n"
			"  - {id: same, from: 10.0.1.0/24, to: h, allow: udp/1000-1010, live: yes, "
			"limit: {per-second: 3, burst: 3}}\n"),
		"");
}

static void test_two_limits(void **state)
{
	assert_non_null(strstr(
		refused(*state,
			"  - {id: one, from: a, to: b, allow: tcp/1, limit: {per-second: 3}, " CITE
			"}\n",
			"flows:\n"
			"  - {id: two, from: any, to: h, allow: tcp/1, limit: {per-second: 3, v4: "
			"24}}\n"),
		"rule `site/two` (limit: 3 a second, each /24 or /64) and, at acme.yaml:11:10, "
		"rule "
		"`acme/one` (limit: 3 a second) both match tcp from 10.0.1.0/24"));
}

/* A third rule, of which both have all options, decides where they meet: by parts, too. */
static void test_a_third_decides(void **state)
{
	assert_string_equal(
		refused(*state, LIVE_A,
			"flows:\n"
			"  - {id: two, from: any, to: h, allow: udp/1005-1006, limit: {per-second: "
			"3}}\n"
			"  - {id: x, from: 10.0.1.0/25, to: h, allow: udp/1000-1005}\n"
			"  - {id: y, from: 10.0.1.128/25, to: h, allow: udp/1005-1006}\n"
			"  - {id: z, from: 10.0.1.0/24, to: h, allow: udp/1006}\n"),
		"");
}

static void test_a_third_decides_not_all(void **state)
{
	assert_non_null(
		strstr(refused(*state, LIVE_A,
			       "flows:\n"
			       "  - {id: two, from: any, to: h, allow: udp/1005-1006, limit: "
			       "{per-second: 3}}\n"
			       "  - {id: x, from: 10.0.1.0/25, to: h, allow: udp/1000-1006}\n"
			       "  - {id: y, from: 10.0.1.128/25, to: h, allow: udp/1005}\n"),
		       "both match udp from 10.0.1.128/25 to 10.0.0.1 port 1006"));
}

static void test_management_decides(void **state)
{
	assert_string_equal(refused(*state, LIVE_A,
				    "management: [{from: 10.0.1.0/24, allow: udp/1005}]\n"
				    "flows:\n"
				    "  - {id: two, from: any, to: h, allow: udp/1005, limit: "
				    "{per-second: 3}}\n"),
			    "");
}

/* ------------------------------------------------------------ against every packet --------------
 */

enum { RULES = 5, MATCHES = 2, PEERS = 4, LOCALS = 3, PORTS = 4, SOURCES = 2, POLICIES = 4000 };

struct bench {
	struct arena *arena;
	uint64_t random;
	struct rule rules[RULES];
	struct position places[RULES];
};

static unsigned below(struct bench *bench, unsigned limit)
{
	bench->random ^= bench->random << 13;
	bench->random ^= bench->random >> 7;
	bench->random ^= bench->random << 17;
	return (unsigned)(bench->random >> 11) % limit;
}

static struct address single(uint8_t net, unsigned host)
{
	return (struct address){4, {10, 0, net, (uint8_t)host}};
}

static struct prefix_list *some_addresses(struct bench *bench, uint8_t net, unsigned count)
{
	struct prefix_list *list = arena_alloc(bench->arena, sizeof(*list));

	for (unsigned i = 0; i < count; i++) {
		struct address address = single(net, i);
		struct prefix prefix = prefix_of_address(&address);

		if (below(bench, 2))
			prefix_list_add(bench->arena, list, &prefix);
	}
	prefix_list_normalize(list);
	return list;
}

static struct port_list some_ports(struct bench *bench, unsigned count)
{
	struct port_list list = {0};

	for (unsigned i = 0; i < count; i++) {
		if (below(bench, 2))
			port_list_add(bench->arena, &list, (uint16_t)i, (uint16_t)i);
	}
	port_list_normalize(&list);
	return list;
}

static void make_rule(struct bench *bench, struct rule *rule, char *id)
{
	struct match *matches = arena_alloc(bench->arena, MATCHES * sizeof(*matches));
	bool management = !below(bench, 8);

	*rule = (struct rule){
		.id = id, .matches = matches, .match_count = 1 + below(bench, MATCHES)};
	rule->limit = (struct rule_limit){1 + below(bench, 2), 1, 32, 64, {0}};
	for (size_t i = 0; i < rule->match_count; i++) {
		struct match *match = &matches[i];

		match->protocol = below(bench, 4) ? 17 : 6;
		match->local_ports = some_ports(bench, PORTS);
		match->remote_ports = some_ports(bench, SOURCES);
		match->local = management ? NULL : some_addresses(bench, 0, LOCALS);
		match->remote = some_addresses(bench, 1, PEERS);
		match->options = management ? 0 : below(bench, 8) * RULE_LIVE;
		rule->options |= match->options;
	}
}

static bool is_met(const struct match *match, const unsigned *packet)
{
	struct address local = single(0, packet[0]), remote = single(1, packet[1]);

	return match->protocol == (packet[4] ? 17 : 6) &&
	       port_list_contains(&match->local_ports, (uint16_t)packet[2]) &&
	       port_list_contains(&match->remote_ports, (uint16_t)packet[3]) &&
	       (!match->local || prefix_list_contains(match->local, &local)) &&
	       prefix_list_contains(match->remote, &remote);
}

/* Is there, of all matches that the packet meets, one whose options all the others have? */
static bool is_decided(const struct bench *bench, const unsigned *packet)
{
	const struct rule *met_rules[RULES * MATCHES];
	const struct match *met[RULES * MATCHES];
	size_t count = 0;

	for (size_t i = 0; i < RULES; i++) {
		for (size_t j = 0; j < bench->rules[i].match_count; j++) {
			if (!is_met(&bench->rules[i].matches[j], packet))
				continue;
			met_rules[count] = &bench->rules[i];
			met[count++] = &bench->rules[i].matches[j];
		}
	}
	for (size_t i = 0; i < count; i++) {
		bool least = true;

		for (size_t j = 0; j < count; j++)
			least &= rule_options_subset(met[i]->options, &met_rules[i]->limit,
						     met[j]->options, &met_rules[j]->limit);
		if (least)
			return true;
	}
	return !count;
}

static bool all_decided(const struct bench *bench)
{
	static const unsigned limits[5] = {LOCALS, PEERS, PORTS, SOURCES, 2};
	unsigned packet[5] = {0};
	size_t digit;

	do {
		if (!is_decided(bench, packet))
			return false;
		for (digit = 0; digit < 5 && ++packet[digit] == limits[digit]; digit++)
			packet[digit] = 0;
	} while (digit < 5);
	return true;
}

/* Matches of one rule are of one flow, whose options lie within each other. */
static bool is_flow(const struct rule *rule)
{
	unsigned a = rule->matches[0].options;
	unsigned b = rule->matches[rule->match_count - 1].options;

	return !(a & ~b) || !(b & ~a);
}

static void test_against_every_packet(void **state)
{
	static char ids[RULES][2] = {"a", "b", "c", "d", "e"};
	struct bench bench = {.random = 20260415};
	size_t refused_count = 0;

	(void)state;
	for (size_t i = 0; i < POLICIES; i++) {
		struct diagnostics *diagnostics = diagnostics_new();
		bool decided;

		bench.arena = arena_new();
		for (size_t j = 0; j < RULES; j++) {
			do
				make_rule(&bench, &bench.rules[j], ids[j]);
			while (!is_flow(&bench.rules[j]));
			bench.places[j] = (struct position){"site.yaml", (unsigned)j + 1, 1};
		}
		decided = all_decided(&bench);
		refused_count += !decided;
		if (decided != !precedence_check(diagnostics, bench.rules, bench.places, RULES)) {
			diagnostics_print(diagnostics, stderr, true);
			fail_msg("policy %zu: %s", i, decided ? "is decided" : "is not decided");
		}
		diagnostics_free(diagnostics);
		arena_free(bench.arena);
	}
	/* Neither answer is the only one that was tried. */
	assert_in_range(refused_count, POLICIES / 20, POLICIES - POLICIES / 20);
}

#define test(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_media_beside_sip),
		test(test_media_with_sip_in_a_range),
		test(test_media_of_one_port),
		test(test_media_of_two_parameters),
		test(test_services_without_media),
		test(test_media_in_services),
		test(test_no_range),
		test(test_limit_beside_media),
		test(test_adjust_turns_off),
		test(test_out_rules_have_none),
		test(test_incomparable),
		test(test_incomparable_by_adjust),
		test(test_comparable),
		test(test_two_limits),
		test(test_a_third_decides),
		test(test_a_third_decides_not_all),
		test(test_management_decides),
		cmocka_unit_test(test_against_every_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
