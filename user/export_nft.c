/* SPDX-License-Identifier: BSD-2-Clause */
#include "export_nft.h"

#include <netinet/in.h>
#include <string.h>

#include "rule_options.h"
#include "words.h"

/* Of a comment in nftables, without its NUL. */
#define COMMENT_BYTES 127u
/* What marks the connections that this host opened by an out rule. */
#define OWN_FLOW_MARK "0x5a11"

/* Which packets of a rule: those that it permits, or the answers to them. */
enum sense {
	SENSE_FORWARDS,
	SENSE_MIRROR,
};

struct exporter {
	const struct host_policy *policy;
	FILE *out;
	struct arena *arena;
	/* Lists of addresses that are sets of the ruleset, by number. */
	LIST(const struct prefix_list *) sets;
};

/* ------------------------------------------------------------ addresses -------------------------
 */

static bool has_family(const struct prefix_list *list, uint8_t family)
{
	list_for_each (prefix, list) {
		if (prefix->address.family == family)
			return true;
	}
	return false;
}

/* The whole of the family: no match is needed. */
static bool is_any(const struct prefix_list *list, uint8_t family)
{
	list_for_each (prefix, list) {
		if (prefix->address.family == family && !prefix->length)
			return true;
	}
	return false;
}

static size_t set_number(struct exporter *exporter, const struct prefix_list *list)
{
	for (size_t i = 0; i < exporter->sets.count; i++) {
		if (exporter->sets.items[i] == list ||
		    prefix_list_equal(exporter->sets.items[i], list))
			return i;
	}
	*arena_push(exporter->arena, &exporter->sets) = list;
	return exporter->sets.count - 1;
}

static void print_set(struct exporter *exporter, size_t number, uint8_t family)
{
	const struct prefix_list *list = exporter->sets.items[number];
	char buffer[ADDRESS_TEXT_MAX];
	const char *separator = "";

	if (!has_family(list, family) || is_any(list, family))
		return;
	fprintf(exporter->out,
		"\tset addresses_%zu_ipv%u {\n\t\ttype ipv%u_addr\n\t\tflags interval\n"
		"\t\telements = {",
		number, family, family);
	list_for_each (prefix, list) {
		if (prefix->address.family != family)
			continue;
		fprintf(exporter->out, "%s\n\t\t\t%s", separator, prefix_format(prefix, buffer));
		separator = ",";
	}
	fputs("\n\t\t}\n\t}\n", exporter->out);
}

/* " ip saddr @addresses_3_ipv4" */
static void print_address_match(struct exporter *exporter, const struct prefix_list *list,
				uint8_t family, const char *which)
{
	if (is_any(list, family))
		return;
	fprintf(exporter->out, " %s %s @addresses_%zu_ipv%u", family == 4 ? "ip" : "ip6", which,
		set_number(exporter, list), family);
}

/* ------------------------------------------------------------ ports and protocols ---------------
 */

static void print_ports(FILE *out, const struct port_list *ports)
{
	const char *separator = "";

	fputs(" { ", out);
	list_for_each (range, ports) {
		if (range->first == range->last)
			fprintf(out, "%s%u", separator, range->first);
		else
			fprintf(out, "%s%u-%u", separator, range->first, range->last);
		separator = ", ";
	}
	fputs(" }", out);
}

static void print_port_match(struct exporter *exporter, const struct match *match,
			     enum direction packet)
{
	bool arrives = packet == DIRECTION_IN;
	const struct port_list *sources = arrives ? &match->remote_ports : &match->local_ports;
	const struct port_list *destinations = arrives ? &match->local_ports : &match->remote_ports;
	char name[16];

	protocol_name(match->protocol, name);
	if (!port_list_is_any(sources)) {
		fprintf(exporter->out, " %s sport", protocol_name(match->protocol, name));
		print_ports(exporter->out, sources);
	}
	if (!port_list_is_any(destinations)) {
		fprintf(exporter->out, " %s dport", protocol_name(match->protocol, name));
		print_ports(exporter->out, destinations);
	}
}

