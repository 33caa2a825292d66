/* SPDX-License-Identifier: BSD-2-Clause */
#include "flat_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Lists in lists up to here; beyond, 256 entries side by side cost less than the steps. */
#define DENSE_FROM 129u
#define DENSE_BITS 8u

#define HALF_BITS  64u
#define ROOT_BITS  16u
/* The root is of a smaller part if it has seven boundaries in eight. */
#define ROOT_SHARE 8u
/* Of IPv4 the lower half of the upper half is empty. */
#define IPV4_SHIFT 32u
/* Below its root there is one dense node at most, of the third byte, as the walk has it. */
#define IPV4_DENSE_BITS (HALF_BITS - ROOT_BITS)

/* From this address on the leaf holds, up to the next boundary. IPv4 in the upper half's top. */
struct boundary {
	uint64_t upper;
	uint64_t lower;
	uint32_t leaf;
};

/*
 * Addresses that have all but so many bits of a half in common (if it is the lower one, the whole
 * upper half too), and the boundaries behind the first of them.
 */
struct region {
	size_t first;
	size_t last;   /* first: there are none */
	uint32_t leaf; /* in force at its start */
	unsigned bits;
	bool lower;
	unsigned steps; /* down to here */
};

/* What holds from one key on: a leaf, or a tree over what begins at addresses of this key. */
struct item {
	uint32_t key;
	uint32_t leaf; /* in force at the start of the key */
	size_t first;
	size_t last; /* first: no tree */
};

/* How the items of a region are told apart. */
struct item_list {
	const struct region *region;
	unsigned shift;
	bool covers; /* all that is in the region has a key: nothing is below or above */
	struct item *items;
	size_t count;
	size_t capacity;
};

struct builder {
	struct boundary *boundaries;
	size_t boundary_count;
	bool ipv4;
	uint8_t *units;
	size_t count;
	size_t capacity;
	size_t spare; /* a unit that was left free so that two lie in one cache line; 0: none */
	int error;    /* of memory or of room: what is built from then on is of no use */
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

static uint64_t half_at(const struct builder *builder, size_t i, bool lower)
{
	return lower ? builder->boundaries[i].lower : builder->boundaries[i].upper;
}

/* Whether the address is the first of its key. */
static bool begins_key(const struct builder *builder, size_t i, bool lower, unsigned shift)
{
	const uint64_t below = shift < HALF_BITS ? ((uint64_t)1 << shift) - 1 : UINT64_MAX;

	return !(half_at(builder, i, lower) & below) && (lower || !builder->boundaries[i].lower);
}

static uint32_t key_at(const struct builder *builder, size_t i, bool lower, unsigned shift)
{
	return (uint32_t)(half_at(builder, i, lower) >> shift) & FLAT_KEY_MASK;
}

/* How many bits of a half are not the same in all of the region's boundaries; rounded up to even.
 */
static unsigned bits_that_differ(const struct builder *builder, const struct region *region)
{
	uint64_t differ = half_at(builder, region->first, region->lower) ^
			  half_at(builder, region->last - 1, region->lower);
	unsigned bits = differ ? HALF_BITS - (unsigned)__builtin_clzll(differ) : 0;

	return (bits + 1) & ~1u;
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
	if (builder->count > FLAT_UNITS_MAX)
		builder->error = -EFBIG;
	return at;
}

static void *unit(const struct builder *builder, size_t at)
{
	return builder->units + at * FLAT_UNIT_BYTES;
}

/* One unit, or two in one cache line. */
static size_t add_list(struct builder *builder, bool wide)
{
	size_t at = builder->spare;

	if (!wide && at) {
		builder->spare = 0;
		return at;
	}
	if (wide && builder->count % 2)
		builder->spare = add_units(builder, 1);
	return add_units(builder, wide ? 2 : 1);
}

static uint32_t node(uint32_t kind, const struct region *region, unsigned shift, size_t at)
{
	return FLAT_NODE | kind | (region->lower ? FLAT_LOWER : 0) |
	       (uint32_t)shift << FLAT_SHIFT_AT | (uint32_t)at;
}

/* ---- what a list tells apart ---- */

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
	/*
	 * What ended with the key before may be followed by a key of its own. But the first entry
	 * is that of all that is below, if anything can be.
	 */
	if (list->count > !list->covers && list->items[list->count - 1].key == item.key)
		list->count--;
	list->items[list->count++] = item;
}

