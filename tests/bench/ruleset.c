/* SPDX-License-Identifier: BSD-2-Clause */
#include "ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text that grows; it ends up in the arena. */
struct text {
	char *bytes;
	size_t length;
	FILE *file;
};

static void text_open(struct text *text)
{
	*text = (struct text){0};
	text->file = open_memstream(&text->bytes, &text->length);
	if (!text->file)
		abort();
}

static char *text_close(struct text *text, struct arena *arena)
{
	char *copy;

	fclose(text->file);
	copy = arena_strndup(arena, text->bytes, text->length);
	free(text->bytes);
	return copy;
}

/* ---- nft ---- */

#define NFT_SETS                                                                                   \
	"set s4 { type ipv4_addr . inet_proto . inet_service; flags interval; }\n"                 \
	"set s6 { type ipv6_addr . inet_proto . inet_service; flags interval; }\n"                 \
	"counter dropped { }\n"
#define NFT_RULES                                                                                  \
	"ip saddr . meta l4proto . th dport @s4 accept\n"                                          \
	"ip6 saddr . meta l4proto . th dport @s6 accept\n"                                         \
	"meta protocol { ip, ip6 } counter name dropped drop\n"

char *ruleset_nft_netdev(struct arena *arena, const char *device)
{
	return arena_printf(
		arena,
		"table netdev bench {\n" NFT_SETS "chain ingress {\n"
		"type filter hook ingress device %s priority 0; policy accept;\n" NFT_RULES
		"}\n}\n",
		device);
}

char *ruleset_nft_tracked(struct arena *arena)
{
	return arena_strdup(arena, "table inet bench {\n" NFT_SETS "chain first {\n"
				   "type filter hook prerouting priority -150; policy accept;\n"
				   "ct state established,related accept\n" NFT_RULES "}\n}\n");
}

struct elements {
	struct text texts[2]; /* IPv4, IPv6 */
	size_t counts[2];
	size_t skipped;
	size_t skip;
};

static void add_elements(struct elements *elements, const struct match *match)
{
	char address[ADDRESS_TEXT_MAX], protocol[16];

	for (size_t i = 0; i < match->remote->count; i++) {
		const struct prefix *prefix = &match->remote->items[i];
		const int f = prefix->address.family == 6;

		for (size_t p = 0; p < match->local_ports.count; p++) {
			if (elements->skipped < elements->skip) {
				elements->skipped++;
				continue;
			}
			if (elements->counts[0] + elements->counts[1] == RULESET_CHUNK)
				return;
			fprintf(elements->texts[f].file, "%s%s . %s . %u-%u",
				elements->counts[f]++ ? ",\n" : "", prefix_format(prefix, address),
				protocol_name(match->protocol, protocol),
				match->local_ports.items[p].first,
				match->local_ports.items[p].last);
		}
	}
}

char *ruleset_nft_elements(struct arena *arena, const struct host_policy *policy,
			   const char *table_family, size_t index)
{
	struct elements elements = {.skip = index};
	char *texts[2], *all = NULL;

	for (int f = 0; f < 2; f++)
		text_open(&elements.texts[f]);
	for (size_t i = 0; i < policy->rule_count; i++)
		for (size_t m = 0; m < policy->rules[i].match_count; m++)
			if (policy->rules[i].direction == DIRECTION_IN)
				add_elements(&elements, &policy->rules[i].matches[m]);
	for (int f = 0; f < 2; f++) {
		texts[f] = text_close(&elements.texts[f], arena);
		if (elements.counts[f])
			all = arena_printf(arena, "%sadd element %s bench s%d {\n%s\n}\n",
					   all ? all : "", table_family, f ? 6 : 4, texts[f]);
	}
	return all;
}

/* ---- iptables and ipset ---- */

static size_t count_family(const struct prefix_list *list, uint8_t family)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].address.family == family;
	return count;
}

static void add_ipset(FILE *file, const struct rule *rule, size_t number, uint8_t family)
{
	const struct prefix_list *remote = rule->matches[0].remote;
	const size_t count = count_family(remote, family);
	char address[ADDRESS_TEXT_MAX];

	fprintf(file, "create b%u-%zu hash:net family %s hashsize %zu maxelem %zu\n", family,
		number, family == 4 ? "inet" : "inet6", count + 64, count + 64);
	for (size_t i = 0; i < remote->count; i++)
		if (remote->items[i].address.family == family)
			fprintf(file, "add b%u-%zu %s\n", family, number,
				prefix_format(&remote->items[i], address));
}

char *ruleset_ipset(struct arena *arena, const struct host_policy *policy)
{
	struct text text;

	text_open(&text);
	for (size_t i = 0; i < policy->rule_count; i++)
		for (uint8_t family = 4; family <= 6; family += 2)
			if (policy->rules[i].direction == DIRECTION_IN)
				add_ipset(text.file, &policy->rules[i], i, family);
	return text_close(&text, arena);
}

char *ruleset_iptables(struct arena *arena, const struct host_policy *policy, uint8_t family)
{
	char protocol[16];
	struct text text;

	text_open(&text);
	fputs("*raw\n:PREROUTING ACCEPT [0:0]\n", text.file);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct match *match = &policy->rules[i].matches[0];

		if (policy->rules[i].direction == DIRECTION_IN)
			fprintf(text.file,
				"-A PREROUTING -p %s --dport %u:%u -m set --match-set b%u-%zu src "
				"-j ACCEPT\n",
				protocol_name(match->protocol, protocol),
				match->local_ports.items[0].first, match->local_ports.items[0].last,
				family, i);
	}
	fputs("-A PREROUTING -j DROP\nCOMMIT\n", text.file);
	return text_close(&text, arena);
}
