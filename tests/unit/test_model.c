/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model against docs/packet-path.md, section by section. A scenario is a list of packet lines,
 * judged in order by one model, each with what the page says of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka.h, which has a macro of the name fail. */
#include "frame.h"
#include "judge.h"
#include "packet_line.h"
#include "words.h"

#include <cmocka.h>

/* In the lists of steps, what is left out is none or false. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* ------------------------------------------------------------ the policy ------------------------
 */

static struct prefix_list *prefixes(struct arena *arena, const char *text)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));
	char *words = arena_strdup(arena, text);
	struct prefix prefix;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		assert_true(prefix_parse(word, &prefix));
		prefix_list_add(arena, list, &prefix);
	}
	return list;
}

static struct port_list ports(struct arena *arena, uint16_t first, uint16_t last)
{
	struct port_list list = {0};

	port_list_add(arena, &list, first, last);
	return list;
}

struct row {
	const char *id;
	enum direction direction;
	uint8_t protocol;
	uint16_t first, last;		  /* service */
	uint16_t other_first, other_last; /* the opener's ports */
	const char *local;		  /* NULL: every unicast address */
	const char *remote;
};

#define OWN   "192.0.2.1 2001:db8::1"
#define PEERS "198.51.100.0/24 2001:db8:1::/48"
#define ANY   0, 65535
#define IN    DIRECTION_IN
#define OUT   DIRECTION_OUT

static const struct row rows[] = {
	{"management/1", IN, 6, 22, 22, ANY, NULL, "203.0.113.0/28"},
	{"t/sip", IN, 17, 5060, 5060, ANY, OWN, PEERS},
	{"t/sip-tcp", IN, 6, 5060, 5060, ANY, OWN, PEERS},
	{"t/rtp", IN, 17, 30000, 30010, 16384, 32767, "192.0.2.1", "198.51.100.64/26"},
	{"t/echo", IN, 1, 0x0800, 0x0800, ANY, OWN, PEERS},
	{"t/echo6", IN, 58, 0x8000, 0x8000, ANY, OWN, PEERS},
	{"t/esp", IN, 50, 0, 0, ANY, OWN, "198.51.100.9"},
	{"t/vrrp", IN, 112, 0, 0, ANY, "224.0.0.18", PEERS},
	{"t/web", OUT, 6, 443, 443, ANY, OWN, PEERS},
	{"t/dns", OUT, 17, 53, 53, ANY, OWN, "203.0.113.53"},
	{"t/pinned", OUT, 6, 8443, 8443, 5000, 5000, OWN, "198.51.100.7"},
	{"t/ping", OUT, 1, 0x0800, 0x0800, ANY, OWN, PEERS},
	{"t/ping6", OUT, 58, 0x8000, 0x8000, ANY, OWN, PEERS},
	{"t/ah", OUT, 51, 0, 0, ANY, OWN, "198.51.100.9"},
	{"t/sctp", OUT, 132, 36412, 36412, ANY, OWN, PEERS},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void add_rule(struct arena *arena, struct host_policy *policy, const struct row *row)
{
	struct rule *rule = &policy->rules[policy->rule_count++];
	struct match *match = arena_alloc(arena, sizeof(*match));
	struct port_list service = ports(arena, row->first, row->last);
	struct port_list other = ports(arena, row->other_first, row->other_last);
	bool in = row->direction == DIRECTION_IN;

	*match = (struct match){
		.protocol = row->protocol,
		.local_ports = in ? service : other,
		.remote_ports = in ? other : service,
		.local = row->local ? prefixes(arena, row->local) : NULL,
		.remote = prefixes(arena, row->remote),
	};
	*rule = (struct rule){
		.id = row->id, .direction = row->direction, .matches = match, .match_count = 1};
}

/* Without the rules whose id is without. */
static struct host_policy *policy_without(struct arena *arena, const char *without)
{
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));

	*policy = (struct host_policy){
		.site = "test",
		.own = *prefixes(arena, OWN),
		.floating = *prefixes(arena, "192.0.2.10"),
		.mode = {MODE_ENFORCE, MODE_ENFORCE},
		.flows = 100,
		.fragments = 100,
		.icmp_errors_per_second = 100,
		.timeout_ms = {30000, 7200000, 30000, 30000, 120000, 10000},
		.fragment_timeout_ms = 2000,
	};
	policy->rules = arena_alloc(arena, ROWS * sizeof(*policy->rules));
	for (size_t i = 0; i < ROWS; i++)
		if (!without || strcmp(rows[i].id, without) != 0)
			add_rule(arena, policy, &rows[i]);
	return policy;
}

/* ------------------------------------------------------------ scenarios -------------------------
 */

struct step {
	const char *line;
	enum reason reason; /* judged: as include/reasons.h says, unless would says so */
	const char *rule;   /* NULL: none */
	bool lets_pass;	    /* it passes though the reason is a drop's: audit */
};

static void run_step(struct judge *judge, const struct step *step, size_t number)
{
	struct packet_line line;
	struct failure failure = {0};
	struct judgement judgement;
	enum verdict judged = reason_verdict(step->reason);

	if (packet_line_parse(step->line, strlen(step->line), NULL, &line, &failure))
		fail_msg("step %zu: %s: %s", number, step->line, failure.message);
	assert_int_equal(judge->judge(judge, line.direction, line.frame, line.frame_length,
				      line.at_ms, &judgement),
			 0);
	packet_line_clear(&line);
	if (judgement.reason != step->reason || judgement.judged != judged ||
	    judgement.verdict != (step->lets_pass ? VERDICT_PASS : judged) ||
	    strcmp(judgement.rule ? judgement.rule->id : "", step->rule ? step->rule : "") != 0)
		fail_msg("step %zu: %s\n  got %s, judged %s, %s, rule %s\n  expected %s, rule %s",
			 number, step->line, verdict_name(judgement.verdict),
			 verdict_name(judgement.judged), reason_name(judgement.reason),
			 judgement.rule ? judgement.rule->id : "none", reason_name(step->reason),
			 step->rule ? step->rule : "none");
}

static void run_steps(struct judge *judge, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_step(judge, &steps[i], i + 1);
}

