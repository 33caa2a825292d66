/* SPDX-License-Identifier: GPL-2.0-only */
/* What a link needs to live under default deny, and what can't be a source on it. */
#ifndef SALLYPORT_BPF_LINK_LOCAL_H
#define SALLYPORT_BPF_LINK_LOCAL_H

/* Sources that no peer has (RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7). Own addresses are seen in the
 * tables. */
static __always_inline bool is_impossible_source(const struct packet *packet)
{
	const __be32 *source = packet->c.remote;
	__u32 first;

	if (packet->c.family == 4) {
		first = bpf_ntohl(source[3]) >> 24;
		if (first == 0)
			return source[3] || !is_membership(packet, source, packet->c.local);
		return first == 127 || is_group_address(4, &source[3]);
	}
	if (is_group_address(6, source))
		return true;
	if (source[0] || source[1] || source[2])
		return false;
	if (!source[3]) /* :: is a source only while an address is being tried (RFC 4862 5.4) */
		return (!is_neighbour_discovery(packet) || packet->part != FRAGMENT_WHOLE) &&
		       !is_membership(packet, source, packet->c.local);
	return source[3] == bpf_htonl(1);
}

/*
 * The answer to duplicate address detection is from the very address that is being tried, and to
 * all nodes (RFC 4861 7.2.4): the one packet from an own address that a host must hear.
 */
static __always_inline bool is_duplicate_notice(const struct packet *packet)
{
	const __be32 *to = packet->c.local;

	return packet->icmp_type == NDISC_NEIGHBOUR_ADVERTISEMENT &&
	       to[0] == bpf_htonl(0xff020000) && !(to[1] | to[2]) && to[3] == bpf_htonl(1);
}

/* RFC 4861: hop limit 255 proves that it is from this link. RFC 6980: never in fragments. */
static __always_inline enum reason judge_neighbour_discovery(const struct packet *packet,
							     const __be32 *destination)
{
	if (packet->part != FRAGMENT_WHOLE || packet->hop_limit != 255)
		return REASON_NEIGHBOUR_SCOPE;
	if (is_group_address(6, destination) &&
	    (destination[0] & bpf_htonl(0xffff0000)) != bpf_htonl(0xff020000))
		return REASON_NEIGHBOUR_SCOPE;
	return REASON_NEIGHBOUR;
}

static __always_inline bool is_dhcp(const struct packet *packet)
{
	const __u16 server = packet->c.family == 4 ? 67 : 547;
	const __u16 client = packet->c.family == 4 ? 68 : 546;

	return config.dhcp && packet->c.protocol == IPPROTO_UDP && packet->c.local_port == client &&
	       packet->c.remote_port == server;
}

/* VLANs, and frames that are not IP: never judged by rules. REASON_NONE: it is IP. */
static __always_inline enum reason judge_layer2(const struct packet *packet)
{
	bool passes =
		(packet->layer2 & LAYER2_LINK_CONTROL) && packet->layer2 & config.link_control;

	/* Link protocols without a tag belong to the link, not to a VLAN on it. */
	if (!vlan_passes(packet) && (packet->vlan || !(packet->layer2 & LAYER2_LINK_CONTROL)))
		return REASON_VLAN;
	switch (packet->layer2) {
	case LAYER2_IP:
		return REASON_NONE;
	case LAYER2_ARP:
		return REASON_ARP;
	}
	return passes ? REASON_LINK_CONTROL : REASON_ETHERTYPE;
}

#endif
