/* SPDX-License-Identifier: BSD-2-Clause */
#include "pairing.h"

#include <string.h>

#include "binding.h"
#include "connection.h"
#include "destination.h"
#include "partner.h"
#include "reference.h"
#include "rule_options.h"
#include "term.h"

struct pairing_reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct diagnostics *unused; /* of what site_read reported already */
	struct policy *policy;
	const struct instance *instance; /* whose flows are read */
	const struct end **role_ends;	 /* by binding, made when first used */
	pairing_list pairings;
};

typedef LIST(const struct end *) end_list;

static bool is_site(const struct instance *instance)
{
	return !strcmp(instance->name, "site");
}

/* ------------------------------------------------------------ ends ------------------------------
 */

static void add_end(struct arena *arena, end_list *ends, const struct end *end)
{
	list_for_each (other, ends) {
		if (!strcmp((*other)->label, end->label))
			return;
	}
	*arena_push(arena, ends) = end;
}

static const struct end *role_end(struct arena *arena, const struct binding *binding,
				  const char *label)
{
	struct end *end = arena_alloc(arena, sizeof(*end));

	end->name = binding->id;
	end->label = label;
	end->binding = binding;
	end->member_count = binding->member_count;
	end->members = arena_alloc(arena, binding->member_count * sizeof(*end->members));
	for (size_t i = 0; i < binding->member_count; i++) {
		const struct member *member = &binding->members[i];

		end->members[i] = (struct end_member){member->host, &member->addresses,
						      &member->single, &member->seen};
	}
	return end;
}

static struct end_member host_member(struct arena *arena, const struct policy *policy,
				     const struct site_host *host)
{
	size_t index = (size_t)(host - policy->site->hosts.items);
	struct prefix_list *addresses = arena_alloc(arena, sizeof(*addresses));
	struct prefix_list *seen = arena_alloc(arena, sizeof(*seen));
	struct prefix_list floating;

	policy_addresses(arena, policy, host_floating(policy->site, host), &floating);
	list_for_each (prefix, &policy->host_addresses[index])
		prefix_list_add(arena, addresses, prefix);
	list_for_each (prefix, &policy->host_seen[index])
		prefix_list_add(arena, seen, prefix);
	list_for_each (prefix, &floating) {
		prefix_list_add(arena, addresses, prefix);
		prefix_list_add(arena, seen, prefix);
	}
	prefix_list_normalize(addresses);
	prefix_list_normalize(seen);
	return (struct end_member){.host = host, .addresses = addresses, .seen = seen};
}

/* "hosts": all of them. */
static const struct end *hosts_end(struct arena *arena, const struct policy *policy)
{
	const struct site *site = policy->site;
	struct end *end = arena_alloc(arena, sizeof(*end));

	end->name = end->label = "hosts";
	end->members = arena_alloc(arena, site->hosts.count * sizeof(*end->members));
	list_for_each (host, &site->hosts)
		end->members[end->member_count++] = host_member(arena, policy, host);
	return end;
}

const struct end *end_of_host(struct arena *arena, const struct policy *policy,
			      const struct site_host *host, const char *name)
{
	struct end *end = arena_alloc(arena, sizeof(*end));

	end->name = end->label = name;
	end->members = arena_alloc(arena, sizeof(*end->members));
	end->members[end->member_count++] = host_member(arena, policy, host);
	return end;
}

const struct end *end_of_addresses(struct arena *arena, const struct policy *policy,
				   const address_term_list *terms, const char *name)
{
	struct prefix_list *addresses = arena_alloc(arena, sizeof(*addresses));
	struct prefix_list *single = arena_alloc(arena, sizeof(*single));
	struct prefix_list *seen = arena_alloc(arena, sizeof(*seen));
	struct end *end = arena_alloc(arena, sizeof(*end));

	policy_addresses(arena, policy, terms, addresses);
	policy_addresses_seen(arena, policy, terms, seen);
	/* "any" means the others, and makes nobody's address an end. */
	list_for_each (prefix, addresses) {
		if (prefix->length)
			prefix_list_add(arena, single, prefix);
	}
	end->name = end->label = name;
	end->member_count = addresses->count ? 1 : 0;
	end->members = arena_alloc(arena, sizeof(*end->members));
	end->members[0] =
		(struct end_member){.addresses = addresses, .single = single, .seen = seen};
	return end;
}

