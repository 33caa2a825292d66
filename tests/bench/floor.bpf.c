/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs under test are measured above: empty programs, and generators that write the
 * next packet from a table and then become the program under test by a tail call. An empty program
 * behind the same generator is the floor, so that what is left is the program's own.
 */
#include "vmlinux.h"
#include "constants.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "generator.h"

/* Offsets in a frame without VLAN tags. */
#define IPV4_HOPS	 22 /* hop limit, protocol, checksum */
#define IPV4_SOURCE	 26
#define IPV4_DESTINATION 30
#define IPV4_L4		 34
#define IPV6_LENGTH	 18 /* length, next header, hop limit */
#define IPV6_SOURCE	 22
#define IPV6_DESTINATION 38
#define IPV6_L4		 54
#define L4_TCP_FLAGS	 13
#define HOP_LIMIT	 64
#define IPV6_BYTES	 20 /* what is behind the IP header */

struct generator generator = {};
struct generator_packet packets[GENERATOR_PACKETS_MAX] = {};

/*
 * An entry each: with a constant index the tail call is a direct jump. A program that takes frames
 * of several buffers can only follow one that does.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_under_test SEC(".maps"), xdp_frags_under_test SEC(".maps"), tc_under_test SEC(".maps");

static __always_inline const struct generator_packet *next_packet(void)
{
	__u32 index = generator.next++ & generator.mask;

	return &packets[index & (GENERATOR_PACKETS_MAX - 1)];
}

/*
 * What differs is written in as few and as wide words as there can be: a load that spans several
 * stores waits for all of them, which no packet from a wire makes a program do. (Both are little
 * endian here, as the CPUs are that this is run on.)
 */
static __always_inline void write_l4(__u8 *l4, const struct generator_packet *packet, bool leaving)
{
	__u32 source = leaving ? packet->local_port : packet->remote_port;
	__u32 destination = leaving ? packet->remote_port : packet->local_port;

	*(__u32 *)l4 = source | destination << 16;
	l4[L4_TCP_FLAGS] = packet->tcp_flags;
}

static __always_inline void write_ipv4(__u8 *frame, const struct generator_packet *packet,
				       bool leaving)
{
	*(__u32 *)(frame + IPV4_HOPS) =
		HOP_LIMIT | (__u32)packet->protocol << 8 | (__u32)packet->ip_checksum << 16;
	*(__be32 *)(frame + (leaving ? IPV4_DESTINATION : IPV4_SOURCE)) = packet->remote[0];
	write_l4(frame + IPV4_L4, packet, leaving);
}

static __always_inline void write_ipv6(__u8 *frame, const struct generator_packet *packet,
				       bool leaving)
{
	__u64 *remote = (__u64 *)(frame + (leaving ? IPV6_DESTINATION : IPV6_SOURCE));

	*(__u32 *)(frame + IPV6_LENGTH) =
		IPV6_BYTES << 8 | (__u32)packet->protocol << 16 | (__u32)HOP_LIMIT << 24;
	remote[0] = packet->remote[0] | (__u64)packet->remote[1] << 32;
	remote[1] = packet->remote[2] | (__u64)packet->remote[3] << 32;
	write_l4(frame + IPV6_L4, packet, leaving);
}

static __always_inline void write_packet(void *data, void *data_end, bool leaving)
{
	const struct generator_packet *packet = next_packet();

	if (generator.family == 4) {
		if (data + GENERATOR_IPV4_FRAME_BYTES <= data_end)
			write_ipv4(data, packet, leaving);
	} else {
		if (data + GENERATOR_IPV6_FRAME_BYTES <= data_end)
			write_ipv6(data, packet, leaving);
	}
}

SEC("xdp")
int generate_xdp(struct xdp_md *context)
{
	write_packet((void *)(long)context->data, (void *)(long)context->data_end, false);
	bpf_tail_call_static(context, &xdp_under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int generate_xdp_frags(struct xdp_md *context)
{
	write_packet((void *)(long)context->data, (void *)(long)context->data_end, false);
	bpf_tail_call_static(context, &xdp_frags_under_test, 0);
	return XDP_ABORTED;
}

SEC("tc")
int generate_tc(struct __sk_buff *skb)
{
	write_packet((void *)(long)skb->data, (void *)(long)skb->data_end, true);
	bpf_tail_call_static(skb, &tc_under_test, 0);
	return TC_ACT_SHOT;
}

SEC("xdp")
int empty_xdp(struct xdp_md *context)
{
	return XDP_PASS;
}

/* What a device costs whose every packet is gone at once. */
SEC("xdp")
int drop_xdp(struct xdp_md *context)
{
	return XDP_DROP;
}

SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

/*
 * In a live run: back out of the interface that the frame is said to have come from. A rate is kept
 * here, by frames that are not sent: to begin a run takes the kernel milliseconds.
 */
SEC("xdp")
int flood_xdp(struct xdp_md *context)
{
	if (generator.interval) {
		if (bpf_ktime_get_ns() < generator.due)
			return XDP_DROP;
		generator.due += generator.interval;
	}
	write_packet((void *)(long)context->data, (void *)(long)context->data_end, false);
	generator.sent++;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