static void run_policy(const struct host_policy *policy, const struct step *steps, size_t count)
{
	struct judge *judge;

	assert_int_equal(model_new(policy, &judge), 0);
	run_steps(judge, steps, count);
	judge->free(judge);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define RUN(change, ...)                                                                           \
	do {                                                                                       \
		static const struct step steps_[] = {__VA_ARGS__};                                 \
		struct arena *arena_ = arena_new();                                                \
		struct host_policy *policy = policy_without(arena_, NULL);                         \
		change;                                                                            \
		run_policy(policy, steps_, COUNT(steps_));                                         \
		arena_free(arena_);                                                                \
	} while (0)

#define UNCHANGED (void)policy

/* Ends of packets, to keep lines short: P is a peer, H is this host. */
#define FROM(s, d)     "\"source\":\"" s "\",\"destination\":\"" d "\""
#define P_H	       FROM("198.51.100.70", "192.0.2.1")
#define H_P	       FROM("192.0.2.1", "198.51.100.70")
#define P6_H6	       FROM("2001:db8:1::5", "2001:db8::1")
#define H6_P6	       FROM("2001:db8::1", "2001:db8:1::5")
#define PORTS(s, d)    ",\"source_port\":" #s ",\"destination_port\":" #d
#define ARRIVES(rest)  "{\"direction\":\"in\"," rest "}"
#define LEAVES(rest)   "{\"direction\":\"out\"," rest "}"
#define TCP	       "\"l4\":\"tcp\","
#define UDP	       "\"l4\":\"udp\","
#define ICMP	       "\"l4\":\"icmp\","
#define FLAGS(f)       ",\"tcp_flags\":\"" f "\""
#define TYPE(t)	       ",\"icmp_type\":" #t
#define AT(ms)	       ",\"at_ms\":" #ms
#define PART(i, o, m)  ",\"fragment\":{\"id\":" #i ",\"offset\":" #o ",\"more\":" m "}"
#define MORE	       "true"
#define LAST	       "false"
#define PAYLOAD(hex)   ",\"payload\":\"" hex "\""
#define FRAME(d, hex)  "{\"direction\":\"" d "\",\"frame\":\"" hex "\"}"
#define ETHERNET(type) "020000000002020000000001" type

/* ------------------------------------------------------------ 1. frame and headers --------------
 */

static void test_ethertypes(void **state)
{
	(void)state;
	RUN(UNCHANGED, {FRAME("in", ETHERNET("0806")), REASON_ARP},
	    {FRAME("out", ETHERNET("0806")), REASON_ARP},
	    {FRAME("in", ETHERNET("8809")), REASON_LINK_CONTROL},
	    {FRAME("in", ETHERNET("88cc")), REASON_LINK_CONTROL},
	    {FRAME("in", ETHERNET("888e")), REASON_LINK_CONTROL},
	    {FRAME("in", ETHERNET("8847")), REASON_ETHERTYPE},
	    {FRAME("in", "0200000000020200000000"), REASON_MALFORMED},
	    {FRAME("in", ETHERNET("8100") "0001"), REASON_MALFORMED},
	    {FRAME("in", ETHERNET("8100") "00010806"), REASON_ARP},
	    {ARRIVES(UDP P_H PORTS(9, 5060) ",\"vlan\":[1]"), REASON_RULE, "t/sip"},
	    {ARRIVES(UDP P_H PORTS(9, 5060) ",\"vlan\":[1,2]"), REASON_RULE, "t/sip"},
	    {ARRIVES(UDP P_H PORTS(9, 5060) ",\"vlan\":[1,2,3]"), REASON_ETHERTYPE});
}

/* 198.51.100.70 to 192.0.2.1, UDP 9 to 5060: the header in the two halves around what changes. */
#define IP4(start, length, fragment, protocol)                                                     \
	ETHERNET("0800") start length "0001" fragment "40" protocol "0000c6336446c0000201"
#define DATAGRAM "000913c400080000"

static void test_ipv4_header(void **state)
{
	(void)state;
	RUN(UNCHANGED,
	    {FRAME("in", IP4("4500", "001c", "0000", "11") DATAGRAM), REASON_RULE, "t/sip"},
	    {FRAME("in", IP4("4500", "001c", "0000", "11") DATAGRAM "ffff"), REASON_RULE, "t/sip"},
	    {FRAME("in", IP4("4500", "001d", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001b", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0013", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4400", "001c", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("6500", "001c", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4f00", "001c", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4600", "0020", "0000", "11") "01010101" DATAGRAM), REASON_RULE,
	     "t/sip"},
	    /* More to come: not empty, a multiple of 8. At the end of what an offset can say. */
	    {FRAME("in", IP4("4500", "0014", "2000", "11")), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001d", "2000", "11") DATAGRAM "00"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001b", "1fff", "11") "00000000000000"),
	     REASON_FRAGMENT_EARLY},
	    {FRAME("in", IP4("4500", "001c", "1fff", "11") "0000000000000000"), REASON_MALFORMED});
}

#define IP6(next, length, rest)                                                                    \
	ETHERNET("86dd")                                                                           \
	"60000000" length next "40"                                                                \
	"20010db8000100000000000000000005"                                                         \
	"20010db8000000000000000000000001" rest

static void test_ipv6_header(void **state)
{
	(void)state;
	RUN(UNCHANGED, {FRAME("in", IP6("11", "0008", DATAGRAM)), REASON_RULE, "t/sip"},
	    {FRAME("in", IP6("11", "0009", DATAGRAM)), REASON_MALFORMED},
	    {FRAME("in", IP6("11", "0007", DATAGRAM)), REASON_MALFORMED},
	    {FRAME("in", IP6("3b", "0000", "")), REASON_PROTOCOL},
	    /* Hop-by-hop first, and only first. */
	    {FRAME("in", IP6("00", "0010", "1100010400000000" DATAGRAM)), REASON_RULE, "t/sip"},
	    {FRAME("in", IP6("3c", "0018", "00000104000000001100010400000000" DATAGRAM)),
	     REASON_MALFORMED},
	    /* A header longer than what is there. */
	    {FRAME("in", IP6("3c", "0010", "1102010400000000" DATAGRAM)), REASON_MALFORMED},
	    {FRAME("in", IP6("3c", "0001", "11")), REASON_MALFORMED},
	    /* Two fragment headers; one that makes no fragment (RFC 6946). */
	    {FRAME("in", IP6("2c", "0018", "2c000000000000011100000000000001" DATAGRAM)),
	     REASON_MALFORMED},
	    {FRAME("in", IP6("2c", "0010", "1100000000000001" DATAGRAM)), REASON_RULE, "t/sip"},
	    /* Behind a later fragment's header nothing is walked. */
	    {FRAME("in", IP6("2c", "0010", "0000000800000001" DATAGRAM)), REASON_FRAGMENT_EARLY},
	    /* A first fragment without all of its headers. */
	    {FRAME("in", IP6("2c", "0010",
			     "3c00000100000001"
			     "1102010400000000")),
	     REASON_FRAGMENT_TINY});
}

static void build(struct frame_fields *fields, uint8_t *frame, size_t size, size_t *ret_length)
{
	address_parse("2001:db8:1::5", &fields->source);
	address_parse("2001:db8::1", &fields->destination);
	fields->protocol = 17;
	fields->source_port = 9;
	fields->destination_port = 5060;
	assert_int_equal(frame_build(fields, frame, size, ret_length), 0);
}

static void test_eight_extension_headers(void **state)
{
	struct arena *arena = arena_new();
	struct frame_fields fields = {0};
	struct judgement judgement;
	struct judge *judge;
	uint8_t frame[256];
	size_t length;

	(void)state;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	memset(fields.extensions, 60, sizeof(fields.extensions));
	fields.extension_count = EXTENSION_HEADERS_MAX;
	build(&fields, frame, sizeof(frame), &length);
	assert_int_equal(judge->judge(judge, IN, frame, length, 0, &judgement), 0);
	assert_int_equal(judgement.reason, REASON_RULE);
	fields.extension_count++;
	build(&fields, frame, sizeof(frame), &length);
	assert_int_equal(judge->judge(judge, IN, frame, length, 0, &judgement), 0);
	assert_int_equal(judgement.reason, REASON_MALFORMED);
	judge->free(judge);
	arena_free(arena);
}

static void test_l4_headers(void **state)
{
	(void)state;
	RUN(UNCHANGED,
	    /* UDP's own length */
	    {FRAME("in", IP4("4500", "001c", "0000", "11") "000913c400070000"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001c", "0000", "11") "000913c400090000"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001c", "2000", "11") "000913c405dc0000"), REASON_RULE,
	     "t/sip"},
	    /* TCP: 20 bytes, and as many as its data offset says */
	    {FRAME("in", IP4("4500", "0028", "0000", "06") "000913c4000000000000000050020000"
							   "00000000"),
	     REASON_RULE, "t/sip-tcp"},
	    {FRAME("in", IP4("4500", "0028", "0000", "06") "000913c4000000000000000040020000"
							   "00000000"),
	     REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0028", "0000", "06") "000913c4000000000000000060020000"
							   "00000000"),
	     REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0024", "2000", "06") "000913c4000000000000000050020000"),
	     REASON_FRAGMENT_TINY},
	    {FRAME("in", IP4("4500", "0024", "0000", "06") "000913c4000000000000000050020000"),
	     REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001c", "0000", "84") "000913c400080000"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0018", "0000", "01") "08000000"), REASON_MALFORMED},
	    /* ICMPv6 over IPv4 is just some protocol. */
	    {FRAME("in", IP4("4500", "0014", "0000", "3a")), REASON_PROTOCOL});
}

