/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a policy said of a flow, and how far the flow has come: read and written as one word, so
 * that nobody sees one policy's answer under another's generation, also while two of them are in
 * force at the two hooks.
 */
#ifndef SALLYPORT_BPF_FLOW_STANDING_H
#define SALLYPORT_BPF_FLOW_STANDING_H

/* As the end of struct flow. */
struct flow_standing {
	__u32 generation;
	__u16 rule_slot;
	__u8 state;
	__u8 blocked;
};
static_assert(sizeof(struct flow_standing) == 8, "one word");

union flow_word {
	__u64 word;
	struct flow_standing standing;
};

static __always_inline struct flow_standing flow_standing(const struct flow *flow)
{
	union flow_word now = {.word = *(const volatile __u64 *)&flow->generation};

	return now.standing;
}

/* Only if nobody was faster; false: they were. */
static __always_inline bool flow_restand(struct flow *flow, const struct flow_standing *before,
					 const struct flow_standing *after)
{
	union flow_word old = {.standing = *before}, new = {.standing = *after};

	return __sync_val_compare_and_swap((__u64 *)&flow->generation, old.word, new.word) ==
	       old.word;
}

static __always_inline bool flow_same_standing(const struct flow_standing *a,
					       const struct flow_standing *b)
{
	union flow_word left = {.standing = *a}, right = {.standing = *b};

	return left.word == right.word;
}

#endif
