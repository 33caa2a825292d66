/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many ICMP errors are let in (docs/packet-path.md, section 5). Many small buckets, and none
 * that all errors share: who floods spends what he is given, and path-MTU discovery goes on for
 * all others. Two that fall on one bucket share it; the seed keeps anybody from choosing which.
 */
#ifndef SALLYPORT_BPF_ERROR_BUCKET_H
#define SALLYPORT_BPF_ERROR_BUCKET_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ICMP_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} icmp_buckets SEC(".maps");

static __always_inline __u64 address_half(const __be32 *half)
{
	return (__u64)bpf_ntohl(half[0]) << 32 | bpf_ntohl(half[1]);
}

static __always_inline __u64 mix_address(__u64 hash, const __be32 *address)
{
	return mix(mix(hash ^ address_half(address)) ^ address_half(address + 2));
}

/* Whose word an error is: where it comes from, as far as nobody can choose it without forging. */
static __always_inline __u64 error_teller(const struct conversation *c)
{
	if (c->family == 4)
		return 4ull << 48 | bpf_ntohl(c->remote[3]) >> (32 - ICMP_TELLER_IPV4_BITS);
	return 6ull << 48 | address_half(c->remote) >> (64 - ICMP_TELLER_IPV6_BITS);
}

/* Only who knows a flow's ports and addresses finds its bucket. */
static __always_inline __u32 flow_bucket(const struct conversation *quoted)
{
	__u16 remote_port = is_icmp(quoted->family, quoted->protocol) ? 0 : quoted->remote_port;
	__u64 hash = mix_address(config.limit_seed, quoted->local);

	hash = mix_address(hash, quoted->remote);
	hash = mix(hash ^ ((__u64)flow_local_port(quoted) << 32 | (__u64)remote_port << 16 |
			   quoted->protocol << 8 | quoted->family));
	return hash & (ICMP_FLOW_BUCKETS - 1);
}

/* What can be quoted of in rules is known to all, so the teller alone decides on the set. */
static __always_inline __u32 teller_bucket(const struct conversation *quoted, __u64 teller)
{
	__u64 hash = mix(config.limit_seed ^ teller);
	__u32 set = hash & (ICMP_TELLER_SETS - 1);
	__u32 way = mix_address(hash, quoted->remote) & (ICMP_TELLER_WAYS - 1);

	return ICMP_FLOW_BUCKETS + set * ICMP_TELLER_WAYS + way;
}

/* 1: this error may come in, and is charged. Out of line: few packets need the room of it. */
__noinline int error_is_within_limit(struct conversation *quoted, __u64 teller, bool of_flow)
{
	__u64 *used;
	__u32 index;

	if (!quoted)
		return 0;
	/* Audit charges no limits. */
	if (config.dry_run || config.mode[DIRECTION_IN] != MODE_ENFORCE)
		return 1;
	index = of_flow ? flow_bucket(quoted) : teller_bucket(quoted, teller);
	used = bpf_map_lookup_elem(&icmp_buckets, &index);
	return used &&
	       bucket_take(used, config.icmp_errors_per_second, config.icmp_errors_per_second);
}

#endif
