/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of the flow cache: what many CPUs read while some write.
 *
 * The truth is the hash map. A line holds copies of a few of its entries, whole keys and all, under
 * one word, its sequence:
 *
 *   WRITING  somebody holds the line and is changing it
 *   VOID     what is in it must not be believed
 *   the rest counts writings
 *
 * Readers write nothing. One takes an answer only if the sequence had neither flag before it read
 * and is the same afterwards; otherwise the hash map decides. A clean sequence always follows
 * another by a writing that was counted, so what lay between two equal ones was not changed. Loads
 * are kept in their order by address dependencies, which all CPUs honour that Linux runs BPF on:
 * there is no barrier for a program that may not write.
 *
 * Writers (egress and the sweep, never an arriving packet) take the line by a compare-and-swap;
 * nobody waits. Whoever changes a flow in the hash map
 *
 *   1. tries to take its line,
 *   2. looks the flow up and changes it,
 *   3. if it has the line: writes what it found or made, and gives the line back; if not: sets
 *      VOID.
 *
 * That a line never says what the map has left behind follows from the order. Let A write into a
 * line what it found in the map, and B change that flow in the map. If both get the line, the later
 * looks after the earlier has changed. If B does not get it, B's VOID comes after B's change.
 * Either the line is taken by then: its holder's giving back, a compare-and-swap, finds the flag
 * and leaves it, and what was written counts for nothing. Or it is not: then VOID stands until
 * somebody takes the line, who looks up after B's change. The atomic operations are full barriers
 * on both sides. A holder can be stopped for as long as its CPU likes: until it goes on, this
 * line's flows ask the hash map. A line that is lost costs time, never a connection.
 *
 * One thing is newer in a line than in the map: when the flow was seen. An own packet that finds
 * its flow as it should be only moves the line's clock on, within one lag (FLOW_LAG ticks, counted
 * from 0); the first one in the next writes the map. So the map's clock is right, or behind by less
 * than a lag; who finds a flow expired there by less than that asks the line (flow_line_seen), and
 * who drops a flow from a line, be it void or not, first brings the map's clock up to it
 * (flow_rescue). Clocks only go forward, so it does no harm if that flow is another by now.
 *
 * No map, no helper: the unit tests compile this natively and let threads at it.
 */
#ifndef SALLYPORT_BPF_FLOW_LINE_H
#define SALLYPORT_BPF_FLOW_LINE_H

#define FLOW_LAG_SHIFT	  8
#define FLOW_LAG	  (1u << FLOW_LAG_SHIFT)

#define FLOW_LINE_WRITING 1u
#define FLOW_LINE_VOID	  2u
#define FLOW_LINE_FLAGS	  3u
#define FLOW_LINE_COUNT	  4u

/* What all flows of a line have in common: others are not in it. */
struct flow_stamp {
	__u32 generation;
	__u16 era;
};

/* What a line says of one flow. */
struct flow_copy {
	__u32 seen;
	__u32 sequence; /* as it was read, and from which way */
	__u32 way;
	__u16 mark; /* 0: there is none */
};

/* A line that was taken, or was not. */
struct flow_hold {
	__u32 sequence; /* while it is held */
	bool held;
	bool was_void;
};

/* ---- the sequence ---- */

/*
 * 0, which the CPU does not know before it has value: an address that it is added to is loaded
 * from later.
 */
static __always_inline __u64 flow_nothing_of(__u64 value)
{
#ifdef __bpf__
	asm volatile("%0 &= 0" : "+r"(value) : : "memory");
	return value;
#else
	asm volatile("" : : "r"(value) : "memory");
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return 0;
#endif
}

static __always_inline __u32 flow_sequence(const __u32 *sequence)
{
	return *(const volatile __u32 *)sequence;
}

static __always_inline struct flow_hold flow_sequence_take(__u32 *sequence)
{
	__u32 before = flow_sequence(sequence);
	struct flow_hold hold = {
		.sequence = (before & ~FLOW_LINE_VOID) | FLOW_LINE_WRITING,
		.was_void = before & FLOW_LINE_VOID,
	};

	if (!(before & FLOW_LINE_WRITING))
		hold.held = __sync_val_compare_and_swap(sequence, before, hold.sequence) == before;
	return hold;
}

static __always_inline void flow_sequence_void(__u32 *sequence)
{
	__u32 before = __sync_fetch_and_or(sequence, FLOW_LINE_VOID);

	asm volatile("" : : "r"(before) : "memory");
}

