/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40 };

static struct address address(const char *text)
{
	struct address result;

	assert_true(address_parse(text, &result));
	return result;
}

static struct frame_fields ipv4(uint8_t protocol)
{
	return (struct frame_fields){
		.source = address("192.0.2.1"),
		.destination = address("198.51.100.2"),
		.hop_limit = 64,
		.protocol = protocol,
		.source_port = 5060,
		.destination_port = 5061,
	};
}

static struct frame_fields ipv6(uint8_t protocol)
{
	struct frame_fields fields = ipv4(protocol);

	fields.source = address("2001:db8::1");
	fields.destination = address("2001:db8::2");
	return fields;
}

static uint32_t be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* RFC 1071: a sum with its checksum in place is all ones. */
static uint32_t folded(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_udp_over_ipv4(void **state)
{
	static const uint8_t payload[] = {1, 2, 3};
	struct frame_fields fields = ipv4(17);
	uint8_t frame[128];
	size_t length;
	const uint8_t *ip = frame + ETHERNET;
	const uint8_t *udp = ip + IPV4;

	(void)state;
	fields.payload = payload;
	fields.payload_length = sizeof(payload);
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, ETHERNET + IPV4 + 8 + 3);
	assert_int_equal(be16(frame + 12), 0x0800);
	assert_int_equal(be16(ip + 2), IPV4 + 8 + 3);
	assert_int_equal(folded(ip, IPV4, 0), 0xffff);
	assert_int_equal(be16(udp), 5060);
	assert_int_equal(be16(udp + 2), 5061);
	assert_int_equal(be16(udp + 4), 11);
	assert_int_equal(folded(udp, 11, folded(ip + 12, 8, 17 + 11)), 0xffff);
	assert_memory_equal(udp + 8, payload, sizeof(payload));
}

static void test_tcp_over_ipv6(void **state)
{
	struct frame_fields fields = ipv6(6);
	uint8_t frame[128];
	size_t length;
	const uint8_t *ip = frame + ETHERNET;
	const uint8_t *tcp = ip + IPV6;

	(void)state;
	fields.tcp_flags = FRAME_TCP_SYN | FRAME_TCP_ACK;
	fields.tcp_options = 8;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, ETHERNET + IPV6 + 28);
	assert_int_equal(be16(ip + 4), 28);
	assert_int_equal(tcp[12] >> 4, 7);
	assert_int_equal(tcp[13], 0x12);
	assert_int_equal(folded(tcp, 28, folded(ip + 8, 32, 6 + 28)), 0xffff);
}

/* RFC 9260: over the packet with the checksum field zero, lowest byte first. */
static void test_sctp_has_crc32c(void **state)
{
	struct frame_fields fields = ipv4(132);
	uint8_t frame[128];
	size_t length;
	const uint8_t *sctp = frame + ETHERNET + IPV4;
	uint32_t crc = 0xffffffffu;

	(void)state;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, ETHERNET + IPV4 + 12);
	for (int i = 0; i < 12; i++) {
		crc ^= i < 8 ? sctp[i] : 0u;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		assert_int_equal(sctp[8 + i], (uint8_t)(crc >> (8 * i)));
}

static void test_icmp_checksums(void **state)
{
	struct frame_fields fields = ipv4(1);
	uint8_t frame[128];
	size_t length;

	(void)state;
	fields.icmp_type = 8;
	fields.icmp_id = 7;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(folded(frame + ETHERNET + IPV4, 8, 0), 0xffff);
	assert_int_equal(be16(frame + ETHERNET + IPV4 + 4), 7);
	fields = ipv6(58);
	fields.icmp_type = 128;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(
		folded(frame + ETHERNET + IPV6, 8, folded(frame + ETHERNET + 8, 32, 58 + 8)),
		0xffff);
}

static void test_vlan_tags(void **state)
{
	struct frame_fields fields = ipv4(17);
	uint8_t frame[128];
	size_t length;

	(void)state;
	fields.vlan_count = 2;
	fields.vlan_ids[0] = 100;
	fields.vlan_ids[1] = 7;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(be16(frame + 12), 0x88a8);
	assert_int_equal(be16(frame + 14), 100);
	assert_int_equal(be16(frame + 16), 0x8100);
	assert_int_equal(be16(frame + 18), 7);
	assert_int_equal(be16(frame + 20), 0x0800);
}

