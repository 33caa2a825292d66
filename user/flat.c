/* SPDX-License-Identifier: BSD-2-Clause */
#include "flat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An array that grows to the entries it needs; all growth is zeroed. */
struct growing {
	void *entries;
	size_t count;
	size_t capacity;
	size_t size; /* of one entry */
};

static int grow_to(struct growing *array, size_t count)
{
	size_t capacity = array->capacity ? array->capacity : 1024;
	void *entries;

	while (capacity < count)
		capacity *= 2;
	if (capacity != array->capacity) {
		entries = realloc(array->entries, capacity * array->size);
		if (!entries)
			return -ENOMEM;
		memset((char *)entries + array->capacity * array->size, 0,
		       (capacity - array->capacity) * array->size);
		array->entries = entries;
		array->capacity = capacity;
	}
	array->count = count;
	return 0;
}

/* Fills up to a power of two; returns the mask. */
static int round_up(struct growing *array, __u32 *ret_mask)
{
	size_t rounded = 1;
	int error;

	while (rounded < array->count)
		rounded *= 2;
	error = grow_to(array, rounded);
	if (error)
		return error;
	*ret_mask = (__u32)(rounded - 1);
	return 0;
}

/* ---- ports ---- */

/* A new page of zeros. */
static int new_page(struct growing *ports, __u16 *ret_page)
{
	size_t page = (ports->count - FLAT_PORT_PAGES) / 256;
	int error;

	if (page > FLAT_PORT_PAGES_MAX)
		return -E2BIG;
	error = grow_to(ports, ports->count + 256);
	if (error)
		return error;
	*ret_page = (__u16)page;
	return 0;
}

static __u16 *page_cells(const struct growing *ports, __u16 page)
{
	return (__u16 *)ports->entries + FLAT_PORT_PAGES + (size_t)page * 256;
}

/*
 * A page that is one class throughout is shared by all that need it: a range of fifty thousand
 * ports takes at most three pages.
 */
static int full_page(struct growing *ports, __u16 *pages_of_class, uint16_t class_id,
		     __u16 *ret_page)
{
	int error;

	if (!pages_of_class[class_id]) {
		error = new_page(ports, &pages_of_class[class_id]);
		if (error)
			return error;
		for (size_t i = 0; i < 256; i++)
			page_cells(ports, pages_of_class[class_id])[i] = class_id;
	}
	*ret_page = pages_of_class[class_id];
	return 0;
}

/* Ports first..last lie in one page. */
static int add_port_piece(struct growing *ports, __u16 *pages_of_class,
			  const struct port_entry *entry, uint32_t first, uint32_t last)
{
	size_t cell = (size_t)entry->side << 16 | (size_t)entry->protocol << 8 | first >> 8;
	__u16 page = ((__u16 *)ports->entries)[cell];
	int error = 0;

	if (last - first == 255)
		error = full_page(ports, pages_of_class, entry->class_id, &page);
	else if (!page)
		error = new_page(ports, &page);
	if (error)
		return error;
	((__u16 *)ports->entries)[cell] = page;
	for (uint32_t port = first; port <= last; port++)
		page_cells(ports, page)[port & 255] = entry->class_id;
	return 0;
}

static int add_port_entry(struct growing *ports, __u16 *pages_of_class,
			  const struct port_entry *entry)
{
	uint32_t port = entry->first;

	while (port <= entry->last) {
		uint32_t last = port | 255;
		int error;

		if (last > entry->last)
			last = entry->last;
		error = add_port_piece(ports, pages_of_class, entry, port, last);
		if (error)
			return error;
		port = last + 1;
	}
	return 0;
}

static int build_ports(const struct tables *tables, struct growing *classes)
{
	__u16 *pages_of_class = calloc(CLASSES_MAX + 1, sizeof(*pages_of_class));
	int error = pages_of_class ? grow_to(classes, FLAT_PORT_PAGES + 256) : -ENOMEM;

	for (size_t i = 0; !error && i < tables->ports.count; i++)
		error = add_port_entry(classes, pages_of_class, &tables->ports.items[i]);
	free(pages_of_class);
	return error;
}