/* Only its holder takes WRITING away; only others can have set VOID. */
static __always_inline void flow_sequence_give_back(__u32 *sequence, const struct flow_hold *hold)
{
	__u32 after = hold->sequence - FLOW_LINE_WRITING + FLOW_LINE_COUNT;
	__u32 before;

	if (__sync_val_compare_and_swap(sequence, hold->sequence, after) == hold->sequence)
		return;
	before = __sync_fetch_and_and(sequence, ~FLOW_LINE_WRITING);
	asm volatile("" : : "r"(before) : "memory");
}

/* ---- marks ---- */

static __always_inline __u16 flow_mark(__u16 rule_slot, __u8 state_of_flow, bool blocked)
{
	return (rule_slot & FLOW_MARK_SLOT_MASK) | (state_of_flow + 1) << FLOW_MARK_STATE_SHIFT |
	       (blocked ? FLOW_MARK_BLOCKED : 0);
}

/* 1 + its state. */
static __always_inline __u32 flow_mark_state(__u16 mark)
{
	return mark >> FLOW_MARK_STATE_SHIFT & FLOW_MARK_STATE_MASK;
}

static_assert(FLOW_CLOSING + 1 < 4 && FLOW_UDP_NEW + 1 == 4 && !(IPPROTO_TCP & 1) &&
		      (IPPROTO_UDP & 1),
	      "bit 2 of 1 + state is the last bit of the protocol's number");

/* TCP's states and UDP's are apart: so they tell the protocol, which is one of these. */
static __always_inline bool flow_mark_is_of(__u16 mark, __u8 protocol)
{
	__u32 of_state = flow_mark_state(mark);

	return of_state && of_state >> 2 == (protocol & 1);
}

static __always_inline __u32 flow_line_ports(const struct tuple *t)
{
	return (__u32)t->local_port << 16 | t->remote_port;
}

/* ---- where a flow belongs ---- */

#define FLOW_HASH_FIRST	 0x9e3779b97f4a7c15ull
#define FLOW_HASH_SECOND 0xc2b2ae3d27d4eb4full
#define FLOW_HASH_THIRD	 0x165667b19e3779f9ull

/* No secret in it: only this host's own openings come in, and a collision costs time. */
static __always_inline __u32 flow_hash(const struct tuple *t, const __u8 family)
{
	const __u32 last = family == 4 ? 0 : 3;
	__u64 hash = ((__u64)t->remote[last] << 32 | flow_line_ports(t)) * FLOW_HASH_FIRST;

	hash += (__u64)t->local[last] * FLOW_HASH_THIRD;
	if (family == 6)
		hash += ((__u64)t->remote[0] << 32 | t->remote[1]) * FLOW_HASH_SECOND +
			(__u64)(t->remote[2] ^ t->local[1]) * FLOW_HASH_THIRD;
	hash ^= hash >> 32;
	return hash * FLOW_HASH_SECOND >> 32;
}

/* ---- the ways of a line, of either family ---- */

#define FLOW_LINE_WAYS_MAX FLOW_LINE_IPV6_WAYS

/* Where it lies; addresses as many words as the family has. */
struct flow_way {
	__u16 *mark;
	__u32 *seen;
	__u32 *ports;
	__be32 *local;
	__be32 *remote;
};

static __always_inline __u32 flow_line_ways(const __u8 family)
{
	return family == 4 ? FLOW_LINE_IPV4_WAYS : FLOW_LINE_IPV6_WAYS;
}

/* Of a pointer that is to the line of that family. The heads of both are alike. */
static __always_inline struct flow_way flow_line_way(void *line, const __u8 family, __u32 way)
{
	struct flow_line_ipv4 *ipv4 = line;
	struct flow_line_ipv6 *ipv6 = line;

	if (family == 4)
		return (struct flow_way){&ipv4->marks[way], &ipv4->seen[way], &ipv4->ports[way],
					 &ipv4->local[way], &ipv4->remote[way]};
	return (struct flow_way){&ipv6->marks[way], &ipv6->seen[way], &ipv6->ports[way],
				 ipv6->addresses[way].local, ipv6->addresses[way].remote};
}

/* For loops: the number is hidden from the compiler, which would keep a pointer to each field. */
static __always_inline struct flow_way flow_line_way_at(void *line, const __u8 family, __u32 way)
{
	asm volatile("" : "+r"(way));
	return flow_line_way(line, family, way);
}

