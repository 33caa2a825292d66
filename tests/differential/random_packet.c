/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_packet.h"
#include "random_link.h"

#include <string.h>

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
	IP_OFFSET = 14,
	QUOTE_BYTES_MAX = 256,
	JUMBO_BYTES_MIN = 3000, /* about what one buffer of a test run holds */
	JUMBO_BYTES_MAX = 8900,
	REMEMBERED_BYTES_MAX = 64,
};

static const uint8_t all_flags[] = {
	FRAME_TCP_SYN,
	FRAME_TCP_SYN,
	FRAME_TCP_SYN | FRAME_TCP_ACK,
	FRAME_TCP_SYN | FRAME_TCP_ACK,
	FRAME_TCP_ACK,
	FRAME_TCP_ACK,
	FRAME_TCP_PSH | FRAME_TCP_ACK,
	FRAME_TCP_FIN | FRAME_TCP_ACK,
	FRAME_TCP_RST,
	FRAME_TCP_RST | FRAME_TCP_ACK,
	FRAME_TCP_FIN,
	FRAME_TCP_SYN | FRAME_TCP_FIN,
	FRAME_TCP_SYN | FRAME_TCP_RST,
	FRAME_TCP_SYN | FRAME_TCP_ACK | FRAME_TCP_RST,
	FRAME_TCP_SYN | FRAME_TCP_ECE | FRAME_TCP_CWR,
	0,
	0xff,
};

static const char *const odd_v4[] = {"0.0.0.0",	   "0.1.2.3",	      "127.0.0.1",  "224.0.0.1",
				     "224.0.0.18", "255.255.255.255", "10.1.0.1",   "10.1.0.10",
				     "239.1.2.3",  "240.0.0.1",	      "169.254.1.1"};
static const char *const odd_v6[] = {
	"::",	    "::1",     "ff02::1",	"ff02::1:ff00:1", "ff05::1",
	"ff02::12", "fe80::2", "2001:db8:1::1", "2001:db8:1::10", "::ffff:10.1.0.1"};

static struct address address(const char *text)
{
	struct address result = {0};

	address_parse(text, &result);
	return result;
}

static struct address odd_address(struct random *random, uint8_t family)
{
	return address(family == 4 ? random_of(random, odd_v4) : random_of(random, odd_v6));
}

/* ------------------------------------------------------------ edges -----------------------------
 */

/* One up or down, with carry. */
static void step_address(struct address *address, bool up)
{
	for (int i = address->family == 4 ? 3 : 15; i >= 0; i--) {
		address->bytes[i] = (uint8_t)(address->bytes[i] + (up ? 1 : -1));
		if (address->bytes[i] != (up ? 0 : 0xff))
			break;
	}
}

/* Its first, its last, one inside, or one just outside at either edge. */
static struct address near_prefix(struct random *random, const struct prefix *prefix)
{
	struct address first = prefix->address;
	struct address last = first;
	struct address inside = first;

	for (unsigned bit = prefix->length; bit < address_bits(&first); bit++) {
		last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		if (random_percent(random, 50))
			inside.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	}
	switch (random_below(random, 12)) {
	case 0:
		step_address(&first, false);
		return first;
	case 1:
		step_address(&last, true);
		return last;
	case 2:
	case 3:
		return last;
	case 4:
	case 5:
		return inside;
	default:
		return first;
	}
}

static struct address near_list(struct random *random, const struct prefix_list *list)
{
	return near_prefix(random, &list->items[random_below(random, (uint32_t)list->count)]);
}

static uint16_t near_ports(struct random *random, const struct port_list *list)
{
	const struct port_range *range = &list->items[random_below(random, (uint32_t)list->count)];

	switch (random_below(random, 12)) {
	case 0:
		return (uint16_t)(range->first - 1);
	case 1:
		return (uint16_t)(range->last + 1);
	case 2:
	case 3:
		return range->last;
	case 4:
		return (uint16_t)random_between(random, range->first, range->last);
	default:
		return range->first;
	}
}

/* Of this family if there is one: lists are of both. */
static struct address near_list_of(struct random *random, const struct prefix_list *list,
				   uint8_t family)
{
	struct address address = {0};

	for (int attempt = 0; attempt < 8 && address.family != family; attempt++)
		address = near_list(random, list);
	return address.family == family ? address : odd_address(random, family);
}

/* ------------------------------------------------------------ directed at rules -----------------
 */

static void set_icmp_echo(struct random *random, struct frame_fields *fields, bool reply)
{
	bool v4 = fields->source.family == 4;

	fields->icmp_type = (uint8_t)(v4 ? (reply ? 0 : 8) : (reply ? 129 : 128));
	fields->icmp_code = random_percent(random, 10) ? 1 : 0;
	fields->icmp_id = (uint16_t)random_between(random, 1, 3);
}

