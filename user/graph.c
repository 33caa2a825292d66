/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph.h"

#include <string.h>

/* From so many ports on an arrow is drawn as a wide range. */
#define WIDE_PORTS 1000u
/* Of those who play a role, so many are named in its box. */
#define SHOWN_MEMBERS 4u

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

/* "web-1 10.20.1.11", "10.20.9.0/28": one member of an end. */
static const char *member_text(struct arena *arena, const struct end_member *member)
{
	char buffer[ADDRESS_TEXT_MAX];
	const struct prefix_list *list = member->addresses;
	const char *first = list->count ? prefix_format(&list->items[0], buffer) : "";
	const char *more = list->count > 1 ? arena_printf(arena, " +%zu", list->count - 1) : "";

	if (member->host)
		return arena_printf(arena, "%s %s%s", member->host->name.text, first, more);
	return arena_printf(arena, "%s%s", first, more);
}

typedef LIST(const char *) line_list;

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

/* The lines of a box: its role, then who plays it. */
static void box_lines(const struct graph *graph, const struct box *box, line_list *lines)
{
	const struct end *end = box->end;
	size_t count = member_count(end);

	*arena_push(graph->arena, lines) =
		box->instance && end->binding ? end->binding->role->id.text : end->name;
	if (!count)
		*arena_push(graph->arena, lines) = "(not bound)";
	for (size_t i = 0; i < count && i < SHOWN_MEMBERS; i++) {
		const struct end_member member = member_at(end, i);

		*arena_push(graph->arena, lines) = member_text(graph->arena, &member);
	}
	if (count > SHOWN_MEMBERS)
		*arena_push(graph->arena, lines) =
			arena_printf(graph->arena, "and %zu more", count - SHOWN_MEMBERS);
}

/* The lines on an arrow: one service each. */
static void arrow_lines(const struct graph *graph, const struct reach_pair *pair, line_list *lines)
{
	char *text = service_list_format(graph->arena, &pair->services), *next;

	if (pair->missing)
		*arena_push(graph->arena, lines) =
			arena_printf(graph->arena, "$%s (not set)", pair->missing);
	for (; *text; text = next) {
		next = text + strcspn(text, ",");
		if (*next)
			*next++ = '\0';
		next += strspn(next, " ");
		*arena_push(graph->arena, lines) = text;
	}
}

/* ------------------------------------------------------------ DOT -------------------------------
 */

static void print_dot_lines(const line_list *lines, const char *end, FILE *out)
{
	fputc('"', out);
	list_for_each (line, lines) {
		for (const char *at = *line; *at; at++) {
			if (*at == '"' || *at == '\\')
				fputc('\\', out);
			fputc(*at, out);
		}
		fputs(end, out);
	}
	fputc('"', out);
}

static void print_dot_text(struct graph *graph, const char *text)
{
	const line_list one = {.items = &text, .count = 1};

	print_dot_lines(&one, "", graph->out);
}

static void print_dot_box(struct graph *graph, size_t number, const char *indent)
{
	line_list lines = {0};

	box_lines(graph, &graph->boxes.items[number], &lines);
	fprintf(graph->out, "%sbox%zu [label=", indent, number + 1);
	print_dot_lines(&lines, "\\n", graph->out);
	if (!member_count(graph->boxes.items[number].end))
		fputs(" style=\"rounded,dashed\"", graph->out);
	fputs("];\n", graph->out);
}

static void print_dot_group(struct graph *graph, size_t number, const struct instance *instance)
{
	static const char *const fills[] = {"#eaf2fa", "#edf6e8", "#fdf1e3",
					    "#f5ebf7", "#fbebec", "#eaf5f4"};
	bool empty = true;

	list_for_each (box, &graph->boxes)
		empty &= box->instance != instance;
	if (empty)
		return;
	fprintf(graph->out,
		"\tsubgraph cluster_%zu {\n\t\tstyle=\"rounded,filled\" color=\"#c0c0c0\" "
		"fillcolor=\"%s\" fontsize=14\n\t\tlabel=",
		number + 1, fills[number % (sizeof(fills) / sizeof(fills[0]))]);
	print_dot_text(graph, arena_printf(graph->arena, "%s: %s", instance->name,
					   instance->catalog->title));
	fputc('\n', graph->out);
	for (size_t i = 0; i < graph->boxes.count; i++) {
		if (graph->boxes.items[i].instance == instance)
			print_dot_box(graph, i, "\t\t");
	}
	fputs("\t}\n", graph->out);
}

static void print_dot_arrow(struct graph *graph, const struct arrow *arrow)
{
	const struct reach_pair *pair = arrow->pair;
	line_list lines = {0};

	arrow_lines(graph, pair, &lines);
	fprintf(graph->out, "\tbox%zu -> box%zu [label=", box_number(graph, pair->from) + 1,
		box_number(graph, pair->to) + 1);
	print_dot_lines(&lines, "\\l", graph->out);
	if (arrow->both)
		fputs(" dir=both", graph->out);
	if (is_wide(pair))
		fputs(" color=\"#c0392b\" fontcolor=\"#c0392b\" penwidth=2", graph->out);
	if (pair->missing)
		fputs(" style=dashed", graph->out);
	fputs("];\n", graph->out);
}

