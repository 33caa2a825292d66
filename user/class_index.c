/* SPDX-License-Identifier: BSD-2-Clause */
#include "class_index.h"

#include <string.h>

#define CAPACITY_MIN 64u

static void place(struct class_index *index, uint64_t hash, uint32_t number)
{
	uint32_t at = (uint32_t)hash & (index->capacity - 1);

	while (index->slots[at].taken)
		at = (at + 1) & (index->capacity - 1);
	index->slots[at] = (struct class_index_slot){hash, number, true};
}

static void grow(struct arena *arena, struct class_index *index)
{
	struct class_index old = *index;

	index->capacity = old.capacity ? old.capacity * 2 : CAPACITY_MIN;
	index->slots = arena_alloc(arena, index->capacity * sizeof(*index->slots));
	for (uint32_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].taken)
			place(index, old.slots[i].hash, old.slots[i].number);
	}
}

void class_index_add(struct arena *arena, struct class_index *index, uint64_t hash, uint32_t number)
{
	if (index->count >= index->capacity / 2)
		grow(arena, index);
	place(index, hash, number);
	index->count++;
}

bool class_index_next(const struct class_index *index, uint64_t hash, uint32_t *cursor,
		      uint32_t *ret_number)
{
	if (!index->capacity)
		return false;
	for (;;) {
		uint32_t at = ((uint32_t)hash + *cursor) & (index->capacity - 1);

		if (!index->slots[at].taken)
			return false;
		(*cursor)++;
		if (index->slots[at].hash == hash) {
			*ret_number = index->slots[at].number;
			return true;
		}
	}
}

/* One step of 64 bits: multiply and fold, so that the low bits depend on all of them. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t class_hash(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	uint64_t word;

	hash = mix(hash, length + 1);
	for (; length >= sizeof(word); length -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash, word);
	}
	if (length) {
		word = 0;
		memcpy(&word, at, length);
		hash = mix(hash, word);
	}
	return hash;
}