static bool is_icmp(const struct frame_fields *fields)
{
	return fields->protocol == (fields->source.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6);
}

static void swap_ends(struct frame_fields *fields)
{
	struct address address = fields->source;
	uint16_t port = fields->source_port;

	fields->source = fields->destination;
	fields->destination = address;
	fields->source_port = fields->destination_port;
	fields->destination_port = port;
}

static void set_payload(struct packet_source *source, struct frame_fields *fields, size_t length)
{
	fields->payload = source->payload;
	fields->payload_length = length;
}

static const struct match *random_match(struct packet_source *source, enum direction *ret_direction)
{
	const struct host_policy *policy = source->policy;
	const struct rule *rule =
		&policy->rules[random_below(source->random, (uint32_t)policy->rule_count)];

	*ret_direction = rule->direction;
	return &rule->matches[random_below(source->random, (uint32_t)rule->match_count)];
}

/* What a match is about, or nearly; local is the opener of out rules, the listener of in rules. */
static void by_rule(struct packet_source *source, struct spoken *spoken)
{
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	const struct match *match = random_match(source, &spoken->direction);
	const struct match *other = match;
	enum direction ignored;
	uint16_t local_port;
	uint16_t remote_port;
	struct address local;
	struct address remote = near_list(random, match->remote);

	if (random_percent(random, 15))
		other = random_match(source, &ignored); /* one rule's ports, another's addresses */
	local = match->local ? near_list_of(random, match->local, remote.family)
			     : near_list_of(random, &source->policy->own, remote.family);
	local_port = near_ports(random, &other->local_ports);
	remote_port = near_ports(random, &other->remote_ports);
	fields->protocol = other->protocol;
	if (random_percent(random, 4))
		local = odd_address(random, remote.family);
	if (random_percent(random, 4))
		remote = odd_address(random, remote.family);
	if (spoken->direction == DIRECTION_IN) {
		fields->source = remote;
		fields->destination = local;
		fields->source_port = remote_port;
		fields->destination_port = local_port;
	} else {
		fields->source = local;
		fields->destination = remote;
		fields->source_port = local_port;
		fields->destination_port = remote_port;
	}
	fields->tcp_flags =
		random_percent(random, 70) ? FRAME_TCP_SYN : random_of(random, all_flags);
	if (is_icmp(fields))
		set_icmp_echo(random, fields, random_percent(random, 15));
	if (random_percent(random, 3))
		fields->protocol = (uint8_t)random_below(random, 256);
}

/* An answer, or a wrong one, to an earlier packet. */
static void answer(struct packet_source *source, struct spoken *spoken)
{
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	bool reply;

	swap_ends(fields);
	spoken->direction = spoken->direction == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
	fields->tcp_flags = random_of(random, all_flags);
	if (is_icmp(fields)) {
		reply = fields->icmp_type == 8 || fields->icmp_type == 128;
		set_icmp_echo(random, fields, reply);
	}
	if (random_percent(random, 5))
		fields->source_port = (uint16_t)(fields->source_port + 1);
	if (random_percent(random, 5))
		fields->destination_port = (uint16_t)(fields->destination_port - 1);
	if (random_percent(random, 5))
		step_address(&fields->source, true);
}

/* ------------------------------------------------------------ other kinds -----------------------
 */

static void remember_datagram(struct packet_source *source, const struct spoken *spoken)
{
	source->datagrams[source->datagram_count++ % DATAGRAMS] = *spoken;
}

/* A later part of a datagram whose first was sent, or of one with the other's number. */
static void later_fragment(struct packet_source *source, struct spoken *spoken)
{
	static const uint16_t offsets[] = {8, 16, 24, 32, 40, 48, 64, 1480, 65528};
	struct random *random = source->random;
	size_t held = source->datagram_count < DATAGRAMS ? source->datagram_count : DATAGRAMS;

	if (held)
		*spoken = source->datagrams[random_below(random, (uint32_t)held)];
	spoken->fields.fragment.present = true;
	spoken->fields.fragment.offset = random_of(random, offsets);
	spoken->fields.fragment.more = random_percent(random, 50);
	if (random_percent(random, 5))
		spoken->fields.fragment.id++;
	if (random_percent(random, 5))
		spoken->fields.protocol++;
	set_payload(source, &spoken->fields, random_between(random, 1, 4) * 8u);
	if (random_percent(random, 5))
		spoken->fields.payload_length--;
}

