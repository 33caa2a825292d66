/* SPDX-License-Identifier: BSD-2-Clause */
/* What is only seen when all hosts of a site are looked at together. */
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "demand_check.h"
#include "destination.h"
#include "flow_rule.h"
#include "media.h"
#include "media_check.h"
#include "own_flow_check.h"
#include "pairing.h"
#include "resolve.h"
#include "rule_options.h"

#define UNBOUND_SHOWN 3u /* roles in the one line that is not verbose */

struct checker {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
};

#define pairing_for_each(pairing, policy)                                                          \
	for (const struct pairing *pairing = (policy)->pairings;                                   \
	     pairing < (policy)->pairings + (policy)->pairing_count; pairing++)

/* Where the site takes up the catalog. */
static struct position instance_position(const struct policy *policy,
					 const struct instance *instance)
{
	list_for_each (entry, &policy->site->catalogs) {
		if (!strcmp(entry->as, instance->name))
			return entry->as_at;
	}
	return (struct position){.file = policy->site->path};
}

static const char *append(struct arena *arena, const char *list, const char *item)
{
	return *list ? arena_printf(arena, "%s, %s", list, item) : item;
}

/* ------------------------------------------------------------ unbound roles ---------------------
 */

/* The flows in force that name the role; "" if there is none. */
static const char *flows_of(struct checker *checker, const struct binding *binding)
{
	const struct flow_rule *last = NULL;
	const char *flows = "";

	pairing_for_each(pairing, checker->policy)
	{
		if ((pairing->from->binding != binding && pairing->to->binding != binding) ||
		    pairing->flow == last ||
		    !pairing_is_in_force(checker->arena, checker->policy, pairing))
			continue;
		last = pairing->flow;
		flows = append(checker->arena, flows, pairing->flow->id.text);
	}
	return flows;
}

struct unbound {
	const struct binding *binding;
	const char *flows;
};

static void check_unbound(struct checker *checker, const struct instance *instance)
{
	const struct position at = instance_position(checker->policy, instance);
	LIST(struct unbound) list = {0};
	const char *roles = "";

	for (size_t i = 0; i < checker->policy->binding_count; i++) {
		const struct binding *binding = &checker->policy->bindings[i];
		const char *flows;

		if (binding->instance != instance || binding->member_count ||
		    binding->role->outside)
			continue;
		flows = flows_of(checker, binding);
		if (!*flows)
			continue;
		if (list.count < UNBOUND_SHOWN)
			roles = append(checker->arena, roles, binding->role->id.text);
		*arena_push(checker->arena, &list) = (struct unbound){binding, flows};
	}
	if (!list.count)
		return;
	diagnostics_warning(checker->diagnostics, at,
			    "catalog `%s`: %zu role%s that flows name %s bound to nothing "
			    "(%s%s); -v says which flows give no rule for it",
			    instance->name, list.count, list.count == 1 ? "" : "s",
			    list.count == 1 ? "is" : "are", roles,
			    list.count > UNBOUND_SHOWN ? ", ..." : "");
	list_for_each (unbound, &list)
		diagnostics_note(checker->diagnostics, at,
				 "`%s` is bound to nothing, so these flows give no rule: %s",
				 unbound->binding->id, unbound->flows);
}

/* ------------------------------------------------------------ addresses in two roles ------------
 */

/* Something that addresses were given to: a host, or a role in bind. */
struct owner {
	const char *text; /* "host `sql-2`", "`bind` of `cyara/mssql`" */
	struct position at;
	const struct site_host *host; /* NULL: bind */
	const struct binding *binding;
	const struct prefix_list *addresses;
};

struct owned {
	struct prefix prefix;
	size_t owner; /* index */
};

typedef LIST(struct owner) owner_list;
typedef LIST(struct owned) owned_list;

static void add_owner(struct checker *checker, owner_list *owners, owned_list *all,
		      struct owner owner)
{
	list_for_each (prefix, owner.addresses) {
		/* "any" includes every bound address, so that says nothing. */
		if (prefix->length)
			*arena_push(checker->arena, all) = (struct owned){*prefix, owners->count};
	}
	*arena_push(checker->arena, owners) = owner;
}

