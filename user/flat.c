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

static int build_ports(const struct tables *tables, struct flat *flat)
{
	struct growing ports = {.size = sizeof(__u16)};
	__u16 *pages_of_class = calloc(CLASSES_MAX + 1, sizeof(*pages_of_class));
	int error = pages_of_class ? grow_to(&ports, FLAT_PORT_PAGES + 256) : -ENOMEM;

	for (size_t i = 0; !error && i < tables->ports.count; i++)
		error = add_port_entry(&ports, pages_of_class, &tables->ports.items[i]);
	if (!error)
		error = round_up(&ports, &flat->shape.ports_mask);
	free(pages_of_class);
	flat->ports = ports.entries;
	return error;
}

/* ---- addresses ---- */

static __u32 leaf_of(const struct address_entry *entry, const uint16_t *role_slots)
{
	__u32 role = entry->role ? role_slots[entry->role - 1] : 0;

	return (entry->own ? FLAT_OWN : 0) | (entry->peer_of_in ? FLAT_PEER_OF_IN : 0) |
	       (entry->peer_of_out ? FLAT_PEER_OF_OUT : 0) |
	       (role << FLAT_ROLE_SHIFT & FLAT_ROLE_MASK) | entry->class_id;
}

/* The block behind a cell, made with the cell's leaf in every entry if there is none. */
static int block_behind(struct growing *table, size_t cell, size_t *ret_start)
{
	__u32 *entries = table->entries;
	__u32 leaf = entries[cell];
	size_t start = table->count;
	int error;

	if (leaf & FLAT_BLOCK) {
		*ret_start = leaf & ~FLAT_BLOCK;
		return 0;
	}
	error = grow_to(table, start + 256);
	if (error)
		return error;
	entries = table->entries;
	for (size_t i = 0; i < 256; i++)
		entries[start + i] = leaf;
	entries[cell] = FLAT_BLOCK | (__u32)start;
	*ret_start = start;
	return 0;
}

/* What holds a prefix was added before it, so a longer prefix overwrites part of what holds it. */
static int add_ipv4_entry(struct growing *table, const struct address_entry *entry, __u32 leaf)
{
	const uint8_t *bytes = entry->prefix.address.bytes;
	unsigned length = entry->prefix.length;
	size_t start = 0, first = (size_t)bytes[0] << 8 | bytes[1], count;
	unsigned level_end = 16;
	int error;

	for (unsigned level = 0; length > level_end; level++) {
		error = block_behind(table, start + first, &start);
		if (error)
			return error;
		first = bytes[2 + level];
		level_end += 8;
	}
	count = (size_t)1 << (level_end - length);
	for (size_t i = 0; i < count; i++)
		((__u32 *)table->entries)[start + first + i] = leaf;
	return 0;
}

static int build_ipv4(const struct tables *tables, const uint16_t *role_slots, struct flat *flat)
{
	struct growing table = {.size = sizeof(__u32)};
	int error = grow_to(&table, FLAT_IPV4_ROOT);

	/* Sorted: what holds a prefix stands before it. */
	for (size_t i = 0; !error && i < tables->ipv4.count; i++) {
		const struct address_entry *entry = &tables->ipv4.items[i];

		error = add_ipv4_entry(&table, entry, leaf_of(entry, role_slots));
	}
	if (!error)
		error = round_up(&table, &flat->shape.ipv4_mask);
	flat->ipv4 = table.entries;
	return error;
}

static __u64 upper_half(const uint8_t *bytes)
{
	__u64 half = 0;

	for (int i = 0; i < 8; i++)
		half = half << 8 | bytes[i];
	return half;
}

/* The first address behind the prefix; false: there is none. */
static bool address_behind(const struct prefix *prefix, __u64 *ret_upper, __u64 *ret_lower)
{
	__u64 upper = upper_half(prefix->address.bytes);
	__u64 lower = upper_half(prefix->address.bytes + 8);
	__u64 step;

	if (prefix->length == 0)
		return false;
	if (prefix->length <= 64) {
		step = (__u64)1 << (64 - prefix->length);
		*ret_upper = upper + step;
		*ret_lower = 0;
		return *ret_upper != 0;
	}
	step = (__u64)1 << (128 - prefix->length);
	*ret_lower = lower + step;
	*ret_upper = upper + (*ret_lower == 0);
	return *ret_lower != 0 || *ret_upper != 0;
}

/* A boundary; of two at the same address the later one holds. */
static int add_boundary(struct growing *table, __u64 upper, __u64 lower, __u32 leaf)
{
	struct flat_ipv6_boundary boundary = {.upper = upper, .lower = lower, .leaf = leaf};
	size_t at = table->count;
	int error;

	if (at) {
		const struct flat_ipv6_boundary *last = table->entries;

		last += at - 1;
		if (last->upper == upper && last->lower == lower)
			at--;
	}
	error = grow_to(table, at + 1);
	if (error)
		return error;
	((struct flat_ipv6_boundary *)table->entries)[at] = boundary;
	return 0;
}

