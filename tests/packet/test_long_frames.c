/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arriving frames in several buffers: jumbo frames, and headers that lie in another buffer than the
 * frame's beginning. They are judged and counted as if they were in one.
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

#define LONGEST	    9014
#define SPLIT_UP_TO 160

static struct address address(const char *text)
{
	struct address result;

	assert_true(address_parse(text, &result));
	return result;
}

/* From the gateway's network to the edge's media ports, where both families have a rule. */
static size_t media_frame(uint8_t *frame, uint8_t family, size_t vlans, size_t payload)
{
	static const uint8_t bytes[LONGEST] = {0x80, 0};
	struct frame_fields fields = {
		.source = address(family == 4 ? "203.0.113.1" : "2001:db8:1::20"),
		.destination = address(family == 4 ? "192.0.2.10" : "2001:db8:1::10"),
		.vlan_ids = {7, 8},
		.vlan_count = vlans,
		.hop_limit = 64,
		.protocol = 17,
		.source_port = 20000,
		.destination_port = 30000,
		.payload = bytes,
		.payload_length = payload,
	};
	size_t length;

	assert_int_equal(frame_build(&fields, frame, LONGEST, &length), 0);
	return length;
}

static void jumbo_frames_are_judged_and_counted_whole(void **data)
{
	struct bench *bench = bench_new(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE);
	static uint8_t frame[LONGEST];
	struct met met;
	size_t length;

	for (size_t vlans = 0; vlans <= 2; vlans++) {
		for (size_t payload = 3000; payload <= 8900; payload += 1475) {
			length = media_frame(frame, 4, vlans, payload);
			met = bench_run(bench, DIRECTION_IN, frame, length, 0);
			assert_int_equal(met.outcome.reason, REASON_RULE);
			assert_string_equal(met.rule, "cyara/omni-16-rtp:back");
			assert_int_equal(met.bytes, length);
			/* One byte less than the IP header says. */
			met = bench_run(bench, DIRECTION_IN, frame, length - 1, 0);
			assert_int_equal(met.outcome.reason, REASON_MALFORMED);
			assert_int_equal(met.bytes, length - 1);
		}
	}
	bench_free(bench);
}

static void check_every_split(struct bench *bench, const uint8_t *frame, size_t length)
{
	struct met whole = bench_run(bench, DIRECTION_IN, frame, length, 0);

	struct met counted;
	size_t runs = 0;

	for (size_t linear = 14; linear < length && linear < SPLIT_UP_TO; linear++, runs++) {
		struct met met;

		/* So many errors at once would be too many. */
		assert_int_equal(loaded_forget_limits(bench->loaded), 0);
		met = bench_run_split(bench, frame, length, linear);
		if (met.outcome.reason != whole.outcome.reason || strcmp(met.rule, whole.rule))
			fail_msg("%zu of %zu bytes in the first buffer: reason %d, rule \"%s\"; "
				 "in one buffer: %d, \"%s\"",
				 linear, length, met.outcome.reason, met.rule, whole.outcome.reason,
				 whole.rule);
	}
	counted = bench_counters(bench);
	assert_int_equal(counted.counters, 1);
	assert_int_equal(counted.packets, runs);
	assert_int_equal(counted.bytes, runs * length);
}

static struct bench *splitting_bench(void)
{
	struct bench *bench = bench_new(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE);

	if (!bench_can_split(bench)) {
		bench_free(bench);
		print_message("this kernel's test run splits no frames (Linux 6.18 does)\n");
		skip();
	}
	return bench;
}

static void headers_in_another_buffer(void **data)
{
	static const char *const lines[] = {
		"{\"direction\":\"in\",\"source\":\"192.0.2.23\",\"destination\":\"192.0.2.10\","
		"\"l4\":\"tcp\",\"destination_port\":9005,\"payload\":\"00\"}",
		"{\"direction\":\"in\",\"source\":\"192.0.2.23\",\"destination\":\"192.0.2.10\","
		"\"l4\":\"tcp\",\"destination_port\":9005,\"vlan\":[1,2],\"payload\":\"00\"}",
		"{\"direction\":\"in\",\"source\":\"2001:db8:1::20\",\"destination\":"
		"\"2001:db8:1::10\",\"l4\":\"tcp\",\"destination_port\":9006,\"payload\":\"00\"}",
		"{\"direction\":\"in\",\"source\":\"192.0.2.60\",\"destination\":\"192.0.2.10\","
		"\"l4\":\"icmp\",\"payload\":\"0011\"}",
		"{\"direction\":\"in\",\"source\":\"fe80::1\",\"destination\":\"ff02::1\","
		"\"l4\":\"icmpv6\",\"icmp_type\":135,\"payload\":\"00112233445566778899\"}",
		"{\"direction\":\"in\",\"source\":\"192.0.2.60\",\"destination\":\"192.0.2.10\","
		"\"l4\":\"arp\"}",
	};
	struct bench *bench = splitting_bench();
	enum direction direction;
	const uint8_t *frame;
	size_t length;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		frame = bench_frame(lines[i], &direction, &length);
		check_every_split(bench, frame, length);
	}
	bench_free(bench);
}

