/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows that this host opened. Only egress writes here: an arriving packet reads, and changes
 * nothing (docs/packet-path.md, section 6).
 */
#ifndef SALLYPORT_BPF_FLOW_H
#define SALLYPORT_BPF_FLOW_H

static __always_inline bool flow_state_has_expired(__u8 state_index, __u64 seen, __u64 now)
{
	if (state_index >= FLOW_STATE_COUNT)
		return true;
	return has_passed(config.timeouts[state_index], seen, now);
}

/* The map's clock of a flow may be behind by less than a lag: then the cache knows, whose line the
 * caller may hold. */
static __always_inline bool flow_has_expired(const struct flow *flow, struct conversation *c,
					     bool held, __u64 now)
{
	__u8 state_index = flow->state;
	__u64 seen = flow->last_seen;

	if (!flow_state_has_expired(state_index, seen, now))
		return false;
	if (flow_state_has_expired(state_index, seen + FLOW_LAG, now))
		return true;
	return flow_state_has_expired(state_index, flow_cache_seen(c, held, seen, now), now);
}

/* The entry of this key, if it has not expired. */
static __always_inline struct flow *flow_find(const struct flow_key *key, struct conversation *c,
					      bool held, __u64 now)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);

	return flow && !flow_has_expired(flow, c, held, now) ? flow : NULL;
}

/* An older generation's flow as the policy of now sees it: by which out rule, and whether it may go
 * on. */
static __always_inline bool flow_judge_again(struct conversation *c, __u16 *ret_rule_slot)
{
	struct finding finding;

	look_as_opened(c);
	finding = lookup_rule(DIRECTION_OUT, c);
	*ret_rule_slot = finding.rule_slot;
	return finding.rule_slot || config.mode[DIRECTION_OUT] != MODE_ENFORCE;
}

/* What is in the hash map. */
enum flow_entry {
	FLOW_ABSENT,
	FLOW_PRESENT,
	FLOW_OLD, /* an older generation's, and to be judged again: by the caller, whose stack has
		     room */
};

static __always_inline void flow_tell(__u16 rule_slot, bool allowed, struct finding *finding)
{
	finding->rule_slot = rule_slot;
	finding->reason = allowed ? REASON_FLOW : REASON_FLOW_BLOCKED;
}

/*
 * What an arriving packet (or a quoted one) finds in the hash map: enum flow_entry. (This and the
 * others that are not static are verified once, by themselves, and not again for each caller; so
 * they check their pointers.)
 */
__noinline int flow_answers(struct conversation *c, struct finding *finding)
{
	struct flow_key key;
	struct flow *flow;
	struct flow_standing standing;

	if (!c || !finding)
		return FLOW_ABSENT;
	key = flow_key(c);
	flow = flow_find(&key, c, false, clock_now());
	if (!flow)
		return FLOW_ABSENT;
	standing = flow_standing(flow);
	if (standing.generation != config.generation)
		return FLOW_OLD;
	flow_tell(standing.rule_slot, !standing.blocked, finding);
	return FLOW_PRESENT;
}

/* The same for any packet; what the short way left to the long one is not in the cache. */
static __always_inline bool flow_is_answered(struct conversation *c, struct finding *finding)
{
	__u16 rule_slot;
	bool allowed;
	int entry;

	if (!flow_may_be(c))
		return false;
	entry = flow_answers(c, finding);
	if (entry == FLOW_OLD) {
		allowed = flow_judge_again(c, &rule_slot);
		flow_tell(rule_slot, allowed, finding);
	}
	return entry != FLOW_ABSENT;
}

/* ---- shares: how many flows one rule holds to one peer ---- */

/* A count that is about to be removed; no flow can be counted in it any more. */
#define SHARE_DEAD  0x80000000u
#define SHARE_TRIES 4

static __always_inline struct flow_share_key share_key(const struct flow_key *flow, __u16 rule_slot)
{
	struct flow_share_key key = {};

	__builtin_memcpy(key.remote, flow->remote, sizeof(key.remote));
	key.family = flow->family;
	key.rule_slot = rule_slot;
	return key;
}

