/* SPDX-License-Identifier: BSD-2-Clause */
#include "who.h"

#include <string.h>

#include "binding.h"
#include "reference.h"

/* ------------------------------------------------------------ parties ---------------------------
 */

static const char *hint(struct arena *arena, const struct policy *policy, const char *name)
{
	word_list names = {0};

	for (size_t i = 0; i < policy->binding_count; i++) {
		*arena_push(arena, &names) = (struct word){.text = policy->bindings[i].id};
		list_for_each (printed, &policy->bindings[i].role->names)
			*arena_push(arena, &names) = *printed;
	}
	list_for_each (host, &policy->site->hosts)
		*arena_push(arena, &names) = host->name;
	return did_you_mean(arena, name, &names);
}

static const char *several(struct arena *arena, const struct policy *policy, const char *name)
{
	const char *folded = name_fold(arena, name);
	const char *text = "";

	for (size_t i = 0; i < policy->binding_count; i++) {
		list_for_each (printed, &policy->bindings[i].role->names) {
			if (strcmp(name_fold(arena, printed->text), folded) != 0)
				continue;
			text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "",
					    policy->bindings[i].id);
			break;
		}
	}
	return arena_printf(arena, ": several roles have it: %s", text);
}

bool party_find(struct arena *arena, const struct policy *policy, const char *name,
		struct party *ret_party, const char **ret_hint)
{
	struct party party = {.name = name};
	size_t roles = policy_find_role(policy, name, &party.binding);

	if (roles > 1) {
		*ret_hint = several(arena, policy, name);
		return false;
	}
	if (!roles) {
		party.binding = NULL;
		party.host = site_find_host(policy->site, name);
		party.is_address = !party.host && address_parse(name, &party.address);
	}
	if (!roles && !party.host && !party.is_address) {
		*ret_hint = hint(arena, policy, name);
		return false;
	}
	*ret_party = party;
	return true;
}

/* What of the addresses is the party's. */
static struct prefix_list addresses_of_party(struct arena *arena, const struct party *party,
					     const struct prefix_list *addresses)
{
	struct prefix_list list = {0};
	struct prefix single;

	if (!party->is_address)
		return *addresses;
	if (prefix_list_contains(addresses, &party->address)) {
		single = prefix_of_address(&party->address);
		prefix_list_add(arena, &list, &single);
	}
	return list;
}

/* Is this end of a reach the party, or does it hold it? */
static struct prefix_list party_at(struct arena *arena, const struct party *party,
				   const struct end *end, const struct end_member *member)
{
	static const struct prefix_list none;

	if (!member || (party->binding && party->binding != end->binding) ||
	    (party->host && party->host != member->host))
		return none;
	if (party->is_address && member->seen &&
	    !prefix_list_contains(member->addresses, &party->address))
		return addresses_of_party(arena, party, member->seen);
	return addresses_of_party(arena, party, member->addresses);
}

/* ------------------------------------------------------------ answers ---------------------------
 */

static bool keep_services(struct arena *arena, const struct service_list *services,
			  const struct service_list *wanted, struct service_list *kept)
{
	if (!wanted)
		*kept = *services;
	else
		service_list_intersect(arena, services, wanted, kept);
	return kept->count > 0;
}

static void add_reach(struct arena *arena, const struct reach *reach, const struct party *party,
		      bool to, const struct service_list *wanted, answer_list *answers)
{
	const struct pairing *pairing = reach->pairing;
	struct answer answer = {.reach = reach, .rule = pairing->id};

	if (!reach->from || !reach->to)
		return;
	answer.sources =
		to ? *reach->from->addresses : party_at(arena, party, pairing->from, reach->from);
	answer.destinations =
		to ? party_at(arena, party, pairing->to, reach->to) : *reach->to->addresses;
	if (answer.sources.count && answer.destinations.count &&
	    keep_services(arena, &reach->services, wanted, &answer.services))
		*arena_push(arena, answers) = answer;
}

