/* SPDX-License-Identifier: BSD-2-Clause */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "../include/bounds.h"

#define SHOWN_BYTES_MAX	   80
#define CANDIDATES_MAX	   4096 /* a suggestion is a courtesy, not worth more */
#define LISTED_MAX	   24	/* words that a message lists */
#define SECOND_MS	   1000u
#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

const char *shown(const struct reader *reader, const char *text)
{
	size_t length;

	text = uri_conceal(reader->arena, text);
	length = strlen(text);
	if (length <= SHOWN_BYTES_MAX)
		return text;
	length = SHOWN_BYTES_MAX;
	/* Not in the middle of a character. */
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return arena_printf(reader->arena, "%.*s...", (int)length, text);
}

const char *kind_words(const struct node *node)
{
	return node->kind == NODE_SEQUENCE ? "a list" : "a mapping";
}

/* Nobody will see what is found from here on: no more work for its words. */
static bool is_full(const struct reader *reader)
{
	return diagnostics_errors(reader->diagnostics) > DIAGNOSTICS_MAX;
}

/* "`a`, `b`, `c`" */
static const char *listed(const struct reader *reader, const char *const *words, size_t count)
{
	char *all = arena_strdup(reader->arena, "");
	size_t i;

	for (i = 0; i < count && i < LISTED_MAX; i++)
		all = arena_printf(reader->arena, "%s%s`%s`", all, i ? ", " : "", words[i]);
	return count > LISTED_MAX ? arena_printf(reader->arena, "%s ...", all) : all;
}

/* ------------------------------------------------------------ mappings and lists ---------------
 */

static void refuse_unknown_key(const struct reader *reader, const struct node *key,
			       const char *what, const struct key_rule *rules, size_t count)
{
	const char **names, *nearest;
	size_t i;

	if (is_full(reader)) {
		reader_error(reader, key, "unknown key");
		return;
	}
	names = arena_alloc(reader->arena, count * sizeof(*names));
	for (i = 0; i < count; i++)
		names[i] = rules[i].name;
	nearest = nearest_name(key->text, names, count);
	if (nearest) {
		reader_error(reader, key, "unknown key `%s` in %s; did you mean `%s`?",
			     shown(reader, key->text), what, nearest);
		return;
	}
	reader_error(reader, key, "unknown key `%s` in %s; it may have %s",
		     shown(reader, key->text), what, listed(reader, names, count));
}

static bool is_mapping(const struct reader *reader, const struct node *node, const char *what)
{
	if (node->kind == NODE_BROKEN)
		return false;
	if (node->kind == NODE_MAPPING)
		return true;
	if (node_is_empty(node))
		reader_error(reader, node, "%s is empty; it must be a mapping, `key: value`", what);
	else
		reader_error(reader, node, "%s must be a mapping, `key: value`, not %s", what,
			     node->kind == NODE_SCALAR ? "a single value" : "a list");
	return false;
}

bool read_mapping(const struct reader *reader, const struct node *node, const char *what,
		  const struct key_rule *rules, size_t count)
{
	const struct node *child;
	size_t i;

	if (!is_mapping(reader, node, what))
		return false;
	for (child = node->first; child; child = child->next) {
		for (i = 0; i < count && strcmp(rules[i].name, child->key->text); i++)
			;
		if (i == count)
			refuse_unknown_key(reader, child->key, what, rules, count);
	}
	for (i = 0; i < count; i++)
		if (rules[i].need == KEY_REQUIRED && !mapping_get(node, rules[i].name))
			reader_error(reader, node->key ? node->key : node, "%s needs the key `%s`",
				     what, rules[i].name);
	return true;
}

bool read_entries(const struct reader *reader, const struct node *node, const char *what)
{
	return is_mapping(reader, node, what);
}

const struct node *mapping_get(const struct node *mapping, const char *key)
{
	const struct node *child;

	for (child = mapping->first; child; child = child->next)
		if (!strcmp(child->key->text, key))
			return child;
	return NULL;
}

bool read_list(const struct reader *reader, const struct node *node, const char *what)
{
	if (node->kind == NODE_BROKEN)
		return false;
	if (!node_is_empty(node))
		return true;
	reader_error(reader, node, "`%s` is empty; a list with nothing in it is written `[]`",
		     what);
	return false;
}

