/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_parse.h"

#include <string.h>

#include "../include/abi.h"

enum {
	ETHERNET_BYTES = 14,
	VLAN_TAG_BYTES = 4,
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	FRAGMENT_HEADER_BYTES = 8,
	ETHERNET_LENGTH_MAX = 1500, /* IEEE 802.3 3.2.6: a length, not a type */
	LLC_STP = 0x42,
	LLC_UNNUMBERED = 0x03,
	QUOTED_L4_BYTES = 8, /* RFC 792: 64 bits of the original data */
};

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_SLOW = 0x8809,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_EAPOL = 0x888e,
	ETHERTYPE_SERVICE_VLAN = 0x88a8,
	ETHERTYPE_LLDP = 0x88cc,
};

enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ICMP = 1,
	NEXT_TCP = 6,
	NEXT_UDP = 17,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_ICMPV6 = 58,
	NEXT_DESTINATION = 60,
	NEXT_SCTP = 132,
};

/* The bytes not read yet, up to the end of what counts. */
struct rest {
	const uint8_t *at;
	size_t left;
};

static void skip(struct rest *rest, size_t bytes)
{
	rest->at += bytes;
	rest->left -= bytes;
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static struct address address_at(uint8_t family, const uint8_t *at)
{
	struct address address = {.family = family};

	memcpy(address.bytes, at, family == 4 ? 4 : 16);
	return address;
}

/* A header that does not fit: a first fragment may simply hold too little of its datagram. */
static enum reason too_short(const struct packet *packet)
{
	return packet->part == PART_FIRST ? REASON_FRAGMENT_TINY : REASON_MALFORMED;
}

/* The rules of 1.2 for payload and offset, of both families. payload: behind the IP headers. */
static bool fragment_is_sound(const struct packet *packet, bool more, size_t payload)
{
	if (more && (payload == 0 || payload % 8 != 0))
		return false;
	return packet->offset + payload <= 65535;
}

static void set_part(struct packet *packet, bool more)
{
	if (packet->offset > 0)
		packet->part = PART_LATER;
	else if (more)
		packet->part = PART_FIRST;
	else
		packet->part = PART_WHOLE;
}

/* ------------------------------------------------------------ 1.2 IPv4 --------------------------
 */

/* Everything of the fixed header that a quoted packet's is read for too. */
static bool read_ipv4_header(struct rest *rest, struct packet *packet, bool *ret_more)
{
	const uint8_t *header = rest->at;
	size_t header_length;

	if (rest->left < IPV4_BYTES || header[0] >> 4 != 4)
		return false;
	header_length = (header[0] & 15u) * 4;
	if (header_length < IPV4_BYTES || header_length > rest->left ||
	    header_length > be16(header + 2))
		return false;
	packet->source = address_at(4, header + 12);
	packet->destination = address_at(4, header + 16);
	packet->hop_limit = header[8];
	packet->protocol = header[9];
	packet->identification = be16(header + 4);
	packet->offset = (be16(header + 6) & 0x1fffu) * 8;
	*ret_more = (be16(header + 6) & 0x2000u) != 0;
	set_part(packet, *ret_more);
	skip(rest, header_length);
	return true;
}

static enum reason read_ipv4(struct rest *rest, struct packet *packet)
{
	const struct rest whole = *rest;
	size_t total_length;
	size_t header_length;
	bool more;

	if (!read_ipv4_header(rest, packet, &more))
		return REASON_MALFORMED;
	header_length = whole.left - rest->left;
	total_length = be16(whole.at + 2);
	if (total_length > whole.left)
		return REASON_MALFORMED;
	rest->left = total_length - header_length;
	return fragment_is_sound(packet, more, rest->left) ? REASON_NONE : REASON_MALFORMED;
}

/* ------------------------------------------------------------ 1.3 IPv6 --------------------------
 */

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
	       next == NEXT_DESTINATION;
}

/* Bytes of the extension header here, as far as what is left of it says. */
static size_t extension_length(uint8_t type, const struct rest *rest)
{
	if (type == NEXT_FRAGMENT || rest->left < 2)
		return FRAGMENT_HEADER_BYTES;
	return (rest->at[1] + 1u) * 8;
}

/*
 * Walks the extension headers from packet->protocol on, which in the end names what follows.
 * quoted: the packet may be cut short behind them, so its fragment header's payload is not held
 * against anything. ret_fragmented: bytes left at the start of what is fragmented.
 */
