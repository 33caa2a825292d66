/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an address to its leaf through the tree of include/abi.h. No map, no helper: the same text
 * compiles natively, so that the unit tests can hold it against the prefixes it was made from.
 */
#ifndef SALLYPORT_BPF_FLAT_WALK_H
#define SALLYPORT_BPF_FLAT_WALK_H

#define FLAT_STEPS_TOGETHER 4

/* The bit above each key of a word: set, no lane borrows from the next. */
#define FLAT_GUARDS (FLAT_LANES << FLAT_KEY_BITS)

/*
 * The entry of a narrow list or of a wide one, without a branch between them: which it is can't be
 * foretold. lanes: the value in each lane, with its guard. Behind the keys of a narrow list its
 * entries follow: what is read as keys of theirs counts for nothing.
 */
static __always_inline __u32 list_entry(const void *list, __u32 entry, __u64 lanes)
{
	const __u64 wide = (__s64)((__u64)entry << (63 - FLAT_WIDE_BIT)) >> 63;
	const __u64 *keys = list + 8;
	__u64 count = (lanes - keys[0]) & FLAT_GUARDS;

	count += (lanes - keys[1]) & FLAT_GUARDS & wide;
	count += (lanes - keys[2]) & FLAT_GUARDS & wide;
	/* The sum of all lanes comes to stand in the uppermost one; 4 bytes an entry. */
	count = count * FLAT_LANES >> (2 * FLAT_LANE_BITS + FLAT_KEY_BITS - 2) & 28;
	return *(const __u32 *)(list + 16 + (wide & 16) + count);
}

/*
 * The number of the unit that an entry names, in 64 bits and computed once: the verifier of Linux
 * 6.1 knows no bound of what it sees computed anew, nor of half a register that was spilled.
 */
static __always_inline __u64 unit_number(__u32 entry)
{
	__u64 number = entry & FLAT_UNIT_MASK;

	asm volatile("" : "+r"(number));
	return number;
}

/* table: FLAT_TAIL_UNITS more than units. */
static __always_inline __u32 ipv4_walk(const void *table, __u32 units, __u32 address)
{
	const __u64 lanes = (__u64)(address & FLAT_KEY_MASK) * FLAT_LANES | FLAT_GUARDS;
	__u32 entry = ((const __u32 *)table)[address >> 16];

	for (int step = 0; step < FLAT_STEPS_IPV4; step++) {
		const __u64 number = unit_number(entry);
		const void *unit;

		if (!(entry & FLAT_NODE))
			return entry;
		if (number >= units)
			return 0;
		unit = table + number * FLAT_UNIT_BYTES;
		if (entry & FLAT_DENSE)
			entry = ((const __u32 *)unit)[address >> 8 & 255];
		else
			entry = list_entry(unit, entry, lanes);
	}
	return entry & FLAT_NODE ? 0 : entry;
}

/* Where the address lies outside of what a list tells apart. */
static __always_inline __u32 outer_entry(const void *list, __u32 entry, bool below)
{
	const __u32 wide = entry & FLAT_WIDE;
	const __u32 *entries = list + (wide ? 32 : 16);

	if (below)
		return entries[0];
	return entries[wide ? FLAT_ENTRIES_WIDE - 1 : FLAT_ENTRIES_NARROW - 1];
}

/* An IPv6 address in host order, on its way through the tree. */
struct ipv6_way {
	const void *table;
	__u64 half; /* that nodes look at */
	__u64 lower;
	__u32 units;
	__u32 entry;
};

static __always_inline void ipv6_step(struct ipv6_way *way)
{
	const __u32 entry = way->entry;
	const __u64 number = unit_number(entry);
	const __u64 *unit;
	__u64 part;

	if (number >= way->units) {
		way->entry = 0;
		return;
	}
	unit = way->table + number * FLAT_UNIT_BYTES;
	if (entry & FLAT_LOWER)
		way->half = way->lower;
	part = way->half >> (entry >> FLAT_SHIFT_AT & FLAT_SHIFT_MASK);
	if (entry & FLAT_DENSE)
		way->entry = ((const __u32 *)unit)[part & 255];
	else if (part >> FLAT_KEY_BITS != *unit)
		way->entry = outer_entry(unit, entry, part >> FLAT_KEY_BITS < *unit);
	else
		way->entry =
			list_entry(unit, entry, (part & FLAT_KEY_MASK) * FLAT_LANES | FLAT_GUARDS);
}

/*
 * upper and lower: of an IPv6 address in host order. The verifier follows each way out of the loop
 * to the end of the program, so only one step in FLAT_STEPS_TOGETHER has one.
 */
static __always_inline __u32 ipv6_walk(const void *table, const volatile struct flat_root *root,
				       __u32 units, __u64 upper, __u64 lower)
{
	const __u64 index = (upper ^ root->value) >> root->shift;
	struct ipv6_way way = {
		.table = table,
		.half = upper,
		.lower = lower,
		.units = units,
		.entry = index > 0xffff ? root->outer : ((const __u32 *)table)[index],
	};

	for (int steps = 0; steps < FLAT_STEPS_MAX; steps += FLAT_STEPS_TOGETHER) {
		if (!(way.entry & FLAT_NODE))
			return way.entry;
#ifdef __bpf__
#pragma clang loop unroll(full)
#endif
		for (int step = 0; step < FLAT_STEPS_TOGETHER; step++) {
			if (way.entry & FLAT_NODE)
				ipv6_step(&way);
			/* Or the compiler makes a way out here. */
			asm volatile("" : "+r"(way.entry));
		}
	}
	return way.entry & FLAT_NODE ? 0 : way.entry;
}

#endif
