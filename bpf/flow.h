/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows that this host opened. Only egress writes here: an arriving packet reads, and changes
 * nothing (docs/packet-path.md, section 6).
 */
#ifndef SALLYPORT_BPF_FLOW_H
#define SALLYPORT_BPF_FLOW_H

static __always_inline __u64 clock_now(void)
{
	return config.virtual_clock ? state.now : bpf_jiffies64();
}

/*
 * Whether so many ticks have passed. Signed: another CPU may have written since a tick later than
 * this one read the clock, and its flow must not look as old as time.
 */
static __always_inline bool has_passed(__u64 ticks, __u64 since, __u64 now)
{
	return (__s64)(now - since) > (__s64)ticks;
}

static __always_inline struct flow_key flow_key(const struct conversation *c)
{
	struct flow_key key = {};

	__builtin_memcpy(key.local, c->local, sizeof(key.local));
	__builtin_memcpy(key.remote, c->remote, sizeof(key.remote));
	if (is_icmp(c->family, c->protocol)) {
		key.local_port = bpf_htons(c->identifier);
	} else {
		key.local_port = bpf_htons(c->local_port);
		key.remote_port = bpf_htons(c->remote_port);
	}
	key.protocol = c->protocol;
	key.family = c->family;
	return key;
}

static __always_inline bool flow_has_expired(const struct flow *flow, __u64 now)
{
	__u8 state_index = flow->state;

	if (state_index >= FLOW_STATE_COUNT)
		return true;
	return has_passed(config.timeouts[state_index], flow->last_seen, now);
}

/* The entry of this key, if it has not expired. */
static __always_inline struct flow *flow_find(const struct flow_key *key, __u64 now)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);

	return flow && !flow_has_expired(flow, now) ? flow : NULL;
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

/*
 * What an arriving packet (or a quoted one) finds in the flow table. 1: there is a flow. (This and
 * the others that are not static are verified once, by themselves, and not again for each caller;
 * so they check their pointers.)
 */
__noinline int flow_answers(struct conversation *c, struct finding *finding)
{
	struct flow_key key;
	struct flow *flow;
	bool allowed;

	if (!c || !finding)
		return 0;
	key = flow_key(c);
	flow = flow_find(&key, clock_now());
	if (!flow)
		return 0;
	finding->rule_slot = flow->rule_slot;
	allowed = !flow->blocked;
	if (flow->generation != config.generation)
		allowed = flow_judge_again(c, &finding->rule_slot);
	finding->reason = allowed ? REASON_FLOW : REASON_FLOW_BLOCKED;
	return 1;
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
	if (count && *count && !(*count & SHARE_DEAD))
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

static __always_inline void flow_advance(struct flow *flow, __u8 protocol, __u8 tcp_flags,
					 __u64 now)
{
	__u8 next = flow->state;

	if (protocol == IPPROTO_TCP) {
		if (tcp_flags & (TCP_FIN | TCP_RST))
			next = FLOW_CLOSING;
		else if (next == FLOW_SYN && (tcp_flags & TCP_ACK))
			next = FLOW_TCP;
	} else if (next == FLOW_UDP_NEW) {
		next = FLOW_UDP;
	}
	/* A flow's cache line is shared by the CPUs that receive its answers: write only what
	 * changes. */
	if (next != flow->state)
		flow->state = next;
	if (flow->last_seen != now)
		flow->last_seen = now;
}

/* The flow's policy is an older one: what the one of now says is written down. */
static __always_inline bool flow_renew(struct flow *flow, const struct flow_key *key,
				       struct conversation *c, __u16 *ret_rule_slot)
{
	bool allowed = flow_judge_again(c, ret_rule_slot);

	if (config.dry_run)
		return allowed;
	if (*ret_rule_slot != flow->rule_slot) {
		share_give_back(key, flow->rule_slot);
		if (*ret_rule_slot)
			share_take(key, *ret_rule_slot, 0);
	}
	flow->rule_slot = *ret_rule_slot;
	flow->blocked = !allowed;
	flow->generation = config.generation;
	return allowed;
}

/* An own packet of a flow that is there: judged again if need be, refreshed, advanced. 0: no such
 * flow. */
__noinline int flow_continue(struct conversation *c, __u8 tcp_flags, struct finding *finding)
{
	__u64 now = clock_now();
	struct flow_key key;
	struct flow *flow;
	__u16 rule_slot;
	bool allowed;

	if (!c || !finding)
		return 0;
	key = flow_key(c);
	flow = flow_find(&key, now);
	if (!flow)
		return 0;
	rule_slot = flow->rule_slot;
	allowed = !flow->blocked;
	if (flow->generation != config.generation)
		allowed = flow_renew(flow, &key, c, &rule_slot);
	if (!config.dry_run)
		flow_advance(flow, c->protocol, tcp_flags, now);
	finding->rule_slot = rule_slot;
	finding->reason = allowed ? REASON_FLOW : REASON_FLOW_BLOCKED;
	return 1;
}

static __always_inline enum reason flow_replace(struct flow *old, const struct flow *flow,
						const struct flow_key *key)
{
	if (old->rule_slot != flow->rule_slot) {
		share_give_back(key, old->rule_slot);
		if (flow->rule_slot)
			share_take(key, flow->rule_slot, 0);
	}
	return bpf_map_update_elem(&flows, key, flow, BPF_ANY) ? REASON_FLOW_TABLE_FULL
							       : REASON_NONE;
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

/* REASON_NONE: it is open. Otherwise why it could not be kept. */
__noinline int flow_open(struct conversation *c, __u16 rule_slot)
{
	struct flow flow = {};
	struct flow_key key;
	struct flow *old;
	enum reason full;

	if (!c)
		return REASON_NONE;
	key = flow_key(c);
	if (config.dry_run)
		return flow_could_open(&key, rule_slot);
	flow.last_seen = clock_now();
	flow.created = flow.last_seen;
	flow.generation = config.generation;
	flow.rule_slot = rule_slot;
	flow.state = flow_first_state(c);
	old = bpf_map_lookup_elem(&flows, &key);
	if (old)
		return flow_replace(old, &flow, &key);
	if (rule_slot) {
		full = share_take(&key, rule_slot, config.flow_share);
		if (full != REASON_NONE)
			return full;
	}
	if (!bpf_map_update_elem(&flows, &key, &flow, BPF_ANY))
		return REASON_NONE;
	share_give_back(&key, rule_slot);
	return REASON_FLOW_TABLE_FULL;
}

#endif
