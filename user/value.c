/* SPDX-License-Identifier: BSD-2-Clause */
#include "value.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "../include/abi.h"
#include "reference.h"

const struct setting *scope_setting(const struct scope *scope, const char *name,
				    struct lack *ret_lack)
{
	const struct policy *policy = scope->policy;
	struct reference reference = {.instance = scope->instance};
	size_t instance_index;
	struct setting **own = NULL;

	if (strchr(name, '/')) {
		if (!reference_find(scope->arena, NULL, policy, REFERENCE_PARAMETER, name,
				    (struct position){0}, &reference))
			return NULL;
	} else {
		const struct catalog *catalog = scope->instance->catalog;
		const struct parameter *parameter = catalog_parameter(catalog, name);

		if (!parameter)
			return NULL;
		reference.index = (size_t)(parameter - catalog->parameters.items);
	}
	ret_lack->instance = reference.instance;
	ret_lack->parameter = &reference.instance->catalog->parameters.items[reference.index];
	if (scope->host)
		own = policy->host_settings[scope->host - policy->site->hosts.items];
	instance_index = (size_t)(reference.instance - policy->instances);
	return own ? &own[instance_index][reference.index]
		   : &reference.instance->settings[reference.index];
}

bool scope_ports(const struct scope *scope, const port_term_list *terms, struct port_list *list,
		 struct lack *ret_lack)
{
	list_for_each (term, terms) {
		const struct setting *setting;
		struct lack lack = {0};

		switch (term->kind) {
		case PORTS_RANGE:
			port_list_add(scope->arena, list, term->range.first, term->range.last);
			break;
		case PORTS_ANY:
			port_list_add(scope->arena, list, 0, UINT16_MAX);
			break;
		case PORTS_NONE:
			break;
		case PORTS_PARAMETER:
			setting = scope_setting(scope, term->parameter, &lack);
			if (!setting || !setting->has_value) {
				*ret_lack = lack;
				return false;
			}
			if (!setting->value.none &&
			    !scope_ports(scope, &setting->value.ports, list, ret_lack))
				return false;
			break;
		}
	}
	port_list_normalize(list);
	return true;
}

static void add_port(struct arena *arena, struct service_list *list, uint8_t protocol,
		     uint16_t port)
{
	struct port_range range = {port, port};
	struct port_list ports = {.items = &range, .count = 1};

	service_list_add(arena, list, protocol, &ports);
}

static bool scope_service(const struct scope *scope, const struct service_term *term,
			  struct service_list *list, struct lack *ret_lack)
{
	port_term_list one = {.items = (struct port_term *)&term->ports, .count = 1};
	const struct setting *setting;
	struct port_list ports = {0};
	struct lack lack = {0};

	switch (term->kind) {
	case SERVICE_PORTS:
		if (!scope_ports(scope, &one, &ports, ret_lack))
			return false;
		for (unsigned i = 0; ports.count && i < term->protocol_count; i++)
			service_list_add(scope->arena, list, term->protocols[i], &ports);
		return true;
	case SERVICE_PROTOCOL:
		add_port(scope->arena, list, term->protocols[0], 0);
		return true;
	case SERVICE_ECHO:
		add_port(scope->arena, list, IPPROTO_ICMP, ICMP4_ECHO_SERVICE);
		add_port(scope->arena, list, IPPROTO_ICMPV6, ICMP6_ECHO_SERVICE);
		return true;
	case SERVICE_PARAMETER:
		setting = scope_setting(scope, term->parameter, &lack);
		if (!setting || !setting->has_value) {
			*ret_lack = lack;
			return false;
		}
		return setting->value.none ||
		       scope_services(scope, &setting->value.services, list, ret_lack);
	}
	return true;
}

bool scope_services(const struct scope *scope, const service_term_list *terms,
		    struct service_list *list, struct lack *ret_lack)
{
	list_for_each (term, terms) {
		if (!scope_service(scope, term, list, ret_lack))
			return false;
	}
	return true;
}

