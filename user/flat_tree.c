/* SPDX-License-Identifier: BSD-2-Clause */
#include "flat_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Lists in lists up to here; beyond, 256 entries side by side cost less than the steps. */
#define DENSE_FROM 129u
#define CHUNK_MAX  0xffffu

/* From this address on the leaf holds, up to the next boundary. IPv4 in the upper half's top. */
struct boundary {
	uint64_t upper;
	uint64_t lower;
	uint32_t leaf;
};

/* What holds from one value of a chunk on: a leaf, or a tree over boundaries first..last - 1. */
struct item {
	uint32_t key;
	uint32_t leaf; /* in force at the start of the value */
	size_t first;
	size_t last; /* first: no tree */
};

struct item_list {
	struct item *items;
	size_t count;
	size_t capacity;
};

struct builder {
	struct boundary *boundaries;
	size_t boundary_count;
	unsigned chunks;
	uint8_t *units;
	size_t count;
	size_t capacity;
	int error; /* of memory or of room: what is built from then on is of no use */
};

/* ---- boundaries ---- */

static uint64_t half_of(const uint8_t *bytes)
{
	uint64_t half = 0;

	for (int i = 0; i < 8; i++)
		half = half << 8 | bytes[i];
	return half;
}

static struct boundary start_of(const struct prefix *prefix, uint32_t leaf)
{
	const uint8_t *bytes = prefix->address.bytes;

	if (prefix->address.family == 4)
		return (struct boundary){
			.upper = (uint64_t)bytes[0] << 56 | (uint64_t)bytes[1] << 48 |
				 (uint64_t)bytes[2] << 40 | (uint64_t)bytes[3] << 32,
			.leaf = leaf,
		};
	return (struct boundary){half_of(bytes), half_of(bytes + 8), leaf};
}

/* The first address behind the prefix; false: there is none. */
static bool end_of(const struct prefix *prefix, uint32_t leaf, struct boundary *ret_end)
{
	struct boundary end = start_of(prefix, leaf);
	uint64_t before = end.lower;

	if (prefix->length == 0)
		return false;
	if (prefix->length <= 64) {
		end.upper += (uint64_t)1 << (64 - prefix->length);
	} else {
		end.lower += (uint64_t)1 << (128 - prefix->length);
		end.upper += end.lower < before;
	}
	*ret_end = end;
	return end.upper || end.lower;
}

/* Of two at the same address the later one holds. */
static void add_boundary(struct builder *builder, const struct boundary *boundary)
{
	struct boundary *last = &builder->boundaries[builder->boundary_count - 1];

	if (last->upper == boundary->upper && last->lower == boundary->lower)
		*last = *boundary;
	else if (last->leaf != boundary->leaf)
		builder->boundaries[builder->boundary_count++] = *boundary;
}

static uint32_t leaf_of(const struct address_entry *entry, const uint16_t *role_slots)
{
	uint32_t role = entry->role ? role_slots[entry->role - 1] : 0;

	return (entry->own ? FLAT_OWN : 0) | (entry->peer_of_in ? FLAT_PEER_OF_IN : 0) |
	       (entry->peer_of_out ? FLAT_PEER_OF_OUT : 0) |
	       (role << FLAT_ROLE_SHIFT & FLAT_ROLE_MASK) | entry->class_id;
}

/* Prefixes in each other, outermost first: one of each length can be open. */
struct nest {
	const struct address_entry *open[129];
	size_t depth;
};

/* Closes what ends before next begins; what is around it holds from there on. */
static void close_prefixes(struct builder *builder, struct nest *nest,
			   const struct address_entry *next, const uint16_t *role_slots)
{
	while (nest->depth &&
	       !(next && prefix_covers(&nest->open[nest->depth - 1]->prefix, &next->prefix))) {
		const struct address_entry *closed = nest->open[--nest->depth];
		struct boundary end;

		if (end_of(&closed->prefix,
			   nest->depth ? leaf_of(nest->open[nest->depth - 1], role_slots) : 0,
			   &end))
			add_boundary(builder, &end);
	}
}

