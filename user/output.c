/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"

void output_json(const struct invocation *invocation, FILE *out, json_t *value)
{
	size_t flags = invocation->given[OPTION_PRETTY] ? JSON_INDENT(2) : JSON_COMPACT;

	json_dumpf(value, out, flags | JSON_ENCODE_ANY);
	fputc('\n', out);
	json_decref(value);
}

int output_failure(const struct invocation *invocation, const struct failure *failure)
{
	if (invocation->given[OPTION_JSON])
		output_json(invocation, stdout, json_pack("{s:s}", "error", failure->message));
	fprintf(stderr, "sallyport %s: %s\n", invocation->command->name, failure->message);
	return EXIT_FAILED;
}

void output_diagnostics(const struct invocation *invocation, const struct diagnostics *diagnostics)
{
	diagnostics_print(diagnostics, stderr, invocation->given[OPTION_VERBOSE] > 0);
}

struct text_table {
	struct arena *arena;
	size_t columns;
	LIST(const char *) cells;
};

struct text_table *text_table_new(size_t columns, const char *const *header)
{
	struct arena *arena = arena_new();
	struct text_table *table = arena_alloc(arena, sizeof(*table));

	table->arena = arena;
	table->columns = columns;
	for (size_t i = 0; i < columns; i++)
		text_table_add(table, "%s", header[i]);
	return table;
}

void text_table_freep(struct text_table **table)
{
	if (*table)
		arena_free((*table)->arena);
}

void text_table_add(struct text_table *table, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	*arena_push(table->arena, &table->cells) = arena_vprintf(table->arena, format, arguments);
	va_end(arguments);
}

/* Columns of text on a terminal: bytes that do not continue a UTF-8 character. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void text_table_print(const struct text_table *table, FILE *out)
{
	size_t *widths = arena_alloc(table->arena, table->columns * sizeof(*widths));

	for (size_t i = 0; i < table->cells.count; i++) {
		size_t width = text_width(table->cells.items[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t i = 0; i < table->cells.count; i++) {
		const char *cell = table->cells.items[i];
		size_t column = i % table->columns;

		if (column + 1 == table->columns)
			fprintf(out, "%s\n", cell);
		else
			fprintf(out, "%s%*s  ", cell, (int)(widths[column] - text_width(cell)), "");
	}
}

static bool is_coloured(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0 &&
	       isatty(fileno(out));
}

const char *paint_begin(enum paint paint, FILE *out)
{
	static const char *const sequences[] = {
		[PAINT_GOOD] = "\033[32m",
		[PAINT_BAD] = "\033[31m",
		[PAINT_STRONG] = "\033[1m",
	};

	return is_coloured(out) ? sequences[paint] : "";
}

const char *paint_end(FILE *out)
{
	return is_coloured(out) ? "\033[0m" : "";
}

const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

const char *time_format(uint64_t seconds, char *buffer)
{
	time_t time = (time_t)seconds;
	struct tm parts;

	gmtime_r(&time, &parts);
	strftime(buffer, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return buffer;
}