static enum reason read_extensions(struct rest *rest, struct packet *packet, bool quoted,
				   size_t *ret_fragmented)
{
	bool fragment_seen = false;
	const uint8_t *header;
	size_t length;
	uint8_t type;
	bool more;

	for (unsigned walked = 0; is_extension(packet->protocol); walked++) {
		type = packet->protocol;
		if (walked == EXTENSION_HEADERS_MAX)
			return REASON_MALFORMED;
		if (type == NEXT_HOP_BY_HOP && walked > 0)
			return REASON_MALFORMED;
		if (type == NEXT_FRAGMENT && fragment_seen)
			return REASON_MALFORMED;
		length = extension_length(type, rest);
		if (length > rest->left)
			return too_short(packet);
		header = rest->at;
		packet->protocol = header[0];
		skip(rest, length);
		if (type != NEXT_FRAGMENT)
			continue;
		fragment_seen = true;
		packet->identification = be32(header + 4);
		packet->offset = be16(header + 2) & 0xfff8u;
		more = (header[3] & 1) != 0;
		set_part(packet, more);
		*ret_fragmented = rest->left;
		if (!quoted && !fragment_is_sound(packet, more, rest->left))
			return REASON_MALFORMED;
		if (packet->part == PART_LATER)
			return REASON_NONE;
	}
	return REASON_NONE;
}

static bool read_ipv6_header(struct rest *rest, struct packet *packet)
{
	const uint8_t *header = rest->at;

	if (rest->left < IPV6_BYTES || header[0] >> 4 != 6)
		return false;
	packet->protocol = header[6];
	packet->hop_limit = header[7];
	packet->source = address_at(6, header + 8);
	packet->destination = address_at(6, header + 24);
	skip(rest, IPV6_BYTES);
	return true;
}

static enum reason read_ipv6(struct rest *rest, struct packet *packet, size_t *ret_fragmented)
{
	const uint8_t *header = rest->at;
	size_t payload_length;

	if (!read_ipv6_header(rest, packet))
		return REASON_MALFORMED;
	payload_length = be16(header + 4);
	if (payload_length > rest->left)
		return REASON_MALFORMED;
	rest->left = payload_length;
	return read_extensions(rest, packet, false, ret_fragmented);
}

/* ------------------------------------------------------------ 1.4 L4 ----------------------------
 */

static enum transport transport_of(const struct packet *packet)
{
	switch (packet->protocol) {
	case NEXT_TCP:
		return TRANSPORT_TCP;
	case NEXT_UDP:
		return TRANSPORT_UDP;
	case NEXT_SCTP:
		return TRANSPORT_SCTP;
	case NEXT_ICMP:
		return packet->source.family == 4 ? TRANSPORT_ICMP : TRANSPORT_OTHER;
	case NEXT_ICMPV6:
		return packet->source.family == 6 ? TRANSPORT_ICMP : TRANSPORT_OTHER;
	default:
		return TRANSPORT_OTHER;
	}
}

/* The first eight bytes of an L4 header: all that a quoted packet surely has. */
static void read_l4_start(const uint8_t *header, struct packet *packet)
{
	if (packet->transport == TRANSPORT_ICMP) {
		packet->icmp_type = header[0];
		packet->icmp_code = header[1];
		packet->icmp_identifier = be16(header + 4);
	} else {
		packet->source_port = be16(header);
		packet->destination_port = be16(header + 2);
	}
}

static enum reason read_tcp(const struct rest *rest, struct packet *packet, size_t *ret_length)
{
	size_t header_length;

	if (rest->left < 20)
		return too_short(packet);
	header_length = (rest->at[12] >> 4) * 4u;
	if (header_length < 20)
		return REASON_MALFORMED;
	if (header_length > rest->left)
		return too_short(packet);
	packet->tcp_flags = rest->at[13];
	*ret_length = header_length;
	return REASON_NONE;
}

static enum reason read_udp(const struct rest *rest, struct packet *packet, size_t *ret_length)
{
	size_t datagram_length;

	if (rest->left < 8)
		return too_short(packet);
	datagram_length = be16(rest->at + 4);
	if (datagram_length < 8)
		return REASON_MALFORMED;
	if (datagram_length > rest->left && packet->part != PART_FIRST)
		return REASON_MALFORMED;
	packet->payload = rest->at + 8;
	packet->payload_length = (datagram_length < rest->left ? datagram_length : rest->left) - 8;
	*ret_length = 8;
	return REASON_NONE;
}

static enum reason read_fixed(const struct rest *rest, struct packet *packet, size_t length,
			      size_t *ret_length)
{
	if (rest->left < length)
		return too_short(packet);
	*ret_length = length;
	return REASON_NONE;
}

static enum reason read_l4(struct rest *rest, struct packet *packet)
{
	enum reason reason = REASON_NONE;
	size_t length = 0;

	packet->transport = transport_of(packet);
	switch (packet->transport) {
	case TRANSPORT_TCP:
		reason = read_tcp(rest, packet, &length);
		break;
	case TRANSPORT_UDP:
		reason = read_udp(rest, packet, &length);
		break;
	case TRANSPORT_SCTP:
		reason = read_fixed(rest, packet, 12, &length);
		break;
	case TRANSPORT_ICMP:
		reason = read_fixed(rest, packet, 8, &length);
		break;
	case TRANSPORT_OTHER:
		return REASON_NONE;
	}
	if (reason != REASON_NONE)
		return reason;
	read_l4_start(rest->at, packet);
	skip(rest, length);
	if (packet->transport == TRANSPORT_ICMP) {
		packet->icmp_quote = rest->at;
		packet->icmp_quote_length = rest->left;
	}
	return REASON_NONE;
}

