/* SPDX-License-Identifier: BSD-2-Clause */
#include "binding.h"

#include <string.h>

#include "policy_feeds.h"
#include "reference.h"

const struct site_set *site_find_set(const struct site *site, const char *name)
{
	list_for_each (set, &site->sets) {
		if (!strcmp(set->name.text, name))
			return set;
	}
	return NULL;
}

const struct site_host *site_find_host(const struct site *site, const char *name)
{
	list_for_each (host, &site->hosts) {
		if (!strcmp(host->name.text, name))
			return host;
	}
	return NULL;
}

const address_term_list *host_floating(const struct site *site, const struct site_host *host)
{
	return host && host->settings.has_floating ? &host->settings.floating
						   : &site->settings.floating;
}

bool addresses_are_any(const struct prefix_list *list)
{
	list_for_each (prefix, list) {
		if (!prefix->length)
			return true;
	}
	return false;
}

static void add_list(struct arena *arena, struct prefix_list *list, const struct prefix_list *more)
{
	list_for_each (prefix, more)
		prefix_list_add(arena, list, prefix);
}

/* What a term comes to, where sets and hosts are resolved already; NULL for a name that leads
 * nowhere. seen: as peers see hosts behind NAT. */
static const struct prefix_list *term_addresses(const struct policy *policy,
						const struct address_term *term, bool seen)
{
	static struct prefix families[] = {{.address.family = 4}, {.address.family = 6}};
	static const struct prefix_list any = {.items = families, .count = 2, .capacity = 2};
	const struct site *site = policy->site;
	const struct site_host *host;
	const struct site_set *set;

	switch (term->kind) {
	case ADDRESS_PREFIXES:
		return &term->prefixes;
	case ADDRESS_ANY:
		return &any;
	case ADDRESS_SET:
		set = site_find_set(site, term->name);
		if (!set)
			return NULL;
		return &(seen ? policy->set_seen : policy->set_addresses)[set - site->sets.items];
	case ADDRESS_HOST:
		host = site_find_host(site, term->name);
		if (!host)
			return NULL;
		return &(seen ? policy->host_seen
			      : policy->host_addresses)[host - site->hosts.items];
	case ADDRESS_FEED:
		return policy_feed_addresses(policy, term->feed);
	case ADDRESS_DOMAIN:
		return NULL;
	}
	return NULL;
}

static void add_term(struct arena *arena, const struct policy *policy,
		     const struct address_term *term, bool seen, struct prefix_list *list)
{
	const struct prefix_list *addresses = term_addresses(policy, term, seen);

	if (addresses)
		add_list(arena, list, addresses);
}

void policy_addresses(struct arena *arena, const struct policy *policy,
		      const address_term_list *terms, struct prefix_list *ret_list)
{
	struct prefix_list list = {0};

	list_for_each (term, terms)
		add_term(arena, policy, term, false, &list);
	prefix_list_normalize(&list);
	*ret_list = list;
}

void policy_addresses_seen(struct arena *arena, const struct policy *policy,
			   const address_term_list *terms, struct prefix_list *ret_list)
{
	struct prefix_list list = {0};

	list_for_each (term, terms)
		add_term(arena, policy, term, true, &list);
	prefix_list_normalize(&list);
	*ret_list = list;
}

