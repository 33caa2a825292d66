/* SPDX-License-Identifier: BSD-2-Clause */
/* Drops as lines, as JSON and as frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drop_event.h"
#include "packet_line.h"

/* A drop of the frame that a packet line describes, captured as the kernel does. */
static struct drop drop_of(const char *line, enum reason reason)
{
	struct drop drop = {
		.interface = "eth0",
		.time = UINT64_C(1750000000123456789),
		.event = {.reason = (uint8_t)reason, .generation = 7, .packets = 100},
	};
	struct packet_line packet = {0};
	struct failure failure = {""};
	size_t captured;

	if (packet_line_parse(line, strlen(line), NULL, &packet, &failure))
		assert_string_equal(failure.message, "");
	captured = packet.frame_length < DROP_EVENT_FRAME_BYTES ? packet.frame_length
								: DROP_EVENT_FRAME_BYTES;
	drop.event.direction = (uint8_t)packet.direction;
	drop.event.length = (uint32_t)packet.frame_length;
	drop.event.captured = (uint16_t)captured;
	/* What lies behind is of an older event: nobody may read it. */
	memset(drop.event.frame, 0xff, sizeof(drop.event.frame));
	memcpy(drop.event.frame, packet.frame, captured);
	packet_line_clear(&packet);
	return drop;
}

static void expect_line(const struct drop *drop, const char *expected)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	drop_print(drop, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void test_lines(void **test)
{
	struct drop drop = drop_of("{\"l4\":\"tcp\",\"source\":\"192.0.2.7\",\"source_port\":40000,"
				   "\"destination\":\"192.0.2.10\",\"destination_port\":9999}",
				   REASON_CLOSED_PORT);

	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop closed-port tcp "
			   "192.0.2.7:40000 > 192.0.2.10:9999 SYN, 54 bytes: a service port that "
			   "is in no rule\n");
	drop.event.verdict = VERDICT_PASS;
	drop.role = "cyara/mssql";
	drop.rule = "cyara/web-5";
	drop.has_more = true;
	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in would-drop closed-port tcp "
			   "192.0.2.7:40000 > 192.0.2.10:9999 SYN, 54 bytes, peer cyara/mssql, "
			   "rule cyara/web-5: a service port that is in no rule\n");
	drop.more = 12345678901;
	drop.rule = drop.role = NULL;
	drop.event.verdict = VERDICT_DROP;
	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop closed-port tcp "
			   "192.0.2.7:40000 > 192.0.2.10:9999 SYN, 54 bytes: a service port that "
			   "is in no rule (+12345678901 more since the last)\n");
}

static void test_rest(void **test)
{
	const struct drop rest = {
		.interface = "eth0",
		.role = "cyara/mssql",
		.more = 9,
		.event = {.direction = DIRECTION_OUT, .reason = REASON_WRONG_PORT, .verdict = 1},
	};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	drop_print_rest(&rest, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "eth0 out would-drop wrong-port, peer cyara/mssql: 9 more since "
				  "the last of these\n");
	free(text);
}

static void test_protocols(void **test)
{
	struct drop drop =
		drop_of("{\"direction\":\"out\",\"l4\":\"udp\",\"source\":\"2001:db8::1\","
			"\"source_port\":5060,\"destination\":\"2001:db8::2\","
			"\"destination_port\":5061}",
			REASON_WRONG_PORT);

	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 out drop wrong-port udp "
			   "[2001:db8::1]:5060 > [2001:db8::2]:5061, 62 bytes: a known peer, but "
			   "not for this port\n");
	drop = drop_of("{\"l4\":\"icmp\",\"source\":\"192.0.2.7\",\"destination\":\"192.0.2.10\","
		       "\"icmp_type\":13,\"icmp_code\":2}",
		       REASON_ICMP_TYPE);
	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop icmp-type icmp 192.0.2.7 > "
			   "192.0.2.10 type 13 code 2, 42 bytes: an ICMP message that no rule "
			   "allows\n");
	drop = drop_of("{\"l4\":\"udp\",\"source\":\"192.0.2.7\",\"destination\":\"192.0.2.10\","
		       "\"fragment\":{\"id\":9,\"offset\":1480,\"more\":false},\"payload\":\"00\"}",
		       REASON_FRAGMENT_EARLY);
	expect_line(&drop,
		    "2025-06-15T15:06:40.123456Z eth0 in drop fragment-early udp 192.0.2.7 > "
		    "192.0.2.10 fragment 1480, 35 bytes: no first fragment of its datagram "
		    "passed\n");
	drop = drop_of("{\"l4\":\"esp\",\"source\":\"192.0.2.7\",\"destination\":\"192.0.2.10\"}",
		       REASON_PROTOCOL);
	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop protocol esp 192.0.2.7 > "
			   "192.0.2.10, 34 bytes: an IP protocol that no rule allows\n");
}