/* A mirror is never an opener, and a rule never the answer to one. */
static void print_tcp_flags(struct exporter *exporter, enum direction rule, enum sense sense)
{
	if (sense == SENSE_MIRROR)
		fputs(" tcp flags & (syn | ack) != syn", exporter->out);
	else if (rule == DIRECTION_IN)
		fputs(" tcp flags & (syn | ack) != (syn | ack)", exporter->out);
	else
		fputs(" tcp flags & (fin | syn | rst | ack) == syn", exporter->out);
}

static void print_echo(struct exporter *exporter, uint8_t protocol, enum sense sense)
{
	fprintf(exporter->out, " %s type %s %s code 0",
		protocol == IPPROTO_ICMP ? "icmp" : "icmpv6",
		sense == SENSE_MIRROR ? "echo-reply" : "echo-request",
		protocol == IPPROTO_ICMP ? "icmp" : "icmpv6");
}

static bool is_echo(uint8_t protocol, uint8_t family)
{
	return protocol == (family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* ------------------------------------------------------------ rules -----------------------------
 */

/* Without what would end a quoted string, and cut to what fits. */
static const char *comment_of(char *text)
{
	for (char *at = text; *at; at++) {
		if (*at == '"')
			*at = '\'';
	}
	if (strlen(text) > COMMENT_BYTES) {
		size_t end = COMMENT_BYTES;

		/* Not within a character of several bytes (UTF-8). */
		while (end && ((unsigned char)text[end] & 0xc0) == 0x80)
			end--;
		text[end] = '\0';
	}
	return text;
}

/* "cyara/voice-6: Cyara Voice Components, row 6". */
static const char *comment(struct exporter *exporter, const struct rule *rule)
{
	return comment_of(arena_printf(exporter->arena, "%s: %s", rule->id,
				       citation_format(exporter->arena, rule)));
}

/* Which packets of one family: everything of the line but what becomes of them. */
static void print_packets(struct exporter *exporter, const struct rule *rule,
			  const struct match *match, uint8_t family, enum sense sense)
{
	enum direction packet = sense == SENSE_MIRROR ? DIRECTION_OUT : rule->direction;
	bool arrives = packet == DIRECTION_IN;

	fprintf(exporter->out, "\t\tmeta nfproto ipv%u", family);
	print_address_match(exporter, match->remote, family, arrives ? "saddr" : "daddr");
	if (match->local)
		print_address_match(exporter, match->local, family, arrives ? "daddr" : "saddr");
	if (is_echo(match->protocol, family)) {
		print_echo(exporter, match->protocol, sense);
	} else {
		fprintf(exporter->out, " meta l4proto %u", match->protocol);
		if (protocol_has_ports(match->protocol))
			print_port_match(exporter, match, packet);
		if (match->protocol == IPPROTO_TCP)
			print_tcp_flags(exporter, rule->direction, sense);
	}
}

/* ------------------------------------------------------------ limits ----------------------------
 */

static size_t rule_number(const struct exporter *exporter, const struct rule *rule)
{
	return (size_t)(rule - exporter->policy->rules);
}

static bool is_limited(const struct exporter *exporter, const struct rule *rule)
{
	return rule->options & RULE_LIMIT && exporter->policy->mode[DIRECTION_IN] == MODE_ENFORCE;
}

/* An element is kept until its bucket is surely full again. */
static void print_limit_set(struct exporter *exporter, const struct rule *rule, uint8_t family)
{
	fprintf(exporter->out,
		"\tset limited_%zu_ipv%u {\n\t\ttype ipv%u_addr\n\t\tsize %u\n"
		"\t\tflags dynamic, timeout\n\t\ttimeout %us\n\t}\n",
		rule_number(exporter, rule), family, family, exporter->policy->sources,
		rule->limit.burst / rule->limit.per_second + 2);
}

static void print_limit_sets(struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->policy->rule_count; i++) {
		const struct rule *rule = &exporter->policy->rules[i];

		if (!is_limited(exporter, rule))
			continue;
		print_limit_set(exporter, rule, 4);
		print_limit_set(exporter, rule, 6);
	}
}

static struct address mask(uint8_t family, unsigned bits)
{
	struct address address = {.family = family};

	for (unsigned bit = 0; bit < bits; bit++)
		address.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return address;
}

/* Openers of TCP, and every packet of other protocols, that are one too many of their source. */
static void print_limit(struct exporter *exporter, const struct rule *rule,
			const struct match *match, uint8_t family)
{
	const struct rule_limit *limit = &rule->limit;
	unsigned bits = family == 4 ? limit->ipv4_bits : limit->ipv6_bits;
	struct address ones = mask(family, bits);
	char text[ADDRESS_TEXT_MAX];

	if (!is_limited(exporter, rule))
		return;
	print_packets(exporter, rule, match, family, SENSE_FORWARDS);
	if (match->protocol == IPPROTO_TCP)
		fputs(" tcp flags & (syn | ack) == syn", exporter->out);
	fprintf(exporter->out, " update @limited_%zu_ipv%u { %s saddr", rule_number(exporter, rule),
		family, family == 4 ? "ip" : "ip6");
	if (bits < (family == 4 ? 32u : 128u))
		fprintf(exporter->out, " & %s", address_format(&ones, text));
	fprintf(exporter->out,
		" limit rate over %u/second burst %u packets } counter drop comment \"%s\"\n",
		limit->per_second, limit->burst,
		comment_of(arena_printf(exporter->arena, "limited: %s", rule->id)));
}

static void print_match(struct exporter *exporter, const struct rule *rule,
			const struct match *match, uint8_t family, enum sense sense)
{
	if (match->options & RULE_LIMIT && sense == SENSE_FORWARDS)
		print_limit(exporter, rule, match, family);
	print_packets(exporter, rule, match, family, sense);
	if (rule->direction == DIRECTION_OUT)
		fputs(" ct mark set " OWN_FLOW_MARK, exporter->out);
	fprintf(exporter->out, " counter accept comment \"%s\"\n", comment(exporter, rule));
}

static void print_rules_with(struct exporter *exporter, enum direction direction, enum sense sense,
			     unsigned options)
{
	static const uint8_t families[] = {4, 6};

	for (size_t i = 0; i < exporter->policy->rule_count; i++) {
		const struct rule *rule = &exporter->policy->rules[i];

		if (rule->direction != direction)
			continue;
		for (size_t j = 0; j < rule->match_count; j++) {
			const struct match *match = &rule->matches[j];

			for (size_t k = 0; k < 2 && rule_options_count(match->options) == options;
			     k++) {
				if (has_family(match->remote, families[k]) &&
				    (!match->local || has_family(match->local, families[k])))
					print_match(exporter, rule, match, families[k], sense);
			}
		}
	}
}

/* The first line that matches decides here: what has the fewest options comes first. */
static void print_rules(struct exporter *exporter, enum direction direction, enum sense sense)
{
	for (unsigned options = 0; options <= RULE_OPTION_COUNT; options++)
		print_rules_with(exporter, direction, sense, options);
}

/* Sets are numbered as rules name them: what is named nowhere is not printed. */
static void number_sets(struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->policy->rule_count; i++) {
		const struct rule *rule = &exporter->policy->rules[i];

		for (size_t j = 0; j < rule->match_count; j++) {
			if (rule->matches[j].local)
				set_number(exporter, rule->matches[j].local);
			set_number(exporter, rule->matches[j].remote);
		}
	}
	set_number(exporter, &exporter->policy->own);
}