/*
 * The least shift from this one on by which a list can tell the region's boundaries apart: the last
 * item is a leaf, or nothing is above it.
 */
static unsigned fitting_shift(const struct builder *builder, const struct region *region,
			      unsigned shift)
{
	const size_t last = region->last - 1;

	while (shift + FLAT_KEY_BITS < region->bits &&
	       key_at(builder, last, region->lower, shift) == FLAT_KEY_MASK &&
	       !begins_key(builder, last, region->lower, shift))
		shift += 2;
	return shift;
}

/* The keys at which something begins. */
static void list_items(struct builder *builder, const struct region *region, unsigned shift,
		       struct item_list *ret_list)
{
	uint32_t leaf = region->leaf;

	ret_list->region = region;
	ret_list->shift = shift;
	ret_list->covers = builder->ipv4 || shift + FLAT_KEY_BITS >= region->bits;
	add_item(builder, ret_list, (struct item){.key = 0, .leaf = leaf});
	for (size_t i = region->first; i < region->last && !builder->error;) {
		struct item item = {.key = key_at(builder, i, region->lower, shift), .leaf = leaf};

		item.last = i;
		while (item.last < region->last &&
		       key_at(builder, item.last, region->lower, shift) == item.key)
			item.last++;
		item.first = i;
		if (begins_key(builder, i, region->lower, shift)) {
			item.leaf = builder->boundaries[i].leaf;
			item.first++;
		}
		add_item(builder, ret_list, item);
		leaf = builder->boundaries[item.last - 1].leaf;
		if (item.first < item.last && item.key < FLAT_KEY_MASK)
			add_item(builder, ret_list,
				 (struct item){.key = item.key + 1, .leaf = leaf});
		i = item.last;
	}
}

/* ---- the tree ---- */

static uint32_t build_region(struct builder *builder, const struct region *region);

/* All addresses of one key. */
static uint32_t build_item(struct builder *builder, const struct item_list *list,
			   const struct item *item, unsigned steps)
{
	const struct region *around = list->region;
	/* One value of the upper half is a region of the lower one. */
	const bool lower = around->lower || (list->shift == 0 && !builder->ipv4);
	const struct region region = {
		.first = item->first,
		.last = item->last,
		.leaf = item->leaf,
		.lower = lower,
		.bits = lower && !around->lower ? HALF_BITS : list->shift,
		.steps = steps,
	};

	return build_region(builder, &region);
}

static uint32_t build_lists(struct builder *builder, const struct item_list *list, size_t first,
			    size_t count, unsigned steps);

/* Entry i of a list; those behind the last repeat it. The first has no key. */
static void set_entry(struct builder *builder, size_t at, size_t size, size_t i, uint32_t key,
		      uint32_t entry)
{
	uint64_t *keys = (uint64_t *)unit(builder, at) + 1;
	uint32_t *entries = (uint32_t *)(keys + (size == FLAT_ENTRIES_WIDE ? 3 : 1));

	if (i) {
		const unsigned lane = (unsigned)(i - 1) % 3 * FLAT_LANE_BITS;

		keys[(i - 1) / 3] ^= (FLAT_KEY_NEVER ^ key) << lane;
	}
	for (; i < size; i++)
		entries[i] = entry;
}

/* share: so many items an entry. */
static uint32_t build_list(struct builder *builder, const struct item_list *list, size_t first,
			   size_t count, size_t share, unsigned steps)
{
	const size_t size =
		count <= FLAT_ENTRIES_NARROW * share ? FLAT_ENTRIES_NARROW : FLAT_ENTRIES_WIDE;
	const bool wide = size == FLAT_ENTRIES_WIDE;
	const struct region *region = list->region;
	size_t at = add_list(builder, wide);
	uint64_t *words;

	if (builder->error)
		return 0;
	words = unit(builder, at);
	words[0] = half_at(builder, region->first, region->lower) >> list->shift >> FLAT_KEY_BITS;
	for (unsigned word = 0; word < (wide ? 3 : 1); word++)
		words[1 + word] = FLAT_KEY_NEVER * FLAT_LANES;
	for (size_t i = 0; i * share < count && !builder->error; i++) {
		size_t begin = i * share;
		size_t part = count - begin < share ? count - begin : share;
		uint32_t entry = build_lists(builder, list, first + begin, part, steps + 1);

		if (!builder->error)
			set_entry(builder, at, size, i, list->items[first + begin].key, entry);
	}
	return node(wide ? FLAT_WIDE : 0, region, list->shift, at);
}

