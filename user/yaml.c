/* SPDX-License-Identifier: BSD-2-Clause */
#include <yaml.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../include/bounds.h"
#include "node.h"
#include "uri.h"

#define NEXT_LINE	    "\xc2\x85" /* U+0085, U+2028, U+2029 end a line in YAML 1.1 */
#define LINE_SEPARATOR	    "\xe2\x80\xa8"
#define PARAGRAPH_SEPARATOR "\xe2\x80\xa9"
#define BYTE_ORDER_MARK	    "\xef\xbb\xbf"

/* libyaml counts characters, people's editors and compilers count bytes. */
struct cursor {
	size_t index; /* in characters, as yaml_mark_t */
	size_t offset;
	size_t line_start; /* offset */
};

struct composer {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const char *path;
	char *bytes;
	size_t length;
	yaml_parser_t parser;
	struct cursor cursor;
	size_t nodes;
};

static bool follows(const struct composer *composer, size_t offset, const char *text)
{
	size_t length = strlen(text);

	return composer->length - offset >= length &&
	       !memcmp(composer->bytes + offset, text, length);
}

static size_t line_break_bytes(const struct composer *composer, size_t offset)
{
	if (follows(composer, offset, "\r\n"))
		return 0; /* the \n that follows ends it */
	if (composer->bytes[offset] == '\n' || composer->bytes[offset] == '\r')
		return 1;
	if (follows(composer, offset, NEXT_LINE))
		return 2;
	if (follows(composer, offset, LINE_SEPARATOR) ||
	    follows(composer, offset, PARAGRAPH_SEPARATOR))
		return 3;
	return 0;
}

static size_t character_bytes(unsigned char lead)
{
	return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Events come in the order of the file, so this is linear over all of them. */
static void cursor_seek(struct composer *composer, size_t index)
{
	struct cursor *cursor = &composer->cursor;

	if (index < cursor->index)
		*cursor = (struct cursor){0};
	while (cursor->index < index && cursor->offset < composer->length) {
		bool ends_line = line_break_bytes(composer, cursor->offset);

		cursor->offset += character_bytes((unsigned char)composer->bytes[cursor->offset]);
		cursor->index++;
		if (ends_line)
			cursor->line_start = cursor->offset;
	}
	if (cursor->offset > composer->length)
		cursor->offset = composer->length;
}

static struct position whole_file(const struct composer *composer)
{
	return (struct position){.file = composer->path};
}

static struct position position_of_offset(const struct composer *composer, size_t offset)
{
	struct position at = {composer->path, 1, 1};
	size_t line_start = 0, i;

	for (i = 0; i < offset && i < composer->length; i++)
		if (line_break_bytes(composer, i)) {
			at.line++;
			line_start = i + line_break_bytes(composer, i);
		}
	at.column = (unsigned)(offset - line_start) + 1;
	return at;
}

/* libyaml counts a line more at the end of a file that does not end its last one. */
static struct position position_of(struct composer *composer, const yaml_mark_t *mark)
{
	cursor_seek(composer, mark->index);
	if (composer->cursor.offset == composer->length)
		return position_of_offset(composer, composer->length);
	return (struct position){
		.file = composer->path,
		.line = (unsigned)mark->line + 1,
		.column = (unsigned)(composer->cursor.offset - composer->cursor.line_start) + 1,
	};
}

/* ------------------------------------------------------------ what is no YAML ------------------
 */

static void report_unreadable(struct composer *composer)
{
	const yaml_parser_t *parser = &composer->parser;
	size_t offset = parser->problem_offset;
	struct position at;

	/* The character that is wrong, not the byte that shows it. */
	while (!strcmp(parser->problem, "invalid trailing UTF-8 octet") && offset > 0 &&
	       (unsigned char)composer->bytes[offset] < 0xc0)
		offset--;
	at = position_of_offset(composer, offset);
	if (parser->problem_value == 0)
		diagnostics_error(composer->diagnostics, at,
				  "a NUL byte: this is no text file; save it as UTF-8");
	else if (!strcmp(parser->problem, "control characters are not allowed"))
		diagnostics_error(composer->diagnostics, at,
				  "a control character (U+%04X): take it out",
				  (unsigned)parser->problem_value);
	else
		diagnostics_error(composer->diagnostics, at,
				  "not UTF-8 (%s); save the file as UTF-8", parser->problem);
}

/* Nothing but what an IPv6 address or prefix is made of, colons among it. */
static bool looks_like_ipv6(const char *text, size_t length, unsigned colons_least)
{
	unsigned colons = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (!text[i] || !strchr("0123456789abcdefABCDEF:./", text[i]))
			return false;
		colons += text[i] == ':';
	}
	return colons >= colons_least;
}

