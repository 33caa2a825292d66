/* SPDX-License-Identifier: BSD-2-Clause */
#include "party.h"

#include <string.h>

#include "binding.h"
#include "reference.h"

/* ------------------------------------------------------------ names -----------------------------
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

/* ------------------------------------------------------------ addresses -------------------------
 */

static void add_all(struct arena *arena, struct prefix_list *list, const struct prefix_list *more)
{
	list_for_each (prefix, more)
		prefix_list_add(arena, list, prefix);
	prefix_list_normalize(list);
}

/* Of first those that second has too. */
static struct prefix_list common(struct arena *arena, const struct prefix_list *first,
				 const struct prefix_list *second)
{
	struct prefix_list rest = {0}, both = {0};

	add_all(arena, &rest, first);
	add_all(arena, &both, first);
	prefix_list_subtract(arena, &rest, second);
	prefix_list_subtract(arena, &both, &rest);
	return both;
}

static void add_host(struct arena *arena, const struct policy *policy, struct party *party,
		     const struct site_host *host)
{
	size_t index = (size_t)(host - policy->site->hosts.items);
	struct prefix_list floating;

	if (party_plays(party, host))
		return;
	*arena_push(arena, &party->hosts) = host;
	policy_addresses(arena, policy, host_floating(policy->site, host), &floating);
	add_all(arena, &party->own, &policy->host_addresses[index]);
	add_all(arena, &party->own, &floating);
	add_all(arena, &party->seen, &policy->host_seen[index]);
}

/* A role is its hosts and what it is bound to; only what is named one by one is a host's own. */
static void add_role(struct arena *arena, const struct policy *policy, struct party *party)
{
	for (size_t i = 0; i < party->binding->member_count; i++) {
		const struct member *member = &party->binding->members[i];

		if (member->host) {
			add_host(arena, policy, party, member->host);
			continue;
		}
		add_all(arena, &party->own, &member->single);
		add_all(arena, &party->within, &member->addresses);
	}
	prefix_list_subtract(arena, &party->within, &party->own);
}

static bool names_address(const struct binding *binding, const struct address *address)
{
	for (size_t i = 0; i < binding->member_count; i++) {
		if (!binding->members[i].host &&
		    prefix_list_contains(&binding->members[i].single, address))
			return true;
	}
	return false;
}

/* The address is that of a host of the site, of one that "bind" names by it, or of nobody. */
static void add_address(struct arena *arena, const struct policy *policy, struct party *party)
{
	const struct prefix single = prefix_of_address(&party->address);
	bool named = false;

	list_for_each (host, &policy->site->hosts) {
		struct party other = {0};

		add_host(arena, policy, &other, host);
		if (prefix_list_contains(&other.own, &party->address) ||
		    prefix_list_contains(&other.seen, &party->address))
			*arena_push(arena, &party->hosts) = host;
	}
	for (size_t i = 0; i < policy->binding_count; i++)
		named |= names_address(&policy->bindings[i], &party->address);
	prefix_list_add(arena, party->hosts.count || named ? &party->own : &party->within, &single);
	if (party->hosts.count)
		prefix_list_add(arena, &party->seen, &single);
}

/* ------------------------------------------------------------ parties ---------------------------
 */

bool party_find(struct arena *arena, const struct policy *policy, const char *name,
		struct party *ret_party, const char **ret_hint)
{
	struct party party = {.name = name};
	size_t roles = policy_find_role(policy, name, &party.binding);

	if (roles > 1) {
		*ret_hint = several(arena, policy, name);
		return false;
	}
	if (roles) {
		add_role(arena, policy, &party);
	} else if ((party.host = site_find_host(policy->site, name))) {
		add_host(arena, policy, &party, party.host);
	} else if (address_parse(name, &party.address)) {
		party.is_address = true;
		add_address(arena, policy, &party);
	} else {
		*ret_hint = hint(arena, policy, name);
		return false;
	}
	*ret_party = party;
	return true;
}

bool party_plays(const struct party *party, const struct site_host *host)
{
	list_for_each (own, &party->hosts) {
		if (*own == host)
			return true;
	}
	return false;
}

struct prefix_list party_of_host(struct arena *arena, const struct party *party,
				 const struct prefix_list *addresses)
{
	return party->is_address ? common(arena, addresses, &party->own) : *addresses;
}

struct prefix_list party_at(struct arena *arena, const struct party *party, const struct end *end,
			    const struct end_member *member)
{
	struct prefix_list list = {0};

	if (party->binding && end->binding)
		return party->binding == end->binding ? *member->addresses : list;
	if (member->host) {
		if (!party_plays(party, member->host))
			return list;
		list = party_of_host(arena, party, member->addresses);
		if (!list.count && member->seen)
			list = party_of_host(arena, party, member->seen);
		return list;
	}
	/* As identity_local() has it: a prefix that happens to cover a host gives it no role. */
	if (member->single)
		list = common(arena, &party->own, member->single);
	if (party->within.count) {
		struct prefix_list covered = common(arena, &party->within, member->addresses);

		add_all(arena, &list, &covered);
	}
	return list;
}