/* Not 0: it is another flow. */
static __always_inline __u32 flow_way_differs(const struct flow_way *way, const __u8 family,
					      const struct tuple *t)
{
	__u32 differs = *way->ports ^ flow_line_ports(t);

	if (family == 4)
		return differs | (way->local[0] ^ t->local[0]) | (way->remote[0] ^ t->remote[0]);
#pragma unroll
	for (int i = 0; i < 4; i++)
		differs |= (way->local[i] ^ t->local[i]) | (way->remote[i] ^ t->remote[i]);
	return differs;
}

static __always_inline bool flow_way_is_of(const struct flow_way *way, const __u8 family,
					   const struct tuple *t)
{
	return !flow_way_differs(way, family, t) && flow_mark_is_of(*way->mark, t->protocol);
}

/*
 * The same for who writes. c is read anew each time: all of it in registers, over loops and calls,
 * would be more than the stack has room for.
 */
static __always_inline bool flow_way_holds(const struct flow_way *way, const __u8 family,
					   const struct conversation *c)
{
	struct tuple t;

	asm volatile("" : : : "memory");
	t = flow_tuple(c, family);
	return flow_way_is_of(way, family, &t);
}

/* ---- reading ---- */

/* Whether the line has an answer. */
static __always_inline bool flow_line_read(const void *line, const __u8 family,
					   const struct tuple *t, const struct flow_stamp *stamp,
					   struct flow_copy *ret_copy)
{
	const struct flow_line_ipv4 *head = line;
	__u32 before = flow_sequence(&head->sequence);
	__u64 later = flow_nothing_of(before);

	head = line + later;
#pragma unroll
	for (__u32 i = 0; i < FLOW_LINE_WAYS_MAX; i++) {
		struct flow_way way = flow_line_way((void *)line + later, family, i);
		__u64 nothing, rest;
		__u32 differs;

		/* The addresses of IPv6 are in another cache line than the ports. */
		if (i >= flow_line_ways(family) ||
		    (family == 6 && *way.ports != flow_line_ports(t)))
			continue;
		differs = flow_way_differs(&way, family, t);
		nothing = flow_nothing_of(differs);
		if (differs || !flow_mark_is_of(*way.mark, t->protocol))
			continue;
		ret_copy->mark = *way.mark;
		ret_copy->seen = *way.seen;
		ret_copy->sequence = before;
		ret_copy->way = i;
		rest = (head->generation ^ stamp->generation) | (head->era ^ stamp->era);
		nothing |= flow_nothing_of(rest | ret_copy->mark | ret_copy->seen);
		return !rest && !(before & FLOW_LINE_FLAGS) &&
		       flow_sequence(line + nothing) == before;
	}
	return false;
}

#define FLOW_LINE_TRIES 4

/* When the line last saw that flow, whatever else it says. 0: it is not there. */
static __always_inline __u64 flow_line_clock(const void *line, const __u8 family,
					     const struct conversation *c)
{
	const struct flow_line_ipv4 *head = line;
	__u64 seen = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < flow_line_ways(family); i++) {
		struct flow_way way = flow_line_way_at((void *)line, family, i);

		if (flow_way_holds(&way, family, c))
			seen = (__u64)head->era << 32 | *way.seen;
	}
	return seen;
}

/* The same while others may be writing. False: they are, all the time. held: by the caller. */
static __always_inline bool flow_line_seen(const void *line, const __u8 family,
					   const struct conversation *c, bool held, __u64 *ret_seen)
{
	const struct flow_line_ipv4 *head = line;

	for (int try = 0; try < FLOW_LINE_TRIES; try++) {
		__u32 before = flow_sequence(&head->sequence);
		__u64 seen = flow_line_clock(line + flow_nothing_of(before), family, c);
		bool writing = (before & FLOW_LINE_WRITING) && !held;

		if (!writing && flow_sequence(line + flow_nothing_of(seen)) == before) {
			*ret_seen = seen;
			return true;
		}
	}
	return false;
}

/* ---- writing ---- */

/*
 * The flow was seen now, and nothing else about it is new. copy was read from this line: it is
 * taken only if nothing was written since. False: nothing was done.
 */