/* YAML's own traps, told by the word that the parser stumbled over. True: reported. */
static bool report_trap(struct composer *composer)
{
	static const char ends[] = " \t\r\n[]{},\"'#";
	const char *bytes = composer->bytes;
	struct position at = position_of(composer, &composer->parser.problem_mark);
	size_t first = composer->cursor.offset, last = first;
	int length;

	while (first > 0 && !strchr(ends, bytes[first - 1]))
		first--;
	while (last < composer->length && bytes[last] && !strchr(ends, bytes[last]))
		last++;
	at.column -= (unsigned)(composer->cursor.offset - first);
	length = last - first > TEXT_BYTES_MAX ? (int)TEXT_BYTES_MAX : (int)(last - first);
	if (length > 1 && bytes[first] == '*')
		diagnostics_error(composer->diagnostics, at,
				  "YAML takes `*` for an alias: put it in quotes, \"%.*s\"", length,
				  bytes + first);
	else if (looks_like_ipv6(bytes + first, (size_t)length, 2))
		diagnostics_error(composer->diagnostics, at,
				  "YAML takes a colon at an end of `%.*s` for its own: put it in "
				  "quotes, \"%.*s\"",
				  length, bytes + first, length, bytes + first);
	else
		return false;
	return true;
}

/* libyaml's words, and what they mean to someone who has only this file. */
static const struct {
	const char *problem;
	const char *words;
	bool begins; /* the place where the thing begins is told too */
} syntax_words[] = {
	{"mapping values are not allowed in this context",
	 "a `:` where no key can be; if it belongs to the text, put the text in quotes", false},
	{"did not find expected ',' or ']'", "`,` or `]` is due here: a list is not closed", true},
	{"did not find expected ',' or '}'", "`,` or `}` is due here: a mapping is not closed",
	 true},
	{"found unexpected end of stream", "the file ends inside a quoted text", true},
	{"block sequence entries are not allowed in this context",
	 "a list can't begin here: put each `- item` on a line of its own", false},
	{"found a tab character that violates indentation", "a tab; indent with spaces only",
	 false},
	{"found a tab character where an indentation space is expected",
	 "a tab; indent with spaces only", false},
	{"did not find expected key", "this line fits no indentation: a key of the mapping is due",
	 true},
	{"could not find expected ':'", "a key without its `:`; write `key: value`", true},
	{"did not find expected '-' indicator",
	 "this line fits no indentation: `- item` of the list is due", true},
	{"did not find expected node content", "a value is due here", false},
	{"did not find expected <document start>", "the file's content has already ended here",
	 false},
	{"found unknown escape character",
	 "no such escape in double quotes; write \\\\ for a backslash", false},
	{"found incompatible YAML document", "only YAML 1.1 and 1.2 are read", false},
};

static void report_syntax(struct composer *composer)
{
	const yaml_parser_t *parser = &composer->parser;
	const char *words = parser->problem ? parser->problem : "unknown";
	struct position begin = position_of(composer, &parser->context_mark);
	struct position at = position_of(composer, &parser->problem_mark);
	char unexpected = composer->cursor.offset < composer->length
				  ? composer->bytes[composer->cursor.offset]
				  : '\0';
	size_t i;

	if (report_trap(composer))
		return;
	if (!strcmp(words, "found character that cannot start any token")) {
		if (unexpected == '\t')
			diagnostics_error(composer->diagnostics, at,
					  "a tab; indent with spaces only");
		else
			diagnostics_error(composer->diagnostics, at,
					  "a value can't begin with `%c`: put it in quotes",
					  unexpected);
		return;
	}
	for (i = 0; i < sizeof(syntax_words) / sizeof(syntax_words[0]); i++) {
		if (strcmp(words, syntax_words[i].problem))
			continue;
		if (syntax_words[i].begins)
			diagnostics_error(composer->diagnostics, at,
					  "%s (it begins at line %u, column %u)",
					  syntax_words[i].words, begin.line, begin.column);
		else
			diagnostics_error(composer->diagnostics, at, "%s", syntax_words[i].words);
		return;
	}
	diagnostics_error(composer->diagnostics, at, "not YAML: %s%s%s",
			  parser->context ? parser->context : "", parser->context ? ", " : "",
			  words);
}

