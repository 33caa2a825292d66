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

static long sweep_flow(void *map, struct flow_key *key, struct flow *flow, void *context)
{
	__u64 *removed = context;
	struct flow_key copy = *key;
	__u16 rule_slot = flow->rule_slot;

	if (flow_has_expired(flow, bpf_jiffies64()) && !bpf_map_delete_elem(&flows, &copy)) {
		share_give_back(&copy, rule_slot);
		(*removed)++;
	}
	return 0;
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
	bpf_for_each_map_elem(&flow_shares, sweep_share, &removed, 0);
	bpf_for_each_map_elem(&fragments, sweep_fragment, &removed, 0);
	timer->removed += removed;
	timer->sweeps++;
	bpf_timer_start(&timer->timer, SWEEP_INTERVAL_NS, 0);
	return 0;
}

#endif
