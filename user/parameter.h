/* SPDX-License-Identifier: BSD-2-Clause */
/* A catalog's parameters: what a document leaves to the site. Their values are read here too. */
#ifndef SALLYPORT_PARAMETER_H
#define SALLYPORT_PARAMETER_H

#include "term.h"
#include "writer.h"

/* node is the declaration, its key the name. False if there is nothing to go on with. */
bool parameter_read(const struct reader *reader, const struct node *node,
		    struct parameter *ret_parameter);
void parameter_print(struct writer *writer, unsigned indent, const struct parameter *parameter);
const char *parameter_type_word(enum parameter_type type);

#endif
