/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with the files that users write: every finding of a run, each with its position, in
 * the order file, line, column. Printed as "file:line:column: error: what is wrong, and what would
 * be right".
 */
#ifndef SALLYPORT_DIAGNOSTIC_H
#define SALLYPORT_DIAGNOSTIC_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct position {
	const char *file; /* as the user named it; NULL: about no place in particular */
	unsigned line;	  /* from 1 */
	unsigned column;  /* from 1, in bytes */
};

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
	SEVERITY_REMARK, /* shown, but nothing that should be otherwise */
	SEVERITY_NOTE,	 /* only shown with -v */
};

struct diagnostics;

struct diagnostics *diagnostics_new(void);
void diagnostics_free(struct diagnostics *diagnostics);
void diagnostics_freep(struct diagnostics **diagnostics);

/* At DIAGNOSTICS_MAX one more error says so by that name, and further ones are only counted. */
void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, struct position at,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

#define diagnostics_error(d, at, ...)	diagnostics_add((d), SEVERITY_ERROR, (at), __VA_ARGS__)
#define diagnostics_warning(d, at, ...) diagnostics_add((d), SEVERITY_WARNING, (at), __VA_ARGS__)
#define diagnostics_remark(d, at, ...)	diagnostics_add((d), SEVERITY_REMARK, (at), __VA_ARGS__)
#define diagnostics_note(d, at, ...)	diagnostics_add((d), SEVERITY_NOTE, (at), __VA_ARGS__)

size_t diagnostics_errors(const struct diagnostics *diagnostics);
size_t diagnostics_warnings(const struct diagnostics *diagnostics);

/* Sorted by place; findings at one place keep the order in which they were added. */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool verbose);
/* An array of {file, line, column, severity, message}. New reference. */
json_t *diagnostics_json(const struct diagnostics *diagnostics);

/*
 * The candidate nearest to word (Damerau-Levenshtein, at most a third of its length away), or NULL:
 * for "did you mean".
 */
const char *nearest_name(const char *word, const char *const *candidates, size_t count);

#endif
