/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "match.h"
#include "media.h"
#include "precedence.h"
#include "rule_options.h"

/* An address list that many rules share, by the lists that it was made of. */
struct shared {
	const struct prefix_list **parts;
	size_t part_count;
	uint8_t family; /* 0: both */
	struct prefix_list list;
};

struct maker {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
	const struct identity *identity;
	struct prefix_list own; /* never remote */
	LIST(struct shared *) shared;
	LIST(struct rule) rules;
	LIST(struct position) places; /* of rules */
	size_t matches;
	size_t prefixes;
};

/* ------------------------------------------------------------ addresses -------------------------
 */

static struct prefix_list of_family(struct arena *arena, const struct prefix_list *list,
				    uint8_t family)
{
	struct prefix_list some = {0};

	list_for_each (prefix, list) {
		if (!family || prefix->address.family == family)
			prefix_list_add(arena, &some, prefix);
	}
	return some;
}

/*
 * The parts together, less this host's own addresses, of one family or (0) both. A million prefixes
 * in fifty rules are one list.
 */
static const struct prefix_list *share(struct maker *maker, const struct prefix_list *const *parts,
				       size_t part_count, uint8_t family)
{
	struct prefix_list list = {0};
	struct shared *shared;

	list_for_each (other, &maker->shared) {
		if ((*other)->part_count == part_count && (*other)->family == family &&
		    !memcmp((*other)->parts, parts, part_count * sizeof(*parts)))
			return &(*other)->list;
	}
	for (size_t i = 0; i < part_count; i++) {
		list_for_each (prefix, parts[i])
			prefix_list_add(maker->arena, &list, prefix);
	}
	prefix_list_subtract(maker->arena, &list, &maker->own);
	shared = arena_alloc(maker->arena, sizeof(*shared));
	shared->parts = arena_alloc(maker->arena, part_count * sizeof(*shared->parts));
	memcpy(shared->parts, parts, part_count * sizeof(*parts));
	shared->part_count = part_count;
	shared->family = family;
	shared->list = family ? of_family(maker->arena, &list, family) : list;
	*arena_push(maker->arena, &maker->shared) = shared;
	maker->prefixes += shared->list.count;
	return &shared->list;
}

/* ------------------------------------------------------------ clusters --------------------------
 */

/* Members of one end for which a rule reads the same. */
struct cluster {
	struct service_list services; /* at "to" */
	struct service_list media;    /* those of them that live and shape are about */
	struct port_list sources;     /* at "from" */
	LIST(const struct prefix_list *) parts;
};

typedef LIST(struct cluster) cluster_list;

/* policy_read saw to it that nothing that is needed here lacks a value. */
static void add_to_cluster(struct maker *maker, const struct pairing *pairing, bool is_to,
			   const struct site_host *host, const struct prefix_list *addresses,
			   cluster_list *clusters)
{
	struct cluster cluster = {0};
	struct scope scope = {maker->arena, maker->policy, pairing->instance, host};
	struct cluster *found = NULL;
	struct lack lack;

	if (is_to) {
		pairing_services(maker->arena, maker->policy, pairing, host, &cluster.services,
				 &lack);
		media_services(&scope, pairing->allow, &cluster.services, &cluster.media);
	} else {
		pairing_source_ports(maker->arena, maker->policy, pairing, host, &cluster.sources,
				     &lack);
	}
	if (!cluster.services.count && !cluster.sources.count)
		return;
	list_for_each (other, clusters) {
		if (service_list_equal(&other->services, &cluster.services) &&
		    service_list_equal(&other->media, &cluster.media) &&
		    port_list_equal(&other->sources, &cluster.sources))
			found = other;
	}
	if (!found) {
		found = arena_push(maker->arena, clusters);
		*found = cluster;
	}
	*arena_push(maker->arena, &found->parts) = addresses;
}

/*
 * Nobody owns a group: whoever joined it hears what is sent to it. So a group that a flow of the
 * site names at "to" is at every host's end.
 */