static void extension_headers_in_another_buffer(void **data)
{
	static uint8_t frame[LONGEST];
	struct bench *bench = splitting_bench();
	size_t length;
	struct frame_fields fields = {
		.source = address("2001:db8:1::20"),
		.destination = address("2001:db8:1::10"),
		.hop_limit = 64,
		.extensions = {0, 60, 43},
		.extension_count = 3,
		.protocol = 6,
		.destination_port = 9005,
		.tcp_flags = FRAME_TCP_SYN,
	};

	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	check_every_split(bench, frame, length);
	fields.fragment = (struct frame_fragment){.present = true, .more = true, .id = 9};
	fields.payload = frame;
	fields.payload_length = 20;
	assert_int_equal(frame_build(&fields, frame, sizeof(frame), &length), 0);
	check_every_split(bench, frame, length);
	bench_free(bench);
}

/* What is quoted may begin in one buffer and end in the next. */
static void errors_in_several_buffers(void **data)
{
	struct bench *bench = splitting_bench();
	static uint8_t error_frame[LONGEST];
	uint8_t quoted[128];
	size_t length;
	struct frame_fields inner = {
		.source = address("192.0.2.10"),
		.destination = address("203.0.113.1"),
		.hop_limit = 64,
		.protocol = 17,
		.source_port = 30000,
		.destination_port = 20000,
	};
	struct frame_fields outer = {
		.source = address("198.18.0.1"),
		.destination = address("192.0.2.10"),
		.hop_limit = 64,
		.protocol = 1,
		.icmp_type = 3,
		.icmp_code = 4,
		.payload = quoted + 14,
	};

	assert_int_equal(frame_build(&inner, quoted, sizeof(quoted), &length), 0);
	outer.payload_length = length - 14;
	assert_int_equal(frame_build(&outer, error_frame, sizeof(error_frame), &length), 0);
	assert_int_equal(bench_run(bench, DIRECTION_IN, error_frame, length, 0).outcome.reason,
			 REASON_ICMP_ERROR);
	check_every_split(bench, error_frame, length);
	outer.destination = address("192.0.2.11");
	assert_int_equal(frame_build(&outer, error_frame, sizeof(error_frame), &length), 0);
	check_every_split(bench, error_frame, length);
	bench_free(bench);
}

/* Only so many bytes of a split frame are searched for headers. */
static void headers_too_far_away(void **data)
{
	enum { OPTIONS = HEADER_COPY_BYTES, IP = 14, EXTENSION = IP + 40 };
	static uint8_t frame[LONGEST];
	struct bench *bench = splitting_bench();
	size_t length = media_frame(frame, 6, 0, 64);
	struct met whole;

	/* A destination option of such a length between IP and UDP. */
	memmove(frame + EXTENSION + OPTIONS, frame + EXTENSION, length - EXTENSION);
	memset(frame + EXTENSION, 0, OPTIONS);
	frame[EXTENSION] = frame[IP + 6];
	frame[EXTENSION + 1] = OPTIONS / 8 - 1;
	frame[IP + 6] = 60;
	length += OPTIONS;
	frame[IP + 4] = (uint8_t)((length - EXTENSION) >> 8);
	frame[IP + 5] = (uint8_t)(length - EXTENSION);
	whole = bench_run(bench, DIRECTION_IN, frame, length, 0);
	assert_int_not_equal(whole.outcome.reason, REASON_MALFORMED);
	assert_int_equal(bench_run_split(bench, frame, length, length - 16).outcome.reason,
			 whole.outcome.reason);
	assert_int_equal(bench_run_split(bench, frame, length, EXTENSION).outcome.reason,
			 REASON_MALFORMED);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jumbo_frames_are_judged_and_counted_whole),
		cmocka_unit_test(headers_in_another_buffer),
		cmocka_unit_test(extension_headers_in_another_buffer),
		cmocka_unit_test(errors_in_several_buffers),
		cmocka_unit_test(headers_too_far_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
