/* SPDX-License-Identifier: BSD-2-Clause */
#include "reach.h"

#include <string.h>

#include "binding.h"
#include "rules.h"

/* Of a list of addresses, so many stand in a box or beneath a table. */
#define BRIEF_ADDRESSES 2u

/* The first address of the family, and whether it is the only one: NULL if there is none. */
static const struct prefix *first_of(const struct prefix_list *list, uint8_t family, bool *ret_only)
{
	/* Lists are sorted, IPv4 first. */
	size_t first = family == 4 ? 0 : list->count - 1;
	size_t next = family == 4 ? 1 : list->count - 2;

	if (!list->count || list->items[first].address.family != family)
		return NULL;
	*ret_only = list->count == 1 || list->items[next].address.family != family;
	return &list->items[first];
}

/* Whether a packet of some family can lead from one to the other; not from an address to itself. */
static bool can_meet(const struct prefix_list *from, const struct prefix_list *to)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		bool only_from, only_to;
		const struct prefix *source = first_of(from, family, &only_from);
		const struct prefix *target = first_of(to, family, &only_to);

		if (source && target &&
		    (!only_from || !only_to || !prefix_is_single(source) ||
		     prefix_compare(source, target) != 0))
			return true;
	}
	return false;
}

static bool members_join(const struct pairing *pairing, const struct end_member *from,
			 const struct end_member *to)
{
	if (!from || !to)
		return true;
	if (from->host && from->host == to->host)
		return false;
	return pairing_joins(pairing, from->host, to->host) &&
	       can_meet(from->addresses, to->addresses);
}

/* False: there is nothing to reach by this pairing between these two. */
static bool read_reach(struct arena *arena, const struct policy *policy, struct reach *reach)
{
	const struct site_host *from = reach->from ? reach->from->host : NULL;
	const struct site_host *to = reach->to ? reach->to->host : NULL;
	struct lack lack = {0};

	if (!members_join(reach->pairing, reach->from, reach->to))
		return false;
	if (pairing_services(arena, policy, reach->pairing, to, &reach->services, &lack) &&
	    pairing_source_ports(arena, policy, reach->pairing, from, &reach->source_ports, &lack))
		return reach->services.count && reach->source_ports.count;
	reach->services = (struct service_list){0};
	reach->missing =
		arena_printf(arena, "%s/%s", lack.instance->name, lack.parameter->name.text);
	return true;
}

/* Those who play the end; one without a name where nobody does. */
static size_t player_count(const struct end *end)
{
	return end->member_count ? end->member_count : 1;
}

static const struct end_member *player_at(const struct end *end, size_t index)
{
	return end->member_count ? &end->members[index] : NULL;
}

static void add_reaches(struct arena *arena, const struct policy *policy,
			const struct pairing *pairing, reach_list *reaches)
{
	for (size_t i = 0; i < player_count(pairing->from); i++) {
		for (size_t j = 0; j < player_count(pairing->to); j++) {
			struct reach reach = {
				.pairing = pairing,
				.from = player_at(pairing->from, i),
				.to = player_at(pairing->to, j),
			};

			if (read_reach(arena, policy, &reach))
				*arena_push(arena, reaches) = reach;
		}
	}
}

/* To addresses, or to names, which nobody follows yet: those are still where the site is open to.
 */
static bool is_bound(const struct end *end)
{
	return end->member_count || (end->binding && end->binding->domains.count);
}

void reach_find(struct arena *arena, const struct policy *policy, bool unbound,
		reach_list *ret_reaches)
{
	reach_list reaches = {0};

	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		if (unbound || (is_bound(pairing->from) && is_bound(pairing->to)))
			add_reaches(arena, policy, pairing, &reaches);
	}
	*ret_reaches = reaches;
}

