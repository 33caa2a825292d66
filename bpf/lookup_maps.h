/* SPDX-License-Identifier: GPL-2.0-only */
/* lookup: maps. Each question is one look-up in an LPM trie or a hash map. */
#ifndef SALLYPORT_BPF_LOOKUP_MAPS_H
#define SALLYPORT_BPF_LOOKUP_MAPS_H

static __always_inline __u16 port_class_maps(enum port_side side, __u8 protocol, __u16 port)
{
	struct port_key key = {
		.prefix_length = 32,
		.side = side,
		.protocol = protocol,
		.port = bpf_htons(port),
	};
	const struct port_class *found = bpf_map_lookup_elem(&port_classes, &key);

	return found ? found->class_id : 0;
}

/* In the form of a flat leaf, so that what follows is the same for both encodings. */
static __always_inline __u32 address_leaf_maps(__u8 family, const __be32 *address)
{
	const struct address_class *found;

	if (family == 4) {
		struct ipv4_key key = {.prefix_length = 32};

		__builtin_memcpy(key.address, address, 4);
		found = bpf_map_lookup_elem(&ipv4_classes, &key);
	} else {
		struct ipv6_key key = {.prefix_length = 128};

		__builtin_memcpy(key.address, address, 16);
		found = bpf_map_lookup_elem(&ipv6_classes, &key);
	}
	if (!found)
		return 0;
	return (found->own ? FLAT_OWN : 0) | (found->peer_of_in ? FLAT_PEER_OF_IN : 0) |
	       (found->peer_of_out ? FLAT_PEER_OF_OUT : 0) |
	       ((__u32)found->role_slot << FLAT_ROLE_SHIFT & FLAT_ROLE_MASK) | found->class_id;
}

static __always_inline __u16 end_class_maps(enum direction direction, bool far, __u16 port,
					    __u16 address)
{
	struct end_key key = {
		.direction = direction,
		.far = far,
		.port_class = port,
		.address_class = address,
	};
	const struct end_class *found;

	found = bpf_map_lookup_elem(&end_classes, &key);
	return found ? found->class_id : 0;
}

static __always_inline __u16 decide_maps(enum direction direction, __u16 near, __u16 far)
{
	struct decision_key key = {
		.near_class = near,
		.far_class = far,
		.direction = direction,
	};
	const struct decision *found = bpf_map_lookup_elem(&decisions, &key);

	return found ? found->rule_slot | found->options : 0;
}

#endif