static void collect_owners(struct checker *checker, owner_list *owners, owned_list *all)
{
	const struct policy *policy = checker->policy;
	const struct site *site = policy->site;

	list_for_each (host, &site->hosts) {
		struct owner owner = {
			.text = arena_printf(checker->arena, "host `%s`", host->name.text),
			.at = host->name.at,
			.host = host,
			.addresses = &policy->host_addresses[host - site->hosts.items]};

		add_owner(checker, owners, all, owner);
	}
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t j = 0; j < binding->member_count; j++) {
			const struct member *member = &binding->members[j];
			struct owner owner = {
				.text = arena_printf(checker->arena, "`bind` of `%s`", binding->id),
				.at = member->at,
				.binding = binding,
				.addresses = &member->addresses};

			if (!member->host)
				add_owner(checker, owners, all, owner);
		}
	}
}

static int compare_owned(const void *a, const void *b)
{
	const struct owned *left = a;
	const struct owned *right = b;
	int order = prefix_compare(&left->prefix, &right->prefix);

	if (order)
		return order;
	return left->owner < right->owner ? -1 : left->owner > right->owner;
}

static bool has_role(const struct site_host *host, const struct binding *binding)
{
	for (size_t i = 0; i < binding->member_count; i++) {
		if (binding->members[i].host == host)
			return true;
	}
	return false;
}

/* A role's own hosts may lie in what it is bound to, and two roles bound to the very same addresses
 * were meant to be. */
static bool is_meant(const struct owner *first, const struct owner *second)
{
	if (first->host && second->host)
		return false; /* site_read refuses it */
	if (first->host)
		return has_role(first->host, second->binding);
	if (second->host)
		return has_role(second->host, first->binding);
	return prefix_list_equal(first->addresses, second->addresses);
}

/* One finding for each two owners, at the later one's place. */
struct overlap {
	size_t first;
	size_t second;
};

typedef LIST(struct overlap) overlap_list;

static void report_overlap(struct checker *checker, const owner_list *owners,
			   const struct owned *outer, const struct owned *inner,
			   overlap_list *reported)
{
	bool in_order = outer->owner < inner->owner;
	struct overlap overlap = {in_order ? outer->owner : inner->owner,
				  in_order ? inner->owner : outer->owner};
	const struct owner *first = &owners->items[overlap.first];
	const struct owner *second = &owners->items[overlap.second];
	char buffer[ADDRESS_TEXT_MAX];

	list_for_each (other, reported) {
		if (other->first == overlap.first && other->second == overlap.second)
			return;
	}
	*arena_push(checker->arena, reported) = overlap;
	if (is_meant(first, second))
		return;
	diagnostics_warning(checker->diagnostics, second->at,
			    "%s is in %s and, on line %u, in %s: the rules of both hold for it; %s",
			    prefix_format(&inner->prefix, buffer), second->text, first->at.line,
			    first->text,
			    first->host ? "take it out here, or give that host this role too"
					: "if that is meant, bind both to the same addresses");
}

static void check_overlaps(struct checker *checker)
{
	owner_list owners = {0};
	owned_list all = {0};
	overlap_list reported = {0};
	LIST(const struct owned *) open = {0}; /* those that cover the one looked at */

	collect_owners(checker, &owners, &all);
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_owned);
	list_for_each (owned, &all) {
		while (open.count &&
		       !prefix_covers(&open.items[open.count - 1]->prefix, &owned->prefix))
			open.count--;
		list_for_each (outer, &open) {
			if ((*outer)->owner != owned->owner)
				report_overlap(checker, &owners, *outer, owned, &reported);
		}
		*arena_push(checker->arena, &open) = owned;
	}
}

/* ------------------------------------------------------------ useless rules ---------------------
 */

/* What a pairing permits where it is the same at all its ends; false if hosts differ. */
struct extent {
	struct service_list services;
	struct service_list media; /* those of them that live and shape are about */
	struct port_list sources;
};

static bool pairing_extent(const struct checker *checker, const struct pairing *pairing,
			   struct extent *ret_extent)
{
	struct arena *arena = checker->arena;
	const struct policy *policy = checker->policy;
	struct extent extent = {0};
	struct lack lack;

