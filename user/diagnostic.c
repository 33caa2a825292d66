/* SPDX-License-Identifier: BSD-2-Clause */
#include "diagnostic.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../include/bounds.h"
#include "arena.h"

#define SEVERITY_COUNT (SEVERITY_NOTE + 1)
/* Longer than an "instance/name" no word can be right. */
#define WORD_BYTES_MAX (2 * NAME_BYTES_MAX + 1)
/* A suggestion is a courtesy: a hostile file must not make it dear. */
#define CANDIDATES_MAX 4096

struct diagnostic {
	struct position at;
	enum severity severity;
	char *message;
};

struct diagnostics {
	struct arena *arena;
	LIST(struct diagnostic) list;
	size_t count[SEVERITY_COUNT];
};

static const char *const severity_words[SEVERITY_COUNT] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_REMARK] = "note",
	[SEVERITY_NOTE] = "note",
};

struct diagnostics *diagnostics_new(void)
{
	struct arena *arena = arena_new();
	struct diagnostics *diagnostics = arena_alloc(arena, sizeof(*diagnostics));

	diagnostics->arena = arena;
	return diagnostics;
}

void diagnostics_free(struct diagnostics *diagnostics)
{
	if (diagnostics)
		arena_free(diagnostics->arena);
}

void diagnostics_freep(struct diagnostics **diagnostics)
{
	diagnostics_free(*diagnostics);
}

/* Bytes of the UTF-8 character at text that may go to a terminal as it is; 0: it may not. */
static size_t printable_bytes(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	size_t i;

	if (text[0] < 0x20 || text[0] == 0x7f || (text[0] >= 0x80 && text[0] < 0xc2) ||
	    text[0] > 0xf4)
		return 0;
	for (i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* C1 controls, overlong forms, surrogates, above U+10FFFF. */
	if ((text[0] == 0xc2 && text[1] < 0xa0) || (text[0] == 0xe0 && text[1] < 0xa0) ||
	    (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

/* What a file or a path holds must neither steer a terminal nor break JSON: \xNN instead. */
static char *printable(struct arena *arena, const char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *copy = arena_alloc(arena, strlen(text) * 4 + 1);
	char *to = copy;

	while (*from) {
		size_t length = printable_bytes(from);

		if (length) {
			memcpy(to, from, length);
			to += length;
			from += length;
		} else {
			to += sprintf(to, "\\x%02x", *from++);
		}
	}
	return copy;
}

void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, struct position at,
		     const char *format, ...)
{
	struct arena *arena = diagnostics->arena;
	struct diagnostic *diagnostic;
	va_list arguments;

	if (++diagnostics->count[severity] > DIAGNOSTICS_MAX + 1)
		return;
	diagnostic = arena_push(arena, &diagnostics->list);
	diagnostic->severity = severity;
	if (diagnostics->count[severity] > DIAGNOSTICS_MAX) {
		diagnostic->message = arena_printf(arena,
						   "more than %u %ss (DIAGNOSTICS_MAX): the others "
						   "are not shown; mend these first",
						   DIAGNOSTICS_MAX, severity_words[severity]);
		return;
	}
	diagnostic->at = at;
	if (at.file)
		diagnostic->at.file = printable(arena, at.file);
	va_start(arguments, format);
	diagnostic->message = printable(arena, arena_vprintf(arena, format, arguments));
	va_end(arguments);
}

size_t diagnostics_errors(const struct diagnostics *diagnostics)
{
	return diagnostics->count[SEVERITY_ERROR];
}

size_t diagnostics_warnings(const struct diagnostics *diagnostics)
{
	return diagnostics->count[SEVERITY_WARNING];
}

static int compare_places(const void *left, const void *right)
{
	const struct diagnostic *a = *(const struct diagnostic *const *)left;
	const struct diagnostic *b = *(const struct diagnostic *const *)right;
	int order;

	/* What is about no place in particular comes last. */
	if (!a->at.file != !b->at.file)
		return a->at.file ? -1 : 1;
	order = a->at.file ? strcmp(a->at.file, b->at.file) : 0;
	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Pointers into the list, sorted by place; free() it. */
static const struct diagnostic **sorted(const struct diagnostics *diagnostics)
{
	size_t count = diagnostics->list.count;
	const struct diagnostic **all = calloc(count + 1, sizeof(const struct diagnostic *));
	size_t i;

	if (!all) {
		fputs("sallyport: out of memory\n", stderr);
		exit(1);
	}
	for (i = 0; i < count; i++)
		all[i] = &diagnostics->list.items[i];
	qsort(all, count, sizeof(*all), compare_places);
	return all;
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool verbose)
{
	const struct diagnostic **all = sorted(diagnostics);
	size_t i;

	for (i = 0; i < diagnostics->list.count; i++) {
		const struct diagnostic *diagnostic = all[i];

		if (diagnostic->severity == SEVERITY_NOTE && !verbose)
			continue;
		if (diagnostic->at.file)
			fprintf(out, "%s:", diagnostic->at.file);
		if (diagnostic->at.file && diagnostic->at.line)
			fprintf(out, "%u:%u:", diagnostic->at.line, diagnostic->at.column);
		fprintf(out, "%s%s: %s\n", diagnostic->at.file ? " " : "",
			severity_words[diagnostic->severity], diagnostic->message);
	}
	free(all);
}

json_t *diagnostics_json(const struct diagnostics *diagnostics)
{
	const struct diagnostic **all = sorted(diagnostics);
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < diagnostics->list.count; i++) {
		const struct diagnostic *diagnostic = all[i];
		const struct position *at = &diagnostic->at;

		json_array_append_new(array, json_pack("{s:s?, s:I, s:I, s:s, s:s}", "file",
						       at->file, "line", (json_int_t)at->line,
						       "column", (json_int_t)at->column, "severity",
						       severity_words[diagnostic->severity],
						       "message", diagnostic->message));
	}
	free(all);
	return array;
}

static unsigned char lower(char character)
{
	unsigned char byte = (unsigned char)character;

	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein distance of neighbours (a swap of two adjacent letters is one step), case
 * aside. Both are at most WORD_BYTES_MAX long.
 */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][WORD_BYTES_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	size_t i, j;

	for (j = 0; j <= b_length; j++)
		above[j] = (unsigned)j;
	for (i = 1; i <= a_length; i++) {
		unsigned *oldest = before;

		row[0] = (unsigned)i;
		for (j = 1; j <= b_length; j++) {
			unsigned differs = lower(a[i - 1]) != lower(b[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + differs);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[b_length];
}

const char *nearest_name(const char *word, const char *const *candidates, size_t count)
{
	size_t length = strnlen(word, WORD_BYTES_MAX + 1);
	unsigned allowed = (unsigned)(length / 3);
	const char *nearest = NULL;
	size_t i;

	if (length > WORD_BYTES_MAX)
		return NULL;
	for (i = 0; i < count && i < CANDIDATES_MAX; i++) {
		size_t other = strnlen(candidates[i], WORD_BYTES_MAX + 1);
		unsigned steps;

		if (other > WORD_BYTES_MAX || other > length + allowed || length > other + allowed)
			continue;
		steps = distance(word, length, candidates[i], other);
		if (steps < allowed || (steps == allowed && !nearest)) {
			nearest = candidates[i];
			if (!steps)
				break;
			/* Only a nearer one is better. */
			allowed = steps;
		}
	}
	return nearest;
}