/* ---- own addresses ---- */

/* Own addresses, floating ones and groups that rules name have the first classes. */
static void add_local(const struct address_entry *entry, const struct tables *tables,
		      struct flat_shape *shape)
{
	const struct prefix *prefix = &entry->prefix;
	bool ipv4 = prefix->address.family == 4;
	struct flat_local *locals = ipv4 ? shape->ipv4_local : shape->ipv6_local;
	__u32 *count = ipv4 ? &shape->ipv4_locals : &shape->ipv6_locals;

	if (entry->class_id < LOCAL_CLASS_FIRST ||
	    entry->class_id >= tables->near[DIRECTION_IN].columns)
		return;
	if (*count == FLAT_LOCAL_MAX || prefix->length != (ipv4 ? 32 : 128)) {
		shape->locals_complete = 0;
		return;
	}
	memcpy(locals[*count].address, prefix->address.bytes, ipv4 ? 4 : 16);
	locals[(*count)++].class_id = entry->class_id;
}

static void find_locals(const struct tables *tables, struct flat_shape *shape)
{
	shape->locals_complete = 1;
	for (size_t i = 0; i < tables->ipv4.count; i++)
		add_local(&tables->ipv4.items[i], tables, shape);
	for (size_t i = 0; i < tables->ipv6.count; i++)
		add_local(&tables->ipv6.items[i], tables, shape);
}

/* ---- classes to rules ---- */

static int add_grid(struct growing *table, const struct grid *grid, __u32 *ret_offset)
{
	size_t cells = (size_t)grid->rows * grid->columns;
	size_t offset = table->count;
	int error = grow_to(table, offset + cells);

	if (error)
		return error;
	if (cells)
		memcpy((__u16 *)table->entries + offset, grid->cells, cells * sizeof(__u16));
	*ret_offset = (__u32)offset;
	return 0;
}

static uint16_t decision_of(const uint16_t *rule_slots, uint16_t cell)
{
	if (!cell)
		return 0;
	return (uint16_t)(rule_slots[(cell & RULE_SLOT_MASK) - 1] | (cell & RULE_OPTIONS_MASK));
}

static int add_decisions(struct growing *table, const struct tables *tables, int direction,
			 const uint16_t *rule_slots, __u32 *ret_offset)
{
	int error = add_grid(table, &tables->decisions[direction], ret_offset);
	__u16 *cells;

	if (error)
		return error;
	cells = (__u16 *)table->entries + *ret_offset;
	for (size_t i = 0; i < table->count - *ret_offset; i++)
		cells[i] = decision_of(rule_slots, cells[i]);
	return 0;
}

/* The same by the class of the peer's address: its far class is that of no port in particular. */
static int add_decisions_by_address(struct growing *table, const struct tables *tables,
				    int direction, const uint16_t *rule_slots, __u32 *ret_offset)
{
	const struct grid *decisions = &tables->decisions[direction];
	const struct grid *far = &tables->far[direction];
	size_t offset = table->count;
	int error = grow_to(table, offset + (size_t)decisions->rows * far->columns);

	if (error)
		return error;
	for (size_t row = 0; row < decisions->rows; row++)
		for (size_t column = 0; column < far->columns; column++) {
			size_t cell = row * decisions->columns + far->cells[column];

			((__u16 *)table->entries)[offset + row * far->columns + column] =
				decision_of(rule_slots, decisions->cells[cell]);
		}
	*ret_offset = (__u32)offset;
	return 0;
}

/* A load less for every packet, where it takes no great room. */
static bool far_is_address(const struct tables *tables, int direction)
{
	const struct grid *far = &tables->far[direction];

	return direction == DIRECTION_IN && !tables->remote_port_used[direction] && far->rows &&
	       (size_t)tables->decisions[direction].rows * far->columns <=
		       FLAT_BY_ADDRESS_CELLS_MAX;
}

