/* SPDX-License-Identifier: BSD-2-Clause */
#include "player.h"

#include <string.h>

#include "binding.h"
#include "reference.h"

static const struct prefix_list *addresses_of(const struct policy *policy,
					      const struct site_host *host)
{
	return &policy->host_addresses[host - policy->site->hosts.items];
}

/* Adds each address of the list by itself; false if there would be more than LOCAL_ADDRESSES_MAX.
 */
static bool add_each(struct arena *arena, struct prefix_list *singles,
		     const struct prefix_list *list)
{
	list_for_each (prefix, list) {
		unsigned bits = address_bits(&prefix->address);
		unsigned free_bits = bits - prefix->length;

		if (free_bits > 8 || singles->count + (1u << free_bits) > LOCAL_ADDRESSES_MAX)
			return false;
		for (unsigned i = 0; i < 1u << free_bits; i++) {
			struct prefix single = prefix_of_address(&prefix->address);

			single.address.bytes[bits / 8 - 1] |= (uint8_t)i;
			prefix_list_add(arena, singles, &single);
		}
	}
	return true;
}

/* list is canonical. */
static bool contains(const struct prefix_list *list, const struct address *address)
{
	const struct prefix key = prefix_of_address(address);
	size_t first = 0;
	size_t last = list->count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (prefix_compare(&list->items[middle], &key) <= 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first && prefix_contains(&list->items[first - 1], address);
}

static void add_all(struct arena *arena, struct prefix_list *list, const struct prefix_list *more)
{
	list_for_each (prefix, more)
		prefix_list_add(arena, list, prefix);
}

static enum resolve_result too_many(struct diagnostics *diagnostics, struct position at)
{
	diagnostics_error(diagnostics, at,
			  "this host has more than %u addresses of its own (LOCAL_ADDRESSES_MAX): "
			  "name only those that a role needs",
			  LOCAL_ADDRESSES_MAX);
	return RESOLVE_POLICY;
}

/* own: what the host was found by; what the file says of it is added. */
static enum resolve_result settle(struct arena *arena, struct diagnostics *diagnostics,
				  const struct policy *policy, struct identity *identity,
				  struct prefix_list own, const struct prefix_list *floating)
{
	if (identity->host)
		add_all(arena, &own, addresses_of(policy, identity->host));
	prefix_list_subtract(arena, &own, floating);
	add_all(arena, &identity->local, &own);
	add_all(arena, &identity->local, floating);
	prefix_list_normalize(&identity->local);
	if (add_each(arena, &identity->own, &own) &&
	    add_each(arena, &identity->floating, floating) &&
	    identity->own.count + identity->floating.count <= LOCAL_ADDRESSES_MAX)
		return RESOLVE_OK;
	return too_many(diagnostics, identity->host
					     ? identity->host->name.at
					     : (struct position){.file = policy->site->path});
}

static bool has_one_of(const struct policy *policy, const struct site_host *host,
		       const struct prefix_list *addresses)
{
	list_for_each (prefix, addresses) {
		if (contains(addresses_of(policy, host), &prefix->address))
			return true;
	}
	return false;
}

/* The addresses that "bind" gives a role to by naming them. */
static struct prefix_list bound_addresses(struct arena *arena, const struct policy *policy,
					  const struct prefix_list *addresses)
{
	struct prefix_list bound = {0};

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t j = 0; j < binding->member_count; j++) {
			list_for_each (prefix, addresses) {
				if (contains(&binding->members[j].single, &prefix->address))
					prefix_list_add(arena, &bound, prefix);
			}
		}
	}
	return bound;
}

static const char *addresses_format(struct arena *arena, const struct prefix_list *addresses)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	list_for_each (prefix, addresses)
		text = arena_printf(arena, "%s%s%s", text, *text ? " or " : "",
				    prefix_format(prefix, buffer));
	return text;
}

static enum resolve_result identify_by_address(struct arena *arena, struct diagnostics *diagnostics,
					       const struct policy *policy,
					       const struct player *player,
					       struct identity *identity)
{
	const struct site *site = policy->site;
	struct prefix_list singles = {0};
	struct prefix_list floating = {0};

	if (!add_each(arena, &singles, &player->addresses))
		return too_many(diagnostics, (struct position){.file = site->path});
	list_for_each (host, &site->hosts) {
		if (!has_one_of(policy, host, &singles))
			continue;
		if (identity->host) {
			diagnostics_error(
				diagnostics, host->name.at,
				"host `%s` and host `%s` both have one of %s: say with --host "
				"which is meant",
				identity->host->name.text, host->name.text,
				addresses_format(arena, &singles));
			return RESOLVE_USAGE;
		}
		identity->host = host;
	}
	if (!identity->host && !bound_addresses(arena, policy, &singles).count) {
		diagnostics_error(
			diagnostics, (struct position){.file = site->path},
			"no host in this file has the address %s, and no role in `bind` names it "
			"by itself: add it, or say with --host or --role who is playing",
			singles.count ? addresses_format(arena, &singles) : "(none)");
		return RESOLVE_POLICY;
	}
	/* An unnamed host that was given by one address has that address alone. */
	if (identity->host || player->kind == PLAYER_OWN)
		policy_addresses(arena, policy, host_floating(site, identity->host), &floating);
	return settle(arena, diagnostics, policy, identity, singles, &floating);
}