/* Most sites have no NAT in them, and most sets none of its hosts: those share one list. */
static bool are_seen_as_they_are(const struct policy *policy, const address_term_list *terms)
{
	list_for_each (term, terms) {
		if (term_addresses(policy, term, false) != term_addresses(policy, term, true) &&
		    !prefix_list_equal(term_addresses(policy, term, false),
				       term_addresses(policy, term, true)))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------ sets ------------------------------
 */

struct resolver {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct policy *policy;
	enum {
		SET_NEW,
		SET_BEGUN,
		SET_DONE,
	} *
		progress;
	unsigned depth;
};

static void resolve_set(struct resolver *resolver, const struct site_set *set);

/* Resolves the sets that the terms use. Names that lead nowhere and sets that hold themselves were
 * reported by site_read; here they are nothing. */
static void resolve_terms(struct resolver *resolver, const address_term_list *terms)
{
	const struct site *site = resolver->policy->site;

	list_for_each (term, terms) {
		const struct site_set *set = NULL;

		if (term->kind == ADDRESS_SET)
			set = site_find_set(site, term->name);
		if (!set || resolver->progress[set - site->sets.items] != SET_NEW)
			continue;
		if (resolver->depth == REFERENCE_DEPTH_MAX)
			diagnostics_error(resolver->diagnostics, term->at,
					  "more than %u sets inside each other "
					  "(REFERENCE_DEPTH_MAX): write the addresses here",
					  REFERENCE_DEPTH_MAX);
		else
			resolve_set(resolver, set);
	}
}

static void resolve_set(struct resolver *resolver, const struct site_set *set)
{
	struct policy *policy = resolver->policy;
	size_t index = (size_t)(set - policy->site->sets.items);

	if (resolver->progress[index] != SET_NEW)
		return;
	resolver->progress[index] = SET_BEGUN;
	resolver->depth++;
	resolve_terms(resolver, &set->addresses);
	resolver->depth--;
	resolver->progress[index] = SET_DONE;
	policy_addresses(resolver->arena, policy, &set->addresses, &policy->set_addresses[index]);
	policy->set_seen[index] = policy->set_addresses[index];
	if (!are_seen_as_they_are(policy, &set->addresses))
		policy_addresses_seen(resolver->arena, policy, &set->addresses,
				      &policy->set_seen[index]);
}

static void resolve_all(struct resolver *resolver)
{
	struct policy *policy = resolver->policy;
	const struct site *site = policy->site;

	/* Hosts first: their addresses are single ones, so they need no set, and sets may name
	 * them. */
	for (size_t i = 0; i < site->hosts.count; i++) {
		const struct site_host *host = &site->hosts.items[i];

		policy_addresses(resolver->arena, policy, &host->addresses,
				 &policy->host_addresses[i]);
		policy->host_seen[i] = policy->host_addresses[i];
		if (host->seen_as.count)
			policy_addresses(resolver->arena, policy, &host->seen_as,
					 &policy->host_seen[i]);
	}
	list_for_each (set, &site->sets)
		resolve_set(resolver, set);
}

/* ------------------------------------------------------------ bindings --------------------------
 */

static struct member *add_member(struct arena *arena, struct binding *binding)
{
	struct member *members;

	/* A role has few members, so growing by one is cheap enough: a role of every host of a
	 * large site doubles. */
	if (binding->member_count & (binding->member_count - 1))
		return &binding->members[binding->member_count++];
	members = arena_alloc(arena, (binding->member_count ? binding->member_count * 2 : 1) *
					     sizeof(*members));
	if (binding->member_count)
		memcpy(members, binding->members, binding->member_count * sizeof(*members));
	binding->members = members;
	return &binding->members[binding->member_count++];
}

static struct binding *find_binding(const struct policy *policy, const struct reference *reference)
{
	size_t index = reference->index;

	for (const struct instance *instance = policy->instances; instance != reference->instance;
	     instance++)
		index += instance->catalog ? instance->catalog->roles.count : 0;
	return &policy->bindings[index];
}

static const struct member *find_host_member(const struct binding *binding,
					     const struct site_host *host)
{
	for (size_t i = 0; i < binding->member_count; i++) {
		if (binding->members[i].host == host)
			return &binding->members[i];
	}
	return NULL;
}

static void add_host(struct resolver *resolver, struct binding *binding,
		     const struct site_host *host, struct position at)
{
	const struct policy *policy = resolver->policy;
	const struct site *site = policy->site;
	struct prefix_list floating;
	struct member *member = add_member(resolver->arena, binding);

	member->host = host;
	member->at = at;
	add_list(resolver->arena, &member->addresses,
		 &policy->host_addresses[host - site->hosts.items]);
	policy_addresses(resolver->arena, policy, host_floating(site, host), &floating);
	add_list(resolver->arena, &member->addresses, &floating);
	prefix_list_normalize(&member->addresses);
	member->seen = member->addresses;
	if (!host->seen_as.count)
		return;
	member->seen = (struct prefix_list){0};
	add_list(resolver->arena, &member->seen, &policy->host_seen[host - site->hosts.items]);
	add_list(resolver->arena, &member->seen, &floating);
	prefix_list_normalize(&member->seen);
}

static void bind_hosts(struct resolver *resolver)
{
	list_for_each (host, &resolver->policy->site->hosts) {
		list_for_each (role, &host->roles) {
			struct reference reference;
			struct binding *binding;

			if (!reference_find(resolver->arena, resolver->diagnostics,
					    resolver->policy, REFERENCE_ROLE, role->text, role->at,
					    &reference))
				continue;
			binding = find_binding(resolver->policy, &reference);
			if (!find_host_member(binding, host))
				add_host(resolver, binding, host, role->at);
		}
	}
}

/* Of enum binding_kind: what a list of addresses needs its role to allow. */
static unsigned address_kinds(const struct prefix_list *addresses)
{
	unsigned kinds = 0;

	for (size_t i = 0; addresses && i < addresses->count; i++) {
		const struct prefix *prefix = &addresses->items[i];

		if (!prefix->length)
			kinds |= BIND_ANY;
		else
			kinds |= prefix_is_single(prefix) ? BIND_ADDRESS : BIND_PREFIX;
	}
	return kinds;
}

/* The same of a term. A set is what is in it; sets that hold themselves were reported. */
static unsigned term_kinds(const struct policy *policy, const struct address_term *term,
			   unsigned depth)
{
	const struct site_set *set;
	unsigned kinds = 0;

	switch (term->kind) {
	case ADDRESS_FEED:
		return BIND_FEED;
	case ADDRESS_DOMAIN:
		return BIND_DOMAIN;
	case ADDRESS_SET:
		set = site_find_set(policy->site, term->name);
		if (!set || depth == REFERENCE_DEPTH_MAX)
			return 0;
		list_for_each (inner, &set->addresses)
			kinds |= term_kinds(policy, inner, depth + 1);
		return kinds;
	default:
		return address_kinds(term_addresses(policy, term, false));
	}
}

void policy_domains(struct arena *arena, const struct policy *policy,
		    const address_term_list *terms, word_list *domains)
{
	/* Each set once, so that sets within each other end. */
	LIST(const struct site_set *) seen = {0};
	LIST(const address_term_list *) waiting = {0};

	*arena_push(arena, &waiting) = terms;
	for (size_t i = 0; i < waiting.count; i++) {
		list_for_each (term, waiting.items[i]) {
			const struct site_set *set = NULL;
			bool known = false;

			if (term->kind == ADDRESS_DOMAIN)
				*arena_push(arena, domains) =
					(struct word){.text = term->name, .at = term->at};
			if (term->kind == ADDRESS_SET)
				set = site_find_set(policy->site, term->name);
			list_for_each (other, &seen)
				known |= *other == set;
			if (!set || known)
				continue;
			*arena_push(arena, &seen) = set;
			*arena_push(arena, &waiting) = &set->addresses;
		}
	}
}

static const char *kinds_format(struct arena *arena, unsigned kinds)
{
	static const struct {
		enum binding_kind kind;
		const char *name;
	} names[] = {
		{BIND_ADDRESS, "an address"},	{BIND_PREFIX, "a prefix"}, {BIND_FEED, "a feed"},
		{BIND_DOMAIN, "a domain name"}, {BIND_ANY, "any"},
	};
	const char *text = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (kinds & names[i].kind)
			text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "",
					    names[i].name);
	}
	return text;
}

