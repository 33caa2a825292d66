/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * live: a port is open only while a socket of this network namespace is bound to it.
 *
 * To ask the kernel costs more than all the rest of a packet's way, so its answer is kept for each
 * port: a yes for LIVE_ANSWER_MS, a no within one tick of the clock, so that a flood on a closed
 * port is cheap and a port that opens is open at once. Answers take a lot less room than their
 * questions and no lock: two words that fit together or do not. What was kept for another address,
 * or written by two CPUs at once, does not, and the kernel is asked again.
 */
#ifndef SALLYPORT_BPF_LIVE_H
#define SALLYPORT_BPF_LIVE_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct live_answer);
} live_answers SEC(".maps");

/* An address, as in struct tuple, in 64 bits: IPv4 as it is, IPv6 folded. */
static __always_inline __u64 fold_address(__u8 family, const __be32 *address)
{
	if (family == 4)
		return address[0];
	return ((__u64)address[0] << 32 | address[1]) * 0x9e3779b97f4a7c15ull +
	       ((__u64)address[2] << 32 | address[3]) * 0xc2b2ae3d27d4eb4full;
}

/*
 * Whom an answer is about. For IPv4 that is exact. Two IPv6 addresses of this host are folded alike
 * once in 2^64, and no peer chooses them; one that made up a peer's address to be folded alike
 * would get as far as the stack, which has no socket for it.
 */
static __always_inline __u64 live_subject(const struct tuple *t, bool with_peer)
{
	__u64 local = fold_address(t->family, t->local);
	__u64 peer = with_peer ? fold_address(t->family, t->remote) : 0;

	return t->family == 4 ? local << 32 | peer : local + (peer << 32 | peer >> 32);
}

/* Ports of a protocol and family are next to each other, as RTP and its RTCP are. */
static __always_inline __u32 live_index(const struct tuple *t)
{
	return (t->local_port ^ (t->protocol == IPPROTO_TCP ? 0x8000 : 0) ^
		(t->family == 6 ? 0x4000 : 0)) &
	       (LIVE_ANSWERS - 1);
}

static __always_inline __u64 live_kind(const struct tuple *t)
{
	return (t->protocol == IPPROTO_TCP ? LIVE_TCP : 0) | (t->family == 6 ? LIVE_IPV6 : 0);
}

/* ---- asking ---- */

enum live_peer {
	LIVE_NOT_BOUND = 0,
	LIVE_ANY_PEER = 1,  /* a listener, or a socket that is not connected */
	LIVE_THIS_PEER = 2, /* a socket that is connected to the packet's sender */
};

static __always_inline enum live_peer live_socket(struct xdp_md *context, __u8 protocol,
						  struct bpf_sock_tuple *tuple, __u32 size)
{
	enum live_peer peer;
	struct bpf_sock *found;

	found = protocol == IPPROTO_TCP
			? bpf_sk_lookup_tcp(context, tuple, size, BPF_F_CURRENT_NETNS, 0)
			: bpf_sk_lookup_udp(context, tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!found)
		return LIVE_NOT_BOUND;
	peer = found->dst_port ? LIVE_THIS_PEER : LIVE_ANY_PEER;
	bpf_sk_release(found);
	return peer;
}

/* A socket for a packet of this conversation, or (as_any) for one of a peer that has none of its
 * own. */
