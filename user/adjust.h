/* SPDX-License-Identifier: BSD-2-Clause */
/* What a site says about one flow of a catalog: options, which can only take away. */
#ifndef SALLYPORT_ADJUST_H
#define SALLYPORT_ADJUST_H

#include "reader.h"
#include "writer.h"

/* The mapping under "adjust". Whether the flows exist is for the caller. */
void adjust_read(const struct reader *reader, const struct node *node, struct site *site);
/* With its heading; nothing where there is none. */
void adjust_print(struct writer *writer, const struct site *site);

#endif
