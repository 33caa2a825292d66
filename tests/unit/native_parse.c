/* SPDX-License-Identifier: BSD-2-Clause */
#include "native_parse.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>

#include "abi.h"

/* What bpf/parse.h expects of the BPF side. */
#define VLAN_VID_MASK 0x0fff
#define LLC_STP	      0x42
#define LLC_UI	      0x03
#define bpf_ntohs     ntohs
#define bpf_htons     htons
#define bpf_htonl     htonl
#undef __always_inline
/* Headers stand where they stand: BPF and this machine read them unaligned. */
#define UNALIGNED	__attribute__((no_sanitize("alignment")))
#define __always_inline inline UNALIGNED __attribute__((always_inline))

/* BPF code reckons with void pointers, and tells clang how to unroll. */
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#include "../../bpf/parse.h"

static __always_inline enum reason walk_extensions(struct cursor *cursor, struct packet *packet,
						   struct walk *walk)
{
	return walk_here(cursor->data, cursor->data_end, packet, walk);
}

static enum reason layer2_reason(uint8_t layer2)
{
	if (layer2 & LAYER2_LINK_CONTROL)
		return REASON_LINK_CONTROL;
	switch (layer2) {
	case LAYER2_ARP:
		return REASON_ARP;
	case LAYER2_OTHER:
		return REASON_ETHERTYPE;
	}
	return REASON_NONE;
}

static void copy_address(uint8_t *to, uint8_t family, const __be32 *from)
{
	if (family == 4)
		memcpy(to, &from[3], 4);
	else
		memcpy(to, from, 16);
}

UNALIGNED struct native_packet native_parse(const void *frame, size_t length)
{
	struct cursor cursor = {
		.data = frame,
		.data_end = (const char *)frame + length,
		.at = frame,
		.length = (__u32)length,
		.local_is_source = true,
	};
	struct native_packet result = {0};
	struct packet packet = {0};

	result.reason = parse_frame(&cursor, &packet);
	if (result.reason == REASON_NONE)
		result.reason = layer2_reason(packet.layer2);
	if (result.reason != REASON_NONE)
		return result;
	result.family = packet.c.family;
	result.protocol = packet.c.protocol;
	result.part = packet.part;
	result.tcp_flags = packet.tcp_flags;
	result.icmp_type = packet.icmp_type;
	result.icmp_code = packet.icmp_code;
	result.hop_limit = packet.hop_limit;
	copy_address(result.source, packet.c.family, packet.c.local);
	copy_address(result.destination, packet.c.family, packet.c.remote);
	result.source_port = packet.c.local_port;
	result.destination_port = packet.c.remote_port;
	result.identifier = packet.c.identifier;
	result.fragment_offset = packet.fragment_offset;
	result.header_end = packet.header_end;
	return result;
}
