/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Step 1 of a packet's way: headers to struct packet (docs/packet-path.md, section 1).
 *
 * No map, no helper, no context: the same text compiles natively, so that the unit tests can feed
 * it frames that BPF_PROG_TEST_RUN refuses.
 */
#ifndef SALLYPORT_BPF_PARSE_H
#define SALLYPORT_BPF_PARSE_H

enum fragment_part {
	FRAGMENT_WHOLE = 0,
	FRAGMENT_FIRST = 1, /* offset 0, more to come */
	FRAGMENT_LATER = 2,
};

enum layer2 {
	LAYER2_IP = 0,
	LAYER2_ARP,
	LAYER2_OTHER,
	LAYER2_LINK_CONTROL = 0x10, /* and LINK_LACP or another in the lower bits */
};

/* Further than any headers go; a number that the verifier can reckon with. */
#define WALK_OFFSET_MAX 32767u

#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10

/*
 * A packet seen as what goes on between this host and a peer: local is the source of what leaves
 * and the destination of what arrives. Ports in host order; 0 for protocols that have none. An
 * echo's ports depend on who looks (see conversation.h).
 */
struct conversation {
	__be32 local[4]; /* IPv4 in the last word, the others 0 */
	__be32 remote[4];
	__u16 local_port;
	__u16 remote_port;
	__u16 identifier; /* of an echo */
	__u8 family;	  /* 4 or 6 */
	__u8 protocol;
};

struct packet {
	struct conversation c;
	__be32 identification; /* of a fragment */
	__u32 quote;	 /* ICMP, UDP: bytes from the frame's start to what follows the header */
	__u32 quote_end; /* and to the end of the IP packet or of the UDP datagram, if that ends
			    sooner; padding may follow */
	__u16 fragment_offset; /* bytes */
	__u16 header_end; /* bytes from the start of what is fragmented to the L4 header's end */
	__u8 layer2;	  /* enum layer2 */
	__u8 part;	  /* enum fragment_part */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 hop_limit;
	__u8 checked; /* it is one of those that both encodings judge */
	__u8 unused;
	__u16 vlan; /* id of the outer tag; 0: none, or one of priority only */
	__u8 unused2[2];
	__u32 long_length; /* bytes of a frame in several buffers; 0: it is in one */
};

/* Where the parser stands: everything in bytes, cursor from the frame's start. */
struct cursor {
	void *context; /* that data is of: struct __sk_buff if leaving, else struct xdp_md */
	bool leaving;
	const void *data;
	const void *data_end; /* of what may be read */
	const void *at;
	__u32 length; /* of the frame, which may not be all linear; of a quote, to its end */
	__u32 offset; /* at - data */
	bool local_is_source; /* it leaves, or is quoted by what arrives */
	bool quoted;	      /* of an ICMP error: may be cut short behind 8 bytes of L4 header */
	bool copied;	/* data are HEADER_COPY_BYTES and room behind them: see long_frame.h */
	bool segmented; /* GSO: an IP length of 0 means "all there is" (BIG TCP) */
};

/* A copy has no data_end that the verifier would know: offsets are compared with its size. */
static __always_inline const void *cursor_take_copied(struct cursor *cursor, __u32 bytes)
{
	__u64 offset = cursor->offset;

	asm volatile("" : "+r"(offset));
	if (offset > HEADER_COPY_BYTES || offset + bytes > HEADER_COPY_BYTES ||
	    offset + bytes > cursor->length)
		return NULL;
	cursor->offset = (__u32)offset + bytes;
	return cursor->data + offset;
}

static __always_inline const void *cursor_take(struct cursor *cursor, __u32 bytes)
{
	const void *here = cursor->at;

	if (cursor->copied)
		return cursor_take_copied(cursor, bytes);
	if (here + bytes > cursor->data_end ||
	    (cursor->quoted && cursor->offset + bytes > cursor->length))
		return NULL;
	cursor->at = here + bytes;
	cursor->offset += bytes;
	return here;
}

