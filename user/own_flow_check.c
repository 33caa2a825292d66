/* SPDX-License-Identifier: BSD-2-Clause */
#include "own_flow_check.h"

#include <string.h>

#include "binding.h"
#include "flow_rule.h"
#include "pairing.h"

#define BROADCAST_LENGTH_MAX 30 /* longer prefixes have no broadcast address: RFC 3021 */

/* Every address that makes a machine the end of a rule: as identity_local() has it. */
static struct prefix_list own_addresses(struct arena *arena, const struct policy *policy)
{
	const struct site *site = policy->site;
	struct prefix_list own = {0};

	list_for_each (host, &site->hosts) {
		struct prefix_list floating;

		policy_addresses(arena, policy, host_floating(site, host), &floating);
		list_for_each (prefix, &policy->host_addresses[host - site->hosts.items])
			prefix_list_add(arena, &own, prefix);
		list_for_each (prefix, &floating)
			prefix_list_add(arena, &own, prefix);
	}
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t j = 0; j < binding->member_count; j++) {
			list_for_each (prefix, &binding->members[j].single)
				prefix_list_add(arena, &own, prefix);
		}
	}
	return own;
}

static bool is_somebodys(const struct prefix_list *own, const struct end *end)
{
	for (size_t i = 0; i < end->member_count; i++) {
		const struct end_member *member = &end->members[i];

		if (end->binding || member->host)
			return true;
		list_for_each (prefix, own) {
			if (prefix_list_contains(member->single, &prefix->address))
				return true;
		}
		/* A group is of whoever joined it. */
		list_for_each (prefix, member->addresses) {
			if (prefix_is_group(prefix))
				return true;
		}
	}
	return false;
}

static bool is_broadcast_of(const struct address *address, const struct prefix *prefix)
{
	if (address->family != 4 || !prefix->length || prefix->length > BROADCAST_LENGTH_MAX ||
	    !prefix_contains(prefix, address))
		return false;
	/* The last one: every bit behind the prefix is set. */
	for (unsigned bit = prefix->length; bit < address_bits(address); bit++) {
		if (!(address->bytes[bit / 8] & (0x80 >> bit % 8)))
			return false;
	}
	return true;
}

/* The prefix of from whose broadcast address it is; NULL: none. */
static const struct prefix *broadcast_of(const struct end *from, const struct address *address)
{
	for (size_t i = 0; i < from->member_count; i++) {
		list_for_each (prefix, from->members[i].addresses) {
			if (is_broadcast_of(address, prefix))
				return prefix;
		}
	}
	return NULL;
}

static void check_broadcast(struct diagnostics *diagnostics, const struct pairing *pairing)
{
	char address[ADDRESS_TEXT_MAX], network[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < pairing->to->member_count; i++) {
		list_for_each (prefix, pairing->to->members[i].addresses) {
			const struct prefix *from = broadcast_of(pairing->from, &prefix->address);

			if (!prefix_is_single(prefix) || !from)
				continue;
			diagnostics_warning(
				diagnostics, pairing->flow->id.at,
				"rule `%s`: %s is the broadcast address of %s and no host's, so no "
				"host lets in what comes to it: hosts that are to hear it need it "
				"under `floating` in `host`",
				pairing->id, prefix_format(prefix, address),
				prefix_format(from, network));
		}
	}
}

void own_flows_check(struct arena *arena, struct diagnostics *diagnostics,
		     const struct policy *policy)
{
	const struct prefix_list own = own_addresses(arena, policy);
	const struct pairing *end = policy->pairings + policy->pairing_count;

	for (const struct pairing *pairing = policy->pairings; pairing < end; pairing++) {
		if (strcmp(pairing->instance->name, "site") != 0 || !pairing_is_bound(pairing) ||
		    is_somebodys(&own, pairing->to))
			continue;
		if (is_somebodys(&own, pairing->from))
			check_broadcast(diagnostics, pairing);
		else
			diagnostics_warning(
				diagnostics, pairing->flow->id.at,
				"rule `%s` (%s -> %s) is no host's: neither end has an address of "
				"a host of this file, or one that `bind` names by itself; name a "
				"host or a role at the end that it is about",
				pairing->id, pairing->from->name, pairing->to->name);
	}
}
