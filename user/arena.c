/* SPDX-License-Identifier: BSD-2-Clause */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES_MIN (64u << 10)

struct block {
	struct block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks;
};

static void out_of_memory(size_t bytes)
{
	fprintf(stderr, "sallyport: out of memory (%zu bytes asked for); nothing was changed\n",
		bytes);
	exit(1);
}

static void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		out_of_memory(bytes);
	return memory;
}

struct arena *arena_new(void)
{
	return allocate(sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	struct block *block;

	if (!arena)
		return;
	block = arena->blocks;
	while (block) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

static struct block *block_new(struct arena *arena, size_t bytes)
{
	/* Grow with what is there, so that a large policy takes few blocks. */
	size_t size = arena->blocks ? arena->blocks->size : BLOCK_BYTES_MIN;
	struct block *block;

	if (size < (16u << 20))
		size *= 2;
	if (size < bytes)
		size = bytes;
	block = allocate(sizeof(*block) + size);
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	const size_t alignment = alignof(max_align_t);
	struct block *block = arena->blocks;
	void *memory;

	if (bytes > SIZE_MAX / 4)
		out_of_memory(bytes);
	bytes = (bytes + alignment - 1) & ~(alignment - 1);
	if (!block || block->size - block->used < bytes)
		block = block_new(arena, bytes);
	memory = block->bytes + block->used;
	block->used += bytes;
	return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	void *grown;

	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 8;
	grown = arena_alloc(arena, *capacity * size);
	if (count)
		memcpy(grown, items, count * size);
	return grown;
}
