/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcap.h"

#include <assert.h>
#include <errno.h>

#define PCAP_MAGIC_NANOSECONDS 0xa1b23c4du
#define PCAP_LINK_ETHERNET     1u
#define NANOSECONDS	       UINT64_C(1000000000)

struct file_header {
	uint32_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t reserved[2];
	uint32_t snap_bytes;
	uint32_t link;
};
static_assert(sizeof(struct file_header) == 24, "as the draft has it");

struct frame_header {
	uint32_t seconds;
	uint32_t nanoseconds;
	uint32_t captured;
	uint32_t length;
};
static_assert(sizeof(struct frame_header) == 16, "as the draft has it");

static int put(FILE *out, const void *bytes, size_t count)
{
	errno = 0;
	if (fwrite(bytes, 1, count, out) == count)
		return 0;
	return errno ? -errno : -EIO;
}

int pcap_begin(FILE *out, uint32_t snap_bytes)
{
	const struct file_header header = {
		.magic = PCAP_MAGIC_NANOSECONDS,
		.major = 2,
		.minor = 4,
		.snap_bytes = snap_bytes,
		.link = PCAP_LINK_ETHERNET,
	};

	return put(out, &header, sizeof(header));
}

int pcap_write(FILE *out, const struct pcap_frame *frame)
{
	const struct frame_header header = {
		.seconds = (uint32_t)(frame->time / NANOSECONDS),
		.nanoseconds = (uint32_t)(frame->time % NANOSECONDS),
		.captured = frame->captured,
		.length = frame->length,
	};
	int error = put(out, &header, sizeof(header));

	return error ? error : put(out, frame->bytes, frame->captured);
}
