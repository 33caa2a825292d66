/* SPDX-License-Identifier: BSD-2-Clause */
#include "compile_ports.h"

#include <stdlib.h>
#include <string.h>

/* A term's range begins or ends before a port. */
struct edge {
	uint32_t port; /* up to 65,536 */
	uint32_t term;
	uint8_t protocol;
	bool begins;
};
typedef LIST(struct edge) edge_list;

/* The walk along one protocol's ports. */
struct walk {
	struct arena *scratch;
	number_list active; /* terms with the port, ascending */
	uint32_t *ranges;   /* by term: how many of its ranges hold the port */
};

enum port_side port_side_of(enum direction direction, enum end end)
{
	static const enum port_side sides[DIRECTION_COUNT][END_COUNT] = {
		[DIRECTION_IN] = {PORT_IN_LOCAL, PORT_IN_REMOTE},
		[DIRECTION_OUT] = {PORT_OUT_LOCAL, PORT_OUT_REMOTE},
	};

	return sides[direction][end];
}

/* The end whose port names the service: it says which rules there are at all, so it is always
 * looked up. */
static enum end service_end(enum direction direction)
{
	return direction == DIRECTION_IN ? END_NEAR : END_FAR;
}

/* A packet of a protocol without ports has port 0 at the end that is no service. */
static bool term_restricts(const struct term *term, enum end end)
{
	if (protocol_has_ports(term->protocol))
		return !port_list_is_any(term->ports[end]);
	return !port_list_contains(term->ports[end], 0);
}

static bool end_is_restricted(const struct terms *terms, enum direction direction, enum end end)
{
	list_for_each (term, &terms->items) {
		if (term->direction == direction && term_restricts(term, end))
			return true;
	}
	return false;
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *left = a;
	const struct edge *right = b;

	if (left->protocol != right->protocol)
		return left->protocol < right->protocol ? -1 : 1;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	if (left->term != right->term)
		return left->term < right->term ? -1 : 1;
	return (int)left->begins - (int)right->begins;
}

static edge_list gather_edges(struct arena *scratch, const struct terms *terms,
			      enum direction direction, enum end end)
{
	edge_list edges = {0};

	for (uint32_t i = 0; i < terms->items.count; i++) {
		const struct term *term = &terms->items.items[i];

		if (term->direction != direction)
			continue;
		list_for_each (range, term->ports[end]) {
			*arena_push(scratch, &edges) = (struct edge){
				range->first,
				i,
				term->protocol,
				true,
			};
			*arena_push(scratch, &edges) = (struct edge){
				(uint32_t)range->last + 1,
				i,
				term->protocol,
				false,
			};
		}
	}
	if (edges.count)
		qsort(edges.items, edges.count, sizeof(*edges.items), compare_edges);
	return edges;
}

static void enter(struct walk *walk, uint32_t term)
{
	number_list *active = &walk->active;
	size_t at;

	arena_push(walk->scratch, active);
	for (at = active->count - 1; at && active->items[at - 1] > term; at--)
		active->items[at] = active->items[at - 1];
	active->items[at] = term;
}

static void leave(struct walk *walk, uint32_t term)
{
	number_list *active = &walk->active;
	size_t at = 0;

	/* A term leaves only after it came: the list is there. */
	while (active->items[at] != term) /* NOLINT(clang-analyzer-core.NullDereference) */
		at++;
	active->count--;
	memmove(&active->items[at], &active->items[at + 1],
		(active->count - at) * sizeof(*active->items));
}

/* Ranges of one term may overlap or touch; it leaves with the last of them. */
static void cross(struct walk *walk, const struct edge *edge)
{
	if (edge->begins) {
		if (!walk->ranges[edge->term]++)
			enter(walk, edge->term);
	} else if (!--walk->ranges[edge->term]) {
		leave(walk, edge->term);
	}
}

/* From first up to before end all ports have this class; pieces that touch and agree are one. */
static void add_piece(struct tables *tables, const struct port_entry *piece, uint32_t end)
{
	struct port_entry *before = NULL;

	if (tables->ports.count)
		before = &tables->ports.items[tables->ports.count - 1];
	if (before && before->side == piece->side && before->protocol == piece->protocol &&
	    before->class_id == piece->class_id && (uint32_t)before->last + 1 == piece->first) {
		before->last = (uint16_t)(end - 1);
		return;
	}
	before = arena_push(tables->arena, &tables->ports);
	*before = *piece;
	before->last = (uint16_t)(end - 1);
}

static int compile_side(struct arena *scratch, const struct terms *terms, enum direction direction,
			enum end end, struct diagnostics *diagnostics, struct tables *tables,
			struct class_sets *sets)
{
	edge_list edges = gather_edges(scratch, terms, direction, end);
	struct walk walk = {
		.scratch = scratch,
		.ranges = arena_alloc(scratch, terms->items.count * sizeof(*walk.ranges)),
	};
	struct port_entry piece = {.side = port_side_of(direction, end)};

	for (size_t i = 0; i < edges.count;) {
		const struct edge at = edges.items[i];
		uint32_t class_id;

		if (piece.class_id)
			add_piece(tables, &piece, at.port);
		/* Edges of one term at one port sort "ends" before "begins": with both, the term
		 * leaves and comes back, and the set is as it was. */
		for (; i < edges.count && edges.items[i].protocol == at.protocol &&
		       edges.items[i].port == at.port;
		     i++)
			cross(&walk, &edges.items[i]);
		class_id = class_sets_add(sets, walk.active.items, walk.active.count);
		if (class_id > CLASSES_MAX)
			return compile_over(diagnostics, CLASSES_MAX,
					    "ranges of ports that rules tell apart",
					    "use the same ranges in more of the rules");
		piece.protocol = at.protocol;
		piece.first = (uint16_t)at.port;
		piece.class_id = (uint16_t)class_id;
	}
	return 0;
}

int compile_ports(struct arena *scratch, const struct terms *terms, struct diagnostics *diagnostics,
		  struct tables *tables, struct port_classes ret_classes[PORT_SIDE_COUNT])
{
	struct port_classes classes[PORT_SIDE_COUNT];

	for (int i = 0; i < DIRECTION_COUNT * END_COUNT; i++) {
		enum direction direction = (enum direction)(i / END_COUNT);
		enum end end = (enum end)(i % END_COUNT);
		struct port_classes *side = &classes[port_side_of(direction, end)];
		int error;

		side->sets = class_sets_new(scratch);
		side->used =
			end == service_end(direction) || end_is_restricted(terms, direction, end);
		if (end == END_NEAR)
			tables->local_port_used[direction] = side->used;
		else
			tables->remote_port_used[direction] = side->used;
		if (!side->used)
			continue;
		error = compile_side(scratch, terms, direction, end, diagnostics, tables,
				     side->sets);
		if (error)
			return error;
	}
	memcpy(ret_classes, classes, sizeof(classes));
	return 0;
}