static void first_fragment(struct packet_source *source, struct spoken *spoken)
{
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	size_t header = frame_l4_bytes(fields->source.family, fields->protocol);
	size_t length = random_between(random, 1, 6) * 8u;

	fields->fragment = (struct frame_fragment){true, true, random_between(random, 1, 3), 0};
	set_payload(source, fields,
		    random_percent(random, 5) ? length + 1 : length + (8 - header % 8) % 8);
	remember_datagram(source, spoken);
	if (random_percent(random, 8)) { /* too little of its L4 header */
		fields->bare = true;
		set_payload(source, fields, random_percent(random, 50) ? 8 : 16);
	} else if (random_percent(random, 4)) {
		fields->fragment.more = false; /* RFC 6946: no fragment at all, over IPv6 */
	}
}

static void random_extensions(struct packet_source *source, struct frame_fields *fields)
{
	static const uint8_t types[] = {0, 43, 43, 60, 60, 60, 44};
	struct random *random = source->random;

	if (fields->source.family == 4) {
		fields->ipv4_options = (uint8_t)(random_between(random, 0, 10) * 4);
		return;
	}
	fields->extension_count = random_between(random, 1, random_percent(random, 80) ? 3 : 10);
	for (size_t i = 0; i < fields->extension_count; i++)
		fields->extensions[i] =
			i == 0 && random_percent(random, 30) ? 0 : random_of(random, types);
}

static void neighbour_discovery(struct packet_source *source, struct spoken *spoken)
{
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;

	spoken->direction = (enum direction)random_below(random, 2);
	fields->protocol = PROTOCOL_ICMPV6;
	fields->source = random_percent(random, 50) ? address("fe80::2") : odd_address(random, 6);
	if (random_percent(random, 15))
		fields->source = near_list_of(random, &source->policy->own, 6);
	fields->destination = odd_address(random, 6);
	fields->icmp_type = (uint8_t)random_between(random, 132, 138);
	fields->hop_limit =
		random_percent(random, 80) ? 255 : (uint8_t)random_between(random, 254, 255);
	set_payload(source, fields, 16);
}

static void dhcp(struct packet_source *source, struct spoken *spoken)
{
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	bool v4 = random_percent(random, 50);

	spoken->direction = (enum direction)random_below(random, 2);
	fields->protocol = PROTOCOL_UDP;
	fields->source = address(v4 ? "10.2.0.1" : "fe80::2");
	fields->destination = address(v4 ? "255.255.255.255" : "fe80::1");
	fields->source_port = v4 ? 67 : 547;
	fields->destination_port = v4 ? 68 : 546;
	if ((spoken->direction == DIRECTION_OUT) != random_percent(random, 10))
		swap_ends(fields);
	if (fields->source.bytes[0] == 255)
		fields->source = address("10.1.0.1");
	if (random_percent(random, 5))
		fields->source_port++;
}

static void oddity(struct packet_source *source, struct spoken *spoken)
{
	static const uint8_t protocols[] = {0,	1,  2,	6,  17, 41,  43,  44,
					    47, 50, 58, 59, 60, 112, 132, 255};
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	uint8_t family = random_percent(random, 50) ? 4 : 6;

	spoken->direction = (enum direction)random_below(random, 2);
	fields->source = odd_address(random, family);
	fields->destination = odd_address(random, family);
	fields->protocol = random_of(random, protocols);
	fields->source_port = (uint16_t)random_next(random);
	fields->destination_port = (uint16_t)random_next(random);
	fields->tcp_flags = random_of(random, all_flags);
	fields->icmp_type = (uint8_t)random_below(random, 256);
	fields->icmp_code = (uint8_t)random_below(random, 4);
	set_payload(source, fields, random_below(random, 64));
}

