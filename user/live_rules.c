/* SPDX-License-Identifier: BSD-2-Clause */
#include "live_rules.h"

#include <string.h>

#include <bpf/bpf.h>

#include "../include/abi.h"

static const char *or_null(struct arena *arena, const char *text)
{
	return *text ? arena_strdup(arena, text) : NULL;
}

static struct rule *rule_of_info(struct arena *arena, const struct rule_info *info)
{
	struct rule *rule = arena_alloc(arena, sizeof(*rule));

	rule->id = arena_strdup(arena, info->id);
	rule->direction = strcmp(info->direction, "in") == 0 ? DIRECTION_IN : DIRECTION_OUT;
	rule->from = arena_strdup(arena, info->from);
	rule->to = arena_strdup(arena, info->to);
	rule->services = arena_strdup(arena, info->services);
	rule->citations = arena_alloc(arena, sizeof(*rule->citations));
	rule->citations[0].document = or_null(arena, info->document);
	rule->citations[0].section = or_null(arena, info->section);
	rule->citations[0].row = or_null(arena, info->row);
	rule->citations[0].lines = or_null(arena, info->lines);
	rule->citation_count = rule->citations[0].section || rule->citations[0].document ? 1 : 0;
	return rule;
}

const struct rule **live_rules_read(struct arena *arena, int fd)
{
	const struct rule **rules = arena_alloc(arena, RULE_SLOTS_MAX * sizeof(*rules));
	struct rule_info info;
	__u32 slot, *previous = NULL, last;

	while (!bpf_map_get_next_key(fd, previous, &slot)) {
		if (slot < RULE_SLOTS_MAX && !bpf_map_lookup_elem(fd, &slot, &info))
			rules[slot] = rule_of_info(arena, &info);
		last = slot;
		previous = &last;
	}
	return rules;
}