/* "10.9.0.0/28: tcp/22" */
static const char *management_text(const struct graph *graph,
				   const struct site_management *management)
{
	struct arena *arena = graph->arena;
	struct scope scope = {arena, graph->policy, NULL, NULL};
	struct service_list services = {0};
	struct prefix_list from;
	struct end_member member = {.addresses = &from};
	struct lack lack;

	policy_addresses(arena, graph->policy, &management->from, &from);
	/* policy_read saw to it that management needs no parameter without a value. */
	scope_services(&scope, &management->allow, &services, &lack);
	return arena_printf(arena, "%s: %s", member_text(arena, &member),
			    service_list_format(arena, &services));
}

/* The jump hosts reach every host, so they are a note and not an arrow to each box. */
static void print_dot_management(struct graph *graph)
{
	const struct site *site = graph->policy->site;
	line_list lines = {0};

	if (!site->management.count)
		return;
	*arena_push(graph->arena, &lines) = "management, to every host";
	list_for_each (management, &site->management)
		*arena_push(graph->arena, &lines) = management_text(graph, management);
	fputs("\tmanagement [shape=note style=filled fillcolor=\"#fffbe0\" label=", graph->out);
	print_dot_lines(&lines, "\\l", graph->out);
	fputs("];\n", graph->out);
}

void graph_print_dot(const struct policy *policy, const reach_list *reaches, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct graph graph = graph_make(arena, policy, reaches, out);
	struct arrow arrow;

	fputs("digraph site {\n\trankdir=LR nodesep=0.35 ranksep=1.4 fontname=\"Helvetica\" "
	      "labelloc=t fontsize=20\n\tlabel=",
	      out);
	print_dot_text(&graph, policy->site->about
				       ? arena_printf(arena, "%s: %s", policy->site->name.text,
						      policy->site->about)
				       : policy->site->name.text);
	fprintf(out, "\n\tnode [shape=box style=\"rounded,filled\" fillcolor=white "
		     "fontname=\"Helvetica\" "
		     "fontsize=11]\n\tedge [fontname=\"Helvetica\" fontsize=9 color=\"#44546a\" "
		     "fontcolor=\"#44546a\"]\n");
	for (size_t i = 0; i < policy->instance_count; i++) {
		if (policy->instances[i].catalog->title)
			print_dot_group(&graph, i, &policy->instances[i]);
	}
	for (size_t i = 0; i < graph.boxes.count; i++) {
		if (!graph.boxes.items[i].instance ||
		    !graph.boxes.items[i].instance->catalog->title)
			print_dot_box(&graph, i, "\t");
	}
	list_for_each (pair, &graph.pairs) {
		if (read_arrow(&graph, pair, &arrow))
			print_dot_arrow(&graph, &arrow);
	}
	print_dot_management(&graph);
	fprintf(out,
		"\tlegend [shape=plaintext style=\"\" fontsize=10 label=\"an arrow leads from who "
		"opens "
		"a connection\\lto whom, with the destination ports\\lred: %u ports or "
		"more\\l\"];\n}\n",
		WIDE_PORTS);
}

/* ------------------------------------------------------------ Mermaid ---------------------------
 */

static void print_mermaid_lines(const line_list *lines, FILE *out)
{
	fputc('"', out);
	list_for_each (line, lines) {
		if (line != lines->items)
			fputs("<br>", out);
		for (const char *at = *line; *at; at++) {
			if (strchr("\"<>&#", *at))
				fprintf(out, "#%d;", *at);
			else
				fputc(*at, out);
		}
	}
	fputc('"', out);
}

static void print_mermaid_boxes(struct graph *graph, const struct instance *instance)
{
	for (size_t i = 0; i < graph->boxes.count; i++) {
		line_list lines = {0};

		if (graph->boxes.items[i].instance != instance)
			continue;
		box_lines(graph, &graph->boxes.items[i], &lines);
		fprintf(graph->out, "    box%zu[", i + 1);
		print_mermaid_lines(&lines, graph->out);
		fputs("]\n", graph->out);
	}
}

static void print_mermaid_groups(struct graph *graph)
{
	for (size_t i = 0; i < graph->policy->instance_count; i++) {
		const struct instance *instance = &graph->policy->instances[i];
		const char *title =
			arena_printf(graph->arena, "%s: %s", instance->name,
				     instance->catalog->title ? instance->catalog->title : "");
		const line_list one = {.items = &title, .count = 1};
		bool empty = true;

		list_for_each (box, &graph->boxes)
			empty &= box->instance != instance;
		if (empty || !instance->catalog->title)
			continue;
		fprintf(graph->out, "  subgraph catalog%zu[", i + 1);
		print_mermaid_lines(&one, graph->out);
		fputs("]\n", graph->out);
		print_mermaid_boxes(graph, instance);
		fputs("  end\n", graph->out);
	}
	print_mermaid_boxes(graph, NULL);
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
	list_for_each (pair, &graph.pairs) {
		line_list lines = {0};

		if (!read_arrow(&graph, pair, &arrow))
			continue;
		arrow_lines(&graph, pair, &lines);
		fprintf(out, "  box%zu %s|", box_number(&graph, pair->from) + 1,
			arrow.both ? "<-->" : "-->");
		print_mermaid_lines(&lines, out);
		fprintf(out, "| box%zu\n", box_number(&graph, pair->to) + 1);
		if (is_wide(pair))
			wide = arena_printf(arena, "%s%s%zu", wide, *wide ? "," : "", number);
		number++;
	}
	if (*wide)
		fprintf(out, "  linkStyle %s stroke:#c0392b,stroke-width:2px\n", wide);
}