static int next_event(struct composer *composer, yaml_event_t *event)
{
	if (yaml_parser_parse(&composer->parser, event))
		return 0;
	if (composer->parser.error == YAML_READER_ERROR) {
		report_unreadable(composer);
	} else if (composer->parser.error == YAML_MEMORY_ERROR) {
		diagnostics_error(composer->diagnostics, whole_file(composer),
				  "not enough memory to read it");
		return -ENOMEM;
	} else {
		report_syntax(composer);
	}
	return -EINVAL;
}

/* ------------------------------------------------------------ the tree -------------------------
 */

static int node_new(struct composer *composer, enum node_kind kind, const yaml_event_t *event,
		    struct node **ret_node)
{
	struct position at = position_of(composer, &event->start_mark);
	struct node *node;

	if (++composer->nodes > POLICY_NODES_MAX) {
		diagnostics_error(composer->diagnostics, at,
				  "more than %u values in one file (POLICY_NODES_MAX)",
				  POLICY_NODES_MAX);
		return -E2BIG;
	}
	node = arena_alloc(composer->arena, sizeof(*node));
	node->kind = kind;
	node->file = composer->path;
	node->line = at.line;
	node->column = at.column;
	*ret_node = node;
	return 0;
}

static void refuse_decoration(struct composer *composer, const struct node *node,
			      const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		diagnostics_error(composer->diagnostics, node_position(node),
				  "anchors (`&%s`) are not used here: write the value where it is "
				  "needed, or put it in quotes if it begins with `&`",
				  (const char *)anchor);
	if (tag)
		diagnostics_error(composer->diagnostics, node_position(node),
				  "tags (`!`) are not used here: take it away, or put the value in "
				  "quotes if it begins with `!`");
}

static int compose_scalar(struct composer *composer, const yaml_event_t *event,
			  struct node **ret_node)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct node *node;
	int error = node_new(composer, NODE_SCALAR, event, &node);

	if (error)
		return error;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = "";
	refuse_decoration(composer, node, event->data.scalar.anchor, event->data.scalar.tag);
	if (length > TEXT_BYTES_MAX) {
		diagnostics_error(composer->diagnostics, node_position(node),
				  "a text of %zu bytes; at most %u (TEXT_BYTES_MAX)", length,
				  TEXT_BYTES_MAX);
		node->kind = NODE_BROKEN;
	} else if (memchr(value, '\0', length)) {
		diagnostics_error(composer->diagnostics, node_position(node),
				  "a NUL character in a text: take out the \\0");
		node->kind = NODE_BROKEN;
	} else {
		node->text = arena_strndup(composer->arena, value, length);
	}
	*ret_node = node;
	return 0;
}

static int compose_alias(struct composer *composer, const yaml_event_t *event,
			 struct node **ret_node)
{
	struct node *node;
	int error = node_new(composer, NODE_BROKEN, event, &node);

	if (error)
		return error;
	diagnostics_error(composer->diagnostics, node_position(node),
			  "aliases (`*%s`) are not used here: write the value again, or put it in "
			  "quotes if it begins with `*`",
			  (const char *)event->data.alias.anchor);
	*ret_node = node;
	return 0;
}

static int compose(struct composer *composer, const yaml_event_t *event, unsigned depth,
		   struct node **ret_node);

static int compose_next(struct composer *composer, unsigned depth, struct node **ret_node)
{
	yaml_event_t event;
	int error = next_event(composer, &event);

	if (error)
		return error;
	error = compose(composer, &event, depth, ret_node);
	yaml_event_delete(&event);
	return error;
}