/* However much of a frame is missing, it is judged, and never let in by a rule. */
static void test_truncation_at_every_byte(void **state)
{
	struct arena *arena = arena_new();
	struct frame_fields fields = {.extensions = {0, 43, 60}, .extension_count = 3};
	struct judgement judgement;
	struct judge *judge;
	uint8_t frame[256];
	size_t length;

	(void)state;
	fields.vlan_count = 2;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	build(&fields, frame, sizeof(frame), &length);
	for (size_t cut = 0; cut <= length; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees one too far */

		memcpy(exact, frame, cut);
		assert_int_equal(judge->judge(judge, IN, exact, cut, 0, &judgement), 0);
		assert_int_equal(judgement.reason, cut < length ? REASON_MALFORMED : REASON_RULE);
		free(exact);
	}
	judge->free(judge);
	arena_free(arena);
}

static void test_any_byte_changed_or_cut(void **state)
{
	struct arena *arena = arena_new();
	struct frame_fields fields = {.extensions = {60}, .extension_count = 1};
	struct judgement judgement;
	struct judge *judge;
	uint8_t frame[256];
	size_t length;

	(void)state;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	build(&fields, frame, sizeof(frame), &length);
	for (size_t at = 12; at < length; at++)
		for (unsigned value = 0; value < 256; value++) {
			size_t cut = length - (value % 4) * (at % 7);
			uint8_t *exact = malloc(cut);

			memcpy(exact, frame, cut);
			if (at < cut)
				exact[at] = (uint8_t)value;
			assert_int_equal(judge->judge(judge, (enum direction)(value % 2), exact,
						      cut, 0, &judgement),
					 0);
			assert_int_not_equal(judgement.reason, REASON_NONE);
			free(exact);
		}
	judge->free(judge);
	arena_free(arena);
}

/* ------------------------------------------------------------ 2. ingress ------------------------
 */

static void test_spoofed_sources(void **state)
{
	(void)state;
#define TO_SIP(source)	ARRIVES(UDP FROM(source, "192.0.2.1") PORTS(9, 5060)), REASON_SPOOFED
#define TO_SIP6(source) ARRIVES(UDP FROM(source, "2001:db8::1") PORTS(9, 5060)), REASON_SPOOFED
	RUN(UNCHANGED, {TO_SIP("0.0.0.0")}, {TO_SIP("0.255.255.255")}, {TO_SIP("127.0.0.1")},
	    {TO_SIP("224.0.0.1")}, {TO_SIP("239.255.255.255")}, {TO_SIP("255.255.255.255")},
	    {TO_SIP("192.0.2.1")}, {TO_SIP6("::")}, {TO_SIP6("::1")}, {TO_SIP6("ff02::1")},
	    {TO_SIP6("2001:db8::1")},
	    {ARRIVES(UDP FROM("1.0.0.0", "192.0.2.1") PORTS(9, 5060)), REASON_UNKNOWN_PEER},
	    {ARRIVES(UDP FROM("240.0.0.1", "192.0.2.1") PORTS(9, 5060)), REASON_UNKNOWN_PEER},
	    {ARRIVES(UDP FROM("192.0.2.10", "192.0.2.1") PORTS(9, 5060)), REASON_UNKNOWN_PEER},
	    /* An own source at a closed port is not looked at. */
	    {ARRIVES(UDP FROM("192.0.2.1", "192.0.2.1") PORTS(9, 5059)), REASON_CLOSED_PORT},
	    {ARRIVES(ICMP FROM("::", "ff02::1:ff00:1") TYPE(135)), REASON_NEIGHBOUR});
}

static void test_neighbour_discovery(void **state)
{
	(void)state;
#define ND(destination, type) ICMP FROM("fe80::2", destination) TYPE(type)
	RUN(UNCHANGED, {ARRIVES(ND("ff02::1", 135)), REASON_NEIGHBOUR},
	    {ARRIVES(ND("2001:db8::1", 136)), REASON_NEIGHBOUR},
	    {ARRIVES(ND("ff02::1", 133)), REASON_NEIGHBOUR},
	    {ARRIVES(ND("ff02::1", 134)), REASON_NEIGHBOUR_SCOPE},
	    {ARRIVES(ND("ff05::1", 135)), REASON_NEIGHBOUR_SCOPE},
	    {ARRIVES(ND("ff02::1", 135) ",\"hop_limit\":254"), REASON_NEIGHBOUR_SCOPE},
	    {ARRIVES(ND("ff02::1", 135) PART(1, 0, MORE)), REASON_NEIGHBOUR_SCOPE},
	    {ARRIVES(ND("ff02::1", 135) PART(1, 0, LAST)), REASON_NEIGHBOUR},
	    {ARRIVES(ND("2001:db8::1", 137)), REASON_ICMP_REDIRECT},
	    {ARRIVES(ICMP P_H TYPE(5)), REASON_ICMP_REDIRECT},
	    {ARRIVES(ND("2001:db8::1", 132)), REASON_ICMP_TYPE},
	    {LEAVES(ND("ff02::1", 135)), REASON_NEIGHBOUR},
	    {LEAVES(ND("ff02::2", 134)), REASON_NEIGHBOUR},
	    {LEAVES(ND("ff02::1", 135) ",\"hop_limit\":64"), REASON_NEIGHBOUR_SCOPE},
	    {LEAVES(ND("2001:db8::1", 137)), REASON_ICMP_REDIRECT},
	    {LEAVES(ICMP H_P TYPE(5)), REASON_ICMP_REDIRECT});
	RUN(policy->router_advertisements = true, {ARRIVES(ND("ff02::1", 134)), REASON_NEIGHBOUR});
}

