/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way of an ordinary packet: TCP or UDP, whole, in an IPv4 header without options or an
 * IPv6 header without extensions; where a site chooses VLANs, behind a tag or none. Nothing is
 * copied, nothing is called, nothing is written but a counter (and what egress notes of a flow).
 *
 * It judges only what it is sure of. Whatever is odd about a packet, be it malformed, spoofed,
 * sampled for the cross-check or a fragment, is left to the long way (sallyport.bpf.c), which
 * judges every packet: so the two can't disagree on what the short way does not know, and what it
 * knows it looks up with the same functions.
 */
#ifndef SALLYPORT_BPF_ORDINARY_H
#define SALLYPORT_BPF_ORDINARY_H

#define ETHERNET_BYTES 14u
/*
 * The longer one of both L4 headers, so that one comparison with the frame's end does for each
 * family: only a datagram of less than twelve bytes takes the long way for it.
 */
#define L4_BYTES       20u
#define IPV4_BYTES_MIN (sizeof(struct iphdr) + L4_BYTES)

/* Ethernet's type and the first two bytes of the IP header: the version, and IPv4's length. */
#define BEGINS_IPV4	 0x08004500u
#define BEGINS_IPV4_MASK 0xffffff00u
#define BEGINS_IPV6	 0x86dd6000u
#define BEGINS_IPV6_MASK 0xfffff000u

/* What became of a packet on the short way. */
enum ordinary_end {
	ORDINARY_PASS,
	ORDINARY_DROP,
	ORDINARY_LONG_WAY, /* nothing was done yet */
	ORDINARY_CHECK,	   /* likewise, and both encodings are to judge it */
};

/* An ordinary packet as it is read where it lies. */
struct ordinary {
	struct tuple tuple;
	__u32 l2;	/* bytes in front of the IP header */
	__u32 bytes;	/* of the frame */
	__u32 packets;	/* segments, of what leaves */
	__u8 tcp_flags; /* 0 of UDP */
};

/* Ports and flags. l3: bytes of the IP header; total: of the packet, as that says. */
static __always_inline bool read_l4(const void *l4, __u32 l3, __u32 total, bool local_is_source,
				    struct ordinary *packet)
{
	struct tuple *tuple = &packet->tuple;
	const struct udphdr *udp = l4;
	const struct tcphdr *tcp = l4;

	if (tuple->protocol == IPPROTO_UDP) {
		__u32 length = bpf_ntohs(udp->len);

		if (length < sizeof(*udp) || l3 + length > total)
			return false;
	} else if (tuple->protocol == IPPROTO_TCP) {
		const __u8 *bytes = l4;
		__u32 length = (bytes[12] >> 4) * 4;

		if (length < sizeof(*tcp) || l3 + length > total)
			return false;
		packet->tcp_flags = bytes[13];
	} else {
		return false;
	}
	/* Both headers begin with the ports. */
	tuple->local_port = bpf_ntohs(local_is_source ? udp->source : udp->dest);
	tuple->remote_port = bpf_ntohs(local_is_source ? udp->dest : udp->source);
	return true;
}

static __always_inline bool read_ipv4(const void *l3, bool local_is_source, struct ordinary *packet)
{
	const struct iphdr *ip = l3;
	__u32 total = bpf_ntohs(ip->tot_len);

	if ((ip->frag_off & bpf_htons(0x3fff)) || total + packet->l2 > packet->bytes)
		return false;
	packet->tuple.family = 4;
	packet->tuple.protocol = ip->protocol;
	packet->tuple.local = (const void *)(local_is_source ? &ip->saddr : &ip->daddr);
	packet->tuple.remote = (const void *)(local_is_source ? &ip->daddr : &ip->saddr);
	return read_l4(ip + 1, sizeof(*ip), total, local_is_source, packet);
}

static __always_inline bool read_ipv6(const void *l3, const void *data_end, bool local_is_source,
				      struct ordinary *packet)
{
	const struct ipv6hdr *ip = l3;
	__u32 total;

	if (l3 + sizeof(*ip) + L4_BYTES > data_end)
		return false;
	total = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (total + packet->l2 > packet->bytes)
		return false;
	packet->tuple.family = 6;
	packet->tuple.protocol = ip->nexthdr;
	packet->tuple.local = (const void *)(local_is_source ? &ip->saddr : &ip->daddr);
	packet->tuple.remote = (const void *)(local_is_source ? &ip->daddr : &ip->saddr);
	return read_l4(ip + 1, sizeof(*ip), total, local_is_source, packet);
}

/* Sources that are no peer's, or might not be: the long way knows. */
static __always_inline bool is_odd_source(const struct tuple *tuple)
{
	const __be32 *source = tuple->remote;
	__u8 first = *(const __u8 *)source;

	if (tuple->family == 4)
		return (__u8)(first - 1) >= 223 || first == 127; /* 0 too */
	return first == 0 || first == 0xff;
}

static __always_inline bool is_dhcp_port(const struct tuple *tuple)
{
	return config.dhcp && tuple->protocol == IPPROTO_UDP &&
	       (tuple->local_port == 68 || tuple->local_port == 546);
}

