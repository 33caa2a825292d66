/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit: so many a second from one source (docs/packet-path.md, section 8).
 *
 * A table of sets in an array, and no hash map of the kernel's: no helper call, no lock, and a
 * flood from made-up sources costs what one packet costs. A source that finds no place in its set
 * takes one whose bucket is full again (nothing is lost), else any (that one starts with a full
 * bucket if it comes back). CPUs agree by compare-and-swap on full_at alone: where two write a
 * place at once, a source may find a full bucket, never one that is emptier by more than a packet.
 */
#ifndef SALLYPORT_BPF_LIMIT_H
#define SALLYPORT_BPF_LIMIT_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rule_limit);
} rule_limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct limit_set);
} limits SEC(".maps");

/* Other CPUs charge the same source: only packets that pass do, so that this is plenty. */
#define LIMIT_TRIES 4

static __always_inline __u64 limit_hash(const struct limit_source *source)
{
	__u64 hash = mix(config.limit_seed ^ source->upper);

	return mix(mix(hash ^ source->lower) + config.limit_seed + source->rule);
}

/* The first so many bits of 64; more than 64 are all, less than 0 none. */
static __always_inline __u64 upper_bits(__u64 value, int bits)
{
	if (bits <= 0)
		return 0;
	return bits >= 64 ? value : value & ~0ull << (64 - bits);
}

static __always_inline struct limit_source
limit_source_of(const struct conversation *c, __u16 rule_slot, const struct rule_limit *limit)
{
	struct limit_source source = {.rule = rule_slot};

	if (c->family == 4) {
		source.lower = upper_bits(bpf_ntohl(c->remote[3]), 32 + limit->ipv4_bits);
		return source;
	}
	source.rule |= LIMIT_IPV6;
	source.upper = upper_bits((__u64)bpf_ntohl(c->remote[0]) << 32 | bpf_ntohl(c->remote[1]),
				  limit->ipv6_bits);
	source.lower = upper_bits((__u64)bpf_ntohl(c->remote[2]) << 32 | bpf_ntohl(c->remote[3]),
				  limit->ipv6_bits - 64);
	return source;
}

/*
 * How far off the time is at which the bucket is full again; 0: it is. One that is further off than
 * that of an empty bucket (and a second, since CPUs read the clock one after the other) was written
 * for another source while the place changed hands, and says nothing.
 */
static __always_inline __u64 limit_ahead(__u64 full_at, __u64 time, const struct rule_limit *limit)
{
	const __u64 most = ((__u64)limit->burst + limit->per_second) * config.second;
	__u64 ahead = full_at - time;

	return (__s64)ahead > 0 && ahead <= most ? ahead : 0;
}

/* The place of a source, if it has one. */
static __always_inline struct limit_source *limit_find(struct limit_set *set,
						       const struct limit_source *source)
{
#pragma unroll
	for (__u32 way = 0; way < LIMIT_WAYS; way++) {
		const volatile struct limit_source *place = &set->ways[way];

		if (place->rule == source->rule && place->upper == source->upper &&
		    place->lower == source->lower)
			return &set->ways[way];
	}
	return NULL;
}

/* Whether a place can be given away without a loss: the bucket there is full, of whichever rule. */
static __always_inline bool limit_is_free(const struct limit_source *place, __u64 now)
{
	__u32 slot = place->rule & RULE_SLOT_MASK;
	const struct rule_limit *limit = bpf_map_lookup_elem(&rule_limits, &slot);

	return !place->rule || !limit ||
	       !limit_ahead(place->full_at, now * limit->per_second, limit);
}

/* A place for a source that has none, with a full bucket. */
static __always_inline struct limit_source *
limit_settle(struct limit_set *set, const struct limit_source *source, __u32 any, __u64 now)
{
	struct limit_source *place = &set->ways[any % LIMIT_WAYS];

#pragma unroll
	for (__u32 way = 0; way < LIMIT_WAYS; way++)
		if (limit_is_free(&set->ways[way], now))
			place = &set->ways[way];
	/* While it is written it is nobody's. */
	__sync_lock_test_and_set(&place->rule, 0);
	place->upper = source->upper;
	place->lower = source->lower;
	place->full_at = 0;
	__sync_lock_test_and_set(&place->rule, source->rule);
	return place;
}

static __always_inline bool limit_charge(struct limit_source *place, const struct rule_limit *limit,
					 __u64 now)
{
	const __u64 cost = config.second;
	const __u64 time = now * limit->per_second;

#pragma unroll
	for (int try = 0; try < LIMIT_TRIES; try++) {
		__u64 seen = *(volatile __u64 *)&place->full_at;
		__u64 ahead = limit_ahead(seen, time, limit);

		if (ahead > (limit->burst - 1) * cost)
			return false;
		if (config.dry_run ||
		    __sync_val_compare_and_swap(&place->full_at, seen, time + ahead + cost) == seen)
			break;
	}
	return true;
}

/* 1: the rule lets this packet in, and it is charged. Out of line: only limited rules come here. */
__noinline int limit_allows(struct packet *packet, __u32 rule_slot)
{
	const struct rule_limit *limit;
	struct limit_source source;
	struct limit_source *place;
	struct limit_set *set;
	__u64 hash, now;
	__u32 index;

	if (!packet)
		return 0;
	limit = bpf_map_lookup_elem(&rule_limits, &rule_slot);
	if (!limit)
		return 0;
	source = limit_source_of(&packet->c, rule_slot, limit);
	hash = limit_hash(&source);
	/* The upper half of the hash, spread over the sets; the lower one chooses the way. */
	index = (hash >> 32) * config.limit_sets >> 32;
	set = bpf_map_lookup_elem(&limits, &index);
	if (!set)
		return 0;
	now = clock_now();
	place = limit_find(set, &source);
	if (!place && config.dry_run)
		return 1;
	if (!place)
		place = limit_settle(set, &source, hash, now);
	return limit_charge(place, limit, now);
}

/* What a limit counts: new TCP connections, and all packets where there are none. */
static __always_inline bool limit_counts(const struct packet *packet)
{
	return packet->c.protocol != IPPROTO_TCP || tcp_is_syn(packet);
}

#endif
