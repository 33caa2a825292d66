/* SPDX-License-Identifier: BSD-2-Clause */
/* Comma-separated values as of RFC 4180. */
#ifndef SALLYPORT_CSV_H
#define SALLYPORT_CSV_H

#include <stdio.h>

#include "arena.h"

typedef LIST(const char *) csv_row;

/* The text is copied. */
void csv_add(struct arena *arena, csv_row *row, const char *text);

/* One record, quoted where it must be. A cell that a spreadsheet would take for a formula is
 * written with a space before it. */
void csv_print(const csv_row *row, FILE *out);

#endif