/* ------------------------------------------------------------ chains ----------------------------
 */

static void print_interfaces(struct exporter *exporter, const char *key)
{
	const struct host_policy *policy = exporter->policy;

	if (policy->interfaces_auto) {
		fprintf(exporter->out, "\t\t%s lo accept\n", key);
		return;
	}
	fprintf(exporter->out, "\t\t%s != {", key);
	for (size_t i = 0; i < policy->interface_count; i++)
		fprintf(exporter->out, "%s \"%s\"", i ? "," : "", policy->interfaces[i]);
	fputs(" } accept\n", exporter->out);
}

/* Neighbour discovery, and the errors about conversations that are allowed. */
static void print_control(struct exporter *exporter)
{
	fputs("\t\tip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-router-advert, "
	      "nd-neighbor-solicit, nd-neighbor-advert } counter accept comment "
	      "\"neighbour-discovery\"\n"
	      "\t\tct state related icmp type { destination-unreachable, time-exceeded, "
	      "parameter-problem } counter accept comment \"icmp-error\"\n"
	      "\t\tct state related icmpv6 type { destination-unreachable, packet-too-big, "
	      "time-exceeded, parameter-problem } counter accept comment \"icmp-error\"\n",
	      exporter->out);
}

static bool has_link_limits(const struct host_policy *policy)
{
	return policy->link.echo_per_second && policy->mode[DIRECTION_IN] == MODE_ENFORCE;
}