/* REASON_NONE, or why that rule may hold no more flows to that peer. limit 0: only count. */
static __always_inline enum reason share_take(const struct flow_key *flow, __u16 rule_slot,
					      __u32 limit)
{
	struct flow_share_key key = share_key(flow, rule_slot);
	__u32 one = 1;

	for (int try = 0; try < SHARE_TRIES; try++) {
		__u32 *count = bpf_map_lookup_elem(&flow_shares, &key);
		__u32 seen;

		if (!count) {
			long error = bpf_map_update_elem(&flow_shares, &key, &one, BPF_NOEXIST);

			if (!error)
				return REASON_NONE;
			if (error != -EEXIST) /* another CPU was first */
				return REASON_FLOW_TABLE_FULL;
			continue;
		}
		seen = *(volatile __u32 *)count;
		if (seen & SHARE_DEAD)
			continue;
		if (limit && seen >= limit)
			return REASON_FLOW_PEER_FULL;
		if (__sync_val_compare_and_swap(count, seen, seen + 1) == seen)
			return REASON_NONE;
	}
	return REASON_FLOW_TABLE_FULL;
}

static __always_inline void share_give_back(const struct flow_key *flow, __u16 rule_slot)
{
	struct flow_share_key key = share_key(flow, rule_slot);
	__u32 *count;

	if (!rule_slot)
		return;
	count = bpf_map_lookup_elem(&flow_shares, &key);
	if (!count || !*count || *count & SHARE_DEAD)
		return;
	/* Counts of 0 go with the sweep; by the virtual clock there is none, and nobody else. */
	if (config.virtual_clock && *count == 1)
		bpf_map_delete_elem(&flow_shares, &key);
	else
		__sync_fetch_and_add(count, (__u32)-1);
}

/* ---- egress ---- */

static __always_inline __u8 flow_first_state(const struct conversation *c)
{
	if (c->protocol == IPPROTO_TCP)
		return FLOW_SYN;
	if (c->protocol == IPPROTO_UDP)
		return FLOW_UDP_NEW;
	return is_icmp(c->family, c->protocol) ? FLOW_ICMP : FLOW_UDP;
}

static __always_inline void flow_refresh(struct flow *flow, __u64 now)
{
	if (config.virtual_clock)
		flow->last_seen = now;
	else
		flow_refresh_late(flow, now);
}

static __always_inline __u8 flow_next_state(__u8 state_index, __u8 protocol, __u8 tcp_flags)
{
	if (protocol == IPPROTO_TCP) {
		if (tcp_flags & (TCP_FIN | TCP_RST))
			return FLOW_CLOSING;
		return state_index == FLOW_SYN && (tcp_flags & TCP_ACK) ? FLOW_TCP : state_index;
	}
	return state_index == FLOW_UDP_NEW ? FLOW_UDP : state_index;
}

/* What an own packet's caller has found out about its flow, and done. */
struct flow_work {
	struct flow_hold hold;
	__u16 rule_slot; /* of the policy of now, if it was judged again */
	bool judged;
	bool allowed;
	bool changed; /* the hash map, in more than a clock */
	bool by_rule; /* no flow is made that no out rule allows, in audit neither */
	bool unused[2];
};

static __always_inline void flow_move_share(const struct flow_key *key, __u16 from, __u16 to)
{
	if (from == to)
		return;
	share_give_back(key, from);
	if (to)
		share_take(key, to, 0);
}

/* How it stands after this packet, by what the policy of now said if it was asked. */
static __always_inline struct flow_standing flow_next_standing(const struct flow_standing *now,
							       const struct flow_work *work,
							       __u8 protocol, __u8 tcp_flags)
{
	struct flow_standing next = *now;

	if (next.generation != config.generation) {
		next.generation = config.generation;
		next.rule_slot = work->rule_slot;
		next.blocked = !work->allowed;
	}
	next.state = flow_next_state(next.state, protocol, tcp_flags);
	return next;
}

/* An own packet of a flow that is there is refreshed and advanced: enum flow_entry. */
__noinline int flow_continue(struct conversation *c, __u8 tcp_flags, struct finding *finding,
			     struct flow_work *work)
{
	__u64 now = clock_now();
	struct flow_standing standing, next;
	struct flow_key key;
	struct flow *flow;