static void add_groups(struct arena *arena, const struct end *end, const struct end_member *member,
		       struct prefix_list *local)
{
	if (end->binding || member->host)
		return;
	list_for_each (prefix, member->addresses) {
		if (prefix_is_group(prefix))
			prefix_list_add(arena, local, prefix);
	}
}

static void local_clusters(struct maker *maker, const struct pairing *pairing, bool is_to,
			   cluster_list *clusters)
{
	const struct end *end = is_to ? pairing->to : pairing->from;

	for (size_t i = 0; i < end->member_count; i++) {
		struct prefix_list local =
			identity_local(maker->arena, maker->identity, end, &end->members[i]);
		struct prefix_list *kept;

		if (is_to)
			add_groups(maker->arena, end, &end->members[i], &local);
		if (!local.count)
			continue;
		kept = arena_alloc(maker->arena, sizeof(*kept));
		*kept = local;
		add_to_cluster(maker, pairing, is_to, end->members[i].host, kept, clusters);
	}
}

/* Everyone at this end but the host itself. */
static void remote_clusters(struct maker *maker, const struct pairing *pairing, bool is_to,
			    cluster_list *clusters)
{
	const struct end *end = is_to ? pairing->to : pairing->from;
	const struct identity *identity = maker->identity;
	const struct site_host *self = identity->host ? identity->host : identity->stands_for;

	for (size_t i = 0; i < end->member_count; i++) {
		const struct end_member *member = &end->members[i];

		if ((!self || member->host != self) && pairing_joins(pairing, self, member->host))
			add_to_cluster(maker, pairing, is_to, member->host,
				       member->seen ? member->seen : member->addresses, clusters);
	}
}

/* ------------------------------------------------------------ rules -----------------------------
 */

static uint8_t echo_family(const struct service *service)
{
	if (service->protocol == IPPROTO_ICMP &&
	    port_list_contains(&service->ports, ICMP4_ECHO_SERVICE))
		return 4;
	if (service->protocol == IPPROTO_ICMPV6 &&
	    port_list_contains(&service->ports, ICMP6_ECHO_SERVICE))
		return 6;
	return 0;
}

/* One side of a rule: what stands in each of its matches. */
struct side {
	enum direction direction;
	const struct port_list *sources; /* of the opener's packets */
	const struct prefix_list *local; /* NULL: every unicast address */
	const struct prefix_list *const *remotes;
	size_t remote_count;
};

static void add_matches(struct maker *maker, const struct side *side,
			const struct service_list *services, unsigned options, match_list *matches)
{
	struct port_list any = {0};

	port_list_add(maker->arena, &any, 0, UINT16_MAX);
	list_for_each (service, services) {
		const struct prefix_list *remote =
			share(maker, side->remotes, side->remote_count, echo_family(service));
		const struct port_list *opener =
			protocol_has_ports(service->protocol) ? side->sources : &any;
		bool in = side->direction == DIRECTION_IN;
		struct match *match;

		if (!remote->count || !opener->count || !service->ports.count)
			continue;
		match = arena_push(maker->arena, matches);
		match->protocol = service->protocol;
		match->local_ports = in ? service->ports : *opener;
		match->remote_ports = in ? *opener : service->ports;
		match->local = side->local;
		match->remote = remote;
		match->options = options;
	}
}

static const struct port_list *ports_of(const struct service_list *services, uint8_t protocol)
{
	static const struct port_list none;

	list_for_each (service, services) {
		if (service->protocol == protocol)
			return &service->ports;
	}
	return &none;
}