	for (size_t i = 0; i < pairing->to->member_count; i++) {
		const struct site_host *host = pairing->to->members[i].host;
		struct scope scope = {arena, policy, pairing->instance, host};
		struct service_list services = {0}, media = {0};

		if (!pairing_services(arena, policy, pairing, host, &services, &lack) ||
		    (i && !service_list_equal(&services, &extent.services)))
			return false;
		media_services(&scope, pairing->allow, &services, &media);
		if (i && !service_list_equal(&media, &extent.media))
			return false;
		extent.services = services;
		extent.media = media;
	}
	for (size_t i = 0; i < pairing->from->member_count; i++) {
		struct port_list sources = {0};

		if (!pairing_source_ports(arena, policy, pairing, pairing->from->members[i].host,
					  &sources, &lack) ||
		    (i && !port_list_equal(&sources, &extent.sources)))
			return false;
		extent.sources = sources;
	}
	*ret_extent = extent;
	return extent.services.count && extent.sources.count;
}

static bool member_is_covered(struct checker *checker, const struct end *outer,
			      const struct end_member *inner)
{
	for (size_t i = 0; i < outer->member_count; i++) {
		const struct end_member *member = &outer->members[i];
		struct prefix_list rest = {0};

		/* Who is a host by name is covered only by itself: by addresses it would have no
		 * rule of its own. And a client port may be at one of its addresses alone. */
		if (member->host != inner->host)
			continue;
		if (member->addresses == inner->addresses)
			return true;
		list_for_each (prefix, inner->addresses)
			prefix_list_add(checker->arena, &rest, prefix);
		prefix_list_subtract(checker->arena, &rest, member->addresses);
		if (!rest.count)
			return true;
	}
	return false;
}

static bool end_is_covered(struct checker *checker, const struct end *outer,
			   const struct end *inner)
{
	for (size_t i = 0; outer != inner && i < inner->member_count; i++) {
		if (!member_is_covered(checker, outer, &inner->members[i]))
			return false;
	}
	return true;
}

static const char *end_names(struct arena *arena, const struct pairing *pairing)
{
	return arena_printf(arena, "%s -> %s", pairing->from->name, pairing->to->name);
}

/* Two roles on one host share rules by the document's own will: that is worth a word, no more. */
static enum severity useless_severity(const struct pairing *earlier, const struct pairing *later)
{
	bool roles_differ = later->from->binding && later->to->binding &&
			    (later->from->binding != earlier->from->binding ||
			     later->to->binding != earlier->to->binding);

	return roles_differ ? SEVERITY_NOTE : SEVERITY_WARNING;
}

/* What holds between partners alone covers no more than that; and entries of one template are meant
 * as they are: two mail domains have one relay. */
static bool may_cover(const struct pairing *earlier, const struct pairing *later)
{
	if (earlier->flow->between_partners && !later->flow->between_partners)
		return false;
	return earlier->flow != later->flow || !later->flow->each;
}

/* Has the earlier one, wherever both are, no option that the later one has not? Else the later one
 * decides: it takes less away. */
static bool options_are_covered(struct checker *checker, const struct pairing *earlier,
				const struct extent *earlier_extent, const struct pairing *later,
				const struct extent *later_extent)
{
	const struct options *first = &earlier->options, *second = &later->options;
	struct service_list common = {0};

	if (!rule_options_subset(first->set, &first->limit, second->set, &second->limit))
		return false;
	if (!(first->set & ~RULE_LIMIT))
		return true;
	service_list_intersect(checker->arena, &earlier_extent->media, &later_extent->services,
			       &common);
	return service_list_covers(&later_extent->media, &common);
}

