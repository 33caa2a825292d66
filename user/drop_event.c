/* SPDX-License-Identifier: BSD-2-Clause */
#include "drop_event.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "frame.h"
#include "model_parse.h"
#include "service.h"
#include "words.h"

#define NANOSECONDS    UINT64_C(1000000000)
#define MAC_PAIR_BYTES 12u /* both addresses: what lies before a tag */
#define VLAN_TAG_BYTES 4u
#define VLAN_ID_MASK   0x0fffu
#define TIME_BYTES     40
#define FLAGS_BYTES    32

uint32_t drop_frame(const struct drop *drop, uint8_t *frame, uint32_t *ret_length)
{
	const struct drop_event *event = &drop->event;
	uint32_t captured = event->captured;

	if (captured > DROP_EVENT_FRAME_BYTES)
		captured = DROP_EVENT_FRAME_BYTES;
	*ret_length = event->length;
	if (!event->vlan_protocol || captured < MAC_PAIR_BYTES) {
		memcpy(frame, event->frame, captured);
		return captured;
	}
	memcpy(frame, event->frame, MAC_PAIR_BYTES);
	frame[MAC_PAIR_BYTES] = (uint8_t)(event->vlan_protocol >> 8);
	frame[MAC_PAIR_BYTES + 1] = (uint8_t)event->vlan_protocol;
	frame[MAC_PAIR_BYTES + 2] = (uint8_t)(event->vlan_tci >> 8);
	frame[MAC_PAIR_BYTES + 3] = (uint8_t)event->vlan_tci;
	memcpy(frame + MAC_PAIR_BYTES + VLAN_TAG_BYTES, event->frame + MAC_PAIR_BYTES,
	       captured - MAC_PAIR_BYTES);
	*ret_length += VLAN_TAG_BYTES;
	return captured + VLAN_TAG_BYTES;
}

/*
 * Reads the packet as far as the captured bytes go: what was not captured is taken as zeros, since
 * lengths are held against the bytes that there are. False: nothing to be read there.
 */
static bool read_packet(const struct drop *drop, struct packet *ret_packet)
{
	uint8_t frame[FRAME_BYTES_MAX] = {0};
	uint32_t length;
	uint32_t captured = drop_frame(drop, frame, &length);

	if (length < captured)
		length = captured;
	if (length > sizeof(frame))
		length = sizeof(frame);
	return packet_parse(frame, length, ret_packet) == REASON_NONE;
}

/* ------------------------------------------------------------ words */

/* "2026-11-21T01:00:14.123456Z": to the microsecond, which is what the clock is worth. */
static const char *format_time(uint64_t time, char *buffer /* TIME_BYTES */)
{
	time_t seconds = (time_t)(time / NANOSECONDS);
	struct tm parts;
	size_t length;

	gmtime_r(&seconds, &parts);
	length = strftime(buffer, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(buffer + length, TIME_BYTES - length, ".%06" PRIu64 "Z",
		 time % NANOSECONDS / 1000);
	return buffer;
}

/* "SYN+ACK", as packet lines have it. */
static const char *format_flags(uint8_t flags, char *buffer /* FLAGS_BYTES */)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {{FRAME_TCP_SYN, "SYN"}, {FRAME_TCP_FIN, "FIN"}, {FRAME_TCP_RST, "RST"},
		     {FRAME_TCP_PSH, "PSH"}, {FRAME_TCP_ACK, "ACK"}, {FRAME_TCP_URG, "URG"}};
	size_t length = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].bit)
			length += (size_t)snprintf(buffer + length, FLAGS_BYTES - length, "%s%s",
						   length ? "+" : "", names[i].name);
	return buffer;
}

static bool has_ports(const struct packet *packet)
{
	return packet->part != PART_LATER &&
	       (packet->transport == TRANSPORT_TCP || packet->transport == TRANSPORT_UDP ||
		packet->transport == TRANSPORT_SCTP);
}

static bool has_message(const struct packet *packet)
{
	return packet->part != PART_LATER && packet->transport == TRANSPORT_ICMP;
}

/* What stands behind the addresses: a tag's, where there is one. */
static unsigned ethertype(const struct drop *drop)
{
	const uint8_t *frame = drop->event.frame;

	if (drop->event.captured < MAC_PAIR_BYTES + 2)
		return 0;
	return (unsigned)frame[MAC_PAIR_BYTES] << 8 | frame[MAC_PAIR_BYTES + 1];
}

static void format_mac(const uint8_t *bytes, char *buffer /* 18 bytes */)
{
	snprintf(buffer, 18, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
		 bytes[3], bytes[4], bytes[5]);
}

/* ------------------------------------------------------------ a line */

static void print_end(const struct address *address, uint16_t port, bool with_port, FILE *out)
{
	char text[ADDRESS_TEXT_MAX];

	address_format(address, text);
	if (!with_port)
		fputs(text, out);
	else if (address->family == 6)
		fprintf(out, "[%s]:%u", text, port);
	else
		fprintf(out, "%s:%u", text, port);
}

static void print_packet(const struct packet *packet, FILE *out)
{
	char text[FLAGS_BYTES];

	fprintf(out, "%s ", protocol_name(packet->protocol, text));
	print_end(&packet->source, packet->source_port, has_ports(packet), out);
	fputs(" > ", out);
	print_end(&packet->destination, packet->destination_port, has_ports(packet), out);
	if (has_ports(packet) && packet->transport == TRANSPORT_TCP)
		fprintf(out, " %s", format_flags(packet->tcp_flags, text));
	if (has_message(packet))
		fprintf(out, " type %u code %u", packet->icmp_type, packet->icmp_code);
	if (packet->part == PART_FIRST)
		fprintf(out, " fragment 0");
	if (packet->part == PART_LATER)
		fprintf(out, " fragment %u", packet->offset);
}

