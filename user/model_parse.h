/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model's reading of frames: section 1 of docs/packet-path.md, and the quoted packets of its
 * section 5. Knows no policy.
 */
#ifndef SALLYPORT_MODEL_PARSE_H
#define SALLYPORT_MODEL_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/reasons.h"
#include "address.h"

/* What its L4 header is: ICMP is protocol 1 over IPv4 and protocol 58 over IPv6, nothing else. */
enum transport {
	TRANSPORT_OTHER = 0,
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORT_SCTP,
	TRANSPORT_ICMP,
};

enum packet_part {
	PART_WHOLE = 0,
	PART_FIRST, /* a fragment, offset 0, more to come */
	PART_LATER, /* a fragment, offset above 0: no L4 header was read */
};

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

struct packet {
	struct address source;
	struct address destination;
	uint8_t hop_limit;
	uint8_t protocol;
	enum transport transport;
	enum packet_part part;
	uint32_t identification; /* fragments only */
	uint32_t offset;	 /* fragments only: bytes */
	uint32_t header_end;	 /* bytes of what is fragmented, up to the end of the L4 header */
	uint16_t source_port;	 /* TCP, UDP, SCTP */
	uint16_t destination_port;
	uint8_t tcp_flags;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t icmp_identifier;  /* only echo has one */
	const uint8_t *icmp_quote; /* behind the ICMP header; points into the frame */
	size_t icmp_quote_length;
	const uint8_t
		*payload; /* UDP: behind its header, as far as its length says and it is there */
	size_t payload_length;
};

/*
 * The id of a frame's outer tag, 0 without one. What is cut short there is malformed to
 * packet_parse().
 */
uint16_t packet_vlan(const void *frame, size_t length);
/* Which link protocol without IP a frame is (LINK_LACP and others), or 0. */
uint8_t packet_link_protocol(const void *frame, size_t length);

/*
 * Reads a frame. REASON_NONE: an IP packet, to be judged, is in ret_packet. Any other reason
 * decides (its verdict is that of include/reasons.h), but for REASON_LINK_CONTROL: whether that
 * one passes, the policy says.
 */
enum reason packet_parse(const void *frame, size_t length, struct packet *ret_packet);

/*
 * Reads the packet that an ICMP error quotes; family is the error's. False if it can't be read, is
 * a later fragment, or is of the other family.
 */
bool packet_parse_quoted(uint8_t family, const uint8_t *quote, size_t length,
			 struct packet *ret_packet);

#endif
