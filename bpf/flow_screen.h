/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A screen in front of the flow table: one bit a slot, so that what surely belongs to no flow ends
 * before any key is compared. There are two: the slots of one are local ports, those of the other
 * hashes of whole keys. A bit that is set too long costs time; one that is missing would cost a
 * connection. So:
 *
 * Flows are counted by slot before they enter the hash map and discounted after they have left it,
 * and a slot has two bits. Those who open a flow count it, and then set the bit of the half that
 * flow_screen.half names. Once a second the sweep names the other half, and then clears in the half
 * it has left the bits of the slots that count no flow. Counting and naming are full barriers. An
 * opener that still read the old name had counted before the sweep looked at the counts: its bit
 * stays. One that read the new name set a bit that is not being cleared, and the next sweep finds
 * it counted. Nobody waits, and a slot with a flow has one of its two bits at every moment.
 *
 * mask: the slots of a screen, a power of two, less one. No map, no helper: the unit tests compile
 * this natively.
 */
#ifndef SALLYPORT_BPF_FLOW_SCREEN_H
#define SALLYPORT_BPF_FLOW_SCREEN_H

#define FLOW_SCREEN_BOTH 0x100000001ull

/* A word's bits of one half. */
static __always_inline __u32 flow_screen_shift(__u32 half)
{
	return half & 1 ? FLOW_SCREEN_WORD : 0;
}

static_assert((IPPROTO_TCP & 1) == FLOW_PLANE_TCP && (IPPROTO_UDP & 1) == FLOW_PLANE_UDP,
	      "the last bit tells TCP's plane from UDP's");

/* Of TCP or UDP, without a branch. */
static __always_inline __u32 flow_plane_of_ordinary(__u8 protocol)
{
	return protocol & 1;
}

static __always_inline __u32 flow_plane(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ? flow_plane_of_ordinary(protocol)
								  : FLOW_PLANE_OTHER;
}

/* The slot of a local port. port: what struct flow_key has for it, in host order. */
static __always_inline __u32 flow_port_slot(__u32 plane, __u16 port)
{
	__u32 slot = plane << 16 | port;

	/*
	 * The verifier of Linux 6.1 does not see what the compiler does: that this is in bounds. So
	 * the compiler must keep the masks of what comes next, and put them behind.
	 */
	asm volatile("" : "+r"(slot));
	return slot;
}

static __always_inline bool flow_screen_has(const struct flow_screen *screen, __u32 mask,
					    __u32 slot)
{
	__u64 word = *(const volatile __u64 *)&screen->owners[(slot & mask) / FLOW_SCREEN_WORD];

	return word >> (slot % FLOW_SCREEN_WORD) & FLOW_SCREEN_BOTH;
}

/* They begin behind the bits. */
static __always_inline __u32 *flow_screen_count_at(struct flow_screen *screen, __u32 mask,
						   __u32 slot)
{
	__u32 *counts = (__u32 *)&screen->owners[(mask + 1) / FLOW_SCREEN_WORD];

	return &counts[slot & mask];
}

/* A flow is about to enter the hash map. */
static __always_inline void flow_screen_count(struct flow_screen *screen, __u32 mask, __u32 slot)
{
	__u64 *word = &screen->owners[(slot & mask) / FLOW_SCREEN_WORD];
	__u32 before = __sync_fetch_and_add(flow_screen_count_at(screen, mask, slot), 1);
	__u64 bit;

	/* Kept, or the compiler takes the form that is no barrier. */
	asm volatile("" : : "r"(before) : "memory");
	bit = 1ull << (slot % FLOW_SCREEN_WORD)
		   << flow_screen_shift(*(volatile __u32 *)&screen->half);
	if (!(*(volatile __u64 *)word & bit))
		__sync_fetch_and_or(word, bit);
}

/* It has left the hash map, or could not enter it. */
static __always_inline void flow_screen_discount(struct flow_screen *screen, __u32 mask, __u32 slot)
{
	__u32 *count = flow_screen_count_at(screen, mask, slot);

	if (*(volatile __u32 *)count)
		__sync_fetch_and_add(count, (__u32)-1);
}

/* The sweep only. Returns the half that is left, to be cleared word by word. */
static __always_inline __u32 flow_screen_turn(struct flow_screen *screen)
{
	__u32 left = *(volatile __u32 *)&screen->half & 1;
	__u32 before = __sync_lock_test_and_set(&screen->half, left ^ 1);

	asm volatile("" : : "r"(before) : "memory");
	return left;
}

static __always_inline void flow_screen_clear_word(struct flow_screen *screen, __u32 mask,
						   __u32 number, __u32 left)
{
	__u32 first = number * FLOW_SCREEN_WORD;
	__u64 *word = &screen->owners[(first & mask) / FLOW_SCREEN_WORD];
	__u32 bits = *(volatile __u64 *)word >> flow_screen_shift(left);
	__u32 unowned = 0;

	if (!bits)
		return;
	/* Without a branch, or the verifier would walk every way through 32 of them. */
	for (__u32 i = 0; i < FLOW_SCREEN_WORD; i++) {
		__u64 count = *(volatile __u32 *)flow_screen_count_at(screen, mask, first + i);

		unowned |= (__u32)((count - 1) >> 63) << i;
	}
	unowned &= bits;
	if (unowned)
		__sync_fetch_and_and(word, ~((__u64)unowned << flow_screen_shift(left)));
}

#endif