static __always_inline bool is_tcp_syn(const struct ordinary *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline bool is_tcp_syn_ack(const struct ordinary *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

/* An own flow's answer. What opens something belongs to none. */
static __always_inline bool judge_ordinary_answer(const struct ordinary *packet,
						  struct finding *finding)
{
	if (finding->reason == REASON_CLOSED_PORT && packet->tuple.protocol == IPPROTO_TCP)
		finding->reason = REASON_NO_FLOW;
	return flow_answers_cached(&packet->tuple, packet->tuple.family, finding) != FLOW_ASK;
}

/* Section 2 of docs/packet-path.md, as far as it concerns an ordinary packet. */
static __always_inline bool judge_ordinary_arriving(struct xdp_md *context,
						    const struct ordinary *packet,
						    struct finding *finding)
{
	if (is_odd_source(&packet->tuple) || is_dhcp_port(&packet->tuple) ||
	    config.forwarding == FORWARDING_PASS)
		return false;
	if (is_tcp_syn_ack(packet)) {
		finding->reason = REASON_NO_FLOW;
		return judge_ordinary_answer(packet, finding);
	}
	*finding = find_rule(true, DIRECTION_IN, &packet->tuple);
	if (finding->options & config.rule_options &&
	    !judge_ordinary_options(context, packet->tuple.family, finding))
		return false;
	return finding->reason == REASON_RULE || finding->reason == REASON_SPOOFED ||
	       is_tcp_syn(packet) || judge_ordinary_answer(packet, finding);
}

/*
 * What passes as an in rule's answer and may be this host's own opening (may_be_opening): its flow
 * goes on. The long way makes it, if an out rule allows it.
 */
static __always_inline bool continue_ordinary_opening(const struct ordinary *packet)
{
	struct finding of_flow = {};
	enum flow_answer answer = flow_continue_cached(&packet->tuple, packet->tuple.family,
						       packet->tcp_flags, &of_flow);

	return answer == FLOW_FOUND ||
	       (answer == FLOW_NONE && !find_rule(true, DIRECTION_OUT, &packet->tuple).rule_slot);
}

/* Section 3 likewise: what answers an in rule, or goes on in a flow. */
static __always_inline bool judge_ordinary_leaving(const struct ordinary *packet,
						   struct finding *finding)
{
	if (is_tcp_syn(packet) || is_dhcp_port(&packet->tuple))
		return false;
	*finding = find_rule(true, DIRECTION_IN, &packet->tuple);
	if (finding->rule_slot)
		return !may_be_opening(packet->tuple.protocol, finding) ||
		       continue_ordinary_opening(packet);
	/* The role was the in rules' affair. */
	finding->role_slot = 0;
	return flow_continue_cached(&packet->tuple, packet->tuple.family, packet->tcp_flags,
				    finding) == FLOW_FOUND;
}

static __always_inline enum ordinary_end
settle_ordinary(enum direction direction, const struct ordinary *packet, struct finding *finding)
{
	enum verdict verdict;

	if (!settle_unless_checked(direction, finding, packet->packets, packet->bytes, &verdict))
		return ORDINARY_CHECK;
	return verdict == VERDICT_PASS ? ORDINARY_PASS : ORDINARY_DROP;
}

static __always_inline enum ordinary_end judge_ordinary(enum direction direction, void *context,
							const struct ordinary *packet)
{
	struct finding finding = {};

	if (direction == DIRECTION_IN ? !judge_ordinary_arriving(context, packet, &finding)
				      : !judge_ordinary_leaving(packet, &finding))
		return ORDINARY_LONG_WAY;
	/* With a reason that the compiler knows, little is left of settling. */
	if (finding.reason == REASON_RULE) {
		finding.reason = direction == DIRECTION_IN ? REASON_RULE : REASON_MIRROR;
		return settle_ordinary(direction, packet, &finding);
	}
	return settle_ordinary(direction, packet, &finding);
}

/*
 * context: struct xdp_md of what arrives. tags: it may have a tag, whose VLAN the site must have
 * chosen. The families are told apart once, at the top, so that each has code without the other's.
 */
static __always_inline enum ordinary_end ordinary_packet(enum direction direction, void *context,
							 const void *data, const void *data_end,
							 bool tags, struct ordinary *packet)
{
	const bool leaving = direction == DIRECTION_OUT;
	const void *l3 = data + ETHERNET_BYTES;
	__be32 begin;

	packet->l2 = ETHERNET_BYTES;
	if (config.lookup != LOOKUP_FLAT || state.fallback || l3 + IPV4_BYTES_MIN > data_end)
		return ORDINARY_LONG_WAY;
	if (tags) {
		const __u32 tag = vlan_tag_bytes(data);

		l3 += tag;
		packet->l2 += tag;
		if (!vlan_tag_passes(data, tag) || l3 + IPV4_BYTES_MIN > data_end)
			return ORDINARY_LONG_WAY;
	}
	begin = *(const __be32 *)(l3 - sizeof(__be16));
	if ((begin & bpf_htonl(BEGINS_IPV4_MASK)) == bpf_htonl(BEGINS_IPV4)) {
		if (read_ipv4(l3, leaving, packet))
			return judge_ordinary(direction, context, packet);
	} else if ((begin & bpf_htonl(BEGINS_IPV6_MASK)) == bpf_htonl(BEGINS_IPV6)) {
		if (read_ipv6(l3, data_end, leaving, packet))
			return judge_ordinary(direction, context, packet);
	}
	return ORDINARY_LONG_WAY;
}

#endif
