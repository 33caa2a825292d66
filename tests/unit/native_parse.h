/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs' parser (bpf/parse.h), compiled for this machine: BPF_PROG_TEST_RUN takes no frame
 * that is shorter than its headers, and no sanitizer looks into the kernel.
 */
#ifndef SALLYPORT_TESTS_NATIVE_PARSE_H
#define SALLYPORT_TESTS_NATIVE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reasons.h"

struct native_packet {
	enum reason reason; /* NONE: an IP packet */
	uint8_t family;
	uint8_t protocol;
	uint8_t part; /* 0 whole, 1 first, 2 later */
	uint8_t tcp_flags;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t hop_limit;
	uint8_t source[16]; /* IPv4 in the first four */
	uint8_t destination[16];
	uint16_t source_port; /* 0 where there is none */
	uint16_t destination_port;
	uint16_t identifier; /* of an ICMP message */
	uint32_t fragment_offset;
	uint32_t header_end;
};

/* frame must be a buffer of exactly this length, so that a sanitizer sees a read behind it. */
struct native_packet native_parse(const void *frame, size_t length);

#endif