const struct node *list_first(const struct node *list)
{
	return list->kind == NODE_SEQUENCE ? list->first : list;
}

const struct node *list_next(const struct node *list, const struct node *item)
{
	return list->kind == NODE_SEQUENCE ? item->next : NULL;
}

size_t list_count(const struct node *list)
{
	return list->kind == NODE_SEQUENCE ? list->count : 1;
}

/* ------------------------------------------------------------ words ----------------------------
 */

bool is_scalar(const struct reader *reader, const struct node *node, const char *what)
{
	if (node->kind == NODE_BROKEN)
		return false;
	if (node->kind == NODE_SCALAR)
		return true;
	reader_error(reader, node, "`%s`: a single value is due here, not %s", what,
		     kind_words(node));
	return false;
}

/* Bytes of the white space at text; NEL, LS and PS end lines in YAML 1.1. */
static size_t space_bytes(const char *text)
{
	if (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
		return 1;
	if (!strncmp(text, "\xc2\x85", 2))
		return 2;
	if (!strncmp(text, "\xe2\x80\xa8", 3) || !strncmp(text, "\xe2\x80\xa9", 3))
		return 3;
	return 0;
}

/* C0, DEL, C1, the byte order mark, U+FFFE and U+FFFF: YAML can't hold them unescaped. */
static bool is_control(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	return bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0) ||
	       !strncmp(text, "\xef\xbb\xbf", 3) || !strncmp(text, "\xef\xbf\xbe", 3) ||
	       !strncmp(text, "\xef\xbf\xbf", 3);
}

bool read_text(const struct reader *reader, const struct node *node, const char *what,
	       const char **ret_text)
{
	const char *from;
	char *text, *to;

	if (!is_scalar(reader, node, what))
		return false;
	from = node->text;
	text = to = arena_alloc(reader->arena, strlen(from) + 1);
	while (*from) {
		size_t space = space_bytes(from);

		if (space) {
			if (to > text && to[-1] != ' ')
				*to++ = ' ';
			from += space;
			continue;
		}
		if (is_control(from)) {
			reader_error(reader, node, "a control character in `%s`: take it out",
				     what);
			return false;
		}
		*to++ = *from++;
	}
	if (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
	if (to == text) {
		reader_error(reader, node, "`%s` is empty", what);
		return false;
	}
	*ret_text = text;
	return true;
}

bool read_word(const struct reader *reader, const struct node *node, const char *what,
	       struct word *ret_word)
{
	const char *text;

	if (!read_text(reader, node, what, &text))
		return false;
	*ret_word = (struct word){text, node_position(node)};
	return true;
}

bool name_is_valid(const char *text, size_t length)
{
	return length && length <= NAME_BYTES_MAX && text[0] &&
	       strchr(LETTERS_AND_DIGITS, text[0]) &&
	       strspn(text, LETTERS_AND_DIGITS "-_.") >= length;
}

bool check_name(const struct reader *reader, const struct node *node, const char *what,
		const char *text, size_t length)
{
	if (name_is_valid(text, length))
		return true;
	if (!length)
		reader_error(reader, node, "an empty name in `%s`", what);
	else if (length > NAME_BYTES_MAX)
		reader_error(reader, node,
			     "the name `%s` has %zu bytes; at most %u (NAME_BYTES_MAX)",
			     shown(reader, text), length, NAME_BYTES_MAX);
	else
		reader_error(reader, node,
			     "`%s` is no name: letters, digits, `-`, `_` and `.`, the first a "
			     "letter or digit",
			     shown(reader, text));
	return false;
}

bool read_name(const struct reader *reader, const struct node *node, const char *what,
	       struct word *ret_word)
{
	if (!is_scalar(reader, node, what) ||
	    !check_name(reader, node, what, node->text, strlen(node->text)))
		return false;
	*ret_word = (struct word){node->text, node_position(node)};
	return true;
}

bool read_path(const struct reader *reader, const struct node *node, const char *what,
	       struct word *ret_word)
{
	const char *slash;

	if (!is_scalar(reader, node, what))
		return false;
	slash = strchr(node->text, '/');
	if (!slash || !name_is_valid(node->text, (size_t)(slash - node->text)) ||
	    !name_is_valid(slash + 1, strlen(slash + 1))) {
		reader_error(reader, node, "`%s` in `%s` must be written `instance/name`",
			     shown(reader, node->text), what);
		return false;
	}
	*ret_word = (struct word){node->text, node_position(node)};
	return true;
}

static bool read_word_list(const struct reader *reader, const struct node *node, const char *what,
			   bool (*read)(const struct reader *, const struct node *, const char *,
					struct word *),
			   word_list *ret_list)
{
	const struct node *item;
	word_list list = {0};
	bool good = true;

	if (!read_list(reader, node, what))
		return false;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct word word;

		if (read(reader, item, what, &word))
			*arena_push(reader->arena, &list) = word;
		else
			good = false;
	}
	refuse_repeated(reader, list.items, list.count, sizeof(*list.items), what);
	*ret_list = list;
	return good;
}