static void check_useless(struct checker *checker)
{
	const struct policy *policy = checker->policy;
	struct extent *extents =
		arena_alloc(checker->arena, policy->pairing_count * sizeof(*extents));
	bool *usable = arena_alloc(checker->arena, policy->pairing_count * sizeof(*usable));

	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *later = &policy->pairings[i];

		usable[i] = pairing_is_bound(later) && pairing_extent(checker, later, &extents[i]);
		for (size_t j = 0; usable[i] && j < i; j++) {
			const struct pairing *earlier = &policy->pairings[j];

			if (!usable[j] || !may_cover(earlier, later) ||
			    !service_list_covers(&extents[j].services, &extents[i].services) ||
			    !port_list_covers(&extents[j].sources, &extents[i].sources) ||
			    !options_are_covered(checker, earlier, &extents[j], later,
						 &extents[i]) ||
			    !end_is_covered(checker, earlier->from, later->from) ||
			    !end_is_covered(checker, earlier->to, later->to))
				continue;
			diagnostics_add(checker->diagnostics, useless_severity(earlier, later),
					later->flow->id.at,
					"rule `%s` (%s) never decides: all that it permits, "
					"`%s` (%s) before it permits already",
					later->id, end_names(checker->arena, later), earlier->id,
					end_names(checker->arena, earlier));
			usable[i] = false;
		}
	}
}

/* ------------------------------------------------------------ listeners -------------------------
 */

/* What has to be free on a host for one role. */
struct listener {
	const struct binding *binding;
	struct position at;
	struct service_list listens; /* what the document says must be vacant */
	struct service_list opened;  /* where flows in force open to */
};

static void add_services(struct arena *arena, struct service_list *sum,
			 const struct service_list *services)
{
	list_for_each (service, services) {
		if (protocol_has_ports(service->protocol))
			service_list_add(arena, sum, service->protocol, &service->ports);
	}
}

static struct listener read_listener(struct checker *checker, const struct binding *binding,
				     const struct member *member)
{
	struct scope scope = {checker->arena, checker->policy, binding->instance, member->host};
	struct listener listener = {.binding = binding, .at = member->at};
	struct service_list listens = {0};
	struct lack lack;

	if (scope_services(&scope, &binding->role->listens, &listens, &lack))
		add_services(checker->arena, &listener.listens, &listens);
	pairing_for_each(pairing, checker->policy)
	{
		struct service_list services = {0};

		if (pairing->to->binding == binding && pairing->from->member_count &&
		    pairing_services(checker->arena, checker->policy, pairing, member->host,
				     &services, &lack))
			add_services(checker->arena, &listener.opened, &services);
	}
	return listener;
}

static void check_clash(struct checker *checker, const struct site_host *host,
			const struct listener *first, const struct listener *second)
{
	struct service_list common = {0};

	service_list_intersect(checker->arena, &first->listens, &second->listens, &common);
	service_list_intersect(checker->arena, &first->listens, &second->opened, &common);
	service_list_intersect(checker->arena, &first->opened, &second->listens, &common);
	if (common.count)
		diagnostics_warning(checker->diagnostics, second->at,
				    "on host `%s`, `%s` and `%s` both need %s: only one can listen "
				    "there; set other ports, or put the roles on two hosts",
				    host->name.text, first->binding->id, second->binding->id,
				    service_list_format(checker->arena, &common));
}

static void check_listeners(struct checker *checker, const struct site_host *host)
{
	const struct policy *policy = checker->policy;
	LIST(struct listener) listeners = {0};

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t j = 0; j < binding->member_count; j++) {
			if (binding->members[j].host == host)
				*arena_push(checker->arena, &listeners) =
					read_listener(checker, binding, &binding->members[j]);
		}
	}
	for (size_t i = 0; i < listeners.count; i++) {
		for (size_t j = 0; j < i; j++)
			check_clash(checker, host, &listeners.items[j], &listeners.items[i]);
	}
}

/* ------------------------------------------------------------ parameters ------------------------
 */

static bool names_parameter(const service_term_list *services, const char *name)
{
	list_for_each (term, services) {
		if (term->kind == SERVICE_PARAMETER && !strcmp(term->parameter, name))
			return true;
		if (term->kind == SERVICE_PORTS && term->ports.kind == PORTS_PARAMETER &&
		    !strcmp(term->ports.parameter, name))
			return true;
	}
	return false;
}

/* Does a flow name it whose both ends are bound? A switch that is off counts: it is what decides.
 */