static __always_inline enum live_peer live_find(struct xdp_md *context, const struct tuple *t,
						bool as_any)
{
	struct bpf_sock_tuple tuple = {};

	if (t->family == 4) {
		tuple.ipv4.saddr = as_any ? 0 : t->remote[0];
		tuple.ipv4.sport = as_any ? 0 : bpf_htons(t->remote_port);
		tuple.ipv4.daddr = t->local[0];
		tuple.ipv4.dport = bpf_htons(t->local_port);
		return live_socket(context, t->protocol, &tuple, sizeof(tuple.ipv4));
	}
	if (!as_any) {
		__builtin_memcpy(tuple.ipv6.saddr, t->remote, sizeof(tuple.ipv6.saddr));
		tuple.ipv6.sport = bpf_htons(t->remote_port);
	}
	__builtin_memcpy(tuple.ipv6.daddr, t->local, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.dport = bpf_htons(t->local_port);
	return live_socket(context, t->protocol, &tuple, sizeof(tuple.ipv6));
}

/*
 * The kernel's answer. A SYN is for a listener, and for no connection of the same ports that is
 * about to end. Where a UDP socket is connected to this peer, one that would take any peer is asked
 * for as well: the peers of one port would otherwise push out each other's answers. Groups need no
 * care of their own: a socket that is bound to the group or to no address is found.
 */
static __always_inline enum live_peer live_look(struct xdp_md *context, const struct tuple *t)
{
	enum live_peer peer;

	if (t->protocol == IPPROTO_TCP)
		return live_find(context, t, true);
	peer = live_find(context, t, false);
	if (peer == LIVE_THIS_PEER && live_find(context, t, true) == LIVE_ANY_PEER)
		return LIVE_ANY_PEER;
	return peer;
}

/* Asks, and keeps the answer. 1: bound. Out of line: it is seldom needed. */
__noinline int live_ask(struct xdp_md *context, struct packet *packet)
{
	struct live_answer *answer;
	enum live_peer peer;
	struct tuple tuple;
	bool peers_own;
	__u64 about;
	__u32 index;

	if (!packet)
		return 0;
	tuple = tuple_of(&packet->c);
	peer = live_look(context, &tuple);
	index = live_index(&tuple);
	answer = bpf_map_lookup_elem(&live_answers, &index);
	if (!answer || config.dry_run)
		return peer != LIVE_NOT_BOUND;
	/* A UDP port that has no socket for this peer may have one for another. */
	peers_own = tuple.protocol == IPPROTO_UDP && peer != LIVE_ANY_PEER;
	about = bpf_jiffies64() << LIVE_CLOCK | live_kind(&tuple);
	if (peer != LIVE_NOT_BOUND)
		about |= LIVE_BOUND;
	if (peers_own)
		about |= LIVE_PEER | tuple.remote_port;
	answer->about = about;
	answer->subject = live_subject(&tuple, peers_own) ^ about;
	return peer != LIVE_NOT_BOUND;
}

/* ---- remembering ---- */

/* Whether there is anything to ask. opens: of TCP, that it is a SYN; a connection that is there
 * ends as its socket ends. */
static __always_inline bool live_concerns(__u8 protocol, bool opens)
{
	return protocol == IPPROTO_UDP || (protocol == IPPROTO_TCP && opens);
}

/* trace says itself what is bound. */
static __always_inline bool live_is_told(void)
{
	return config.record && state.bound != BOUND_ASK;
}

/* What was answered at this index, if that is not too long ago: about is 0 if it is, or if nothing
 * was. */
static __always_inline struct live_answer live_recall(__u32 index)
{
	const volatile struct live_answer *kept = bpf_map_lookup_elem(&live_answers, &index);
	struct live_answer answer = {};
	__u64 age = bpf_jiffies64();

	if (!kept)
		return answer;
	answer.about = kept->about;
	answer.subject = kept->subject ^ answer.about;
	age -= answer.about >> LIVE_CLOCK;
	if (age >= (answer.about & LIVE_BOUND ? config.live_ticks : 1))
		answer.about = 0;
	return answer;
}

/* Whether an answer is one to this question. */
static __always_inline bool live_answers_to(const struct live_answer *answer, const struct tuple *t)
{
	if (!answer->about || (answer->about & (LIVE_TCP | LIVE_IPV6)) != live_kind(t))
		return false;
	if (!(answer->about & LIVE_PEER))
		return answer->subject == live_subject(t, false);
	return (answer->about & LIVE_PEER_PORT) == t->remote_port &&
	       answer->subject == live_subject(t, true);
}

#endif