static size_t binding_index(const struct policy *policy, const struct instance *instance)
{
	size_t index = 0;

	for (const struct instance *other = policy->instances; other != instance; other++)
		index += other->catalog ? other->catalog->roles.count : 0;
	return index;
}

/* A role or group of one catalog. qualified: labels carry the instance. True if it was a group. */
static bool add_role_ends(struct pairing_reader *reader, const struct instance *instance,
			  const char *name, bool qualified, end_list *ends)
{
	const struct catalog *catalog = instance->catalog;
	const struct binding *bindings =
		reader->policy->bindings + binding_index(reader->policy, instance);
	const struct role *role = catalog_role(catalog, name);
	const struct group *group = catalog_group(catalog, name);

	if (role) {
		const struct binding *binding = &bindings[role - catalog->roles.items];
		const struct end **end = &reader->role_ends[binding - reader->policy->bindings];

		if (qualified) {
			add_end(reader->arena, ends, role_end(reader->arena, binding, binding->id));
			return false;
		}
		if (!*end)
			*end = role_end(reader->arena, binding, role->id.text);
		add_end(reader->arena, ends, *end);
		return false;
	}
	if (!group)
		return false;
	list_for_each (member, &group->roles)
		add_role_ends(reader, instance, member->text, qualified, ends);
	return true;
}

static bool add_referenced_ends(struct pairing_reader *reader, const struct word *word,
				end_list *ends)
{
	struct reference reference;

	if (!reference_find(reader->arena, NULL, reader->policy, REFERENCE_GROUP, word->text,
			    word->at, &reference) &&
	    !reference_find(reader->arena, reader->diagnostics, reader->policy, REFERENCE_ROLE,
			    word->text, word->at, &reference))
		return false;
	return add_role_ends(reader, reference.instance, strchr(word->text, '/') + 1, true, ends);
}

/*
 * One word of "from" or "to" of the site's own flows. True if it was a group. What is neither an
 * address nor a name of the site file was reported by site_read.
 */
static bool add_site_ends(struct pairing_reader *reader, const struct word *word, end_list *ends)
{
	const struct policy *policy = reader->policy;
	const struct reader words = {reader->arena, reader->unused};
	const struct node node = {.kind = NODE_SCALAR, .text = word->text};
	struct address_term term;
	const address_term_list terms = {&term, 1, 1};
	const struct site_host *host;

	if (!strcmp(word->text, "hosts")) {
		add_end(reader->arena, ends, hosts_end(reader->arena, policy));
	} else if (!read_address(&words, &node, word->text, &term)) {
		return add_referenced_ends(reader, word, ends);
	} else if (term.kind == ADDRESS_HOST) {
		host = site_find_host(policy->site, term.name);
		if (host)
			add_end(reader->arena, ends,
				end_of_host(reader->arena, policy, host, word->text));
	} else {
		add_end(reader->arena, ends,
			end_of_addresses(reader->arena, policy, &terms, word->text));
	}
	return false;
}

/* True if rule ids name the role: a list or a group was written. */
static bool read_ends(struct pairing_reader *reader, const word_list *words, bool is_list,
		      end_list *ends)
{
	list_for_each (word, words) {
		bool is_group = is_site(reader->instance) ? add_site_ends(reader, word, ends)
							  : add_role_ends(reader, reader->instance,
									  word->text, false, ends);

		is_list |= is_group;
	}
	return is_list;
}