static int build_decisions(const struct tables *tables, const uint16_t *rule_slots,
			   struct growing *table, struct flat_shape *shape)
{
	int error = 0;

	for (int d = 0; !error && d < DIRECTION_COUNT; d++) {
		shape->far_is_address[d] = far_is_address(tables, d);
		shape->near_columns[d] = tables->near[d].columns;
		shape->far_columns[d] = tables->far[d].columns;
		shape->decision_columns[d] = shape->far_is_address[d]
						     ? tables->far[d].columns
						     : tables->decisions[d].columns;
		error = add_grid(table, &tables->near[d], &shape->near_offset[d]);
		if (!error && shape->far_is_address[d])
			error = add_decisions_by_address(table, tables, d, rule_slots,
							 &shape->decision_offset[d]);
		else if (!error)
			error = add_grid(table, &tables->far[d], &shape->far_offset[d]);
		if (!error && !shape->far_is_address[d])
			error = add_decisions(table, tables, d, rule_slots,
					      &shape->decision_offset[d]);
	}
	return error;
}

static int build_classes(const struct tables *tables, const uint16_t *rule_slots, struct flat *flat)
{
	struct growing classes = {.size = sizeof(__u16)};
	int error = build_ports(tables, &classes);

	if (!error)
		error = build_decisions(tables, rule_slots, &classes, &flat->shape);
	if (!error)
		error = round_up(&classes, &flat->shape.classes_mask);
	flat->classes = classes.entries;
	return error;
}

static int explain(int error, const struct tables *tables, struct failure *failure)
{
	switch (error) {
	case -E2BIG:
		return fail(failure, E2BIG,
			    "FLAT_PORT_PAGES_MAX (%u): the port ranges end in too many places "
			    "for the flat index; use \"lookup: maps\" in the site",
			    FLAT_PORT_PAGES_MAX);
	case -EFBIG:
		return fail(failure, E2BIG,
			    "FLAT_UNITS_MAX (%u): too many prefixes for the flat index; use "
			    "\"lookup: maps\" in the site",
			    FLAT_UNITS_MAX);
	case -ELOOP:
		return fail(failure, E2BIG,
			    "FLAT_STEPS_MAX (%d): the prefixes lie too deep in each other for the "
			    "flat index; use \"lookup: maps\" in the site",
			    FLAT_STEPS_MAX);
	default:
		return fail(failure, -error,
			    "no memory for the flat index of %zu prefixes; "
			    "\"lookup: maps\" in the site needs none",
			    tables->ipv4.count + tables->ipv6.count);
	}
}

int flat_build(const struct tables *tables, const uint16_t *rule_slots, const uint16_t *role_slots,
	       struct failure *failure, struct flat *ret_flat)
{
	struct flat flat = {0};
	int error = build_classes(tables, rule_slots, &flat);

	if (!error)
		error = flat_tree_build(tables->ipv4.items, tables->ipv4.count, true, role_slots,
					&flat.ipv4);
	if (!error)
		error = flat_tree_build(tables->ipv6.items, tables->ipv6.count, false, role_slots,
					&flat.ipv6);
	flat.shape.ipv4_units = flat.ipv4.unit_count;
	flat.shape.ipv6_units = flat.ipv6.unit_count;
	flat.shape.ipv6_root = flat.ipv6.root;
	flat.shape.ipv4_empty = tables->ipv4.count == 0;
	flat.shape.ipv6_empty = tables->ipv6.count == 0;
	find_locals(tables, &flat.shape);
	if (error) {
		flat_free(&flat);
		return explain(error, tables, failure);
	}
	*ret_flat = flat;
	return 0;
}
void flat_free(struct flat *flat)
{
	flat_tree_free(&flat->ipv4);
	flat_tree_free(&flat->ipv6);
	free(flat->classes);
	*flat = (struct flat){0};
}

struct flat_shape flat_shape_unused(const struct tables *tables)
{
	struct flat_shape shape = {0};

	for (int d = 0; d < DIRECTION_COUNT; d++)
		shape.near_columns[d] = tables->near[d].columns;
	return shape;
}
