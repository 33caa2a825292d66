/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph.h"

#include <string.h>

/* Of those who play a role, so many are named in its box. */
#define SHOWN_MEMBERS 6u

#define INK	      "#1f2a36"
#define PALE_INK      "#5a6675"
#define FRAME	      "#44546a"
#define WIDE_ARROW    "#c0392b"

/* A box: one end of some arrow. */
struct box {
	const struct end *end;
	const struct instance *instance; /* NULL: named by the site's own flows */
};

struct graph {
	struct arena *arena;
	const struct policy *policy;
	FILE *out;
	LIST(struct box) boxes;
	reach_pair_list pairs;
};

/* An arrow, or two in opposite directions that carry the same. */
struct arrow {
	const struct reach_pair *pair;
	bool both;
};

/* ------------------------------------------------------------ what is drawn ---------------------
 */

static size_t box_number(const struct graph *graph, const struct end *end)
{
	for (size_t i = 0; i < graph->boxes.count; i++) {
		if (strcmp(graph->boxes.items[i].end->name, end->name) == 0)
			return i;
	}
	return graph->boxes.count;
}

static void add_box(struct graph *graph, const struct end *end)
{
	if (box_number(graph, end) < graph->boxes.count)
		return;
	*arena_push(graph->arena, &graph->boxes) =
		(struct box){end, end->binding ? end->binding->instance : NULL};
}

static const struct reach_pair *opposite(const struct graph *graph, const struct reach_pair *pair)
{
	list_for_each (other, &graph->pairs) {
		if (other != pair && strcmp(other->from->name, pair->to->name) == 0 &&
		    strcmp(other->to->name, pair->from->name) == 0 &&
		    service_list_equal(&other->services, &pair->services) &&
		    !other->missing == !pair->missing)
			return other;
	}
	return NULL;
}

/* False: the arrow was drawn with the one in the opposite direction. */
static bool read_arrow(const struct graph *graph, const struct reach_pair *pair,
		       struct arrow *ret_arrow)
{
	const struct reach_pair *other = opposite(graph, pair);

	if (other && other < pair)
		return false;
	*ret_arrow = (struct arrow){pair, other || pair->from == pair->to};
	return true;
}

static bool is_wide(const struct reach_pair *pair)
{
	return services_port_count(&pair->services) >= WIDE_PORTS;
}

static bool has_box(const struct graph *graph, const struct instance *instance)
{
	list_for_each (box, &graph->boxes) {
		if (box->instance == instance)
			return true;
	}
	return false;
}

static struct graph graph_make(struct arena *arena, const struct policy *policy,
			       const reach_list *reaches, FILE *out)
{
	struct graph graph = {.arena = arena, .policy = policy, .out = out};

	reach_pairs(arena, reaches, &graph.pairs);
	for (size_t i = 0; i < policy->binding_count; i++) {
		list_for_each (pair, &graph.pairs) {
			if (pair->from->binding == &policy->bindings[i])
				add_box(&graph, pair->from);
			if (pair->to->binding == &policy->bindings[i])
				add_box(&graph, pair->to);
		}
	}
	list_for_each (pair, &graph.pairs) {
		add_box(&graph, pair->from);
		add_box(&graph, pair->to);
	}
	return graph;
}

/* "web-1: 10.20.1.11", "10.20.9.0/28": one member of an end. */
static const char *member_text(struct arena *arena, const struct end_member *member)
{
	const char *addresses = addresses_brief(arena, member->addresses);

	return member->host ? arena_printf(arena, "%s: %s", member->host->name.text, addresses)
			    : addresses;
}

/* Who is at the end; of a role all who play it, also where one flow is only between some. */
static size_t member_count(const struct end *end)
{
	return end->binding ? end->binding->member_count : end->member_count;
}

static struct end_member member_at(const struct end *end, size_t index)
{
	const struct member *member;

	if (!end->binding)
		return end->members[index];
	member = &end->binding->members[index];
	return (struct end_member){.host = member->host, .addresses = &member->addresses};
}

static bool is_bound(const struct end *end)
{
	return member_count(end) || (end->binding && end->binding->domains.count);
}

static const char *box_title(const struct box *box)
{
	return box->instance && box->end->binding ? box->end->binding->role->id.text
						  : box->end->name;
}