/* The addresses of hosts of the site that are the party's: whom management reaches. */
static struct prefix_list managed(struct arena *arena, const struct policy *policy,
				  const struct party *party)
{
	struct prefix_list list = {0};

	for (size_t i = 0; i < policy->site->hosts.count; i++) {
		const struct site_host *host = &policy->site->hosts.items[i];
		struct prefix_list own;
		bool plays = party->host == host || party->is_address;

		for (size_t j = 0; party->binding && j < party->binding->member_count; j++)
			plays |= party->binding->members[j].host == host;
		if (!plays)
			continue;
		own = addresses_of_party(arena, party, &policy->host_addresses[i]);
		list_for_each (prefix, &own)
			prefix_list_add(arena, &list, prefix);
	}
	prefix_list_normalize(&list);
	return list;
}

static void all_hosts(struct arena *arena, const struct policy *policy, struct prefix_list *list)
{
	for (size_t i = 0; i < policy->site->hosts.count; i++) {
		list_for_each (prefix, &policy->host_addresses[i])
			prefix_list_add(arena, list, prefix);
	}
	prefix_list_normalize(list);
}

/* Is the party among those whom management lets in? A role or host with one of its addresses is. */
static struct prefix_list managers(struct arena *arena, const struct policy *policy,
				   const struct party *party, const struct prefix_list *from)
{
	struct prefix_list own = {0}, rest = {0};

	if (party->is_address)
		return addresses_of_party(arena, party, from);
	for (size_t i = 0; party->host && i < policy->site->hosts.count; i++) {
		if (&policy->site->hosts.items[i] == party->host)
			own = policy->host_addresses[i];
	}
	for (size_t i = 0; party->binding && i < party->binding->member_count; i++) {
		list_for_each (prefix, &party->binding->members[i].addresses)
			prefix_list_add(arena, &own, prefix);
	}
	list_for_each (prefix, &own)
		prefix_list_add(arena, &rest, prefix);
	prefix_list_subtract(arena, &rest, from);
	own = (struct prefix_list){.items = own.items, .count = own.count};
	prefix_list_subtract(arena, &own, &rest);
	return own;
}

/* From whom, and on which services. */
static void read_management(struct arena *arena, const struct policy *policy, size_t number,
			    struct answer *answer)
{
	const struct site_management *management = &policy->site->management.items[number];
	struct scope scope = {arena, policy, NULL, NULL};
	struct lack lack;

	answer->rule = arena_printf(arena, "management/%zu", number + 1);
	policy_addresses(arena, policy, &management->from, &answer->sources);
	/* policy_read saw to it that management needs no parameter without a value. */
	scope_services(&scope, &management->allow, &answer->services, &lack);
}

static void add_management(struct arena *arena, const struct policy *policy, size_t number,
			   const struct party *party, bool to, const struct service_list *wanted,
			   answer_list *answers)
{
	struct service_list services;
	struct answer answer = {0};

	read_management(arena, policy, number, &answer);
	services = answer.services;
	answer.services = (struct service_list){0};
	if (to) {
		answer.destinations = managed(arena, policy, party);
	} else {
		answer.sources = managers(arena, policy, party, &answer.sources);
		all_hosts(arena, policy, &answer.destinations);
	}
	if (answer.sources.count && answer.destinations.count &&
	    keep_services(arena, &services, wanted, &answer.services))
		*arena_push(arena, answers) = answer;
}

void who_answer(struct arena *arena, const struct policy *policy, const reach_list *reaches,
		const struct party *party, bool to, const struct service_list *wanted,
		answer_list *ret_answers)
{
	answer_list answers = {0};

	for (size_t i = 0; i < policy->site->management.count; i++)
		add_management(arena, policy, i, party, to, wanted, &answers);
	list_for_each (reach, reaches)
		add_reach(arena, reach, party, to, wanted, &answers);
	*ret_answers = answers;
}

void who_all(struct arena *arena, const struct policy *policy, const reach_list *reaches,
	     answer_list *ret_answers)
{
	answer_list answers = {0};

	for (size_t i = 0; i < policy->site->management.count; i++) {
		struct answer answer = {0};

		read_management(arena, policy, i, &answer);
		all_hosts(arena, policy, &answer.destinations);
		if (answer.sources.count && answer.destinations.count && answer.services.count)
			*arena_push(arena, &answers) = answer;
	}
	list_for_each (reach, reaches) {
		if (!reach->from || !reach->to || reach->missing)
			continue;
		*arena_push(arena, &answers) = (struct answer){
			.reach = reach,
			.rule = reach->pairing->id,
			.sources = *reach->from->addresses,
			.destinations = *reach->to->addresses,
			.services = reach->services,
		};
	}
	*ret_answers = answers;
}
