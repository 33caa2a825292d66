/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds and domains as a site file names them: reading and printing. As reader.h. */
#ifndef SALLYPORT_FEED_SOURCE_H
#define SALLYPORT_FEED_SOURCE_H

#include "reader.h"
#include "site.h"
#include "writer.h"

/* "{feed: ...}" or "{domain: ...}" as an item of an addresses list. False after an error. */
bool feed_source_read(const struct reader *reader, const struct node *node,
		      struct address_term *ret_term);
/* As an item of a list. */
void feed_source_print(struct writer *writer, unsigned indent, const struct address_term *term);

const char *feed_kind_word(enum feed_kind kind); /* "aws", "genesys-cloud", "list" */

#endif
