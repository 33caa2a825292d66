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
#define IPV4_PROTOCOL	 23
#define IPV4_CHECKSUM	 24
#define IPV4_SOURCE	 26
#define IPV4_DESTINATION 30
#define IPV4_L4		 34
#define IPV6_NEXT_HEADER 20
#define IPV6_SOURCE	 22
#define IPV6_DESTINATION 38
#define IPV6_L4		 54
#define L4_TCP_FLAGS	 13

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

static __always_inline void write_l4(__u8 *l4, const struct generator_packet *packet, bool leaving)
{
	__be16 *ports = (__be16 *)l4;

	ports[0] = leaving ? packet->local_port : packet->remote_port;
	ports[1] = leaving ? packet->remote_port : packet->local_port;
	l4[L4_TCP_FLAGS] = packet->tcp_flags;
}

/*
 * In the words that the programs read it in: a load that spans several stores waits for all of
 * them, which no packet from a wire makes it do.
 */
static __always_inline void write_address(__u8 *address, const struct generator_packet *packet,
					  __u8 family)
{
	__be32 *to = (__be32 *)address;

	to[0] = packet->remote[0];
	if (family == 4)
		return;
	to[1] = packet->remote[1];
	to[2] = packet->remote[2];
	to[3] = packet->remote[3];
}

static __always_inline void write_packet(void *data, void *data_end, bool leaving)
{
	const struct generator_packet *packet = next_packet();
	__u8 *frame = data;

	if (generator.family == 4) {
		if (data + GENERATOR_IPV4_FRAME_BYTES > data_end)
			return;
		frame[IPV4_PROTOCOL] = packet->protocol;
		*(__u16 *)(frame + IPV4_CHECKSUM) = packet->ip_checksum;
		write_address(frame + (leaving ? IPV4_DESTINATION : IPV4_SOURCE), packet, 4);
		write_l4(frame + IPV4_L4, packet, leaving);
	} else {
		if (data + GENERATOR_IPV6_FRAME_BYTES > data_end)
			return;
		frame[IPV6_NEXT_HEADER] = packet->protocol;
		write_address(frame + (leaving ? IPV6_DESTINATION : IPV6_SOURCE), packet, 6);
		write_l4(frame + IPV6_L4, packet, leaving);
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
