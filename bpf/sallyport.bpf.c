/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two programs that judge packets, the one that arms the sweep, and the one that adopts
 * connections. Each header is one step of
 * a packet's way; docs/packet-path.md says what each must do, user/model.c does the same in another
 * way, and the differential test holds them against each other.
 */
#include "vmlinux.h"
#include "constants.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

static __always_inline enum verdict reason_verdict(__u8 reason)
{
#define X(symbol, word, verdict, meaning) ((__u64)VERDICT_##verdict << REASON_##symbol) |
	const __u64 passes = SALLYPORT_REASONS(X) 0;
#undef X
	return passes >> (reason & 63) & 1 ? VERDICT_PASS : VERDICT_DROP;
}

#include "maps.h"
#include "parse.h"
#include "walk.h"
#include "long_frame.h"
#include "conversation.h"
#include "tuple.h"
#include "lookup.h"
#include "clock.h"
#include "mix.h"
#include "bucket.h"
#include "flow_screen.h"
#include "flow_line.h"
#include "flow_standing.h"
#include "flow_cache.h"
#include "vlan.h"
#include "membership.h"
#include "flow.h"
#include "echo.h"
#include "fragment.h"
#include "error_bucket.h"
#include "icmp_error.h"
#include "link_local.h"
#include "options.h"
#include "ingress.h"
#include "egress.h"
#include "drop_event.h"
#include "settle.h"
#include "ordinary.h"
#include "sweep.h"
#include "adopt.h"

/* Headers lie within this many bytes, or the packet is malformed: VLAN, IP options, extensions, a
 * quoted packet. */
#define HEADER_BYTES 256

/*
 * The long way: every packet can take it. Functions of their own, so that the verifier looks at
 * them once, whatever brought a packet here.
 */
static __always_inline int judge_arriving(struct xdp_md *context, bool checked)
{
	struct cursor cursor = {
		.context = context,
		.data = (void *)(long)context->data,
		.data_end = (void *)(long)context->data_end,
		.at = (void *)(long)context->data,
	};
	struct packet packet = {.checked = checked};
	struct finding finding = {};

	begin_long_way();
	cursor.length = cursor.data_end - cursor.data;
	finding.reason = parse_frame(&cursor, &packet);
	finding.reason = parse_again_if_long(context, &packet, finding.reason);
	if (packet.long_length)
		cursor.length = packet.long_length;
	if (finding.reason == REASON_NONE)
		finding.reason = judge_layer2(&packet);
	if (finding.reason == REASON_NONE)
		ingress_judge(context, &packet, &finding);
	return settle(context, DIRECTION_IN, &finding, 1, cursor.length) == VERDICT_PASS ? XDP_PASS
											 : XDP_DROP;
}

static __always_inline int judge_leaving(struct __sk_buff *skb, bool checked)
{
	struct cursor cursor = {
		.context = skb,
		.leaving = true,
		.length = skb->len,
		.segmented = skb->gso_segs > 1,
		.local_is_source = true,
	};
	__u32 segments = skb->gso_segs ? skb->gso_segs : 1;
	struct packet packet = {.checked = checked};
	struct finding finding = {};

	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;

	begin_long_way();
	/* The headers of a packet that is not linear may lie in its pages. */
	if (data_end - data < HEADER_BYTES && data_end - data < skb->len)
		bpf_skb_pull_data(skb, skb->len < HEADER_BYTES ? skb->len : HEADER_BYTES);
	cursor.data = (void *)(long)skb->data;
	cursor.data_end = (void *)(long)skb->data_end;
	cursor.at = cursor.data;
	finding.reason = parse_frame(&cursor, &packet);
	vlan_take_metadata(skb, &packet);
	if (finding.reason == REASON_NONE)
		finding.reason = judge_layer2(&packet);
	if (finding.reason == REASON_NONE)
		egress_judge(skb, &packet, skb->ingress_ifindex != 0, &finding);
	/* "Next" in a tcx chain and in a clsact one alike: others still run. */
	return settle(skb, DIRECTION_OUT, &finding, segments, skb->len) == VERDICT_PASS
		       ? TC_ACT_UNSPEC
		       : TC_ACT_SHOT;
}

SEC("xdp.frags")
int xdp_ingress(struct xdp_md *context)
{
	const void *data = (void *)(long)context->data;
	const void *data_end = (void *)(long)context->data_end;
	struct ordinary packet = {.bytes = data_end - data, .packets = 1};
	enum ordinary_end end;
	/* In memory, or each of the many ways to the long one would set a register to it. */
	volatile bool checked = false;

	begin_short_way();
	end = ordinary_packet(DIRECTION_IN, context, data, data_end, config.vlan_filter, &packet);
	if (end == ORDINARY_PASS)
		return XDP_PASS;
	if (end == ORDINARY_DROP)
		return XDP_DROP;
	if (end == ORDINARY_CHECK)
		checked = true;
	return judge_arriving(context, checked);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	const void *data = (void *)(long)skb->data;
	const void *data_end = (void *)(long)skb->data_end;
	struct ordinary packet = {
		.bytes = skb->len,
		.packets = skb->gso_segs ? skb->gso_segs : 1,
	};
	enum ordinary_end end = ORDINARY_LONG_WAY;
	volatile bool checked = false; /* as above */

	begin_short_way();
	if (!skb->ingress_ifindex && vlan_metadata_passes(skb))
		end = ordinary_packet(DIRECTION_OUT, skb, data, data_end,
				      config.vlan_filter && !skb->vlan_present, &packet);
	if (end == ORDINARY_PASS)
		return TC_ACT_UNSPEC;
	if (end == ORDINARY_DROP)
		return TC_ACT_SHOT;
	if (end == ORDINARY_CHECK)
		checked = true;
	return judge_leaving(skb, checked);
}

/* Run once by the loader at each load; from then on the timer runs by itself. 0, or what went
 * wrong. */
SEC("syscall")
int sweep(void *context)
{
	__u32 zero = 0;
	struct sweep_timer *timer = bpf_map_lookup_elem(&sweep_timer, &zero);
	long error;

	if (!timer)
		return ENOENT;
	/* Busy where an older generation made it: then only the callback is new. */
	error = bpf_timer_init(&timer->timer, &sweep_timer, CLOCK_MONOTONIC);
	if (error && error != -EBUSY)
		return -error;
	error = bpf_timer_set_callback(&timer->timer, sweep_all);
	if (!error)
		error = bpf_timer_start(&timer->timer, SWEEP_FIRST_NS, 0);
	return -error;
}

/*
 * Run by the loader for each TCP connection that is open before the hooks of an interface are;
 * never attached. An XDP program whose frame is the question, as a syscall program, which may
 * sleep, is not let near an LPM trie.
 */
SEC("xdp")
int adopt(struct xdp_md *context)
{
	struct adoption *asked = (void *)(long)context->data;
	struct finding finding = {};
	struct conversation c;
	struct flow_key key;

	if ((void *)(asked + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	key = asked->key;
	c = conversation_of(&key);
	asked->outcome = adopt_connection(&c, asked->state, asked->served, &finding);
	asked->reason = finding.reason;
	asked->rule_slot = finding.rule_slot;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
