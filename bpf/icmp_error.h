/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors pass if the packet that they quote belongs to a conversation that is allowed
 * (docs/packet-path.md, section 5): path-MTU discovery works under default deny, and nothing else
 * comes in with it.
 */
#ifndef SALLYPORT_BPF_ICMP_ERROR_H
#define SALLYPORT_BPF_ICMP_ERROR_H

/* Ethernet, two tags, and the longest headers that parse_frame accepts in practice. */
#define QUOTE_OFFSET_MAX 512

static __always_inline bool same_address(__u8 family, const __be32 *a, const __be32 *b)
{
	if (family == 4)
		return a[3] == b[3];
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/*
 * Reads the quoted packet over the error itself, which is not needed any more: the stack is small.
 * False: what is quoted can't be read, or is nothing that an error may quote.
 */
static __always_inline bool parse_quote(struct cursor *cursor, struct packet *packet)
{
	__u32 offset = packet->quote;
	__u32 end = packet->quote_end;
	__u8 family = packet->c.family;
	enum reason reason;

	if (packet->part != FRAGMENT_WHOLE || offset > QUOTE_OFFSET_MAX)
		return false;
	__builtin_memset(packet, 0, sizeof(*packet));
	cursor->at = cursor->data + offset;
	cursor->offset = offset;
	cursor->length = end;
	cursor->quoted = true;
	reason = family == 4 ? parse_ipv4(cursor, packet) : parse_ipv6(cursor, packet);
	if (reason != REASON_NONE || packet->part == FRAGMENT_LATER)
		return false;
	return !packet_is_icmp(packet) || is_echo_request(packet) || is_echo_reply(packet);
}

/* The rule or flow that the quoted packet belongs to; of a flow, the reason is REASON_FLOW. */
static __always_inline bool quote_is_related(enum direction direction, struct packet *quoted,
					     struct finding *finding)
{
	const bool arriving = direction == DIRECTION_IN;
	bool echo = packet_is_icmp(quoted);

	/* An echo request that was sent, or a reply that was received, can only be of a flow; the
	 * others of a rule. */
	if (!echo || (arriving ? is_echo_reply(quoted) : is_echo_request(quoted))) {
		look_as_served(&quoted->c);
		*finding = lookup_rule(DIRECTION_IN, &quoted->c);
		if (finding->rule_slot)
			return true;
	}
	if (echo && (arriving ? is_echo_reply(quoted) : is_echo_request(quoted)))
		return echo_is_offered(&quoted->c);
	return flow_is_answered(&quoted->c, finding) && finding->reason == REASON_FLOW;
}

/* An arriving error quotes what this host sent. Out of line: few packets need the room of it. */
__noinline int read_quote_arriving(struct xdp_md *context, struct packet *packet)
{
	struct cursor cursor = {
		.context = context,
		.data = (void *)(long)context->data,
		.data_end = (void *)(long)context->data_end,
		.local_is_source = true,
	};

	return packet && parse_quote(&cursor, packet);
}

/* Of a frame in several buffers, whose quote may lie in another than its header. */
__noinline int read_quote_long(struct xdp_md *context, struct packet *packet)
{
	struct header_copy *copy;
	struct cursor cursor;

	if (!packet)
		return false;
	copy = copy_headers(context, packet->long_length);
	if (!copy)
		return false;
	cursor = copy_cursor(copy, packet->long_length);
	cursor.local_is_source = true;
	return parse_quote(&cursor, packet);
}

/* A leaving one quotes what this host received. */
__noinline int read_quote_leaving(struct __sk_buff *skb, struct packet *packet)
{
	struct cursor cursor = {
		.context = skb,
		.leaving = true,
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end,
		.local_is_source = false,
	};

	return packet && parse_quote(&cursor, packet);
}

static __always_inline bool read_quote(enum direction direction, void *context,
				       struct packet *packet)
{
	if (direction == DIRECTION_OUT)
		return read_quote_leaving(context, packet);
	return packet->long_length ? read_quote_long(context, packet)
				   : read_quote_arriving(context, packet);
}

/* packet is used up. context: struct xdp_md of what arrives, struct __sk_buff of what leaves. */
static __always_inline enum reason judge_icmp_error(enum direction direction, void *context,
						    struct packet *packet, struct finding *finding)
{
	const bool arriving = direction == DIRECTION_IN;
	__be32 own[4] = {packet->c.local[0], packet->c.local[1], packet->c.local[2],
			 packet->c.local[3]};
	const __u64 teller = arriving ? error_teller(&packet->c) : 0;

	if (!read_quote(direction, context, packet))
		return REASON_ICMP_UNRELATED;
	if (!same_address(packet->c.family, packet->c.local, own) ||
	    !quote_is_related(direction, packet, finding)) {
		finding->rule_slot = 0;
		return REASON_ICMP_UNRELATED;
	}
	if (arriving &&
	    !error_is_within_limit(&packet->c, teller, finding->reason == REASON_FLOW)) {
		finding->rule_slot = 0;
		return REASON_ICMP_LIMITED;
	}
	return REASON_ICMP_ERROR;
}

#endif