bool read_names(const struct reader *reader, const struct node *node, const char *what,
		word_list *ret_list)
{
	return read_word_list(reader, node, what, read_name, ret_list);
}

bool read_paths(const struct reader *reader, const struct node *node, const char *what,
		word_list *ret_list)
{
	return read_word_list(reader, node, what, read_path, ret_list);
}

bool read_texts(const struct reader *reader, const struct node *node, const char *what,
		word_list *ret_list)
{
	return read_word_list(reader, node, what, read_word, ret_list);
}

/* ------------------------------------------------------------ indexes --------------------------
 */

static int compare_words(const void *left, const void *right)
{
	const struct word *a = *(const struct word *const *)left;
	const struct word *b = *(const struct word *const *)right;
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

struct word_index word_index_build(struct arena *arena, const void *items, size_t count,
				   size_t stride)
{
	struct word_index index = {arena_alloc(arena, count * sizeof(*index.items)), count};
	size_t i;

	for (i = 0; i < count; i++)
		index.items[i] = (const struct word *)((const char *)items + i * stride);
	if (count)
		qsort(index.items, count, sizeof(*index.items), compare_words);
	return index;
}

const void *word_index_find(const struct word_index *index, const char *text)
{
	size_t first = 0, last = index->count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (strcmp(index->items[middle]->text, text) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	if (first < index->count && !strcmp(index->items[first]->text, text))
		return index->items[first];
	return NULL;
}

const char *word_index_nearest(const struct reader *reader, const struct word_index *index,
			       const char *text)
{
	size_t count = index->count < CANDIDATES_MAX ? index->count : CANDIDATES_MAX, i;
	const char *candidates[CANDIDATES_MAX];

	if (is_full(reader))
		return NULL;
	for (i = 0; i < count; i++)
		candidates[i] = index->items[i]->text;
	return nearest_name(text, candidates, count);
}

void refuse_repeated(const struct reader *reader, const void *items, size_t count, size_t stride,
		     const char *what)
{
	struct word_index index;
	size_t i;

	if (count < 2)
		return;
	index = word_index_build(reader->arena, items, count, stride);
	for (i = 1; i < count; i++)
		if (!strcmp(index.items[i - 1]->text, index.items[i]->text))
			diagnostics_error(reader->diagnostics, index.items[i]->at,
					  "`%s` is in `%s` twice; the first is on line %u",
					  shown(reader, index.items[i]->text), what,
					  index.items[i - 1]->at.line);
}

/* ------------------------------------------------------------ values ---------------------------
 */

bool read_choice(const struct reader *reader, const struct node *node, const char *what,
		 const char *const *words, size_t count, unsigned *ret_choice)
{
	const char *nearest;
	size_t i;

	if (!is_scalar(reader, node, what))
		return false;
	for (i = 0; i < count; i++)
		if (!strcmp(node->text, words[i])) {
			*ret_choice = (unsigned)i;
			return true;
		}
	nearest = is_full(reader) ? NULL : nearest_name(node->text, words, count);
	if (is_full(reader))
		reader_error(reader, node, "no such word");
	else if (nearest)
		reader_error(reader, node, "`%s` can't be `%s`; did you mean `%s`?", what,
			     shown(reader, node->text), nearest);
	else
		reader_error(reader, node, "`%s` can't be `%s`; it must be %s%s", what,
			     shown(reader, node->text), count > 1 ? "one of " : "",
			     listed(reader, words, count));
	return false;
}

bool read_yes_no(const struct reader *reader, const struct node *node, const char *what,
		 bool *ret_yes)
{
	if (!is_scalar(reader, node, what))
		return false;
	if (!strcmp(node->text, "yes") || !strcmp(node->text, "true")) {
		*ret_yes = true;
		return true;
	}
	if (!strcmp(node->text, "no") || !strcmp(node->text, "false")) {
		*ret_yes = false;
		return true;
	}
	reader_error(reader, node, "`%s` must be `yes` or `no`, not `%s`", what,
		     shown(reader, node->text));
	return false;
}

bool read_switch(const struct reader *reader, const struct node *node, const char *what,
		 bool *ret_on)
{
	if (!is_scalar(reader, node, what))
		return false;
	if (!strcmp(node->text, "on") || !strcmp(node->text, "off")) {
		*ret_on = !strcmp(node->text, "on");
		return true;
	}
	reader_error(reader, node, "`%s` is a switch: it must be `on` or `off`, not `%s`", what,
		     shown(reader, node->text));
	return false;
}

bool parse_digits(const char *text, size_t length, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > UINT32_MAX)
			return false;
	}
	*ret_number = number;
	return length > 0;
}