/* What is no IP packet, or none that can be read: its Ethernet header; and not even that. */
static void test_unreadable(void **test)
{
	struct drop drop =
		drop_of("{\"frame\":\"02000000000102000000000288b5cafe\"}", REASON_ETHERTYPE);
	json_t *object;

	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop ethertype ethertype 0x88b5 "
			   "02:00:00:00:00:02 > 02:00:00:00:00:01, 16 bytes: neither IP nor a link "
			   "protocol that passes\n");
	object = drop_json(&drop);
	assert_int_equal(json_integer_value(json_object_get(object, "ethertype")), 0x88b5);
	assert_null(json_object_get(object, "source"));
	json_decref(object);
	drop.event.captured = 13;
	drop.event.reason = REASON_MALFORMED;
	expect_line(&drop,
		    "2025-06-15T15:06:40.123456Z eth0 in drop malformed a frame without a "
		    "whole Ethernet header, 16 bytes: its headers are cut short or contradict "
		    "each other\n");
}

/* Longer than what was captured: its headers are read all the same. */
static void test_long_frame(void **test)
{
	char line[4096];
	struct drop drop;
	json_t *object;

	snprintf(line, sizeof(line),
		 "{\"l4\":\"udp\",\"source\":\"192.0.2.7\",\"destination\":\"192.0.2.10\","
		 "\"destination_port\":4000,\"payload\":\"%0*d\"}",
		 2800, 0);
	drop = drop_of(line, REASON_CLOSED_PORT);
	assert_int_equal(drop.event.captured, DROP_EVENT_FRAME_BYTES);
	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop closed-port udp "
			   "192.0.2.7:40000 > 192.0.2.10:4000, 1442 bytes: a service port that is "
			   "in no rule\n");
	object = drop_json(&drop);
	assert_int_equal(json_integer_value(json_object_get(object, "length")), 1442);
	assert_int_equal(json_string_length(json_object_get(object, "frame")),
			 2 * DROP_EVENT_FRAME_BYTES);
	json_decref(object);
}

static void test_json(void **test)
{
	struct drop drop = drop_of("{\"l4\":\"tcp\",\"source\":\"2001:db8::7\",\"source_port\":1,"
				   "\"destination\":\"2001:db8::a\",\"destination_port\":2,"
				   "\"tcp_flags\":\"SYN+ACK\"}",
				   REASON_NO_FLOW);
	json_t *object = drop_json(&drop);
	char *text;

	assert_true(json_is_null(json_object_get(object, "more_since_last")));
	json_decref(object);
	drop.has_more = true;
	drop.more = 3;
	drop.role = "cyara/mssql";
	object = drop_json(&drop);
	assert_int_equal(json_object_del(object, "frame"), 0);
	text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(
		text,
		"{\"time\":\"2025-06-15T15:06:40.123456Z\",\"interface\":\"eth0\",\"direction\":"
		"\"in\","
		"\"verdict\":\"drop\",\"judged\":\"drop\",\"reason\":\"no-flow\",\"meaning\":\"an "
		"answer to nothing that this host asked\",\"role\":\"cyara/mssql\",\"rule\":null,"
		"\"generation\":7,\"packets\":100,\"more_since_last\":3,\"l4\":\"tcp\","
		"\"protocol\":6,\"source\":\"2001:db8::7\",\"destination\":\"2001:db8::a\","
		"\"hop_limit\":64,\"source_port\":1,\"destination_port\":2,\"tcp_flags\":\"SYN+"
		"ACK\","
		"\"length\":74}");
	free(text);
	json_decref(object);
}

/* The kernel has taken the tag off: it is put back where it was. */
static void test_tag_in_metadata(void **test)
{
	static const uint8_t tag[] = {0x88, 0xa8, 0xa0, 0x2a};
	struct drop drop = drop_of("{\"l4\":\"udp\",\"source\":\"192.0.2.7\","
				   "\"destination\":\"192.0.2.10\",\"destination_port\":4000}",
				   REASON_CLOSED_PORT);
	uint8_t frame[DROP_FRAME_BYTES_MAX];
	uint32_t length;

	assert_int_equal(drop_frame(&drop, frame, &length), 42);
	assert_int_equal(length, 42);
	assert_memory_equal(frame, drop.event.frame, 42);
	drop.event.vlan_protocol = 0x88a8;
	drop.event.vlan_tci = 0xa02a;
	assert_int_equal(drop_frame(&drop, frame, &length), 46);
	assert_int_equal(length, 46);
	assert_memory_equal(frame, drop.event.frame, 12);
	assert_memory_equal(frame + 12, tag, sizeof(tag));
	assert_memory_equal(frame + 16, drop.event.frame + 12, 30);
	expect_line(&drop, "2025-06-15T15:06:40.123456Z eth0 in drop closed-port udp "
			   "192.0.2.7:40000 > 192.0.2.10:4000 vlan 42, 42 bytes: a service port "
			   "that is in no rule\n");
	/* As many bytes as can be captured, and the tag. */
	drop.event.length = 9000;
	drop.event.captured = DROP_EVENT_FRAME_BYTES;
	assert_int_equal(drop_frame(&drop, frame, &length), DROP_FRAME_BYTES_MAX);
	assert_int_equal(length, 9004);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_protocols),	cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_long_frame),	cmocka_unit_test(test_json),
		cmocka_unit_test(test_tag_in_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