/* The services of one end, each part with the options that are asked of it. */
static void add_services_in_parts(struct maker *maker, const struct side *side,
				  const struct cluster *to, unsigned options, match_list *matches)
{
	/* Options are asked of what arrives only. */
	if (side->direction == DIRECTION_OUT)
		options = 0;
	list_for_each (service, &to->services) {
		const struct port_list *media = ports_of(&to->media, service->protocol);
		unsigned with = media_options(options, service->protocol, true);
		unsigned without = media_options(options, service->protocol, false);
		struct service rest = *service, asked = *service;
		const struct service_list rest_list = {&rest, 1, 1}, asked_list = {&asked, 1, 1};

		if (with == without) {
			add_matches(maker, side, &rest_list, without, matches);
			continue;
		}
		rest.ports = port_list_without(maker->arena, &service->ports, media);
		asked.ports = port_list_without(maker->arena, &service->ports, &rest.ports);
		add_matches(maker, side, &rest_list, without, matches);
		add_matches(maker, side, &asked_list, with, matches);
	}
}

static void add_services(struct arena *arena, struct service_list *sum,
			 const struct service_list *services)
{
	list_for_each (service, services)
		service_list_add(arena, sum, service->protocol, &service->ports);
}

void rule_cite(struct arena *arena, const struct instance *instance, const struct flow_rule *flow,
	       struct rule *rule)
{
	size_t count = flow && flow->cite.count ? flow->cite.count : 1;

	rule->citations = arena_alloc(arena, count * sizeof(*rule->citations));
	rule->citation_count = count;
	for (size_t i = 0; i < count; i++) {
		struct citation *citation = &rule->citations[i];

		citation->document = instance ? instance->catalog->title : NULL;
		citation->reading = flow ? flow->reading : NULL;
		if (!flow || !flow->cite.count)
			continue;
		citation->section = flow->cite.items[i].section;
		citation->row = flow->cite.items[i].row;
		citation->lines = flow->cite.items[i].lines;
		citation->footnote = flow->cite.items[i].footnote;
	}
}

static struct rule *add_rule(struct maker *maker, const char *id, enum direction direction,
			     const struct service_list *services, const match_list *matches,
			     struct position place)
{
	struct rule *rule = arena_push(maker->arena, &maker->rules);

	rule->id = id;
	rule->direction = direction;
	rule->services = service_list_format(maker->arena, services);
	rule->matches = matches->items;
	rule->match_count = matches->count;
	maker->matches += matches->count;
	list_for_each (match, matches)
		rule->options |= match->options;
	*arena_push(maker->arena, &maker->places) = place;
	return rule;
}

static const struct prefix_list *join_parts(struct arena *arena, const struct cluster *cluster)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));

	list_for_each (part, &cluster->parts) {
		list_for_each (prefix, *part)
			prefix_list_add(arena, list, prefix);
	}
	prefix_list_normalize(list);
	return list;
}

/* What one pairing adds to its rule. */
static void add_pairing(struct maker *maker, const struct pairing *pairing,
			enum direction direction, struct service_list *sum, match_list *matches)
{
	bool in = direction == DIRECTION_IN;
	cluster_list locals = {0};
	cluster_list remotes = {0};

	local_clusters(maker, pairing, in, &locals);
	if (!locals.count)
		return;
	remote_clusters(maker, pairing, !in, &remotes);
	list_for_each (local, &locals) {
		const struct prefix_list *addresses = join_parts(maker->arena, local);

		list_for_each (remote, &remotes) {
			const struct cluster *to = in ? local : remote;
			const struct cluster *from = in ? remote : local;
			const struct side side = {direction, &from->sources, addresses,
						  remote->parts.items, remote->parts.count};
			size_t before = matches->count;

			add_services_in_parts(maker, &side, to, pairing->options.set, matches);
			if (matches->count > before)
				add_services(maker->arena, sum, &to->services);
		}
	}
}

/* Where the options are written that a rule of this pairing has. */
static struct position options_place(const struct pairing *pairing)
{
	const struct site_adjust *adjust = pairing->adjust;

	return adjust && adjust->options.said ? adjust->flow.at : pairing->flow->id.at;
}

/* The rule of pairings that have one id. */
static void make_rule(struct maker *maker, const struct pairing *pairings, size_t count,
		      enum direction direction)
{
	struct service_list sum = {0};
	match_list matches = {0};
	struct rule *rule;