static __always_inline bool flow_line_touch(void *line, const __u8 family,
					    const struct flow_copy *copy, __u32 now)
{
	struct flow_line_ipv4 *head = line;
	struct flow_hold hold = {.sequence = copy->sequence | FLOW_LINE_WRITING};

	if (__sync_val_compare_and_swap(&head->sequence, copy->sequence, hold.sequence) !=
	    copy->sequence)
		return false;
#pragma unroll
	for (__u32 i = 0; i < FLOW_LINE_WAYS_MAX; i++)
		if (i < flow_line_ways(family) && i == copy->way)
			*flow_line_way(line, family, i).seen = now;
	flow_sequence_give_back(&head->sequence, &hold);
	return true;
}

/*
 * Brings the map's clock of that flow up to what a line says, if it is still there. Defined where
 * the map is.
 */
static __always_inline void flow_rescue(struct flow_key *key, __u64 seen);

/* Not the flow of c, whose clock the caller has. */
static __always_inline void flow_way_rescue(const struct flow_way *way, const __u8 family,
					    const struct conversation *c, __u16 era,
					    struct flow_key *scratch)
{
	if (!*way->mark || flow_way_holds(way, family, c))
		return;
	__builtin_memset(scratch, 0, sizeof(*scratch));
	scratch->family = family;
	scratch->protocol = flow_mark_is_of(*way->mark, IPPROTO_TCP) ? IPPROTO_TCP : IPPROTO_UDP;
	scratch->local_port = bpf_htons(*way->ports >> 16);
	scratch->remote_port = bpf_htons((__u16)*way->ports);
	__builtin_memcpy(family == 4 ? &scratch->local[12] : scratch->local, way->local,
			 family == 4 ? 4 : 16);
	__builtin_memcpy(family == 4 ? &scratch->remote[12] : scratch->remote, way->remote,
			 family == 4 ? 4 : 16);
	flow_rescue(scratch, (__u64)era << 32 | *way->seen);
}

/* Its own way, or an empty one, or that of the flow that was silent for the longest. */
static __always_inline __u32 flow_line_choose(void *line, const __u8 family,
					      const struct conversation *c)
{
	__u64 best = ~0ull;
	__u32 chosen = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < flow_line_ways(family); i++) {
		struct flow_way way = flow_line_way_at(line, family, i);
		__u64 rank = 1;

		if (flow_way_holds(&way, family, c))
			rank = 0;
		else if (*way.mark)
			rank = 2ull + *way.seen;
		if (rank < best) {
			best = rank;
			chosen = i;
		}
	}
	return chosen;
}

static __always_inline void flow_way_write(const struct flow_way *way, const __u8 family,
					   const struct conversation *c,
					   const struct flow_copy *copy)
{
	struct tuple t;

	asm volatile("" : : : "memory");
	t = flow_tuple(c, family);
	*way->mark = copy->mark;
	*way->seen = copy->seen;
	*way->ports = flow_line_ports(&t);
	__builtin_memcpy(way->local, t.local, family == 4 ? 4 : 16);
	__builtin_memcpy(way->remote, t.remote, family == 4 ? 4 : 16);
}

/*
 * The holder's first step: a way for the flow of c, in a line of that stamp. What goes for it, goes
 * with its clock kept.
 */
static __always_inline void flow_line_make_room(void *line, const __u8 family,
						const struct flow_hold *hold,
						const struct conversation *c,
						const struct flow_stamp *stamp,
						struct flow_key *scratch)
{
	struct flow_line_ipv4 *head = line;
	bool all =
		hold->was_void || head->generation != stamp->generation || head->era != stamp->era;
	__u32 chosen = flow_line_choose(line, family, c);

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < flow_line_ways(family); i++) {
		struct flow_way way = flow_line_way_at(line, family, i);

		if (all || (i == chosen && !flow_way_holds(&way, family, c))) {
			flow_way_rescue(&way, family, c, head->era, scratch);
			*way.mark = 0;
		}
	}
	head->generation = stamp->generation;
	head->era = stamp->era;
}

/* Its second: what the hash map has of that flow. Without a mark: nothing. */
static __always_inline void flow_line_put(void *line, const __u8 family,
					  const struct conversation *c,
					  const struct flow_copy *copy)
{
	struct flow_way way = flow_line_way_at(line, family, flow_line_choose(line, family, c));

	if (copy->mark)
		flow_way_write(&way, family, c, copy);
	else
		*way.mark = 0;
}

#endif