/* About an earlier packet, quoted from its IP header on, whole, cut short or changed. */
static void icmp_error(struct packet_source *source, struct spoken *spoken)
{
	static const uint8_t types_v4[] = {3, 3, 3, 11, 12, 4, 5};
	static const uint8_t types_v6[] = {1, 2, 2, 3, 4, 5, 137};
	struct random *random = source->random;
	struct spoken quoted = *spoken;
	struct frame_fields *fields = &spoken->fields;
	uint8_t frame[PACKET_BYTES_MAX];
	size_t length = 0;
	uint8_t family = quoted.fields.source.family;

	quoted.fields.vlan_count = 0;
	if (quoted.fields.payload_length > QUOTE_BYTES_MAX)
		quoted.fields.payload_length = QUOTE_BYTES_MAX;
	if (frame_build(&quoted.fields, frame, sizeof(frame), &length))
		return;
	length -= IP_OFFSET;
	if (random_percent(random, 40))
		length = random_below(random, (uint32_t)length + 1);
	memcpy(source->payload, frame + IP_OFFSET, length);
	if (random_percent(random, 15) && length)
		source->payload[random_below(random, (uint32_t)length)] ^=
			(uint8_t)(1u << random_below(random, 8));
	if (random_percent(random, 3))
		family = family == 4 ? 6 : 4;
	*fields = (struct frame_fields){.hop_limit = 64};
	fields->source = quoted.fields.destination;
	fields->destination = quoted.fields.source;
	spoken->direction = quoted.direction == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
	if (random_percent(random, 5))
		step_address(&fields->destination, true);
	/* From a router on the way: what arrives is from anywhere, what leaves is from here. */
	if (spoken->direction == DIRECTION_IN && random_percent(random, 60))
		fields->source = address(fields->source.family == 4 ? "198.51.100.1" : "fe80::2");
	if (random_percent(random, 5))
		fields->source = near_list_of(random, &source->policy->own, fields->source.family);
	if (family != fields->source.family) {
		fields->source = odd_address(random, family);
		fields->destination = odd_address(random, family);
	}
	fields->protocol = family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
	fields->icmp_type = family == 4 ? random_of(random, types_v4) : random_of(random, types_v6);
	set_payload(source, fields, length);
	if (random_percent(random, 3))
		fields->fragment = (struct frame_fragment){true, true, 1, 0};
}

/* ------------------------------------------------------------ lies ------------------------------
 */

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A length that is not true. ip is the offset of the IP header. */
static void lie(struct random *random, struct random_packet *packet, size_t ip)
{
	uint8_t *frame = packet->frame;
	bool v4 = packet->length > ip && frame[ip] >> 4 == 4;
	size_t l4 = ip + (v4 ? 20 : 40);
	uint32_t length = (uint32_t)random_below(random, (uint32_t)packet->length + 8);

	if (packet->length < l4 + 14)
		return;
	switch (random_below(random, 5)) {
	case 0:
		frame[ip] = (uint8_t)((frame[ip] & 0xf0) | random_below(random, 16));
		break;
	case 1:
		put16(frame + ip + (v4 ? 2 : 4), length);
		break;
	case 2: /* the length of UDP, part of TCP's sequence number */
		put16(frame + l4 + 4, length);
		break;
	case 3: /* the data offset of TCP */
		frame[l4 + 12] = (uint8_t)(random_below(random, 16) << 4);
		break;
	default: /* the length of the first extension header, or whatever stands there */
		frame[l4 + 1] = (uint8_t)random_below(random, 4);
		break;
	}
}

static void mutate(struct random *random, struct random_packet *packet, size_t ip)
{
	uint32_t reach = (uint32_t)(packet->length < 96 ? packet->length : 96);
	size_t padding;

	switch (random_below(random, 5)) {
	case 0:
	case 1:
		packet->length = random_between(random, PACKET_BYTES_MIN, (uint32_t)packet->length);
		break;
	case 2:
		lie(random, packet, ip);
		break;
	case 3:
		packet->frame[random_below(random, reach)] ^=
			(uint8_t)(1u << random_below(random, 8));
		break;
	default: /* bytes behind the IP packet, which nothing may look at */
		padding = random_between(random, 1, 40);
		if (packet->length + padding <= sizeof(packet->frame)) {
			memset(packet->frame + packet->length, 0xa5, padding);
			packet->length += padding;
		}
		break;
	}
}

static void other_ethertype(struct random *random, struct random_packet *packet, size_t ip)
{
	static const uint16_t types[] = {0x0806, 0x8809, 0x88cc, 0x888e, 0x0800,
					 0x86dd, 0x8100, 0x88a8, 0x8847, 0x0026};

	put16(packet->frame + ip - 2, random_of(random, types));
}

/* What media begins with, and what it does not; at the lengths that matter, and one off. */
static void media(struct packet_source *source, struct frame_fields *fields)
{
	static const uint8_t firsts[] = {0,  3,	 4,   15,  16,	19,  20,  63,  64,
					 79, 80, 127, 128, 128, 128, 128, 191, 192};
	static const uint8_t seconds[] = {0, 96, 191, 192, 200, 223, 224, 255};
	static const uint8_t channels[] = {0, 0, 1, 7, 8, 9, 15, 16, 17, 168, 169};
	static const size_t lengths[] = {0, 1, 3, 4, 5, 11, 12, 13, 14, 19, 20, 21, 172};
	struct random *random = source->random;

	source->payload[0] = random_of(random, firsts);
	source->payload[1] = random_of(random, seconds);
	/* How much a channel of TURN says that there is in it. */
	source->payload[2] = random_percent(random, 10) ? 1 : 0;
	source->payload[3] = random_of(random, channels);
	if (!fields->fragment.present)
		set_payload(source, fields, random_of(random, lengths));
}