	for (size_t i = 0; i < count; i++)
		add_pairing(maker, &pairings[i], direction, &sum, &matches);
	if (!matches.count)
		return;
	rule = add_rule(maker, pairings->id, direction, &sum, &matches, options_place(pairings));
	rule->limit = pairings->options.limit;
	rule->from = pairings->from->name;
	rule->to = pairings->to->name;
	rule->is_adjusted = pairings->adjust && pairings->adjust->source_ports.count;
	rule_cite(maker->arena, pairings->instance, pairings->flow, rule);
}

/* Entries of a template may have one id, and then stand together: from here on, how many do. */
static size_t same_id(const struct policy *policy, size_t first)
{
	size_t next = first + 1;

	while (next < policy->pairing_count &&
	       !strcmp(policy->pairings[next].id, policy->pairings[first].id))
		next++;
	return next - first;
}

static const char *terms_format(struct arena *arena, const address_term_list *terms)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	list_for_each (term, terms) {
		const char *separator = *text ? ", " : "";

		switch (term->kind) {
		case ADDRESS_ANY:
			text = arena_printf(arena, "%s%sany", text, separator);
			break;
		case ADDRESS_SET:
			text = arena_printf(arena, "%s%s$%s", text, separator, term->name);
			break;
		case ADDRESS_HOST:
			text = arena_printf(arena, "%s%s%s", text, separator, term->name);
			break;
		case ADDRESS_PREFIXES:
			list_for_each (prefix, &term->prefixes) {
				text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "",
						    prefix_format(prefix, buffer));
			}
			break;
		case ADDRESS_FEED:
			text = arena_printf(arena, "%s%sa feed", text, separator);
			break;
		case ADDRESS_DOMAIN:
			break;
		}
	}
	return text;
}

/* To every host, whatever its role, at every address. */
static void make_management(struct maker *maker, const struct site_management *management,
			    size_t number)
{
	struct arena *arena = maker->arena;
	struct scope scope = {arena, maker->policy, NULL, maker->identity->host};
	struct service_list services = {0};
	struct prefix_list *from = arena_alloc(arena, sizeof(*from));
	const struct prefix_list *parts[] = {from};
	struct port_list any = {0};
	const struct side side = {DIRECTION_IN, &any, NULL, parts, 1};
	match_list matches = {0};
	struct lack lack;
	struct rule *rule;

	policy_addresses_seen(arena, maker->policy, &management->from, from);
	scope_services(&scope, &management->allow, &services, &lack);
	port_list_add(arena, &any, 0, UINT16_MAX);
	add_matches(maker, &side, &services, 0, &matches);
	if (!matches.count)
		return;
	rule = add_rule(maker, arena_printf(arena, "management/%zu", number), DIRECTION_IN,
			&services, &matches, management->at);
	rule->from = terms_format(arena, &management->from);
	rule->to = "hosts";
	rule_cite(arena, NULL, NULL, rule);
}

/* ------------------------------------------------------------ peers -----------------------------
 */

static void add_peers(struct maker *maker, bool any, struct host_policy *host)
{
	const struct identity *identity = maker->identity;
	const struct site_host *self = identity->host ? identity->host : identity->stands_for;
	const struct policy *policy = maker->policy;

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];
		LIST(const struct prefix_list *) parts = {0};
		const struct prefix_list *addresses;
		bool is_any = false;

		for (size_t j = 0; j < binding->member_count; j++) {
			is_any |= binding->members[j].any;
			if (!self || binding->members[j].host != self)
				*arena_push(maker->arena, &parts) = &binding->members[j].seen;
		}
		if (!parts.count || is_any != any)
			continue;
		addresses = share(maker, parts.items, parts.count, 0);
		if (addresses->count)
			host->peers[host->peer_count++] =
				(struct peer_role){binding->id, addresses};
	}
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* What the lists hold together, each prefix once: a table has it once. */
static size_t count_prefixes(const struct maker *maker)
{
	struct arena *arena = arena_new();
	struct prefix_list all = {0};
	size_t count = 0;

	list_for_each (shared, &maker->shared) {
		list_for_each (prefix, &(*shared)->list)
			prefix_list_add(arena, &all, prefix);
	}
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_prefixes);
	for (size_t i = 0; i < all.count; i++)
		count += !i || prefix_compare(&all.items[i - 1], &all.items[i]);
	arena_free(arena);
	return count;
}

