/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lookup: flat. The same questions answered from four arrays, without a call. Their layout is in
 * include/abi.h and made by user/flat.c. Every index is masked to its array's size (a power of two
 * that the verifier knows, as shape is constant), so that a wrong table can give a wrong class but
 * never a wrong access.
 */
#ifndef SALLYPORT_BPF_LOOKUP_FLAT_H
#define SALLYPORT_BPF_LOOKUP_FLAT_H

/* More steps than 2^23 boundaries need; PREFIXES_MAX prefixes have at most twice as many, and one.
 */
#define FLAT_IPV6_STEPS 23

static __always_inline __u16 port_class_flat(enum port_side side, __u8 protocol, __u16 port)
{
	__u32 zero = 0;
	const __u16 *table = bpf_map_lookup_elem(&flat_ports, &zero);
	__u32 page;

	if (!table)
		return 0;
	page = table[((__u32)side << 16 | (__u32)protocol << 8 | port >> 8) & shape.ports_mask];
	return table[(FLAT_PORT_PAGES + page * 256 + (port & 255)) & shape.ports_mask];
}

static __always_inline __u32 ipv4_leaf_flat(__be32 address)
{
	__u32 zero = 0;
	const __u32 *table = bpf_map_lookup_elem(&flat_ipv4, &zero);
	__u32 bits = bpf_ntohl(address);
	__u32 entry;

	if (!table)
		return 0;
	entry = table[bits >> 16 & shape.ipv4_mask];
	if (!(entry & FLAT_BLOCK))
		return entry;
	entry = table[(entry + (bits >> 8 & 255)) & shape.ipv4_mask];
	if (!(entry & FLAT_BLOCK))
		return entry;
	return table[(entry + (bits & 255)) & shape.ipv4_mask];
}

static __always_inline bool boundary_is_above(const struct flat_ipv6_boundary *boundary,
					      __u64 upper, __u64 lower)
{
	return boundary->upper > upper || (boundary->upper == upper && boundary->lower > lower);
}

/*
 * The leaf of the last boundary that is not above the address. Not static, so that the verifier
 * looks at the loop once, and not again for each place that it is called from; and the count is
 * read from the map, since with a number that it knows it would walk every way through a thousand
 * boundaries.
 */
__noinline __u32 ipv6_boundary_leaf(__u64 upper, __u64 lower)
{
	__u32 zero = 0;
	const struct flat_ipv6_boundary *table = bpf_map_lookup_elem(&flat_ipv6, &zero);
	__u32 first = 0, count;

	if (!table)
		return 0;
	count = table[0].count;
	for (int step = 0; step < FLAT_IPV6_STEPS && count > 1; step++) {
		__u32 half = count / 2;

		if (boundary_is_above(&table[(first + half) & shape.ipv6_mask], upper, lower)) {
			count = half;
		} else {
			first += half;
			count -= half;
		}
	}
	return table[first & shape.ipv6_mask].leaf;
}

static __always_inline __u32 ipv6_leaf_flat(const __be32 *address)
{
	return ipv6_boundary_leaf((__u64)bpf_ntohl(address[0]) << 32 | bpf_ntohl(address[1]),
				  (__u64)bpf_ntohl(address[2]) << 32 | bpf_ntohl(address[3]));
}

static __always_inline __u32 address_leaf_flat(__u8 family, const __be32 *address)
{
	return family == 4 ? ipv4_leaf_flat(address[0]) : ipv6_leaf_flat(address);
}

static __always_inline __u16 end_class_flat(enum direction direction, bool far, __u16 port,
					    __u16 address)
{
	__u32 zero = 0;
	const __u16 *table = bpf_map_lookup_elem(&flat_decisions, &zero);
	__u32 offset = far ? shape.far_offset[direction] : shape.near_offset[direction];
	__u32 columns = far ? shape.far_columns[direction] : shape.near_columns[direction];

	if (!table)
		return 0;
	return table[(offset + port * columns + address) & shape.decisions_mask];
}

static __always_inline __u16 decide_flat(enum direction direction, __u16 near, __u16 far)
{
	__u32 zero = 0;
	const __u16 *table = bpf_map_lookup_elem(&flat_decisions, &zero);

	if (!table)
		return 0;
	return table[(shape.decision_offset[direction] + near * shape.decision_columns[direction] +
		      far) &
		     shape.decisions_mask];
}

#endif