static void check_kinds(struct resolver *resolver, const struct binding *binding,
			const struct address_term *term)
{
	unsigned kinds = term_kinds(resolver->policy, term, 0);
	unsigned wrong = kinds & ~binding->role->bind;

	if ((wrong & BIND_DOMAIN) && binding->role->refuse_domain) {
		diagnostics_error(resolver->diagnostics, term->at,
				  "`%s` can't be bound to a domain name: %s", binding->id,
				  binding->role->refuse_domain);
		wrong &= ~(unsigned)BIND_DOMAIN;
	}
	if (wrong)
		diagnostics_error(resolver->diagnostics, term->at,
				  "`%s` can't be bound to %s, only to %s", binding->id,
				  kinds_format(resolver->arena, wrong),
				  kinds_format(resolver->arena, binding->role->bind));
}

static void bind_role(struct resolver *resolver, struct binding *binding,
		      const struct site_bind *bind)
{
	struct arena *arena = resolver->arena;
	const struct policy *policy = resolver->policy;
	struct member member = {.at = bind->role.at};
	address_term_list others = {0}; /* than hosts */

	list_for_each (term, &bind->addresses) {
		const struct site_host *host = NULL;

		check_kinds(resolver, binding, term);
		if (term->kind == ADDRESS_HOST)
			host = site_find_host(policy->site, term->name);
		if (host) {
			if (!find_host_member(binding, host))
				add_host(resolver, binding, host, term->at);
			continue;
		}
		*arena_push(arena, &others) = *term;
		if (term->kind == ADDRESS_PREFIXES && term->prefixes.count == 1 &&
		    prefix_is_single(&term->prefixes.items[0]))
			add_list(arena, &member.single, &term->prefixes);
	}
	policy_domains(arena, policy, &bind->addresses, &binding->domains);
	policy_addresses(arena, policy, &others, &member.addresses);
	member.seen = member.addresses;
	if (!are_seen_as_they_are(policy, &others))
		policy_addresses_seen(arena, policy, &others, &member.seen);
	prefix_list_normalize(&member.single);
	member.any = addresses_are_any(&member.addresses);
	if (member.addresses.count)
		*add_member(arena, binding) = member;
}