static int check_prefixes(const struct maker *maker)
{
	size_t count;

	/* Counting each once is dear, and seldom needed to see that there are few. */
	if (maker->prefixes <= PREFIXES_MAX)
		return 0;
	count = count_prefixes(maker);
	if (count <= PREFIXES_MAX)
		return 0;
	diagnostics_error(maker->diagnostics, (struct position){.file = maker->policy->site->path},
			  "the rules of one host name %zu prefixes, more than %u (PREFIXES_MAX): "
			  "give this host fewer roles, or the roles fewer addresses",
			  count, PREFIXES_MAX);
	return -E2BIG;
}

static int check_bounds(const struct maker *maker)
{
	static const char way_out[] = "give this host fewer roles, or the roles fewer addresses";
	const struct position at = {.file = maker->policy->site->path};

	if (maker->rules.count > RULES_MAX)
		diagnostics_error(maker->diagnostics, at,
				  "%zu rules on one host are more than %u (RULES_MAX): %s",
				  maker->rules.count, RULES_MAX, way_out);
	else if (maker->matches > MATCHES_MAX)
		diagnostics_error(maker->diagnostics, at,
				  "the rules of one host have %zu terms, more than %u "
				  "(MATCHES_MAX): %s",
				  maker->matches, MATCHES_MAX, way_out);
	else
		return 0;
	return -E2BIG;
}

static bool sees(const struct policy *policy, const struct site_host *host,
		 const struct prefix *prefix)
{
	size_t index = (size_t)(host - policy->site->hosts.items);

	return prefix_list_contains(&policy->host_addresses[index], &prefix->address) ||
	       prefix_list_contains(&policy->host_seen[index], &prefix->address);
}

/*
 * What is never remote: this host's own addresses, and what peers see in their place (NAT), unless
 * another host hides behind the same.
 */
static struct prefix_list own_addresses(struct maker *maker)
{
	const struct policy *policy = maker->policy;
	const struct identity *identity = maker->identity;
	const struct site_host *self = identity->host ? identity->host : identity->stands_for;
	struct prefix_list own = {0};

	list_for_each (prefix, &identity->own)
		prefix_list_add(maker->arena, &own, prefix);
	if (!self || !self->seen_as.count)
		return own;
	list_for_each (prefix, &policy->host_seen[self - policy->site->hosts.items]) {
		bool shared = false;

		list_for_each (other, &policy->site->hosts)
			shared |= other != self && sees(policy, other, prefix);
		if (!shared)
			prefix_list_add(maker->arena, &own, prefix);
	}
	return own;
}

/* ------------------------------------------------------------ forbids ---------------------------
 */

static char *words_format(struct arena *arena, const struct instance *instance,
			  const word_list *words)
{
	bool own = !strcmp(instance->name, "site");
	char *text = arena_strdup(arena, "");

	list_for_each (word, words)
		text = arena_printf(arena, "%s%s%s%s%s", text, *text ? ", " : "",
				    own ? "" : instance->name, own ? "" : "/", word->text);
	return text;
}

static void forbid_of_rule(struct arena *arena, const struct pairing *pairing,
			   const struct rule *rule, struct forbid *forbid)
{
	const struct flow_rule *flow = pairing->flow;

	forbid->any_service = pairing->forbid->any_service;
	forbid->rule = *rule;
	forbid->rule.id = arena_printf(arena, "%s/%s", pairing->instance->name, flow->id.text);
	forbid->rule.from = words_format(arena, pairing->instance, &flow->from);
	forbid->rule.to = words_format(arena, pairing->instance, &flow->to);
	if (forbid->any_service)
		forbid->rule.services = "any";
}

