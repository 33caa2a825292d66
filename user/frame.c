/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include <errno.h>
#include <string.h>

enum {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_SCTP = 132,
};

enum { OPTIONS_BYTES_MAX = 40, EXTENSION_BYTES = 8, IP_BYTES_MAX = 65535 };

static const uint8_t destination_mac[6] = {0x02, 0, 0, 0, 0, 0x02};
static const uint8_t source_mac[6] = {0x02, 0, 0, 0, 0, 0x01};

/* Bytes written so far; full once something did not fit. */
struct writer {
	uint8_t *bytes;
	size_t size;
	size_t length;
	bool full;
};

/* Room for so many zeroed bytes; NULL (and full) if there is none. */
static uint8_t *put(struct writer *writer, size_t count)
{
	uint8_t *at = writer->bytes + writer->length;

	if (writer->full || writer->size - writer->length < count) {
		writer->full = true;
		return NULL;
	}
	memset(at, 0, count);
	writer->length += count;
	return at;
}

static void put_bytes(struct writer *writer, const void *bytes, size_t count)
{
	uint8_t *at = put(writer, count);

	if (at && count)
		memcpy(at, bytes, count);
}

static void put_fill(struct writer *writer, uint8_t value, size_t count)
{
	uint8_t *at = put(writer, count);

	if (at && count)
		memset(at, value, count);
}

static void set16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void set32(uint8_t *at, uint32_t value)
{
	set16(at, value >> 16);
	set16(at + 2, value & 0xffff);
}

static void put16(struct writer *writer, uint16_t value)
{
	uint8_t *at = put(writer, 2);

	if (at)
		set16(at, value);
}

/* ------------------------------------------------------------ checksums -------------------------
 */

static uint32_t sum_words(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length % 2)
		sum += (uint32_t)bytes[length - 1] << 8;
	return sum;
}

/* RFC 1071 */
static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 9260 appendix A: CRC32c, sent with its lowest byte first. */
static void set_crc32c(uint8_t *at, const uint8_t *bytes, size_t length)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) ? 0x82f63b78u : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(crc >> (8 * i));
}

/* Source, destination, length and protocol: RFC 9293 3.1, RFC 8200 8.1. */
static uint32_t pseudo_header_sum(const struct frame_fields *fields, size_t length)
{
	size_t address_bytes = fields->source.family == 4 ? 4 : 16;
	uint32_t sum = (uint32_t)length + fields->protocol;

	sum = sum_words(fields->source.bytes, address_bytes, sum);
	return sum_words(fields->destination.bytes, address_bytes, sum);
}

/* ------------------------------------------------------------ L4 --------------------------------
 */

size_t frame_l4_bytes(uint8_t family, uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return 20;
	case PROTOCOL_UDP:
		return 8;
	case PROTOCOL_SCTP:
		return 12;
	case PROTOCOL_ICMP:
		return family == 4 ? 8 : 0;
	case PROTOCOL_ICMPV6:
		return family == 6 ? 8 : 0;
	default:
		return 0;
	}
}

static bool has_l4_header(const struct frame_fields *fields)
{
	if (fields->bare || (fields->fragment.present && fields->fragment.offset > 0))
		return false;
	return frame_l4_bytes(fields->source.family, fields->protocol) > 0;
}

static void put_l4_header(struct writer *writer, const struct frame_fields *fields)
{
	size_t bytes = frame_l4_bytes(fields->source.family, fields->protocol);
	uint8_t *header = put(writer, bytes);

	if (!header)
		return;
	if (fields->protocol == PROTOCOL_ICMP || fields->protocol == PROTOCOL_ICMPV6) {
		header[0] = fields->icmp_type;
		header[1] = fields->icmp_code;
		set16(header + 4, fields->icmp_id);
		set16(header + 6, fields->icmp_sequence);
		return;
	}
	set16(header, fields->source_port);
	set16(header + 2, fields->destination_port);
	if (fields->protocol == PROTOCOL_UDP) {
		set16(header + 4, (uint32_t)(bytes + fields->payload_length));
	} else if (fields->protocol == PROTOCOL_TCP) {
		header[12] = (uint8_t)((bytes + fields->tcp_options) / 4 << 4);
		header[13] = fields->tcp_flags;
		set16(header + 14, 65535);
		put_fill(writer, 1, fields->tcp_options); /* 1: no operation */
	}
}

