/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which local ports own a flow: one bit of struct flow_ports, so that what is sent to ports that
 * own none ends before any key is compared. A bit that is set too long costs time; one that is
 * missing would cost a connection. So:
 *
 * Flows are counted by port as they enter the hash map and leave it, and a port has two bits. Those
 * who open a flow count it, and then set the bit of the half that flow_ports.half names. Once a
 * second the sweep names the other half, and then clears in the half it has left the bits of the
 * ports that count no flow. Counting and naming are full barriers. An opener that still read the
 * old name had counted before the sweep looked at the counts: its bit stays. One that read the new
 * name set a bit that is not being cleared, and the next sweep finds it counted. Nobody waits, and
 * a port with a flow has one of its two bits at every moment.
 *
 * No map, no helper: the unit tests compile this natively.
 */
#ifndef SALLYPORT_BPF_FLOW_PORTS_H
#define SALLYPORT_BPF_FLOW_PORTS_H

#define FLOW_PORTS_BOTH 0x100000001ull

/* A word's bits of one half. */
static __always_inline __u32 flow_ports_shift(__u32 half)
{
	return half & 1 ? FLOW_PORTS_WORD : 0;
}

/* port: what struct flow_key has for the local port, in host order. */
static __always_inline __u32 flow_ports_index(__u8 protocol, __u16 port)
{
	__u32 plane = protocol == IPPROTO_TCP	? FLOW_PLANE_TCP
		      : protocol == IPPROTO_UDP ? FLOW_PLANE_UDP
						: FLOW_PLANE_OTHER;
	__u32 index;

	index = plane << 16 | port;
	/*
	 * The verifier of Linux 6.1 does not see what the compiler does: that this is in bounds. So
	 * the compiler must keep the masks of what comes next, and put them behind.
	 */
	asm volatile("" : "+r"(index));
	return index;
}

static __always_inline bool flow_ports_own(const struct flow_ports *ports, __u32 index)
{
	__u64 word = *(const volatile __u64 *)&ports
			      ->owners[(index & (FLOW_PORTS - 1)) / FLOW_PORTS_WORD];

	return word >> (index % FLOW_PORTS_WORD) & FLOW_PORTS_BOTH;
}

/* The flow is in the hash map. */
static __always_inline void flow_ports_count(struct flow_ports *ports, __u32 index)
{
	__u64 *word = &ports->owners[(index & (FLOW_PORTS - 1)) / FLOW_PORTS_WORD];
	__u32 before = __sync_fetch_and_add(&ports->counts[index & (FLOW_PORTS - 1)], 1);
	__u64 bit;

	/* Kept, or the compiler takes the form that is no barrier. */
	asm volatile("" : : "r"(before) : "memory");
	bit = 1ull << (index % FLOW_PORTS_WORD)
		   << flow_ports_shift(*(volatile __u32 *)&ports->half);
	if (!(*(volatile __u64 *)word & bit))
		__sync_fetch_and_or(word, bit);
}

/* The flow is in the hash map no more. */
static __always_inline void flow_ports_discount(struct flow_ports *ports, __u32 index)
{
	__u32 *count = &ports->counts[index & (FLOW_PORTS - 1)];

	if (*(volatile __u32 *)count)
		__sync_fetch_and_add(count, (__u32)-1);
}

/* The sweep only. Returns the half that is left, to be cleared word by word. */
static __always_inline __u32 flow_ports_turn(struct flow_ports *ports)
{
	__u32 left = *(volatile __u32 *)&ports->half & 1;
	__u32 before = __sync_lock_test_and_set(&ports->half, left ^ 1);

	asm volatile("" : : "r"(before) : "memory");
	return left;
}

static __always_inline void flow_ports_clear_word(struct flow_ports *ports, __u32 number,
						  __u32 left)
{
	__u64 *word = &ports->owners[number & (FLOW_PORTS / FLOW_PORTS_WORD - 1)];
	__u32 bits = *(volatile __u64 *)word >> flow_ports_shift(left);
	__u32 unowned = 0;

	if (!bits)
		return;
	/* Without a branch, or the verifier would walk every way through 32 of them. */
	for (__u32 i = 0; i < FLOW_PORTS_WORD; i++) {
		__u32 index = (number * FLOW_PORTS_WORD + i) & (FLOW_PORTS - 1);
		__u64 count = *(volatile __u32 *)&ports->counts[index];

		unowned |= (__u32)((count - 1) >> 63) << i;
	}
	unowned &= bits;
	if (unowned)
		__sync_fetch_and_and(word, ~((__u64)unowned << flow_ports_shift(left)));
}

#endif
