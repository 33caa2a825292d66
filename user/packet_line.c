/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "diagnostic.h"
#include "frame.h"
#include "model_parse.h"

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_GRE = 47,
	PROTOCOL_ESP = 50,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
};

enum {
	DEFAULT_SOURCE_PORT = 40000,
	DEFAULT_ICMP_ID = 1,
	DEFAULT_HOP_LIMIT = 64,
	NEIGHBOUR_HOP_LIMIT = 255,
	ICMP4_ECHO = 8,
	ICMP6_ECHO = 128,
	ICMP6_NEIGHBOUR_FIRST = 133,
	ICMP6_NEIGHBOUR_LAST = 137,
	VLAN_ID_MAX = 4095,
	FRAGMENT_UNIT = 8,
};

static const char *const keys[] = {
	"id",
	"direction",
	"l4",
	"source",
	"source_port",
	"destination",
	"destination_port",
	"tcp_flags",
	"icmp_type",
	"icmp_code",
	"icmp_id",
	"protocol",
	"fragment",
	"hop_limit",
	"vlan",
	"payload",
	"frame",
	"at_ms",
	"bound",
	"reset",
};

/* What a line with "frame" may have besides. */
static const char *const frame_keys[] = {"id", "direction", "frame", "at_ms", "bound"};

static const char *const fragment_keys[] = {"id", "offset", "more"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void packet_line_clear(struct packet_line *line)
{
	json_decref(line->id);
	free(line->frame);
	*line = (struct packet_line){0};
}

/* ------------------------------------------------------------ typed values ----------------------
 */

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	default:
		return "null";
	}
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static int check_keys(const json_t *object, const char *const *known, size_t count,
		      const char *where, struct failure *failure)
{
	const char *nearest;
	json_t *value;
	const char *key;

	json_object_foreach ((json_t *)object, key, value) {
		if (is_one_of(key, known, count))
			continue;
		nearest = nearest_name(key, known, count);
		if (nearest)
			return fail(failure, EINVAL, "unknown key \"%s\"%s; did you mean \"%s\"?",
				    key, where, nearest);
		return fail(failure, EINVAL, "unknown key \"%s\"%s", key, where);
	}
	return 0;
}

/* An integer of 0 to most. Absent: the default stays in ret_value. */
static int read_number(const json_t *object, const char *key, uint64_t most, uint64_t *ret_value,
		       struct failure *failure)
{
	const json_t *value = json_object_get(object, key);
	json_int_t number;

	if (!value)
		return 0;
	if (!json_is_integer(value))
		return fail(failure, EINVAL,
			    "\"%s\" is %s; it must be a whole number from 0 to %llu", key,
			    type_name(value), (unsigned long long)most);
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number > most)
		return fail(failure, EINVAL, "\"%s\" is %lld; it must be from 0 to %llu", key,
			    (long long)number, (unsigned long long)most);
	*ret_value = (uint64_t)number;
	return 0;
}

static int read_text(const json_t *object, const char *key, const char **ret_text,
		     struct failure *failure)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return fail(failure, EINVAL, "\"%s\" is %s; it must be a string", key,
			    type_name(value));
	*ret_text = json_string_value(value);
	return 0;
}

static int read_bool(const json_t *object, const char *key, bool *ret_value,
		     struct failure *failure)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return fail(failure, EINVAL, "\"%s\" is %s; it must be true or false", key,
			    type_name(value));
	*ret_value = json_is_true(value);
	return 0;
}

static int hex_digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

/* Hex digits without anything between. NULL and length 0 where the key is absent. Malloced. */
static int read_hex(const json_t *object, const char *key, uint8_t **ret_bytes, size_t *ret_length,
		    struct failure *failure)
{
	const char *text = NULL;
	uint8_t *bytes;
	size_t length;
	int error = read_text(object, key, &text, failure);

	if (error || !text)
		return error;
	length = strlen(text);
	if (length % 2 || strspn(text, "0123456789abcdefABCDEF") != length)
		return fail(failure, EINVAL,
			    "\"%s\" must be hex digits, two a byte, with nothing between them",
			    key);
	if (length / 2 > FRAME_BYTES_MAX)
		return fail(failure, EINVAL, "\"%s\" has %zu bytes; at most %u (FRAME_BYTES_MAX)",
			    key, length / 2, FRAME_BYTES_MAX);
	bytes = malloc(length / 2 + 1);
	if (!bytes)
		return fail(failure, ENOMEM, "out of memory");
	for (size_t i = 0; i < length / 2; i++)
		bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	*ret_bytes = bytes;
	*ret_length = length / 2;
	return 0;
}

