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
	management_lines(arena, policy, &matrix.management);
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

static bool has_column(const struct matrix *matrix, const char *to)
{
	list_for_each (pair, &matrix->pairs) {
		if (strcmp(pair->to->name, to) == 0)
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

/* Without the blanks that only keep columns apart. */
static void print_trimmed(const char *text, FILE *out)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == ' ')
		length--;
	fprintf(out, "%.*s\n", (int)length, text);
}

static const char *row_label(struct arena *arena, const struct matrix *matrix, size_t row)
{
	return arena_printf(arena, "[%zu] %s", row + 1, matrix->names.items[row]);
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
		const char *text = arena_printf(arena, "%-*s", (int)label_width,
						line ? "" : row_label(arena, matrix, row));

		for (size_t i = 0; i < count; i++)
			text = arena_printf(arena, "%s  %-*s", text, (int)columns[i].width,
					    line < cells[i].count ? cells[i].items[line] : "");
		print_trimmed(text, out);
	}
}

static void print_block(struct arena *arena, const struct matrix *matrix, size_t label_width,
			const struct column *columns, size_t count, FILE *out)
{
	const char *text = arena_printf(arena, "\n%-*s", (int)label_width, "from \\ to");

	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, "%s  %-*s", text, (int)columns[i].width,
				    arena_printf(arena, "[%zu]", columns[i].name + 1));
	print_trimmed(text, out);
	for (size_t row = 0; row < matrix->names.count; row++)
		print_row(arena, matrix, row, label_width, columns, count, out);
}

static void print_blocks(struct arena *arena, const struct matrix *matrix, size_t label_width,
			 unsigned width, FILE *out)
{
	struct column *columns = arena_alloc(arena, matrix->names.count * sizeof(*columns));
	size_t used = 0, count = 0;

	for (size_t i = 0; i < matrix->names.count; i++) {
		struct column column = {i, column_width(arena, matrix, i)};

		if (!has_column(matrix, matrix->names.items[i]))
			continue;
		if (count && label_width + used + 2 + column.width > width) {
			print_block(arena, matrix, label_width, columns, count, out);
			count = used = 0;
		}
		columns[count++] = column;
		used += 2 + column.width;
	}
	if (count)
		print_block(arena, matrix, label_width, columns, count, out);
}