/* ------------------------------------------------------------ all of it -------------------------
 */

static void choose(struct packet_source *source, struct spoken *spoken)
{
	struct random *random = source->random;
	uint32_t dice = random_below(random, 100);
	bool has_history = source->spoken > 0;
	size_t held = source->spoken < PACKET_HISTORY ? source->spoken : PACKET_HISTORY;

	*spoken = (struct spoken){.fields = {.hop_limit = 64}};
	if (has_history && dice < 62)
		*spoken = source->history[random_below(random, (uint32_t)held)];
	if (has_history && dice < 32) {
		answer(source, spoken);
	} else if (has_history && dice < 45) {
		spoken->fields.tcp_flags = random_of(random, all_flags);
	} else if (has_history && dice < 48) {
		first_fragment(source, spoken);
	} else if (has_history && dice < 53) {
		later_fragment(source, spoken);
	} else if (has_history && dice < 62) {
		icmp_error(source, spoken);
	} else if (dice < 66) {
		neighbour_discovery(source, spoken);
	} else if (dice < 68) {
		dhcp(source, spoken);
	} else if (dice < 71) {
		oddity(source, spoken);
	} else if (dice < 74) {
		random_ping(source, spoken);
	} else if (dice < 77) {
		random_membership(source, spoken);
	} else {
		by_rule(source, spoken);
		if (random_percent(random, 10))
			first_fragment(source, spoken);
	}
	if (spoken->fields.protocol == PROTOCOL_UDP && random_percent(random, 70))
		media(source, &spoken->fields);
	if (random_percent(random, 5))
		random_extensions(source, &spoken->fields);
	if (random_percent(random, 5))
		spoken->fields.tcp_options = (uint8_t)(random_between(random, 0, 10) * 4);
	if (random_percent(random, 5))
		random_tags(random, &spoken->fields);
	if (random_percent(random, 2))
		spoken->fields.bare = true;
	/* Leaving frames of a test run are in one buffer. */
	if (spoken->direction == DIRECTION_IN && random_percent(random, 2))
		set_payload(source, &spoken->fields,
			    random_between(random, JUMBO_BYTES_MIN, JUMBO_BYTES_MAX));
}

/* Errors and fragments are not answered; what was said before them goes on. */
static void remember(struct packet_source *source, const struct spoken *spoken)
{
	struct spoken *slot;

	if (spoken->fields.fragment.present && random_percent(source->random, 50))
		return;
	slot = &source->history[random_below(source->random, PACKET_HISTORY)];
	if (source->spoken < PACKET_HISTORY)
		slot = &source->history[source->spoken];
	*slot = *spoken;
	slot->fields.vlan_count = 0;
	slot->fields.extension_count = 0;
	slot->fields.bare = false;
	if (slot->fields.payload_length > REMEMBERED_BYTES_MAX)
		slot->fields.payload_length = REMEMBERED_BYTES_MAX;
	if (random_percent(source->random, 70))
		slot->fields.fragment = (struct frame_fragment){0};
	source->spoken++;
}

static uint32_t random_pause(struct random *random)
{
	uint32_t dice = random_below(random, 1000);

	if (dice < 600)
		return 0;
	if (dice < 950)
		return random_between(random, 1, 5);
	if (dice < 990)
		return random_between(random, 20, 250);
	return dice < 998 ? random_between(random, 900, 2100) : random_between(random, 4000, 61000);
}

void random_packet(struct packet_source *source, struct random_packet *ret_packet)
{
	struct random *random = source->random;
	struct spoken spoken;
	size_t ip;

	do {
		choose(source, &spoken);
	} while (frame_build(&spoken.fields, ret_packet->frame, sizeof(ret_packet->frame),
			     &ret_packet->length));
	remember(source, &spoken);
	ip = IP_OFFSET + 4 * spoken.fields.vlan_count;
	if (random_percent(random, 1))
		other_ethertype(random, ret_packet, ip);
	if (random_percent(random, 1) || (spoken.fields.vlan_count && random_percent(random, 20)))
		random_link_frame(random, ret_packet, spoken.fields.vlan_count);
	if (random_percent(random, 8))
		mutate(random, ret_packet, ip);
	ret_packet->direction = spoken.direction;
	ret_packet->bound = random_percent(random, 75);
	ret_packet->has_payload = random_percent(random, 80);
	ret_packet->after_ms = random_pause(random);
}
