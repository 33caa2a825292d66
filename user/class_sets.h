/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of numbers, each kept once and known by its own number from then on: what makes classes of
 * ports, of addresses and of ends. Set 0 is the empty one; the others are numbered in the order in
 * which they were first asked for.
 */
#ifndef SALLYPORT_CLASS_SETS_H
#define SALLYPORT_CLASS_SETS_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"

typedef LIST(uint32_t) number_list;

struct class_set {
	const uint32_t *items; /* ascending, none twice */
	uint32_t count;
};

struct class_sets;

/* Lives in the arena, and so does all that it gives out. */
struct class_sets *class_sets_new(struct arena *arena);

/* The set of these numbers, which are ascending, none twice. */
uint32_t class_sets_add(struct class_sets *sets, const uint32_t *items, size_t count);

/* The set with one more number. Asked for again, it costs one look-up, however large the set. */
uint32_t class_sets_with(struct class_sets *sets, uint32_t set, uint32_t number);

struct class_set class_sets_get(const struct class_sets *sets, uint32_t set);
uint32_t class_sets_count(const struct class_sets *sets); /* with the empty one */

/* Which sets hold a number: items[start[number]] up to items[start[number + 1]], ascending. */
struct class_holders {
	uint32_t *start;
	uint32_t *items;
};

/* For the numbers below limit, which all numbers in the sets must be. */
struct class_holders class_sets_holders(const struct class_sets *sets, struct arena *arena,
					uint32_t limit);

#endif
