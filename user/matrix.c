/* SPDX-License-Identifier: BSD-2-Clause */
#include "matrix.h"

#include <string.h>

#include "csv.h"

static void add_name(struct arena *arena, struct matrix *matrix, const char *name)
{
	list_for_each (other, &matrix->names) {
		if (strcmp(*other, name) == 0)
			return;
	}
	*arena_push(arena, &matrix->names) = name;
}

/* Roles in the order of their catalogs; then what the site's own flows name besides. */
void matrix_make(struct arena *arena, const struct policy *policy, const reach_list *reaches,
		 struct matrix *ret_matrix)
{
	struct matrix matrix = {.site = policy->site->name.text};

	reach_pairs(arena, reaches, &matrix.pairs);
	for (size_t i = 0; i < policy->binding_count; i++) {
		list_for_each (pair, &matrix.pairs) {
			if (pair->from->binding == &policy->bindings[i] ||
			    pair->to->binding == &policy->bindings[i])
				add_name(arena, &matrix, policy->bindings[i].id);
		}
	}
	list_for_each (pair, &matrix.pairs) {
		add_name(arena, &matrix, pair->from->name);
		add_name(arena, &matrix, pair->to->name);
	}
	*ret_matrix = matrix;
}

static const struct reach_pair *find_pair(const struct matrix *matrix, const char *from,
					  const char *to)
{
	list_for_each (pair, &matrix->pairs) {
		if (strcmp(pair->from->name, from) == 0 && strcmp(pair->to->name, to) == 0)
			return pair;
	}
	return NULL;
}

static bool has_row(const struct matrix *matrix, const char *from)
{
	list_for_each (pair, &matrix->pairs) {
		if (strcmp(pair->from->name, from) == 0)
			return true;
	}
	return false;
}

static void cell_lines(struct arena *arena, const struct reach_pair *pair, text_lines *lines)
{
	if (pair)
		reach_pair_lines(arena, pair, lines);
}

static const char *cell_text(struct arena *arena, const struct reach_pair *pair,
			     const char *separator)
{
	const char *text = "";
	text_lines lines = {0};

	cell_lines(arena, pair, &lines);
	list_for_each (line, &lines)
		text = arena_printf(arena, "%s%s%s", text, *text ? separator : "", *line);
	return text;
}

/* ------------------------------------------------------------ text ------------------------------
 */

struct column {
	size_t name; /* index */
	size_t width;
};

static size_t column_width(struct arena *arena, const struct matrix *matrix, size_t column)
{
	size_t width = strlen(arena_printf(arena, "[%zu]", column + 1));

	list_for_each (name, &matrix->names) {
		text_lines lines = {0};

		cell_lines(arena, find_pair(matrix, *name, matrix->names.items[column]), &lines);
		list_for_each (line, &lines) {
			if (strlen(*line) > width)
				width = strlen(*line);
		}
	}
	return width;
}

static void print_row(struct arena *arena, const struct matrix *matrix, size_t row,
		      size_t label_width, const struct column *columns, size_t count, FILE *out)
{
	text_lines *cells = arena_alloc(arena, count * sizeof(*cells));
	size_t height = 0;

	for (size_t i = 0; i < count; i++) {
		cell_lines(arena,
			   find_pair(matrix, matrix->names.items[row],
				     matrix->names.items[columns[i].name]),
			   &cells[i]);
		if (cells[i].count > height)
			height = cells[i].count;
	}
	for (size_t line = 0; line < height; line++) {
		fprintf(out, "%-*s", (int)label_width,
			line ? ""
			     : arena_printf(arena, "[%zu] %s", row + 1, matrix->names.items[row]));
		for (size_t i = 0; i < count; i++) {
			const char *text = line < cells[i].count ? cells[i].items[line] : "";

			fprintf(out, "  %-*s", i + 1 < count ? (int)columns[i].width : 0, text);
		}
		fputc('\n', out);
	}
}

static void print_block(struct arena *arena, const struct matrix *matrix, size_t label_width,
			const struct column *columns, size_t count, FILE *out)
{
	fprintf(out, "%-*s", (int)label_width, "from \\ to");
	for (size_t i = 0; i < count; i++)
		fprintf(out, "  %-*s", i + 1 < count ? (int)columns[i].width : 0,
			arena_printf(arena, "[%zu]", columns[i].name + 1));
	fputc('\n', out);
	for (size_t row = 0; row < matrix->names.count; row++)
		print_row(arena, matrix, row, label_width, columns, count, out);
}

