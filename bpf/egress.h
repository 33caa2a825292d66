/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet that leaves (docs/packet-path.md, section 3). */
#ifndef SALLYPORT_BPF_EGRESS_H
#define SALLYPORT_BPF_EGRESS_H

/* May this packet open a flow at all? */
static __always_inline bool can_open(const struct packet *packet)
{
	if (packet->c.protocol == IPPROTO_TCP)
		return tcp_is_opener(packet);
	if (packet_is_icmp(packet))
		return is_echo_request(packet);
	return true;
}

/*
 * The out rules, for what is neither an answer nor part of a flow. Returns the reason. Out of line:
 * it is met once a flow, and writes the flow table.
 */
__noinline int egress_open(struct packet *packet, struct finding *finding, struct flow_work *work)
{
	enum reason full;

	if (!packet || !finding || !work)
		return REASON_NO_FLOW;
	if (!can_open(packet))
		return packet->c.protocol == IPPROTO_TCP || is_echo_reply(packet)
			       ? REASON_NO_FLOW
			       : REASON_ICMP_TYPE;
	look_as_opened(&packet->c);
	*finding = lookup_rule_checked(DIRECTION_OUT, packet);
	if (!finding->rule_slot && (work->by_rule || config.mode[DIRECTION_OUT] == MODE_ENFORCE))
		return finding->reason;
	full = flow_open(&packet->c, finding->rule_slot, work);
	if (full == REASON_NONE || config.mode[DIRECTION_OUT] != MODE_ENFORCE)
		return finding->reason;
	finding->rule_slot = 0;
	return full;
}

/* The flow that the packet goes on in, or opens. by_rule: no flow that no out rule allows, in audit
 * neither. */
static __always_inline void egress_flow(struct packet *packet, bool by_rule,
					struct finding *finding)
{
	struct conversation *c = &packet->c;
	struct flow_work work = {.by_rule = by_rule};

	if (tcp_is_opener(packet) || (packet_is_icmp(packet) && !is_echo_request(packet)) ||
	    !flow_is_continued(c, packet->tcp_flags, finding, &work))
		finding->reason = egress_open(packet, finding, &work);
	flow_cache_publish(c, &work.hold, work.changed);
}

/*
 * Whether what looks like the answer of an in rule may be this host's own opening: then that rule's
 * options would ask of its answer what they ask of strangers.
 */
static __always_inline bool may_be_opening(__u8 protocol, const struct finding *mirror)
{
	return mirror->options & config.rule_options && protocol != IPPROTO_TCP;
}

static __always_inline void egress_conversation(struct packet *packet, struct finding *finding)
{
	struct conversation *c = &packet->c;
	struct finding mirror = {};

	if (!tcp_is_syn(packet) && (!packet_is_icmp(packet) || is_echo_reply(packet))) {
		look_as_served(c);
		mirror = lookup_rule_checked(DIRECTION_IN, packet);
		mirror.reason = REASON_MIRROR;
		if (mirror.rule_slot &&
		    (packet_is_icmp(packet) || !may_be_opening(c->protocol, &mirror))) {
			*finding = mirror;
			return;
		}
	}
	if (is_echo_reply(packet) && echo_is_offered(c)) {
		finding->reason = REASON_ICMP_ECHO;
		return;
	}
	egress_flow(packet, mirror.rule_slot, finding);
	/* The flow, if there is one now, is for the answer. */
	if (mirror.rule_slot)
		*finding = mirror;
}

static __always_inline void egress_judge(struct __sk_buff *skb, struct packet *packet,
					 bool forwarded, struct finding *finding)
{
	/* judging an ICMP error uses the packet up */
	const __u8 part = packet->part;

	if (forwarded) {
		finding->reason =
			config.forwarding == FORWARDING_PASS ? REASON_FORWARDED : REASON_TRANSIT;
		return;
	}
	if (part == FRAGMENT_LATER) {
		finding->reason = fragment_later(DIRECTION_OUT, packet, finding);
		return;
	}
	if (is_neighbour_discovery(packet))
		finding->reason = judge_neighbour_discovery(packet, packet->c.remote);
	else if (is_redirect(packet))
		finding->reason = REASON_ICMP_REDIRECT;
	else if (is_dhcp(packet))
		finding->reason = REASON_DHCP;
	else if (is_membership(packet, packet->c.local, packet->c.remote))
		finding->reason = REASON_MEMBERSHIP;
	else if (is_icmp_error(packet))
		finding->reason = judge_icmp_error(DIRECTION_OUT, skb, packet, finding);
	else
		egress_conversation(packet, finding);
	if (part == FRAGMENT_FIRST)
		finding->reason = fragment_first(DIRECTION_OUT, packet, finding);
}

#endif
