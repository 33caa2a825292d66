/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical text of policy files: two spaces a level, lists and small mappings on their line
 * where they fit, one item a line where not, quotes only where YAML or the readers need them. What
 * is printed reads back as the same and prints as itself.
 */
#ifndef SALLYPORT_WRITER_H
#define SALLYPORT_WRITER_H

#include <stdio.h>

#include "site.h"

struct writer {
	struct arena *arena;
	FILE *out;
	bool item; /* the next line begins an item of a list: "- " */
};

typedef LIST(const char *) text_list;

struct pair {
	const char *key;
	const char *value;
};
typedef LIST(struct pair) pair_list;

/* The next line begins an item of a list; its indent is that of the text behind "- ". */
void write_item(struct writer *writer);
void write_word(struct writer *writer, unsigned indent, const char *text); /* an item that is one */
void write_heading(struct writer *writer, unsigned indent, const char *key); /* "key:" */
void write_text(struct writer *writer, unsigned indent, const char *key, const char *text);
void write_list(struct writer *writer, unsigned indent, const char *key, const text_list *texts);
/* As write_list, but one item stands alone. */
void write_values(struct writer *writer, unsigned indent, const char *key, const text_list *texts);
/* "key: {a: b}", or "{a: b}" as an item where key is NULL. */
void write_pairs(struct writer *writer, unsigned indent, const char *key, const pair_list *pairs);

void text_list_add(struct writer *writer, text_list *list, const char *text);
void pair_list_add(struct writer *writer, pair_list *list, const char *key, const char *value);

text_list texts_of_words(struct writer *writer, const word_list *words);
text_list texts_of_ports(struct writer *writer, const port_term_list *ports);
text_list texts_of_services(struct writer *writer, const service_term_list *services);
text_list texts_of_addresses(struct writer *writer, const address_term_list *addresses);
/* "30s": in the largest unit that holds it whole. */
const char *duration_format(struct arena *arena, uint32_t ms);

#endif
