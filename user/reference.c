/* SPDX-License-Identifier: BSD-2-Clause */
#include "reference.h"

#include <string.h>

static const char *const nouns[] = {
	[REFERENCE_ROLE] = "role",
	[REFERENCE_GROUP] = "group",
	[REFERENCE_PARAMETER] = "parameter",
	[REFERENCE_FLOW] = "flow",
};

static size_t kind_count(const struct catalog *catalog, enum reference_kind kind)
{
	switch (kind) {
	case REFERENCE_ROLE:
		return catalog->roles.count;
	case REFERENCE_GROUP:
		return catalog->groups.count;
	case REFERENCE_PARAMETER:
		return catalog->parameters.count;
	case REFERENCE_FLOW:
		return catalog->flows.count;
	}
	return 0;
}

static const char *kind_name(const struct catalog *catalog, enum reference_kind kind, size_t index)
{
	switch (kind) {
	case REFERENCE_ROLE:
		return catalog->roles.items[index].id.text;
	case REFERENCE_GROUP:
		return catalog->groups.items[index].id.text;
	case REFERENCE_PARAMETER:
		return catalog->parameters.items[index].name.text;
	case REFERENCE_FLOW:
		return catalog->flows.items[index].id.text;
	}
	return "";
}

static void add_names(struct arena *arena, word_list *names, const struct catalog *catalog,
		      enum reference_kind kind)
{
	for (size_t i = 0; i < kind_count(catalog, kind); i++)
		*arena_push(arena, names) = (struct word){.text = kind_name(catalog, kind, i)};
}

const char *did_you_mean(struct arena *arena, const char *word, const word_list *candidates)
{
	const char **names;
	const char *nearest;

	if (!candidates->count)
		return "";
	names = arena_alloc(arena, candidates->count * sizeof(*names));
	for (size_t i = 0; i < candidates->count; i++)
		names[i] = candidates->items[i].text;
	nearest = nearest_name(word, names, candidates->count);
	return nearest ? arena_printf(arena, "; did you mean `%s`?", nearest) : "";
}

static void report_name(struct arena *arena, struct diagnostics *diagnostics,
			const struct instance *instance, enum reference_kind kind, const char *name,
			struct position at)
{
	const struct group *group;
	word_list names = {0};
	const char *roles = "";

	group = kind == REFERENCE_ROLE ? catalog_group(instance->catalog, name) : NULL;
	if (group) {
		list_for_each (role, &group->roles) {
			roles = arena_printf(arena, "%s%s%s/%s", roles, *roles ? ", " : "",
					     instance->name, role->text);
		}
		diagnostics_error(
			diagnostics, at,
			"`%s/%s` is a group, and only roles can be bound; its roles are %s",
			instance->name, name, roles);
		return;
	}
	add_names(arena, &names, instance->catalog, kind);
	diagnostics_error(diagnostics, at, "catalog `%s` has no %s `%s`%s", instance->name,
			  nouns[kind], name, did_you_mean(arena, name, &names));
}

static bool find_in_catalog(const struct catalog *catalog, enum reference_kind kind,
			    const char *name, size_t *ret_index)
{
	const struct role *role;
	const struct group *group;
	const struct parameter *parameter;
	const struct flow_rule *flow;

	switch (kind) {
	case REFERENCE_ROLE:
		role = catalog_role(catalog, name);
		*ret_index = role ? (size_t)(role - catalog->roles.items) : 0;
		return role != NULL;
	case REFERENCE_GROUP:
		group = catalog_group(catalog, name);
		*ret_index = group ? (size_t)(group - catalog->groups.items) : 0;
		return group != NULL;
	case REFERENCE_PARAMETER:
		parameter = catalog_parameter(catalog, name);
		*ret_index = parameter ? (size_t)(parameter - catalog->parameters.items) : 0;
		return parameter != NULL;
	case REFERENCE_FLOW:
		flow = catalog_flow(catalog, name);
		*ret_index = flow ? (size_t)(flow - catalog->flows.items) : 0;
		return flow != NULL;
	}
	return false;
}

bool reference_find(struct arena *arena, struct diagnostics *diagnostics,
		    const struct policy *policy, enum reference_kind kind, const char *text,
		    struct position at, struct reference *ret_reference)
{
	const struct instance *instance = NULL;
	size_t length = strcspn(text, "/");
	struct reference reference;

	for (size_t i = 0; text[length] && i < policy->instance_count; i++) {
		const char *name = policy->instances[i].name;

		if (strlen(name) == length && !memcmp(name, text, length))
			instance = &policy->instances[i];
	}
	if (!instance || !instance->catalog)
		return false;
	reference.instance = instance;
	if (find_in_catalog(instance->catalog, kind, text + length + 1, &reference.index)) {
		*ret_reference = reference;
		return true;
	}
	if (diagnostics)
		report_name(arena, diagnostics, instance, kind, text + length + 1, at);
	return false;
}

static bool is_ports(struct arena *arena, struct diagnostics *diagnostics,
		     const struct policy *policy, const struct port_term *term)
{
	const struct parameter *parameter;
	struct reference reference;

	if (term->kind != PORTS_PARAMETER)
		return true;
	if (!reference_find(arena, diagnostics, policy, REFERENCE_PARAMETER, term->parameter,
			    term->at, &reference))
		return false;
	parameter = &reference.instance->catalog->parameters.items[reference.index];
	if (parameter->type == PARAMETER_PORTS)
		return true;
	diagnostics_error(diagnostics, term->at,
			  "`$%s` can't stand here: that parameter is not of type ports",
			  term->parameter);
	return false;
}

bool reference_are_ports(struct arena *arena, struct diagnostics *diagnostics,
			 const struct policy *policy, const port_term_list *terms)
{
	bool good = true;

	list_for_each (term, terms)
		good &= is_ports(arena, diagnostics, policy, term);
	return good;
}