static void test_fragments(void **state)
{
	static const uint8_t payload[16] = {0};
	struct frame_fields fields = ipv4(17);
	uint8_t frame[128];
	size_t length;

	(void)state;
	fields.payload = payload;
	fields.payload_length = sizeof(payload);
	fields.fragment = (struct frame_fragment){true, true, 0x1234, 1480};
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, ETHERNET + IPV4 + 16); /* no UDP header */
	assert_int_equal(be16(frame + ETHERNET + 4), 0x1234);
	assert_int_equal(be16(frame + ETHERNET + 6), 0x2000 | 185);

	fields.source = address("2001:db8::1");
	fields.destination = address("2001:db8::2");
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, ETHERNET + IPV6 + 8 + 16);
	assert_int_equal(frame[ETHERNET + 6], 44);
	assert_int_equal(frame[ETHERNET + IPV6], 17);
	assert_int_equal(be16(frame + ETHERNET + IPV6 + 2), 1480 | 1);
}

static void test_extension_headers(void **state)
{
	struct frame_fields fields = ipv6(17);
	uint8_t frame[128];
	size_t length;
	const uint8_t *next = frame + ETHERNET + IPV6;

	(void)state;
	fields.extensions[0] = 0;
	fields.extensions[1] = 43;
	fields.extension_count = 2;
	fields.fragment.present = true;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(frame[ETHERNET + 6], 0);
	assert_int_equal(next[0], 43);
	assert_int_equal(next[8], 44);
	assert_int_equal(next[16], 17);
	assert_int_equal(length, ETHERNET + IPV6 + 3 * 8 + 8);
}

static void test_errors(void **state)
{
	struct frame_fields fields = ipv4(17);
	uint8_t frame[64];
	size_t length = 99;

	(void)state;
	fields.destination = address("2001:db8::2");
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), -EINVAL);
	fields = ipv4(17);
	fields.tcp_options = 3;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), -EINVAL);
	fields = ipv4(17);
	fields.fragment.offset = 7;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), -EINVAL);
	fields = ipv4(17);
	assert_int_equal(frame_build(&fields, frame, ETHERNET + IPV4 + 7, &length), -EMSGSIZE);
	assert_int_equal(length, 99); /* untouched */
	assert_int_equal(frame_build(&fields, frame, ETHERNET + IPV4 + 8, &length), 0);
	fields = ipv6(17);
	assert_int_equal(frame_build_arp(&fields, frame, sizeof(frame), &length), -EINVAL);
}

static void test_greatest_length(void **state)
{
	static uint8_t payload[65536];
	static uint8_t frame[FRAME_BYTES_MAX];
	struct frame_fields fields = ipv4(50);
	size_t length;

	(void)state;
	fields.payload = payload;
	fields.payload_length = 65535 - IPV4;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	fields.payload_length++;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), -EMSGSIZE);
	fields = ipv6(50);
	fields.vlan_count = FRAME_VLAN_TAGS_MAX;
	fields.payload = payload;
	fields.payload_length = 65535;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, FRAME_BYTES_MAX);
}

static void test_arp(void **state)
{
	struct frame_fields fields = ipv4(0);
	uint8_t frame[64];
	size_t length;

	(void)state;
	assert_int_equal(frame_build_arp(&fields, frame, sizeof(frame), &length), 0);
	assert_int_equal(length, ETHERNET + 28);
	assert_int_equal(be16(frame + 12), 0x0806);
	assert_memory_equal(frame + ETHERNET + 14, fields.source.bytes, 4);
	assert_memory_equal(frame + ETHERNET + 24, fields.destination.bytes, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_over_ipv4),	  cmocka_unit_test(test_tcp_over_ipv6),
		cmocka_unit_test(test_sctp_has_crc32c),	  cmocka_unit_test(test_icmp_checksums),
		cmocka_unit_test(test_vlan_tags),	  cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_extension_headers), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_greatest_length),	  cmocka_unit_test(test_arp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
