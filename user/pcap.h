/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as a capture file that tcpdump, Wireshark and scapy read: classic pcap with nanoseconds
 * (draft-ietf-opsawg-pcap), Ethernet, in the byte order of this machine.
 */
#ifndef SALLYPORT_PCAP_H
#define SALLYPORT_PCAP_H

#include <stdint.h>
#include <stdio.h>

/* snap_bytes: the most that is kept of a frame. 0, or -errno of the write. */
int pcap_begin(FILE *out, uint32_t snap_bytes);

struct pcap_frame {
	uint64_t time; /* nanoseconds since 1970 */
	const void *bytes;
	uint32_t captured; /* bytes that there are */
	uint32_t length;   /* bytes that the frame had on the wire; not less than captured */
};
int pcap_write(FILE *out, const struct pcap_frame *frame);

#endif
