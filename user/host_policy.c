/* SPDX-License-Identifier: BSD-2-Clause */
#include "host_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "rule_options.h"
#include "words.h"

/* What a person wants to read of a list; --json has all of it. */
#define SHOWN_PREFIXES 6u

/* As the keys of "timeouts" in a site file. */
static const char *const timeout_words[FLOW_STATE_COUNT] = {
	[FLOW_SYN] = "syn",	    [FLOW_TCP] = "tcp", [FLOW_CLOSING] = "closing",
	[FLOW_UDP_NEW] = "udp-new", [FLOW_UDP] = "udp", [FLOW_ICMP] = "icmp",
};

const struct rule *host_policy_rule(const struct host_policy *policy, const char *id,
				    enum direction direction)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->direction == direction && !strcmp(rule->id, id))
			return rule;
	}
	return NULL;
}

/* ------------------------------------------------------------ citations -------------------------
 */

static char *one_citation(struct arena *arena, const struct citation *citation)
{
	char *place =
		arena_printf(arena, "%s%s%s%s%s", citation->section ? citation->section : "",
			     citation->row ? ", row " : "", citation->row ? citation->row : "",
			     citation->footnote ? ", footnote " : "",
			     citation->footnote ? citation->footnote : "");
	const char *document = citation->document ? citation->document : "the site file";

	if (!*place)
		return arena_strdup(arena, document);
	if (!citation->lines)
		return arena_printf(arena, "%s (%s)", place, document);
	return arena_printf(arena, "%s (%s, line%s %s)", place, document,
			    strpbrk(citation->lines, "-,") ? "s" : "", citation->lines);
}

char *citation_format(struct arena *arena, const struct rule *rule)
{
	char *text = arena_strdup(arena, "");

	for (size_t i = 0; i < rule->citation_count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? "; " : "",
				    one_citation(arena, &rule->citations[i]));
	return text;
}

/* ------------------------------------------------------------ for people ------------------------
 */

static void print_addresses(const struct prefix_list *list, FILE *out)
{
	char buffer[ADDRESS_TEXT_MAX];

	if (!list) {
		fputs("every address", out);
		return;
	}
	for (size_t i = 0; i < list->count && i < SHOWN_PREFIXES; i++)
		fprintf(out, "%s%s", i ? ", " : "", prefix_format(&list->items[i], buffer));
	if (list->count > SHOWN_PREFIXES)
		fprintf(out, " and %zu more (--json lists them)", list->count - SHOWN_PREFIXES);
}

/* Is slice what whole has of one family? Echo has such lists, beside those of other services. */
static bool is_slice(const struct prefix_list *slice, const struct prefix_list *whole)
{
	size_t at = 0;

	list_for_each (prefix, whole) {
		if (slice->count && prefix->address.family == slice->items[0].address.family) {
			if (at == slice->count || prefix_compare(prefix, &slice->items[at]))
				return false;
			at++;
		}
	}
	return at == slice->count;
}

static bool is_shown_elsewhere(const struct rule *rule, size_t index)
{
	const struct match *match = &rule->matches[index];

	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *other = &rule->matches[i];

		if (other->local != match->local || i == index)
			continue;
		if (other->remote == match->remote ? i < index
						   : other->remote->count > match->remote->count &&
							     is_slice(match->remote, other->remote))
			return true;
	}
	return false;
}

/* The services between the addresses of one match: those of its fellows count in. */
static const char *pair_services(struct arena *arena, const struct rule *rule,
				 const struct match *match)
{
	struct service_list services = {0};

	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *other = &rule->matches[i];

		if (other->local == match->local &&
		    (other->remote == match->remote || is_slice(other->remote, match->remote)))
			service_list_add(arena, &services, other->protocol,
					 rule->direction == DIRECTION_IN ? &other->local_ports
									 : &other->remote_ports);
	}
	return service_list_format(arena, &services);
}