static void bind_others(struct resolver *resolver)
{
	list_for_each (bind, &resolver->policy->site->bind) {
		struct reference reference;

		if (reference_find(resolver->arena, resolver->diagnostics, resolver->policy,
				   REFERENCE_ROLE, bind->role.text, bind->role.at, &reference))
			bind_role(resolver, find_binding(resolver->policy, &reference), bind);
	}
}

static void make_bindings(struct arena *arena, struct policy *policy)
{
	struct binding *binding;

	for (size_t i = 0; i < policy->instance_count; i++) {
		if (policy->instances[i].catalog)
			policy->binding_count += policy->instances[i].catalog->roles.count;
	}
	policy->bindings = arena_alloc(arena, policy->binding_count * sizeof(*policy->bindings));
	binding = policy->bindings;
	for (size_t i = 0; i < policy->instance_count; i++) {
		const struct instance *instance = &policy->instances[i];

		if (!instance->catalog)
			continue;
		list_for_each (role, &instance->catalog->roles) {
			binding->instance = instance;
			binding->role = role;
			binding->id = arena_printf(arena, "%s/%s", instance->name, role->id.text);
			binding++;
		}
	}
}

/* Who a name stands for is not known when a packet comes: only bindings keep names. */
static void refuse_domains(struct resolver *resolver, const word_list *domains, const char *where)
{
	list_for_each (domain, domains)
		diagnostics_error(resolver->diagnostics, domain->at,
				  "the domain name `%s` can't stand in %s: only a role that a "
				  "document wants by name can be bound to one, in `bind`",
				  domain->text, where);
}

static void check_domains(struct resolver *resolver)
{
	const struct policy *policy = resolver->policy;
	word_list of_management = {0}, of_flows = {0};

	list_for_each (management, &policy->site->management)
		policy_domains(resolver->arena, policy, &management->from, &of_management);
	list_for_each (flow, &policy->site->flows) {
		const word_list *ends[] = {&flow->from, &flow->to};

		for (size_t i = 0; i < 2; i++) {
			list_for_each (word, ends[i]) {
				const struct site_set *set =
					*word->text == '$'
						? site_find_set(policy->site, word->text + 1)
						: NULL;

				if (set)
					policy_domains(resolver->arena, policy, &set->addresses,
						       &of_flows);
			}
		}
	}
	refuse_domains(resolver, &of_management, "`management`");
	refuse_domains(resolver, &of_flows, "a flow of the site");
}

void bindings_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy)
{
	const struct site *site = policy->site;
	struct resolver resolver = {.arena = arena, .diagnostics = diagnostics, .policy = policy};

	policy->host_addresses =
		arena_alloc(arena, site->hosts.count * sizeof(*policy->host_addresses));
	policy->host_seen = arena_alloc(arena, site->hosts.count * sizeof(*policy->host_seen));
	policy->set_addresses =
		arena_alloc(arena, site->sets.count * sizeof(*policy->set_addresses));
	policy->set_seen = arena_alloc(arena, site->sets.count * sizeof(*policy->set_seen));
	resolver.progress = arena_alloc(arena, site->sets.count * sizeof(*resolver.progress));
	resolve_all(&resolver);
	make_bindings(arena, policy);
	bind_hosts(&resolver);
	bind_others(&resolver);
	check_domains(&resolver);
}