static void set_l4_checksum(uint8_t *l4, size_t length, const struct frame_fields *fields)
{
	uint32_t sum = pseudo_header_sum(fields, length);
	uint16_t value;

	switch (fields->protocol) {
	case PROTOCOL_TCP:
		set16(l4 + 16, checksum(sum_words(l4, length, sum)));
		break;
	case PROTOCOL_UDP:
		value = checksum(sum_words(l4, length, sum));
		set16(l4 + 6, value ? value : 0xffff); /* 0 means none: RFC 768 */
		break;
	case PROTOCOL_ICMP:
		set16(l4 + 2, checksum(sum_words(l4, length, 0)));
		break;
	case PROTOCOL_ICMPV6:
		set16(l4 + 2, checksum(sum_words(l4, length, sum)));
		break;
	case PROTOCOL_SCTP:
		set_crc32c(l4 + 8, l4, length);
		break;
	default:
		break;
	}
}

static void put_l4(struct writer *writer, const struct frame_fields *fields)
{
	size_t start = writer->length;

	if (has_l4_header(fields))
		put_l4_header(writer, fields);
	put_bytes(writer, fields->payload, fields->payload_length);
	if (!writer->full && has_l4_header(fields))
		set_l4_checksum(writer->bytes + start, writer->length - start, fields);
}

/* ------------------------------------------------------------ IP --------------------------------
 */

static void put_ipv4(struct writer *writer, const struct frame_fields *fields)
{
	const struct frame_fragment *fragment = &fields->fragment;
	size_t header_length = 20u + fields->ipv4_options;
	size_t start = writer->length;
	uint8_t *header = put(writer, header_length);

	if (!header)
		return;
	header[0] = (uint8_t)(0x40 | header_length / 4);
	if (fragment->present) {
		set16(header + 4, fragment->id);
		set16(header + 6, fragment->offset / 8 | (fragment->more ? 0x2000u : 0));
	}
	header[8] = fields->hop_limit;
	header[9] = fields->protocol;
	memcpy(header + 12, fields->source.bytes, 4);
	memcpy(header + 16, fields->destination.bytes, 4);
	memset(header + 20, 1, fields->ipv4_options); /* 1: no operation */
	put_l4(writer, fields);
	if (writer->length - start > IP_BYTES_MAX)
		writer->full = true;
	set16(header + 2, (uint32_t)(writer->length - start));
	set16(header + 10, checksum(sum_words(header, header_length, 0)));
}

static void put_extension(struct writer *writer, uint8_t type, uint8_t next,
			  const struct frame_fragment *fragment)
{
	uint8_t *header = put(writer, EXTENSION_BYTES);

	if (!header)
		return;
	header[0] = next;
	if (type == PROTOCOL_FRAGMENT) {
		set16(header + 2, fragment->offset | (fragment->more ? 1 : 0));
		set32(header + 4, fragment->id);
	} else if (type != PROTOCOL_ROUTING) {
		header[2] = 1; /* PadN over the rest: RFC 8200 4.2 */
		header[3] = 4;
	}
}

/* The extension headers to write: as named, and the fragment header behind them. */
static size_t list_extensions(const struct frame_fields *fields, uint8_t *types)
{
	size_t count = fields->extension_count;

	memcpy(types, fields->extensions, count);
	if (fields->fragment.present && !memchr(types, PROTOCOL_FRAGMENT, count))
		types[count++] = PROTOCOL_FRAGMENT;
	return count;
}