/* One line for each pair of local and remote addresses; with its services where they differ. */
static void print_pairs(struct arena *arena, const struct rule *rule, FILE *out)
{
	bool in = rule->direction == DIRECTION_IN;

	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];
		const char *services;

		if (is_shown_elsewhere(rule, i))
			continue;
		fputs("      ", out);
		print_addresses(in ? match->remote : match->local, out);
		fputs(" -> ", out);
		print_addresses(in ? match->local : match->remote, out);
		services = pair_services(arena, rule, match);
		if (strcmp(services, rule->services))
			fprintf(out, ": %s", services);
		fputc('\n', out);
	}
}

/* The opener's source ports, where a rule asks for them. */
static void print_source_ports(struct arena *arena, const struct rule *rule, FILE *out)
{
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];
		const struct port_list *ports = rule->direction == DIRECTION_IN
							? &match->remote_ports
							: &match->local_ports;

		if (!protocol_has_ports(match->protocol) || port_list_is_any(ports))
			continue;
		fprintf(out, " from ports %s", port_list_format(arena, ports));
		return;
	}
}

/* The services of which an option is asked. */
static const char *services_with(struct arena *arena, const struct rule *rule, unsigned option)
{
	struct service_list services = {0};

	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];

		if (match->options & option)
			service_list_add(arena, &services, match->protocol, &match->local_ports);
	}
	return service_list_format(arena, &services);
}

/* Those that are asked of the same services on one line, with these where not all are meant. */
static void print_options(struct arena *arena, const struct rule *rule, FILE *out)
{
	unsigned left = rule->options;

	for (unsigned option = RULE_LIVE; option <= RULE_LIMIT; option <<= 1) {
		const char *services = services_with(arena, rule, option);
		unsigned alike = 0;

		if (!(left & option))
			continue;
		for (unsigned other = option; other <= RULE_LIMIT; other <<= 1) {
			if (!strcmp(services, services_with(arena, rule, other)))
				alike |= other & left;
		}
		left &= ~alike;
		fprintf(out, "      %s", rule_options_format(arena, alike, &rule->limit));
		if (strcmp(services, rule->services) != 0)
			fprintf(out, " (%s)", services);
		fputc('\n', out);
	}
}

static void print_rule(const struct rule *rule, FILE *out)
{
	struct arena *arena = arena_new();

	fprintf(out, "  %s\n", rule->id);
	fprintf(out, "      %s -> %s: %s", rule->from, rule->to, rule->services);
	print_source_ports(arena, rule, out);
	fputc('\n', out);
	print_pairs(arena, rule, out);
	print_options(arena, rule, out);
	fprintf(out, "      %s", citation_format(arena, rule));
	if (rule->citation_count && rule->citations[0].reading)
		fprintf(out, ", reading %s", rule->citations[0].reading);
	fputc('\n', out);
	if (rule->is_adjusted)
		fputs("      adjusted by the site: these source ports, fewer than the document's\n",
		      out);
	arena_free(arena);
}

static void print_forbid(const struct forbid *forbid, FILE *out)
{
	const struct rule *rule = &forbid->rule;
	struct arena *arena = arena_new();

	fprintf(out, "  %s, %s\n      %s -> %s: %s\n", rule->id, direction_name(rule->direction),
		rule->from, rule->to, rule->services);
	fprintf(out, "      %s\n", citation_format(arena, rule));
	arena_free(arena);
}

static void print_forbids(const struct host_policy *policy, FILE *out)
{
	if (!policy->forbid_count)
		return;
	fprintf(out, "\nforbidden (no flow may open it): %zu\n", policy->forbid_count);
	for (size_t i = 0; i < policy->forbid_count; i++)
		print_forbid(&policy->forbids[i], out);
}

static void print_rules(const struct host_policy *policy, enum direction direction, FILE *out)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		count += policy->rules[i].direction == direction;
	fprintf(out, "\n%s: %zu rule%s, mode %s\n",
		direction == DIRECTION_IN ? "in (peers open to this host)"
					  : "out (this host opens)",
		count, count == 1 ? "" : "s", mode_name(policy->mode[direction]));
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (policy->rules[i].direction == direction)
			print_rule(&policy->rules[i], out);
	}
}

