/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampled drops, with the beginning of each frame, for who asks what is being dropped.
 *
 * Every drop asks its ring whether an event is due: one look-up that the JIT inlines and one
 * compare with the jiffies clock. What an event costs is met DROP_EVENTS_PER_SECOND times a second
 * and reason at most, whether anybody reads or not. A flood so shares its own reason's ring only.
 */
#ifndef SALLYPORT_BPF_DROP_EVENT_H
#define SALLYPORT_BPF_DROP_EVENT_H

/* More than any kernel is built for; the sum ends with the last that there is. */
#define DROP_EVENT_CPUS 8192

/* One counter of receive_reasons or transmit_reasons, over all CPUs. */
struct drop_sum {
	__u32 index; /* REASON_COUNTER */
	__u32 direction;
	__u64 packets;
};

static long drop_sum_add(__u32 cpu, struct drop_sum *sum)
{
	__u32 index = sum->index;
	const struct counter *counter =
		sum->direction == DIRECTION_IN
			? bpf_map_lookup_percpu_elem(&receive_reasons, &index, cpu)
			: bpf_map_lookup_percpu_elem(&transmit_reasons, &index, cpu);

	if (!counter)
		return 1;
	sum->packets += counter->packets;
	return 0;
}

/* Takes the turn to make an event; its number, or 0 if another CPU was quicker. */
static __always_inline __u64 drop_ring_take(struct drop_ring *ring)
{
	__u64 now = bpf_jiffies64();
	__u64 due = ring->due;
	__u64 next = (due > now - config.second ? due : now - config.second) +
		     config.second / DROP_EVENTS_PER_SECOND;

	if (due > now || __sync_val_compare_and_swap(&ring->due, due, next) != due)
		return 0;
	return __sync_fetch_and_add(&ring->events, 1) + 1;
}

/*
 * The next event of a ring, all but what is of the frame, or NULL. index is the drop's
 * REASON_COUNTER. Its number is 0 until drop_event_end(): readers leave it alone.
 */
static __always_inline struct drop_event *drop_event_begin(enum direction direction, __u32 index,
							   __u16 rule_slot, __u64 *ret_number)
{
	struct drop_sum sum = {.index = index, .direction = direction};
	__u32 slot = DROP_RING(direction, index % REASON_SLOTS_MAX);
	struct drop_ring *ring = bpf_map_lookup_elem(&drop_rings, &slot);
	struct drop_event *event;

	*ret_number = ring ? drop_ring_take(ring) : 0;
	if (!*ret_number)
		return NULL;
	slot = DROP_EVENT(slot, *ret_number);
	event = bpf_map_lookup_elem(&drop_events, &slot);
	if (!event)
		return NULL;
	__sync_lock_test_and_set(&event->number, 0);
	bpf_loop(DROP_EVENT_CPUS, drop_sum_add, &sum, 0);
	event->time = bpf_ktime_get_boot_ns();
	event->packets = sum.packets;
	event->generation = config.generation;
	event->rule_slot = rule_slot;
	event->role_slot = index / REASON_SLOTS_MAX % ROLE_SLOTS_MAX;
	event->direction = direction;
	event->reason = index % REASON_SLOTS_MAX;
	event->verdict = index < REASON_COUNTER(1, 0, 0) ? VERDICT_DROP : VERDICT_PASS;
	return event;
}

/* Atomic exchanges order what is before and behind them, on every architecture. */
static __always_inline void drop_event_end(struct drop_event *event, __u64 number)
{
	__sync_lock_test_and_set(&event->number, number);
}

static_assert((DROP_EVENT_FRAME_BYTES & (DROP_EVENT_FRAME_BYTES - 1)) == 0, "is used as a mask");

/* How many bytes to capture: at least 1 (no frame has 0), in words that Linux 6.1's verifier
 * understands. */
static __always_inline __u32 drop_event_bytes(__u32 length)
{
	if (length > DROP_EVENT_FRAME_BYTES)
		length = DROP_EVENT_FRAME_BYTES;
	return ((length - 1) & (DROP_EVENT_FRAME_BYTES - 1)) + 1;
}

__noinline int drop_event_arriving(struct xdp_md *context, __u32 index, __u32 rule_slot)
{
	__u64 number;
	struct drop_event *event = drop_event_begin(DIRECTION_IN, index, rule_slot, &number);
	__u32 length, bytes;

	if (!event)
		return 0;
	length = bpf_xdp_get_buff_len(context);
	event->interface = context->ingress_ifindex;
	event->length = length;
	event->vlan_tci = 0;
	event->vlan_protocol = 0;
	bytes = drop_event_bytes(length);
	event->captured = bpf_xdp_load_bytes(context, 0, event->frame, bytes) ? 0 : bytes;
	drop_event_end(event, number);
	return 0;
}

__noinline int drop_event_leaving(struct __sk_buff *skb, __u32 index, __u32 rule_slot)
{
	__u64 number;
	struct drop_event *event = drop_event_begin(DIRECTION_OUT, index, rule_slot, &number);
	__u32 length, bytes;

	if (!event)
		return 0;
	length = skb->len;
	event->interface = skb->ifindex;
	event->length = length;
	event->vlan_tci = skb->vlan_tci;
	event->vlan_protocol = skb->vlan_present ? bpf_ntohs(skb->vlan_proto) : 0;
	bytes = drop_event_bytes(length);
	event->captured = bpf_skb_load_bytes(skb, 0, event->frame, bytes) ? 0 : bytes;
	drop_event_end(event, number);
	return 0;
}

/* Whether what took effect is a drop (or in audit would be) and an event of it is due; never in
 * trace and explain. */
static __always_inline bool drop_event_is_due(enum direction direction,
					      const struct finding *finding)
{
	__u32 slot = DROP_RING(direction, finding->reason);
	const struct drop_ring *ring;

	if (config.record || reason_verdict(finding->reason) == VERDICT_PASS)
		return false;
	ring = bpf_map_lookup_elem(&drop_rings, &slot);
	return ring && ring->due <= bpf_jiffies64();
}

/* Makes the event that is due, of a packet that is counted. */
static __always_inline void drop_event(void *context, enum direction direction,
				       enum verdict verdict, const struct finding *finding)
{
	__u32 index = REASON_COUNTER(verdict == VERDICT_PASS, finding->role_slot, finding->reason);

	if (direction == DIRECTION_IN)
		drop_event_arriving(context, index, finding->rule_slot);
	else
		drop_event_leaving(context, index, finding->rule_slot);
}

#endif
