/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an address to its leaf through the tree of include/abi.h. No map, no helper: the same text
 * compiles natively, so that the unit tests can hold it against the prefixes it was made from.
 */
#ifndef SALLYPORT_BPF_FLAT_WALK_H
#define SALLYPORT_BPF_FLAT_WALK_H

/* A chunk takes at most a page and three lists (user/flat_tree.c). */
#define FLAT_CHUNK_STEPS 4
#define FLAT_IPV6_CHUNKS 8

#define LANES		 0x0001000100010001ull
#define LANE_TOPS	 0x8000800080008000ull

/*
 * The top bit of each lane of 16 bits whose key is not above the value that is in every lane of
 * values. Where the top bits are the same, what is below them is compared by subtraction, with a
 * bit set above so that no lane borrows from the next; where they differ, the value's decides.
 */
static __always_inline __u64 lanes_not_above(__u64 keys, __u64 values)
{
	__u64 difference = (values | LANE_TOPS) - (keys & ~LANE_TOPS);

	return (difference ^ ((difference ^ values) & (values ^ keys))) & LANE_TOPS;
}

/*
 * The entry of a list of four lanes or of eight, without a branch between them: which it is can't
 * be foretold. Behind four keys entries follow: what is read as keys of theirs counts for nothing.
 * Lane 0's key is 0, so that at least one is not above.
 */
static __always_inline __u32 list_entry(const void *unit, __u32 kind, __u64 values)
{
	const __u64 *keys = unit;
	const __u64 eight = kind & 1;
	__u64 lanes = (lanes_not_above(keys[0], values) >> 15) +
		      ((lanes_not_above(keys[1], values) >> 15) & -eight);
	__u64 lane = ((lanes * LANES >> 48) - 1) & 7;

	return *(const __u32 *)(unit + 8 + 8 * eight + 4 * lane);
}

/* table: FLAT_TAIL_UNITS more than units. */
static __always_inline __u32 ipv4_walk(const void *table, __u32 units, __u32 address)
{
	const __u64 values = (address & 0xffff) * LANES;
	__u32 entry = ((const __u32 *)table)[address >> 16];

	for (int step = 0; step <= FLAT_CHUNK_STEPS; step++) {
		__u32 number = entry & FLAT_UNIT_MASK, kind;
		const void *unit;

		if (!(entry & FLAT_NODE))
			return entry;
		if (number >= units)
			return 0;
		unit = table + (__u64)number * FLAT_UNIT_BYTES;
		kind = entry >> FLAT_KIND_SHIFT & FLAT_KIND_MASK;
		if (kind == FLAT_DENSE)
			entry = ((const __u32 *)unit)[address >> 8 & 255];
		else
			entry = list_entry(unit, kind, values);
	}
	return entry & FLAT_NODE ? 0 : entry;
}

/* An IPv6 address in host order, on its way through the tree. */
struct ipv6_way {
	const void *table;
	__u64 upper;
	__u64 lower;
	__u32 units;
	__u32 entry; /* to look at, unless it is a leaf */
	__u32 chunk; /* by which */
};

/* The 64 bits of the address from a chunk on; zeros behind its end. */
static __always_inline __u64 bits_from(const struct ipv6_way *way, __u32 chunk)
{
	if (chunk >= 4)
		return way->lower << (16 * (chunk - 4));
	return way->upper << (16 * chunk) | way->lower >> 1 >> (63 - 16 * chunk);
}

static __always_inline void skip_step(struct ipv6_way *way, const struct flat_skip *skip,
				      __u32 chunk)
{
	__u64 value = bits_from(way, chunk) >> ((64 - 16 * skip->chunks) & 63);

	if (value == skip->value)
		way->entry = skip->inside;
	else
		way->entry = value < skip->value ? skip->below : skip->above;
	way->chunk = chunk + skip->chunks;
}

/* One node, looked at by this chunk. */
static __always_inline void ipv6_step(struct ipv6_way *way, __u32 chunk)
{
	__u32 number = way->entry & FLAT_UNIT_MASK;
	__u32 kind = way->entry >> FLAT_KIND_SHIFT & FLAT_KIND_MASK;
	__u32 value = bits_from(way, chunk) >> 48;
	const void *unit;

	if (number >= way->units) {
		way->entry = 0;
		return;
	}
	unit = way->table + (__u64)number * FLAT_UNIT_BYTES;
	if (kind == FLAT_SKIP) {
		skip_step(way, unit, chunk);
		return;
	}
	if (kind == FLAT_DENSE) {
		way->entry = ((const __u32 *)unit)[value >> 8];
		return;
	}
	if (kind != FLAT_INNER8)
		way->chunk = chunk + 1;
	way->entry = list_entry(unit, kind, value * LANES);
}

/*
 * Chunk by chunk, so that each shift is by a constant: the verifier need not tell apart all the
 * ways in which an address may have been shifted.
 */
static __always_inline __u32 ipv6_walk(const void *table, __u32 units, __u64 upper, __u64 lower)
{
	struct ipv6_way way = {
		.table = table,
		.upper = upper,
		.lower = lower,
		.units = units,
		.entry = ((const __u32 *)table)[upper >> 48],
		.chunk = 1,
	};

#ifdef __bpf__
#pragma clang loop unroll(full)
#endif
	for (__u32 chunk = 1; chunk < FLAT_IPV6_CHUNKS; chunk++) {
		for (int step = 0; step < FLAT_CHUNK_STEPS; step++) {
			if (!(way.entry & FLAT_NODE))
				return way.entry;
			if (way.chunk != chunk)
				break;
			ipv6_step(&way, chunk);
		}
	}
	return way.entry & FLAT_NODE ? 0 : way.entry;
}

#endif
