/* SPDX-License-Identifier: BSD-2-Clause */
/* Comma-separated values as of RFC 4180. */
#ifndef SALLYPORT_CSV_H
#define SALLYPORT_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "arena.h"
#include "diagnostic.h"

typedef LIST(const char *) csv_row;

struct csv_cell {
	const char *text; /* without the quotes; lines in it end with \n */
	struct position at;
};
typedef LIST(struct csv_cell) csv_cell_list;
typedef LIST(csv_cell_list) csv_table;

/*
 * Reads a file: commas or, where the first line has more of them, semicolons between cells. Lines
 * without any text are left out. False after errors were reported: not UTF-8, a quotation mark
 * where none can be, more than CSV_BYTES_MAX bytes.
 */
bool csv_read(struct arena *arena, struct diagnostics *diagnostics, const char *path,
	      csv_table *ret_table);

/* The text is copied. */
void csv_add(struct arena *arena, csv_row *row, const char *text);

/* One record, quoted where it must be. A cell that a spreadsheet would take for a formula is
 * written with a space before it. */
void csv_print(const csv_row *row, FILE *out);

#endif
