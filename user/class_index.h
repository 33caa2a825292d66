/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open hash from hashes to numbers: the caller keeps what the numbers stand for, and compares
 * it. Lives in an arena; all zero is an empty one.
 */
#ifndef SALLYPORT_CLASS_INDEX_H
#define SALLYPORT_CLASS_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

struct class_index {
	struct class_index_slot {
		uint64_t hash;
		uint32_t number;
		bool taken;
	} * slots;
	uint32_t count;
	uint32_t capacity; /* a power of two, or 0 */
};

void class_index_add(struct arena *arena, struct class_index *index, uint64_t hash,
		     uint32_t number);

/*
 * The numbers that were added under a hash, one a call, in no order that may be relied on. cursor
 * begins as 0; false: there are no more.
 */
bool class_index_next(const struct class_index *index, uint64_t hash, uint32_t *cursor,
		      uint32_t *ret_number);

/* Puts length bytes into a hash that begins as CLASS_HASH_START. */
#define CLASS_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t class_hash(uint64_t hash, const void *bytes, size_t length);

#endif
