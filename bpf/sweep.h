/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Removes what has expired, once a second, from a kernel timer: no process of ours need live.
 * Entries that have expired are ignored by every look-up already; the sweep only gives their room
 * back.
 */
#ifndef SALLYPORT_BPF_SWEEP_H
#define SALLYPORT_BPF_SWEEP_H

#define SWEEP_INTERVAL_NS 1000000000ull
/* After arming: at once, or reloads that follow each other faster than the interval would put the
 * sweep off for ever. */
#define SWEEP_FIRST_NS	1000000ull
#define CLOCK_MONOTONIC 1

/* As the packets of that flow have it. */
static __always_inline struct conversation conversation_of(const struct flow_key *key)
{
	struct conversation c = {};

	__builtin_memcpy(c.local, key->local, sizeof(c.local));
	__builtin_memcpy(c.remote, key->remote, sizeof(c.remote));
	c.local_port = bpf_ntohs(key->local_port);
	c.remote_port = bpf_ntohs(key->remote_port);
	c.identifier = c.local_port;
	c.family = key->family;
	c.protocol = key->protocol;
	return c;
}

static long sweep_flow(void *map, struct flow_key *key, struct flow *flow, void *context)
{
	__u64 *removed = context;
	__u16 rule_slot = flow->rule_slot;
	struct flow_hold hold = {};
	struct conversation c;
	struct flow_key copy;

	/* Later than its packets see it, by the lag of the map's clock and a second: nobody is
	 * about to refresh it any more. */
	if (!flow_state_has_expired(flow->state, flow->last_seen + FLOW_LAG + config.second,
				    bpf_jiffies64()))
		return 0;
	copy = *key;
	c = conversation_of(&copy);
	flow_cache_take(&c, &hold);
	if (!bpf_map_delete_elem(&flows, &copy)) {
		share_give_back(&copy, rule_slot);
		flow_discount(&c);
		(*removed)++;
	}
	flow_cache_publish(&c, &hold, true);
	return 0;
}

static long sweep_ports(__u32 number, __u32 *left)
{
	flow_screen_clear_word(screen_of_ports(), FLOW_PORT_MASK, number, *left);
	return 0;
}

static long sweep_keys(__u32 number, __u32 *left)
{
	flow_screen_clear_word(screen_of_keys(), flow_cache.key_mask, number, *left);
	return 0;
}

static __always_inline void sweep_screens(void)
{
	__u32 left = flow_screen_turn(screen_of_ports());

	bpf_loop(FLOW_PORT_SLOTS / FLOW_SCREEN_WORD, sweep_ports, &left, 0);
	left = flow_screen_turn(screen_of_keys());
	bpf_loop((flow_cache.key_mask + 1) / FLOW_SCREEN_WORD, sweep_keys, &left, 0);
}

/* A count of 0 is first marked dead, so that nobody counts in what is about to go. */
static long sweep_share(void *map, struct flow_share_key *key, __u32 *count_of, void *context)
{
	struct flow_share_key copy = *key;

	if (!*count_of && __sync_val_compare_and_swap(count_of, 0, SHARE_DEAD) == 0)
		bpf_map_delete_elem(&flow_shares, &copy);
	return 0;
}

static long sweep_fragment(void *map, struct fragment_key *key, struct fragment *entry,
			   void *context)
{
	struct fragment_key copy = *key;

	if (has_passed(config.fragment_timeout, entry->seen, bpf_jiffies64()))
		bpf_map_delete_elem(&fragments, &copy);
	return 0;
}

static int sweep_all(void *map, __u32 *key, struct sweep_timer *timer)
{
	__u64 removed = 0;

	bpf_for_each_map_elem(&flows, sweep_flow, &removed, 0);
	sweep_screens();
	bpf_for_each_map_elem(&flow_shares, sweep_share, &removed, 0);
	bpf_for_each_map_elem(&fragments, sweep_fragment, &removed, 0);
	timer->removed += removed;
	timer->sweeps++;
	bpf_timer_start(&timer->timer, SWEEP_INTERVAL_NS, 0);
	return 0;
}

#endif