/* ------------------------------------------------------------ conditions ------------------------
 */

/* NULL if there is no such role. */
static const struct binding *condition_binding(struct arena *arena, const struct policy *policy,
					       const struct instance *instance, const char *name)
{
	if (!is_site(instance))
		name = arena_printf(arena, "%s/%s", instance->name, name);
	return policy_binding(policy, name);
}

/* Only conditions about what is bound: they are the same on every host. */
static bool bound_conditions_hold(struct arena *arena, const struct policy *policy,
				  const struct instance *instance, const condition_list *when)
{
	list_for_each (condition, when) {
		const struct binding *binding;

		if (condition->kind != WHEN_BOUND)
			continue;
		binding = condition_binding(arena, policy, instance, condition->name);
		if ((binding && binding->member_count) == condition->negated)
			return false;
	}
	return true;
}

/* False in *ret_holds if a switch or choice is against the flow; false is returned if one has no
 * value. */
static bool value_conditions_hold(const struct scope *scope, const condition_list *when,
				  bool *ret_holds, struct lack *ret_lack)
{
	*ret_holds = false;
	list_for_each (condition, when) {
		const struct setting *setting;
		struct lack lack = {0};
		bool holds = false;

		if (condition->kind == WHEN_BOUND)
			continue;
		setting = scope_setting(scope, condition->name, &lack);
		if (!setting || !setting->has_value) {
			*ret_lack = lack;
			return false;
		}
		if (condition->kind == WHEN_SWITCH)
			holds = setting->value.on;
		list_for_each (value, &condition->values)
			holds |= setting->value.choice &&
				 !strcmp(setting->value.choice, value->text);
		if (holds == condition->negated)
			return true;
	}
	*ret_holds = true;
	return true;
}

bool conditions_hold(struct arena *arena, const struct policy *policy,
		     const struct instance *instance, const condition_list *when)
{
	struct scope scope = {arena, policy, instance, NULL};
	struct lack lack;
	bool holds;

	return bound_conditions_hold(arena, policy, instance, when) &&
	       value_conditions_hold(&scope, when, &holds, &lack) && holds;
}

static void add_every_service(struct arena *arena, struct service_list *services)
{
	struct port_range range = {0, 0};
	struct port_list ports = {.items = &range, .count = 1};

	service_list_add(arena, services, 0, &ports);
}

bool pairing_services(struct arena *arena, const struct policy *policy,
		      const struct pairing *pairing, const struct site_host *host,
		      struct service_list *ret_services, struct lack *ret_lack)
{
	struct scope scope = {arena, policy, pairing->instance, host};
	struct service_list services = {0};
	bool holds;

	if (!value_conditions_hold(&scope, &pairing->flow->when, &holds, ret_lack))
		return false;
	if (pairing->forbid && pairing->forbid->any_service)
		add_every_service(arena, &services);
	if (holds && !scope_services(&scope, pairing->allow, &services, ret_lack))
		return false;
	*ret_services = services;
	return true;
}

bool pairing_source_ports(struct arena *arena, const struct policy *policy,
			  const struct pairing *pairing, const struct site_host *host,
			  struct port_list *ret_ports, struct lack *ret_lack)
{
	struct scope scope = {arena, policy, pairing->instance, host};
	struct port_list ports = {0};

	if (!pairing->source_ports->count)
		port_list_add(arena, &ports, 0, UINT16_MAX);
	else if (!scope_ports(&scope, pairing->source_ports, &ports, ret_lack))
		return false;
	*ret_ports = ports;
	return true;
}

const service_term_list *service_terms_at(struct arena *arena, const service_term_list *terms,
					  const port_term_list *ports)
{
	service_term_list *list = arena_alloc(arena, sizeof(*list));

	list_for_each (term, terms) {
		list_for_each (port, ports) {
			struct service_term *moved = arena_push(arena, list);

			*moved = *term;
			moved->ports = *port;
		}
	}
	return list;
}