const char *setting_format(struct arena *arena, const struct parameter *parameter,
			   const struct setting *setting)
{
	const struct parameter_value *value = &setting->value;
	struct scope scope = {.arena = arena};
	struct service_list services = {0};
	struct port_list ports = {0};
	struct lack lack;

	if (value->none)
		return "none";
	/* Settings have their references already followed, so these look nothing up. */
	switch (parameter->type) {
	case PARAMETER_PORTS:
		scope_ports(&scope, &value->ports, &ports, &lack);
		return port_list_format(arena, &ports);
	case PARAMETER_SERVICES:
		scope_services(&scope, &value->services, &services, &lack);
		return service_list_format(arena, &services);
	case PARAMETER_SWITCH:
		return value->on ? "on" : "off";
	case PARAMETER_CHOICE:
		return value->choice;
	case PARAMETER_NUMBER:
		return arena_printf(arena, "%" PRIu64, value->number);
	}
	return "";
}

/* ------------------------------------------------------------ reading ---------------------------
 */

/* The settings of one host, or of all, while references between them are followed. */
struct table {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
	struct setting **settings; /* [instance][parameter] */
	enum progress {
		PROGRESS_NONE,
		PROGRESS_BEGUN,
		PROGRESS_DONE,
	} *
		*progress;
	unsigned depth;
};

static bool follow(struct table *table, const struct reference *reference);

/* The setting that a term of holder refers to, followed itself; NULL after an error. */
static const struct setting *refer(struct table *table, const struct reference *holder,
				   const char *name, struct position at, enum parameter_type type)
{
	size_t instance = (size_t)(holder->instance - table->policy->instances);
	const struct parameter *parameter;
	struct reference reference;

	if (!table->settings[instance][holder->index].is_set) /* in its own catalog: just "p" */
		name = arena_printf(table->arena, "%s/%s", holder->instance->name, name);
	if (!reference_find(table->arena, table->diagnostics, table->policy, REFERENCE_PARAMETER,
			    name, at, &reference))
		return NULL;
	parameter = &reference.instance->catalog->parameters.items[reference.index];
	if (parameter->type != type) {
		diagnostics_error(table->diagnostics, at,
				  "`$%s` can't stand here: that parameter is not of type %s", name,
				  type == PARAMETER_PORTS ? "ports" : "services");
		return NULL;
	}
	if (!follow(table, &reference))
		return NULL;
	instance = (size_t)(reference.instance - table->policy->instances);
	return &table->settings[instance][reference.index];
}

/* *lacking becomes true if the term refers to a parameter that has no value. */
static bool flatten_ports(struct table *table, const struct reference *holder,
			  const struct port_term *term, port_term_list *flat, bool *lacking)
{
	const struct setting *setting;

	if (term->kind != PORTS_PARAMETER) {
		*arena_push(table->arena, flat) = *term;
		return true;
	}
	setting = refer(table, holder, term->parameter, term->at, PARAMETER_PORTS);
	if (!setting)
		return false;
	*lacking |= !setting->has_value;
	if (setting->has_value && !setting->value.none) {
		list_for_each (other, &setting->value.ports)
			*arena_push(table->arena, flat) = *other;
	}
	return true;
}

static bool flatten_service(struct table *table, const struct reference *holder,
			    const struct service_term *term, service_term_list *flat, bool *lacking)
{
	const struct setting *setting;
	port_term_list ports = {0};

	switch (term->kind) {
	case SERVICE_PROTOCOL:
	case SERVICE_ECHO:
		*arena_push(table->arena, flat) = *term;
		return true;
	case SERVICE_PORTS:
		if (!flatten_ports(table, holder, &term->ports, &ports, lacking))
			return false;
		list_for_each (port, &ports) {
			struct service_term *one = arena_push(table->arena, flat);

			*one = *term;
			one->ports = *port;
		}
		return true;
	case SERVICE_PARAMETER:
		setting = refer(table, holder, term->parameter, term->at, PARAMETER_SERVICES);
		if (!setting)
			return false;
		*lacking |= !setting->has_value;
		if (setting->has_value && !setting->value.none) {
			list_for_each (other, &setting->value.services)
				*arena_push(table->arena, flat) = *other;
		}
		return true;
	}
	return true;
}

