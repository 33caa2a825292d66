/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed readers: from a node of a policy file to a value, or to a diagnostic that says what would
 * be right. Each returns false after it reported (or if the node is NODE_BROKEN: that was reported
 * before); its output is then untouched. Text lives in the reader's arena.
 *
 * what, where it is asked for, is the key as the user wrote it.
 */
#ifndef SALLYPORT_READER_H
#define SALLYPORT_READER_H

#include "catalog.h"
#include "node.h"

struct reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
};

#define reader_error(reader, node, ...)                                                            \
	diagnostics_error((reader)->diagnostics, node_position(node), __VA_ARGS__)

/* Text of a file as a message shows it: without passwords of URIs, cut at a length that a terminal
 * line bears. */
const char *shown(const struct reader *reader, const char *text);

/* ------------------------------------------------------------ mappings and lists ---------------
 */

struct key_rule {
	const char *name;
	enum { KEY_OPTIONAL, KEY_REQUIRED } need;
};

#define KEYS(rules) (rules), sizeof(rules) / sizeof((rules)[0])

/*
 * A mapping with no unknown and no missing key; what names it in messages ("a role"). False only if
 * it is no mapping: with a wrong key, reading the others goes on.
 */
bool read_mapping(const struct reader *reader, const struct node *node, const char *what,
		  const struct key_rule *rules, size_t count);
/* A mapping whose keys are names of the user's own. */
bool read_entries(const struct reader *reader, const struct node *node, const char *what);
const struct node *mapping_get(const struct node *mapping, const char *key); /* or NULL */

/* A list, where one item may stand alone. */
bool read_list(const struct reader *reader, const struct node *node, const char *what);
const struct node *list_first(const struct node *list);
const struct node *list_next(const struct node *list, const struct node *item);
size_t list_count(const struct node *list);

/* ------------------------------------------------------------ words ----------------------------
 */

/* One scalar, each run of white space one space; neither empty nor with control characters. */
bool read_text(const struct reader *reader, const struct node *node, const char *what,
	       const char **ret_text);
bool read_word(const struct reader *reader, const struct node *node, const char *what,
	       struct word *ret_word);
/* Letters, digits, "-", "_", ".", the first a letter or digit, at most NAME_BYTES_MAX. */
bool read_name(const struct reader *reader, const struct node *node, const char *what,
	       struct word *ret_word);
/* "instance/name". */
bool read_path(const struct reader *reader, const struct node *node, const char *what,
	       struct word *ret_word);
bool read_names(const struct reader *reader, const struct node *node, const char *what,
		word_list *ret_list);
bool read_paths(const struct reader *reader, const struct node *node, const char *what,
		word_list *ret_list);
bool read_texts(const struct reader *reader, const struct node *node, const char *what,
		word_list *ret_list);
bool name_is_valid(const char *text, size_t length);

/* Reports every word that is there a second time. The items begin with a struct word. */
void refuse_repeated(const struct reader *reader, const void *items, size_t count, size_t stride,
		     const char *what);
struct word_index word_index_build(struct arena *arena, const void *items, size_t count,
				   size_t stride);
/* The first item of that name, or NULL. */
const void *word_index_find(const struct word_index *index, const char *text);
/* For "did you mean": the nearest name, or NULL. */
const char *word_index_nearest(const struct reader *reader, const struct word_index *index,
			       const char *text);

/* ------------------------------------------------------------ values ---------------------------
 */

/* One of count words; ret_choice is its number. */
bool read_choice(const struct reader *reader, const struct node *node, const char *what,
		 const char *const *words, size_t count, unsigned *ret_choice);
bool read_yes_no(const struct reader *reader, const struct node *node, const char *what,
		 bool *ret_yes);
bool read_switch(const struct reader *reader, const struct node *node, const char *what,
		 bool *ret_on);
bool read_number(const struct reader *reader, const struct node *node, const char *what,
		 uint64_t least, uint64_t most, uint64_t *ret_number);
/* "500ms", "30s", "2m", "2h", "7d", from 1 ms to DURATION_MS_MAX. */
bool read_duration(const struct reader *reader, const struct node *node, const char *what,
		   uint32_t *ret_ms);
/* The same from "0s" to ADOPT_MS_MAX. */
bool read_adopt(const struct reader *reader, const struct node *node, uint32_t *ret_ms);

/* ------------------------------------------------------------ for other readers ----------------
 */

const char *kind_words(const struct node *node); /* "a list", "a mapping" */
bool is_scalar(const struct reader *reader, const struct node *node, const char *what);
/* A valid name of length bytes; text is all of what was written. */
bool check_name(const struct reader *reader, const struct node *node, const char *what,
		const char *text, size_t length);
/* Decimal digits only, as far as length; false if there is none or it is above UINT32_MAX. */
bool parse_digits(const char *text, size_t length, uint64_t *ret_number);

#endif
