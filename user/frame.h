/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet frames from fields: for packet lines and for tests. */
#ifndef SALLYPORT_FRAME_H
#define SALLYPORT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/bounds.h"
#include "address.h"

enum {
	FRAME_TCP_FIN = 0x01,
	FRAME_TCP_SYN = 0x02,
	FRAME_TCP_RST = 0x04,
	FRAME_TCP_PSH = 0x08,
	FRAME_TCP_ACK = 0x10,
	FRAME_TCP_URG = 0x20,
	FRAME_TCP_ECE = 0x40,
	FRAME_TCP_CWR = 0x80,
};

/* A part of a datagram. Zeroed and not present: the datagram is whole. */
struct frame_fragment {
	bool present;
	bool more;
	uint32_t id;	 /* IPv4: 16 bits */
	uint32_t offset; /* bytes, a multiple of 8 */
};

/*
 * What a frame is built from. Zeroed fields are good: no tags, no options, no payload. Ports in
 * host order.
 */
struct frame_fields {
	struct address source; /* both of one family */
	struct address destination;
	uint16_t vlan_ids[FRAME_VLAN_TAGS_MAX]; /* the outer first */
	size_t vlan_count;
	uint8_t hop_limit;
	uint8_t ipv4_options; /* bytes of options, 0 to 40, a multiple of 4 */
	/*
	 * Types of the IPv6 extension headers, in order; 44 is the fragment header, which comes
	 * last if it is not named. The others are 8 bytes of padding options.
	 */
	uint8_t extensions[FRAME_EXTENSIONS_MAX];
	size_t extension_count;
	struct frame_fragment fragment;
	/*
	 * TCP, UDP, SCTP, and ICMP in its own family have their header built, unless bare says that
	 * the payload is all there is behind the IP headers. A later fragment is always bare.
	 */
	uint8_t protocol;
	bool bare;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t tcp_flags;
	uint8_t tcp_options; /* bytes of options, 0 to 40, a multiple of 4 */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t icmp_id; /* bytes 4 and 5 of the ICMP header: the identifier of an echo */
	uint16_t icmp_sequence;
	const uint8_t *payload;
	size_t payload_length;
};

/* Whether a whole packet of this protocol has an L4 header here, and how long it is without
 * options. */
size_t frame_l4_bytes(uint8_t family, uint8_t protocol);

/*
 * Builds the frame, without FCS, with correct lengths and checksums (IPv4 header, TCP, UDP, ICMP,
 * and SCTP's CRC32c; over the bytes that are there, where it is a fragment). MAC addresses are
 * locally administered. Returns 0, -EINVAL (fields that contradict each other), or -EMSGSIZE
 * (longer than an IP packet or than the buffer).
 */
int frame_build(const struct frame_fields *fields, void *buffer, size_t size, size_t *ret_length);

/* An ARP request of source for destination (IPv4), with the tags of fields and nothing else of it.
 */
int frame_build_arp(const struct frame_fields *fields, void *buffer, size_t size,
		    size_t *ret_length);

#endif