static __always_inline void set_ports(const struct cursor *cursor, struct packet *packet,
				      __be16 source, __be16 destination)
{
	packet->c.local_port = bpf_ntohs(cursor->local_is_source ? source : destination);
	packet->c.remote_port = bpf_ntohs(cursor->local_is_source ? destination : source);
}

/* RFC 791 3.1 and 6864 do not bound these; a reassembled datagram must fit 16 bits of length. */
static __always_inline bool fragment_is_sane(const struct packet *packet, __u32 payload, bool more)
{
	if (more && (!payload || payload % 8))
		return false;
	return packet->fragment_offset + payload <= 65535;
}

static __always_inline enum reason parse_tcp(struct cursor *cursor, struct packet *packet,
					     __u32 payload, enum reason too_short)
{
	const struct tcphdr *tcp;
	const __u8 *bytes;
	__u32 length;

	if (cursor->quoted) {
		const __be16 *ports = cursor_take(cursor, 8);

		if (!ports)
			return REASON_MALFORMED;
		set_ports(cursor, packet, ports[0], ports[1]);
		return REASON_NONE;
	}
	if (payload < sizeof(*tcp))
		return too_short;
	tcp = cursor_take(cursor, sizeof(*tcp));
	if (!tcp)
		return REASON_MALFORMED;
	bytes = (const void *)tcp;
	length = (bytes[12] >> 4) * 4;
	if (length < sizeof(*tcp))
		return REASON_MALFORMED;
	if (length > payload)
		return too_short;
	set_ports(cursor, packet, tcp->source, tcp->dest);
	packet->tcp_flags = bytes[13];
	packet->header_end += length;
	return REASON_NONE;
}

static __always_inline enum reason parse_udp(struct cursor *cursor, struct packet *packet,
					     __u32 payload, enum reason too_short)
{
	const struct udphdr *udp;
	__u32 length;

	if (!cursor->quoted && payload < sizeof(*udp))
		return too_short;
	udp = cursor_take(cursor, sizeof(*udp));
	if (!udp)
		return REASON_MALFORMED;
	set_ports(cursor, packet, udp->source, udp->dest);
	packet->header_end += sizeof(*udp);
	if (cursor->quoted)
		return REASON_NONE;
	length = bpf_ntohs(udp->len);
	if (cursor->segmented && !length)
		return REASON_NONE;
	if (length < sizeof(*udp) || (packet->part == FRAGMENT_WHOLE && length > payload))
		return REASON_MALFORMED;
	packet->quote = cursor->offset;
	packet->quote_end = cursor->offset + (length < payload ? length : payload) - sizeof(*udp);
	return REASON_NONE;
}

static __always_inline enum reason parse_sctp(struct cursor *cursor, struct packet *packet,
					      __u32 payload, enum reason too_short)
{
	const __be16 *ports;

	if (!cursor->quoted && payload < 12)
		return too_short;
	ports = cursor_take(cursor, cursor->quoted ? 8 : 12);
	if (!ports)
		return REASON_MALFORMED;
	set_ports(cursor, packet, ports[0], ports[1]);
	packet->header_end += 12;
	return REASON_NONE;
}

static __always_inline enum reason parse_icmp(struct cursor *cursor, struct packet *packet,
					      __u32 payload, enum reason too_short)
{
	const __u8 *bytes;

	if (!cursor->quoted && payload < 8)
		return too_short;
	bytes = cursor_take(cursor, 8);
	if (!bytes)
		return REASON_MALFORMED;
	packet->icmp_type = bytes[0];
	packet->icmp_code = bytes[1];
	packet->c.identifier = bytes[4] << 8 | bytes[5];
	packet->header_end += 8;
	packet->quote = cursor->offset;
	packet->quote_end = cursor->offset + payload - 8;
	return REASON_NONE;
}