static void test_dhcp(void **state)
{
	(void)state;
#define OFFER	  UDP FROM("198.51.100.1", "255.255.255.255") PORTS(67, 68)
#define DISCOVER  UDP FROM("0.0.0.0", "255.255.255.255") PORTS(68, 67)
#define ADVERTISE UDP FROM("fe80::2", "fe80::1") PORTS(547, 546)
#define SOLICIT	  UDP FROM("fe80::1", "ff02::1:2") PORTS(546, 547)
	RUN(policy->dhcp = true, {ARRIVES(OFFER), REASON_DHCP}, {ARRIVES(ADVERTISE), REASON_DHCP},
	    {ARRIVES(UDP P_H PORTS(68, 67)), REASON_CLOSED_PORT},
	    {ARRIVES(UDP P_H PORTS(547, 546)), REASON_CLOSED_PORT}, {LEAVES(DISCOVER), REASON_DHCP},
	    {LEAVES(SOLICIT), REASON_DHCP}, {LEAVES(UDP H_P PORTS(67, 68)), REASON_CLOSED_PORT});
	RUN(UNCHANGED, {ARRIVES(OFFER), REASON_CLOSED_PORT},
	    {LEAVES(DISCOVER), REASON_CLOSED_PORT});
}

static void test_forwarding(void **state)
{
	(void)state;
#define THROUGH(destination) ARRIVES(TCP FROM("203.0.113.99", destination) PORTS(9, 80))
	RUN(policy->forwarding = FORWARDING_PASS, {THROUGH("198.51.100.1"), REASON_FORWARDED},
	    {THROUGH("192.0.2.1"), REASON_CLOSED_PORT}, {THROUGH("192.0.2.10"), REASON_CLOSED_PORT},
	    {THROUGH("224.0.0.5"), REASON_CLOSED_PORT},
	    {THROUGH("255.255.255.255"), REASON_CLOSED_PORT});
	RUN(policy->forwarding = FORWARDING_DROP, {THROUGH("198.51.100.1"), REASON_CLOSED_PORT});
}

static void test_in_rules(void **state)
{
	(void)state;
#define RTP(peer, source_port, port) ARRIVES(UDP FROM(peer, "192.0.2.1") PORTS(source_port, port))
	RUN(UNCHANGED, {ARRIVES(UDP P_H PORTS(9, 5060)), REASON_RULE, "t/sip"},
	    {ARRIVES(UDP P6_H6 PORTS(9, 5060)), REASON_RULE, "t/sip"},
	    {ARRIVES(TCP P_H PORTS(9, 5060)), REASON_RULE, "t/sip-tcp"},
	    {ARRIVES(TCP P_H PORTS(9, 5060) FLAGS("ACK")), REASON_RULE, "t/sip-tcp"},
	    {ARRIVES(TCP P_H PORTS(9, 5060) FLAGS("SYN+ACK")), REASON_NO_FLOW},
	    {ARRIVES(TCP P_H PORTS(9, 5061)), REASON_CLOSED_PORT},
	    {ARRIVES(TCP P_H PORTS(9, 5061) FLAGS("ACK")), REASON_NO_FLOW},
	    {ARRIVES(TCP P_H PORTS(9, 5061) FLAGS("SYN+RST")), REASON_CLOSED_PORT},
	    /* Both edges of ranges and prefixes. */
	    {RTP("198.51.100.64", 16384, 30000), REASON_RULE, "t/rtp"},
	    {RTP("198.51.100.127", 32767, 30010), REASON_RULE, "t/rtp"},
	    {RTP("198.51.100.63", 16384, 30000), REASON_WRONG_PORT},
	    {RTP("198.51.100.128", 16384, 30000), REASON_WRONG_PORT},
	    {RTP("198.51.100.64", 16383, 30000), REASON_WRONG_PORT},
	    {RTP("198.51.100.64", 32768, 30000), REASON_WRONG_PORT},
	    {RTP("198.51.100.64", 16384, 29999), REASON_CLOSED_PORT},
	    {RTP("198.51.100.64", 16384, 30011), REASON_CLOSED_PORT},
	    {RTP("203.0.113.99", 16384, 30000), REASON_UNKNOWN_PEER},
	    {ARRIVES(UDP P6_H6 PORTS(16384, 30000)), REASON_WRONG_ADDRESS},
	    {ARRIVES(UDP FROM("198.51.100.70", "192.0.2.9") PORTS(9, 5060)), REASON_WRONG_ADDRESS},
	    /* Other protocols, and groups. */
	    {ARRIVES("\"l4\":\"esp\"," FROM("198.51.100.9", "192.0.2.1")), REASON_RULE, "t/esp"},
	    {ARRIVES("\"l4\":\"esp\"," P_H), REASON_WRONG_PORT},
	    {ARRIVES("\"l4\":\"gre\"," P_H), REASON_PROTOCOL},
	    {ARRIVES("\"protocol\":112," FROM("198.51.100.9", "224.0.0.18")), REASON_RULE,
	     "t/vrrp"},
	    {ARRIVES("\"protocol\":112," FROM("198.51.100.9", "192.0.2.1")), REASON_WRONG_ADDRESS},
	    /* Management: every unicast address. */
	    {ARRIVES(TCP FROM("203.0.113.1", "192.0.2.99") PORTS(9, 22)), REASON_RULE,
	     "management/1"},
	    {ARRIVES(TCP FROM("203.0.113.16", "192.0.2.99") PORTS(9, 22)), REASON_UNKNOWN_PEER},
	    {ARRIVES(TCP FROM("203.0.113.1", "224.0.0.1") PORTS(9, 22)), REASON_WRONG_ADDRESS},
	    {ARRIVES(TCP FROM("203.0.113.1", "255.255.255.255") PORTS(9, 22)),
	     REASON_WRONG_ADDRESS});
}