/* Who plays it, a line each. An address by itself is its own title. */
static void box_members(const struct graph *graph, const struct box *box, text_lines *lines)
{
	const struct end *end = box->end;
	size_t count = member_count(end);

	if (!is_bound(end) && !graph->policy->is_catalog)
		*arena_push(graph->arena, lines) = "not bound";
	for (size_t i = 0; i < count && i < SHOWN_MEMBERS; i++) {
		const struct end_member member = member_at(end, i);
		const char *text = member_text(graph->arena, &member);

		if (strcmp(text, box_title(box)) != 0)
			*arena_push(graph->arena, lines) = text;
	}
	if (count > SHOWN_MEMBERS)
		*arena_push(graph->arena, lines) =
			arena_printf(graph->arena, "and %zu more", count - SHOWN_MEMBERS);
	for (size_t i = 0; end->binding && i < end->binding->domains.count; i++)
		*arena_push(graph->arena, lines) = end->binding->domains.items[i].text;
}

/* ------------------------------------------------------------ DOT -------------------------------
 */

/* Text of an HTML-like label; names and texts of a site are anything that YAML takes. */
static void print_label_text(const char *text, FILE *out)
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
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		}
	}
}

/* How a label's text is drawn. */
struct type {
	unsigned size; /* points */
	const char *color;
	bool bold;
};

/* align: "" or how the line break after each line aligns it. */
static void print_label_lines(const text_lines *lines, const struct type *type, const char *align,
			      FILE *out)
{
	list_for_each (line, lines) {
		fprintf(out, "<font point-size=\"%u\" color=\"%s\">%s", type->size, type->color,
			type->bold ? "<b>" : "");
		print_label_text(*line, out);
		fprintf(out, "%s</font>", type->bold ? "</b>" : "");
		if (*align || line + 1 < lines->items + lines->count)
			fprintf(out, "<br%s/>", align);
	}
}

static void print_label_line(const char *text, const struct type *type, const char *align,
			     FILE *out)
{
	const text_lines one = {.items = &text, .count = 1};

	print_label_lines(&one, type, align, out);
}

static void print_dot_box(const struct graph *graph, size_t number, const char *indent)
{
	static const struct type title = {12, INK, true}, member = {9, PALE_INK, false};
	const struct box *box = &graph->boxes.items[number];
	text_lines lines = {0};

	box_members(graph, box, &lines);
	fprintf(graph->out, "%sbox%zu [label=<", indent, number + 1);
	print_label_line(box_title(box), &title, lines.count ? " " : "", graph->out);
	print_label_lines(&lines, &member, "", graph->out);
	fputc('>', graph->out);
	if (!graph->policy->is_catalog && !is_bound(box->end))
		fputs(" style=\"rounded,filled,dashed\"", graph->out);
	fputs("];\n", graph->out);
}

static void print_dot_group(const struct graph *graph, size_t number,
			    const struct instance *instance)
{
	static const char *const fills[] = {"#eaf2fa", "#edf6e8", "#fdf1e3",
					    "#f5ebf7", "#fbebec", "#eaf5f4"};
	static const struct type name = {14, INK, true}, title = {10, PALE_INK, false};

	if (!has_box(graph, instance))
		return;
	fprintf(graph->out,
		"\t\tsubgraph cluster_%zu {\n\t\t\tstyle=\"rounded,filled\" color=\"#c4ccd6\" "
		"fillcolor=\"%s\" margin=16\n\t\t\tlabel=<",
		number + 1, fills[number % (sizeof(fills) / sizeof(fills[0]))]);
	print_label_line(instance->name, &name, " align=\"left\"", graph->out);
	print_label_line(instance->catalog->title, &title, " align=\"left\"", graph->out);
	fputs(">\n", graph->out);
	for (size_t i = 0; i < graph->boxes.count; i++) {
		if (graph->boxes.items[i].instance == instance)
			print_dot_box(graph, i, "\t\t\t");
	}
	fputs("\t\t}\n", graph->out);
}

/* Arrows of one opener have one colour: where many cross, the eye can follow them. */
static void print_dot_arrow(const struct graph *graph, const struct arrow *arrow)
{
	static const char *const colors[] = {"#2b5c8a", "#4b7a2f", "#7a4a8c",
					     "#8a6414", "#1f7a78", "#5a6675"};
	const struct reach_pair *pair = arrow->pair;
	size_t from = box_number(graph, pair->from), to = box_number(graph, pair->to);
	bool wide = is_wide(pair);
	const struct type type = {
		.size = 10,
		.color = wide ? WIDE_ARROW : colors[from % (sizeof(colors) / sizeof(colors[0]))],
		.bold = wide,
	};
	text_lines lines = {0};

	reach_pair_lines(graph->arena, pair, &lines);
	fprintf(graph->out, "\tbox%zu -> box%zu [label=<", from + 1, to + 1);
	print_label_lines(&lines, &type, " align=\"left\"", graph->out);
	fprintf(graph->out, "> color=\"%s\"%s%s%s];\n", type.color, wide ? " penwidth=2.5" : "",
		arrow->both ? " dir=both" : "", pair->missing ? " style=dashed" : "");
}

