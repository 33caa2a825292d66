/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Before cmocka.h, which has a macro of the name fail. */
#include "packet_line.h"

#include <cmocka.h>

enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40 };

static struct packet_line parse_with(const char *text, const struct packet_names *names)
{
	struct packet_line line;
	struct failure failure = {0};

	if (packet_line_parse(text, strlen(text), names, &line, &failure))
		fail_msg("%s: %s", text, failure.message);
	return line;
}

static struct packet_line parse(const char *text)
{
	return parse_with(text, NULL);
}

static unsigned be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

#define V4 "\"source\":\"192.0.2.1\",\"destination\":\"198.51.100.2\""
#define V6 "\"source\":\"2001:db8::1\",\"destination\":\"2001:db8::2\""

static void test_local_address(void **state)
{
	struct packet_line in = parse("{\"l4\":\"tcp\"," V4 ",\"destination_port\":443}");
	struct packet_line out =
		parse("{\"direction\":\"out\",\"l4\":\"tcp\"," V4 ",\"destination_port\":443}");
	struct address source, destination;

	(void)state;
	assert_true(address_parse("192.0.2.1", &source));
	assert_true(address_parse("198.51.100.2", &destination));
	assert_int_equal(address_compare(&in.local, &destination), 0);
	assert_int_equal(address_compare(&out.local, &source), 0);
	packet_line_clear(&in);
	packet_line_clear(&out);
}

static void test_defaults(void **state)
{
	struct packet_line line = parse("{\"l4\":\"tcp\"," V4 ",\"destination_port\":443}");
	const uint8_t *tcp = line.frame + ETHERNET + IPV4;

	(void)state;
	assert_null(line.id);
	assert_int_equal(line.direction, DIRECTION_IN);
	assert_false(line.has_time);
	assert_true(line.bound);
	assert_false(line.has_bound);
	assert_false(line.has_payload);
	assert_int_equal(line.frame_length, ETHERNET + IPV4 + 20);
	assert_int_equal(line.frame[ETHERNET + 8], 64);
	assert_int_equal(be16(tcp), 40000);
	assert_int_equal(be16(tcp + 2), 443);
	assert_int_equal(tcp[13], 0x02);
	packet_line_clear(&line);
	line = parse("{\"l4\":\"icmp\"," V6 "}");
	assert_int_equal(line.frame[ETHERNET + 6], 58);
	assert_int_equal(line.frame[ETHERNET + IPV6], 128);
	assert_int_equal(be16(line.frame + ETHERNET + IPV6 + 4), 1);
	packet_line_clear(&line);
	line = parse("{\"l4\":\"icmpv6\"," V6 ",\"icmp_type\":135}");
	assert_int_equal(line.frame[ETHERNET + 7], 255);
	packet_line_clear(&line);
}

static void test_every_key(void **state)
{
	struct packet_line line =
		parse("{\"id\":\"x\",\"direction\":\"out\",\"l4\":\"udp\"," V4
		      ",\"source_port\":1,\"destination_port\":2,\"hop_limit\":9,\"vlan\":[5],"
		      "\"payload\":\"00fF\",\"at_ms\":77,\"bound\":true}");
	const uint8_t *ip = line.frame + ETHERNET + 4;

	(void)state;
	assert_string_equal(json_string_value(line.id), "x");
	assert_int_equal(line.direction, DIRECTION_OUT);
	assert_true(line.has_time);
	assert_int_equal(line.at_ms, 77);
	assert_true(line.bound);
	assert_int_equal(be16(line.frame + 12), 0x8100);
	assert_int_equal(be16(line.frame + 14), 5);
	assert_int_equal(ip[8], 9);
	assert_int_equal(be16(ip + IPV4), 1);
	assert_int_equal(be16(ip + IPV4 + 4), 10);
	assert_int_equal(ip[IPV4 + 9], 0xff);
	packet_line_clear(&line);
	line = parse("{\"reset\":true}");
	assert_true(line.reset);
	packet_line_clear(&line);
	line = parse("{\"id\":3,\"frame\":\"0102\"}");
	assert_int_equal(json_integer_value(line.id), 3);
	assert_int_equal(line.frame_length, 2);
	assert_int_equal(line.local.family, 0);
	packet_line_clear(&line);
	line = parse("{\"l4\":\"arp\"," V4 "}");
	assert_int_equal(be16(line.frame + 12), 0x0806);
	packet_line_clear(&line);
}