/* What passes on the link besides rules. VLANs and link protocols are below this table's hooks. */
static void print_link(struct exporter *exporter, enum direction direction)
{
	const struct host_policy *policy = exporter->policy;
	const struct link_settings *link = &policy->link;
	bool in = direction == DIRECTION_IN;

	if (policy->multicast_membership)
		fputs("\t\tip protocol igmp ip ttl 1 counter accept comment "
		      "\"multicast-membership\"\n"
		      "\t\ticmpv6 type { mld-listener-query, mld-listener-report, "
		      "mld-listener-done, mld2-listener-report } ip6 hoplimit 1 counter accept "
		      "comment \"multicast-membership\"\n",
		      exporter->out);
	if (!link->echo_per_second)
		return;
	for (int i = 0; i < 2; i++) {
		fprintf(exporter->out, "\t\t%s type echo-%s", i ? "icmpv6" : "icmp",
			in ? "request" : "reply");
		if (in && has_link_limits(policy))
			fprintf(exporter->out, " limit rate %u/second burst %u packets",
				link->echo_per_second, link->echo_burst);
		fputs(" counter accept comment \"icmp-echo\"\n", exporter->out);
	}
}

static void print_spoofed(struct exporter *exporter, const char *verdict)
{
	static const uint8_t families[] = {4, 6};
	size_t own = set_number(exporter, &exporter->policy->own);

	fprintf(exporter->out,
		"\t\tip saddr { 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255 } counter %s "
		"comment \"spoofed\"\n"
		"\t\tip6 saddr { ::1, ff00::/8 } counter %s comment \"spoofed\"\n",
		verdict, verdict);
	for (size_t i = 0; i < 2; i++) {
		if (has_family(&exporter->policy->own, families[i]))
			fprintf(exporter->out,
				"\t\t%s saddr @addresses_%zu_ipv%u counter %s comment "
				"\"spoofed\"\n",
				families[i] == 4 ? "ip" : "ip6", own, families[i], verdict);
	}
}

/* What no rule allows: dropped, or only counted where the mode does not enforce. */
static void print_rest(struct exporter *exporter, enum direction direction)
{
	if (exporter->policy->mode[direction] == MODE_ENFORCE)
		fputs("\t\tcounter drop comment \"no rule\"\n\t}\n", exporter->out);
	else
		fputs("\t\tcounter accept comment \"no rule (would drop)\"\n\t}\n", exporter->out);
}

static void print_input(struct exporter *exporter)
{
	const struct host_policy *policy = exporter->policy;
	bool enforced = policy->mode[DIRECTION_IN] == MODE_ENFORCE;

	fputs("\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n",
	      exporter->out);
	print_interfaces(exporter, "iifname");
	if (policy->dhcp)
		fputs("\t\tudp sport 67 udp dport 68 counter accept comment \"dhcp\"\n"
		      "\t\tudp sport 547 udp dport 546 counter accept comment \"dhcp\"\n",
		      exporter->out);
	print_spoofed(exporter, enforced ? "drop" : "accept");
	if (policy->link.router_advertisements == LINK_NO)
		fprintf(exporter->out,
			"\t\ticmpv6 type nd-router-advert counter %s comment "
			"\"neighbour-scope\"\n",
			enforced ? "drop" : "accept");
	print_control(exporter);
	print_rules(exporter, DIRECTION_IN, SENSE_FORWARDS);
	print_link(exporter, DIRECTION_IN);
	fputs("\t\tct mark " OWN_FLOW_MARK " ct direction reply meta l4proto tcp "
	      "tcp flags & (syn | ack) != syn counter accept comment \"flow\"\n"
	      "\t\tct mark " OWN_FLOW_MARK " ct direction reply meta l4proto != tcp counter accept "
	      "comment \"flow\"\n",
	      exporter->out);
	print_rest(exporter, DIRECTION_IN);
}