static void test_echo(void **state)
{
	(void)state;
	RUN(UNCHANGED, {ARRIVES(ICMP P_H), REASON_RULE, "t/echo"},
	    {ARRIVES(ICMP P6_H6), REASON_RULE, "t/echo6"},
	    {LEAVES(ICMP H_P TYPE(0)), REASON_MIRROR, "t/echo"},
	    {LEAVES(ICMP H6_P6 TYPE(129)), REASON_MIRROR, "t/echo6"},
	    {LEAVES(ICMP FROM("192.0.2.1", "203.0.113.53") TYPE(0)), REASON_NO_FLOW},
	    {ARRIVES(ICMP FROM("203.0.113.53", "192.0.2.1")), REASON_UNKNOWN_PEER},
	    {ARRIVES(ICMP P_H ",\"icmp_code\":1"), REASON_ICMP_TYPE},
	    {ARRIVES(ICMP P_H TYPE(13)), REASON_ICMP_TYPE},
	    {ARRIVES(ICMP P_H TYPE(0) ",\"icmp_id\":7"), REASON_NO_FLOW},
	    {LEAVES(ICMP H_P ",\"icmp_id\":7"), REASON_RULE, "t/ping"},
	    {ARRIVES(ICMP P_H TYPE(0) ",\"icmp_id\":7"), REASON_FLOW, "t/ping"},
	    {ARRIVES(ICMP P_H TYPE(0) ",\"icmp_id\":8"), REASON_NO_FLOW},
	    /* What leaves as an echo reply is nobody's flow. */
	    {LEAVES(ICMP FROM("192.0.2.1", "203.0.113.9") TYPE(0) ",\"icmp_id\":7"),
	     REASON_NO_FLOW},
	    {LEAVES(ICMP H_P ",\"icmp_id\":7" AT(10000)), REASON_FLOW, "t/ping"},
	    {ARRIVES(ICMP P_H TYPE(0) ",\"icmp_id\":7" AT(20000)), REASON_FLOW, "t/ping"},
	    {ARRIVES(ICMP P_H TYPE(0) ",\"icmp_id\":7" AT(20001)), REASON_NO_FLOW});
}

/* ------------------------------------------------------------ 3. egress -------------------------
 */

#define OPEN	   LEAVES(TCP H_P PORTS(1000, 443))
#define OWN_TCP(f) LEAVES(TCP H_P PORTS(1000, 443) FLAGS(f))
#define HIS_TCP(f) ARRIVES(TCP P_H PORTS(443, 1000) FLAGS(f))

static void test_mirror(void **state)
{
	(void)state;
	RUN(UNCHANGED, {LEAVES(UDP H_P PORTS(5060, 9)), REASON_MIRROR, "t/sip"},
	    {LEAVES(TCP H_P PORTS(5060, 9) FLAGS("SYN+ACK")), REASON_MIRROR, "t/sip-tcp"},
	    {LEAVES(TCP H_P PORTS(5060, 9) FLAGS("RST")), REASON_MIRROR, "t/sip-tcp"},
	    {LEAVES(TCP H_P PORTS(5060, 9)), REASON_CLOSED_PORT},
	    {LEAVES("\"l4\":\"esp\"," FROM("192.0.2.1", "198.51.100.9")), REASON_MIRROR, "t/esp"},
	    {LEAVES(TCP FROM("192.0.2.99", "203.0.113.1") PORTS(22, 9) FLAGS("ACK")), REASON_MIRROR,
	     "management/1"});
}

static void test_tcp_flow(void **state)
{
	(void)state;
	RUN(UNCHANGED, {HIS_TCP("SYN+ACK"), REASON_NO_FLOW}, {OWN_TCP("ACK"), REASON_NO_FLOW},
	    {OPEN, REASON_RULE, "t/web"}, {HIS_TCP("SYN+ACK"), REASON_FLOW, "t/web"},
	    {OWN_TCP("ACK"), REASON_FLOW, "t/web"}, {HIS_TCP("SYN"), REASON_CLOSED_PORT},
	    /* What arrives changes nothing, not even with RST. */
	    {HIS_TCP("RST"), REASON_FLOW, "t/web"}, {HIS_TCP("FIN+ACK"), REASON_FLOW, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("ACK") AT(7200000)), REASON_FLOW, "t/web"},
	    {LEAVES(TCP H_P PORTS(1000, 443) FLAGS("FIN+ACK") AT(7200000)), REASON_FLOW, "t/web"},
	    {LEAVES(TCP H_P PORTS(1000, 443) FLAGS("ACK") AT(7230000)), REASON_FLOW, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("ACK") AT(7260000)), REASON_FLOW, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("ACK") AT(7260001)), REASON_NO_FLOW},
	    {LEAVES(TCP H_P PORTS(1000, 443) FLAGS("ACK") AT(7260001)), REASON_NO_FLOW},
	    {LEAVES(TCP H_P PORTS(1000, 443) AT(7260001)), REASON_RULE, "t/web"});
}

/* A new SYN of the same ports replaces the entry: fixed source ports reconnect so. */
static void test_tcp_reconnects(void **state)
{
	(void)state;
	RUN(policy->flows = 1, {OPEN, REASON_RULE, "t/web"}, {OWN_TCP("ACK"), REASON_FLOW, "t/web"},
	    {LEAVES(TCP H_P PORTS(1000, 443) AT(5000)), REASON_RULE, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("SYN+ACK") AT(35000)), REASON_FLOW, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("SYN+ACK") AT(35001)), REASON_NO_FLOW});
}

static void test_openers(void **state)
{
	(void)state;
	RUN(UNCHANGED, {OWN_TCP("SYN+FIN"), REASON_NO_FLOW}, {OWN_TCP("SYN+RST"), REASON_NO_FLOW},
	    {OWN_TCP("NONE"), REASON_NO_FLOW},
	    {OWN_TCP("SYN+PSH+URG+ECE+CWR"), REASON_RULE, "t/web"},
	    {LEAVES(ICMP H_P TYPE(13)), REASON_ICMP_TYPE},
	    {LEAVES("\"l4\":\"gre\"," H_P), REASON_PROTOCOL},
	    {LEAVES(TCP H_P PORTS(9, 444)), REASON_CLOSED_PORT},
	    {LEAVES(UDP H_P PORTS(9, 53)), REASON_WRONG_PORT},
	    {LEAVES(UDP FROM("192.0.2.1", "203.0.113.54") PORTS(9, 53)), REASON_UNKNOWN_PEER},
	    {LEAVES(UDP FROM("192.0.2.9", "203.0.113.53") PORTS(9, 53)), REASON_WRONG_PORT},
	    {LEAVES(TCP FROM("192.0.2.1", "198.51.100.7") PORTS(5000, 8443)), REASON_RULE,
	     "t/pinned"},
	    {LEAVES(TCP FROM("192.0.2.1", "198.51.100.7") PORTS(5001, 8443)), REASON_WRONG_PORT});
}

#define ASK(port, ms)	 LEAVES(UDP FROM("192.0.2.1", "203.0.113.53") PORTS(port, 53) AT(ms))
#define ANSWER(port, ms) ARRIVES(UDP FROM("203.0.113.53", "192.0.2.1") PORTS(53, port) AT(ms))