/* ------------------------------------------------------------ addresses -------------------------
 */

static int need_text(const json_t *object, const char *key, const char *what, const char **ret_text,
		     struct failure *failure)
{
	int error = read_text(object, key, ret_text, failure);

	if (error)
		return error;
	if (!*ret_text)
		return fail(failure, EINVAL, "\"%s\" is missing: %s", key, what);
	return 0;
}

static bool name_address(const struct packet_names *names, const char *text, uint8_t family,
			 struct address *ret_address)
{
	if (address_parse(text, ret_address))
		return ret_address->family == family;
	return names && names->address(names->context, text, family, ret_address);
}

static int bad_address(const struct packet_names *names, const char *key, const char *text,
		       struct failure *failure)
{
	struct address address;

	if (address_parse(text, &address) || (names && (name_address(names, text, 4, &address) ||
							name_address(names, text, 6, &address))))
		return 0;
	if (names)
		return fail(failure, EINVAL,
			    "\"%s\" is \"%s\", which is no address, no host of the site and no "
			    "role with an address",
			    key, text);
	return fail(failure, EINVAL, "\"%s\" is \"%s\", which is no IPv4 or IPv6 address", key,
		    text);
}

/* Both ends in one family: IPv4 where names leave the choice. */
static int read_addresses(const json_t *object, const struct packet_names *names,
			  struct frame_fields *fields, struct failure *failure)
{
	const char *source = NULL;
	const char *destination = NULL;
	int error = need_text(object, "source", "the address the packet is from", &source, failure);

	if (!error)
		error = need_text(object, "destination", "the address the packet is for",
				  &destination, failure);
	if (error)
		return error;
	for (uint8_t family = 4; family <= 6; family += 2)
		if (name_address(names, source, family, &fields->source) &&
		    name_address(names, destination, family, &fields->destination))
			return 0;
	error = bad_address(names, "source", source, failure);
	if (!error)
		error = bad_address(names, "destination", destination, failure);
	if (error)
		return error;
	return fail(failure, EINVAL,
		    "\"source\" %s and \"destination\" %s are not of one family (IPv4 or IPv6)",
		    source, destination);
}

/* ------------------------------------------------------------ protocols -------------------------
 */

static const struct l4_name {
	const char *name;
	int protocol; /* -1: "protocol" says; ICMP: that of the family */
} l4_names[] = {
	{"tcp", PROTOCOL_TCP},	 {"udp", PROTOCOL_UDP},	      {"sctp", PROTOCOL_SCTP},
	{"icmp", PROTOCOL_ICMP}, {"icmpv6", PROTOCOL_ICMPV6}, {"esp", PROTOCOL_ESP},
	{"ah", PROTOCOL_AH},	 {"gre", PROTOCOL_GRE},	      {"ip", -1},
};

static int l4_by_name(const char *name, uint8_t family, int *ret_protocol, struct failure *failure)
{
	for (size_t i = 0; i < COUNT(l4_names); i++) {
		if (strcmp(name, l4_names[i].name) != 0)
			continue;
		*ret_protocol = l4_names[i].protocol;
		if (*ret_protocol == PROTOCOL_ICMP && family == 6)
			*ret_protocol = PROTOCOL_ICMPV6;
		if (*ret_protocol == PROTOCOL_ICMPV6 && family == 4)
			return fail(failure, EINVAL,
				    "\"l4\" is \"icmpv6\", but the addresses are IPv4: \"icmp\" is "
				    "right");
		return 0;
	}
	return fail(failure, EINVAL,
		    "\"l4\" is \"%s\"; it must be tcp, udp, sctp, icmp, icmpv6, esp, ah, gre, arp, "
		    "or ip with \"protocol\"",
		    name);
}