static void print_all_addresses(const char *label, const struct prefix_list *list, FILE *out)
{
	char buffer[ADDRESS_TEXT_MAX];

	if (!list->count)
		return;
	fprintf(out, "%s", label);
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "%s%s", i ? ", " : " ", prefix_format(&list->items[i], buffer));
	fputc('\n', out);
}

/* What becomes of a packet that no rule allows: by the mode, it may pass all the same. */
static void print_rest(const struct host_policy *policy, FILE *out)
{
	const enum mode *mode = policy->mode;

	if (mode[DIRECTION_IN] == MODE_ENFORCE && mode[DIRECTION_OUT] == MODE_ENFORCE)
		fputs("\nEverything else is dropped.\n", out);
	else if (mode[DIRECTION_IN] == MODE_ENFORCE)
		fputs("\nEverything else that arrives is dropped; what leaves is not.\n", out);
	else
		fputs("\nEverything else passes too: the mode drops nothing.\n", out);
}

/* What is as it is by default goes without saying. */
static void print_link(const struct host_policy *policy, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	const struct link_settings *link = &policy->link;

	if (link->echo_per_second)
		fprintf(out, "pings from anybody: %s\n", echo_format(arena, link));
	if (link->vlan_filter)
		fprintf(out, "VLANs that are judged: %s; all others are dropped\n",
			vlans_format(arena, link));
	if (link->link_control != LINK_CONTROL_DEFAULT)
		fprintf(out, "link protocols that pass: %s\n",
			link_control_format(arena, link->link_control));
	if (link->router_advertisements != LINK_AUTO)
		fprintf(out, "router advertisements pass: %s\n",
			link_choice_name(link->router_advertisements));
	if (policy->multicast_membership)
		fputs("multicast membership: IGMP and MLD pass on the link\n", out);
}

void host_policy_print(const struct host_policy *policy, FILE *out)
{
	char digest[DIGEST_TEXT_BYTES];

	host_policy_digest(policy, digest);
	fprintf(out, "site %s, host %s\n", policy->site,
		policy->host ? policy->host : "without a name");
	fputs("roles:", out);
	for (size_t i = 0; i < policy->role_count; i++)
		fprintf(out, "%s %s", i ? "," : "", policy->roles[i]);
	fprintf(out, "%s\n", policy->role_count ? "" : " none");
	print_all_addresses("addresses:", &policy->own, out);
	print_all_addresses("floating:", &policy->floating, out);
	for (size_t i = 0; i < policy->domain_count; i++)
		fprintf(out, "domain: %s is %s, by name: %s\n", policy->domains[i].role,
			policy->domains[i].domain,
			policy->domains[i].has_addresses
				? "only the addresses that the site gives are enforced"
				: "names are not followed on the wire, and the site gives no "
				  "address");
	print_link(policy, out);
	fprintf(out, "digest: %s\n", digest);
	print_rules(policy, DIRECTION_IN, out);
	print_rules(policy, DIRECTION_OUT, out);
	print_forbids(policy, out);
	print_rest(policy, out);
}

/* ------------------------------------------------------------ JSON ------------------------------
 */

static json_t *prefixes_json(const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	json_t *array;

	if (!list)
		return json_null();
	array = json_array();
	list_for_each (prefix, list)
		json_array_append_new(array, json_string(prefix_format(prefix, buffer)));
	return array;
}

static json_t *ports_json(const struct port_list *list)
{
	json_t *array = json_array();

	list_for_each (range, list)
		json_array_append_new(array, json_pack("[i, i]", range->first, range->last));
	return array;
}

/* Rules share their lists, and so do their JSON values: each list is written out once in memory. */
struct json_cache {
	struct arena *arena;
	LIST(struct cached {
		const struct prefix_list *list;
		json_t *json;
	})
	entries;
};

static json_t *cached_json(struct json_cache *cache, const struct prefix_list *list)
{
	struct cached *entry;

	list_for_each (other, &cache->entries) {
		if (other->list == list)
			return json_incref(other->json);
	}
	entry = arena_push(cache->arena, &cache->entries);
	entry->list = list;
	entry->json = prefixes_json(list);
	return json_incref(entry->json);
}