/* payload: bytes of the IP payload from the cursor on. */
static __always_inline enum reason parse_l4(struct cursor *cursor, struct packet *packet,
					    __u32 payload)
{
	enum reason too_short =
		packet->part == FRAGMENT_FIRST ? REASON_FRAGMENT_TINY : REASON_MALFORMED;

	switch (packet->c.protocol) {
	case IPPROTO_TCP:
		return parse_tcp(cursor, packet, payload, too_short);
	case IPPROTO_UDP:
		return parse_udp(cursor, packet, payload, too_short);
	case IPPROTO_SCTP:
		return parse_sctp(cursor, packet, payload, too_short);
	case IPPROTO_ICMP:
		if (packet->c.family == 4)
			return parse_icmp(cursor, packet, payload, too_short);
		break;
	case IPPROTO_ICMPV6:
		if (packet->c.family == 6)
			return parse_icmp(cursor, packet, payload, too_short);
		break;
	}
	return REASON_NONE;
}

static __always_inline enum reason
parse_ipv4_fragment(struct packet *packet, const struct iphdr *ip, __u32 payload, bool quoted)
{
	__u16 field = bpf_ntohs(ip->frag_off);
	bool more = field & 0x2000;

	packet->fragment_offset = (field & 0x1fff) * 8;
	packet->identification = bpf_htonl(bpf_ntohs(ip->id));
	if (packet->fragment_offset)
		packet->part = FRAGMENT_LATER;
	else if (more)
		packet->part = FRAGMENT_FIRST;
	else
		return REASON_NONE;
	if (!quoted && !fragment_is_sane(packet, payload, more))
		return REASON_MALFORMED;
	return REASON_NONE;
}

static __always_inline enum reason parse_ipv4(struct cursor *cursor, struct packet *packet)
{
	__u32 available = cursor->length - cursor->offset;
	const struct iphdr *ip = cursor_take(cursor, sizeof(*ip));
	__u32 header, total;
	enum reason reason;

	if (!ip)
		return REASON_MALFORMED;
	header = (*(const __u8 *)ip & 15) * 4;
	if (*(const __u8 *)ip >> 4 != 4 || header < sizeof(*ip))
		return REASON_MALFORMED;
	total = bpf_ntohs(ip->tot_len);
	if (cursor->segmented && !total)
		total = available;
	if (total < header || (!cursor->quoted && total > available))
		return REASON_MALFORMED;
	if (header > sizeof(*ip) && !cursor_take(cursor, header - sizeof(*ip)))
		return REASON_MALFORMED;
	packet->c.family = 4;
	packet->c.protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	packet->c.local[3] = cursor->local_is_source ? ip->saddr : ip->daddr;
	packet->c.remote[3] = cursor->local_is_source ? ip->daddr : ip->saddr;
	reason = parse_ipv4_fragment(packet, ip, total - header, cursor->quoted);
	if (reason != REASON_NONE || packet->part == FRAGMENT_LATER)
		return reason;
	return parse_l4(cursor, packet, total - header);
}

static __always_inline bool is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

/*
 * Walks the extension headers (RFC 8200 4). payload counts down to what is behind them. On a later
 * fragment it stops behind the fragment header; protocol is then of no use.
 */