static int read_protocol(const json_t *object, struct frame_fields *fields, struct failure *failure)
{
	const char *name = NULL;
	uint64_t number = UINT64_MAX;
	int protocol = -1;
	int error = read_text(object, "l4", &name, failure);

	if (!error)
		error = read_number(object, "protocol", 255, &number, failure);
	if (!error && name)
		error = l4_by_name(name, fields->source.family, &protocol, failure);
	if (error)
		return error;
	if (protocol < 0 && number == UINT64_MAX)
		return fail(failure, EINVAL,
			    name ? "\"l4\" is \"ip\", so \"protocol\" must give the "
				   "number of the protocol"
				 : "\"l4\" is missing: tcp, udp, sctp, icmp, icmpv6, "
				   "esp, ah, gre, arp, or ip with \"protocol\"");
	if (protocol >= 0 && number != UINT64_MAX && number != (uint64_t)protocol)
		return fail(
			failure, EINVAL,
			"\"protocol\" is %llu, but \"l4\" says %s, which is %d: give one of them",
			(unsigned long long)number, name, protocol);
	fields->protocol = protocol >= 0 ? (uint8_t)protocol : (uint8_t)number;
	return 0;
}

static bool has_ports(const struct frame_fields *fields)
{
	return fields->protocol == PROTOCOL_TCP || fields->protocol == PROTOCOL_UDP ||
	       fields->protocol == PROTOCOL_SCTP;
}

static bool is_icmp(const struct frame_fields *fields)
{
	return fields->protocol == (fields->source.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6);
}

/* A key that this protocol has no place for. */
static int refuse_key(const json_t *object, const char *key, const char *of,
		      struct failure *failure)
{
	if (!json_object_get(object, key))
		return 0;
	return fail(failure, EINVAL, "\"%s\" contradicts \"l4\": only %s has it", key, of);
}

static int refuse_other_protocols(const json_t *object, const struct frame_fields *fields,
				  struct failure *failure)
{
	static const char *const port_keys[] = {"source_port", "destination_port"};
	static const char *const icmp_keys[] = {"icmp_type", "icmp_code", "icmp_id"};
	int error = 0;

	for (size_t i = 0; !error && !has_ports(fields) && i < COUNT(port_keys); i++)
		error = refuse_key(object, port_keys[i], "TCP, UDP and SCTP", failure);
	for (size_t i = 0; !error && !is_icmp(fields) && i < COUNT(icmp_keys); i++)
		error = refuse_key(object, icmp_keys[i], "ICMP (ICMPv6 over IPv6)", failure);
	if (!error && fields->protocol != PROTOCOL_TCP)
		error = refuse_key(object, "tcp_flags", "TCP", failure);
	return error;
}

static int tcp_flag(const char *name, size_t length)
{
	static const struct {
		const char *name;
		uint8_t flag;
	} flags[] = {
		{"FIN", FRAME_TCP_FIN}, {"SYN", FRAME_TCP_SYN}, {"RST", FRAME_TCP_RST},
		{"PSH", FRAME_TCP_PSH}, {"ACK", FRAME_TCP_ACK}, {"URG", FRAME_TCP_URG},
		{"ECE", FRAME_TCP_ECE}, {"CWR", FRAME_TCP_CWR},
	};

	for (size_t i = 0; i < COUNT(flags); i++)
		if (length == strlen(flags[i].name) &&
		    strncasecmp(name, flags[i].name, length) == 0)
			return flags[i].flag;
	return -1;
}

static int read_tcp_flags(const json_t *object, uint8_t *ret_flags, struct failure *failure)
{
	const char *text = "SYN";
	uint8_t flags = 0;
	size_t length;
	int flag;
	int error = read_text(object, "tcp_flags", &text, failure);

	if (error)
		return error;
	if (*text == '\0' || strcasecmp(text, "NONE") == 0) {
		*ret_flags = 0;
		return 0;
	}
	for (const char *at = text;; at += length + 1) {
		length = strcspn(at, "+");
		flag = tcp_flag(at, length);
		if (flag < 0)
			return fail(failure, EINVAL,
				    "\"tcp_flags\" is \"%s\"; it must be FIN, SYN, RST, PSH, ACK, "
				    "URG, ECE or CWR, joined by \"+\", or NONE",
				    text);
		flags |= (uint8_t)flag;
		if (at[length] == '\0')
			break;
	}
	*ret_flags = flags;
	return 0;
}

