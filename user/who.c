/* SPDX-License-Identifier: BSD-2-Clause */
#include "who.h"

#include "binding.h"

/* A question, and the answers so far. */
struct asker {
	struct arena *arena;
	const struct policy *policy;
	const struct party *party; /* NULL: all that there is */
	bool to;
	const struct service_list *wanted; /* NULL: all */
	answer_list answers;
};

static void add_answer(struct asker *asker, const struct answer *answer)
{
	struct answer kept = *answer;

	if (asker->wanted) {
		kept.services = (struct service_list){0};
		service_list_intersect(asker->arena, &answer->services, asker->wanted,
				       &kept.services);
	}
	if (kept.sources.count && kept.destinations.count && kept.services.count)
		*arena_push(asker->arena, &asker->answers) = kept;
}

/* Nobody opens to himself, also where an end is named by his address. */
static bool is_only_party(struct asker *asker, const struct prefix_list *addresses)
{
	struct prefix_list others = {0};

	if (asker->party->binding)
		return false;
	list_for_each (prefix, addresses)
		prefix_list_add(asker->arena, &others, prefix);
	prefix_list_subtract(asker->arena, &others, &asker->party->own);
	return !others.count;
}

/* ------------------------------------------------------------ flows -----------------------------
 */

static void add_reach(struct asker *asker, const struct reach *reach)
{
	const struct pairing *pairing = reach->pairing;
	struct answer answer = {.reach = reach, .rule = pairing->id, .services = reach->services};

	if (!reach->from || !reach->to)
		return;
	answer.sources = *reach->from->addresses;
	answer.destinations = *reach->to->addresses;
	if (asker->party &&
	    is_only_party(asker, asker->to ? &answer.sources : &answer.destinations))
		return;
	if (asker->party && asker->to)
		answer.destinations = party_at(asker->arena, asker->party, pairing->to, reach->to);
	if (asker->party && !asker->to)
		answer.sources = party_at(asker->arena, asker->party, pairing->from, reach->from);
	add_answer(asker, &answer);
}

/* ------------------------------------------------------------ management ------------------------
 */

/* Of whom management lets in, what is the party's: as it is, or as others see it. */
static struct prefix_list managers(struct asker *asker, const struct site_management *management)
{
	const struct party *party = asker->party;
	struct arena *arena = asker->arena;
	const struct end *end =
		end_of_addresses(arena, asker->policy, &management->from, "management");
	struct prefix_list from = {0}, both = {0}, rest = {0};

	if (!end->member_count)
		return from;
	if (!party || asker->to)
		return *end->members[0].addresses;
	list_for_each (prefix, &party->own)
		prefix_list_add(arena, &both, prefix);
	list_for_each (prefix, &party->within)
		prefix_list_add(arena, &both, prefix);
	list_for_each (prefix, &party->seen)
		prefix_list_add(arena, &both, prefix);
	list_for_each (prefix, &both)
		prefix_list_add(arena, &rest, prefix);
	list_for_each (prefix, end->members[0].addresses)
		prefix_list_add(arena, &from, prefix);
	list_for_each (prefix, end->members[0].seen)
		prefix_list_add(arena, &from, prefix);
	prefix_list_subtract(arena, &rest, &from);
	prefix_list_subtract(arena, &both, &rest);
	return both;
}

/* One more host that this management reaches; hosts where it is the same share an answer. */
static void add_managed(struct asker *asker, answer_list *managed, struct answer answer,
			const struct prefix_list *addresses)
{
	struct answer *same = NULL;

	list_for_each (other, managed) {
		if (service_list_equal(&other->services, &answer.services))
			same = other;
	}
	if (!same) {
		same = arena_push(asker->arena, managed);
		*same = answer;
	}
	list_for_each (prefix, addresses)
		prefix_list_add(asker->arena, &same->destinations, prefix);
	prefix_list_normalize(&same->destinations);
}

/* Management reaches every host of the site, with that host's parameters. */
static void add_management(struct asker *asker, size_t index)
{
	const struct policy *policy = asker->policy;
	const struct site_management *management = &policy->site->management.items[index];
	struct answer answer = {
		.rule = arena_printf(asker->arena, "management/%zu", index + 1),
		.sources = managers(asker, management),
	};
	answer_list managed = {0};

	if (asker->party && asker->to && is_only_party(asker, &answer.sources))
		return;
	for (size_t i = 0; i < policy->site->hosts.count; i++) {
		const struct site_host *host = &policy->site->hosts.items[i];
		struct scope scope = {asker->arena, policy, NULL, host};
		struct prefix_list addresses = policy->host_addresses[i];
		struct lack lack;

		if (asker->party && party_plays(asker->party, host) != asker->to)
			continue;
		if (asker->party && asker->to)
			addresses = party_of_host(asker->arena, asker->party, &addresses);
		answer.services = (struct service_list){0};
		/* policy_read saw to it that management needs no parameter without a value. */
		if (scope_services(&scope, &management->allow, &answer.services, &lack))
			add_managed(asker, &managed, answer, &addresses);
	}
	list_for_each (one, &managed)
		add_answer(asker, one);
}

/* ------------------------------------------------------------ questions -------------------------
 */

static void ask(struct asker *asker, const reach_list *reaches, answer_list *ret_answers)
{
	for (size_t i = 0; i < asker->policy->site->management.count; i++)
		add_management(asker, i);
	list_for_each (reach, reaches)
		add_reach(asker, reach);
	*ret_answers = asker->answers;
}

void who_answer(struct arena *arena, const struct policy *policy, const reach_list *reaches,
		const struct party *party, bool to, const struct service_list *wanted,
		answer_list *ret_answers)
{
	struct asker asker = {arena, policy, party, to, wanted, {0}};

	ask(&asker, reaches, ret_answers);
}

void who_all(struct arena *arena, const struct policy *policy, const reach_list *reaches,
	     answer_list *ret_answers)
{
	struct asker asker = {.arena = arena, .policy = policy};

	ask(&asker, reaches, ret_answers);
}
