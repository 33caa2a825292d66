/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP connections that were open before the hooks were, as user space found them among the sockets:
 * judged by the tables that will judge their packets, and given the flow that egress would have
 * made of their first one (docs/packet-path.md, section 8).
 */
#ifndef SALLYPORT_BPF_ADOPT_H
#define SALLYPORT_BPF_ADOPT_H

static __always_inline struct conversation adoption_conversation(const struct adoption *asked)
{
	struct conversation c = {};

	__builtin_memcpy(c.local, asked->key.local, sizeof(c.local));
	__builtin_memcpy(c.remote, asked->key.remote, sizeof(c.remote));
	c.local_port = bpf_ntohs(asked->key.local_port);
	c.remote_port = bpf_ntohs(asked->key.remote_port);
	c.family = asked->key.family;
	c.protocol = IPPROTO_TCP;
	return c;
}

/*
 * Never over an entry that egress made or holds. The share is counted, not limited: the connection
 * is there, and cutting it gives nobody room.
 */
static __always_inline enum adoption_outcome
adopt_into_map(struct conversation *c, const struct flow_key *key, bool held, __u16 rule_slot,
	       __u8 state_due)
{
	struct flow flow = {};
	struct flow *old;
	long error;

	flow.last_seen = clock_now();
	flow.created = flow.last_seen;
	flow.generation = config.generation;
	flow.rule_slot = rule_slot;
	flow.state = state_due;
	old = bpf_map_lookup_elem(&flows, key);
	if (old && !flow_has_expired(old, c, held, flow.last_seen))
		return ADOPTION_KNOWN;
	if (old)
		return flow_replace(old, &flow, key) ? ADOPTION_NO_ROOM : ADOPTION_MADE;
	if (rule_slot && share_take(key, rule_slot, 0) != REASON_NONE)
		return ADOPTION_NO_ROOM;
	error = bpf_map_update_elem(&flows, key, &flow, BPF_NOEXIST);
	if (!error) {
		flow_port_count(c);
		return ADOPTION_MADE;
	}
	share_give_back(key, rule_slot);
	return error == -EEXIST ? ADOPTION_KNOWN : ADOPTION_NO_ROOM;
}

/* As egress does it: the cache's line is held meanwhile, and tells of the flow afterwards. */
static __always_inline enum adoption_outcome
adopt_flow(struct conversation *c, const struct flow_key *key, __u16 rule_slot, __u8 state_due)
{
	struct flow_work work = {};
	enum adoption_outcome outcome;

	flow_cache_take(c, &work.hold);
	outcome = adopt_into_map(c, key, work.hold.held, rule_slot, state_due);
	flow_cache_publish(c, &work.hold, outcome == ADOPTION_MADE);
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
	const struct flow_key key = flow_key(c);

	/* The answer to an own SYN matches no in rule: it needs a flow. */
	if (state_due != FLOW_SYN) {
		*finding = lookup_rule(DIRECTION_IN, c);
		if (finding->rule_slot)
			return ADOPTION_ADMITTED;
	}
	*finding = lookup_rule(DIRECTION_OUT, c);
	if (finding->rule_slot || adopts_without_rule(served))
		return adopt_flow(c, &key, finding->rule_slot, state_due);
	return config.mode[DIRECTION_IN] == MODE_ENFORCE ? ADOPTION_REFUSED : ADOPTION_IGNORED;
}

#endif
