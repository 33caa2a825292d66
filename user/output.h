/* SPDX-License-Identifier: BSD-2-Clause */
/* How commands answer: JSON for programs, aligned tables for people, failures on stderr. */
#ifndef SALLYPORT_OUTPUT_H
#define SALLYPORT_OUTPUT_H

#include <stdio.h>

#include <jansson.h>

#include "diagnostic.h"
#include "failure.h"
#include "options.h"

/* One value, on one line or with line breaks as --pretty asks. Takes over the reference. */
void output_json(const struct invocation *invocation, FILE *out, json_t *value);

/*
 * Says on stderr why the command failed, and with --json {"error": "..."} on stdout besides.
 * Returns EXIT_FAILED.
 */
int output_failure(const struct invocation *invocation, const struct failure *failure);

/* Findings on stderr; notes only with -v. */
void output_diagnostics(const struct invocation *invocation, const struct diagnostics *diagnostics);

/*
 * A table for people: each column as wide as its widest cell, the last one as wide as it is. Cells
 * are copied. Nothing is printed for a table without rows but its header.
 */
struct text_table;
struct text_table *text_table_new(size_t columns, const char *const *header);
void text_table_freep(struct text_table **table);
/* Adds the next cell, row by row. */
void text_table_add(struct text_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void text_table_print(const struct text_table *table, FILE *out);

enum paint {
	PAINT_GOOD,
	PAINT_BAD,
	PAINT_STRONG,
};
/* Escape sequences, or "" where out is no terminal or NO_COLOR is set (https://no-color.org). */
const char *paint_begin(enum paint paint, FILE *out);
const char *paint_end(FILE *out);

/* "3 rules", "1 rule": with the plural s where it is due. */
const char *plural(size_t count);

/* UTC, ISO 8601 to the second: "2026-11-21T01:00:14Z". buffer has 32 bytes; returns buffer. */
const char *time_format(uint64_t seconds, char *buffer);

#endif
