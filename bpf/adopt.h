/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP connections that were open before the hooks were, as user space found them among the sockets:
 * judged by the tables that will judge their packets, and given the flow that egress would have
 * made of their first one (docs/packet-path.md, section 8).
 */
#ifndef SALLYPORT_BPF_ADOPT_H
#define SALLYPORT_BPF_ADOPT_H

/* The share is counted, not limited: the connection is there, and cutting it gives nobody room. */
static __always_inline enum adoption_outcome
adopt_insert(const struct conversation *c, const struct flow *flow, const struct flow_key *key)
{
	long error;

	if (flow->rule_slot && share_take(key, flow->rule_slot, 0) != REASON_NONE)
		return ADOPTION_NO_ROOM;
	flow_count(c);
	/* Never over an entry that egress made just now. */
	error = bpf_map_update_elem(&flows, key, flow, BPF_NOEXIST);
	if (!error)
		return ADOPTION_MADE;
	flow_discount(c);
	share_give_back(key, flow->rule_slot);
	return error == -EEXIST ? ADOPTION_KNOWN : ADOPTION_NO_ROOM;
}

static __always_inline enum adoption_outcome adopt_flow(struct conversation *c, __u16 rule_slot,
							__u8 state_due)
{
	const struct flow_key key = flow_key(c);
	enum adoption_outcome outcome;
	struct flow flow = {};
	struct flow *old;

	flow.last_seen = clock_now();
	flow.created = flow.last_seen;
	flow.generation = config.generation;
	flow.rule_slot = rule_slot;
	flow.state = state_due;
	old = bpf_map_lookup_elem(&flows, &key);
	if (old && !flow_has_expired(old, c, false, flow.last_seen))
		return ADOPTION_KNOWN;
	outcome = old && flow_is_replaced(old, &flow, &key) ? ADOPTION_MADE
							    : adopt_insert(c, &flow, &key);
	/* What the cache knows of an earlier flow of this key is over; its next packet caches it.
	 */
	flow_cache_void(c);
	return outcome;
}

/*
 * By no rule, as egress would open it where out only looks: but not where the peer may have been
 * the opener, whom an in rule would have had to admit.
 */
static __always_inline bool adopts_without_rule(bool served)
{
	return config.mode[DIRECTION_OUT] != MODE_ENFORCE && !served;
}

static __always_inline enum adoption_outcome
adopt_connection(struct conversation *c, __u8 state_due, bool served, struct finding *finding)
{
	/* The answer to an own SYN matches no in rule: it needs a flow. */
	if (state_due != FLOW_SYN) {
		*finding = lookup_rule(DIRECTION_IN, c);
		if (finding->rule_slot)
			return ADOPTION_ADMITTED;
	}
	*finding = lookup_rule(DIRECTION_OUT, c);
	if (finding->rule_slot || adopts_without_rule(served))
		return adopt_flow(c, finding->rule_slot, state_due);
	return config.mode[DIRECTION_IN] == MODE_ENFORCE ? ADOPTION_REFUSED : ADOPTION_IGNORED;
}

#endif