/* In audit, what no rule allows goes out and its answers come in: the flow is marked all the same.
 */
static void print_output(struct exporter *exporter)
{
	const struct host_policy *policy = exporter->policy;

	fputs("\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n",
	      exporter->out);
	print_interfaces(exporter, "oifname");
	if (policy->dhcp)
		fputs("\t\tudp sport 68 udp dport 67 counter accept comment \"dhcp\"\n"
		      "\t\tudp sport 546 udp dport 547 counter accept comment \"dhcp\"\n",
		      exporter->out);
	print_control(exporter);
	print_rules(exporter, DIRECTION_IN, SENSE_MIRROR);
	print_link(exporter, DIRECTION_OUT);
	fputs("\t\tct mark " OWN_FLOW_MARK
	      " ct direction original counter accept comment \"flow\"\n",
	      exporter->out);
	print_rules(exporter, DIRECTION_OUT, SENSE_FORWARDS);
	if (policy->mode[DIRECTION_OUT] != MODE_ENFORCE)
		fputs("\t\tct state new ct mark set " OWN_FLOW_MARK "\n", exporter->out);
	print_rest(exporter, DIRECTION_OUT);
}

static void print_forward(struct exporter *exporter)
{
	if (exporter->policy->forwarding == FORWARDING_PASS)
		return;
	fputs("\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n"
	      "\t\tcounter comment \"transit\"\n\t}\n",
	      exporter->out);
}

/* What nftables has no words for is let in, and that must be known. */
static void print_left_out(struct exporter *exporter)
{
	const char *rules = "";

	for (size_t i = 0; i < exporter->policy->rule_count; i++) {
		const struct rule *rule = &exporter->policy->rules[i];

		if (rule->options & (RULE_LIVE | RULE_SHAPE_RTP))
			rules = arena_printf(exporter->arena, "%s%s%s", rules, *rules ? ", " : "",
					     rule->id);
	}
	if (*rules)
		fprintf(exporter->out,
			"# nftables knows neither live nor shape: these rules let in more here: "
			"%s.\n",
			rules);
}

void export_nft(const struct host_policy *policy, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct exporter exporter = {.policy = policy, .out = out, .arena = arena};

	fprintf(out,
		"#!/usr/sbin/nft -f\n"
		"# Site %s, host %s: mode in %s, out %s. Written by \"sallyport export nft\".\n"
		"# Connections that this host opens are told by their conntrack "
		"mark, " OWN_FLOW_MARK ".\n",
		policy->site, policy->host ? policy->host : "without a name",
		mode_name(policy->mode[DIRECTION_IN]), mode_name(policy->mode[DIRECTION_OUT]));
	print_left_out(&exporter);
	fputs("\ntable inet sallyport\n"
	      "delete table inet sallyport\n\n"
	      "table inet sallyport {\n",
	      out);
	number_sets(&exporter);
	for (size_t i = 0; i < exporter.sets.count; i++) {
		print_set(&exporter, i, 4);
		print_set(&exporter, i, 6);
	}
	print_limit_sets(&exporter);
	if (policy->mode[DIRECTION_IN] != MODE_OFF)
		print_input(&exporter);
	if (policy->mode[DIRECTION_OUT] != MODE_OFF || policy->mode[DIRECTION_IN] != MODE_OFF)
		print_output(&exporter);
	print_forward(&exporter);
	fputs("}\n", out);
}