/* One of the fields beneath the picture: a heading, then lines. */
static void print_field(const char *heading, const char *fill, const text_lines *lines, FILE *out)
{
	static const struct type bold = {11, INK, true}, text = {10, INK, false};

	fprintf(out,
		"<td border=\"1\" cellpadding=\"8\" bgcolor=\"%s\" align=\"left\" "
		"balign=\"left\" valign=\"top\">",
		fill);
	print_label_line(heading, &bold, " align=\"left\"", out);
	print_label_lines(lines, &text, " align=\"left\"", out);
	fputs("</td>", out);
}

static void legend_lines(const struct graph *graph, text_lines *lines)
{
	bool wide = false, dashed = false;

	list_for_each (pair, &graph->pairs) {
		wide |= is_wide(pair);
		dashed |= pair->missing != NULL;
	}
	*arena_push(graph->arena, lines) =
		"An arrow leads from who opens a connection to whom, with the destination ports.";
	if (wide)
		*arena_push(graph->arena, lines) =
			arena_printf(graph->arena, "Thick and red: %u ports or more.", WIDE_PORTS);
	if (dashed)
		*arena_push(graph->arena, lines) = "Dashed, $parameter: the document leaves the "
						   "port open; the site must set it.";
}

/* Beneath the picture: what its signs mean, and management. */
static void print_dot_legend(const struct graph *graph)
{
	text_lines legend = {0}, management = {0};

	legend_lines(graph, &legend);
	management_lines(graph->arena, graph->policy, &management);
	fputs("\tlabelloc=b labeljust=l\n\tlabel=<<table border=\"0\" cellborder=\"0\" "
	      "cellspacing=\"10\" color=\"#c4ccd6\"><tr>",
	      graph->out);
	if (management.count)
		print_field("Management, to every host", "#fffbe0", &management, graph->out);
	print_field("Legend", "white", &legend, graph->out);
	fputs("</tr></table>>\n", graph->out);
}

static void print_dot_title(const struct graph *graph)
{
	static const struct type name = {24, INK, true}, about = {14, PALE_INK, false};
	const struct site *site = graph->policy->site;

	fputs("\t\tpencolor=none labelloc=t labeljust=l\n\t\tlabel=<", graph->out);
	print_label_line(site->name.text, &name, site->about ? " align=\"left\"" : "", graph->out);
	if (site->about)
		print_label_line(site->about, &about, " align=\"left\"", graph->out);
	fputs(">\n", graph->out);
}

void graph_print_dot(const struct policy *policy, const reach_list *reaches, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct graph graph = graph_make(arena, policy, reaches, out);
	struct arrow arrow;

	fputs("digraph site {\n"
	      "\trankdir=LR nodesep=0.3 ranksep=1.3 pad=0.4 fontname=\"Helvetica\"\n"
	      "\tnode [shape=box style=\"rounded,filled\" fillcolor=white color=\"" FRAME "\" "
	      "fontname=\"Helvetica\" margin=\"0.15,0.08\"]\n"
	      "\tedge [fontname=\"Helvetica\" color=\"" FRAME "\" arrowsize=0.8]\n",
	      out);
	print_dot_legend(&graph);
	/* A graph has one label: the title is that of a group around everything. */
	fputs("\tsubgraph cluster_0 {\n", out);
	print_dot_title(&graph);
	for (size_t i = 0; i < policy->instance_count; i++) {
		if (policy->instances[i].catalog->title)
			print_dot_group(&graph, i, &policy->instances[i]);
	}
	for (size_t i = 0; i < graph.boxes.count; i++) {
		if (!graph.boxes.items[i].instance)
			print_dot_box(&graph, i, "\t\t");
	}
	fputs("\t}\n", out);
	list_for_each (pair, &graph.pairs) {
		if (read_arrow(&graph, pair, &arrow))
			print_dot_arrow(&graph, &arrow);
	}
	fputs("}\n", out);
}

/* ------------------------------------------------------------ Mermaid ---------------------------
 */

static void print_mermaid_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("\"<>&#`", *text))
			fprintf(out, "#%d;", *text);
		else
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
}

/* One quoted text; title is NULL or comes first, bold. */
static void print_mermaid_lines(const char *title, const text_lines *lines, FILE *out)
{
	fputc('"', out);
	if (title) {
		fputs("<b>", out);
		print_mermaid_text(title, out);
		fputs("</b>", out);
	}
	list_for_each (line, lines) {
		if (title || line != lines->items)
			fputs("<br>", out);
		print_mermaid_text(*line, out);
	}
	fputc('"', out);
}