static int read_ports(const json_t *object, struct frame_fields *fields, struct failure *failure)
{
	uint64_t source = DEFAULT_SOURCE_PORT;
	uint64_t destination = UINT64_MAX;
	bool later = fields->fragment.offset > 0;
	int error = read_number(object, "source_port", 65535, &source, failure);

	if (!error)
		error = read_number(object, "destination_port", 65535, &destination, failure);
	if (error)
		return error;
	if (destination == UINT64_MAX && !later)
		return fail(failure, EINVAL, "\"destination_port\" is missing");
	fields->source_port = (uint16_t)source;
	fields->destination_port = (uint16_t)destination;
	return 0;
}

static int read_icmp(const json_t *object, struct frame_fields *fields, struct failure *failure)
{
	uint64_t type = fields->source.family == 4 ? ICMP4_ECHO : ICMP6_ECHO;
	uint64_t code = 0;
	uint64_t id = DEFAULT_ICMP_ID;
	int error = read_number(object, "icmp_type", 255, &type, failure);

	if (!error)
		error = read_number(object, "icmp_code", 255, &code, failure);
	if (!error)
		error = read_number(object, "icmp_id", 65535, &id, failure);
	fields->icmp_type = (uint8_t)type;
	fields->icmp_code = (uint8_t)code;
	fields->icmp_id = (uint16_t)id;
	return error;
}

static int read_l4(const json_t *object, struct frame_fields *fields, struct failure *failure)
{
	int error = refuse_other_protocols(object, fields, failure);

	if (!error && has_ports(fields))
		error = read_ports(object, fields, failure);
	if (!error && fields->protocol == PROTOCOL_TCP)
		error = read_tcp_flags(object, &fields->tcp_flags, failure);
	if (!error && is_icmp(fields))
		error = read_icmp(object, fields, failure);
	return error;
}

/* ------------------------------------------------------------ IP and Ethernet -------------------
 */

static int read_fragment(const json_t *object, struct frame_fields *fields, struct failure *failure)
{
	const json_t *value = json_object_get(object, "fragment");
	uint64_t id = 1;
	uint64_t offset = 0;
	bool more = false;
	int error;

	if (!value)
		return 0;
	if (!json_is_object(value))
		return fail(failure, EINVAL,
			    "\"fragment\" is %s; it must be an object like {\"id\": 7, \"offset\": "
			    "1480, \"more\": false}",
			    type_name(value));
	error = check_keys(value, fragment_keys, COUNT(fragment_keys), "", failure);
	if (!error)
		error = read_number(value, "id", fields->source.family == 4 ? 65535 : UINT32_MAX,
				    &id, failure);
	if (!error)
		error = read_number(value, "offset", 65528, &offset, failure);
	if (!error)
		error = read_bool(value, "more", &more, failure);
	if (error)
		return fail_prefix(failure, EINVAL, "in \"fragment\"");
	if (offset % FRAGMENT_UNIT)
		return fail(failure, EINVAL,
			    "\"offset\" of \"fragment\" is %llu; it is in bytes, and must be a "
			    "multiple of 8",
			    (unsigned long long)offset);
	fields->fragment = (struct frame_fragment){true, more, (uint32_t)id, (uint32_t)offset};
	return 0;
}

static int read_vlan(const json_t *object, struct frame_fields *fields, struct failure *failure)
{
	const json_t *value = json_object_get(object, "vlan");
	const json_t *item;
	size_t count = json_array_size(value);

	if (!value)
		return 0;
	if (!json_is_array(value) || count > FRAME_VLAN_TAGS_MAX)
		return fail(failure, EINVAL,
			    "\"vlan\" must be a list of VLAN ids, the outer first, at most %u "
			    "(FRAME_VLAN_TAGS_MAX)",
			    FRAME_VLAN_TAGS_MAX);
	for (size_t i = 0; i < count; i++) {
		item = json_array_get(value, i);
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) > VLAN_ID_MAX)
			return fail(failure, EINVAL,
				    "a VLAN id in \"vlan\" must be a whole number from 0 to %d",
				    VLAN_ID_MAX);
		fields->vlan_ids[i] = (uint16_t)json_integer_value(item);
	}
	fields->vlan_count = count;
	return 0;
}