static bool flatten(struct table *table, const struct reference *holder, struct setting *setting)
{
	struct parameter_value value = setting->value;
	service_term_list services = {0};
	port_term_list ports = {0};
	bool lacking = false;

	list_for_each (term, &value.ports) {
		if (!flatten_ports(table, holder, term, &ports, &lacking))
			return false;
	}
	list_for_each (term, &value.services) {
		if (!flatten_service(table, holder, term, &services, &lacking))
			return false;
	}
	setting->value.ports = ports;
	setting->value.services = services;
	setting->has_value = !lacking;
	return true;
}

/* Replaces the references in one setting by what they refer to. False after an error. */
static bool follow(struct table *table, const struct reference *reference)
{
	size_t instance = (size_t)(reference->instance - table->policy->instances);
	struct setting *setting = &table->settings[instance][reference->index];
	enum progress *progress = &table->progress[instance][reference->index];
	const char *name =
		reference->instance->catalog->parameters.items[reference->index].name.text;
	bool followed;

	if (*progress == PROGRESS_DONE || !setting->has_value)
		return true;
	if (*progress == PROGRESS_BEGUN) {
		diagnostics_error(table->diagnostics, setting->value.at,
				  "`%s/%s` refers to itself, so it has no value: set it to ports",
				  reference->instance->name, name);
		return false;
	}
	if (table->depth == REFERENCE_DEPTH_MAX) {
		diagnostics_error(table->diagnostics, setting->value.at,
				  "`%s/%s` stands at the end of more than %u references "
				  "(REFERENCE_DEPTH_MAX): set it to ports",
				  reference->instance->name, name, REFERENCE_DEPTH_MAX);
		return false;
	}
	*progress = PROGRESS_BEGUN;
	table->depth++;
	followed = flatten(table, reference, setting);
	table->depth--;
	*progress = PROGRESS_DONE;
	return followed;
}

static size_t parameter_count(const struct instance *instance)
{
	return instance->catalog ? instance->catalog->parameters.count : 0;
}

static bool follow_all(struct arena *arena, struct diagnostics *diagnostics,
		       const struct policy *policy, struct setting **settings)
{
	struct table table = {arena, diagnostics, policy, settings, NULL, 0};
	bool followed = true;

	table.progress = arena_alloc(arena, policy->instance_count * sizeof(*table.progress));
	for (size_t i = 0; i < policy->instance_count; i++)
		table.progress[i] = arena_alloc(arena, parameter_count(&policy->instances[i]) *
							       sizeof(**table.progress));
	for (size_t i = 0; i < policy->instance_count; i++) {
		for (size_t j = 0; j < parameter_count(&policy->instances[i]); j++) {
			struct reference reference = {&policy->instances[i], j};

			if (!follow(&table, &reference))
				followed = false;
		}
	}
	return followed;
}

static struct setting *defaults(struct arena *arena, const struct catalog *catalog)
{
	struct setting *settings =
		arena_alloc(arena, catalog->parameters.count * sizeof(*settings));

	for (size_t i = 0; i < catalog->parameters.count; i++) {
		settings[i].has_value = catalog->parameters.items[i].has_default;
		settings[i].value = catalog->parameters.items[i].standard;
	}
	return settings;
}

static bool refers(const struct parameter_value *value)
{
	list_for_each (term, &value->ports) {
		if (term->kind == PORTS_PARAMETER)
			return true;
	}
	list_for_each (term, &value->services) {
		if (term->kind == SERVICE_PARAMETER ||
		    (term->kind == SERVICE_PORTS && term->ports.kind == PORTS_PARAMETER))
			return true;
	}
	return false;
}

static void read_list(struct arena *arena, struct diagnostics *diagnostics,
		      const struct policy *policy, const site_parameter_list *list,
		      struct setting **settings)
{
	list_for_each (item, list) {
		struct reference reference;
		struct setting *setting;

		if (!reference_find(arena, diagnostics, policy, REFERENCE_PARAMETER,
				    item->name.text, item->name.at, &reference))
			continue;
		setting = &settings[reference.instance - policy->instances][reference.index];
		if (parameter_value_read(
			    arena, diagnostics, item->value,
			    &reference.instance->catalog->parameters.items[reference.index],
			    &setting->value)) {
			setting->is_set = true;
			setting->has_value = true;
			setting->refers = refers(&setting->value);
		}
	}
}