/* ret_node is NULL at the end event. */
static int compose_child(struct composer *composer, yaml_event_type_t end, unsigned depth,
			 struct node **ret_node)
{
	yaml_event_t event;
	int error = next_event(composer, &event);

	if (error)
		return error;
	*ret_node = NULL;
	if (event.type != end)
		error = compose(composer, &event, depth, ret_node);
	yaml_event_delete(&event);
	return error;
}

static int compose_sequence(struct composer *composer, struct node *node, unsigned depth)
{
	struct node **tail = &node->first;

	for (;;) {
		struct node *child;
		int error = compose_child(composer, YAML_SEQUENCE_END_EVENT, depth + 1, &child);

		if (error || !child)
			return error;
		*tail = child;
		tail = &child->next;
		node->count++;
	}
}

static int compare_keys(const void *left, const void *right)
{
	const struct node *a = (*(const struct node *const *)left)->key;
	const struct node *b = (*(const struct node *const *)right)->key;
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

static void refuse_duplicate_keys(struct composer *composer, const struct node *mapping)
{
	const struct node **children, *child;
	size_t i = 0;

	if (mapping->count < 2)
		return;
	children = arena_alloc(composer->arena, mapping->count * sizeof(const struct node *));
	for (child = mapping->first; child; child = child->next)
		children[i++] = child;
	qsort(children, mapping->count, sizeof(const struct node *), compare_keys);
	for (i = 1; i < mapping->count; i++) {
		const struct node *first = children[i - 1]->key, *second = children[i]->key;

		if (strcmp(first->text, second->text))
			continue;
		diagnostics_error(composer->diagnostics, node_position(second),
				  "`%s` is here twice; the first is on line %u: keep one of them",
				  uri_conceal(composer->arena, second->text), first->line);
	}
}

/* Whether the entry can be kept. */
static bool key_is_usable(struct composer *composer, const struct node *key)
{
	if (key->kind == NODE_BROKEN)
		return false;
	if (key->kind != NODE_SCALAR) {
		diagnostics_error(composer->diagnostics, node_position(key),
				  "a key must be a plain word");
		return false;
	}
	if (!key->plain || !looks_like_ipv6(key->text, strlen(key->text), 1))
		return true;
	diagnostics_error(composer->diagnostics, node_position(key),
			  "YAML takes the last colon of `%s:` for its own and this for a mapping: "
			  "put it in quotes, \"%s:\"",
			  key->text, key->text);
	return false;
}

static int compose_mapping(struct composer *composer, struct node *node, unsigned depth)
{
	struct node **tail = &node->first;
	bool refused = false;

	for (;;) {
		struct node *key, *value;
		int error = compose_child(composer, YAML_MAPPING_END_EVENT, depth + 1, &key);

		if (!error && !key)
			break;
		if (!error)
			error = compose_next(composer, depth + 1, &value);
		if (error)
			return error;
		if (!key_is_usable(composer, key)) {
			refused = true;
			continue;
		}
		value->key = key;
		*tail = value;
		tail = &value->next;
		node->count++;
	}
	if (refused && !node->count)
		node->kind = NODE_BROKEN;
	refuse_duplicate_keys(composer, node);
	return 0;
}

static int compose_collection(struct composer *composer, const yaml_event_t *event, unsigned depth,
			      struct node **ret_node)
{
	bool sequence = event->type == YAML_SEQUENCE_START_EVENT;
	struct node *node;
	int error = node_new(composer, sequence ? NODE_SEQUENCE : NODE_MAPPING, event, &node);

	if (error)
		return error;
	if (sequence)
		refuse_decoration(composer, node, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
	else
		refuse_decoration(composer, node, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
	if (depth > POLICY_DEPTH_MAX) {
		/* The end of the reading: past some depth libyaml takes quadratic time. */
		diagnostics_error(composer->diagnostics, node_position(node),
				  "more than %u levels deep (POLICY_DEPTH_MAX)", POLICY_DEPTH_MAX);
		error = -E2BIG;
	} else if (sequence) {
		error = compose_sequence(composer, node, depth);
	} else {
		error = compose_mapping(composer, node, depth);
	}
	if (!error)
		*ret_node = node;
	return error;
}

static int compose(struct composer *composer, const yaml_event_t *event, unsigned depth,
		   struct node **ret_node)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return compose_alias(composer, event, ret_node);
	case YAML_SCALAR_EVENT:
		return compose_scalar(composer, event, ret_node);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return compose_collection(composer, event, depth, ret_node);
	default:
		/* libyaml gives no other event where a value is due. */
		return -EPROTO;
	}
}

/* The one document of the file; ret_node is NULL if there is none. */
static int compose_document(struct composer *composer, struct node **ret_node)
{
	*ret_node = NULL;
	for (;;) {
		yaml_event_t event;
		yaml_event_type_t type;
		int error = next_event(composer, &event);

		if (error)
			return error;
		type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT && *ret_node)
			diagnostics_error(composer->diagnostics,
					  position_of(composer, &event.start_mark),
					  "a second document begins here: one file holds one");
		else if (type == YAML_DOCUMENT_START_EVENT &&
			 event.data.document_start.tag_directives.start !=
				 event.data.document_start.tag_directives.end)
			diagnostics_error(composer->diagnostics,
					  position_of(composer, &event.start_mark),
					  "tags are not used here: take out the %%TAG line");
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT ||
		    (type == YAML_DOCUMENT_START_EVENT && *ret_node))
			return 0;
		if (type == YAML_DOCUMENT_START_EVENT)
			error = compose_next(composer, 1, ret_node);
		if (error)
			return error;
	}
}

