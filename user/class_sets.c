/* SPDX-License-Identifier: BSD-2-Clause */
#include "class_sets.h"

#include <string.h>

#include "class_index.h"

/* An answer that class_sets_with() gave. */
struct extension {
	uint32_t set;
	uint32_t number;
	uint32_t result;
};

struct class_sets {
	struct arena *arena;
	LIST(struct class_set) sets;
	struct class_index by_content;
	LIST(struct extension) extensions;
	struct class_index by_extension;
	number_list work;
};

struct class_sets *class_sets_new(struct arena *arena)
{
	struct class_sets *sets = arena_alloc(arena, sizeof(*sets));

	sets->arena = arena;
	class_sets_add(sets, NULL, 0);
	return sets;
}

uint32_t class_sets_add(struct class_sets *sets, const uint32_t *items, size_t count)
{
	uint64_t hash = class_hash(CLASS_HASH_START, items, count * sizeof(*items));
	uint32_t cursor = 0;
	uint32_t set;
	uint32_t *copy;

	while (class_index_next(&sets->by_content, hash, &cursor, &set)) {
		const struct class_set *known = &sets->sets.items[set];

		if (known->count == count &&
		    (!count || !memcmp(known->items, items, count * sizeof(*items))))
			return set;
	}
	set = (uint32_t)sets->sets.count;
	copy = arena_alloc(sets->arena, count * sizeof(*items));
	if (count)
		memcpy(copy, items, count * sizeof(*items));
	*arena_push(sets->arena, &sets->sets) = (struct class_set){copy, (uint32_t)count};
	class_index_add(sets->arena, &sets->by_content, hash, set);
	return set;
}

static uint32_t extend(struct class_sets *sets, uint32_t set, uint32_t number)
{
	struct class_set old = class_sets_get(sets, set);
	uint32_t at = 0;

	sets->work.count = 0;
	for (; at < old.count && old.items[at] < number; at++)
		*arena_push(sets->arena, &sets->work) = old.items[at];
	if (at < old.count && old.items[at] == number)
		return set;
	*arena_push(sets->arena, &sets->work) = number;
	for (; at < old.count; at++)
		*arena_push(sets->arena, &sets->work) = old.items[at];
	return class_sets_add(sets, sets->work.items, sets->work.count);
}

uint32_t class_sets_with(struct class_sets *sets, uint32_t set, uint32_t number)
{
	const uint32_t key[] = {set, number};
	uint64_t hash = class_hash(CLASS_HASH_START, key, sizeof(key));
	struct extension extension = {.set = set, .number = number};
	uint32_t cursor = 0;
	uint32_t found;

	while (class_index_next(&sets->by_extension, hash, &cursor, &found)) {
		const struct extension *known = &sets->extensions.items[found];

		if (known->set == set && known->number == number)
			return known->result;
	}
	extension.result = extend(sets, set, number);
	class_index_add(sets->arena, &sets->by_extension, hash, (uint32_t)sets->extensions.count);
	*arena_push(sets->arena, &sets->extensions) = extension;
	return extension.result;
}

struct class_set class_sets_get(const struct class_sets *sets, uint32_t set)
{
	return sets->sets.items[set];
}

uint32_t class_sets_count(const struct class_sets *sets)
{
	return (uint32_t)sets->sets.count;
}

struct class_holders class_sets_holders(const struct class_sets *sets, struct arena *arena,
					uint32_t limit)
{
	struct class_holders holders;
	uint32_t *next = arena_alloc(arena, ((size_t)limit + 1) * sizeof(*next));

	holders.start = arena_alloc(arena, ((size_t)limit + 1) * sizeof(*holders.start));
	list_for_each (set, &sets->sets) {
		for (uint32_t i = 0; i < set->count; i++)
			holders.start[set->items[i] + 1]++;
	}
	for (uint32_t i = 0; i < limit; i++) {
		holders.start[i + 1] += holders.start[i];
		next[i + 1] = holders.start[i + 1];
	}
	holders.items = arena_alloc(arena, (size_t)holders.start[limit] * sizeof(*holders.items));
	for (uint32_t i = 0; i < sets->sets.count; i++) {
		const struct class_set *set = &sets->sets.items[i];

		for (uint32_t j = 0; j < set->count; j++)
			holders.items[next[set->items[j]]++] = i;
	}
	return holders;
}