/* ------------------------------------------------------------ 1.1 Ethernet ----------------------
 */

static enum reason read_ip(uint16_t ethertype, struct rest *rest, struct packet *packet)
{
	size_t fragmented = 0;
	enum reason reason;

	if (ethertype == ETHERTYPE_IPV4) {
		reason = read_ipv4(rest, packet);
		fragmented = rest->left;
	} else {
		reason = read_ipv6(rest, packet, &fragmented);
	}
	if (reason != REASON_NONE)
		return reason;
	if (packet->part == PART_LATER) {
		packet->transport = transport_of(packet);
		return REASON_NONE;
	}
	reason = read_l4(rest, packet);
	if (packet->part == PART_FIRST)
		packet->header_end = (uint32_t)(fragmented - rest->left);
	return reason;
}

/* Skips up to two tags; false if one is cut short. ret_type: what follows them. */
static bool read_tags(struct rest *rest, uint16_t *ret_type, uint16_t *ret_outer)
{
	uint16_t type = be16(rest->at + 12);

	*ret_outer = 0;
	skip(rest, ETHERNET_BYTES);
	for (int tags = 0; tags < VLAN_TAGS_MAX; tags++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_SERVICE_VLAN)
			break;
		if (rest->left < VLAN_TAG_BYTES)
			return false;
		if (tags == 0)
			*ret_outer = be16(rest->at) & 0xfff;
		type = be16(rest->at + 2);
		skip(rest, VLAN_TAG_BYTES);
	}
	*ret_type = type;
	return true;
}

uint16_t packet_vlan(const void *frame, size_t length)
{
	struct rest rest = {.at = frame, .left = length};
	uint16_t outer = 0;
	uint16_t type;

	if (length >= ETHERNET_BYTES)
		read_tags(&rest, &type, &outer);
	return outer;
}

/* IEEE 802.1D 9.2: LLC with both addresses 0x42, to a bridge group address, with a length. */
static bool is_stp(const uint8_t *frame, size_t length)
{
	static const uint8_t bridges[] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return length >= ETHERNET_BYTES + 3 && be16(frame + 12) <= ETHERNET_LENGTH_MAX &&
	       memcmp(frame, bridges, sizeof(bridges)) == 0 && frame[5] < 0x10 &&
	       frame[14] == LLC_STP && frame[15] == LLC_STP && frame[16] == LLC_UNNUMBERED;
}

uint8_t packet_link_protocol(const void *frame, size_t length)
{
	struct rest rest = {.at = frame, .left = length};
	uint16_t outer;
	uint16_t type;

	if (length < ETHERNET_BYTES || !read_tags(&rest, &type, &outer))
		return 0;
	switch (type) {
	case ETHERTYPE_SLOW:
		return LINK_LACP;
	case ETHERTYPE_LLDP:
		return LINK_LLDP;
	case ETHERTYPE_EAPOL:
		return LINK_EAPOL;
	default:
		return is_stp(frame, length) ? LINK_STP : 0;
	}
}

enum reason packet_parse(const void *frame, size_t length, struct packet *ret_packet)
{
	struct rest rest = {.at = frame, .left = length};
	struct packet packet = {0};
	uint16_t ethertype;
	uint16_t outer;
	enum reason reason;

	if (rest.left < ETHERNET_BYTES)
		return REASON_MALFORMED;
	if (!read_tags(&rest, &ethertype, &outer))
		return REASON_MALFORMED;
	if (packet_link_protocol(frame, length))
		return REASON_LINK_CONTROL;
	switch (ethertype) {
	case ETHERTYPE_ARP:
		return REASON_ARP;
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		reason = read_ip(ethertype, &rest, &packet);
		if (reason == REASON_NONE)
			*ret_packet = packet;
		return reason;
	default:
		return REASON_ETHERTYPE;
	}
}

/* ------------------------------------------------------------ 5. quoted packets -----------------
 */

bool packet_parse_quoted(uint8_t family, const uint8_t *quote, size_t length,
			 struct packet *ret_packet)
{
	struct rest rest = {.at = quote, .left = length};
	struct packet packet = {0};
	size_t fragmented;
	bool more;

	if (family == 4) {
		if (!read_ipv4_header(&rest, &packet, &more))
			return false;
	} else {
		if (!read_ipv6_header(&rest, &packet))
			return false;
		if (read_extensions(&rest, &packet, true, &fragmented) != REASON_NONE)
			return false;
	}
	if (packet.part == PART_LATER)
		return false;
	packet.transport = transport_of(&packet);
	if (packet.transport != TRANSPORT_OTHER) {
		if (rest.left < QUOTED_L4_BYTES)
			return false;
		read_l4_start(rest.at, &packet);
	}
	*ret_packet = packet;
	return true;
}