static json_t *match_json(struct json_cache *cache, const struct match *match)
{
	char buffer[16];

	return json_pack("{s: s, s: o, s: o, s: o, s: o}", "protocol",
			 protocol_name(match->protocol, buffer), "local",
			 cached_json(cache, match->local), "local_ports",
			 ports_json(&match->local_ports), "remote",
			 cached_json(cache, match->remote), "remote_ports",
			 ports_json(&match->remote_ports));
}

static json_t *citations_json(const struct rule *rule)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rule->citation_count; i++) {
		const struct citation *citation = &rule->citations[i];

		json_array_append_new(
			array, json_pack("{s: s?, s: s?, s: s?, s: s?, s: s?, s: s?}", "document",
					 citation->document, "section", citation->section, "row",
					 citation->row, "lines", citation->lines, "footnote",
					 citation->footnote, "reading", citation->reading));
	}
	return array;
}

static json_t *options_json(unsigned set, const struct rule_limit *limit)
{
	json_t *json = json_object();

	if (set & RULE_LIVE)
		json_object_set_new(json, "live", json_true());
	if (set & RULE_SHAPE_RTP)
		json_object_set_new(json, "shape", json_string("rtp"));
	if (set & RULE_LIMIT)
		json_object_set_new(json, "limit",
				    json_pack("{s: I, s: I, s: i, s: i}", "per_second",
					      (json_int_t)limit->per_second, "burst",
					      (json_int_t)limit->burst, "v4", limit->ipv4_bits,
					      "v6", limit->ipv6_bits));
	return json;
}

static json_t *rule_json(struct json_cache *cache, const struct rule *rule)
{
	struct arena *arena = arena_new();
	json_t *matches = json_array();
	json_t *json;

	for (size_t i = 0; i < rule->match_count; i++) {
		json_t *match = match_json(cache, &rule->matches[i]);

		json_object_set_new(match, "options",
				    options_json(rule->matches[i].options, &rule->limit));
		json_array_append_new(matches, match);
	}
	json = json_pack("{s: s, s: s, s: s, s: s, s: s, s: s, s: o, s: b, s: o, s: o}", "id",
			 rule->id, "direction", direction_name(rule->direction), "from", rule->from,
			 "to", rule->to, "services", rule->services, "cite",
			 citation_format(arena, rule), "citations", citations_json(rule),
			 "adjusted", rule->is_adjusted, "options",
			 options_json(rule->options, &rule->limit), "matches", matches);
	arena_free(arena);
	return json;
}

static json_t *forbid_json(struct json_cache *cache, const struct forbid *forbid)
{
	const struct rule *rule = &forbid->rule;
	struct arena *arena = arena_new();
	json_t *pairs = json_array();
	json_t *json;

	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];
		json_t *pair = forbid->any_service
				       ? json_pack("{s: o, s: o}", "local",
						   cached_json(cache, match->local), "remote",
						   cached_json(cache, match->remote))
				       : match_json(cache, match);

		json_array_append_new(pairs, pair);
	}
	json = json_pack("{s: s, s: s, s: s, s: s, s: s, s: s, s: o, s: o}", "id", rule->id,
			 "direction", direction_name(rule->direction), "from", rule->from, "to",
			 rule->to, "services", rule->services, "cite", citation_format(arena, rule),
			 "citations", citations_json(rule), "matches", pairs);
	arena_free(arena);
	return json;
}

static json_t *words_json(const char *const *words, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(words[i]));
	return array;
}

static json_t *domains_json(const struct host_policy *policy)
{
	json_t *array = json_array();

	for (size_t i = 0; i < policy->domain_count; i++)
		json_array_append_new(array, json_pack("{s: s, s: s, s: b}", "role",
						       policy->domains[i].role, "domain",
						       policy->domains[i].domain, "has_addresses",
						       policy->domains[i].has_addresses));
	return array;
}

