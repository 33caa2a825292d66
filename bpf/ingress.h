/* SPDX-License-Identifier: GPL-2.0-only */
/* An arriving packet (docs/packet-path.md, section 2). */
#ifndef SALLYPORT_BPF_INGRESS_H
#define SALLYPORT_BPF_INGRESS_H

/* in rules, then own flows. */
static __always_inline void ingress_conversation(struct xdp_md *context, struct packet *packet,
						 struct finding *finding)
{
	bool answer = (packet->c.protocol == IPPROTO_TCP && (packet->tcp_flags & TCP_SYN) &&
		       (packet->tcp_flags & TCP_ACK)) ||
		      is_echo_reply(packet);

	if (packet_is_icmp(packet) && !is_echo_request(packet) && !is_echo_reply(packet)) {
		finding->reason = REASON_ICMP_TYPE;
		return;
	}
	if (answer) {
		finding->reason = REASON_NO_FLOW;
	} else {
		look_as_served(&packet->c);
		*finding = lookup_rule_checked(DIRECTION_IN, packet);
		if (finding->options && config.rule_options)
			finding->reason = judge_options(context, packet, finding);
		/* What an option refuses may be an own flow's answer. */
		if (finding->reason == REASON_RULE || finding->reason == REASON_SPOOFED ||
		    (finding->rule_slot && is_echo_request(packet)))
			return;
		if (finding->reason == REASON_CLOSED_PORT && packet->c.protocol == IPPROTO_TCP &&
		    !tcp_is_syn(packet))
			finding->reason = REASON_NO_FLOW;
	}
	if (is_echo_request(packet)) {
		if (config.echo_per_second)
			finding->reason = judge_echo_request(&packet->c, finding->reason);
		return;
	}
	if (!tcp_is_syn(packet))
		flow_is_answered(&packet->c, finding);
}

static __always_inline bool is_transit(const struct packet *packet)
{
	const struct tuple tuple = tuple_of(&packet->c);
	bool flat = config.lookup == LOOKUP_FLAT && !state.fallback;
	__u16 class_id;

	if (config.forwarding != FORWARDING_PASS || is_group_address(tuple.family, tuple.local))
		return false;
	class_id = address_leaf(flat, tuple.family, tuple.local) & FLAT_CLASS_MASK;
	/* Own addresses, floating ones too, have the first classes. */
	return class_id < LOCAL_CLASS_FIRST || class_id >= shape.near_columns[DIRECTION_IN];
}

static __always_inline enum reason judge_arriving_neighbour(struct packet *packet)
{
	if (source_is_own(&packet->c) && !is_duplicate_notice(packet))
		return REASON_SPOOFED;
	if (packet->icmp_type == NDISC_ROUTER_ADVERTISEMENT && !config.router_advertisements)
		return REASON_NEIGHBOUR_SCOPE;
	return judge_neighbour_discovery(packet, packet->c.local);
}

static __always_inline void ingress_judge(struct xdp_md *context, struct packet *packet,
					  struct finding *finding)
{
	/* judging an ICMP error uses the packet up */
	const __u8 part = packet->part;

	if (is_impossible_source(packet)) {
		finding->reason = REASON_SPOOFED;
		return;
	}
	if (part == FRAGMENT_LATER) {
		finding->reason = fragment_later(DIRECTION_IN, packet, finding);
		return;
	}
	if (is_neighbour_discovery(packet)) {
		finding->reason = judge_arriving_neighbour(packet);
	} else if (is_redirect(packet)) {
		finding->reason = REASON_ICMP_REDIRECT;
	} else if (is_dhcp(packet)) {
		finding->reason = source_is_own(&packet->c) ? REASON_SPOOFED : REASON_DHCP;
	} else if (is_membership(packet, packet->c.remote, packet->c.local)) {
		finding->reason = source_is_own(&packet->c) ? REASON_SPOOFED : REASON_MEMBERSHIP;
	} else if (is_transit(packet)) {
		finding->reason = REASON_FORWARDED;
	} else if (is_icmp_error(packet)) {
		finding->reason =
			source_is_own(&packet->c)
				? REASON_SPOOFED
				: judge_icmp_error(DIRECTION_IN, context, packet, finding);
	} else {
		ingress_conversation(context, packet, finding);
	}
	if (part == FRAGMENT_FIRST)
		finding->reason = fragment_first(DIRECTION_IN, packet, finding);
}

#endif
