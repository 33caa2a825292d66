/* SPDX-License-Identifier: BSD-2-Clause */
#include "compile_terms.h"

#include <errno.h>
#include <string.h>

#include "class_index.h"

/* What no unicast rule means: multicast and the limited broadcast address. */
static const struct prefix group_prefixes[] = {
	{{.family = 4, .bytes = {224}}, 4},
	{{.family = 4, .bytes = {255, 255, 255, 255}}, 32},
	{{.family = 6, .bytes = {0xff}}, 8},
};

struct builder {
	struct arena *scratch;
	struct terms *terms;
	struct class_index by_pointer; /* most rules share their lists */
	LIST(struct seen {
		const struct prefix_list *prefixes;
		uint32_t list;
	})
	seen;
	struct class_index by_content;
	struct class_index by_role;
};

int compile_over_bound(struct diagnostics *diagnostics, const char *name, uint32_t bound,
		       const char *what, const char *way_out)
{
	diagnostics_error(diagnostics, (struct position){0},
			  "%s: more than %s (%u); nothing is compiled: %s", what, name, bound,
			  way_out);
	return -E2BIG;
}

static uint32_t list_by_content(struct builder *builder, const struct prefix_list *prefixes)
{
	uint64_t hash = class_hash(CLASS_HASH_START, prefixes->items,
				   prefixes->count * sizeof(*prefixes->items));
	uint32_t cursor = 0;
	uint32_t list;

	while (class_index_next(&builder->by_content, hash, &cursor, &list)) {
		if (prefix_list_equal(builder->terms->lists.items[list].prefixes, prefixes))
			return list;
	}
	list = (uint32_t)builder->terms->lists.count;
	*arena_push(builder->scratch, &builder->terms->lists) =
		(struct address_list){.prefixes = prefixes};
	class_index_add(builder->scratch, &builder->by_content, hash, list);
	return list;
}

static uint32_t list_number(struct builder *builder, const struct prefix_list *prefixes)
{
	uint64_t hash = class_hash(CLASS_HASH_START, &prefixes, sizeof(prefixes));
	uint32_t cursor = 0;
	uint32_t found;
	uint32_t list;

	while (class_index_next(&builder->by_pointer, hash, &cursor, &found)) {
		/* What the index finds was pushed before. */
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		if (builder->seen.items[found].prefixes == prefixes)
			return builder->seen.items[found].list;
	}
	list = list_by_content(builder, prefixes);
	class_index_add(builder->scratch, &builder->by_pointer, hash,
			(uint32_t)builder->seen.count);
	*arena_push(builder->scratch, &builder->seen) = (struct seen){prefixes, list};
	return list;
}

static struct address_list *list_of(struct builder *builder, const struct prefix_list *prefixes)
{
	uint32_t list = list_number(builder, prefixes);

	return &builder->terms->lists.items[list];
}

static void add_term(struct builder *builder, const struct rule *rule, uint16_t index,
		     const struct match *match)
{
	struct terms *terms = builder->terms;
	uint32_t number = (uint32_t)terms->items.count;
	struct term term = {
		.direction = rule->direction,
		.protocol = match->protocol,
		.rule = index,
		.options = (uint16_t)match->options,
		.ports = {[END_NEAR] = &match->local_ports, [END_FAR] = &match->remote_ports},
		.lists = {[END_NEAR] = LIST_EVERYWHERE},
	};
	number_list *near = &terms->everywhere;
	number_list *far;

	term.lists[END_FAR] = list_number(builder, match->remote);
	if (match->local) {
		term.lists[END_NEAR] = list_number(builder, match->local);
		near = &terms->lists.items[term.lists[END_NEAR]].terms[END_NEAR];
	}
	far = &terms->lists.items[term.lists[END_FAR]].terms[END_FAR];
	*arena_push(builder->scratch, near) = number;
	*arena_push(builder->scratch, far) = number;
	*arena_push(builder->scratch, &terms->items) = term;
}