static json_t *link_json(const struct host_policy *policy)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	const struct link_settings *link = &policy->link;

	return json_pack("{s: {s: I, s: I}, s: s, s: s, s: s, s: b}", "icmp_echo", "per_second",
			 (json_int_t)link->echo_per_second, "burst", (json_int_t)link->echo_burst,
			 "vlan", vlans_format(arena, link), "link_control",
			 link_control_format(arena, link->link_control), "router_advertisements",
			 link_choice_name(link->router_advertisements), "multicast_membership",
			 policy->multicast_membership);
}

static json_t *settings_json(const struct host_policy *policy)
{
	json_t *timeouts = json_object();

	for (size_t i = 0; i < FLOW_STATE_COUNT; i++)
		json_object_set_new(timeouts, timeout_words[i],
				    json_integer(policy->timeout_ms[i]));
	json_object_set_new(timeouts, "fragment", json_integer(policy->fragment_timeout_ms));
	return json_pack("{s: s, s: s, s: b, s: I, s: I, s: I, s: I, s: I, s: I, s: I, s: o, s: o}",
			 "lookup", lookup_name(policy->lookup), "forwarding",
			 forwarding_name(policy->forwarding), "dhcp", policy->dhcp, "cross_check",
			 (json_int_t)policy->cross_check, "adopt_ms", (json_int_t)policy->adopt_ms,
			 "flows", (json_int_t)policy->flows, "fragments",
			 (json_int_t)policy->fragments, "sources", (json_int_t)policy->sources,
			 "icmp_errors_per_second", (json_int_t)policy->icmp_errors_per_second,
			 "flow_share", (json_int_t)policy->flow_share, "link", link_json(policy),
			 "timeouts_ms", timeouts);
}

json_t *host_policy_json(const struct host_policy *policy)
{
	struct json_cache cache = {.arena = arena_new()};
	char digest[DIGEST_TEXT_BYTES];
	json_t *rules = json_array();
	json_t *peers = json_array();
	json_t *forbids = json_array();
	json_t *interfaces;
	json_t *json;

	for (size_t i = 0; i < policy->rule_count; i++)
		json_array_append_new(rules, rule_json(&cache, &policy->rules[i]));
	for (size_t i = 0; i < policy->peer_count; i++)
		json_array_append_new(
			peers, json_pack("{s: s, s: o}", "role", policy->peers[i].role, "addresses",
					 cached_json(&cache, policy->peers[i].addresses)));
	for (size_t i = 0; i < policy->forbid_count; i++)
		json_array_append_new(forbids, forbid_json(&cache, &policy->forbids[i]));
	interfaces = policy->interfaces_auto
			     ? json_string("auto")
			     : words_json(policy->interfaces, policy->interface_count);
	host_policy_digest(policy, digest);
	json = json_pack("{s: s, s: s?, s: s, s: o, s: o, s: o, s: {s: s, s: s}, s: o, s: b, s: o, "
			 "s: o, s: o, s: o}",
			 "site", policy->site, "host", policy->host, "digest", digest, "roles",
			 words_json(policy->roles, policy->role_count), "addresses",
			 prefixes_json(&policy->own), "floating", prefixes_json(&policy->floating),
			 "mode", "in", mode_name(policy->mode[DIRECTION_IN]), "out",
			 mode_name(policy->mode[DIRECTION_OUT]), "interfaces", interfaces,
			 "has_management", policy->has_management, "settings",
			 settings_json(policy), "rules", rules, "peers", peers, "forbids", forbids);
	json_object_set_new(json, "domains", domains_json(policy));
	list_for_each (entry, &cache.entries)
		json_decref(entry->json);
	arena_free(cache.arena);
	return json;
}

/* ------------------------------------------------------------ digest ----------------------------
 */

/* A list that many matches share is digested once, and then by its number. */
struct list_numbers {
	struct arena *arena;
	LIST(const struct prefix_list *) lists;
};

static void digest_prefixes(struct digest *digest, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];

	list_for_each (prefix, list) {
		prefix_format(prefix, buffer);
		digest_add(digest, buffer, strlen(buffer));
		digest_add(digest, " ", 1);
	}
}