static void print_mermaid_boxes(const struct graph *graph, const struct instance *instance)
{
	for (size_t i = 0; i < graph->boxes.count; i++) {
		const struct box *box = &graph->boxes.items[i];
		text_lines lines = {0};

		if (box->instance != instance)
			continue;
		box_members(graph, box, &lines);
		fprintf(graph->out, "    box%zu[", i + 1);
		print_mermaid_lines(box_title(box), &lines, graph->out);
		fputs("]\n", graph->out);
	}
}

static void print_mermaid_groups(const struct graph *graph)
{
	static const text_lines none;

	for (size_t i = 0; i < graph->policy->instance_count; i++) {
		const struct instance *instance = &graph->policy->instances[i];

		if (!instance->catalog->title || !has_box(graph, instance))
			continue;
		fprintf(graph->out, "  subgraph catalog%zu[", i + 1);
		print_mermaid_lines(arena_printf(graph->arena, "%s: %s", instance->name,
						 instance->catalog->title),
				    &none, graph->out);
		fputs("]\n", graph->out);
		print_mermaid_boxes(graph, instance);
		fputs("  end\n", graph->out);
	}
	print_mermaid_boxes(graph, NULL);
}

/* The fields beside the picture, as boxes without arrows. */
static void print_mermaid_legend(const struct graph *graph)
{
	const struct site *site = graph->policy->site;
	text_lines about = {0}, management = {0};

	if (site->about)
		*arena_push(graph->arena, &about) = site->about;
	legend_lines(graph, &about);
	management_lines(graph->arena, graph->policy, &management);
	fputs("  legend[", graph->out);
	print_mermaid_lines(site->name.text, &about, graph->out);
	fputs("]\n", graph->out);
	if (!management.count)
		return;
	fputs("  management[", graph->out);
	print_mermaid_lines("Management, to every host", &management, graph->out);
	fputs("]\n", graph->out);
}

/* "1,4,7": arrows by their number, for a style; empty: none. */
static void print_mermaid_style(const char *numbers, const char *style, FILE *out)
{
	if (*numbers)
		fprintf(out, "  linkStyle %s %s\n", numbers, style);
}

void graph_print_mermaid(const struct policy *policy, const reach_list *reaches, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct graph graph = graph_make(arena, policy, reaches, out);
	struct arrow arrow;
	size_t number = 0;
	const char *wide = "";

	fputs("flowchart LR\n", out);
	print_mermaid_groups(&graph);
	print_mermaid_legend(&graph);
	list_for_each (pair, &graph.pairs) {
		text_lines lines = {0};

		if (!read_arrow(&graph, pair, &arrow))
			continue;
		reach_pair_lines(arena, pair, &lines);
		fprintf(out, "  box%zu %s|", box_number(&graph, pair->from) + 1,
			pair->missing ? (arrow.both ? "<-.->" : "-.->")
				      : (arrow.both ? "<-->" : "-->"));
		print_mermaid_lines(NULL, &lines, out);
		fprintf(out, "| box%zu\n", box_number(&graph, pair->to) + 1);
		if (is_wide(pair))
			wide = arena_printf(arena, "%s%s%zu", wide, *wide ? "," : "", number);
		number++;
	}
	print_mermaid_style(wide, "stroke:" WIDE_ARROW ",stroke-width:3px,color:" WIDE_ARROW, out);
}

/* ------------------------------------------------------------ JSON ------------------------------
 */

static json_t *box_json(const struct box *box)
{
	json_t *members = json_array();
	char buffer[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < member_count(box->end); i++) {
		const struct end_member member = member_at(box->end, i);
		json_t *addresses = json_array();

		list_for_each (prefix, member.addresses)
			json_array_append_new(addresses,
					      json_string(prefix_format(prefix, buffer)));
		json_array_append_new(members,
				      json_pack("{s:s?, s:o}", "host",
						member.host ? member.host->name.text : NULL,
						"addresses", addresses));
	}
	return json_pack("{s:s, s:s?, s:o}", "name", box->end->name, "catalog",
			 box->instance ? box->instance->name : NULL, "members", members);
}

json_t *graph_json(const struct policy *policy, const reach_list *reaches)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct graph graph = graph_make(arena, policy, reaches, NULL);
	json_t *boxes = json_array(), *arrows = json_array(), *management = json_array();
	text_lines lines = {0};

	list_for_each (box, &graph.boxes)
		json_array_append_new(boxes, box_json(box));
	list_for_each (pair, &graph.pairs) {
		json_t *arrow = reach_pair_json(arena, pair);

		json_object_set_new(arrow, "wide", json_boolean(is_wide(pair)));
		json_array_append_new(arrows, arrow);
	}
	management_lines(arena, policy, &lines);
	list_for_each (line, &lines)
		json_array_append_new(management, json_string(*line));
	return json_pack("{s:s, s:o, s:o, s:o}", "site", policy->site->name.text, "boxes", boxes,
			 "arrows", arrows, "management", management);
}
