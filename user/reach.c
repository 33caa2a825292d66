/* SPDX-License-Identifier: BSD-2-Clause */
#include "reach.h"

#include <string.h>

/* False: there is nothing to reach by this pairing between these two. */
static bool read_reach(struct arena *arena, const struct policy *policy, struct reach *reach)
{
	const struct site_host *from = reach->from ? reach->from->host : NULL;
	const struct site_host *to = reach->to ? reach->to->host : NULL;
	struct lack lack = {0};

	if ((from && from == to) ||
	    (reach->from && reach->to && !pairing_joins(reach->pairing, from, to)))
		return false;
	if (pairing_services(arena, policy, reach->pairing, to, &reach->services, &lack) &&
	    pairing_source_ports(arena, policy, reach->pairing, from, &reach->source_ports, &lack))
		return reach->services.count && reach->source_ports.count;
	reach->services = (struct service_list){0};
	reach->missing =
		arena_printf(arena, "%s/%s", lack.instance->name, lack.parameter->name.text);
	return true;
}

static void add_reaches(struct arena *arena, const struct policy *policy,
			const struct pairing *pairing, reach_list *reaches)
{
	size_t from_count = pairing->from->member_count, to_count = pairing->to->member_count;

	for (size_t i = 0; i < (from_count ? from_count : 1); i++) {
		for (size_t j = 0; j < (to_count ? to_count : 1); j++) {
			struct reach reach = {
				.pairing = pairing,
				.from = from_count ? &pairing->from->members[i] : NULL,
				.to = to_count ? &pairing->to->members[j] : NULL,
			};

			if (read_reach(arena, policy, &reach))
				*arena_push(arena, reaches) = reach;
		}
	}
}

void reach_find(struct arena *arena, const struct policy *policy, bool unbound,
		reach_list *ret_reaches)
{
	reach_list reaches = {0};

	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		if (unbound || (pairing->from->member_count && pairing->to->member_count))
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

uint32_t services_port_count(const struct service_list *services)
{
	uint32_t count = 0;

	list_for_each (service, services) {
		list_for_each (range, &service->ports)
			count += (uint32_t)range->last - range->first + 1;
	}
	return count;
}
