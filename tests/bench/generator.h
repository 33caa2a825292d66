/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generator in the kernel and the bench in user space share: the table of packets. Every
 * packet of a table has the same length and family, so the generator need only write what differs
 * into the frame that BPF_PROG_TEST_RUN was given.
 */
#ifndef SALLYPORT_TESTS_BENCH_GENERATOR_H
#define SALLYPORT_TESTS_BENCH_GENERATOR_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* A power of two, as every table's length is. */
#define GENERATOR_PACKETS_MAX (1u << 20)

/* Ethernet, an IP header without options, and the length of a TCP header. */
#define GENERATOR_IPV4_FRAME_BYTES (14u + 20u + 20u)
#define GENERATOR_IPV6_FRAME_BYTES (14u + 40u + 20u)

struct generator_packet {
	__be32 remote[4]; /* IPv4 in the first */
	__be16 remote_port;
	__be16 local_port;
	__u8 protocol; /* TCP or UDP */
	__u8 tcp_flags;
	__u16 ip_checksum; /* of the IPv4 header, as it stands on the wire: the stack looks */
};

struct generator {
	__u32 next; /* of the table */
	__u32 mask; /* length of the table, a power of two, less one */
	__u8 family;
	__u8 unused[7];
	/* Of floods. */
	__u64 interval; /* nanoseconds from one packet to the next; 0: at once */
	__u64 due;	/* when the next one may leave, of the clock since boot */
	__u64 sent;
};

#endif
