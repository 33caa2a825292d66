/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_policy.h"

#include <inttypes.h>
#include <string.h>

#include "../../user/words.h"

enum { RULES = 14, MATCHES = 4, RANGES = 3, PREFIXES = 4, PEER_LABELS = 3, PRINTED_PREFIXES = 12 };

/* Few of each, so that packets, rules and each other meet often. */
static const char *const own_v4[] = {"10.1.0.1", "10.1.0.2", "10.1.0.3", "192.0.2.1"};
static const char *const own_v6[] = {"2001:db8:1::1", "2001:db8:1::2", "2001:db8:1::3", "fe80::1"};
static const char *const floating[] = {"10.1.0.10", "2001:db8:1::10"};
static const char *const groups[] = {"224.0.0.18", "255.255.255.255", "ff02::12", "239.1.2.3"};
static const char *const bases_v4[] = {"10.2.0.0", "10.2.1.0",	"10.2.1.128", "10.2.1.200",
				       "10.1.0.0", "10.1.0.10", "192.0.2.0",  "203.0.113.77"};
static const char *const bases_v6[] = {"2001:db8:2::",	     "2001:db8:2:1::", "2001:db8:2:1::80",
				       "2001:db8:1::",	     "2001:db8:1::10", "fe80::2",
				       "2001:db8:2:1:8000::"};
static const uint8_t lengths_v4[] = {0, 1, 8, 15, 16, 17, 20, 22, 23, 24, 25, 26, 28, 30, 31, 32};
static const uint8_t lengths_v6[] = {0,	 1,  16, 32,  47,  48,	49,  63,
				     64, 65, 96, 112, 120, 126, 127, 128};
static const uint16_t edges[] = {0,	1,     22,    53,    67,    68,	   80,	  443,	546,  547,
				 1023,	1024,  5060,  5061,  5062,  8000,  8080,  9000, 9255, 9256,
				 16383, 16384, 30000, 32767, 32768, 40000, 65534, 65535};

static struct address address(const char *text)
{
	struct address result = {0};

	address_parse(text, &result);
	return result;
}

static void add_single(struct arena *arena, struct prefix_list *list, const char *text)
{
	struct address single = address(text);
	struct prefix prefix = prefix_of_address(&single);

	prefix_list_add(arena, list, &prefix);
}

static struct prefix prefix_of(const struct address *base, uint8_t length)
{
	struct prefix prefix = {.address = *base, .length = length};

	for (unsigned bit = length; bit < address_bits(base); bit++)
		prefix.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return prefix;
}

static void add_random_prefix(struct arena *arena, struct random *random, struct prefix_list *list)
{
	bool v4 = random_percent(random, 55);
	struct address base =
		address(v4 ? random_of(random, bases_v4) : random_of(random, bases_v6));
	uint8_t length = v4 ? random_of(random, lengths_v4) : random_of(random, lengths_v6);
	struct prefix prefix;

	/* A neighbour of the base now and then: touching prefixes. */
	if (random_percent(random, 30))
		base.bytes[v4 ? 3 : 15] += (uint8_t)random_between(random, 1, 3);
	if (random_percent(random, 85) && length < (v4 ? 15 : 47))
		length = v4 ? 24 : 64;
	prefix = prefix_of(&base, length);
	prefix_list_add(arena, list, &prefix);
}

static void add_any(struct arena *arena, struct prefix_list *list)
{
	struct prefix v4 = {.address = {.family = 4}};
	struct prefix v6 = {.address = {.family = 6}};

	prefix_list_add(arena, list, &v4);
	prefix_list_add(arena, list, &v6);
}

/* Never an own address; never empty. */
static const struct prefix_list *random_remote(struct arena *arena, struct random *random,
					       const struct host_policy *policy)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));
	uint32_t count = random_between(random, 1, PREFIXES);

	if (random_percent(random, 6))
		add_any(arena, list);
	else if (random_percent(random, 4))
		add_single(arena, list, random_of(random, groups));
	else
		for (uint32_t i = 0; i < count; i++)
			add_random_prefix(arena, random, list);
	prefix_list_subtract(arena, list, &policy->own);
	prefix_list_subtract(arena, list, &policy->floating);
	if (list->count == 0)
		add_single(arena, list, "203.0.113.9");
	return list;
}