/* A list, or lists in lists: as even as may be. */
static uint32_t build_lists(struct builder *builder, const struct item_list *list, size_t first,
			    size_t count, unsigned steps)
{
	size_t share = 1;

	if (count == 1)
		return build_item(builder, list, &list->items[first], steps);
	while (share * FLAT_ENTRIES_WIDE < count)
		share *= FLAT_ENTRIES_WIDE;
	return build_list(builder, list, first, count, share, steps);
}

/* By the region's upper eight bits. */
static uint32_t build_dense(struct builder *builder, const struct region *region)
{
	const unsigned bits = region->bits - DENSE_BITS;
	size_t at = add_units(builder, FLAT_DENSE_UNITS);
	struct region part = *region;

	part.bits = bits;
	part.steps++;
	part.last = region->first;
	for (uint32_t page = 0; page < 1u << DENSE_BITS && !builder->error; page++) {
		uint32_t entry;

		part.first = part.last;
		while (part.last < region->last &&
		       (half_at(builder, part.last, region->lower) >> bits & 255) == page)
			part.last++;
		if (part.first < part.last && begins_key(builder, part.first, region->lower, bits))
			part.leaf = builder->boundaries[part.first++].leaf;
		entry = build_region(builder, &part);
		if (part.first < part.last)
			part.leaf = builder->boundaries[part.last - 1].leaf;
		if (!builder->error)
			((uint32_t *)unit(builder, at))[page] = entry;
	}
	return node(FLAT_DENSE, region, bits, at);
}

/*
 * Crowded. What a dense node tells apart must be all of its region: where it is not, a list in
 * front of it has the smaller region as one of its keys.
 */
static uint32_t build_crowded(struct builder *builder, const struct region *region)
{
	unsigned shift = fitting_shift(builder, region, bits_that_differ(builder, region));
	struct item_list list = {0};
	uint32_t entry = 0;

	if (builder->ipv4 || shift >= region->bits)
		return build_dense(builder, region);
	list_items(builder, region, shift, &list);
	if (!builder->error)
		entry = build_lists(builder, &list, 0, list.count, region->steps);
	free(list.items);
	return entry;
}

static uint32_t build_region(struct builder *builder, const struct region *region)
{
	struct item_list list = {0};
	unsigned shift = IPV4_SHIFT;
	uint32_t entry = 0;

	if (region->first >= region->last || builder->error)
		return region->leaf;
	if (region->steps >= (builder->ipv4 ? FLAT_STEPS_IPV4 : FLAT_STEPS_MAX)) {
		builder->error = -ELOOP;
		return 0;
	}
	if (!builder->ipv4) {
		shift = bits_that_differ(builder, region);
		shift = shift > FLAT_KEY_BITS ? (shift - FLAT_KEY_BITS + 1) & ~1u : 0;
		shift = fitting_shift(builder, region, shift);
	}
	list_items(builder, region, shift, &list);
	if (!builder->error)
		entry = list.count < DENSE_FROM || (builder->ipv4 && region->bits < IPV4_DENSE_BITS)
				? build_lists(builder, &list, 0, list.count, region->steps)
				: build_crowded(builder, region);
	free(list.items);
	return entry;
}

/* ---- the root ---- */