	if (!c || !finding || !work)
		return FLOW_ABSENT;
	key = flow_key(c);
	flow_cache_take(c, &work->hold);
	flow = flow_find(&key, c, work->hold.held, now);
	if (!flow)
		return FLOW_ABSENT;
	standing = flow_standing(flow);
	if (standing.generation != config.generation && !work->judged)
		return FLOW_OLD;
	next = flow_next_standing(&standing, work, c->protocol, tcp_flags);
	flow_tell(next.rule_slot, !next.blocked, finding);
	if (config.dry_run)
		return FLOW_PRESENT;
	/* Where another CPU was faster, the next own packet does what is left to do. */
	if (!flow_same_standing(&standing, &next)) {
		work->changed = true;
		if (flow_restand(flow, &standing, &next))
			flow_move_share(&key, standing.rule_slot, next.rule_slot);
	}
	flow_refresh(flow, now);
	return FLOW_PRESENT;
}

/* The same, judged again if need be. False: no such flow. */
static __always_inline bool flow_is_continued(struct conversation *c, __u8 tcp_flags,
					      struct finding *finding, struct flow_work *work)
{
	int entry;

	if (!flow_may_be(c))
		return false;
	entry = flow_continue(c, tcp_flags, finding, work);
	if (entry == FLOW_OLD) {
		work->allowed = flow_judge_again(c, &work->rule_slot);
		work->judged = true;
		entry = flow_continue(c, tcp_flags, finding, work);
	}
	return entry != FLOW_ABSENT;
}

/* False: the sweep has just removed it. (Replacing takes no room, so nothing else can fail.) */
static __always_inline bool flow_is_replaced(const struct flow *old, const struct flow *flow,
					     const struct flow_key *key)
{
	const __u16 before = *(const volatile __u16 *)&old->rule_slot;

	/* Not any: an entry that is new must be counted. */
	if (bpf_map_update_elem(&flows, key, flow, BPF_EXIST))
		return false;
	flow_move_share(key, before, flow->rule_slot);
	return true;
}

/* As flow_open(), of a dry run: nothing is taken. */
static __always_inline enum reason flow_could_open(const struct flow_key *key, __u16 rule_slot)
{
	struct flow_share_key share = share_key(key, rule_slot);
	const __u32 *count;

	if (bpf_map_lookup_elem(&flows, key))
		return REASON_NONE;
	count = rule_slot ? bpf_map_lookup_elem(&flow_shares, &share) : NULL;
	if (count && config.flow_share && !(*count & SHARE_DEAD) && *count >= config.flow_share)
		return REASON_FLOW_PEER_FULL;
	return config.flows_full ? REASON_FLOW_TABLE_FULL : REASON_NONE;
}

static __always_inline enum reason flow_insert(const struct conversation *c,
					       const struct flow *flow, const struct flow_key *key)
{
	enum reason full = REASON_NONE;
	long error;

	if (flow->rule_slot)
		full = share_take(key, flow->rule_slot, config.flow_share);
	if (full != REASON_NONE)
		return full;
	/* Before anybody can find it: another CPU may send in it, and be answered, at once. */
	flow_count(c);
	/* Not any: so each key is counted once. */
	error = bpf_map_update_elem(&flows, key, flow, BPF_NOEXIST);
	if (!error)
		return REASON_NONE;
	flow_discount(c);
	share_give_back(key, flow->rule_slot);
	/* Another CPU opened it just now: then it is open. */
	return error == -EEXIST ? REASON_NONE : REASON_FLOW_TABLE_FULL;
}

/* REASON_NONE: it is open. Otherwise why it could not be kept. */
__noinline int flow_open(struct conversation *c, __u16 rule_slot, struct flow_work *work)
{
	struct flow flow = {};
	struct flow_key key;
	struct flow *old;

	if (!c || !work)
		return REASON_NONE;
	key = flow_key(c);
	if (config.dry_run)
		return flow_could_open(&key, rule_slot);
	flow.last_seen = clock_now();
	flow.created = flow.last_seen;
	flow.generation = config.generation;
	flow.rule_slot = rule_slot;
	flow.state = flow_first_state(c);
	flow_cache_take(c, &work->hold);
	work->changed = true;
	old = bpf_map_lookup_elem(&flows, &key);
	return old && flow_is_replaced(old, &flow, &key) ? REASON_NONE
							 : flow_insert(c, &flow, &key);
}

#endif
