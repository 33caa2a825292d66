/* SPDX-License-Identifier: BSD-2-Clause */
/* The model against docs/packet-path.md, section by section; section 1 is in test_model_parse.c. */
#include <errno.h>

#include "model_steps.h"

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

static void test_floating_is_no_spoof(void **state)
{
	static const struct step steps[] = {
		{ARRIVES(UDP FROM("192.0.2.1", "192.0.2.10") PORTS(9, 5060)), REASON_SPOOFED},
		{ARRIVES(UDP FROM("192.0.2.10", "192.0.2.1") PORTS(9, 5060)), REASON_UNKNOWN_PEER}};
	struct arena *arena = arena_new();
	struct host_policy *policy = policy_without(arena, NULL);

	(void)state;
	prefix_list_add(arena, &policy->own, &policy->floating.items[0]);
	run_policy(policy, steps, COUNT(steps));
	arena_free(arena);
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

static void test_own_reset_closes(void **state)
{
	(void)state;
	RUN(UNCHANGED, {OPEN, REASON_RULE, "t/web"}, {OWN_TCP("ACK"), REASON_FLOW, "t/web"},
	    {OWN_TCP("RST"), REASON_FLOW, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("ACK") AT(30000)), REASON_FLOW, "t/web"},
	    {ARRIVES(TCP P_H PORTS(443, 1000) FLAGS("ACK") AT(30001)), REASON_NO_FLOW});
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

#define ERROR_FROM(source, quote, ms)                                                              \
	ARRIVES(ICMP FROM(source, "192.0.2.1") TYPE(3) PAYLOAD(quote) AT(ms))
#define OWN_SEGMENT(port) QUOTED_H_P("4500", "0000", "06") port "01bb00000000" /* to 443 */

static void test_error_limit(void **state)
{
	(void)state;
#define ERROR_AT(ms) ERROR_FROM("203.0.113.200", SIP_ANSWER, ms)
	RUN(policy->icmp_errors_per_second = 2, {ERROR_AT(0), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR_IN(""), REASON_ICMP_UNRELATED}, {ERROR_AT(1), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR_AT(2), REASON_ICMP_LIMITED}, {ERROR_AT(499), REASON_ICMP_LIMITED},
	    {ERROR_AT(500), REASON_ICMP_ERROR, "t/sip"}, {ERROR_AT(999), REASON_ICMP_LIMITED},
	    {ERROR_AT(1000), REASON_ICMP_ERROR, "t/sip"});
	RUN(policy->mode[DIRECTION_IN] = MODE_AUDIT; policy->icmp_errors_per_second = 1,
						     {ERROR_AT(0), REASON_ICMP_ERROR, "t/sip"},
						     {ERROR_AT(0), REASON_ICMP_ERROR, "t/sip"});
}

/* Whoever has spent what is his has spent nobody else's. */
static void test_error_shares(void **state)
{
	(void)state;
	RUN(policy->icmp_errors_per_second = 1, {OPEN, REASON_RULE, "t/web"},
	    {LEAVES(TCP H_P PORTS(1001, 443)), REASON_RULE, "t/web"},
	    {ERROR_FROM("203.0.113.200", SIP_ANSWER, 0), REASON_ICMP_ERROR, "t/sip"},
	    {ERROR_FROM("203.0.113.200", SIP_ANSWER, 0), REASON_ICMP_LIMITED},
	    /* An address of the same 24 bits, and one of others. */
	    {ERROR_FROM("203.0.113.9", SIP_ANSWER, 0), REASON_ICMP_LIMITED},
	    {ERROR_FROM("203.0.112.9", SIP_ANSWER, 0), REASON_ICMP_ERROR, "t/sip"},
	    /* Own flows have their own, whoever tells of them. */
	    {ERROR_FROM("203.0.113.9", OWN_SEGMENT("03e8"), 0), REASON_ICMP_ERROR, "t/web"},
	    {ERROR_FROM("203.0.112.9", OWN_SEGMENT("03e8"), 0), REASON_ICMP_LIMITED},
	    {ERROR_FROM("203.0.113.9", OWN_SEGMENT("03e9"), 0), REASON_ICMP_ERROR, "t/web"});
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
		cmocka_unit_test(test_spoofed_sources),
		cmocka_unit_test(test_neighbour_discovery),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_in_rules),
		cmocka_unit_test(test_floating_is_no_spoof),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_tcp_flow),
		cmocka_unit_test(test_own_reset_closes),
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
		cmocka_unit_test(test_error_shares),
		cmocka_unit_test(test_policy_swap),
		cmocka_unit_test(test_swap_to_audit),
		cmocka_unit_test(test_reset_and_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
