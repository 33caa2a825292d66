/* SPDX-License-Identifier: BSD-2-Clause */
/* Role by role: who opens to whom (rows to columns), with the services in the cells. */
#ifndef SALLYPORT_MATRIX_H
#define SALLYPORT_MATRIX_H

#include <stdio.h>

#include <jansson.h>

#include "reach.h"

struct matrix {
	LIST(const char *) names; /* of rows and columns */
	reach_pair_list pairs;
	text_lines management;
	const char *site;
};

/* Everything lives in the arena. */
void matrix_make(struct arena *arena, const struct policy *policy, const reach_list *reaches,
		 struct matrix *ret_matrix);

/* As many columns beside each other as fit the width, in characters; the rest below. */
void matrix_print_text(const struct matrix *matrix, unsigned width, FILE *out);
void matrix_print_csv(const struct matrix *matrix, FILE *out); /* RFC 4180 */
void matrix_print_markdown(const struct matrix *matrix, FILE *out);
void matrix_print_html(const struct matrix *matrix, FILE *out); /* a whole page */
json_t *matrix_json(const struct matrix *matrix);		/* new reference */

#endif
