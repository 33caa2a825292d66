/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lookup: flat. The same questions answered from arrays, without a call. Their layout is in
 * include/abi.h and made by user/flat.c. Every index is masked to its array's size (a power of two
 * that the verifier knows, as shape is constant), so that a wrong table can give a wrong class but
 * never a wrong access.
 */
#ifndef SALLYPORT_BPF_LOOKUP_FLAT_H
#define SALLYPORT_BPF_LOOKUP_FLAT_H

#include "flat_walk.h"

/*
 * The one value of each map of the index: not looked up, but an address that the loader writes into
 * the programs (user/map_address.h).
 */
static __always_inline const __u16 *flat_table(void)
{
	return (const void *)&flat_classes;
}

static __always_inline __u16 port_class_flat(const __u16 *table, enum port_side side, __u8 protocol,
					     __u16 port)
{
	__u32 page;

	page = table[((__u32)side << 16 | (__u32)protocol << 8 | port >> 8) & shape.classes_mask];
	return table[(FLAT_PORT_PAGES + page * 256 + (port & 255)) & shape.classes_mask];
}

static __always_inline __u32 ipv4_leaf_flat(__be32 address)
{
	if (shape.ipv4_empty)
		return 0;
	return ipv4_walk(&flat_ipv4, shape.ipv4_units, bpf_ntohl(address));
}

static __always_inline __u32 ipv6_leaf_flat(const __be32 *address)
{
	if (shape.ipv6_empty)
		return 0;
	return ipv6_walk(&flat_ipv6, &shape.ipv6_root, shape.ipv6_units,
			 (__u64)bpf_ntohl(address[0]) << 32 | bpf_ntohl(address[1]),
			 (__u64)bpf_ntohl(address[2]) << 32 | bpf_ntohl(address[3]));
}

static __always_inline __u32 address_leaf_flat(__u8 family, const __be32 *address)
{
	return family == 4 ? ipv4_leaf_flat(address[0]) : ipv6_leaf_flat(address);
}

/* The class of one of the first own addresses; 0: it is none of them. Places that hold none have
 * that class. */
static __always_inline __u16 own_class_flat(__u8 family, const __be32 *address)
{
#pragma unroll
	for (__u32 i = 0; i < FLAT_LOCAL_MAX; i++) {
		const volatile struct flat_local *own =
			family == 4 ? &shape.ipv4_local[i] : &shape.ipv6_local[i];

		if (i && i >= (family == 4 ? shape.ipv4_locals : shape.ipv6_locals))
			break;
		if (address[0] == own->address[0] &&
		    (family == 4 ||
		     (address[1] == own->address[1] && address[2] == own->address[2] &&
		      address[3] == own->address[3])))
			return own->class_id;
	}
	return 0;
}

static __always_inline __u16 end_class_flat(const __u16 *table, enum direction direction, bool far,
					    __u16 port, __u16 address)
{
	__u32 offset = far ? shape.far_offset[direction] : shape.near_offset[direction];
	__u32 columns = far ? shape.far_columns[direction] : shape.near_columns[direction];

	return table[(offset + port * columns + address) & shape.classes_mask];
}

static __always_inline __u16 decide_flat(const __u16 *table, enum direction direction, __u16 near,
					 __u16 far)
{
	return table[(shape.decision_offset[direction] + near * shape.decision_columns[direction] +
		      far) &
		     shape.classes_mask];
}

#endif