static const struct prefix_list *random_local(struct arena *arena, struct random *random,
					      const struct host_policy *policy)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));

	for (size_t i = 0; i < policy->own.count; i++)
		if (random_percent(random, 60))
			prefix_list_add(arena, list, &policy->own.items[i]);
	for (size_t i = 0; i < policy->floating.count; i++)
		if (random_percent(random, 50))
			prefix_list_add(arena, list, &policy->floating.items[i]);
	if (random_percent(random, 10))
		add_single(arena, list, random_of(random, groups));
	if (list->count == 0)
		prefix_list_add(arena, list, &policy->own.items[0]);
	prefix_list_normalize(list);
	return list;
}

/* ------------------------------------------------------------ ports -----------------------------
 */

static struct port_list random_ports(struct arena *arena, struct random *random)
{
	struct port_list list = {0};
	uint32_t count = random_between(random, 1, RANGES);
	uint16_t first;
	uint16_t last;

	if (random_percent(random, 8)) {
		port_list_add(arena, &list, 0, 65535);
		return list;
	}
	for (uint32_t i = 0; i < count; i++) {
		first = random_of(random, edges);
		last = random_percent(random, 50) ? first : random_of(random, edges);
		if (random_percent(random, 20))
			last = random_percent(random, 50) ? first : (uint16_t)(first | 0xff);
		if (first > last)
			port_list_add(arena, &list, last, first);
		else
			port_list_add(arena, &list, first, last);
	}
	port_list_normalize(&list);
	return list;
}

static struct port_list one_range(struct arena *arena, uint16_t first, uint16_t last)
{
	struct port_list list = {0};

	port_list_add(arena, &list, first, last);
	return list;
}

static uint8_t random_protocol(struct random *random)
{
	static const uint8_t common[] = {6, 6, 6, 6, 6, 17, 17, 17, 17, 1, 1, 58, 58, 132, 50, 112};

	return random_of(random, common);
}

static void random_services(struct arena *arena, struct random *random, struct match *match,
			    struct port_list *service, struct port_list *other)
{
	match->protocol = random_protocol(random);
	*other = one_range(arena, 0, random_percent(random, 50) ? 65535 : 0);
	if (protocol_has_ports(match->protocol)) {
		*service = random_ports(arena, random);
		*other = random_percent(random, 25) ? random_ports(arena, random)
						    : one_range(arena, 0, 65535);
	} else if (match->protocol == 1) {
		*service = one_range(arena, ICMP4_ECHO_SERVICE, ICMP4_ECHO_SERVICE);
	} else if (match->protocol == 58) {
		*service = one_range(arena, ICMP6_ECHO_SERVICE, ICMP6_ECHO_SERVICE);
	} else {
		*service = one_range(arena, 0, 0);
	}
}

/* ------------------------------------------------------------ rules -----------------------------
 */

static void random_match(struct arena *arena, struct random *random,
			 const struct host_policy *policy, enum direction direction,
			 bool management, struct match *match)
{
	struct port_list service;
	struct port_list other;

	random_services(arena, random, match, &service, &other);
	match->local_ports = direction == DIRECTION_IN ? service : other;
	match->remote_ports = direction == DIRECTION_IN ? other : service;
	match->local = management ? NULL : random_local(arena, random, policy);
	match->remote = random_remote(arena, random, policy);
}

/* Matches of one rule have their own options; a limit is the rule's. They need not be comparable.
 */
static void random_options(struct random *random, struct rule *rule)
{
	static const uint32_t rates[] = {1, 1, 2, 3, 7, 50, 1000, LIMIT_MAX};
	static const uint32_t bursts[] = {1, 1, 1, 1, 2, 3, 10, LIMIT_MAX};
	static const uint8_t ipv4_bits[] = {1, 8, 23, 24, 25, 31, 32, 32, 32};
	static const uint8_t ipv6_bits[] = {1, 32, 48, 63, 64, 65, 127, 128};

	rule->limit.per_second = random_of(random, rates);
	rule->limit.burst = random_of(random, bursts);
	rule->limit.ipv4_bits = random_of(random, ipv4_bits);
	rule->limit.ipv6_bits = random_of(random, ipv6_bits);
	for (size_t i = 0; i < rule->match_count; i++) {
		struct match *match = &rule->matches[i];

		for (unsigned option = RULE_LIVE; option <= RULE_LIMIT; option <<= 1)
			match->options |= random_percent(random, 35) ? option : 0;
		rule->options |= match->options;
	}
}