static __always_inline enum reason parse_extensions(struct cursor *cursor, struct packet *packet,
						    __u32 *payload, __u8 next)
{
	bool fragmented = false;

	/* Linux 6.1 refuses the loop that the compiler makes: one that is entered in its middle. */
#ifdef __bpf__
#pragma clang loop unroll(full)
#endif
	for (int count = 0; count <= EXTENSION_HEADERS_MAX; count++) {
		enum reason too_short =
			packet->part == FRAGMENT_FIRST ? REASON_FRAGMENT_TINY : REASON_MALFORMED;
		const __u8 *header;
		__u32 length = 8;

		if (!is_extension(next)) {
			packet->c.protocol = next;
			return REASON_NONE;
		}
		if (count == EXTENSION_HEADERS_MAX || (next == IPPROTO_HOPOPTS && count))
			return REASON_MALFORMED;
		if (!cursor->quoted && *payload < 8)
			return too_short;
		header = cursor_take(cursor, 8);
		if (!header)
			return REASON_MALFORMED;
		if (next == IPPROTO_FRAGMENT) {
			const __be16 *field = (const void *)(header + 2);
			bool more = bpf_ntohs(*field) & 1;

			if (fragmented)
				return REASON_MALFORMED;
			fragmented = true;
			packet->fragment_offset = bpf_ntohs(*field) & 0xfff8;
			packet->identification = *(const __be32 *)(header + 4);
			if (packet->fragment_offset)
				packet->part = FRAGMENT_LATER;
			else if (more)
				packet->part = FRAGMENT_FIRST;
			if (packet->part != FRAGMENT_WHOLE && !cursor->quoted &&
			    !fragment_is_sane(packet, *payload - 8, more))
				return REASON_MALFORMED;
			packet->header_end = 0;
		} else {
			length = (header[1] + 1) * 8;
			if (!cursor->quoted && length > *payload)
				return too_short;
			if (length > 8 && !cursor_take(cursor, length - 8))
				return REASON_MALFORMED;
			packet->header_end += length;
		}
		*payload -= length;
		next = header[0];
		if (packet->part == FRAGMENT_LATER) {
			packet->c.protocol = next;
			return REASON_NONE;
		}
	}
	return REASON_MALFORMED;
}

/* Where a walk over extension headers begins, and where it ended. */
struct walk {
	__u32 offset;
	__u32 length;
	__u32 payload;
	__u8 next;
	bool quoted;
	bool local_is_source;
	__u8 unused;
};

/*
 * Sets a cursor to an offset that came out of memory. The verifier of Linux 6.1 does not carry a
 * bound over to a copy that was spilled before the comparison: the barriers leave it only one.
 */
static __always_inline bool cursor_seek(struct cursor *cursor, __u32 offset)
{
	__u64 bounded = offset;

	asm volatile("" : "+r"(bounded));
	if (bounded > WALK_OFFSET_MAX)
		return false;
	asm volatile("" : "+r"(bounded));
	cursor->at = cursor->data + bounded;
	cursor->offset = (__u32)bounded;
	return true;
}

static __always_inline enum reason walk_with(struct cursor cursor, struct packet *packet,
					     struct walk *walk)
{
	enum reason reason;

	cursor.quoted = walk->quoted;
	cursor.local_is_source = walk->local_is_source;
	if (!cursor_seek(&cursor, walk->offset))
		return REASON_MALFORMED;
	reason = parse_extensions(&cursor, packet, &walk->payload, walk->next);
	walk->offset = cursor.offset;
	return reason;
}

static __always_inline enum reason walk_here(const void *data, const void *data_end,
					     struct packet *packet, struct walk *walk)
{
	const struct cursor cursor = {
		.data = data,
		.data_end = data_end,
		.length = walk->length,
	};

	return walk_with(cursor, packet, walk);
}

/*
 * Defined for each kind of context (bpf/walk.h): a function of its own, since the many ways through
 * the loop would otherwise multiply with all that comes behind it, for the verifier.
 */
static __always_inline enum reason walk_extensions(struct cursor *cursor, struct packet *packet,
						   struct walk *walk);

