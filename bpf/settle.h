/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a packet's way: what was judged becomes a verdict, once counted. */
#ifndef SALLYPORT_BPF_SETTLE_H
#define SALLYPORT_BPF_SETTLE_H

static __always_inline void count(enum direction direction, enum verdict verdict,
				  const struct finding *finding, __u32 packets, __u32 bytes)
{
	bool judged_pass = reason_verdict(finding->reason) == VERDICT_PASS;
	bool would = !judged_pass && verdict == VERDICT_PASS;
	const bool in = direction == DIRECTION_IN;
	struct counter *counter;
	__u32 index;

	if (judged_pass && finding->rule_slot) {
		index = finding->rule_slot;
		counter = in ? bpf_map_lookup_elem(&receive_rules, &index)
			     : bpf_map_lookup_elem(&transmit_rules, &index);
	} else {
		/* Only drops are worth a peer's role. */
		index = REASON_COUNTER(would, judged_pass ? 0 : finding->role_slot,
				       finding->reason);
		counter = in ? bpf_map_lookup_elem(&receive_reasons, &index)
			     : bpf_map_lookup_elem(&transmit_reasons, &index);
	}
	if (!counter)
		return;
	counter->packets += packets;
	counter->bytes += bytes;
}

static __always_inline enum verdict settle(enum direction direction, struct finding *finding,
					   __u32 packets, __u32 bytes)
{
	enum verdict judged = reason_verdict(finding->reason);
	enum verdict verdict = judged;

	if (judged == VERDICT_DROP && config.mode[direction] == MODE_OFF) {
		finding->reason = REASON_NOT_JUDGED;
		finding->rule_slot = 0;
		judged = VERDICT_PASS;
		verdict = VERDICT_PASS;
	} else if (config.mode[direction] == MODE_AUDIT) {
		verdict = VERDICT_PASS;
	}
	if (config.record) {
		state.outcome.verdict = verdict;
		state.outcome.judged = judged;
		state.outcome.reason = finding->reason;
		state.outcome.rule_slot = finding->rule_slot;
		state.outcome.role_slot = finding->role_slot;
	}
	count(direction, verdict, finding, packets, bytes);
	return verdict;
}

#endif
