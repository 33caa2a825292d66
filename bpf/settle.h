/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a packet's way: what was judged becomes a verdict, once counted. */
#ifndef SALLYPORT_BPF_SETTLE_H
#define SALLYPORT_BPF_SETTLE_H

/* Where a packet with this finding is counted. */
static __always_inline struct counter *counter_of(enum direction direction, enum verdict verdict,
						  const struct finding *finding)
{
	bool judged_pass = reason_verdict(finding->reason) == VERDICT_PASS;
	bool would = !judged_pass && verdict == VERDICT_PASS;
	const bool in = direction == DIRECTION_IN;
	struct counter *counter;
	__u32 index;

	/*
	 * The compiler must not make one look-up in "this map or that": the kernel inlines a
	 * look-up only where it knows the map. It does not merge what ends in different barriers.
	 */
	if (judged_pass && finding->rule_slot) {
		index = finding->rule_slot;
		counter = in ? bpf_map_lookup_elem(&receive_rules, &index)
			     : bpf_map_lookup_elem(&transmit_rules, &index);
		asm volatile("" : "+r"(counter) : "i"(1));
		return counter;
	}
	/* Only drops are worth a peer's role. */
	index = REASON_COUNTER(would, judged_pass ? 0 : finding->role_slot, finding->reason);
	counter = in ? bpf_map_lookup_elem(&receive_reasons, &index)
		     : bpf_map_lookup_elem(&transmit_reasons, &index);
	asm volatile("" : "+r"(counter) : "i"(2));
	return counter;
}

/* The verdict of what was judged, in the mode of its direction; mode off judges nothing. */
static __always_inline enum verdict take_effect(enum direction direction, struct finding *finding)
{
	enum verdict judged = reason_verdict(finding->reason);

	if (judged == VERDICT_DROP && config.mode[direction] == MODE_OFF) {
		finding->reason = REASON_NOT_JUDGED;
		finding->rule_slot = 0;
		return VERDICT_PASS;
	}
	return config.mode[direction] == MODE_AUDIT ? VERDICT_PASS : judged;
}

/*
 * On which way a packet is judged, for the test that follows both through the programs: the long
 * one begins with an instruction that is nowhere else.
 */
static __always_inline void begin_short_way(void)
{
	if (config.record)
		state.outcome.way = 0;
}

static __always_inline void begin_long_way(void)
{
	__u64 mark;

	asm volatile("%0 = %1" : "=r"(mark) : "i"(LONG_WAY));
	if (config.record)
		state.outcome.way = mark;
}

static __always_inline void record(enum verdict verdict, const struct finding *finding)
{
	if (!config.record)
		return;
	state.outcome.verdict = verdict;
	state.outcome.judged = reason_verdict(finding->reason);
	state.outcome.reason = finding->reason;
	state.outcome.rule_slot = finding->rule_slot;
	state.outcome.role_slot = finding->role_slot;
}

static __always_inline enum verdict settle(void *context, enum direction direction,
					   struct finding *finding, __u32 packets, __u32 bytes)
{
	enum verdict verdict = take_effect(direction, finding);
	struct counter *counter = counter_of(direction, verdict, finding);

	record(verdict, finding);
	if (counter) {
		counter->packets += packets;
		counter->bytes += bytes;
	}
	if (drop_event_is_due(direction, finding))
		drop_event(context, direction, verdict, finding);
	return verdict;
}

/*
 * As settle(), of an ordinary packet: false where it is one of those that both encodings judge, or
 * makes a drop event, and then nothing is done. Each counter chooses one in so many of its own
 * packets, which costs the others a test of what they write anyway.
 */
static __always_inline bool settle_unless_checked(enum direction direction, struct finding *finding,
						  __u32 packets, __u32 bytes,
						  enum verdict *ret_verdict)
{
	enum verdict verdict = take_effect(direction, finding);
	struct counter *counter = counter_of(direction, verdict, finding);

	if (!counter || (config.cross_check && !(counter->packets & config.cross_check_mask)) ||
	    drop_event_is_due(direction, finding))
		return false;
	record(verdict, finding);
	counter->packets += packets;
	counter->bytes += bytes;
	*ret_verdict = verdict;
	return true;
}

#endif