static void test_other_flows(void **state)
{
	(void)state;
	RUN(UNCHANGED, {ASK(9, 0), REASON_RULE, "t/dns"}, {ANSWER(9, 30000), REASON_FLOW, "t/dns"},
	    {ANSWER(9, 30001), REASON_CLOSED_PORT}, {ASK(9, 30001), REASON_RULE, "t/dns"},
	    {ASK(9, 30002), REASON_FLOW, "t/dns"}, {ANSWER(9, 150002), REASON_FLOW, "t/dns"},
	    {ANSWER(9, 150003), REASON_CLOSED_PORT},
	    /* By address pair; SCTP has ports. Both live as long as a UDP flow that is in use. */
	    {LEAVES("\"l4\":\"ah\"," FROM("192.0.2.1", "198.51.100.9") AT(200000)), REASON_RULE,
	     "t/ah"},
	    {LEAVES("\"l4\":\"sctp\"," H_P PORTS(7, 36412) AT(200000)), REASON_RULE, "t/sctp"},
	    {ARRIVES("\"l4\":\"ah\"," FROM("198.51.100.9", "192.0.2.1") AT(320000)), REASON_FLOW,
	     "t/ah"},
	    {ARRIVES("\"l4\":\"sctp\"," P_H PORTS(36412, 7) AT(320000)), REASON_FLOW, "t/sctp"},
	    {ARRIVES("\"l4\":\"sctp\"," P_H PORTS(36412, 8) AT(320000)), REASON_CLOSED_PORT},
	    {ARRIVES("\"l4\":\"ah\"," FROM("198.51.100.9", "192.0.2.1") AT(320001)),
	     REASON_PROTOCOL});
}

static void test_flow_bounds(void **state)
{
	(void)state;
	RUN(policy->flows = 2, {ASK(1, 0), REASON_RULE, "t/dns"}, {ASK(2, 0), REASON_RULE, "t/dns"},
	    {ASK(3, 0), REASON_FLOW_TABLE_FULL}, {ANSWER(3, 0), REASON_CLOSED_PORT},
	    {ANSWER(1, 0), REASON_FLOW, "t/dns"},
	    /* Nothing but a sweep makes room; the same key takes its own place. */
	    {ASK(3, 90000), REASON_FLOW_TABLE_FULL}, {ASK(2, 90000), REASON_RULE, "t/dns"});
	RUN(policy->flow_share = 2, {ASK(1, 0), REASON_RULE, "t/dns"},
	    {ASK(2, 0), REASON_RULE, "t/dns"}, {ASK(3, 0), REASON_FLOW_PEER_FULL},
	    {OPEN, REASON_RULE, "t/web"}, {LEAVES(TCP H_P PORTS(1001, 443)), REASON_RULE, "t/web"},
	    {LEAVES(TCP H_P PORTS(1002, 443)), REASON_FLOW_PEER_FULL},
	    {LEAVES(TCP H_P PORTS(1001, 443)), REASON_RULE, "t/web"});
	/* The share comes first. */
	RUN(policy->flow_share = 1; policy->flows = 1, {ASK(1, 0), REASON_RULE, "t/dns"},
				    {ASK(2, 0), REASON_FLOW_PEER_FULL},
				    {OPEN, REASON_FLOW_TABLE_FULL});
}

/* ------------------------------------------------------------ modes -----------------------------
 */

#define CLOSED_UDP LEAVES(UDP H_P PORTS(9, 1))

static void test_audit(void **state)
{
	(void)state;
	RUN(policy->mode[OUT] = MODE_AUDIT, {CLOSED_UDP, REASON_CLOSED_PORT, NULL, true},
	    /* It opened a flow, of no rule. */
	    {ARRIVES(UDP P_H PORTS(1, 9)), REASON_FLOW}, {CLOSED_UDP, REASON_FLOW},
	    {OWN_TCP("ACK"), REASON_NO_FLOW, NULL, true},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("ACK")), REASON_NO_FLOW});
	RUN(policy->mode[IN] = MODE_AUDIT;
	    policy->mode[OUT] = MODE_OFF,
	    {ARRIVES(UDP P_H PORTS(1, 9)), REASON_CLOSED_PORT, NULL, true},
	    {FRAME("in", "00"), REASON_MALFORMED, NULL, true},
	    {ARRIVES(UDP P_H PORTS(1, 5060)), REASON_RULE, "t/sip", true});
	/* A flow that can't be kept is just not kept. */
	RUN(policy->mode[OUT] = MODE_AUDIT;
	    policy->flows = 1, {ASK(1, 0), REASON_RULE, "t/dns", true},
	    {ASK(2, 0), REASON_RULE, "t/dns", true}, {ANSWER(2, 0), REASON_CLOSED_PORT});
}

static void test_off(void **state)
{
	(void)state;
	RUN(policy->mode[OUT] = MODE_OFF, {CLOSED_UDP, REASON_NOT_JUDGED},
	    {ARRIVES(UDP P_H PORTS(1, 9)), REASON_FLOW}, {ASK(1, 0), REASON_RULE, "t/dns"},
	    {OWN_TCP("ACK"), REASON_NOT_JUDGED}, {LEAVES(ICMP H_P TYPE(5)), REASON_NOT_JUDGED},
	    {FRAME("out", ETHERNET("8847")), REASON_NOT_JUDGED},
	    {FRAME("out", ETHERNET("0806")), REASON_ARP},
	    {LEAVES(UDP H_P PORTS(9, 9) PART(1, 8, LAST)), REASON_NOT_JUDGED});
	RUN(policy->mode[IN] = MODE_OFF; policy->mode[OUT] = MODE_OFF,
					 {ARRIVES(UDP P_H PORTS(1, 9)), REASON_NOT_JUDGED},
					 {ARRIVES(UDP P_H PORTS(1, 5060)), REASON_RULE, "t/sip"},
					 {FRAME("in", "00"), REASON_NOT_JUDGED});
}

/* ------------------------------------------------------------ 4. fragments ----------------------
 */

#define PIECE(id, offset, more)	       ARRIVES(UDP P_H PORTS(9, 5060) PART(id, offset, more))
#define PIECE_AT(id, offset, more, ms) ARRIVES(UDP P_H PORTS(9, 5060) PART(id, offset, more) AT(ms))

static void test_fragments(void **state)
{
	(void)state;
	RUN(UNCHANGED, {PIECE(1, 8, LAST), REASON_FRAGMENT_EARLY},
	    {PIECE(1, 0, MORE), REASON_RULE, "t/sip"},
	    {PIECE(1, 8, MORE), REASON_FRAGMENT, "t/sip"},
	    {PIECE(1, 1480, LAST), REASON_FRAGMENT, "t/sip"},
	    {PIECE(2, 8, LAST), REASON_FRAGMENT_EARLY},
	    {LEAVES(UDP P_H PORTS(9, 5060) PART(1, 8, LAST)), REASON_FRAGMENT_EARLY},
	    {ARRIVES(TCP P_H PORTS(9, 5060) PART(1, 8, LAST)), REASON_FRAGMENT_EARLY},
	    {PIECE_AT(1, 16, LAST, 2000), REASON_FRAGMENT, "t/sip"},
	    {PIECE_AT(1, 16, LAST, 2001), REASON_FRAGMENT_EARLY},
	    /* TCP's header is longer than the first unit: nothing may start inside. */
	    {ARRIVES(TCP P_H PORTS(9, 5060) PART(3, 0, MORE) AT(3000)), REASON_RULE, "t/sip-tcp"},
	    {ARRIVES(TCP P_H PORTS(9, 5060) PART(3, 16, MORE) AT(3000)), REASON_FRAGMENT_OVERLAP},
	    {ARRIVES(TCP P_H PORTS(9, 5060) PART(3, 24, MORE) AT(3000)), REASON_FRAGMENT,
	     "t/sip-tcp"},
	    /* A refused first takes its datagram with it. */
	    {ARRIVES(UDP P_H PORTS(9, 1) PART(4, 0, MORE) AT(3000)), REASON_CLOSED_PORT},
	    {PIECE_AT(4, 8, LAST, 3000), REASON_FRAGMENT_EARLY},
	    {PIECE_AT(4, 0, MORE, 3000), REASON_RULE, "t/sip"},
	    {ARRIVES(UDP P_H PORTS(9, 1) PART(4, 0, MORE) AT(3000)), REASON_CLOSED_PORT},
	    {PIECE_AT(4, 8, LAST, 3000), REASON_FRAGMENT_EARLY},
	    {ARRIVES(UDP FROM("127.0.0.1", "192.0.2.1") PORTS(9, 1) PART(4, 8, MORE) AT(3000)),
	     REASON_SPOOFED},
	    /* IPv6's key has no protocol. */
	    {ARRIVES(UDP P6_H6 PORTS(9, 5060) PART(70000, 0, MORE) AT(3000)), REASON_RULE, "t/sip"},
	    {ARRIVES(TCP P6_H6 PORTS(9, 5060) PART(70000, 8, MORE) AT(3000)), REASON_FRAGMENT,
	     "t/sip"});
}