static int make_boundaries(struct builder *builder, const struct address_entry *entries,
			   size_t count, const uint16_t *role_slots)
{
	struct nest nest = {.depth = 0};

	builder->boundaries = malloc((2 * count + 1) * sizeof(*builder->boundaries));
	if (!builder->boundaries)
		return -ENOMEM;
	builder->boundaries[0] = (struct boundary){0, 0, 0};
	builder->boundary_count = 1;
	for (size_t i = 0; i < count; i++) {
		struct boundary start =
			start_of(&entries[i].prefix, leaf_of(&entries[i], role_slots));

		close_prefixes(builder, &nest, &entries[i], role_slots);
		nest.open[nest.depth++] = &entries[i];
		add_boundary(builder, &start);
	}
	close_prefixes(builder, &nest, NULL, role_slots);
	return 0;
}

static uint32_t chunk_of(const struct boundary *boundary, unsigned chunk)
{
	uint64_t half = chunk < 4 ? boundary->upper : boundary->lower;

	return (uint32_t)(half >> (48 - 16 * (chunk & 3))) & CHUNK_MAX;
}

/* Nothing but zeros from this chunk on. */
static bool ends_before(const struct boundary *boundary, unsigned chunk)
{
	if (chunk == 0)
		return !boundary->upper && !boundary->lower;
	if (chunk < 4)
		return !(boundary->upper << (16 * chunk)) && !boundary->lower;
	return chunk >= 8 || !(boundary->lower << (16 * (chunk - 4)));
}

/* ---- units ---- */

/* Zeroed. */
static size_t add_units(struct builder *builder, size_t count)
{
	size_t at = builder->count, capacity = builder->capacity ? builder->capacity : 1u << 14;
	uint8_t *units;

	while (capacity < at + count)
		capacity *= 2;
	if (capacity != builder->capacity) {
		units = realloc(builder->units, capacity * FLAT_UNIT_BYTES);
		if (!units) {
			builder->error = -ENOMEM;
			return 0;
		}
		memset(units + builder->capacity * FLAT_UNIT_BYTES, 0,
		       (capacity - builder->capacity) * FLAT_UNIT_BYTES);
		builder->units = units;
		builder->capacity = capacity;
	}
	builder->count += count;
	if (builder->count > FLAT_UNIT_MASK)
		builder->error = -E2BIG;
	return at;
}

static void *unit(const struct builder *builder, size_t at)
{
	return builder->units + at * FLAT_UNIT_BYTES;
}

static uint32_t node(enum flat_kind kind, size_t at)
{
	return FLAT_NODE | (uint32_t)kind << FLAT_KIND_SHIFT | (uint32_t)at;
}

/* ---- the tree ---- */

static uint32_t build_region(struct builder *builder, size_t first, size_t last, uint32_t leaf,
			     unsigned chunk);

static void add_item(struct builder *builder, struct item_list *list, struct item item)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct item *items = realloc(list->items, capacity * sizeof(*items));

		if (!items) {
			builder->error = -ENOMEM;
			return;
		}
		list->items = items;
		list->capacity = capacity;
	}
	/* What ended with the value before may be followed by a value of its own. */
	if (list->count && list->items[list->count - 1].key == item.key)
		list->count--;
	list->items[list->count++] = item;
}