static void random_rule(struct arena *arena, struct random *random,
			const struct host_policy *policy, bool management, struct rule *rule,
			size_t number)
{
	rule->direction = management || random_percent(random, 50) ? DIRECTION_IN : DIRECTION_OUT;
	rule->id = arena_printf(arena, "%s/%zu", management ? "management" : "random", number);
	rule->from = rule->direction == DIRECTION_IN ? "peer" : "self";
	rule->to = rule->direction == DIRECTION_IN ? "self" : "peer";
	rule->services = "random";
	rule->match_count = random_between(random, 1, MATCHES);
	rule->matches = arena_alloc(arena, rule->match_count * sizeof(*rule->matches));
	for (size_t i = 0; i < rule->match_count; i++)
		random_match(arena, random, policy, rule->direction, management, &rule->matches[i]);
	if (rule->direction == DIRECTION_IN && !management && random_percent(random, 60))
		random_options(random, rule);
}

/* Some ids stand for an in rule and an out rule both. */
static void random_rules(struct arena *arena, struct random *random, struct host_policy *policy)
{
	size_t management = random_percent(random, 40) ? random_between(random, 1, 2) : 0;
	size_t others = random_between(random, 1, RULES);
	struct rule *rule;

	policy->rule_count = management + others;
	policy->rules = arena_alloc(arena, policy->rule_count * sizeof(*policy->rules));
	policy->has_management = management > 0;
	for (size_t i = 0; i < policy->rule_count; i++)
		random_rule(arena, random, policy, i < management, &policy->rules[i], i + 1);
	for (size_t i = management + 1; i < policy->rule_count; i++) {
		rule = &policy->rules[i];
		if (rule->direction != rule[-1].direction && random_percent(random, 30) &&
		    !host_policy_rule(policy, rule[-1].id, rule->direction))
			rule->id = rule[-1].id;
	}
}

/* ------------------------------------------------------------ the host --------------------------
 */

static void random_addresses(struct arena *arena, struct random *random, struct host_policy *policy)
{
	for (size_t i = 0; i < 4; i++) {
		if (i == 0 || random_percent(random, 40))
			add_single(arena, &policy->own, own_v4[i]);
		if (i == 0 || random_percent(random, 40))
			add_single(arena, &policy->own, own_v6[i]);
	}
	for (size_t i = 0; i < 2; i++)
		if (random_percent(random, 30)) {
			add_single(arena, &policy->floating, floating[i]);
			if (random_percent(random, 50))
				add_single(arena, &policy->own, floating[i]);
		}
	prefix_list_normalize(&policy->own);
	prefix_list_normalize(&policy->floating);
}

/* Only what a site may say: out is not enforced unless in is. */
static void random_modes(struct random *random, struct host_policy *policy)
{
	static const enum mode out_modes[] = {MODE_ENFORCE, MODE_ENFORCE, MODE_ENFORCE,
					      MODE_ENFORCE, MODE_AUDIT,	  MODE_OFF};
	uint32_t dice = random_below(random, 100);

	policy->mode[DIRECTION_IN] = dice < 75 ? MODE_ENFORCE : dice < 96 ? MODE_AUDIT : MODE_OFF;
	policy->mode[DIRECTION_OUT] = random_of(random, out_modes);
	if (policy->mode[DIRECTION_IN] != MODE_ENFORCE &&
	    policy->mode[DIRECTION_OUT] == MODE_ENFORCE)
		policy->mode[DIRECTION_OUT] = random_percent(random, 50) ? MODE_AUDIT : MODE_OFF;
}

static void random_bounds(struct random *random, struct host_policy *policy)
{
	static const uint32_t flows[] = {1, 4, 16, 64, 1024, 65536};
	static const uint32_t fragments[] = {1, 2, 8, 64, 4096};
	static const uint32_t shares[] = {0, 1, 2, 8, 256};
	static const uint32_t errors[] = {1, 1, 2, 10};
	static const uint32_t timeouts[] = {1, 50, 200, 1000, 5000, 60000};

	policy->flows = random_of(random, flows);
	policy->fragments = random_of(random, fragments);
	/* A full table of sources forgets the oldest only about: far more than there ever are. */
	policy->sources = SOURCES_DEFAULT;
	policy->flow_share = random_of(random, shares);
	policy->icmp_errors_per_second = random_of(random, errors);
	for (int state = 0; state < FLOW_STATE_COUNT; state++)
		policy->timeout_ms[state] = random_of(random, timeouts);
	policy->fragment_timeout_ms =
		random_percent(random, 50) ? 2000 : random_of(random, timeouts);
}

static void random_labels(struct arena *arena, struct random *random, struct host_policy *policy)
{
	policy->peer_count = random_below(random, PEER_LABELS + 1);
	policy->peers = arena_alloc(arena, (PEER_LABELS + 1) * sizeof(*policy->peers));
	for (size_t i = 0; i < policy->peer_count; i++) {
		policy->peers[i].role = arena_printf(arena, "random/role-%zu", i + 1);
		policy->peers[i].addresses = random_remote(arena, random, policy);
	}
}

