/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets in rows: each with its verdict, reason, rule and counter, through the real programs. A
 * row without a gap to the one above continues with its state.
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PASS		    VERDICT_PASS
#define DROP		    VERDICT_DROP

#define IN		    "\"direction\":\"in\",\"destination\":\"192.0.2.10\","
#define OUT		    "\"direction\":\"out\",\"source\":\"192.0.2.10\","
#define IN6		    "\"direction\":\"in\",\"destination\":\"2001:db8:1::10\","
#define OUT6		    "\"direction\":\"out\",\"source\":\"2001:db8:1::10\","
#define FROM(address, port) "\"source\":\"" address "\",\"source_port\":" #port ","
#define TO(address, port)   "\"destination\":\"" address "\",\"destination_port\":" #port ","
#define AT(port)	    "\"destination_port\":" #port ","
#define TCP(flags)	    "\"l4\":\"tcp\",\"tcp_flags\":\"" flags "\""
#define UDP		    "\"l4\":\"udp\""

struct row {
	const char *name;
	const char *line;
	enum verdict verdict;
	enum reason reason;
	const char *rule; /* NULL: none */
	uint64_t at_ms;
};

/* clang-format off */
static const struct row rows[] = {
	{"an in rule", "{" IN FROM("192.0.2.23", 50000) AT(9005) TCP("SYN") "}", PASS, REASON_RULE, "cyara/web-5", 0},
	{"its data", "{" IN FROM("192.0.2.23", 50000) AT(9005) TCP("ACK") "}", PASS, REASON_RULE, "cyara/web-5", 0},
	{"its mirror", "{" OUT TO("192.0.2.23", 50000) "\"source_port\":9005," TCP("SYN+ACK") "}", PASS, REASON_MIRROR, "cyara/web-5", 0},
	{"no SYN through the mirror", "{" OUT TO("192.0.2.23", 50000) "\"source_port\":9005," TCP("SYN") "}", DROP, REASON_CLOSED_PORT, NULL, 0},
	{"no SYN+ACK through the rule", "{" IN FROM("192.0.2.23", 50000) AT(9005) TCP("SYN+ACK") "}", DROP, REASON_NO_FLOW, NULL, 0},
	{"another peer", "{" IN FROM("192.0.2.99", 50000) AT(9005) TCP("SYN") "}", DROP, REASON_UNKNOWN_PEER, NULL, 0},
	{"a known peer, another port of the host", "{" IN FROM("203.0.113.1", 50000) AT(9005) TCP("SYN") "}", DROP, REASON_WRONG_PORT, NULL, 0},
	{"a port that nobody serves", "{" IN FROM("192.0.2.23", 50000) AT(9006) TCP("SYN") "}", DROP, REASON_CLOSED_PORT, NULL, 0},
	{"the same port of another protocol", "{" IN FROM("192.0.2.23", 50000) AT(9005) UDP "}", DROP, REASON_CLOSED_PORT, NULL, 0},
	{"an ACK to a port that nobody serves", "{" IN FROM("192.0.2.23", 50000) AT(9006) TCP("ACK") "}", DROP, REASON_NO_FLOW, NULL, 0},
	{"another local address", "{\"direction\":\"in\"," FROM("192.0.2.23", 50000) TO("192.0.2.11", 9005) TCP("SYN") "}", DROP, REASON_WRONG_ADDRESS, NULL, 0},
	{"media from a call manager, first port", "{" IN FROM("203.0.113.1", 20000) AT(30000) UDP "}", PASS, REASON_RULE, "cyara/omni-16-rtp:back", 0},
	{"media, last port", "{" IN FROM("203.0.113.2", 20000) AT(65535) UDP "}", PASS, REASON_RULE, "cyara/omni-16-rtp:back", 0},
	{"media, below the first port", "{" IN FROM("203.0.113.1", 20000) AT(29999) UDP "}", DROP, REASON_CLOSED_PORT, NULL, 0},
	{"media to the manager by the mirror", "{" OUT TO("203.0.113.1", 20000) "\"source_port\":30000," UDP "}", PASS, REASON_MIRROR, "cyara/omni-16-rtp:back", 0},
	{"own source", "{" IN FROM("192.0.2.10", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"loopback source", "{" IN FROM("127.0.0.1", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"multicast source", "{" IN FROM("224.0.0.5", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"broadcast source", "{" IN FROM("255.255.255.255", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"0/8 source", "{" IN FROM("0.1.2.3", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"IPv6 loopback source", "{" IN6 FROM("::1", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"IPv6 unspecified source", "{" IN6 FROM("::", 20000) AT(9005) TCP("SYN") "}", DROP, REASON_SPOOFED, NULL, 0},
	{"management", "{" IN FROM("192.0.2.5", 50000) AT(22) TCP("SYN") "}", PASS, REASON_RULE, "management/1", 0},
	{"management at any local address", "{\"direction\":\"in\"," FROM("192.0.2.5", 50000) TO("192.0.2.77", 22) TCP("SYN") "}", PASS, REASON_RULE, "management/1", 0},
	{"management from elsewhere", "{" IN FROM("192.0.2.6", 50000) AT(22) TCP("SYN") "}", DROP, REASON_UNKNOWN_PEER, NULL, 0},

	{NULL, NULL, 0, 0, NULL, 0},
	{"an answer before the question", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("SYN+ACK") "}", DROP, REASON_NO_FLOW, NULL, 0},
	{"an out rule", "{" OUT TO("192.0.2.20", 5672) "\"source_port\":50001," TCP("SYN") "}", PASS, REASON_RULE, "cyara/voice-4", 0},
	{"its answer", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("SYN+ACK") "}", PASS, REASON_FLOW, "cyara/voice-4", 1},
	{"no SYN by a flow", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("SYN") "}", DROP, REASON_CLOSED_PORT, NULL, 1},
	{"another port of the same peer", "{" IN FROM("192.0.2.20", 5673) AT(50001) TCP("SYN+ACK") "}", DROP, REASON_NO_FLOW, NULL, 1},
	{"own ACK", "{" OUT TO("192.0.2.20", 5672) "\"source_port\":50001," TCP("ACK") "}", PASS, REASON_FLOW, "cyara/voice-4", 2},
	{"an arriving RST changes nothing", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("RST") "}", PASS, REASON_FLOW, "cyara/voice-4", 3},
	{"data behind it", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("ACK") "}", PASS, REASON_FLOW, "cyara/voice-4", 3600000},
	{"own FIN", "{" OUT TO("192.0.2.20", 5672) "\"source_port\":50001," TCP("FIN+ACK") "}", PASS, REASON_FLOW, "cyara/voice-4", 3600001},
	{"within 30 s of it", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("ACK") "}", PASS, REASON_FLOW, "cyara/voice-4", 3630001},
	{"behind 30 s of it", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("ACK") "}", DROP, REASON_NO_FLOW, NULL, 3630002},
	{"a new SYN of the same ports", "{" OUT TO("192.0.2.20", 5672) "\"source_port\":50001," TCP("SYN") "}", PASS, REASON_RULE, "cyara/voice-4", 3630003},
	{"a SYN that nobody answers: 30 s", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("SYN+ACK") "}", PASS, REASON_FLOW, "cyara/voice-4", 3660003},
	{"and no longer", "{" IN FROM("192.0.2.20", 5672) AT(50001) TCP("SYN+ACK") "}", DROP, REASON_NO_FLOW, NULL, 3660004},
	{"a segment that opens nothing", "{" OUT TO("192.0.2.20", 5672) "\"source_port\":50009," TCP("ACK") "}", DROP, REASON_NO_FLOW, NULL, 3660004},
	{"out to nobody", "{" OUT TO("192.0.2.98", 5672) TCP("SYN") "}", DROP, REASON_UNKNOWN_PEER, NULL, 3660004},
	{"out to a peer's other port", "{" OUT TO("192.0.2.20", 9001) TCP("SYN") "}", DROP, REASON_WRONG_PORT, NULL, 3660004},
	{"out to a port of no rule", "{" OUT TO("192.0.2.20", 25) TCP("SYN") "}", DROP, REASON_CLOSED_PORT, NULL, 3660004},
	{"a fixed source port", "{" OUT TO("192.0.2.63", 2020) "\"source_port\":20340," TCP("SYN") "}", PASS, REASON_RULE, "site/fixed", 3660004},
	{"another source port", "{" OUT TO("192.0.2.63", 2020) "\"source_port\":20341," TCP("SYN") "}", DROP, REASON_WRONG_PORT, NULL, 3660004},

	{NULL, NULL, 0, 0, NULL, 0},
	{"UDP opens", "{" OUT TO("192.0.2.53", 53) "\"source_port\":40000," UDP "}", PASS, REASON_RULE, "site/dns", 0},
	{"its answer within 30 s", "{" IN FROM("192.0.2.53", 53) AT(40000) UDP "}", PASS, REASON_FLOW, "site/dns", 30000},
	{"not behind", "{" IN FROM("192.0.2.53", 53) AT(40000) UDP "}", DROP, REASON_UNKNOWN_PEER, NULL, 30001},
	{"opens again", "{" OUT TO("192.0.2.53", 53) "\"source_port\":40000," UDP "}", PASS, REASON_RULE, "site/dns", 40000},
	{"a second own packet", "{" OUT TO("192.0.2.53", 53) "\"source_port\":40000," UDP "}", PASS, REASON_FLOW, "site/dns", 41000},
	{"then 120 s", "{" IN FROM("192.0.2.53", 53) AT(40000) UDP "}", PASS, REASON_FLOW, "site/dns", 161000},
	{"and no longer", "{" IN FROM("192.0.2.53", 53) AT(40000) UDP "}", DROP, REASON_UNKNOWN_PEER, NULL, 161001},
	{"media to the gateway", "{" OUT TO("198.51.100.9", 40000) "\"source_port\":30002," UDP "}", PASS, REASON_RULE, "cyara/voice-6", 161002},
	{"media back by the flow", "{" IN FROM("198.51.100.9", 40000) AT(30002) UDP "}", PASS, REASON_FLOW, "cyara/voice-6", 161003},
	{"media from the gateway's other port", "{" IN FROM("198.51.100.9", 40002) AT(30002) UDP "}", DROP, REASON_UNKNOWN_PEER, NULL, 161003},
	{"the last address of a prefix", "{" OUT TO("198.51.100.127", 5060) UDP "}", PASS, REASON_RULE, "cyara/voice-6", 161004},
	{"the first address behind it", "{" OUT TO("198.51.100.128", 5060) UDP "}", DROP, REASON_UNKNOWN_PEER, NULL, 161004},

	{NULL, NULL, 0, 0, NULL, 0},
	{"echo in", "{" IN "\"source\":\"192.0.2.60\"," "\"l4\":\"icmp\",\"icmp_type\":8}", PASS, REASON_RULE, "site/monitor", 0},
	{"its reply", "{" OUT "\"destination\":\"192.0.2.60\"," "\"l4\":\"icmp\",\"icmp_type\":0}", PASS, REASON_MIRROR, "site/monitor", 0},
	{"echo from elsewhere", "{" IN "\"source\":\"192.0.2.59\"," "\"l4\":\"icmp\",\"icmp_type\":8}", DROP, REASON_UNKNOWN_PEER, NULL, 0},
	{"timestamp request", "{" IN "\"source\":\"192.0.2.60\"," "\"l4\":\"icmp\",\"icmp_type\":13}", DROP, REASON_ICMP_TYPE, NULL, 0},
	{"redirect", "{" IN "\"source\":\"192.0.2.60\"," "\"l4\":\"icmp\",\"icmp_type\":5}", DROP, REASON_ICMP_REDIRECT, NULL, 0},
	{"an error that quotes nothing", "{" IN "\"source\":\"192.0.2.60\"," "\"l4\":\"icmp\",\"icmp_type\":3,\"icmp_code\":4}", DROP, REASON_ICMP_UNRELATED, NULL, 0},
	{"own echo", "{" OUT "\"destination\":\"192.0.2.61\"," "\"l4\":\"icmp\",\"icmp_type\":8,\"icmp_id\":7}", PASS, REASON_RULE, "site/probe", 0},
	{"its reply", "{" IN "\"source\":\"192.0.2.61\"," "\"l4\":\"icmp\",\"icmp_type\":0,\"icmp_id\":7}", PASS, REASON_FLOW, "site/probe", 10000},
	{"another identifier", "{" IN "\"source\":\"192.0.2.61\"," "\"l4\":\"icmp\",\"icmp_type\":0,\"icmp_id\":8}", DROP, REASON_NO_FLOW, NULL, 10000},
	{"10 s later", "{" IN "\"source\":\"192.0.2.61\"," "\"l4\":\"icmp\",\"icmp_type\":0,\"icmp_id\":7}", DROP, REASON_NO_FLOW, NULL, 10001},
	{"esp out", "{" OUT "\"destination\":\"192.0.2.62\"," "\"l4\":\"esp\"}", PASS, REASON_RULE, "site/tunnel", 10001},
	{"esp back", "{" IN "\"source\":\"192.0.2.62\"," "\"l4\":\"esp\"}", PASS, REASON_FLOW, "site/tunnel", 10002},
	{"esp of another", "{" IN "\"source\":\"192.0.2.61\"," "\"l4\":\"esp\"}", DROP, REASON_PROTOCOL, NULL, 10002},

	{NULL, NULL, 0, 0, NULL, 0},
	{"IPv6 out", "{" OUT6 TO("2001:db8:5::9", 5060) UDP "}", PASS, REASON_RULE, "cyara/voice-6", 0},
	{"IPv6 back", "{" IN6 FROM("2001:db8:5::9", 5060) AT(40000) UDP "}", PASS, REASON_FLOW, "cyara/voice-6", 0},
	{"IPv6 outside the prefix", "{" OUT6 TO("2001:db8:5:1::9", 5060) UDP "}", DROP, REASON_UNKNOWN_PEER, NULL, 0},
	{"IPv6 echo out", "{" OUT6 "\"destination\":\"2001:db8:1::61\"," "\"l4\":\"icmpv6\",\"icmp_type\":128}", PASS, REASON_RULE, "site/probe6", 0},
	{"neighbour solicitation", "{\"direction\":\"in\",\"source\":\"fe80::1\",\"destination\":\"ff02::1:ff00:10\",\"l4\":\"icmpv6\",\"icmp_type\":135}", PASS, REASON_NEIGHBOUR, NULL, 0},
	{"duplicate address detection", "{\"direction\":\"in\",\"source\":\"::\",\"destination\":\"ff02::1:ff00:10\",\"l4\":\"icmpv6\",\"icmp_type\":135}", PASS, REASON_NEIGHBOUR, NULL, 0},
	{"from off the link", "{\"direction\":\"in\",\"source\":\"fe80::1\",\"destination\":\"2001:db8:1::10\",\"l4\":\"icmpv6\",\"icmp_type\":135,\"hop_limit\":254}", DROP, REASON_NEIGHBOUR_SCOPE, NULL, 0},
	{"to a wider group", "{\"direction\":\"in\",\"source\":\"fe80::1\",\"destination\":\"ff05::1\",\"l4\":\"icmpv6\",\"icmp_type\":136}", DROP, REASON_NEIGHBOUR_SCOPE, NULL, 0},
	{"a router advertisement without SLAAC", "{\"direction\":\"in\",\"source\":\"fe80::1\",\"destination\":\"ff02::1\",\"l4\":\"icmpv6\",\"icmp_type\":134}", DROP, REASON_NEIGHBOUR_SCOPE, NULL, 0},
	{"IPv6 redirect", "{\"direction\":\"in\",\"source\":\"fe80::1\",\"destination\":\"2001:db8:1::10\",\"l4\":\"icmpv6\",\"icmp_type\":137,\"hop_limit\":255}", DROP, REASON_ICMP_REDIRECT, NULL, 0},
	{"DHCP offer", "{\"direction\":\"in\"," FROM("192.0.2.1", 67) TO("255.255.255.255", 68) UDP "}", PASS, REASON_DHCP, NULL, 0},
	{"DHCP request", "{\"direction\":\"out\"," FROM("0.0.0.0", 68) TO("255.255.255.255", 67) UDP "}", PASS, REASON_DHCP, NULL, 0},
	{"one tag", "{\"vlan\":[10]," IN FROM("192.0.2.23", 50000) AT(9005) TCP("SYN") "}", PASS, REASON_RULE, "cyara/web-5", 0},
	{"two tags", "{\"vlan\":[10,20]," IN FROM("192.0.2.23", 50000) AT(9005) TCP("SYN") "}", PASS, REASON_RULE, "cyara/web-5", 0},
	{"three tags", "{\"vlan\":[10,20,30]," IN FROM("192.0.2.23", 50000) AT(9005) TCP("SYN") "}", DROP, REASON_ETHERTYPE, NULL, 0},
	{"ARP", "{\"direction\":\"in\",\"frame\":\"ffffffffffff0200000000010806000108000604000102000000000100000000000000000000000000000000\"}", PASS, REASON_ARP, NULL, 0},
	{"LLDP", "{\"direction\":\"in\",\"frame\":\"0180c200000e02000000000188cc0207040200000000010403020001\"}", PASS, REASON_LINK_CONTROL, NULL, 0},
	{"spanning tree", "{\"direction\":\"in\",\"frame\":\"0180c2000000020000000001002642420300000000000000000000000000\"}", DROP, REASON_ETHERTYPE, NULL, 0},

	{NULL, NULL, 0, 0, NULL, 0},
	{"a later fragment first", "{" IN FROM("203.0.113.1", 20000) AT(30000) UDP ",\"fragment\":{\"id\":1,\"offset\":1480,\"more\":false},\"payload\":\"00\"}", DROP, REASON_FRAGMENT_EARLY, NULL, 0},
	{"the first fragment", "{" IN FROM("203.0.113.1", 20000) AT(30000) UDP ",\"fragment\":{\"id\":1,\"offset\":0,\"more\":true},\"payload\":\"0000000000000000\"}", PASS, REASON_RULE, "cyara/omni-16-rtp:back", 0},
	{"a later one", "{" IN FROM("203.0.113.1", 20000) AT(30000) UDP ",\"fragment\":{\"id\":1,\"offset\":16,\"more\":false},\"payload\":\"00\"}", PASS, REASON_FRAGMENT, "cyara/omni-16-rtp:back", 1},
	{"a later one of another datagram", "{" IN FROM("203.0.113.1", 20000) AT(30000) "\"l4\":\"ip\",\"protocol\":17,\"fragment\":{\"id\":2,\"offset\":8,\"more\":false},\"payload\":\"00\"}", DROP, REASON_FRAGMENT_EARLY, NULL, 1},
	{"2 s later", "{" IN FROM("203.0.113.1", 20000) AT(30000) UDP ",\"fragment\":{\"id\":1,\"offset\":16,\"more\":false},\"payload\":\"00\"}", PASS, REASON_FRAGMENT, "cyara/omni-16-rtp:back", 2000},
	{"and behind", "{" IN FROM("203.0.113.1", 20000) AT(30000) UDP ",\"fragment\":{\"id\":1,\"offset\":16,\"more\":false},\"payload\":\"00\"}", DROP, REASON_FRAGMENT_EARLY, NULL, 2001},
	{"a first TCP fragment", "{" IN FROM("192.0.2.23", 20000) AT(9005) TCP("SYN") ",\"fragment\":{\"id\":3,\"offset\":0,\"more\":true},\"payload\":\"00000000\"}", PASS, REASON_RULE, "cyara/web-5", 2001},
	{"that another overwrites", "{" IN FROM("192.0.2.23", 20000) AT(9005) TCP("SYN") ",\"fragment\":{\"id\":3,\"offset\":8,\"more\":false},\"payload\":\"00\"}", DROP, REASON_FRAGMENT_OVERLAP, NULL, 2001},
	{"a refused first", "{" IN FROM("192.0.2.99", 20000) AT(9005) TCP("SYN") ",\"fragment\":{\"id\":3,\"offset\":0,\"more\":true},\"payload\":\"00000000\"}", DROP, REASON_UNKNOWN_PEER, NULL, 2001},
};
/* clang-format on */

/* What must have been counted, and where. */
static void check_counter(const struct row *row, enum direction direction, size_t length,
			  const struct met *met)
{
	bool in = direction == DIRECTION_IN;

	assert_int_equal(met->counters, 1);
	assert_int_equal(met->packets, 1);
	assert_int_equal(met->bytes, length);
	if (row->verdict == PASS && row->rule) {
		assert_string_equal(met->counter, in ? "receive_rules" : "transmit_rules");
		assert_int_equal(met->index, met->outcome.rule_slot);
		return;
	}
	assert_string_equal(met->counter, in ? "receive_reasons" : "transmit_reasons");
	assert_int_equal(met->index % REASON_SLOTS_MAX, row->reason);
	assert_int_equal(met->index,
			 REASON_COUNTER(met->outcome.verdict != met->outcome.judged,
					row->verdict == PASS ? 0 : met->outcome.role_slot,
					row->reason));
}

static void check_row(struct bench *bench, const struct row *row)
{
	enum direction direction;
	size_t length;
	const uint8_t *frame = bench_frame(row->line, &direction, &length);
	struct met met = bench_run(bench, direction, frame, length, row->at_ms);

	if (met.outcome.judged != row->verdict || met.outcome.reason != row->reason ||
	    strcmp(met.rule, row->rule ? row->rule : "") != 0)
		fail_msg("%s: judged %d, reason %d, rule \"%s\"; expected %d, %d, \"%s\"",
			 row->name, met.outcome.judged, met.outcome.reason, met.rule, row->verdict,
			 row->reason, row->rule ? row->rule : "");
	check_counter(row, direction, length, &met);
}

static void run_rows(enum lookup lookup, enum mode mode_in, enum mode mode_out)
{
	struct bench *bench = bench_new(lookup, mode_in, mode_out);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].name)
			check_row(bench, &rows[i]);
		else
			bench_reset(bench);
	}
	/* Each of them was judged by both encodings. */
	assert_int_equal(loaded_state(bench->loaded)->disagreements, 0);
	assert_int_equal(loaded_state(bench->loaded)->fallback, 0);
	bench_free(bench);
}

static void rows_by_maps(void **data)
{
	run_rows(LOOKUP_MAPS, MODE_ENFORCE, MODE_ENFORCE);
}

static void rows_by_flat(void **data)
{
	run_rows(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE);
}

/* The first packet of each kind of drop passes in audit, judged and counted as would-drop. */
static void audit_passes_and_counts(void **data)
{
	struct bench *bench = bench_new(LOOKUP_FLAT, MODE_AUDIT, MODE_AUDIT);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum direction direction;
		const uint8_t *frame;
		struct met met;
		size_t length;

		if (!rows[i].name) {
			bench_reset(bench);
			continue;
		}
		frame = bench_frame(rows[i].line, &direction, &length);
		met = bench_run(bench, direction, frame, length, rows[i].at_ms);
		assert_int_equal(met.outcome.verdict, VERDICT_PASS);
		assert_int_equal(met.counters, 1);
		if (met.outcome.judged == VERDICT_DROP)
			assert_true(met.index >= REASON_COUNTER(1, 0, 0));
		else
			assert_true(met.index < REASON_COUNTER(1, 0, 0));
	}
	bench_free(bench);
}

/* Cut at every byte: nothing that is not whole passes, and no length makes the programs fail. */
static void truncation_at_every_byte(void **data)
{
	static const char *const lines[] = {
		"{" IN FROM("192.0.2.23", 50000) AT(9005) TCP("SYN") "}",
		"{\"vlan\":[1,2]," IN FROM("203.0.113.1", 20000) AT(30000) UDP
		",\"payload\":\"8000\"}",
		"{" IN6 FROM("2001:db8:5::9", 20000) AT(30000) UDP ",\"payload\":\"8000\"}",
		"{" OUT TO("192.0.2.20", 5672) TCP("SYN") "}",
		"{" OUT6 TO("2001:db8:5::9", 5060) UDP ",\"payload\":\"8000\"}",
	};
	struct bench *bench = bench_new(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		enum direction direction;
		size_t length;
		const uint8_t *frame = bench_frame(lines[i], &direction, &length);
		size_t shortest =
			direction == DIRECTION_IN ? 14 : 14 + (frame[12] == 0x08 ? 20 : 40);

		for (size_t cut = shortest; cut < length; cut++) {
			struct met met = bench_run(bench, direction, frame, cut, 0);

			assert_int_equal(met.outcome.verdict, VERDICT_DROP);
			assert_int_equal(met.outcome.reason, REASON_MALFORMED);
		}
		assert_int_equal(bench_run(bench, direction, frame, length, 0).outcome.reason,
				 i == 2 ? REASON_UNKNOWN_PEER : REASON_RULE);
	}
	bench_free(bench);
}

/* The verifier's work must not grow with the tables: it did, with a count of boundaries that it
 * knew. */
static void thousands_of_prefixes(void **data)
{
	struct bench *bench = bench_new_wide(20000);
	enum direction direction;
	size_t length;
	const uint8_t *frame =
		bench_frame("{\"direction\":\"in\",\"destination\":\"2001:db8:1::10\"," FROM(
				    "2001:db8:ffff::9c3f", 50000) AT(22) TCP("SYN") "}",
			    &direction, &length);

	assert_int_equal(bench_run(bench, direction, frame, length, 0).outcome.reason, REASON_RULE);
	frame = bench_frame("{\"direction\":\"in\",\"destination\":\"2001:db8:1::10\"," FROM(
				    "2001:db8:ffff::9c40", 50000) AT(22) TCP("SYN") "}",
			    &direction, &length);
	assert_int_equal(bench_run(bench, direction, frame, length, 0).outcome.reason,
			 REASON_UNKNOWN_PEER);
	assert_int_equal(loaded_state(bench->loaded)->disagreements, 0);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_by_maps),
		cmocka_unit_test(rows_by_flat),
		cmocka_unit_test(audit_passes_and_counts),
		cmocka_unit_test(truncation_at_every_byte),
		cmocka_unit_test(thousands_of_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
