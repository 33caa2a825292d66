/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is freed all at once. Each stage of the pipeline owns one arena and frees it when its
 * output is no longer needed. Memory comes zeroed; running out of it ends the program with a
 * message (exit 1): a policy that is in force on the wire does not depend on this process.
 */
#ifndef SALLYPORT_ARENA_H
#define SALLYPORT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);
/* For cleanup attributes. */
void arena_freep(struct arena **arena);

void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments);

/*
 * Lists: a struct of { T *items; size_t count; size_t capacity; }. LIST(T) names it, arena_push()
 * returns a pointer to a new zeroed element at its end. Pointers to elements are good until the
 * next push.
 */
#define LIST(T)                                                                                    \
	struct {                                                                                   \
		T *items;                                                                          \
		size_t count;                                                                      \
		size_t capacity;                                                                   \
	}

#define arena_push(arena, list)                                                                    \
	((list)->items = arena_grow((arena), (list)->items, (list)->count, &(list)->capacity,      \
				    sizeof(*(list)->items)),                                       \
	 &(list)->items[(list)->count++])

#define list_for_each(item, list)                                                                  \
	for (__typeof__(*(list)->items) *item = (list)->items;                                     \
	     (item) < (list)->items + (list)->count; (item)++)

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size);

#define cleanup(function) __attribute__((cleanup(function)))

#endif