static void add_terms(struct builder *builder, const struct host_policy *host, unsigned options)
{
	for (size_t i = 0; i < host->rule_count; i++) {
		const struct rule *rule = &host->rules[i];

		for (size_t j = 0; j < rule->match_count; j++) {
			const struct match *match = &rule->matches[j];

			if ((unsigned)__builtin_popcount(match->options) == options)
				add_term(builder, rule, (uint16_t)i, match);
		}
	}
}

/* A role that stands in several peers is one label. Returns its index. */
static size_t role_number(struct builder *builder, struct tables *tables, const char *role)
{
	uint64_t hash = class_hash(CLASS_HASH_START, role, strlen(role));
	uint32_t cursor = 0;
	uint32_t found;

	while (class_index_next(&builder->by_role, hash, &cursor, &found)) {
		if (!strcmp(tables->roles[found], role))
			return found;
	}
	class_index_add(builder->scratch, &builder->by_role, hash, (uint32_t)tables->role_count);
	tables->roles[tables->role_count] = role;
	return tables->role_count++;
}

static int add_roles(struct builder *builder, const struct host_policy *host,
		     struct diagnostics *diagnostics, struct tables *tables)
{
	uint16_t *roles = arena_alloc(builder->scratch, host->peer_count * sizeof(*roles));

	builder->terms->role_of_peer = roles;
	tables->roles = arena_alloc(tables->arena, host->peer_count * sizeof(*tables->roles));
	for (size_t i = 0; i < host->peer_count; i++) {
		struct address_list *list = list_of(builder, host->peers[i].addresses);
		size_t role = role_number(builder, tables, host->peers[i].role);

		if (role >= CLASSES_MAX)
			return compile_over(diagnostics, CLASSES_MAX,
					    "the roles of this host's peers",
					    "bind fewer of the roles that it talks to");
		roles[i] = (uint16_t)(role + 1);
		if (!list->peer)
			list->peer = (uint32_t)i + 1;
	}
	return 0;
}

static int check_bounds(const struct host_policy *host, struct diagnostics *diagnostics)
{
	size_t matches = 0;

	if (host->rule_count > RULES_MAX)
		return compile_over(diagnostics, RULES_MAX, "the rules of this host",
				    "give it fewer roles, or take flows out with without:");
	for (size_t i = 0; i < host->rule_count; i++)
		matches += host->rules[i].match_count;
	if (matches > MATCHES_MAX)
		return compile_over(diagnostics, MATCHES_MAX, "the terms of this host's rules",
				    "give it fewer roles, or take flows out with without:");
	if (host->own.count + host->floating.count > LOCAL_ADDRESSES_MAX)
		return compile_over(diagnostics, LOCAL_ADDRESSES_MAX,
				    "this host's own and floating addresses",
				    "list only those that rules need");
	return 0;
}

int compile_terms(struct arena *scratch, const struct host_policy *host,
		  struct diagnostics *diagnostics, struct tables *tables, struct terms *ret_terms)
{
	struct terms terms = {0};
	struct builder builder = {.scratch = scratch, .terms = &terms};
	struct prefix_list *groups = arena_alloc(scratch, sizeof(*groups));
	int error = check_bounds(host, diagnostics);

	if (error)
		return error;
	for (unsigned options = 0; options <= RULE_OPTION_COUNT; options++)
		add_terms(&builder, host, options);
	tables->rules = host->rules;
	tables->rule_count = host->rule_count;
	list_of(&builder, &host->own)->own = true;
	list_of(&builder, &host->floating)->floating = true;
	for (size_t i = 0; i < sizeof(group_prefixes) / sizeof(group_prefixes[0]); i++)
		prefix_list_add(scratch, groups, &group_prefixes[i]);
	list_of(&builder, groups)->group = true;
	error = add_roles(&builder, host, diagnostics, tables);
	if (error)
		return error;
	*ret_terms = terms;
	return 0;
}
