/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pcap.h"

/* In the byte order of the machine: the magic tells a reader which. */
static uint32_t word_at(const char *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static void test_bytes(void **test)
{
	static const uint8_t frame[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45};
	const struct pcap_frame first = {
		.time = UINT64_C(1750000000123456789),
		.bytes = frame,
		.captured = sizeof(frame),
		.length = 9000,
	};
	const struct pcap_frame empty = {.time = 999999999, .bytes = frame, .length = 60};
	static const uint16_t version[] = {2, 4};
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);

	assert_non_null(out);
	assert_int_equal(pcap_begin(out, 132), 0);
	assert_int_equal(pcap_write(out, &first), 0);
	assert_int_equal(pcap_write(out, &empty), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(length, 24 + 16 + sizeof(frame) + 16);
	assert_int_equal(word_at(bytes), 0xa1b23c4d);
	assert_memory_equal(bytes + 4, version, sizeof(version));
	assert_int_equal(word_at(bytes + 8), 0);
	assert_int_equal(word_at(bytes + 12), 0);
	assert_int_equal(word_at(bytes + 16), 132);
	assert_int_equal(word_at(bytes + 20), 1);
	assert_int_equal(word_at(bytes + 24), 1750000000);
	assert_int_equal(word_at(bytes + 28), 123456789);
	assert_int_equal(word_at(bytes + 32), sizeof(frame));
	assert_int_equal(word_at(bytes + 36), 9000);
	assert_memory_equal(bytes + 40, frame, sizeof(frame));
	assert_int_equal(word_at(bytes + 40 + sizeof(frame)), 0);
	assert_int_equal(word_at(bytes + 44 + sizeof(frame)), 999999999);
	assert_int_equal(word_at(bytes + 48 + sizeof(frame)), 0);
	assert_int_equal(word_at(bytes + 52 + sizeof(frame)), 60);
	free(bytes);
}

static void test_disk_full(void **test)
{
	const struct pcap_frame frame = {.bytes = "x", .captured = 1, .length = 1};
	FILE *out = fopen("/dev/full", "w");

	assert_non_null(out);
	setbuf(out, NULL);
	assert_true(pcap_begin(out, 132) < 0);
	assert_true(pcap_write(out, &frame) < 0);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