static void test_fragment_bounds_and_modes(void **state)
{
	(void)state;
	RUN(policy->fragments = 1, {PIECE(1, 0, MORE), REASON_RULE, "t/sip"},
	    {PIECE(2, 0, MORE), REASON_FRAGMENT_TABLE_FULL},
	    {PIECE(2, 8, MORE), REASON_FRAGMENT_EARLY}, {PIECE(1, 0, MORE), REASON_RULE, "t/sip"});
	RUN(policy->mode[IN] = MODE_AUDIT;
	    policy->mode[OUT] = MODE_AUDIT,
	    {ARRIVES(UDP P_H PORTS(9, 1) PART(4, 0, MORE)), REASON_CLOSED_PORT, NULL, true},
	    {ARRIVES(UDP P_H PORTS(9, 1) PART(4, 8, LAST)), REASON_CLOSED_PORT, NULL, true});
	RUN(policy->mode[OUT] = MODE_OFF,
	    {LEAVES(UDP H_P PORTS(9, 1) PART(4, 0, MORE)), REASON_NOT_JUDGED},
	    {LEAVES(UDP H_P PORTS(9, 1) PART(4, 8, LAST)), REASON_NOT_JUDGED});
}

/* ------------------------------------------------------------ 5. ICMP errors --------------------
 */

/* Quoted packets between 192.0.2.1 (H) and 198.51.100.70 (P). */
#define QUOTED_H_P(start, fragment, protocol)                                                      \
	start "05dc0001" fragment "40" protocol "0000c0000201c6336446"
#define QUOTED_P_H(start, fragment, protocol)                                                      \
	start "05dc0001" fragment "40" protocol "0000c6336446c0000201"
#define SIP_ANSWER	 QUOTED_H_P("4500", "0000", "11") "13c4000900080000" /* 5060 to 9 */
#define ROUTER		 FROM("203.0.113.200", "192.0.2.1")
#define ERROR_IN(quote)	 ARRIVES(ICMP ROUTER TYPE(3) PAYLOAD(quote))
#define ERROR_OUT(quote) LEAVES(ICMP H_P TYPE(3) PAYLOAD(quote))

static void test_arriving_errors(void **state)
{
	(void)state;
	RUN(UNCHANGED, {ERROR_IN(SIP_ANSWER), REASON_ICMP_ERROR, "t/sip"},
	    {ARRIVES(ICMP ROUTER TYPE(11) PAYLOAD(SIP_ANSWER)), REASON_ICMP_ERROR, "t/sip"},
	    {ARRIVES(ICMP ROUTER TYPE(12) PAYLOAD(SIP_ANSWER)), REASON_ICMP_ERROR, "t/sip"},
	    {ARRIVES(ICMP ROUTER TYPE(4) PAYLOAD(SIP_ANSWER)), REASON_ICMP_TYPE},
	    /* Seven bytes of L4; a later fragment; the other family; a total length that lies. */
	    {ERROR_IN(QUOTED_H_P("4500", "0000", "11") "13c40009000800"), REASON_ICMP_UNRELATED},
	    {ERROR_IN(QUOTED_H_P("4500", "0001", "11") "13c4000900080000"), REASON_ICMP_UNRELATED},
	    {ERROR_IN(QUOTED_H_P("6500", "0000", "11") "13c4000900080000"), REASON_ICMP_UNRELATED},
	    {ERROR_IN(QUOTED_H_P("4500", "2000", "11") "13c4000900080000"), REASON_ICMP_ERROR,
	     "t/sip"},
	    {ERROR_IN("450000130001000040110000c0000201c633644613c4000900080000"),
	     REASON_ICMP_UNRELATED},
	    {ERROR_IN(""), REASON_ICMP_UNRELATED},
	    /* Of somebody else, and for somebody else. */
	    {ERROR_IN(QUOTED_P_H("4500", "0000", "11") "13c4000900080000"), REASON_ICMP_UNRELATED},
	    {ARRIVES(ICMP FROM("203.0.113.200", "192.0.2.9") TYPE(3) PAYLOAD(SIP_ANSWER)),
	     REASON_ICMP_UNRELATED},
	    {ARRIVES(ICMP ROUTER TYPE(3) PAYLOAD(SIP_ANSWER "00000000") PART(1, 0, MORE)),
	     REASON_ICMP_UNRELATED},
	    /* About a flow. */
	    {ERROR_IN(QUOTED_H_P("4500", "0000", "06") "03e801bb00000000"), REASON_ICMP_UNRELATED},
	    {OPEN, REASON_RULE, "t/web"},
	    {ERROR_IN(QUOTED_H_P("4500", "0000", "06") "03e801bb00000000"), REASON_ICMP_ERROR,
	     "t/web"},
	    /* Echo: what was answered, and what was asked. */
	    {ERROR_IN(QUOTED_H_P("4500", "0000", "01") "0000000000070000"), REASON_ICMP_ERROR,
	     "t/echo"},
	    {ERROR_IN(QUOTED_H_P("4500", "0000", "01") "0800000000070000"), REASON_ICMP_UNRELATED},
	    {LEAVES(ICMP H_P ",\"icmp_id\":7"), REASON_RULE, "t/ping"},
	    {ERROR_IN(QUOTED_H_P("4500", "0000", "01") "0800000000070000"), REASON_ICMP_ERROR,
	     "t/ping"});
}