bool read_number(const struct reader *reader, const struct node *node, const char *what,
		 uint64_t least, uint64_t most, uint64_t *ret_number)
{
	uint64_t number;

	if (!is_scalar(reader, node, what))
		return false;
	if (!parse_digits(node->text, strlen(node->text), &number) || number < least ||
	    number > most) {
		reader_error(reader, node, "`%s` must be a number from %llu to %llu, not `%s`",
			     what, (unsigned long long)least, (unsigned long long)most,
			     shown(reader, node->text));
		return false;
	}
	*ret_number = number;
	return true;
}

/* Out of bounds (above any): ret_ms is UINT64_MAX. */
static bool parse_duration(const struct reader *reader, const struct node *node, const char *what,
			   uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{"ms", 1},
		{"s", SECOND_MS},
		{"m", 60 * SECOND_MS},
		{"h", 3600 * SECOND_MS},
		{"d", 86400 * SECOND_MS},
	};
	uint64_t number;
	size_t digits, i;

	if (!is_scalar(reader, node, what))
		return false;
	digits = strspn(node->text, "0123456789");
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(node->text + digits, units[i].name))
			break;
	if (i == sizeof(units) / sizeof(units[0]) || !digits) {
		reader_error(
			reader, node,
			"`%s` is a time: a number and `ms`, `s`, `m`, `h` or `d`, as in `30s`, "
			"not `%s`",
			what, shown(reader, node->text));
		return false;
	}
	*ret_ms = parse_digits(node->text, digits, &number) ? number * units[i].ms : UINT64_MAX;
	return true;
}

bool read_duration(const struct reader *reader, const struct node *node, const char *what,
		   uint32_t *ret_ms)
{
	uint64_t ms;

	if (!parse_duration(reader, node, what, &ms))
		return false;
	if (!ms || ms > DURATION_MS_MAX) {
		reader_error(reader, node,
			     "`%s` must be from 1ms to 7d (DURATION_MS_MAX), not `%s`", what,
			     shown(reader, node->text));
		return false;
	}
	*ret_ms = (uint32_t)ms;
	return true;
}

bool read_adopt(const struct reader *reader, const struct node *node, uint32_t *ret_ms)
{
	uint64_t ms;

	if (!parse_duration(reader, node, "adopt", &ms))
		return false;
	if (ms > ADOPT_MS_MAX) {
		reader_error(reader, node,
			     "`adopt` must be from 0s (do not wait) to 10m (ADOPT_MS_MAX), not "
			     "`%s`",
			     shown(reader, node->text));
		return false;
	}
	*ret_ms = (uint32_t)ms;
	return true;
}