/* Columns are the numbers of the rows: names would make most of them too wide. */
void matrix_print_text(const struct matrix *matrix, unsigned width, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct column *columns = arena_alloc(arena, matrix->names.count * sizeof(*columns));
	size_t label_width = 0, used = 0, count = 0;

	for (size_t i = 0; i < matrix->names.count; i++) {
		size_t length =
			strlen(arena_printf(arena, "[%zu] %s", i + 1, matrix->names.items[i]));

		if (length > label_width)
			label_width = length;
	}
	for (size_t i = 0; i < matrix->names.count; i++)
		fprintf(out, "[%zu] %s\n", i + 1, matrix->names.items[i]);
	for (size_t i = 0; i < matrix->names.count; i++) {
		struct column column = {i, column_width(arena, matrix, i)};
		bool used_column = false;

		list_for_each (pair, &matrix->pairs)
			used_column |= strcmp(pair->to->name, matrix->names.items[i]) == 0;
		if (!used_column)
			continue;
		if (count && label_width + used + 2 + column.width > width) {
			fputc('\n', out);
			print_block(arena, matrix, label_width, columns, count, out);
			count = used = 0;
		}
		columns[count++] = column;
		used += 2 + column.width;
	}
	if (count) {
		fputc('\n', out);
		print_block(arena, matrix, label_width, columns, count, out);
	}
}

/* ------------------------------------------------------------ CSV, Markdown, HTML, JSON ---------
 */

void matrix_print_csv(const struct matrix *matrix, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	csv_row header = {0};

	csv_add(arena, &header, "from \\ to");
	list_for_each (to, &matrix->names)
		csv_add(arena, &header, *to);
	csv_print(&header, out);
	list_for_each (from, &matrix->names) {
		csv_row row = {0};

		csv_add(arena, &row, *from);
		list_for_each (to, &matrix->names)
			csv_add(arena, &row, cell_text(arena, find_pair(matrix, *from, *to), " "));
		csv_print(&row, out);
	}
}

static void print_markdown_cell(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("|\\*_`<", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

void matrix_print_markdown(const struct matrix *matrix, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();

	fputs("| from \\\\ to |", out);
	list_for_each (to, &matrix->names) {
		fputc(' ', out);
		print_markdown_cell(*to, out);
		fputs(" |", out);
	}
	fputs("\n|---|", out);
	for (size_t i = 0; i < matrix->names.count; i++)
		fputs("---|", out);
	fputc('\n', out);
	list_for_each (from, &matrix->names) {
		fputs("| **", out);
		print_markdown_cell(*from, out);
		fputs("** |", out);
		list_for_each (to, &matrix->names)
			fprintf(out, " %s |",
				cell_text(arena, find_pair(matrix, *from, *to), "<br>"));
		fputc('\n', out);
	}
}

static void print_html(const char *text, FILE *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void print_html_cell(struct arena *arena, const struct reach_pair *pair, FILE *out)
{
	text_lines lines = {0};

	if (!pair) {
		fputs("<td></td>", out);
		return;
	}
	cell_lines(arena, pair, &lines);
	fputs("<td class=\"open\" title=\"", out);
	list_for_each (pairing, &pair->pairings) {
		if (pairing != pair->pairings.items)
			fputs("&#10;", out);
		print_html((*pairing)->id, out);
	}
	fputs("\">", out);
	list_for_each (line, &lines) {
		if (line != lines.items)
			fputs("<br>", out);
		print_html(*line, out);
	}
	fputs("</td>", out);
}

void matrix_print_html(const struct matrix *matrix, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
	      out);
	print_html(matrix->site, out);
	fputs(": who opens to whom</title>\n<style>\n"
	      "body { font-family: sans-serif; font-size: 80%; margin: 1em; }\n"
	      "table { border-collapse: collapse; }\n"
	      "th, td { border: 1px solid #bbb; padding: 2px 5px; vertical-align: top; }\n"
	      "td { white-space: nowrap; font-family: monospace; }\n"
	      "td.open { background: #e4f2e4; }\n"
	      "thead th { position: sticky; top: 0; background: #fff; }\n"
	      "thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }\n"
	      "tbody th { text-align: left; position: sticky; left: 0; background: #fff; }\n"
	      "</style>\n</head>\n<body>\n<h1>",
	      out);
	print_html(matrix->site, out);
	fputs("</h1>\n<p>Who opens (rows) to whom (columns); point at a cell for its rules.</p>\n"
	      "<table>\n<thead><tr><th>from \\ to</th>",
	      out);
	list_for_each (to, &matrix->names) {
		fputs("<th><span>", out);
		print_html(*to, out);
		fputs("</span></th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	list_for_each (from, &matrix->names) {
		if (!has_row(matrix, *from))
			continue;
		fputs("<tr><th>", out);
		print_html(*from, out);
		fputs("</th>", out);
		list_for_each (to, &matrix->names)
			print_html_cell(arena, find_pair(matrix, *from, *to), out);
		fputs("</tr>\n", out);
	}
	fputs("</tbody>\n</table>\n</body>\n</html>\n", out);
}

json_t *matrix_json(const struct matrix *matrix)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	json_t *array = json_array();

	list_for_each (pair, &matrix->pairs) {
		json_t *rules = json_array();
		json_t *services = json_array();
		text_lines lines = {0};

		cell_lines(arena, pair, &lines);
		list_for_each (line, &lines)
			json_array_append_new(services, json_string(*line));
		list_for_each (pairing, &pair->pairings)
			json_array_append_new(rules, json_string((*pairing)->id));
		json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:o, s:s?}", "from",
						       pair->from->name, "to", pair->to->name,
						       "services", services, "rules", rules,
						       "missing", pair->missing));
	}
	return array;
}