static bool is_neighbour_discovery(const struct frame_fields *fields)
{
	return fields->protocol == PROTOCOL_ICMPV6 && is_icmp(fields) &&
	       fields->icmp_type >= ICMP6_NEIGHBOUR_FIRST &&
	       fields->icmp_type <= ICMP6_NEIGHBOUR_LAST;
}

/* ------------------------------------------------------------ payload and frame -----------------
 */

/* What a fragment carries where the line does not say: the least that is a sound fragment. */
static size_t default_payload(const struct frame_fields *fields)
{
	size_t header = 0;

	if (!fields->fragment.present)
		return 0;
	if (fields->fragment.offset == 0)
		header = frame_l4_bytes(fields->source.family, fields->protocol);
	if (header == 0)
		return FRAGMENT_UNIT;
	return (FRAGMENT_UNIT - header % FRAGMENT_UNIT) % FRAGMENT_UNIT;
}

static int read_payload(const json_t *object, const struct frame_fields *fields,
			uint8_t **ret_bytes, size_t *ret_length, struct failure *failure)
{
	size_t length = default_payload(fields);
	int error = read_hex(object, "payload", ret_bytes, ret_length, failure);

	if (error || *ret_bytes)
		return error;
	*ret_bytes = calloc(1, length + 1);
	if (!*ret_bytes)
		return fail(failure, ENOMEM, "out of memory");
	*ret_length = length;
	return 0;
}

static int build(const struct frame_fields *fields, bool arp, struct packet_line *line,
		 struct failure *failure)
{
	uint8_t *frame = malloc(FRAME_BYTES_MAX);
	uint8_t *fitted;
	size_t length;
	int error;

	if (!frame)
		return fail(failure, ENOMEM, "out of memory");
	error = arp ? frame_build_arp(fields, frame, FRAME_BYTES_MAX, &length)
		    : frame_build(fields, frame, FRAME_BYTES_MAX, &length);
	if (error) {
		free(frame);
		return fail(failure, EINVAL, "the packet is longer than an IP packet can be");
	}
	fitted = realloc(frame, length);
	line->frame = fitted ? fitted : frame;
	line->frame_length = length;
	return 0;
}

static int read_arp(const json_t *object, struct frame_fields *fields, struct packet_line *line,
		    struct failure *failure)
{
	static const char *const arp_keys[] = {"id",	      "direction", "l4",    "source",
					       "destination", "vlan",	   "at_ms", "bound"};
	int error = check_keys(object, arp_keys, COUNT(arp_keys), " in a line with \"l4\": \"arp\"",
			       failure);

	if (error)
		return error;
	if (fields->source.family != 4)
		return fail(failure, EINVAL, "\"l4\" is \"arp\", so the addresses must be IPv4");
	return build(fields, true, line, failure);
}

static int read_packet(const json_t *object, const struct packet_names *names,
		       struct packet_line *line, struct failure *failure)
{
	const char *l4 = json_string_value(json_object_get(object, "l4"));
	struct frame_fields fields = {0};
	uint64_t hop_limit;
	uint8_t *payload = NULL;
	int error = read_addresses(object, names, &fields, failure);

	if (!error)
		error = read_vlan(object, &fields, failure);
	if (!error && l4 && strcmp(l4, "arp") == 0)
		return read_arp(object, &fields, line, failure);
	if (!error)
		error = read_fragment(object, &fields, failure);
	if (!error)
		error = read_protocol(object, &fields, failure);
	if (!error)
		error = read_l4(object, &fields, failure);
	hop_limit = is_neighbour_discovery(&fields) ? NEIGHBOUR_HOP_LIMIT : DEFAULT_HOP_LIMIT;
	if (!error)
		error = read_number(object, "hop_limit", 255, &hop_limit, failure);
	if (!error)
		error = read_payload(object, &fields, &payload, &fields.payload_length, failure);
	if (error)
		return error;
	fields.hop_limit = (uint8_t)hop_limit;
	fields.payload = payload;
	error = build(&fields, false, line, failure);
	free(payload);
	return error;
}