/* Its ends make many pairings, which stand together: from here on, how many do. */
static size_t same_forbid(const struct policy *policy, size_t first)
{
	const struct pairing *pairings = policy->forbids;
	size_t next = first + 1;

	while (next < policy->forbid_count && pairings[next].forbid == pairings[first].forbid &&
	       pairings[next].instance == pairings[first].instance)
		next++;
	return next - first;
}

/* They are made as rules are, but apart: they take no place in a table. */
static int make_forbids(const struct maker *rules, struct host_policy *host)
{
	struct maker maker = {.arena = rules->arena,
			      .diagnostics = rules->diagnostics,
			      .policy = rules->policy,
			      .identity = rules->identity,
			      .own = rules->own};
	static const enum direction directions[DIRECTION_COUNT] = {DIRECTION_IN, DIRECTION_OUT};
	const struct policy *policy = maker.policy;
	LIST(struct forbid) forbids = {0};
	int error = 0;

	for (size_t i = 0; !error && i < DIRECTION_COUNT; i++) {
		for (size_t j = 0, count; !error && j < policy->forbid_count; j += count) {
			const struct pairing *pairing = &policy->forbids[j];
			size_t before = maker.rules.count;

			count = same_forbid(policy, j);
			make_rule(&maker, pairing, count, directions[i]);
			if (maker.rules.count > before)
				forbid_of_rule(maker.arena, pairing, &maker.rules.items[before],
					       arena_push(maker.arena, &forbids));
			error = check_bounds(&maker);
		}
	}
	host->forbids = forbids.items;
	host->forbid_count = forbids.count;
	return error;
}

static bool names_multicast(const struct prefix_list *list)
{
	list_for_each (prefix, list) {
		if (prefix_is_multicast(prefix))
			return true;
	}
	return false;
}

/* Does a rule say by its address that this host sends to a multicast group or hears one? */
static bool has_multicast_rule(const struct maker *maker)
{
	/* Each list once, however many rules share it. */
	list_for_each (shared, &maker->shared) {
		if (names_multicast(&(*shared)->list))
			return true;
	}
	list_for_each (rule, &maker->rules) {
		for (size_t i = 0; i < rule->match_count; i++) {
			const struct match *match = &rule->matches[i];

			if (match->local && names_multicast(match->local))
				return true;
		}
	}
	return false;
}

int rules_make(struct arena *arena, struct diagnostics *diagnostics, const struct policy *policy,
	       const struct identity *identity, struct host_policy *host)
{
	struct maker maker = {
		.arena = arena, .diagnostics = diagnostics, .policy = policy, .identity = identity};
	const struct site *site = policy->site;
	size_t count;
	int error;

	maker.own = own_addresses(&maker);
	for (size_t i = 0; i < site->management.count; i++)
		make_management(&maker, &site->management.items[i], i + 1);
	for (size_t i = 0; i < policy->pairing_count; i += count) {
		count = same_id(policy, i);
		make_rule(&maker, &policy->pairings[i], count, DIRECTION_IN);
		make_rule(&maker, &policy->pairings[i], count, DIRECTION_OUT);
		error = check_bounds(&maker);
		if (error)
			return error;
	}
	error = precedence_check(diagnostics, maker.rules.items, maker.places.items,
				 maker.rules.count);
	if (error)
		return error;
	if (host->link.multicast_membership == LINK_AUTO)
		host->multicast_membership = has_multicast_rule(&maker);
	else
		host->multicast_membership = host->link.multicast_membership == LINK_YES;
	host->rules = maker.rules.items;
	host->rule_count = maker.rules.count;
	/* "any" says little about who a peer is, so it names only those whom nothing else does. */
	host->peers = arena_alloc(arena, policy->binding_count * sizeof(*host->peers));
	add_peers(&maker, false, host);
	add_peers(&maker, true, host);
	error = make_forbids(&maker, host);
	return error ? error : check_prefixes(&maker);
}
