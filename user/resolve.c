/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve.h"

#include <string.h>

#include "player.h"
#include "rules.h"

static const uint32_t timeouts_ms[FLOW_STATE_COUNT] = TIMEOUT_MS_DEFAULTS;

/* What "host:" of the site or of hosts.H says; the latter is applied last. */
static void apply_settings(const struct host_settings *settings, struct host_policy *host)
{
	if (settings->has_dhcp)
		host->dhcp = settings->dhcp;
	if (settings->has_forwarding)
		host->forwarding = settings->forwarding;
	if (settings->has_adopt)
		host->adopt_ms = settings->adopt_ms;
	if (settings->has_cross_check)
		host->cross_check = settings->cross_check;
	link_settings_merge(&settings->link, &host->link);
	for (size_t i = 0; i < FLOW_STATE_COUNT; i++) {
		if (settings->has_timeout[i])
			host->timeout_ms[i] = settings->timeout_ms[i];
	}
}

static void apply_mode(const struct site_modes *modes, struct host_policy *host)
{
	if (!modes->is_set)
		return;
	host->mode[DIRECTION_IN] = modes->in;
	host->mode[DIRECTION_OUT] = modes->out;
}

static void apply_interfaces(struct arena *arena, const word_list *interfaces, bool automatic,
			     struct host_policy *host)
{
	host->interfaces_auto = automatic;
	host->interface_count = 0;
	host->interfaces = arena_alloc(arena, interfaces->count * sizeof(*host->interfaces));
	list_for_each (interface, interfaces)
		host->interfaces[host->interface_count++] = interface->text;
}

static void apply_site(struct arena *arena, const struct site *site, const struct site_host *named,
		       struct host_policy *host)
{
	host->site = site->name.text;
	host->host = named ? named->name.text : NULL;
	host->lookup = site->lookup;
	host->has_management = site->has_management;
	host->flows = site->bound_flows;
	host->fragments = site->bound_fragments;
	host->sources = site->bound_sources;
	host->flow_share = site->bound_flows / FLOW_PEER_SHARE;
	host->icmp_errors_per_second = ICMP_ERRORS_PER_SECOND;
	host->forwarding = FORWARDING_REFUSE;
	host->cross_check = CROSS_CHECK_DEFAULT;
	host->adopt_ms = ADOPT_MS_DEFAULT;
	host->link = link_settings_default();
	host->fragment_timeout_ms = FRAGMENT_TIMEOUT_MS;
	memcpy(host->timeout_ms, timeouts_ms, sizeof(timeouts_ms));
	apply_settings(&site->settings, host);
	apply_mode(&site->mode, host);
	apply_interfaces(arena, &site->interfaces, site->interfaces_auto || !site->has_interfaces,
			 host);
	if (!named)
		return;
	apply_settings(&named->settings, host);
	apply_mode(&named->mode, host);
	if (named->has_interfaces)
		apply_interfaces(arena, &named->interfaces, named->interfaces_auto, host);
}

static void add_roles(struct arena *arena, const struct policy *policy,
		      const struct identity *identity, struct host_policy *host)
{
	host->roles = arena_alloc(arena, policy->binding_count * sizeof(*host->roles));
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];
		const struct end end = {.binding = binding};

		for (size_t j = 0; j < binding->member_count; j++) {
			const struct member *member = &binding->members[j];
			const struct end_member end_member = {member->host, &member->addresses,
							      &member->single, NULL};

			if (!identity_local(arena, identity, &end, &end_member).count)
				continue;
			host->roles[host->role_count++] = binding->id;
			break;
		}
	}
}

/*
 * A machine has more addresses than the site file means: those of a backup network, of containers.
 * Named are the host's addresses of the file, and of an unnamed host those that its rules stand at.
 */
static void add_named(struct arena *arena, const struct policy *policy,
		      const struct identity *identity, struct host_policy *host)
{
	if (identity->host) {
		const struct prefix_list *addresses =
			&policy->host_addresses[identity->host - policy->site->hosts.items];

		for (size_t i = 0; i < addresses->count; i++)
			prefix_list_add(arena, &host->named, &addresses->items[i]);
		return;
	}
	for (size_t i = 0; i < host->rule_count; i++)
		for (size_t j = 0; j < host->rules[i].match_count; j++) {
			const struct prefix_list *local = host->rules[i].matches[j].local;

			for (size_t k = 0; local && k < local->count; k++)
				prefix_list_add(arena, &host->named, &local->items[k]);
		}
	prefix_list_normalize(&host->named);
}

static bool plays(struct arena *arena, const struct identity *identity, const struct end *end)
{
	for (size_t i = 0; i < end->member_count; i++) {
		if (identity_local(arena, identity, end, &end->members[i]).count)
			return true;
	}
	return false;
}

static void add_domains_of(struct arena *arena, const struct binding *binding,
			   struct host_policy *host)
{
	LIST(struct domain_peer) list = {host->domains, host->domain_count, host->domain_count};

	list_for_each (other, &list) {
		if (!strcmp(other->role, binding->id))
			return;
	}
	list_for_each (domain, &binding->domains)
		*arena_push(arena, &list) =
			(struct domain_peer){binding->id, domain->text, binding->member_count > 0};
	host->domains = list.items;
	host->domain_count = list.count;
}

/* Names of those that this host opens to, or that open to it. */
static void add_domains(struct arena *arena, const struct policy *policy,
			const struct identity *identity, struct host_policy *host)
{
	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];
		const struct end *ends[] = {pairing->from, pairing->to};

		for (size_t j = 0; j < 2; j++) {
			const struct binding *binding = ends[j]->binding;

			if (binding && binding->domains.count &&
			    plays(arena, identity, ends[1 - j]))
				add_domains_of(arena, binding, host);
		}
	}
}

enum resolve_result resolve(struct arena *arena, struct diagnostics *diagnostics,
			    const struct policy *policy, const struct player *player,
			    struct host_policy **ret_host)
{
	struct host_policy *host;
	struct identity identity;
	enum resolve_result result;

	result = identify(arena, diagnostics, policy, player, &identity);
	if (result != RESOLVE_OK)
		return result;
	host = arena_alloc(arena, sizeof(*host));
	apply_site(arena, policy->site, identity.host, host);
	host->own = identity.own;
	host->floating = identity.floating;
	add_roles(arena, policy, &identity, host);
	host->router_advertisements = host->link.router_advertisements == LINK_YES;
	if (rules_make(arena, diagnostics, policy, &identity, host))
		return RESOLVE_POLICY;
	add_named(arena, policy, &identity, host);
	add_domains(arena, policy, &identity, host);
	*ret_host = host;
	return RESOLVE_OK;
}