static bool parameter_matters(const struct checker *checker, const struct instance *instance,
			      const struct parameter *parameter)
{
	const char *name = parameter->name.text;

	pairing_for_each(pairing, checker->policy)
	{
		if (pairing->instance != instance || !pairing_is_bound(pairing))
			continue;
		if (names_parameter(pairing->allow, name))
			return true;
		list_for_each (term, pairing->source_ports) {
			if (term->kind == PORTS_PARAMETER && !strcmp(term->parameter, name))
				return true;
		}
		list_for_each (condition, &pairing->flow->when) {
			if (condition->kind != WHEN_BOUND && !strcmp(condition->name, name))
				return true;
		}
	}
	return false;
}

/* True: a reading decides this parameter, and the site leaves it at that. The note says which
 * reading. */
static bool check_default(struct checker *checker, const struct instance *instance,
			  const struct parameter *parameter, const struct setting *setting)
{
	if (setting->is_set || !setting->has_value || !parameter->reading ||
	    !parameter_matters(checker, instance, parameter))
		return false;
	diagnostics_note(checker->diagnostics, instance_position(checker->policy, instance),
			 "`%s/%s` stands at its default %s, which is a reading of the document "
			 "(%s)%s%s",
			 instance->name, parameter->name.text,
			 setting_format(checker->arena, parameter, setting), parameter->reading,
			 parameter->about ? ": " : "", parameter->about ? parameter->about : "");
	return true;
}

/* What the document leaves to a reading must be known to whoever signs the policy: all of it by
 * name, in one line. */
static void check_defaults(struct checker *checker, const struct instance *instance)
{
	char *names = arena_strdup(checker->arena, "");
	size_t count = 0;

	for (size_t i = 0; i < instance->catalog->parameters.count; i++) {
		const struct parameter *parameter = &instance->catalog->parameters.items[i];
		const struct setting *setting = &instance->settings[i];

		if (!check_default(checker, instance, parameter, setting))
			continue;
		names = arena_printf(checker->arena, "%s%s%s = %s", names, count ? ", " : "",
				     parameter->name.text,
				     setting_format(checker->arena, parameter, setting));
		count++;
	}
	if (count)
		diagnostics_remark(
			checker->diagnostics, instance_position(checker->policy, instance),
			"`%s`: left at what a reading of the document gives: %s; -v says why",
			instance->name, names);
}

/* ------------------------------------------------------------ mirrors ---------------------------
 */

/* The document tells each flow from both of its ends, but these: whoever reads it should know. */
static void check_mirrors(struct checker *checker, const struct instance *instance)
{
	const struct flow_rule *last = NULL;
	const char *flows = "";

	pairing_for_each(pairing, checker->policy)
	{
		if (pairing->instance != instance || pairing->flow == last ||
		    !pairing->flow->mirror_missing || !pairing_is_bound(pairing) ||
		    !pairing_is_in_force(checker->arena, checker->policy, pairing))
			continue;
		last = pairing->flow;
		flows = append(checker->arena, flows,
			       arena_printf(checker->arena, "`%s/%s`%s", instance->name,
					    last->id.text,
					    cites_format(checker->arena, NULL, &last->cite)));
	}
	if (*flows)
		diagnostics_remark(
			checker->diagnostics, instance_position(checker->policy, instance),
			"%s has no mirror row for %s: the other end's table does not "
			"have the flow",
			instance->catalog->title ? instance->catalog->title : "the site", flows);
}

void check_policy(struct arena *arena, struct diagnostics *diagnostics, const struct policy *policy)
{
	struct checker checker = {arena, diagnostics, policy};

	for (size_t i = 0; i < policy->instance_count; i++) {
		const struct instance *instance = &policy->instances[i];

		check_unbound(&checker, instance);
		check_defaults(&checker, instance);
		media_check(arena, diagnostics, policy, instance,
			    instance_position(policy, instance));
		check_mirrors(&checker, instance);
	}
	check_overlaps(&checker);
	check_useless(&checker);
	list_for_each (host, &policy->site->hosts)
		check_listeners(&checker, host);
	connections_check(arena, diagnostics, policy);
	destinations_check(diagnostics, policy);
	demands_check(arena, diagnostics, policy);
	own_flows_check(arena, diagnostics, policy);
}