/* Closes what ends before the entry begins; what is around it holds from there on. */
static int close_prefixes(struct growing *table, const struct address_entry **open, size_t *depth,
			  const struct address_entry *next, const uint16_t *role_slots)
{
	while (*depth && !(next && prefix_covers(&open[*depth - 1]->prefix, &next->prefix))) {
		const struct address_entry *closed = open[--*depth];
		__u64 upper, lower;
		int error;

		if (!address_behind(&closed->prefix, &upper, &lower))
			continue;
		error = add_boundary(table, upper, lower,
				     *depth ? leaf_of(open[*depth - 1], role_slots) : 0);
		if (error)
			return error;
	}
	return 0;
}

static int build_ipv6(const struct tables *tables, const uint16_t *role_slots, struct flat *flat)
{
	const struct address_entry *open[129]; /* one prefix of each length can be open, /0 too */
	struct growing table = {.size = sizeof(struct flat_ipv6_boundary)};
	size_t depth = 0;
	int error = add_boundary(&table, 0, 0, 0);

	for (size_t i = 0; !error && i < tables->ipv6.count; i++) {
		const struct address_entry *entry = &tables->ipv6.items[i];

		error = close_prefixes(&table, open, &depth, entry, role_slots);
		if (error)
			break;
		open[depth++] = entry;
		error = add_boundary(&table, upper_half(entry->prefix.address.bytes),
				     upper_half(entry->prefix.address.bytes + 8),
				     leaf_of(entry, role_slots));
	}
	if (!error)
		error = close_prefixes(&table, open, &depth, NULL, role_slots);
	if (!error)
		((struct flat_ipv6_boundary *)table.entries)->count = (__u32)table.count;
	if (!error)
		error = round_up(&table, &flat->shape.ipv6_mask);
	flat->ipv6 = table.entries;
	return error;
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

static int add_decisions(struct growing *table, const struct tables *tables, int direction,
			 const uint16_t *rule_slots, __u32 *ret_offset)
{
	const struct grid *grid = &tables->decisions[direction];
	int error = add_grid(table, grid, ret_offset);
	__u16 *cells;

	if (error)
		return error;
	cells = (__u16 *)table->entries + *ret_offset;
	for (size_t i = 0; i < (size_t)grid->rows * grid->columns; i++)
		if (cells[i])
			cells[i] = (__u16)(rule_slots[cells[i] - 1] |
					   tables->rules[cells[i] - 1].options);
	return 0;
}

static int build_decisions(const struct tables *tables, const uint16_t *rule_slots,
			   struct flat *flat)
{
	struct growing table = {.size = sizeof(__u16)};
	struct flat_shape *shape = &flat->shape;
	int error = 0;

	for (int d = 0; !error && d < DIRECTION_COUNT; d++) {
		shape->near_columns[d] = tables->near[d].columns;
		shape->far_columns[d] = tables->far[d].columns;
		shape->decision_columns[d] = tables->decisions[d].columns;
		error = add_grid(&table, &tables->near[d], &shape->near_offset[d]);
		if (!error)
			error = add_grid(&table, &tables->far[d], &shape->far_offset[d]);
		if (!error)
			error = add_decisions(&table, tables, d, rule_slots,
					      &shape->decision_offset[d]);
	}
	if (!error)
		error = round_up(&table, &shape->decisions_mask);
	flat->decisions = table.entries;
	return error;
}

int flat_build(const struct tables *tables, const uint16_t *rule_slots, const uint16_t *role_slots,
	       struct failure *failure, struct flat *ret_flat)
{
	struct flat flat = {0};
	int error = build_ports(tables, &flat);

	if (!error)
		error = build_ipv4(tables, role_slots, &flat);
	if (!error)
		error = build_ipv6(tables, role_slots, &flat);
	if (!error)
		error = build_decisions(tables, rule_slots, &flat);
	if (error == -E2BIG) {
		flat_free(&flat);
		return fail(failure, E2BIG,
			    "FLAT_PORT_PAGES_MAX (%u): the port ranges end in too many places "
			    "for the flat index; use \"lookup: maps\" in the site",
			    FLAT_PORT_PAGES_MAX);
	}
	if (error) {
		flat_free(&flat);
		return fail(failure, -error,
			    "no memory for the flat index of %zu prefixes; "
			    "\"lookup: maps\" in the site needs none",
			    tables->ipv4.count + tables->ipv6.count);
	}
	*ret_flat = flat;
	return 0;
}

void flat_free(struct flat *flat)
{
	free(flat->ports);
	free(flat->ipv4);
	free(flat->ipv6);
	free(flat->decisions);
	*flat = (struct flat){0};
}

struct flat_shape flat_shape_unused(const struct tables *tables)
{
	struct flat_shape shape = {0};

	for (int d = 0; d < DIRECTION_COUNT; d++)
		shape.near_columns[d] = tables->near[d].columns;
	return shape;
}