static void test_protocols(void **state)
{
	static const struct {
		const char *line;
		uint8_t protocol;
		size_t length; /* behind the IP header */
	} rows[] = {
		{"{\"l4\":\"sctp\"," V4 ",\"destination_port\":1}", 132, 12},
		{"{\"l4\":\"esp\"," V4 "}", 50, 0},
		{"{\"l4\":\"ah\"," V4 "}", 51, 0},
		{"{\"l4\":\"gre\"," V4 "}", 47, 0},
		{"{\"l4\":\"ip\",\"protocol\":112," V4 "}", 112, 0},
		{"{\"protocol\":112," V4 "}", 112, 0},
		{"{\"protocol\":17," V4 ",\"destination_port\":1}", 17, 8},
		{"{\"l4\":\"udp\",\"protocol\":17," V4 ",\"destination_port\":1}", 17, 8},
		{"{\"protocol\":58," V4 "}", 58, 0}, /* ICMPv6 over IPv4: no header */
		{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":1,\"tcp_flags\":\"\"}", 6, 20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet_line line = parse(rows[i].line);

		assert_int_equal(line.frame[ETHERNET + 9], rows[i].protocol);
		assert_int_equal(line.frame_length, ETHERNET + IPV4 + rows[i].length);
		packet_line_clear(&line);
	}
}

static void test_tcp_flags(void **state)
{
	static const struct {
		const char *text;
		uint8_t flags;
	} rows[] = {{"SYN+ACK", 0x12},
		    {"ack", 0x10},
		    {"NONE", 0},
		    {"", 0},
		    {"FIN+SYN+RST+PSH+ACK+URG+ECE+CWR", 0xff}};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet_line line;

		snprintf(text, sizeof(text),
			 "{\"l4\":\"tcp\"," V4 ",\"destination_port\":1,\"tcp_flags\":\"%s\"}",
			 rows[i].text);
		line = parse(text);
		assert_int_equal(line.frame[ETHERNET + IPV4 + 13], rows[i].flags);
		packet_line_clear(&line);
	}
}

static void test_fragments(void **state)
{
	struct packet_line line = parse("{\"l4\":\"tcp\"," V4 ",\"destination_port\":1,"
					"\"fragment\":{\"id\":7,\"offset\":0,\"more\":true}}");

	(void)state;
	/* Padded to a multiple of eight. */
	assert_int_equal(line.frame_length, ETHERNET + IPV4 + 24);
	assert_int_equal(be16(line.frame + ETHERNET + 4), 7);
	assert_int_equal(be16(line.frame + ETHERNET + 6), 0x2000);
	packet_line_clear(&line);
	/* A later one has no header; ports may be said of its datagram. */
	line = parse(
		"{\"l4\":\"udp\"," V4 ",\"destination_port\":1,"
		"\"fragment\":{\"id\":7,\"offset\":1480,\"more\":false},\"payload\":\"aabb\"}");
	assert_int_equal(line.frame_length, ETHERNET + IPV4 + 2);
	assert_int_equal(be16(line.frame + ETHERNET + 6), 185);
	packet_line_clear(&line);
	line = parse("{\"l4\":\"udp\"," V6 ",\"fragment\":{\"id\":70000,\"offset\":8}}");
	assert_int_equal(line.frame[ETHERNET + 6], 44);
	assert_int_equal(line.frame_length, ETHERNET + IPV6 + 8 + 8);
	packet_line_clear(&line);
}

static bool find_name(void *context, const char *name, uint8_t family, struct address *ret_address)
{
	if (strcmp(name, "both") == 0)
		return address_parse(family == 4 ? "192.0.2.1" : "2001:db8::1", ret_address);
	if (strcmp(name, "six") == 0)
		return family == 6 && address_parse("2001:db8::6", ret_address);
	return false;
}

static void test_names(void **state)
{
	const struct packet_names names = {.address = find_name};
	struct packet_line line = parse_with("{\"l4\":\"esp\",\"source\":\"both\","
					     "\"destination\":\"both\"}",
					     &names);

	(void)state;
	assert_int_equal(be16(line.frame + 12), 0x0800);
	packet_line_clear(&line);
	line = parse_with("{\"l4\":\"esp\",\"source\":\"both\",\"destination\":\"six\"}", &names);
	assert_int_equal(be16(line.frame + 12), 0x86dd);
	packet_line_clear(&line);
	line = parse_with("{\"l4\":\"esp\",\"source\":\"2001:db8::9\",\"destination\":\"both\"}",
			  &names);
	assert_int_equal(be16(line.frame + 12), 0x86dd);
	packet_line_clear(&line);
}

