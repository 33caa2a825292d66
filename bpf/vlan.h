/* SPDX-License-Identifier: GPL-2.0-only */
/* Which VLANs are judged at all: host: {vlan} (docs/packet-path.md, step 1.5). */
#ifndef SALLYPORT_BPF_VLAN_H
#define SALLYPORT_BPF_VLAN_H

/* A leaving packet's outer tag may be in its metadata only: the NIC writes it. */
static __always_inline void vlan_take_metadata(const struct __sk_buff *skb, struct packet *packet)
{
	if (config.vlan_filter && skb->vlan_present)
		packet->vlan = skb->vlan_tci & VLAN_VID_MASK;
}

static __always_inline bool vlan_passes(const struct packet *packet)
{
	__u32 id = packet->vlan & VLAN_VID_MASK;

	return !config.vlan_filter || (config.vlans[id / 64] >> (id % 64) & 1);
}

/* Does the filter, if there is one, let frames without a tag pass? Those go the short way. */
static __always_inline bool untagged_passes(void)
{
	return !config.vlan_filter || (config.vlans[0] & 1);
}

static __always_inline bool leaves_untagged(const struct __sk_buff *skb)
{
	return !config.vlan_filter || (!skb->vlan_present && untagged_passes());
}

#endif
