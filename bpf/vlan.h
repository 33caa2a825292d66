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

static __always_inline bool vlan_id_passes(__u32 id)
{
	id &= VLAN_VID_MASK;
	return !config.vlan_filter || (config.vlans[id / 64] >> (id % 64) & 1);
}

static __always_inline bool vlan_passes(const struct packet *packet)
{
	return vlan_id_passes(packet->vlan);
}

/* ---- the short way: frames with one tag of 802.1Q, or none, where a site chooses VLANs ---- */

#define VLAN_TAG_BYTES 4u

/* frame: from the MAC addresses on; its type is there. */
static __always_inline __u32 vlan_tag_bytes(const void *frame)
{
	const __be16 *type = frame + ETH_HLEN - sizeof(*type);

	return *type == bpf_htons(ETH_P_8021Q) ? VLAN_TAG_BYTES : 0;
}

/* tag: bytes of the frame's, which is there. Of no tag and of a priority alone the id is 0. */
static __always_inline bool vlan_tag_passes(const void *frame, __u32 tag)
{
	const __be16 *tci = frame + ETH_HLEN;

	return vlan_id_passes(tag ? bpf_ntohs(*tci) : 0);
}

/* Of a tag in metadata, which is the outer one. */
static __always_inline bool vlan_metadata_passes(const struct __sk_buff *skb)
{
	return !config.vlan_filter || !skb->vlan_present || vlan_id_passes(skb->vlan_tci);
}

#endif