static void print_frame(const struct drop *drop, FILE *out)
{
	char from[18], to[18];

	if (drop->event.captured < MAC_PAIR_BYTES + 2) {
		fputs("a frame without a whole Ethernet header", out);
		return;
	}
	format_mac(drop->event.frame, to);
	format_mac(drop->event.frame + 6, from);
	fprintf(out, "ethertype 0x%04x %s > %s", ethertype(drop), from, to);
}

/* "e0 in drop closed-port" */
static void print_what(const struct drop *drop, FILE *out)
{
	fprintf(out, "%s %s %s %s", drop->interface, direction_name(drop->event.direction),
		drop->event.verdict == VERDICT_DROP ? "drop" : "would-drop",
		reason_name((enum reason)drop->event.reason));
}

void drop_print_rest(const struct drop *rest, FILE *out)
{
	print_what(rest, out);
	if (rest->role)
		fprintf(out, ", peer %s", rest->role);
	fprintf(out, ": %" PRIu64 " more since the last of these\n", rest->more);
}

void drop_print(const struct drop *drop, FILE *out)
{
	const struct drop_event *event = &drop->event;
	enum reason reason = (enum reason)event->reason;
	char time[TIME_BYTES];
	struct packet packet;

	fprintf(out, "%s ", format_time(drop->time, time));
	print_what(drop, out);
	fputc(' ', out);
	if (read_packet(drop, &packet))
		print_packet(&packet, out);
	else
		print_frame(drop, out);
	if (event->vlan_protocol)
		fprintf(out, " vlan %u", event->vlan_tci & VLAN_ID_MASK);
	fprintf(out, ", %u bytes", event->length);
	if (drop->role)
		fprintf(out, ", peer %s", drop->role);
	if (drop->rule)
		fprintf(out, ", rule %s", drop->rule);
	fprintf(out, ": %s", reason_meaning(reason));
	if (drop->has_more && drop->more)
		fprintf(out, " (+%" PRIu64 " more since the last)", drop->more);
	fputc('\n', out);
}

/* ------------------------------------------------------------ JSON */

static void packet_json(const struct packet *packet, json_t *object)
{
	char text[ADDRESS_TEXT_MAX];

	json_object_set_new(object, "l4", json_string(protocol_name(packet->protocol, text)));
	json_object_set_new(object, "protocol", json_integer(packet->protocol));
	json_object_set_new(object, "source", json_string(address_format(&packet->source, text)));
	json_object_set_new(object, "destination",
			    json_string(address_format(&packet->destination, text)));
	json_object_set_new(object, "hop_limit", json_integer(packet->hop_limit));
	if (has_ports(packet)) {
		json_object_set_new(object, "source_port", json_integer(packet->source_port));
		json_object_set_new(object, "destination_port",
				    json_integer(packet->destination_port));
	}
	if (has_ports(packet) && packet->transport == TRANSPORT_TCP)
		json_object_set_new(object, "tcp_flags",
				    json_string(format_flags(packet->tcp_flags, text)));
	if (has_message(packet)) {
		json_object_set_new(object, "icmp_type", json_integer(packet->icmp_type));
		json_object_set_new(object, "icmp_code", json_integer(packet->icmp_code));
	}
	if (packet->part != PART_WHOLE)
		json_object_set_new(object, "fragment",
				    json_pack("{s:I, s:I}", "id",
					      (json_int_t)packet->identification, "offset",
					      (json_int_t)packet->offset));
}

static json_t *frame_json(const struct drop *drop)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t frame[DROP_FRAME_BYTES_MAX];
	char text[2 * DROP_FRAME_BYTES_MAX];
	uint32_t length;
	uint32_t captured = drop_frame(drop, frame, &length);

	for (uint32_t i = 0; i < captured; i++) {
		text[2 * i] = digits[frame[i] >> 4];
		text[2 * i + 1] = digits[frame[i] & 15];
	}
	return json_stringn(text, (size_t)captured * 2);
}

json_t *drop_json(const struct drop *drop)
{
	const struct drop_event *event = &drop->event;
	enum reason reason = (enum reason)event->reason;
	char time[TIME_BYTES];
	struct packet packet;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?}", "time",
		format_time(drop->time, time), "interface", drop->interface, "direction",
		direction_name(event->direction), "verdict", verdict_name(event->verdict), "judged",
		verdict_name(VERDICT_DROP), "reason", reason_name(reason), "meaning",
		reason_meaning(reason), "role", drop->role, "rule", drop->rule);

	json_object_set_new(object, "generation", json_integer(event->generation));
	json_object_set_new(object, "packets", json_integer((json_int_t)event->packets));
	json_object_set_new(object, "more_since_last",
			    drop->has_more ? json_integer((json_int_t)drop->more) : json_null());
	if (read_packet(drop, &packet))
		packet_json(&packet, object);
	else
		json_object_set_new(object, "ethertype", json_integer(ethertype(drop)));
	if (event->vlan_protocol)
		json_object_set_new(object, "vlan", json_integer(event->vlan_tci & VLAN_ID_MASK));
	json_object_set_new(object, "length", json_integer(event->length));
	json_object_set_new(object, "frame", frame_json(drop));
	return object;
}