/* The values of a chunk at which something begins. leaf: in force at the region's start. */
static void list_items(struct builder *builder, size_t first, size_t last, uint32_t leaf,
		       unsigned chunk, struct item_list *ret_list)
{
	add_item(builder, ret_list, (struct item){.key = 0, .leaf = leaf});
	for (size_t i = first; i < last && !builder->error;) {
		const struct boundary *boundaries = builder->boundaries;
		struct item item = {.key = chunk_of(&boundaries[i], chunk), .leaf = leaf};

		item.last = i;
		while (item.last < last && chunk_of(&boundaries[item.last], chunk) == item.key)
			item.last++;
		item.first = i;
		if (ends_before(&boundaries[i], chunk + 1)) {
			item.leaf = boundaries[i].leaf;
			item.first++;
		}
		add_item(builder, ret_list, item);
		leaf = boundaries[item.last - 1].leaf;
		if (item.first < item.last && item.key < CHUNK_MAX)
			add_item(builder, ret_list,
				 (struct item){.key = item.key + 1, .leaf = leaf});
		i = item.last;
	}
}

static uint32_t build_item(struct builder *builder, const struct item *item, unsigned chunk)
{
	return build_region(builder, item->first, item->last, item->leaf, chunk + 1);
}

static uint32_t build_lists(struct builder *builder, const struct item *items, size_t count,
			    unsigned chunk);

/* Entry i of a list; lanes behind the last repeat it, with a key that only 0xffff is not below. */
static void set_lane(struct builder *builder, size_t at, unsigned lanes, size_t i, uint32_t key,
		     uint32_t entry)
{
	uint16_t *keys = unit(builder, at);
	uint32_t *entries = (uint32_t *)(keys + lanes);

	for (size_t lane = i; lane < lanes; lane++) {
		keys[lane] = (uint16_t)(lane == i ? key : CHUNK_MAX);
		entries[lane] = entry;
	}
}

static uint32_t build_list(struct builder *builder, const struct item *items, size_t count,
			   unsigned chunk)
{
	const unsigned lanes = count <= 4 ? 4 : 8;
	size_t at = add_units(builder, lanes / 4);

	for (size_t i = 0; i < count && !builder->error; i++) {
		uint32_t entry = build_item(builder, &items[i], chunk);

		/* The first lane holds from the bottom, so that one lane always does. */
		if (!builder->error)
			set_lane(builder, at, lanes, i, i ? items[i].key : 0, entry);
	}
	return node(lanes == 4 ? FLAT_LIST4 : FLAT_LIST8, at);
}

/* A list of lists, as even as may be. */
static uint32_t build_inner(struct builder *builder, const struct item *items, size_t count,
			    unsigned chunk)
{
	size_t at = add_units(builder, 2), share = 8, done = 0;

	while (share * 8 < count)
		share *= 8;
	for (size_t i = 0; done < count && !builder->error; i++) {
		size_t part = count - done < share ? count - done : share;
		uint32_t entry = build_lists(builder, items + done, part, chunk);

		if (!builder->error)
			set_lane(builder, at, 8, i, i ? items[done].key : 0, entry);
		done += part;
	}
	return node(FLAT_INNER8, at);
}

static uint32_t build_lists(struct builder *builder, const struct item *items, size_t count,
			    unsigned chunk)
{
	if (count == 1 && items->first == items->last)
		return items->leaf;
	return count <= 8 ? build_list(builder, items, count, chunk)
			  : build_inner(builder, items, count, chunk);
}

/* By the upper eight bits; each entry holds what begins in its 256 values, and what came before. */
static uint32_t build_dense(struct builder *builder, const struct item *items, size_t count,
			    unsigned chunk)
{
	size_t at = add_units(builder, FLAT_DENSE_UNITS), i = 0;

	for (uint32_t page = 0; page < 256 && !builder->error; page++) {
		size_t begin = i;
		uint32_t entry;

		while (i < count && items[i].key >> 8 == page)
			i++;
		/* One that began before and is in force holds a leaf: a tree has one value. */
		if (begin == count || items[begin].key != page << 8)
			begin--;
		entry = build_lists(builder, items + begin, i - begin, chunk);
		if (!builder->error)
			((uint32_t *)unit(builder, at))[page] = entry;
	}
	return node(FLAT_DENSE, at);
}

