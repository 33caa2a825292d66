/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the options of a rule take away from what it matches (docs/packet-path.md, section 8). The
 * option of no rule costs nothing: config says so before the programs are loaded.
 */
#ifndef SALLYPORT_BPF_OPTIONS_H
#define SALLYPORT_BPF_OPTIONS_H

#include "live.h"
#include "shape.h"
#include "limit.h"

static __always_inline bool has_option(const struct finding *finding, __u16 option)
{
	return config.rule_options & option && finding->options & option;
}

/* ---- the long way ---- */

static __always_inline bool is_live(struct xdp_md *context, struct packet *packet)
{
	const struct tuple tuple = tuple_of(&packet->c);
	struct live_answer answer;

	if (!live_concerns(tuple.protocol, tcp_is_syn(packet)))
		return true;
	if (live_is_told())
		return state.bound == BOUND_YES;
	answer = live_recall(live_index(&tuple));
	if (live_answers_to(&answer, &tuple))
		return answer.about & LIVE_BOUND;
	return live_ask(context, packet);
}

/* An arriving packet that a rule matched: REASON_RULE, or what it lacks. */
__noinline int judge_options(struct xdp_md *context, struct packet *packet, struct finding *finding)
{
	if (!packet || !finding)
		return REASON_NOT_BOUND;
	if (has_option(finding, RULE_LIVE) && !is_live(context, packet))
		return REASON_NOT_BOUND;
	if (has_option(finding, RULE_SHAPE_RTP) && !shape_is_rtp_of(context, packet))
		return REASON_SHAPE;
	if (has_option(finding, RULE_LIMIT) && config.mode[DIRECTION_IN] == MODE_ENFORCE &&
	    limit_counts(packet) && !limit_allows(packet, finding->rule_slot))
		return REASON_LIMITED;
	return REASON_RULE;
}

/* ---- the short way, without a call ---- */

/*
 * An ordinary packet that arrives, as far as options look at it: TCP or UDP behind an IPv4 header
 * without options or an IPv6 header without extensions, with a tag or none.
 */
struct ordinary_arrival {
	struct tuple tuple;
	bool opens; /* a SYN without ACK */
	bool is_media;
};

/*
 * Reads it where it lies, as often as it is needed: that is cheaper than to keep any of it on the
 * stack while something is looked up.
 */
static __always_inline bool read_arrival(struct xdp_md *context, __u8 family,
					 struct ordinary_arrival *arrival)
{
	const struct ipv6hdr *ipv6;
	const struct iphdr *ipv4;
	const struct udphdr *udp;
	const void *end, *l3;

	/* The compiler must not remember what it read before. */
	asm volatile("" : "+r"(context));
	end = (void *)(long)context->data_end;
	l3 = (void *)(long)context->data + ETH_HLEN;
	if (config.vlan_filter) {
		if (l3 > end)
			return false;
		l3 += vlan_tag_bytes(l3 - ETH_HLEN);
	}
	ipv4 = l3;
	ipv6 = l3;
	udp = family == 4 ? (const void *)(ipv4 + 1) : (const void *)(ipv6 + 1);
	if ((const void *)(udp + 1) > end)
		return false;
	arrival->tuple = (struct tuple){
		.local = family == 4 ? (const void *)&ipv4->daddr : (const void *)&ipv6->daddr,
		.remote = family == 4 ? (const void *)&ipv4->saddr : (const void *)&ipv6->saddr,
		.local_port = bpf_ntohs(udp->dest),
		.remote_port = bpf_ntohs(udp->source),
		.family = family,
		.protocol = family == 4 ? ipv4->protocol : ipv6->nexthdr,
	};
	arrival->opens = false;
	if (arrival->tuple.protocol == IPPROTO_TCP) {
		const __u8 *tcp = (const void *)udp;

		if (tcp + sizeof(struct tcphdr) > (const __u8 *)end)
			return false;
		arrival->opens = (tcp[13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
		arrival->is_media = true;
	} else {
		arrival->is_media = shape_is_rtp((const void *)(udp + 1), end,
						 bpf_ntohs(udp->len) - sizeof(*udp));
	}
	return true;
}

/* Whether it is known that a socket is bound, or that none is; false: it must be asked for. */
static __always_inline bool is_known_live(struct xdp_md *context, __u8 family, bool *ret_bound)
{
	struct ordinary_arrival arrival;
	struct live_answer answer;

	*ret_bound = true;
	if (!read_arrival(context, family, &arrival))
		return false;
	if (!live_concerns(arrival.tuple.protocol, arrival.opens))
		return true;
	if (live_is_told()) {
		*ret_bound = state.bound == BOUND_YES;
		return true;
	}
	answer = live_recall(live_index(&arrival.tuple));
	*ret_bound = answer.about & LIVE_BOUND;
	return read_arrival(context, family, &arrival) && live_answers_to(&answer, &arrival.tuple);
}

/*
 * As judge_options(): false where that is needed. What is found here it would find again, since
 * nothing is charged here.
 */
static __always_inline bool judge_ordinary_options(struct xdp_md *context, __u8 family,
						   struct finding *finding)
{
	struct ordinary_arrival arrival;
	bool bound = true;

	if (has_option(finding, RULE_LIVE) && !is_known_live(context, family, &bound))
		return false;
	if (!read_arrival(context, family, &arrival))
		return false;
	if (!bound)
		finding->reason = REASON_NOT_BOUND;
	else if (has_option(finding, RULE_SHAPE_RTP) && !arrival.is_media)
		finding->reason = REASON_SHAPE;
	else if (has_option(finding, RULE_LIMIT) && config.mode[DIRECTION_IN] == MODE_ENFORCE)
		return arrival.tuple.protocol == IPPROTO_TCP && !arrival.opens;
	return true;
}

#endif