static void digest_list(struct digest *digest, struct list_numbers *numbers,
			const struct prefix_list *list)
{
	if (!list) {
		digest_print(digest, " every");
		return;
	}
	for (size_t i = 0; i < numbers->lists.count; i++) {
		/* By content: how the lists are shared in memory decides no verdict. */
		if (numbers->lists.items[i] == list ||
		    prefix_list_equal(numbers->lists.items[i], list)) {
			digest_print(digest, " #%zu", i);
			return;
		}
	}
	*arena_push(numbers->arena, &numbers->lists) = list;
	digest_print(digest, " {");
	digest_prefixes(digest, list);
	digest_print(digest, "}");
}

static void digest_ports(struct digest *digest, const struct port_list *list)
{
	digest_print(digest, " ports");
	list_for_each (range, list)
		digest_print(digest, " %u-%u", range->first, range->last);
}

static void digest_rule(struct digest *digest, struct list_numbers *numbers,
			const struct rule *rule)
{
	const struct rule_limit *limit = &rule->limit;

	digest_print(digest, "rule %s %s\n", rule->id, direction_name(rule->direction));
	if (rule->options & RULE_LIMIT)
		digest_print(digest, "limit %u %u %u %u\n", limit->per_second, limit->burst,
			     limit->ipv4_bits, limit->ipv6_bits);
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];

		digest_print(digest, "match %u local", match->protocol);
		digest_list(digest, numbers, match->local);
		digest_ports(digest, &match->local_ports);
		digest_print(digest, " remote");
		digest_list(digest, numbers, match->remote);
		digest_ports(digest, &match->remote_ports);
		if (match->options)
			digest_print(digest, " options %u", match->options);
		digest_print(digest, "\n");
	}
}

static bool has_limits(const struct host_policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (policy->rules[i].options & RULE_LIMIT)
			return true;
	}
	return false;
}

/* What is as it is by default is not there: it judges as before there was a choice. */
static void digest_link(struct digest *digest, const struct host_policy *policy)
{
	const struct link_settings *link = &policy->link;

	if (link->echo_per_second)
		digest_print(digest, "echo %u %u\n", link->echo_per_second, link->echo_burst);
	if (link->link_control != LINK_CONTROL_DEFAULT)
		digest_print(digest, "link-control %u\n", link->link_control);
	if (policy->multicast_membership)
		digest_print(digest, "multicast-membership\n");
	if (!link->vlan_filter)
		return;
	digest_print(digest, "vlans");
	for (size_t i = 0; i < VLAN_WORDS; i++)
		digest_print(digest, " %" PRIx64, link->vlans[i]);
	digest_print(digest, "\n");
}

void host_policy_digest(const struct host_policy *policy, char *ret_digest)
{
	struct list_numbers numbers = {.arena = arena_new()};
	struct digest digest;

	digest_begin(&digest);
	digest_print(&digest, "own ");
	digest_prefixes(&digest, &policy->own);
	digest_print(&digest, "\nfloating ");
	digest_prefixes(&digest, &policy->floating);
	digest_print(&digest, "\nmode %u %u forwarding %u dhcp %u advertisements %u\n",
		     policy->mode[DIRECTION_IN], policy->mode[DIRECTION_OUT], policy->forwarding,
		     policy->dhcp, policy->router_advertisements);
	digest_link(&digest, policy);
	digest_print(&digest, "bounds %u %u %u %u timeouts", policy->flows, policy->fragments,
		     policy->icmp_errors_per_second, policy->flow_share);
	for (size_t i = 0; i < FLOW_STATE_COUNT; i++)
		digest_print(&digest, " %u", policy->timeout_ms[i]);
	digest_print(&digest, " %u\n", policy->fragment_timeout_ms);
	if (has_limits(policy))
		digest_print(&digest, "sources %u\n", policy->sources);
	for (size_t i = 0; i < policy->rule_count; i++)
		digest_rule(&digest, &numbers, &policy->rules[i]);
	digest_end(&digest, ret_digest);
	arena_free(numbers.arena);
}