/* Of ports and services: is all of inner in outer? */
static bool value_covers(struct arena *arena, enum parameter_type type,
			 const struct parameter_value *outer, const struct parameter_value *inner)
{
	struct scope scope = {.arena = arena};
	struct service_list services[2] = {0};
	struct port_list ports[2] = {0};
	struct lack lack;

	if (type == PARAMETER_PORTS) {
		scope_ports(&scope, &outer->ports, &ports[0], &lack);
		scope_ports(&scope, &inner->ports, &ports[1], &lack);
		return port_list_covers(&ports[0], &ports[1]);
	}
	scope_services(&scope, &outer->services, &services[0], &lack);
	scope_services(&scope, &inner->services, &services[1], &lack);
	return service_list_covers(&services[0], &services[1]);
}

static void check_choice(struct arena *arena, struct diagnostics *diagnostics, const char *name,
			 const struct parameter *parameter, const struct setting *setting)
{
	const struct setting within = {.value = parameter->within};
	const struct setting standard = {.value = parameter->standard};
	const struct parameter_value *value = &setting->value;

	if (parameter->has_within &&
	    !value_covers(arena, parameter->type, &parameter->within, value))
		diagnostics_error(diagnostics, value->at,
				  "`%s` comes to %s, but must lie within %s", name,
				  setting_format(arena, parameter, setting),
				  setting_format(arena, parameter, &within));
	else if (parameter->narrower_warns && parameter->has_default &&
		 !value_covers(arena, parameter->type, value, &parameter->standard))
		diagnostics_warning(diagnostics, value->at,
				    "`%s` comes to %s, narrower than the %s that the document "
				    "gives",
				    name, setting_format(arena, parameter, setting),
				    setting_format(arena, parameter, &standard));
}

/* Values without references were held against within and default when they were read. */
static void check_choices(struct arena *arena, struct diagnostics *diagnostics,
			  const struct policy *policy, const site_parameter_list *list,
			  struct setting **settings)
{
	list_for_each (item, list) {
		const struct parameter *parameter;
		const struct setting *setting;
		struct reference reference;

		if (!reference_find(arena, NULL, policy, REFERENCE_PARAMETER, item->name.text,
				    item->name.at, &reference))
			continue;
		parameter = &reference.instance->catalog->parameters.items[reference.index];
		setting = &settings[reference.instance - policy->instances][reference.index];
		if (setting->refers && setting->has_value)
			check_choice(arena, diagnostics, item->name.text, parameter, setting);
	}
}

static struct setting **copy_settings(struct arena *arena, const struct policy *policy,
				      struct setting *const *settings)
{
	struct setting **copy = arena_alloc(arena, policy->instance_count * sizeof(*copy));

	for (size_t i = 0; i < policy->instance_count; i++) {
		size_t bytes = parameter_count(&policy->instances[i]) * sizeof(**copy);

		copy[i] = arena_alloc(arena, bytes);
		if (bytes)
			memcpy(copy[i], settings[i], bytes);
	}
	return copy;
}

void values_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy)
{
	const struct site *site = policy->site;
	struct setting **common = arena_alloc(arena, policy->instance_count * sizeof(*common));

	for (size_t i = 0; i < policy->instance_count; i++) {
		if (policy->instances[i].catalog)
			policy->instances[i].settings =
				defaults(arena, policy->instances[i].catalog);
		common[i] = policy->instances[i].settings;
	}
	read_list(arena, diagnostics, policy, &site->parameters, common);
	/* A host's values start from what was written for all, before references were followed:
	 * they may lead elsewhere on this host. */
	for (size_t i = 0; i < site->hosts.count; i++) {
		const struct site_host *host = &site->hosts.items[i];

		if (!host->parameters.count)
			continue;
		policy->host_settings[i] = copy_settings(arena, policy, common);
		read_list(arena, diagnostics, policy, &host->parameters, policy->host_settings[i]);
	}
	if (!follow_all(arena, diagnostics, policy, common))
		return;
	check_choices(arena, diagnostics, policy, &site->parameters, common);
	for (size_t i = 0; i < site->hosts.count; i++) {
		if (!policy->host_settings[i] ||
		    !follow_all(arena, diagnostics, policy, policy->host_settings[i]))
			continue;
		check_choices(arena, diagnostics, policy, &site->hosts.items[i].parameters,
			      policy->host_settings[i]);
	}
}
