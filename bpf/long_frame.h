/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames in several buffers: jumbo frames, and what a NIC splits behind its headers. Of such a
 * frame only the first buffer lies between data and data_end, so it looks as if it had been cut
 * short: that is how it gets here, and why an ordinary frame is not asked for its length (which is
 * a call).
 *
 * The headers are read where they stand if the first buffer has them, else from a copy.
 */
#ifndef SALLYPORT_BPF_LONG_FRAME_H
#define SALLYPORT_BPF_LONG_FRAME_H

static __always_inline struct header_copy *copy_headers(struct xdp_md *context, __u32 length)
{
	__u32 zero = 0;
	struct header_copy *copy = bpf_map_lookup_elem(&header_copies, &zero);

	if (length > HEADER_COPY_BYTES)
		length = HEADER_COPY_BYTES;
	/* Says to the verifier of Linux 6.1 what it is by now: 1 to HEADER_COPY_BYTES. */
	length = ((length - 1) & (HEADER_COPY_BYTES - 1)) + 1;
	if (!copy || bpf_xdp_load_bytes(context, 0, copy->bytes, length))
		return NULL;
	return copy;
}

static __always_inline struct cursor copy_cursor(const struct header_copy *copy, __u32 length)
{
	return (struct cursor){
		.data = copy->bytes,
		.at = copy->bytes,
		.length = length,
		.copied = true,
	};
}

/* The walk over extension headers of a copy, as those of bpf/walk.h. */
__noinline int walk_copied(struct packet *packet, struct walk *walk)
{
	__u32 zero = 0;
	const struct header_copy *copy = bpf_map_lookup_elem(&header_copies, &zero);

	if (!copy || !packet || !walk)
		return REASON_MALFORMED;
	return walk_with(copy_cursor(copy, walk->length), packet, walk);
}

static __always_inline void packet_begin_again(struct packet *packet, __u32 length)
{
	const bool checked = packet->checked;

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->checked = checked;
	packet->long_length = length;
}

__noinline int parse_copied(struct xdp_md *context, struct packet *packet)
{
	struct header_copy *copy;
	struct cursor cursor;
	__u32 length;

	if (!packet)
		return REASON_MALFORMED;
	length = packet->long_length;
	copy = copy_headers(context, length);
	if (!copy)
		return REASON_MALFORMED;
	cursor = copy_cursor(copy, length);
	packet_begin_again(packet, length);
	return parse_frame(&cursor, packet);
}

/*
 * What parse_frame() could not read, or did not know. Sets packet->long_length if there is more of
 * the frame than it saw; else all stays as it was.
 */
__noinline int parse_long_frame(struct xdp_md *context, struct packet *packet, __u8 reason)
{
	struct cursor cursor = {
		.context = context,
		.data = (void *)(long)context->data,
		.data_end = (void *)(long)context->data_end,
		.at = (void *)(long)context->data,
	};
	if (!packet)
		return reason;
	cursor.length = bpf_xdp_get_buff_len(context);
	if (cursor.length <= (__u64)(cursor.data_end - cursor.data))
		return reason;
	packet_begin_again(packet, cursor.length);
	return parse_frame(&cursor, packet);
}

/*
 * Parses a frame that may be longer than its first buffer; an IP packet that was read whole is not.
 * Called one after the other, not by each other: the stack is small.
 */
static __always_inline enum reason parse_again_if_long(struct xdp_md *context,
						       struct packet *packet, enum reason reason)
{
	if (reason == REASON_MALFORMED || packet->layer2 != LAYER2_IP)
		reason = parse_long_frame(context, packet, reason);
	if (packet->long_length && (reason == REASON_MALFORMED || packet->layer2 == LAYER2_OTHER))
		reason = parse_copied(context, packet);
	return reason;
}

#endif