/* ------------------------------------------------------------ the file -------------------------
 */

static void free_bytes(char **bytes)
{
	free(*bytes);
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The whole file in memory of malloc. */
static int read_bytes(struct diagnostics *diagnostics, const char *path, char **ret_bytes,
		      size_t *ret_length)
{
	cleanup(close_file) FILE *file = fopen(path, "re");
	cleanup(free_bytes) char *bytes = NULL;
	struct position at = {path, 0, 0};
	size_t capacity = 64u << 10, length = 0, got = 1;

	while (file && got) {
		char *more = realloc(bytes, capacity);

		if (!more)
			return -ENOMEM;
		bytes = more;
		got = fread(bytes + length, 1, capacity - length, file);
		length += got;
		if (length > POLICY_FILE_BYTES_MAX) {
			diagnostics_error(diagnostics, at,
					  "the file has more than %u bytes (POLICY_FILE_BYTES_MAX)",
					  POLICY_FILE_BYTES_MAX);
			return -EFBIG;
		}
		if (length == capacity)
			capacity *= 2;
	}
	if (!file || ferror(file)) {
		int error = errno;

		diagnostics_error(diagnostics, at, "can't read it: %s", strerror(error));
		return -error;
	}
	*ret_bytes = bytes;
	*ret_length = length;
	bytes = NULL;
	return 0;
}

struct node *node_read(struct arena *arena, struct diagnostics *diagnostics, const char *path)
{
	struct composer composer = {.arena = arena, .diagnostics = diagnostics};
	cleanup(free_bytes) char *bytes = NULL;
	struct node *node = NULL;
	size_t mark;
	int error;

	composer.path = arena_strdup(arena, path);
	if (read_bytes(diagnostics, composer.path, &bytes, &composer.length))
		return NULL;
	composer.bytes = bytes;
	mark = follows(&composer, 0, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0;
	composer.bytes += mark;
	composer.length -= mark;
	if (!yaml_parser_initialize(&composer.parser)) {
		diagnostics_error(diagnostics, whole_file(&composer),
				  "not enough memory to read it");
		return NULL;
	}
	/* Or else it would take two bytes at the beginning for a sign of UTF-16. */
	yaml_parser_set_encoding(&composer.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&composer.parser, (const unsigned char *)composer.bytes,
				     composer.length);
	error = compose_document(&composer, &node);
	yaml_parser_delete(&composer.parser);
	if (error)
		return NULL;
	if (!node || node_is_empty(node)) {
		diagnostics_error(
			diagnostics, position_of_offset(&composer, 0),
			"the file is empty: a catalog begins with `catalog: NAME`, a site "
			"with `site: NAME`");
		return NULL;
	}
	return node;
}