/* Columns are the numbers of the rows: names would make most of them too wide. */
void matrix_print_text(const struct matrix *matrix, unsigned width, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	size_t label_width = 0;

	for (size_t i = 0; i < matrix->names.count; i++) {
		size_t length = strlen(row_label(arena, matrix, i));

		if (length > label_width)
			label_width = length;
		fprintf(out, "%s\n", row_label(arena, matrix, i));
	}
	print_blocks(arena, matrix, label_width, width, out);
	if (matrix->management.count)
		fputs("\nmanagement, to every host:\n", out);
	list_for_each (line, &matrix->management)
		fprintf(out, "  %s\n", *line);
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

static void print_markdown_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("|\\*_`<[]$", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void print_markdown_cell(struct arena *arena, const struct reach_pair *pair, FILE *out)
{
	text_lines lines = {0};

	cell_lines(arena, pair, &lines);
	fputc(' ', out);
	list_for_each (line, &lines) {
		if (line != lines.items)
			fputs("<br>", out);
		print_markdown_text(*line, out);
	}
	fputs(lines.count ? " |" : "|", out);
}

/* Rows and columns that have something in them. */
void matrix_print_markdown(const struct matrix *matrix, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	const char *rule = "|---|";

	fputs("| from \\\\ to |", out);
	list_for_each (to, &matrix->names) {
		if (!has_column(matrix, *to))
			continue;
		fputc(' ', out);
		print_markdown_text(*to, out);
		fputs(" |", out);
		rule = arena_printf(arena, "%s---|", rule);
	}
	fprintf(out, "\n%s\n", rule);
	list_for_each (from, &matrix->names) {
		if (!has_row(matrix, *from))
			continue;
		fputs("| **", out);
		print_markdown_text(*from, out);
		fputs("** |", out);
		list_for_each (to, &matrix->names) {
			if (has_column(matrix, *to))
				print_markdown_cell(arena, find_pair(matrix, *from, *to), out);
		}
		fputc('\n', out);
	}
	if (matrix->management.count)
		fputs("\nManagement, to every host:\n\n", out);
	list_for_each (line, &matrix->management) {
		fputs("- ", out);
		print_markdown_text(*line, out);
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

/* What one reads when pointing at a cell: by which rules, cited from where. */
static void print_html_rules(struct arena *arena, const struct reach_pair *pair, FILE *out)
{
	list_for_each (pairing, &pair->pairings) {
		if (pairing != pair->pairings.items)
			fputs("&#10;", out);
		print_html((*pairing)->id, out);
		fputs(": ", out);
		print_html(pairing_cite(arena, *pairing), out);
	}
}

static void print_html_cell(struct arena *arena, const struct reach_pair *pair, FILE *out)
{
	text_lines lines = {0};
	const char *class = "open";

	if (!pair) {
		fputs("<td></td>", out);
		return;
	}
	if (pair->missing)
		class = "missing";
	else if (services_port_count(&pair->services) >= WIDE_PORTS)
		class = "wide";
	cell_lines(arena, pair, &lines);
	fprintf(out, "<td class=\"%s\" title=\"", class);
	print_html_rules(arena, pair, out);
	fputs("\">", out);
	list_for_each (line, &lines) {
		if (line != lines.items)
			fputs("<br>", out);
		print_html(*line, out);
	}
	fputs("</td>", out);
}

static void print_html_head(const struct matrix *matrix, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
	      out);
	print_html(matrix->site, out);
	fputs(": who opens to whom</title>\n<style>\n"
	      "body { font: 13px sans-serif; color: #1f2a36; margin: 2em; }\n"
	      "table { border-collapse: collapse; }\n"
	      "th, td { border: 1px solid #c4ccd6; padding: 3px 6px; vertical-align: top; }\n"
	      "td { white-space: nowrap; font: 12px monospace; }\n"
	      "td.open { background: #e7f3e6; }\n"
	      "td.wide { background: #fadfd9; }\n"
	      "td.missing { background: #fff6cc; }\n"
	      "thead th { position: sticky; top: 0; background: #fff; vertical-align: bottom; }\n"
	      "thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }\n"
	      "tbody th { text-align: left; position: sticky; left: 0; background: #fff; }\n"
	      "tbody tr:hover th { background: #eaf2fa; }\n"
	      "</style>\n</head>\n<body>\n<h1>",
	      out);
	print_html(matrix->site, out);
	fprintf(out,
		"</h1>\n<p>Who opens connections (rows) to whom (columns), with the destination "
		"ports. Point at a cell for its rules and where they are from. Red: %u ports or "
		"more; yellow: the site has yet to set a port.</p>\n",
		WIDE_PORTS);
}

static void print_html_table(struct arena *arena, const struct matrix *matrix, FILE *out)
{
	fputs("<table>\n<thead><tr><th>from \\ to</th>", out);
	list_for_each (to, &matrix->names) {
		if (!has_column(matrix, *to))
			continue;
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
		list_for_each (to, &matrix->names) {
			if (has_column(matrix, *to))
				print_html_cell(arena, find_pair(matrix, *from, *to), out);
		}
		fputs("</tr>\n", out);
	}
	fputs("</tbody>\n</table>\n", out);
}

/* Rows and columns that have something in them. */
void matrix_print_html(const struct matrix *matrix, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();

	print_html_head(matrix, out);
	print_html_table(arena, matrix, out);
	if (matrix->management.count)
		fputs("<h2>Management, to every host</h2>\n<ul>\n", out);
	list_for_each (line, &matrix->management) {
		fputs("<li>", out);
		print_html(*line, out);
		fputs("</li>\n", out);
	}
	fprintf(out, "%s</body>\n</html>\n", matrix->management.count ? "</ul>\n" : "");
}

json_t *matrix_json(const struct matrix *matrix)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	json_t *array = json_array();

	list_for_each (pair, &matrix->pairs)
		json_array_append_new(array, reach_pair_json(arena, pair));
	return array;
}