static void random_link(struct random *random, struct link_settings *link)
{
	*link = link_settings_default();
	if (random_percent(random, 40)) {
		link->echo_per_second = random_between(random, 1, 20);
		link->echo_burst = random_between(random, 1, 8);
	}
	if (random_percent(random, 30))
		link->link_control = (uint8_t)random_below(random, 16);
	link->vlan_filter = random_percent(random, 15);
	if (!link->vlan_filter)
		return;
	/* Tags are 0 to 7 (random_packet.c), and seldom there. */
	link->vlans[0] = random_below(random, 256) | random_percent(random, 80);
}

struct host_policy *random_policy(struct arena *arena, struct random *random)
{
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));

	policy->site = "differential";
	random_addresses(arena, random, policy);
	random_modes(random, policy);
	random_bounds(random, policy);
	policy->forwarding = (enum forwarding)(
		random_percent(random, 10) ? FORWARDING_PASS : random_below(random, 2));
	policy->dhcp = random_percent(random, 40);
	policy->router_advertisements = random_percent(random, 40);
	policy->multicast_membership = random_percent(random, 40);
	random_link(random, &policy->link);
	random_rules(arena, random, policy);
	random_labels(arena, random, policy);
	return policy;
}

/* ------------------------------------------------------------ printing --------------------------
 */

static void print_prefixes(const char *label, const struct prefix_list *list, FILE *out)
{
	char buffer[ADDRESS_TEXT_MAX];

	fprintf(out, " %s", label);
	if (!list)
		fputs(" every", out);
	for (size_t i = 0; list && i < list->count && i < PRINTED_PREFIXES; i++)
		fprintf(out, " %s", prefix_format(&list->items[i], buffer));
	if (list && list->count > PRINTED_PREFIXES)
		fprintf(out, " and %zu more", list->count - PRINTED_PREFIXES);
}

static void print_ports(const char *label, const struct port_list *list, FILE *out)
{
	fprintf(out, " %s", label);
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, " %u-%u", list->items[i].first, list->items[i].last);
}

static void print_rule(const struct rule *rule, FILE *out)
{
	const struct match *match;

	fprintf(out, "%s %s", direction_name(rule->direction), rule->id);
	if (rule->options & RULE_LIMIT)
		fprintf(out, ", limit %u a second, burst %u, /%u, /%u", rule->limit.per_second,
			rule->limit.burst, rule->limit.ipv4_bits, rule->limit.ipv6_bits);
	fputc('\n', out);
	for (size_t i = 0; i < rule->match_count; i++) {
		match = &rule->matches[i];
		fprintf(out, "    protocol %u", match->protocol);
		print_ports("local ports", &match->local_ports, out);
		print_prefixes("of", match->local, out);
		print_ports("; remote ports", &match->remote_ports, out);
		print_prefixes("of", match->remote, out);
		fprintf(out, "%s%s%s\n", match->options & RULE_LIVE ? "; live" : "",
			match->options & RULE_SHAPE_RTP ? "; shape" : "",
			match->options & RULE_LIMIT ? "; limit" : "");
	}
}

void print_policy(const struct host_policy *policy, FILE *out)
{
	static const char *const states[] = {"syn", "tcp", "closing", "udp-new", "udp", "icmp"};

	fprintf(out, "mode in %s out %s; forwarding %d dhcp %d router_advertisements %d\n",
		mode_name(policy->mode[DIRECTION_IN]), mode_name(policy->mode[DIRECTION_OUT]),
		policy->forwarding, policy->dhcp, policy->router_advertisements);
	fprintf(out,
		"membership %d; echo %u a second, burst %u; link control %#x; VLANs %d: %#" PRIx64
		"\n",
		policy->multicast_membership, policy->link.echo_per_second, policy->link.echo_burst,
		policy->link.link_control, policy->link.vlan_filter, policy->link.vlans[0]);
	fprintf(out, "flows %u share %u fragments %u for %u ms; ICMP errors %u a second; timeouts",
		policy->flows, policy->flow_share, policy->fragments, policy->fragment_timeout_ms,
		policy->icmp_errors_per_second);
	for (int state = 0; state < FLOW_STATE_COUNT; state++)
		fprintf(out, " %s %u", states[state], policy->timeout_ms[state]);
	print_prefixes("\nown", &policy->own, out);
	print_prefixes("\nfloating", &policy->floating, out);
	fputc('\n', out);
	for (size_t i = 0; i < policy->rule_count; i++)
		print_rule(&policy->rules[i], out);
}