/* How many chunks from this one on all boundaries have in common. */
static unsigned common_chunks(const struct builder *builder, size_t first, size_t last,
			      unsigned chunk)
{
	const struct boundary *a = &builder->boundaries[first];
	const struct boundary *b = &builder->boundaries[last - 1];
	unsigned common = 0;

	while (chunk + common < builder->chunks && common < FLAT_SKIP_CHUNKS_MAX &&
	       chunk_of(a, chunk + common) == chunk_of(b, chunk + common))
		common++;
	return common;
}

/* All boundaries are in one small part of the region: below and above it there is a leaf each. */
static uint32_t build_skip(struct builder *builder, size_t first, size_t last, uint32_t leaf,
			   unsigned chunk, unsigned chunks)
{
	size_t at = add_units(builder, 1);
	struct flat_skip skip = {
		.below = leaf,
		.above = builder->boundaries[last - 1].leaf,
		.chunks = chunks,
	};

	for (unsigned i = 0; i < chunks; i++)
		skip.value = skip.value << 16 | chunk_of(&builder->boundaries[first], chunk + i);
	if (ends_before(&builder->boundaries[first], chunk + chunks))
		leaf = builder->boundaries[first++].leaf;
	skip.inside = build_region(builder, first, last, leaf, chunk + chunks);
	if (!builder->error)
		memcpy(unit(builder, at), &skip, sizeof(skip));
	return node(FLAT_SKIP, at);
}

/* The boundaries lie in a region of one value of all chunks before this one, behind its start. */
static uint32_t build_region(struct builder *builder, size_t first, size_t last, uint32_t leaf,
			     unsigned chunk)
{
	struct item_list list = {0};
	unsigned common;
	uint32_t entry = 0;

	if (first >= last || builder->error)
		return leaf;
	common = common_chunks(builder, first, last, chunk);
	/* The last chunk of IPv4 is always a list, so that its kind need not be guessed. */
	if (common && builder->chunks > 2)
		return build_skip(builder, first, last, leaf, chunk, common);
	list_items(builder, first, last, leaf, chunk, &list);
	if (!builder->error)
		entry = list.count < DENSE_FROM
				? build_lists(builder, list.items, list.count, chunk)
				: build_dense(builder, list.items, list.count, chunk);
	free(list.items);
	return entry;
}

static void build_root(struct builder *builder)
{
	struct item_list list = {0};

	add_units(builder, FLAT_ROOT_UNITS);
	if (!builder->error)
		list_items(builder, 1, builder->boundary_count, builder->boundaries[0].leaf, 0,
			   &list);
	for (size_t i = 0; i < list.count && !builder->error; i++) {
		uint32_t end = i + 1 < list.count ? list.items[i + 1].key : CHUNK_MAX + 1;
		uint32_t entry = build_item(builder, &list.items[i], 0);

		for (uint32_t key = list.items[i].key; key < end && !builder->error; key++)
			((uint32_t *)builder->units)[key] = entry;
	}
	free(list.items);
}

int flat_tree_build(const struct address_entry *entries, size_t count, unsigned chunks,
		    const uint16_t *role_slots, struct flat_tree *ret_tree)
{
	struct builder builder = {.chunks = chunks};
	size_t units;

	builder.error = make_boundaries(&builder, entries, count, role_slots);
	if (!builder.error)
		build_root(&builder);
	units = builder.count;
	if (!builder.error)
		add_units(&builder, FLAT_TAIL_UNITS);
	free(builder.boundaries);
	if (builder.error) {
		free(builder.units);
		return builder.error;
	}
	*ret_tree = (struct flat_tree){.units = builder.units, .unit_count = (uint32_t)units};
	return 0;
}

void flat_tree_free(struct flat_tree *tree)
{
	free(tree->units);
	*tree = (struct flat_tree){0};
}

size_t flat_tree_bytes(const struct flat_tree *tree)
{
	return tree->units ? ((size_t)tree->unit_count + FLAT_TAIL_UNITS) * FLAT_UNIT_BYTES : 0;
}