static void put_ipv6(struct writer *writer, const struct frame_fields *fields)
{
	uint8_t types[FRAME_EXTENSIONS_MAX + 2];
	size_t count = list_extensions(fields, types);
	uint8_t *header = put(writer, 40);
	size_t start = writer->length;

	if (!header)
		return;
	types[count] = fields->protocol;
	header[0] = 0x60;
	header[6] = types[0];
	header[7] = fields->hop_limit;
	memcpy(header + 8, fields->source.bytes, 16);
	memcpy(header + 24, fields->destination.bytes, 16);
	for (size_t i = 0; i < count; i++)
		put_extension(writer, types[i], types[i + 1], &fields->fragment);
	put_l4(writer, fields);
	if (writer->length - start > IP_BYTES_MAX)
		writer->full = true;
	set16(header + 4, (uint32_t)(writer->length - start));
}

/* ------------------------------------------------------------ Ethernet --------------------------
 */

/* The outer tags are service tags, the innermost a customer's: IEEE 802.1ad. */
static void put_ethernet(struct writer *writer, const struct frame_fields *fields,
			 uint16_t ethertype)
{
	put_bytes(writer, destination_mac, sizeof(destination_mac));
	put_bytes(writer, source_mac, sizeof(source_mac));
	for (size_t i = 0; i < fields->vlan_count; i++) {
		put16(writer, i + 1 == fields->vlan_count ? 0x8100 : 0x88a8);
		put16(writer, fields->vlan_ids[i]);
	}
	put16(writer, ethertype);
}

static bool options_are_sound(uint8_t bytes)
{
	return bytes <= OPTIONS_BYTES_MAX && bytes % 4 == 0;
}

static bool fields_are_sound(const struct frame_fields *fields)
{
	const struct frame_fragment *fragment = &fields->fragment;
	uint8_t family = fields->source.family;

	if ((family != 4 && family != 6) || fields->destination.family != family)
		return false;
	if (fields->vlan_count > FRAME_VLAN_TAGS_MAX ||
	    fields->extension_count > FRAME_EXTENSIONS_MAX)
		return false;
	if (!options_are_sound(fields->ipv4_options) || !options_are_sound(fields->tcp_options))
		return false;
	if (family == 4 && (fields->extension_count > 0 || fragment->id > 65535))
		return false;
	return fragment->offset % 8 == 0 && fragment->offset <= 65528;
}

int frame_build(const struct frame_fields *fields, void *buffer, size_t size, size_t *ret_length)
{
	struct writer writer = {.bytes = buffer, .size = size};

	if (!fields_are_sound(fields))
		return -EINVAL;
	if (fields->source.family == 4) {
		put_ethernet(&writer, fields, 0x0800);
		put_ipv4(&writer, fields);
	} else {
		put_ethernet(&writer, fields, 0x86dd);
		put_ipv6(&writer, fields);
	}
	if (writer.full)
		return -EMSGSIZE;
	*ret_length = writer.length;
	return 0;
}

int frame_build_arp(const struct frame_fields *fields, void *buffer, size_t size,
		    size_t *ret_length)
{
	static const uint8_t start[8] = {0, 1, 0x08, 0x00, 6, 4, 0, 1}; /* RFC 826: request */
	struct writer writer = {.bytes = buffer, .size = size};

	if (!fields_are_sound(fields) || fields->source.family != 4)
		return -EINVAL;
	put_ethernet(&writer, fields, 0x0806);
	put_bytes(&writer, start, sizeof(start));
	put_bytes(&writer, source_mac, sizeof(source_mac));
	put_bytes(&writer, fields->source.bytes, 4);
	put_fill(&writer, 0, sizeof(destination_mac));
	put_bytes(&writer, fields->destination.bytes, 4);
	if (writer.full)
		return -EMSGSIZE;
	*ret_length = writer.length;
	return 0;
}
