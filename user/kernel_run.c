/* SPDX-License-Identifier: BSD-2-Clause */
#include "../include/bounds.h"
#include "kernel_run.h"

#include <errno.h>
#include <net/ethernet.h>

#include <bpf/bpf.h>

/* BPF_PROG_TEST_RUN takes no XDP frame under an Ethernet header, and no tc frame under its IP
 * header. */
#define IPV4_FRAME_MIN (ETHER_HDR_LEN + 20u)
#define IPV6_FRAME_MIN (ETHER_HDR_LEN + 40u)

/* Shorter than its own IP header: malformed by section 1, whatever the policy; the mode decides the
 * rest. */
static bool is_too_short_to_run(enum direction direction, const uint8_t *frame, size_t length)
{
	uint16_t type;

	if (length < ETHER_HDR_LEN)
		return true;
	if (direction == DIRECTION_IN)
		return false;
	type = (uint16_t)(frame[12] << 8 | frame[13]);
	return (type == ETHERTYPE_IP && length < IPV4_FRAME_MIN) ||
	       (type == ETHERTYPE_IPV6 && length < IPV6_FRAME_MIN);
}

static void judge_short_frame(const struct host_policy *policy, enum direction direction,
			      struct judgement *ret_judgement)
{
	bool off = policy->mode[direction] == MODE_OFF;

	*ret_judgement = (struct judgement){
		.verdict = policy->mode[direction] == MODE_ENFORCE ? VERDICT_DROP : VERDICT_PASS,
		.judged = off ? VERDICT_PASS : VERDICT_DROP,
		.reason = off ? REASON_NOT_JUDGED : REASON_MALFORMED,
	};
}

int kernel_run(struct loaded *loaded, const struct host_policy *policy,
	       const struct rule *const *rule_of_slot, enum direction direction, const void *frame,
	       size_t length, struct judgement *ret_judgement)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length,
		    .repeat = 1);
	int fd = direction == DIRECTION_IN ? loaded_xdp_fd(loaded) : loaded_egress_fd(loaded);
	const struct outcome *outcome = &loaded_state(loaded)->outcome;

	if (length > (direction == DIRECTION_IN ? FRAME_BYTES_MAX : RUN_BYTES_MAX))
		return -EMSGSIZE;
	if (is_too_short_to_run(direction, frame, length)) {
		judge_short_frame(policy, direction, ret_judgement);
		return 0;
	}
	if (bpf_prog_test_run_opts(fd, &options))
		return -errno;
	*ret_judgement = (struct judgement){
		.verdict = outcome->verdict,
		.judged = outcome->judged,
		.reason = outcome->reason,
		.rule = outcome->rule_slot < RULE_SLOTS_MAX ? rule_of_slot[outcome->rule_slot]
							    : NULL,
	};
	return 0;
}
