/* SPDX-License-Identifier: BSD-2-Clause */
#include "csv.h"

#include <stdbool.h>
#include <string.h>

void csv_add(struct arena *arena, csv_row *row, const char *text)
{
	*arena_push(arena, row) = arena_strdup(arena, text);
}

static void print_cell(const char *text, FILE *out)
{
	bool quoted = strpbrk(text, ",\"\r\n") != NULL;

	if (quoted)
		fputc('"', out);
	if (*text && strchr("=+-@", *text))
		fputc(' ', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	if (quoted)
		fputc('"', out);
}

void csv_print(const csv_row *row, FILE *out)
{
	list_for_each (cell, row) {
		if (cell != row->items)
			fputc(',', out);
		print_cell(*cell, out);
	}
	fputs("\r\n", out);
}
