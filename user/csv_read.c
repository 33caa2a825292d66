/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../include/bounds.h"
#include "csv.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct csv_reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const char *path;
	const char *next; /* ends with NUL */
	char separator;
	unsigned line;
	const char *line_start;
	bool failed;
};

static void closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static struct position position(const struct csv_reader *reader)
{
	return (struct position){reader->path, reader->line,
				 (unsigned)(reader->next - reader->line_start) + 1};
}

/* ------------------------------------------------------------ bytes -----------------------------
 */

/* Length of the UTF-8 character at text (RFC 3629), 0: it is none. */
static size_t character_length(const unsigned char *text)
{
	size_t length = *text < 0x80			? 1
			: *text >= 0xc2 && *text < 0xe0 ? 2
			: *text >= 0xe0 && *text < 0xf0 ? 3
			: *text >= 0xf0 && *text < 0xf5 ? 4
							: 0;

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

static bool check_text(struct csv_reader *reader, size_t length)
{
	const char *end = reader->next + length;
	struct csv_reader at = *reader;

	while (at.next < end) {
		size_t character = character_length((const unsigned char *)at.next);

		if (!character || !*at.next) {
			diagnostics_error(reader->diagnostics, position(&at),
					  "this is no UTF-8 text: save the table as CSV in UTF-8");
			return false;
		}
		if (*at.next == '\n') {
			at.line++;
			at.line_start = at.next + 1;
		}
		at.next += character;
	}
	return true;
}

static bool read_bytes(struct csv_reader *reader)
{
	cleanup(closep) FILE *file = fopen(reader->path, "re");
	const struct position at = {.file = reader->path};
	char *text = arena_alloc(reader->arena, CSV_BYTES_MAX + 2);
	size_t length;

	if (!file) {
		diagnostics_error(reader->diagnostics, at, "%s", strerror(errno));
		return false;
	}
	length = fread(text, 1, CSV_BYTES_MAX + 1, file);
	if (ferror(file)) {
		diagnostics_error(reader->diagnostics, at, "it can't be read: %s", strerror(errno));
		return false;
	}
	if (length > CSV_BYTES_MAX) {
		diagnostics_error(reader->diagnostics, at,
				  "it has more than %u bytes (CSV_BYTES_MAX)", CSV_BYTES_MAX);
		return false;
	}
	if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) {
		text += strlen(BYTE_ORDER_MARK);
		length -= strlen(BYTE_ORDER_MARK);
	}
	reader->next = reader->line_start = text;
	reader->line = 1;
	return check_text(reader, length);
}

/* ------------------------------------------------------------ cells -----------------------------
 */

static void refuse_quote(struct csv_reader *reader, const char *what)
{
	diagnostics_error(reader->diagnostics, position(reader), "%s", what);
	reader->failed = true;
}

/* Steps over one character of a cell and counts lines; CRLF is one end of line. */
static char take(struct csv_reader *reader)
{
	char character = *reader->next++;

	if (character == '\r' && *reader->next == '\n')
		character = *reader->next++;
	if (character == '\n') {
		reader->line++;
		reader->line_start = reader->next;
	}
	return character;
}

static const char *read_quoted(struct csv_reader *reader)
{
	const struct csv_reader begin = *reader;
	LIST(char) text = {0};

	reader->next++;
	for (;;) {
		if (!*reader->next) {
			*reader = begin;
			refuse_quote(reader, "this quotation mark is never closed");
			reader->next += strlen(reader->next);
			break;
		}
		if (*reader->next == '"') {
			reader->next++;
			if (*reader->next != '"')
				break;
		}
		*arena_push(reader->arena, &text) = take(reader);
	}
	*arena_push(reader->arena, &text) = '\0';
	if (*reader->next && !strchr("\r\n", *reader->next) && *reader->next != reader->separator)
		refuse_quote(reader,
			     "behind a quoted cell stands a separator or the end of the line");
	return text.items;
}

static const char *read_plain(struct csv_reader *reader)
{
	const char end[] = {reader->separator, '\r', '\n', '"', '\0'};
	size_t length = strcspn(reader->next, end);
	const char *text = arena_strndup(reader->arena, reader->next, length);

	reader->next += length;
	if (*reader->next == '"') {
		refuse_quote(reader,
			     "a quotation mark within a cell: quote the whole cell, and write "
			     "two of them for one");
		reader->next += strcspn(reader->next, "\r\n");
	}
	return text;
}

static void read_line(struct csv_reader *reader, csv_cell_list *cells)
{
	for (;;) {
		struct csv_cell *cell = arena_push(reader->arena, cells);

		cell->at = position(reader);
		cell->text = *reader->next == '"' ? read_quoted(reader) : read_plain(reader);
		if (*reader->next != reader->separator)
			break;
		reader->next++;
	}
	if (*reader->next)
		take(reader);
}

static bool is_blank(const csv_cell_list *cells)
{
	list_for_each (cell, cells) {
		if (cell->text[strspn(cell->text, " \t\n")])
			return false;
	}
	return true;
}

/* Spreadsheets of half of Europe write semicolons. */
static char separator_of(const char *text)
{
	size_t commas = 0, semicolons = 0;

	for (; *text && *text != '\n'; text++) {
		commas += *text == ',';
		semicolons += *text == ';';
	}
	return semicolons > commas ? ';' : ',';
}

bool csv_read(struct arena *arena, struct diagnostics *diagnostics, const char *path,
	      csv_table *ret_table)
{
	struct csv_reader reader = {.arena = arena, .diagnostics = diagnostics, .path = path};
	csv_table table = {0};

	if (!read_bytes(&reader))
		return false;
	reader.separator = separator_of(reader.next);
	while (*reader.next && !reader.failed) {
		csv_cell_list cells = {0};

		read_line(&reader, &cells);
		if (!is_blank(&cells))
			*arena_push(arena, &table) = cells;
	}
	*ret_table = table;
	return !reader.failed;
}