static enum resolve_result identify_by_name(struct arena *arena, struct diagnostics *diagnostics,
					    const struct policy *policy,
					    const struct player *player, struct identity *identity)
{
	const struct site *site = policy->site;
	struct prefix_list floating;
	word_list names = {0};

	identity->host = site_find_host(site, player->name);
	if (!identity->host) {
		list_for_each (host, &site->hosts)
			*arena_push(arena, &names) = host->name;
		diagnostics_error(diagnostics, (struct position){.file = site->path},
				  "no host `%s` in this file%s", player->name,
				  did_you_mean(arena, player->name, &names));
		return RESOLVE_USAGE;
	}
	policy_addresses(arena, policy, host_floating(site, identity->host), &floating);
	return settle(arena, diagnostics, policy, identity, (struct prefix_list){0}, &floating);
}

/* NULL after an error. */
static const struct binding *find_role(struct arena *arena, struct diagnostics *diagnostics,
				       const struct policy *policy, const char *name)
{
	const struct binding *found = NULL;
	size_t count = policy_find_role(policy, name, &found);
	const char *folded = name_fold(arena, name);
	const char *ids = "";
	word_list names = {0};

	if (count == 1)
		return found;
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		*arena_push(arena, &names) = (struct word){.text = binding->id};
		list_for_each (printed, &binding->role->names) {
			*arena_push(arena, &names) = *printed;
			if (strcmp(name_fold(arena, printed->text), folded))
				continue;
			ids = arena_printf(arena, "%s%s%s", ids, *ids ? ", " : "", binding->id);
			break;
		}
	}
	if (count)
		diagnostics_error(diagnostics, (struct position){.file = policy->site->path},
				  "`%s` is the name of %zu roles: say one of %s", name, count, ids);
	else
		diagnostics_error(diagnostics, (struct position){.file = policy->site->path},
				  "no role of this site is called `%s`%s", name,
				  did_you_mean(arena, name, &names));
	return NULL;
}

static enum resolve_result identify_by_role(struct arena *arena, struct diagnostics *diagnostics,
					    const struct policy *policy,
					    const struct player *player, struct identity *identity)
{
	const struct binding *binding = find_role(arena, diagnostics, policy, player->name);
	struct prefix_list floating = {0};
	struct prefix_list own = {0};
	const char *hosts = "";
	size_t count = 0;

	if (!binding)
		return RESOLVE_USAGE;
	identity->only = binding;
	for (size_t i = 0; i < binding->member_count; i++) {
		const struct member *member = &binding->members[i];

		add_all(arena, &own, &member->single);
		if (!member->host)
			continue;
		identity->stands_for = member->host;
		add_all(arena, &own, addresses_of(policy, member->host));
		hosts = arena_printf(arena, "%s%s%s", hosts, count++ ? ", " : "",
				     member->host->name.text);
	}
	if (count > 1) {
		diagnostics_error(diagnostics, (struct position){.file = policy->site->path},
				  "%zu hosts have the role `%s`: say which with --host (%s)", count,
				  binding->id, hosts);
		return RESOLVE_USAGE;
	}
	if (!own.count) {
		diagnostics_error(
			diagnostics, (struct position){.file = policy->site->path},
			"no host and no single address has the role `%s`: give it to one "
			"under `hosts` or `bind` (a prefix, a set or `any` makes no host)",
			binding->id);
		return RESOLVE_POLICY;
	}
	if (identity->stands_for)
		policy_addresses(arena, policy, host_floating(policy->site, identity->stands_for),
				 &floating);
	return settle(arena, diagnostics, policy, identity, own, &floating);
}

enum resolve_result identify(struct arena *arena, struct diagnostics *diagnostics,
			     const struct policy *policy, const struct player *player,
			     struct identity *ret_identity)
{
	struct identity identity = {0};
	enum resolve_result result = RESOLVE_USAGE;

	switch (player->kind) {
	case PLAYER_OWN:
	case PLAYER_ADDRESS:
		result = identify_by_address(arena, diagnostics, policy, player, &identity);
		break;
	case PLAYER_HOST:
		result = identify_by_name(arena, diagnostics, policy, player, &identity);
		break;
	case PLAYER_ROLE:
		result = identify_by_role(arena, diagnostics, policy, player, &identity);
		break;
	}
	if (result == RESOLVE_OK)
		*ret_identity = identity;
	return result;
}

bool identity_is(const struct identity *identity, const struct end *end,
		 const struct end_member *member)
{
	if (!member->host)
		return false;
	if (identity->only)
		return end->binding == identity->only && member->host == identity->stands_for;
	return member->host == identity->host;
}

struct prefix_list identity_local(struct arena *arena, const struct identity *identity,
				  const struct end *end, const struct end_member *member)
{
	struct prefix_list local = {0};

	if (identity_is(identity, end, member))
		return *member->addresses;
	if (member->host || (identity->only && end->binding && end->binding != identity->only))
		return local;
	list_for_each (prefix, &identity->own) {
		if (contains(member->single, &prefix->address))
			prefix_list_add(arena, &local, prefix);
	}
	list_for_each (prefix, &identity->floating) {
		if (contains(member->single, &prefix->address))
			prefix_list_add(arena, &local, prefix);
	}
	prefix_list_normalize(&local);
	return local;
}