static void test_leaving_errors(void **state)
{
	(void)state;
	RUN(UNCHANGED,
	    {ERROR_OUT(QUOTED_P_H("4500", "0000", "11") "000913c400080000"), REASON_ICMP_ERROR,
	     "t/sip"},
	    {ERROR_OUT(QUOTED_P_H("4500", "0000", "11") "000913c500080000"), REASON_ICMP_UNRELATED},
	    {ERROR_OUT(QUOTED_H_P("4500", "0000", "11") "000913c400080000"), REASON_ICMP_UNRELATED},
	    {ERROR_OUT(QUOTED_P_H("4500", "0000", "01") "0800000000070000"), REASON_ICMP_ERROR,
	     "t/echo"},
	    {ERROR_OUT(QUOTED_P_H("4500", "0000", "01") "0000000000070000"), REASON_ICMP_UNRELATED},
	    {LEAVES(ICMP H_P ",\"icmp_id\":7"), REASON_RULE, "t/ping"},
	    {ERROR_OUT(QUOTED_P_H("4500", "0000", "01") "0000000000070000"), REASON_ICMP_ERROR,
	     "t/ping"});
}

/* 2001:db8::1 to 2001:db8:1::5, in a header and with one more in front of the L4 header. */
#define QUOTED6(next, rest)                                                                        \
	"6000000005dc" next "40"                                                                   \
	"20010db8000000000000000000000001"                                                         \
	"20010db8000100000000000000000005" rest
#define ERROR6(type, quote)                                                                        \
	ARRIVES(ICMP FROM("2001:db8:2::9", "2001:db8::1") TYPE(type) PAYLOAD(quote))

static void test_icmpv6_errors(void **state)
{
	(void)state;
	RUN(UNCHANGED, {ERROR6(2, QUOTED6("11", "13c4000900080000")), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR6(4, QUOTED6("3c", "1100010400000000"
				     "13c4000900080000")),
	     REASON_ICMP_ERROR, "t/sip"},
	    {ERROR6(1, QUOTED6("3c", "1101010400000000"
				     "13c4000900080000")),
	     REASON_ICMP_UNRELATED},
	    {ERROR6(1, QUOTED6("2c", "1100000800000001"
				     "13c4000900080000")),
	     REASON_ICMP_UNRELATED},
	    {ERROR6(3, QUOTED6("2c", "1100000100000001"
				     "13c4000900080000")),
	     REASON_ICMP_ERROR, "t/sip"},
	    {ERROR6(5, QUOTED6("11", "13c4000900080000")), REASON_ICMP_TYPE});
}

static void test_error_limit(void **state)
{
	(void)state;
#define ERROR_AT(ms) ARRIVES(ICMP ROUTER TYPE(3) PAYLOAD(SIP_ANSWER) AT(ms))
	RUN(policy->icmp_errors_per_second = 2, {ERROR_AT(0), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR_IN(""), REASON_ICMP_UNRELATED}, {ERROR_AT(998), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR_AT(999), REASON_ICMP_LIMITED}, {ERROR_AT(1000), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR_AT(1001), REASON_ICMP_ERROR, "t/sip"}, {ERROR_AT(1999), REASON_ICMP_LIMITED});
}

/* ------------------------------------------------------------ reload ----------------------------
 */

static void test_policy_swap(void **state)
{
	static const struct step before[] = {{OPEN, REASON_RULE, "t/web"},
					     {ASK(1, 0), REASON_RULE, "t/dns"}};
	static const struct step after[] = {
		{HIS_TCP("SYN+ACK"), REASON_FLOW_BLOCKED},
		{ERROR_IN(QUOTED_H_P("4500", "0000", "06") "03e801bb00000000"),
		 REASON_ICMP_UNRELATED},
		{OWN_TCP("ACK"), REASON_FLOW_BLOCKED},
		{HIS_TCP("ACK"), REASON_FLOW_BLOCKED},
		{OPEN, REASON_CLOSED_PORT},
		{ANSWER(1, 0), REASON_FLOW, "t/dns"},
	};
	/* Blocked is not deleted: a rollback restores it, with the state it had come to. */
	static const struct step restored[] = {{HIS_TCP("ACK"), REASON_FLOW, "t/web"},
					       {OWN_TCP("ACK"), REASON_FLOW, "t/web"},
					       {ASK(1, 0), REASON_FLOW, "t/dns"}};
	struct arena *first = arena_new();
	struct arena *second = arena_new();
	struct judge *judge;

	(void)state;
	assert_int_equal(model_new(policy_without(first, NULL), &judge), 0);
	run_steps(judge, before, COUNT(before));
	assert_int_equal(model_swap_policy(judge, policy_without(second, "t/web")), 0);
	arena_free(first); /* the model no longer needs it */
	run_steps(judge, after, COUNT(after));
	first = arena_new();
	assert_int_equal(model_swap_policy(judge, policy_without(first, NULL)), 0);
	arena_free(second);
	run_steps(judge, restored, COUNT(restored));
	judge->free(judge);
	arena_free(first);
}

static void test_swap_to_audit(void **state)
{
	static const struct step before[] = {{OPEN, REASON_RULE, "t/web"}};
	static const struct step after[] = {{HIS_TCP("SYN+ACK"), REASON_FLOW},
					    {OWN_TCP("ACK"), REASON_FLOW}};
	struct arena *arena = arena_new();
	struct host_policy *audit = policy_without(arena, "t/web");
	struct judge *judge;

	(void)state;
	audit->mode[OUT] = MODE_AUDIT;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	run_steps(judge, before, COUNT(before));
	assert_int_equal(model_swap_policy(judge, audit), 0);
	run_steps(judge, after, COUNT(after));
	judge->free(judge);
	arena_free(arena);
}

static void test_reset_and_clock(void **state)
{
	static const struct step open[] = {{ASK(1, 500), REASON_RULE, "t/dns"}};
	static const struct step forgotten[] = {{ANSWER(1, 0), REASON_CLOSED_PORT}};
	struct arena *arena = arena_new();
	struct judgement judgement;
	struct judge *judge;

	(void)state;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	run_steps(judge, open, COUNT(open));
	assert_int_equal(judge->judge(judge, IN, "", 0, 499, &judgement), -EINVAL);
	assert_int_equal(judge->reset(judge), 0);
	run_steps(judge, forgotten, COUNT(forgotten));
	judge->free(judge);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethertypes),
		cmocka_unit_test(test_ipv4_header),
		cmocka_unit_test(test_ipv6_header),
		cmocka_unit_test(test_eight_extension_headers),
		cmocka_unit_test(test_l4_headers),
		cmocka_unit_test(test_truncation_at_every_byte),
		cmocka_unit_test(test_any_byte_changed_or_cut),
		cmocka_unit_test(test_spoofed_sources),
		cmocka_unit_test(test_neighbour_discovery),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_in_rules),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_tcp_flow),
		cmocka_unit_test(test_tcp_reconnects),
		cmocka_unit_test(test_openers),
		cmocka_unit_test(test_other_flows),
		cmocka_unit_test(test_flow_bounds),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragment_bounds_and_modes),
		cmocka_unit_test(test_arriving_errors),
		cmocka_unit_test(test_leaving_errors),
		cmocka_unit_test(test_icmpv6_errors),
		cmocka_unit_test(test_error_limit),
		cmocka_unit_test(test_policy_swap),
		cmocka_unit_test(test_swap_to_audit),
		cmocka_unit_test(test_reset_and_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