/* A line, and what its message must say. */
static const struct {
	const char *line;
	const char *says;
} errors[] = {
	{"", "not JSON"},
	{"[]", "a list; one object a line"},
	{"{\"l4\":\"tcp\",\"l4\":\"udp\"}", "duplicate"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_prot\":1}", "did you mean \"destination_port\"?"},
	{"{\"l4\":\"tcp\"," V4 "}", "\"destination_port\" is missing"},
	{"{\"l4\":\"tcp\",\"destination\":\"192.0.2.1\",\"destination_port\":1}",
	 "\"source\" is missing"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":65536}", "from 0 to 65535"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":-1}", "from 0 to 65535"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":\"1\"}", "is a string; it must be a whole"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":1.5}", "with a fraction"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":1,\"tcp_flags\":\"SYN,ACK\"}",
	 "joined by \"+\""},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":1,\"tcp_flags\":\"SYN+\"}", "joined by"},
	{"{\"l4\":\"quic\"," V4 "}", "it must be tcp, udp"},
	{"{" V4 "}", "\"l4\" is missing"},
	{"{\"l4\":\"ip\"," V4 "}", "\"protocol\" must give"},
	{"{\"l4\":\"tcp\",\"protocol\":17," V4 ",\"destination_port\":1}", "give one of them"},
	{"{\"l4\":\"icmpv6\"," V4 "}", "\"icmp\" is right"},
	{"{\"l4\":\"udp\"," V4 ",\"destination_port\":1,\"tcp_flags\":\"SYN\"}",
	 "\"tcp_flags\" contradicts \"l4\": only TCP"},
	{"{\"l4\":\"esp\"," V4 ",\"destination_port\":1}", "only TCP, UDP and SCTP"},
	{"{\"l4\":\"tcp\"," V4 ",\"destination_port\":1,\"icmp_type\":8}", "only ICMP"},
	{"{\"l4\":\"esp\",\"source\":\"192.0.2.1\",\"destination\":\"2001:db8::1\"}",
	 "not of one family"},
	{"{\"l4\":\"esp\",\"source\":\"192.0.2\",\"destination\":\"192.0.2.1\"}",
	 "\"192.0.2\", which is no IPv4 or IPv6 address"},
	{"{\"l4\":\"esp\"," V4 ",\"direction\":\"up\"}", "must be \"in\" or \"out\""},
	{"{\"l4\":\"esp\"," V4 ",\"fragment\":{\"offset\":7}}", "multiple of 8"},
	{"{\"l4\":\"esp\"," V4 ",\"fragment\":{\"id\":65536}}", "in \"fragment\": \"id\""},
	{"{\"l4\":\"esp\"," V4 ",\"fragment\":{\"ofset\":8}}", "did you mean \"offset\"?"},
	{"{\"l4\":\"esp\"," V4 ",\"fragment\":true}", "must be an object"},
	{"{\"l4\":\"esp\"," V4 ",\"vlan\":[1,2,3,4,5]}", "FRAME_VLAN_TAGS_MAX"},
	{"{\"l4\":\"esp\"," V4 ",\"vlan\":[4096]}", "from 0 to 4095"},
	{"{\"l4\":\"esp\"," V4 ",\"payload\":\"0\"}", "hex digits, two a byte"},
	{"{\"l4\":\"esp\"," V4 ",\"payload\":\"0g\"}", "hex digits"},
	{"{\"l4\":\"esp\"," V4 ",\"id\":{}}", "\"id\" is an object"},
	{"{\"l4\":\"esp\"," V4 ",\"bound\":1}", "must be true or false"},
	{"{\"l4\":\"arp\"," V6 "}", "must be IPv4"},
	{"{\"l4\":\"arp\"," V4 ",\"payload\":\"00\"}", "in a line with \"l4\": \"arp\""},
	{"{\"frame\":\"00\",\"l4\":\"udp\"}", "\"l4\" contradicts \"frame\""},
	{"{\"reset\":false}", "must be {\"reset\": true}"},
	{"{\"reset\":true,\"id\":1}", "must be {\"reset\": true}"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct packet_line line = {.at_ms = 12345};
		struct failure failure = {0};

		if (!packet_line_parse(errors[i].line, strlen(errors[i].line), NULL, &line,
				       &failure))
			fail_msg("%s: no error", errors[i].line);
		if (!strstr(failure.message, errors[i].says))
			fail_msg("%s:\n  says: %s\n  must say: %s", errors[i].line, failure.message,
				 errors[i].says);
		assert_int_equal(line.at_ms, 12345); /* untouched */
	}
}

static void test_longest_frame(void **state)
{
	static char text[PACKET_LINE_BYTES_MAX];
	struct packet_line line;
	struct failure failure = {0};
	int length =
		snprintf(text, sizeof(text), "{\"frame\":\"%0*d\"}", (int)FRAME_BYTES_MAX * 2, 0);

	(void)state;
	assert_true(length > 0 && length < (int)sizeof(text));
	assert_int_equal(packet_line_parse(text, (size_t)length, NULL, &line, &failure), 0);
	assert_int_equal(line.frame_length, FRAME_BYTES_MAX);
	packet_line_clear(&line);
	length = snprintf(text, sizeof(text), "{\"frame\":\"%0*d\"}", (int)FRAME_BYTES_MAX * 2 + 2,
			  0);
	assert_int_not_equal(packet_line_parse(text, (size_t)length, NULL, &line, &failure), 0);
	assert_non_null(strstr(failure.message, "FRAME_BYTES_MAX"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local_address), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),     cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_tcp_flags),     cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_errors),
		cmocka_unit_test(test_longest_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
