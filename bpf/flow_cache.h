/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cache in front of the flow hash map: screens of local ports and of keys (flow_screen.h),
 * then a line of whole keys (flow_line.h). No helper and no call on the way of a packet that finds
 * its answer here. Reading belongs to both directions, writing to egress and the sweep.
 */
#ifndef SALLYPORT_BPF_FLOW_CACHE_H
#define SALLYPORT_BPF_FLOW_CACHE_H

static __always_inline bool flow_is_cacheable(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* Not on the short way. Out of line: it wants registers that its callers would have to save. */
__noinline __u32 flow_hash_of(const struct conversation *c)
{
	struct tuple t;

	if (!c)
		return 0;
	if (c->family == 4) {
		t = flow_tuple(c, 4);
		return flow_hash(&t, 4);
	}
	t = flow_tuple(c, 6);
	return flow_hash(&t, 6);
}

/*
 * The one value of each map of the cache: not looked up, but an address that the loader writes into
 * the programs (user/map_address.h).
 */
static __always_inline struct flow_screen *screen_of_ports(void)
{
	return (void *)&flow_ports;
}

static __always_inline struct flow_screen *screen_of_keys(void)
{
	return (void *)&flow_keys;
}

/* family is one that the compiler knows. */
static __always_inline void *flow_line_at(__u32 hash, const __u8 family)
{
	struct flow_line_ipv4 *ipv4 = (void *)&flow_cache_ipv4;
	struct flow_line_ipv6 *ipv6 = (void *)&flow_cache_ipv6;

	return family == 4 ? (void *)&ipv4[hash & flow_cache.ipv4_mask]
			   : (void *)&ipv6[hash & flow_cache.ipv6_mask];
}

static __always_inline void *flow_line_of(const struct tuple *t, const __u8 family)
{
	return flow_line_at(flow_hash(t, family), family);
}

/* Of this generation, at that time. A clock past 48 bits has no stamp: nothing is cached then. */
static __always_inline bool flow_stamp_of(__u64 clock, struct flow_stamp *ret_stamp)
{
	ret_stamp->generation = config.generation;
	ret_stamp->era = clock >> 32;
	return !(clock >> 48);
}

/* ---- reading ---- */

/* False: no flow of the hash map has this local port (an echo's: its identifier). */
static __always_inline bool flow_port_is_owned(__u32 plane, __u16 port)
{
	return flow_screen_has(screen_of_ports(), FLOW_PORT_MASK, flow_port_slot(plane, port));
}

/* False: nor has any a key of this hash. */
static __always_inline bool flow_key_is_owned(__u32 hash)
{
	return flow_screen_has(screen_of_keys(), flow_cache.key_mask, hash);
}

/* False: that flow is not in the hash map. lookup: maps asks the truth itself. */
static __always_inline bool flow_may_be(const struct conversation *c)
{
	return config.lookup != LOOKUP_FLAT ||
	       (flow_port_is_owned(flow_plane(c->protocol), flow_local_port(c)) &&
		(!flow_is_cacheable(c->protocol) || flow_key_is_owned(flow_hash_of(c))));
}

static __always_inline bool flow_cache_read(const void *line, const struct tuple *t,
					    const __u8 family, __u64 now,
					    struct flow_copy *ret_copy)
{
	struct flow_stamp stamp;

	return flow_stamp_of(now, &stamp) && flow_line_read(line, family, t, &stamp, ret_copy);
}

/* The copy's era is that of now. */
static __always_inline bool flow_copy_has_expired(const struct flow_copy *copy, __u64 now)
{
	__u32 of_state = flow_mark_state(copy->mark) - 1;

	if (of_state >= FLOW_STATE_COUNT)
		return true;
	return has_passed(config.timeouts[of_state], copy->seen, (__u32)now);
}

static __always_inline void flow_copy_tell(const struct flow_copy *copy, struct finding *finding)
{
	finding->rule_slot = copy->mark & FLOW_MARK_SLOT_MASK;
	finding->reason = copy->mark & FLOW_MARK_BLOCKED ? REASON_FLOW_BLOCKED : REASON_FLOW;
}

/* What a look into the cache was good for. */
enum flow_answer {
	FLOW_NONE,  /* there is no such flow */
	FLOW_FOUND, /* and the finding says which rule's */
	FLOW_ASK,   /* the hash map knows: flow_answers(), flow_continue() */
};

/* What an arriving TCP or UDP packet finds; asked where lookup is flat. */
static __always_inline enum flow_answer
flow_answers_cached(const struct tuple *t, const __u8 family, struct finding *finding)
{
	struct flow_copy copy;
	__u32 hash;
	__u64 now;

	if (!flow_port_is_owned(flow_plane_of_ordinary(t->protocol), t->local_port))
		return FLOW_NONE;
	hash = flow_hash(t, family);
	if (!flow_key_is_owned(hash))
		return FLOW_NONE;
	now = clock_now();
	if (!flow_cache_read(flow_line_at(hash, family), t, family, now, &copy) ||
	    flow_copy_has_expired(&copy, now))
		return FLOW_ASK;
	flow_copy_tell(&copy, finding);
	return FLOW_FOUND;
}

/* Would an own packet with these flags leave the flow as it is? As flow_advance() has it. */
static __always_inline bool flow_copy_stays(const struct flow_copy *copy, __u8 protocol,
					    __u8 tcp_flags)
{
	__u32 of_state = flow_mark_state(copy->mark) - 1;

	if (protocol == IPPROTO_UDP)
		return of_state == FLOW_UDP;
	if (tcp_flags & (TCP_FIN | TCP_RST))
		return of_state == FLOW_CLOSING;
	return of_state != FLOW_SYN || !(tcp_flags & TCP_ACK);
}

/* Seen before, in this lag: the hash map need not be told. */
static __always_inline bool flow_copy_is_of_lag(const struct flow_copy *copy, __u32 now)
{
	return copy->seen <= now && copy->seen >> FLOW_LAG_SHIFT == now >> FLOW_LAG_SHIFT;
}

/* Likewise of an own one that is no opener: its flow goes on. */
static __always_inline enum flow_answer flow_continue_cached(const struct tuple *t,
							     const __u8 family, __u8 tcp_flags,
							     struct finding *finding)
{
	struct flow_copy copy;
	__u64 now;
	void *line;

	if (!flow_port_is_owned(flow_plane_of_ordinary(t->protocol), t->local_port))
		return FLOW_NONE;
	line = flow_line_of(t, family);
	now = clock_now();
	if (!flow_cache_read(line, t, family, now, &copy) || !flow_copy_is_of_lag(&copy, now) ||
	    flow_copy_has_expired(&copy, now) || !flow_copy_stays(&copy, t->protocol, tcp_flags))
		return FLOW_ASK;
	if (copy.seen != (__u32)now && !config.dry_run &&
	    !flow_line_touch(line, family, &copy, now))
		return FLOW_ASK;
	flow_copy_tell(&copy, finding);
	return FLOW_FOUND;
}

static __always_inline struct flow_key flow_key(const struct conversation *c)
{
	struct flow_key key = {};

	__builtin_memcpy(key.local, c->local, sizeof(key.local));
	__builtin_memcpy(key.remote, c->remote, sizeof(key.remote));
	key.local_port = bpf_htons(flow_local_port(c));
	if (!is_icmp(c->family, c->protocol))
		key.remote_port = bpf_htons(c->remote_port);
	key.protocol = c->protocol;
	key.family = c->family;
	return key;
}

/*
 * When the cache last saw it, if that is newer than what the map says. Asked about once in a flow's
 * life. held: by the caller.
 */
__noinline __u64 flow_cache_seen(struct conversation *c, bool held, __u64 seen, __u64 now)
{
	__u64 cached = 0;
	struct tuple t;
	void *line;
	bool known;

	if (!c || !flow_is_cacheable(c->protocol))
		return seen;
	if (c->family == 4) {
		t = flow_tuple(c, 4);
		line = flow_line_of(&t, 4);
		known = flow_line_seen(line, 4, c, held, &cached);
	} else {
		t = flow_tuple(c, 6);
		line = flow_line_of(&t, 6);
		known = flow_line_seen(line, 6, c, held, &cached);
	}
	/* Somebody else is writing just there: as if it were this flow's own packet. */
	if (!known)
		return now;
	return (__s64)(cached - seen) > 0 ? cached : seen;
}

/* ---- writing: see flow_line.h for the order that keeps it right ---- */

/*
 * A CPU that read the clock earlier must not take back what another wrote since. (Only the virtual
 * clock goes back, and then by itself.)
 */
static __always_inline void flow_refresh_late(struct flow *flow, __u64 now)
{
	__u64 seen = flow->last_seen;

	if ((__s64)(now - seen) > 0)
		__sync_val_compare_and_swap(&flow->last_seen, seen, now);
}

/* Out of line: it is met seldom, and in many places. */
__noinline int flow_rescue_in_map(struct flow_key *key, __u64 seen)
{
	struct flow_key copy;
	struct flow *flow;

	if (!key)
		return 0;
	/* Linux 6.1 takes no key from another function's stack. */
	copy = *key;
	flow = bpf_map_lookup_elem(&flows, &copy);
	if (flow)
		flow_refresh_late(flow, seen);
	return 0;
}

static __always_inline void flow_rescue(struct flow_key *key, __u64 seen)
{
	flow_rescue_in_map(key, seen);
}

/* The heads of both kinds of lines are alike. */
static __always_inline __u32 *flow_cache_sequence(const struct conversation *c)
{
	const __u32 hash = flow_hash_of(c);

	return c->family == 4 ? flow_line_at(hash, 4) : flow_line_at(hash, 6);
}

/* Before the flow is looked up; once is enough. */
static __always_inline void flow_cache_take(const struct conversation *c, struct flow_hold *hold)
{
	if (!hold->held && !config.dry_run && flow_is_cacheable(c->protocol))
		*hold = flow_sequence_take(flow_cache_sequence(c));
}

static __always_inline int flow_cache_make_room(struct conversation *c, const __u8 family,
						const struct flow_hold *hold)
{
	const struct tuple t = flow_tuple(c, family);
	void *line = flow_line_of(&t, family);
	struct flow_stamp stamp;
	struct flow_key scratch;

	flow_stamp_of(clock_now(), &stamp);
	flow_line_make_room(line, family, hold, c, &stamp, &scratch);
	return 0;
}

/* What the hash map has of that flow, now that the line is held. */
static __always_inline int flow_cache_put(struct conversation *c, const __u8 family,
					  const struct flow_hold *hold)
{
	const struct tuple t = flow_tuple(c, family);
	struct flow_line_ipv4 *head = flow_line_of(&t, family);
	struct flow_key key = flow_key(c);
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	struct flow_stamp stamp = {};
	struct flow_copy copy = {};
	struct flow_standing standing;
	__u64 seen;

	if (flow) {
		/* A CPU whose clock was read later may have touched it before it was held. */
		if (!config.virtual_clock)
			flow_refresh_late(flow, flow_line_clock(head, family, c));
		seen = flow->last_seen;
		copy.seen = seen;
		standing = flow_standing(flow);
		if (flow_stamp_of(seen, &stamp) && standing.generation == stamp.generation &&
		    head->era == stamp.era)
			copy.mark = flow_mark(standing.rule_slot, standing.state, standing.blocked);
	}
	flow_line_put(head, family, c, &copy);
	flow_sequence_give_back(&head->sequence, hold);
	return 0;
}

/* Out of line, each by itself: they are met once for a flow and lag, and stacks are small. */
__noinline int flow_cache_make_room_ipv4(struct conversation *c, struct flow_hold *hold)
{
	return c && hold ? flow_cache_make_room(c, 4, hold) : 0;
}

__noinline int flow_cache_make_room_ipv6(struct conversation *c, struct flow_hold *hold)
{
	return c && hold ? flow_cache_make_room(c, 6, hold) : 0;
}

__noinline int flow_cache_put_ipv4(struct conversation *c, struct flow_hold *hold)
{
	return c && hold ? flow_cache_put(c, 4, hold) : 0;
}

__noinline int flow_cache_put_ipv6(struct conversation *c, struct flow_hold *hold)
{
	return c && hold ? flow_cache_put(c, 6, hold) : 0;
}

__noinline int flow_cache_void(struct conversation *c)
{
	if (c)
		flow_sequence_void(flow_cache_sequence(c));
	return 0;
}

/*
 * After the hash map was changed, in more than the flow's clock or not: where another CPU has the
 * line, a clock alone is not worth voiding it.
 */
static __always_inline void flow_cache_publish(struct conversation *c, struct flow_hold *hold,
					       bool changed)
{
	if (hold->held && c->family == 4) {
		flow_cache_make_room_ipv4(c, hold);
		flow_cache_put_ipv4(c, hold);
	} else if (hold->held) {
		flow_cache_make_room_ipv6(c, hold);
		flow_cache_put_ipv6(c, hold);
	} else if (changed && flow_is_cacheable(c->protocol)) {
		flow_cache_void(c);
	}
}

/* ---- what the screens count ---- */

/* A flow is about to enter the hash map. */
static __always_inline void flow_count(const struct conversation *c)
{
	flow_screen_count(screen_of_ports(), FLOW_PORT_MASK,
			  flow_port_slot(flow_plane(c->protocol), flow_local_port(c)));
	if (flow_is_cacheable(c->protocol))
		flow_screen_count(screen_of_keys(), flow_cache.key_mask, flow_hash_of(c));
}

/* It has left the hash map, or could not enter it. */
static __always_inline void flow_discount(const struct conversation *c)
{
	flow_screen_discount(screen_of_ports(), FLOW_PORT_MASK,
			     flow_port_slot(flow_plane(c->protocol), flow_local_port(c)));
	if (flow_is_cacheable(c->protocol))
		flow_screen_discount(screen_of_keys(), flow_cache.key_mask, flow_hash_of(c));
}

#endif