/* The first boundary that is not below this address. */
static size_t boundary_at(const struct builder *builder, uint64_t upper)
{
	size_t first = 0, count = builder->boundary_count;

	while (count) {
		size_t half = count / 2;

		if (builder->boundaries[first + half].upper < upper) {
			first += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return first;
}

/* Where what the root tells apart ends; 0: where the addresses do. */
static uint64_t root_end(const struct flat_root *root)
{
	return root->shift + ROOT_BITS == HALF_BITS
		       ? 0
		       : root->value + ((uint64_t)1 << (root->shift + ROOT_BITS));
}

static struct region root_region(const struct builder *builder, const struct flat_root *root)
{
	const uint64_t end = root_end(root);

	return (struct region){
		.first = boundary_at(builder, root->value),
		.last = end ? boundary_at(builder, end) : builder->boundary_count,
		.bits = root->shift,
	};
}

/* To the quarter that has nearly all boundaries; false: none has. */
static bool narrow_root(const struct builder *builder, struct flat_root *root)
{
	for (uint64_t quarter = 0; root->shift && quarter < 4; quarter++) {
		struct flat_root part = {.shift = root->shift - 2};
		struct region region;

		part.value = root->value + (quarter << (part.shift + ROOT_BITS));
		region = root_region(builder, &part);
		if ((region.last - region.first) * ROOT_SHARE >=
		    builder->boundary_count * (ROOT_SHARE - 1)) {
			*root = part;
			return true;
		}
	}
	return false;
}

static struct flat_root choose_root(const struct builder *builder)
{
	struct flat_root root = {.shift = HALF_BITS - ROOT_BITS};

	while (!builder->ipv4 && narrow_root(builder, &root))
		continue;
	return root;
}

static void build_root(struct builder *builder, const struct flat_root *root)
{
	const struct region whole = root_region(builder, root);
	struct region part = whole;

	add_units(builder, FLAT_ROOT_UNITS);
	part.leaf = whole.first ? builder->boundaries[whole.first - 1].leaf : 0;
	part.last = whole.first;
	for (uint32_t index = 0; index < 1u << ROOT_BITS && !builder->error; index++) {
		uint32_t entry;

		part.first = part.last;
		while (part.last < whole.last &&
		       (half_at(builder, part.last, false) ^ root->value) >> root->shift == index)
			part.last++;
		if (part.first < part.last && begins_key(builder, part.first, false, root->shift))
			part.leaf = builder->boundaries[part.first++].leaf;
		entry = build_region(builder, &part);
		if (part.first < part.last)
			part.leaf = builder->boundaries[part.last - 1].leaf;
		if (!builder->error)
			((uint32_t *)builder->units)[index] = entry;
	}
}

/* All that is not the root's: nobody asks here what begins in its part. */
static uint32_t build_outer(struct builder *builder, const struct flat_root *root)
{
	const struct region inner = root_region(builder, root);
	const uint64_t end = root_end(root);
	struct boundary *boundaries = builder->boundaries;
	struct region region = {.first = inner.first ? 1 : 0, .bits = HALF_BITS};
	size_t behind = builder->boundary_count - inner.last;

	if (!end && !root->value)
		return 0;
	region.leaf = inner.first ? boundaries[0].leaf : 0;
	region.last = inner.first;
	if (end && inner.last > inner.first)
		boundaries[region.last++] =
			(struct boundary){end, 0, boundaries[inner.last - 1].leaf};
	/* What begins right there holds, of both. */
	if (region.last > inner.first && behind && boundaries[inner.last].upper == end &&
	    !boundaries[inner.last].lower)
		region.last--;
	memmove(&boundaries[region.last], &boundaries[inner.last], behind * sizeof(*boundaries));
	region.last += behind;
	return build_region(builder, &region);
}

int flat_tree_build(const struct address_entry *entries, size_t count, bool ipv4,
		    const uint16_t *role_slots, struct flat_tree *ret_tree)
{
	struct builder builder = {.ipv4 = ipv4};
	struct flat_root root = {0};
	size_t units;

	builder.error = make_boundaries(&builder, entries, count, role_slots);
	if (!builder.error) {
		root = choose_root(&builder);
		build_root(&builder, &root);
		root.outer = build_outer(&builder, &root);
	}
	units = builder.count;
	if (!builder.error)
		add_units(&builder, FLAT_TAIL_UNITS);
	free(builder.boundaries);
	if (builder.error) {
		free(builder.units);
		return builder.error;
	}
	*ret_tree = (struct flat_tree){
		.root = root,
		.units = builder.units,
		.unit_count = (uint32_t)units,
	};
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