bool pairing_is_bound(const struct pairing *pairing)
{
	return pairing->from->member_count && pairing->to->member_count;
}

bool pairing_is_in_force(struct arena *arena, const struct policy *policy,
			 const struct pairing *pairing)
{
	const struct end *to = pairing->to;
	struct service_list services = {0};
	struct lack lack;

	if (!to->member_count)
		return pairing_services(arena, policy, pairing, NULL, &services, &lack) &&
		       services.count;
	for (size_t i = 0; i < to->member_count; i++) {
		if (!pairing_services(arena, policy, pairing, to->members[i].host, &services,
				      &lack) ||
		    services.count)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------ reading ---------------------------
 */

static void check_length(struct pairing_reader *reader, const struct pairing *pairing)
{
	struct position at = pairing->flow->id.at;

	if (pairing->destination)
		at = pairing->destination->location->at;
	else if (pairing->connection)
		at = pairing->connection->entry->at;
	if (strlen(pairing->id) > RULE_ID_BYTES_MAX)
		diagnostics_error(reader->diagnostics, at,
				  "the rule id `%s` has more than %u bytes (RULE_ID_BYTES_MAX): "
				  "shorten the names in it",
				  pairing->id, RULE_ID_BYTES_MAX);
}

bool pairing_joins(const struct pairing *pairing, const struct site_host *from,
		   const struct site_host *to)
{
	return !pairing->flow->between_partners || hosts_are_partners(from, to);
}

/* Those of one end that have a partner at the other: the others have no part in the flow. */
static const struct end *partners_end(struct arena *arena, const struct end *end,
				      const struct end *other)
{
	struct end *some = arena_alloc(arena, sizeof(*some));

	*some = *end;
	some->member_count = 0;
	some->members = arena_alloc(arena, end->member_count * sizeof(*some->members));
	for (size_t i = 0; i < end->member_count; i++) {
		bool joined = false;

		for (size_t j = 0; j < other->member_count; j++)
			joined |= hosts_are_partners(end->members[i].host, other->members[j].host);
		if (joined)
			some->members[some->member_count++] = end->members[i];
	}
	return some;
}

/* pattern: with everything in it that holds for the pairing and its exchanged one. */
static void add_pairings(struct pairing_reader *reader, const struct pairing *pattern)
{
	struct arena *arena = reader->arena;
	const struct flow_rule *flow = pattern->flow;
	struct pairing *pairing = arena_push(arena, &reader->pairings);

	*pairing = *pattern;
	if (flow->between_partners) {
		pairing->from = partners_end(arena, pattern->from, pattern->to);
		pairing->to = partners_end(arena, pattern->to, pattern->from);
	}
	if (!flow->either_way)
		return;
	pairing = arena_push(arena, &reader->pairings);
	*pairing = pairing[-1];
	pairing->id = arena_printf(arena, "%s:back", pattern->id);
	pairing->from = pairing[-1].to;
	pairing->to = pairing[-1].from;
	pairing->back = true;
}

/* The flow between two ends; for a template, between those of each entry. */
static void read_pattern(struct pairing_reader *reader, const struct pairing *pattern)
{
	size_t first = reader->pairings.count;

	/* In a catalog alone no entry can be, and what the document permits is to be seen. */
	switch (reader->policy->is_catalog ? EACH_NONE : pattern->flow->each) {
	case EACH_NONE:
		add_pairings(reader, pattern);
		break;
	case EACH_CLIENT_PORT:
		connection_pairings(reader->arena, reader->diagnostics, reader->policy, pattern,
				    &reader->pairings);
		break;
	case EACH_LOCATION:
		destination_pairings(reader->arena, reader->policy, pattern, &reader->pairings);
		break;
	}
	for (size_t i = first; i < reader->pairings.count; i++)
		check_length(reader, &reader->pairings.items[i]);
}

/* adjust NULL: the flow is as it is written. */
static void read_flow(struct pairing_reader *reader, const struct flow_rule *flow,
		      const struct site_adjust *adjust)
{
	bool has_ports = adjust && adjust->source_ports.count;
	struct arena *arena = reader->arena;
	struct pairing pattern = {
		.instance = reader->instance,
		.flow = flow,
		.adjust = adjust,
		.options = rule_options_over(&flow->options, adjust ? &adjust->options : NULL),
		.allow = &flow->allow,
		.source_ports = has_ports ? &adjust->source_ports : &flow->source_ports};
	end_list from = {0};
	end_list to = {0};
	bool name_from = read_ends(reader, &flow->from, flow->from_is_list, &from);
	bool name_to = read_ends(reader, &flow->to, flow->to_is_list, &to);

	if (!bound_conditions_hold(arena, reader->policy, reader->instance, &flow->when))
		return;
	/* The peer is the location's own, whatever role the document gives it. */
	if (flow->each == EACH_LOCATION) {
		name_to = false;
		to.count = to.count ? 1 : 0;
	}
	list_for_each (source, &from) {
		list_for_each (target, &to) {
			pattern.id = arena_printf(
				arena, "%s/%s%s%s%s%s", reader->instance->name, flow->id.text,
				name_from ? ":" : "", name_from ? (*source)->label : "",
				name_to ? ":" : "", name_to ? (*target)->label : "");
			pattern.from = *source;
			pattern.to = *target;
			read_pattern(reader, &pattern);
		}
	}
}

/* ------------------------------------------------------------ what the site's own flows name ----
 */

static void check_parameter(struct pairing_reader *reader, const char *name, struct position at,
			    enum parameter_type type, const char *noun)
{
	struct reference reference;

	if (!reference_find(reader->arena, reader->diagnostics, reader->policy, REFERENCE_PARAMETER,
			    name, at, &reference))
		return;
	if (reference.instance->catalog->parameters.items[reference.index].type != type)
		diagnostics_error(reader->diagnostics, at,
				  "`%s` can't stand here: it is not of type %s", name, noun);
}

static void check_ports(struct pairing_reader *reader, const struct port_term *term)
{
	if (term->kind == PORTS_PARAMETER)
		check_parameter(reader, term->parameter, term->at, PARAMETER_PORTS, "ports");
}

static void check_services(struct pairing_reader *reader, const service_term_list *terms)
{
	list_for_each (term, terms) {
		if (term->kind == SERVICE_PORTS)
			check_ports(reader, &term->ports);
		else if (term->kind == SERVICE_PARAMETER)
			check_parameter(reader, term->parameter, term->at, PARAMETER_SERVICES,
					"services");
	}
}

static void check_choices(struct pairing_reader *reader, const struct condition *condition)
{
	struct reference reference;
	const struct parameter *parameter;

	if (!reference_find(reader->arena, NULL, reader->policy, REFERENCE_PARAMETER,
			    condition->name, condition->at, &reference))
		return;
	parameter = &reference.instance->catalog->parameters.items[reference.index];
	if (parameter->type != PARAMETER_CHOICE)
		return;
	list_for_each (value, &condition->values) {
		bool offered = false;

		list_for_each (choice, &parameter->of)
			offered |= !strcmp(choice->text, value->text);
		if (!offered)
			diagnostics_error(reader->diagnostics, value->at,
					  "`%s` is none of the values of choice `%s`%s",
					  value->text, condition->name,
					  did_you_mean(reader->arena, value->text, &parameter->of));
	}
}

static void check_condition(struct pairing_reader *reader, const struct condition *condition)
{
	struct reference reference;

	switch (condition->kind) {
	case WHEN_BOUND:
		reference_find(reader->arena, reader->diagnostics, reader->policy, REFERENCE_ROLE,
			       condition->name, condition->at, &reference);
		break;
	case WHEN_SWITCH:
		check_parameter(reader, condition->name, condition->at, PARAMETER_SWITCH, "switch");
		break;
	case WHEN_CHOICE:
		check_parameter(reader, condition->name, condition->at, PARAMETER_CHOICE, "choice");
		check_choices(reader, condition);
		break;
	}
}

static void check_site_flow(struct pairing_reader *reader, const struct flow_rule *flow)
{
	check_services(reader, &flow->allow);
	list_for_each (term, &flow->source_ports)
		check_ports(reader, term);
	list_for_each (condition, &flow->when)
		check_condition(reader, condition);
}

/* Flows of the site were looked for by site_read. */
static void check_except(struct pairing_reader *reader, const struct forbid_rule *forbid)
{
	list_for_each (word, &forbid->except) {
		struct reference flow;

		if (strchr(word->text, '/'))
			reference_find(reader->arena, reader->diagnostics, reader->policy,
				       REFERENCE_FLOW, word->text, word->at, &flow);
	}
}

/* What is forbidden has ends and services as a flow has, so it is read as one. */
static void read_forbids(struct pairing_reader *reader, struct policy *policy)
{
	list_for_each (forbid, &policy->site->forbids) {
		check_site_flow(reader, &forbid->flow);
		check_except(reader, forbid);
	}
	for (size_t i = 0; i < policy->instance_count; i++) {
		reader->instance = &policy->instances[i];
		if (!reader->instance->catalog)
			continue;
		list_for_each (forbid, &reader->instance->catalog->forbids) {
			size_t first = reader->pairings.count;

			read_flow(reader, &forbid->flow, NULL);
			for (size_t j = first; j < reader->pairings.count; j++)
				reader->pairings.items[j].forbid = forbid;
		}
	}
	policy->forbids = reader->pairings.items;
	policy->forbid_count = reader->pairings.count;
}

void pairings_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy)
{
	struct pairing_reader reader = {.arena = arena,
					.diagnostics = diagnostics,
					.unused = diagnostics_new(),
					.policy = policy};

	reader.role_ends = arena_alloc(arena, policy->binding_count * sizeof(*reader.role_ends));
	list_for_each (management, &policy->site->management)
		check_services(&reader, &management->allow);
	list_for_each (flow, &policy->site->flows)
		check_site_flow(&reader, flow);
	for (size_t i = 0; i < policy->instance_count; i++) {
		const struct instance *instance = &policy->instances[i];

		reader.instance = instance;
		for (size_t j = 0; instance->catalog && j < instance->catalog->flows.count; j++) {
			if (!instance->without[j])
				read_flow(&reader, &instance->catalog->flows.items[j],
					  instance->adjust[j]);
		}
	}
	policy->pairings = reader.pairings.items;
	policy->pairing_count = reader.pairings.count;
	memset(&reader.pairings, 0, sizeof(reader.pairings));
	read_forbids(&reader, policy);
	diagnostics_free(reader.unused);
}

/* ------------------------------------------------------------ what must be set ------------------
 */

typedef LIST(struct lack) lack_list;

static struct position instance_position(const struct policy *policy,
					 const struct instance *instance)
{
	list_for_each (entry, &policy->site->catalogs) {
		if (!strcmp(entry->as, instance->name))
			return entry->as_at.line ? entry->as_at : entry->catalog.at;
	}
	return (struct position){.file = policy->site->path};
}

static void report_lack(struct arena *arena, struct diagnostics *diagnostics,
			const struct policy *policy, const struct pairing *pairing,
			const struct site_host *host, const struct lack *lack, lack_list *reported)
{
	const struct cite *cite = pairing->flow->cite.count ? &pairing->flow->cite.items[0] : NULL;
	const char *source = "";

	list_for_each (other, reported) {
		if (other->parameter == lack->parameter && other->instance == lack->instance)
			return;
	}
	*arena_push(arena, reported) = *lack;
	if (cite && pairing->instance->catalog->title)
		source = arena_printf(arena, " (%s: %s%s%s%s%s)", pairing->instance->catalog->title,
				      cite->section, cite->row ? ", row " : "",
				      cite->row ? cite->row : "", cite->lines ? ", lines " : "",
				      cite->lines ? cite->lines : "");
	diagnostics_error(diagnostics, instance_position(policy, lack->instance),
			  "`%s/%s` has no value%s%s%s, and flow `%s/%s` needs it%s: set it under "
			  "`parameters`, or to `none` if it is not used here",
			  lack->instance->name, lack->parameter->name.text,
			  host ? " on host `" : "", host ? host->name.text : "", host ? "`" : "",
			  pairing->instance->name, pairing->flow->id.text, source);
}

/* Hosts that set nothing of their own share the answer of the first of them. */
static bool is_common(const struct policy *policy, const struct site_host *host)
{
	return !host || !policy->host_settings[host - policy->site->hosts.items];
}

static void require(struct arena *arena, struct diagnostics *diagnostics,
		    const struct policy *policy, const struct pairing *pairing, lack_list *reported)
{
	bool in_force = false;

	for (size_t end = 0, common = 0; end < pairing->to->member_count; end++) {
		const struct site_host *host = pairing->to->members[end].host;
		struct service_list services = {0};
		struct lack lack = {0};

		if (is_common(policy, host) && common++)
			continue;
		if (!pairing_services(arena, policy, pairing, host, &services, &lack))
			report_lack(arena, diagnostics, policy, pairing,
				    is_common(policy, host) ? NULL : host, &lack, reported);
		in_force |= services.count > 0;
	}
	for (size_t end = 0, common = 0; in_force && end < pairing->from->member_count; end++) {
		const struct site_host *host = pairing->from->members[end].host;
		struct port_list ports;
		struct lack lack = {0};

		if (is_common(policy, host) && common++)
			continue;
		if (!pairing_source_ports(arena, policy, pairing, host, &ports, &lack))
			report_lack(arena, diagnostics, policy, pairing,
				    is_common(policy, host) ? NULL : host, &lack, reported);
	}
}

/* Is there somebody at one end for somebody at the other? A host has no part with itself. */
static bool has_two_ends(const struct pairing *pairing)
{
	for (size_t i = 0; i < pairing->from->member_count; i++) {
		for (size_t j = 0; j < pairing->to->member_count; j++) {
			const struct end_member *from = &pairing->from->members[i];
			const struct end_member *to = &pairing->to->members[j];
			bool same = from->host
					    ? from->host == to->host
					    : !to->host && pairing->from == pairing->to && i == j &&
						      from->addresses->count == 1 &&
						      prefix_is_single(&from->addresses->items[0]);

			if (!same && pairing_joins(pairing, from->host, to->host))
				return true;
		}
	}
	return false;
}

void pairings_require(struct diagnostics *diagnostics, const struct policy *policy)
{
	struct arena *scratch = arena_new();
	lack_list reported = {0};
	const struct pairing *end = policy->pairings + policy->pairing_count;

	for (const struct pairing *pairing = policy->pairings; pairing < end; pairing++) {
		if (has_two_ends(pairing))
			require(scratch, diagnostics, policy, pairing, &reported);
	}
	/* Management is on every host, so what it names must be set for all of them. */
	list_for_each (management, &policy->site->management) {
		struct scope scope = {scratch, policy, NULL, NULL};
		struct service_list services = {0};
		struct lack lack = {0};

		if (!scope_services(&scope, &management->allow, &services, &lack))
			diagnostics_error(diagnostics, management->at,
					  "`%s/%s` has no value, and this needs it: set it under "
					  "`parameters`",
					  lack.instance->name, lack.parameter->name.text);
	}
	arena_free(scratch);
}
