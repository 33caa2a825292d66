/* SPDX-License-Identifier: GPL-2.0-only */
/* IGMP and MLD between this link's hosts and routers (docs/packet-path.md, step 2.4). */
#ifndef SALLYPORT_BPF_MEMBERSHIP_H
#define SALLYPORT_BPF_MEMBERSHIP_H

/* fe80::/10, or :: while an address is still being tried (RFC 3590). */
static __always_inline bool is_mld_source(const __be32 *source)
{
	return (source[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) ||
	       !(source[0] | source[1] | source[2] | source[3]);
}

static __always_inline bool is_mld_type(__u8 type)
{
	return (type >= ICMPV6_MGM_QUERY && type <= ICMPV6_MGM_REDUCTION) ||
	       type == ICMPV6_MLD2_REPORT;
}

/* Hop limit 1 keeps it on the link: RFC 3376 4, RFC 3810 5. */
static __always_inline bool is_membership(const struct packet *packet, const __be32 *source,
					  const __be32 *destination)
{
	if (!config.multicast_membership || packet->hop_limit != 1 ||
	    packet->part != FRAGMENT_WHOLE)
		return false;
	if (packet->c.family == 4)
		return packet->c.protocol == IPPROTO_IGMP && is_multicast(4, &destination[3]);
	return is_multicast(6, destination) && packet->c.protocol == IPPROTO_ICMPV6 &&
	       is_mld_type(packet->icmp_type) && is_mld_source(source);
}

#endif
