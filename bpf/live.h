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

/* An address in 64 bits: IPv4 as it is, IPv6 folded. */
static __always_inline __u64 fold_address(__u8 family, const __be32 *address)
{
	if (family == 4)
		return address[3];
	return ((__u64)address[0] << 32 | address[1]) * 0x9e3779b97f4a7c15ull +
	       ((__u64)address[2] << 32 | address[3]) * 0xc2b2ae3d27d4eb4full;
}

/*
 * Whom an answer is about. For IPv4 that is exact. Two IPv6 addresses of this host are folded alike
 * once in 2^64, and no peer chooses them; one that made up a peer's address to be folded alike
 * would get as far as the stack, which has no socket for it.
 */
static __always_inline __u64 live_subject(const struct conversation *c, bool with_peer)
{
	__u64 local = fold_address(c->family, c->local);
	__u64 peer = with_peer ? fold_address(c->family, c->remote) : 0;

	return c->family == 4 ? local << 32 | peer : local + (peer << 32 | peer >> 32);
}

/* Ports of a protocol and family are next to each other, as RTP and its RTCP are. */
static __always_inline __u32 live_index(const struct conversation *c)
{
	return (c->local_port ^ (c->protocol == IPPROTO_TCP ? 0x8000 : 0) ^
		(c->family == 6 ? 0x4000 : 0)) &
	       (LIVE_ANSWERS - 1);
}

static __always_inline __u64 live_kind(const struct conversation *c)
{
	return (c->protocol == IPPROTO_TCP ? LIVE_TCP : 0) | (c->family == 6 ? LIVE_IPV6 : 0);
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
static __always_inline enum live_peer live_find(struct xdp_md *context,
						const struct conversation *c, bool as_any)
{
	struct bpf_sock_tuple tuple = {};

	if (c->family == 4) {
		tuple.ipv4.saddr = as_any ? 0 : c->remote[3];
		tuple.ipv4.sport = as_any ? 0 : bpf_htons(c->remote_port);
		tuple.ipv4.daddr = c->local[3];
		tuple.ipv4.dport = bpf_htons(c->local_port);
		return live_socket(context, c->protocol, &tuple, sizeof(tuple.ipv4));
	}
	if (!as_any) {
		__builtin_memcpy(tuple.ipv6.saddr, c->remote, sizeof(tuple.ipv6.saddr));
		tuple.ipv6.sport = bpf_htons(c->remote_port);
	}
	__builtin_memcpy(tuple.ipv6.daddr, c->local, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.dport = bpf_htons(c->local_port);
	return live_socket(context, c->protocol, &tuple, sizeof(tuple.ipv6));
}

/*
 * The kernel's answer. A SYN is for a listener, and for no connection of the same ports that is
 * about to end. Where a UDP socket is connected to this peer, one that would take any peer is asked
 * for as well: the peers of one port would otherwise push out each other's answers. Groups need no
 * care of their own: a socket that is bound to the group or to no address is found.
 */
static __always_inline enum live_peer live_look(struct xdp_md *context,
						const struct conversation *c)
{
	enum live_peer peer;

	if (c->protocol == IPPROTO_TCP)
		return live_find(context, c, true);
	peer = live_find(context, c, false);
	if (peer == LIVE_THIS_PEER && live_find(context, c, true) == LIVE_ANY_PEER)
		return LIVE_ANY_PEER;
	return peer;
}

/* Whether the answer holds for this peer alone. A UDP port that has no socket for this peer may
 * have one that is connected to another. */
static __always_inline bool live_is_peers_own(const struct conversation *c, enum live_peer peer)
{
	return c->protocol == IPPROTO_UDP && peer != LIVE_ANY_PEER;
}

/* Asks, and keeps the answer. 1: bound. Out of line: it is seldom needed. */
__noinline int live_ask(struct xdp_md *context, struct packet *packet)
{
	struct live_answer *answer;
	enum live_peer peer;
	__u64 about;
	__u32 index;

	if (!packet)
		return 0;
	peer = live_look(context, &packet->c);
	index = live_index(&packet->c);
	answer = bpf_map_lookup_elem(&live_answers, &index);
	if (!answer || config.dry_run)
		return peer != LIVE_NOT_BOUND;
	about = bpf_jiffies64() << LIVE_CLOCK | live_kind(&packet->c);
	if (peer != LIVE_NOT_BOUND)
		about |= LIVE_BOUND;
	if (live_is_peers_own(&packet->c, peer))
		about |= LIVE_PEER | packet->c.remote_port;
	answer->about = about;
	answer->subject = live_subject(&packet->c, live_is_peers_own(&packet->c, peer)) ^ about;
	return peer != LIVE_NOT_BOUND;
}

/* ---- remembering ---- */

/* Whether it was answered not long ago, and what. */
static __always_inline bool live_is_known(const struct conversation *c, bool *ret_bound)
{
	__u64 now = bpf_jiffies64();
	__u32 index = live_index(c);
	const volatile struct live_answer *answer = bpf_map_lookup_elem(&live_answers, &index);
	__u64 about;
	__u64 subject;

	if (!answer)
		return false;
	about = answer->about;
	subject = answer->subject ^ about;
	if ((about & (LIVE_TCP | LIVE_IPV6)) != live_kind(c))
		return false;
	if (now - (about >> LIVE_CLOCK) >= (about & LIVE_BOUND ? config.live_ticks : 1))
		return false;
	if (!(about & LIVE_PEER)) {
		if (subject != live_subject(c, false))
			return false;
	} else if ((about & LIVE_PEER_PORT) != c->remote_port || subject != live_subject(c, true)) {
		return false;
	}
	*ret_bound = about & LIVE_BOUND;
	return true;
}

/* A TCP connection ends as its socket ends: only its first packet asks. */
static __always_inline bool live_is_bound(struct xdp_md *context, struct packet *packet)
{
	bool bound;

	if (packet->c.protocol != IPPROTO_UDP && !tcp_is_syn(packet))
		return true;
	if (config.record && state.bound != BOUND_ASK)
		return state.bound == BOUND_YES;
	if (live_is_known(&packet->c, &bound))
		return bound;
	return live_ask(context, packet);
}

#endif