static int read_frame(const json_t *object, struct packet_line *line, struct failure *failure)
{
	json_t *value;
	const char *key;

	json_object_foreach ((json_t *)object, key, value)
		if (is_one_of(key, keys, COUNT(keys)) &&
		    !is_one_of(key, frame_keys, COUNT(frame_keys)))
			return fail(failure, EINVAL,
				    "\"%s\" contradicts \"frame\", which holds the whole packet: "
				    "leave one of them out",
				    key);
	return read_hex(object, "frame", &line->frame, &line->frame_length, failure);
}

/* ------------------------------------------------------------ the line --------------------------
 */

static int read_direction(const json_t *object, enum direction *ret_direction,
			  struct failure *failure)
{
	const char *text = "in";
	int error = read_text(object, "direction", &text, failure);

	if (error)
		return error;
	if (strcmp(text, "in") != 0 && strcmp(text, "out") != 0)
		return fail(failure, EINVAL,
			    "\"direction\" is \"%s\"; it must be \"in\" or \"out\"", text);
	*ret_direction = strcmp(text, "in") == 0 ? DIRECTION_IN : DIRECTION_OUT;
	return 0;
}

static int read_id(const json_t *object, struct packet_line *line, struct failure *failure)
{
	json_t *id = json_object_get(object, "id");

	if (id && !json_is_string(id) && !json_is_integer(id))
		return fail(failure, EINVAL, "\"id\" is %s; it must be a string or a whole number",
			    type_name(id));
	line->id = json_incref(id);
	return 0;
}

static int read_reset(const json_t *object, struct packet_line *line, struct failure *failure)
{
	int error = read_bool(object, "reset", &line->reset, failure);

	if (error)
		return error;
	if (!line->reset || json_object_size(object) != 1)
		return fail(failure, EINVAL, "a line with \"reset\" must be {\"reset\": true}");
	return 0;
}

static int read_line(const json_t *object, const struct packet_names *names,
		     struct packet_line *line, struct failure *failure)
{
	uint64_t at_ms = 0;
	struct packet packet;
	int error = check_keys(object, keys, COUNT(keys), "", failure);

	if (!error && json_object_get(object, "reset"))
		return read_reset(object, line, failure);
	if (!error)
		error = read_id(object, line, failure);
	if (!error)
		error = read_direction(object, &line->direction, failure);
	if (!error)
		error = read_number(object, "at_ms", INT64_MAX, &at_ms, failure);
	line->bound = true;
	line->has_bound = json_object_get(object, "bound") != NULL;
	if (!error)
		error = read_bool(object, "bound", &line->bound, failure);
	if (error)
		return error;
	line->has_time = json_object_get(object, "at_ms") != NULL;
	line->at_ms = at_ms;
	if (json_object_get(object, "frame"))
		error = read_frame(object, line, failure);
	else
		error = read_packet(object, names, line, failure);
	if (error)
		return error;
	if (packet_parse(line->frame, line->frame_length, &packet) != REASON_NONE)
		return 0;
	line->local = line->direction == DIRECTION_IN ? packet.destination : packet.source;
	line->has_payload =
		(json_object_get(object, "frame") || json_object_get(object, "payload")) &&
		packet.payload_length;
	return 0;
}

int packet_line_from_json(const json_t *object, const struct packet_names *names,
			  struct packet_line *ret_line, struct failure *failure)
{
	struct packet_line line = {0};
	int error = read_line(object, names, &line, failure);

	if (error) {
		packet_line_clear(&line);
		return error;
	}
	*ret_line = line;
	return 0;
}

json_t *packet_line_json(const char *text, size_t length, struct failure *failure)
{
	json_error_t error;
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (!object) {
		fail(failure, EINVAL, "not JSON: %s; one object a line is right", error.text);
		return NULL;
	}
	if (!json_is_object(object)) {
		fail(failure, EINVAL, "%s; one object a line is right, like {\"l4\": \"tcp\", ...}",
		     type_name(object));
		json_decref(object);
		return NULL;
	}
	return object;
}

int packet_line_parse(const char *text, size_t length, const struct packet_names *names,
		      struct packet_line *ret_line, struct failure *failure)
{
	json_t *object = packet_line_json(text, length, failure);
	int error;

	if (!object)
		return -EINVAL;
	error = packet_line_from_json(object, names, ret_line, failure);
	json_decref(object);
	return error;
}