static struct reach_pair *find_pair(struct arena *arena, reach_pair_list *pairs,
				    const struct reach *reach)
{
	struct reach_pair *pair;

	list_for_each (other, pairs) {
		if (strcmp(other->from->name, reach->pairing->from->name) == 0 &&
		    strcmp(other->to->name, reach->pairing->to->name) == 0)
			return other;
	}
	pair = arena_push(arena, pairs);
	pair->from = reach->pairing->from;
	pair->to = reach->pairing->to;
	return pair;
}

void reach_pairs(struct arena *arena, const reach_list *reaches, reach_pair_list *ret_pairs)
{
	reach_pair_list pairs = {0};

	list_for_each (reach, reaches) {
		struct reach_pair *pair = find_pair(arena, &pairs, reach);

		list_for_each (service, &reach->services)
			service_list_add(arena, &pair->services, service->protocol,
					 &service->ports);
		if (reach->missing)
			pair->missing = reach->missing;
		/* Reaches come pairing by pairing, so the last one is the only one to compare. */
		if (!pair->pairings.count ||
		    pair->pairings.items[pair->pairings.count - 1] != reach->pairing)
			*arena_push(arena, &pair->pairings) = reach->pairing;
	}
	*ret_pairs = pairs;
}

void reach_pair_lines(struct arena *arena, const struct reach_pair *pair, text_lines *lines)
{
	char *text, *next;

	if (pair->missing)
		*arena_push(arena, lines) = arena_printf(arena, "$%s", pair->missing);
	if (!pair->services.count)
		return;
	/* It puts ", " between services, and none within one but between ports. */
	for (text = service_list_format(arena, &pair->services); text; text = next) {
		next = strstr(text, ", ");
		if (next) {
			*next = '\0';
			next += 2;
		}
		*arena_push(arena, lines) = text;
	}
}

json_t *reach_pair_json(struct arena *arena, const struct reach_pair *pair)
{
	json_t *services = json_array(), *rules = json_array(), *cites = json_array();
	text_lines lines = {0};

	reach_pair_lines(arena, pair, &lines);
	list_for_each (line, &lines)
		json_array_append_new(services, json_string(*line));
	list_for_each (pairing, &pair->pairings) {
		json_array_append_new(rules, json_string((*pairing)->id));
		json_array_append_new(cites, json_string(pairing_cite(arena, *pairing)));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?}", "from", pair->from->name, "to",
			 pair->to->name, "services", services, "rules", rules, "cites", cites,
			 "missing", pair->missing);
}

const char *addresses_brief(struct arena *arena, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	if (addresses_are_any(list))
		return "any address";
	for (size_t i = 0; i < list->count && i < BRIEF_ADDRESSES; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? ", " : "",
				    prefix_format(&list->items[i], buffer));
	if (list->count > BRIEF_ADDRESSES)
		text = arena_printf(arena, "%s and %zu more", text, list->count - BRIEF_ADDRESSES);
	return text;
}

void management_lines(struct arena *arena, const struct policy *policy, text_lines *lines)
{
	struct scope scope = {arena, policy, NULL, NULL};

	list_for_each (management, &policy->site->management) {
		struct service_list services = {0};
		struct prefix_list from;
		struct lack lack;

		policy_addresses(arena, policy, &management->from, &from);
		/* policy_read saw to it that management needs no parameter without a value. */
		scope_services(&scope, &management->allow, &services, &lack);
		*arena_push(arena, lines) =
			arena_printf(arena, "%s: %s", addresses_brief(arena, &from),
				     service_list_format(arena, &services));
	}
}

uint32_t services_port_count(const struct service_list *services)
{
	uint32_t count = 0;

	list_for_each (service, services) {
		list_for_each (range, &service->ports)
			count += (uint32_t)range->last - range->first + 1;
	}
	return count;
}

const char *pairing_cite(struct arena *arena, const struct pairing *pairing)
{
	struct rule rule = {0};

	rule_cite(arena, pairing->instance, pairing->flow, &rule);
	return citation_format(arena, &rule);
}