static __always_inline enum reason parse_ipv6(struct cursor *cursor, struct packet *packet)
{
	__u32 available = cursor->length - cursor->offset;
	const struct ipv6hdr *ip = cursor_take(cursor, sizeof(*ip));
	enum reason reason;
	__u32 payload;

	if (!ip)
		return REASON_MALFORMED;
	if (*(const __u8 *)ip >> 4 != 6)
		return REASON_MALFORMED;
	payload = bpf_ntohs(ip->payload_len);
	if (cursor->segmented && !payload)
		payload = available - sizeof(*ip);
	if (!cursor->quoted && payload + sizeof(*ip) > available)
		return REASON_MALFORMED;
	packet->c.family = 6;
	packet->c.protocol = ip->nexthdr;
	packet->hop_limit = ip->hop_limit;
	__builtin_memcpy(cursor->local_is_source ? packet->c.local : packet->c.remote, &ip->saddr,
			 16);
	__builtin_memcpy(cursor->local_is_source ? packet->c.remote : packet->c.local, &ip->daddr,
			 16);
	if (is_extension(ip->nexthdr)) {
		struct walk walk = {
			.offset = cursor->offset,
			.length = cursor->length,
			.payload = payload,
			.next = ip->nexthdr,
			.quoted = cursor->quoted,
			.local_is_source = cursor->local_is_source,
		};

		reason = walk_extensions(cursor, packet, &walk);
		if (reason != REASON_NONE || packet->part == FRAGMENT_LATER)
			return reason;
		if (!cursor_seek(cursor, walk.offset))
			return REASON_MALFORMED;
		payload = walk.payload;
	}
	return parse_l4(cursor, packet, payload);
}

/* IEEE 802.1D 9.2: LLC with both addresses 0x42, to a bridge group address, with a length. */
static __always_inline bool is_stp(struct cursor *cursor, __be16 type)
{
	const __u8 *frame = cursor->data;
	const __be16 *group = cursor->data;
	const __u8 *llc = cursor_take(cursor, 3);

	/* The three bytes are there, so the header in front of them is. */
	return llc && frame + ETH_HLEN <= (const __u8 *)llc && bpf_ntohs(type) <= ETH_DATA_LEN &&
	       group[0] == bpf_htons(0x0180) && group[1] == bpf_htons(0xc200) && !frame[4] &&
	       frame[5] < 0x10 && llc[0] == LLC_STP && llc[1] == LLC_STP && llc[2] == LLC_UI;
}

/* What is neither IP nor ARP. */
static __always_inline __u8 parse_link_protocol(struct cursor *cursor, __be16 type)
{
	if (type == bpf_htons(ETH_P_SLOW))
		return LAYER2_LINK_CONTROL | LINK_LACP;
	if (type == bpf_htons(ETH_P_LLDP))
		return LAYER2_LINK_CONTROL | LINK_LLDP;
	if (type == bpf_htons(ETH_P_PAE))
		return LAYER2_LINK_CONTROL | LINK_EAPOL;
	return is_stp(cursor, type) ? LAYER2_LINK_CONTROL | LINK_STP : LAYER2_OTHER;
}

static __always_inline enum reason parse_ip(struct cursor *cursor, struct packet *packet,
					    __be16 type)
{
	if (type == bpf_htons(ETH_P_IP))
		return parse_ipv4(cursor, packet);
	if (type == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(cursor, packet);
	if (type == bpf_htons(ETH_P_ARP))
		packet->layer2 = LAYER2_ARP;
	else
		packet->layer2 = parse_link_protocol(cursor, type);
	return REASON_NONE;
}

/* REASON_NONE: packet tells all; else the reason to drop it. packet comes zeroed. */
static __always_inline enum reason parse_frame(struct cursor *cursor, struct packet *packet)
{
	const struct ethhdr *ethernet = cursor_take(cursor, sizeof(*ethernet));
	__be16 type;

	if (!ethernet)
		return REASON_MALFORMED;
	type = ethernet->h_proto;
#pragma unroll
	for (int tags = 0; tags < VLAN_TAGS_MAX; tags++) {
		const __be16 *tag;

		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		tag = cursor_take(cursor, 4);
		if (!tag)
			return REASON_MALFORMED;
		if (!tags)
			packet->vlan = bpf_ntohs(tag[0]) & VLAN_VID_MASK;
		type = tag[1];
	}
	return parse_ip(cursor, packet, type);
}

#endif
