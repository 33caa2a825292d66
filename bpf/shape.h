/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shape: rtp. On a media port arrives only what RFC 7983, section 7, tells apart there
 * (docs/packet-path.md, section 8).
 */
#ifndef SALLYPORT_BPF_SHAPE_H
#define SALLYPORT_BPF_SHAPE_H

/* RFC 5761 4: the second byte of RTCP, where RTP has its marker and payload type. */
static __always_inline bool is_rtcp(__u8 second)
{
	return second >= 192 && second <= 223;
}

/* What every kind of them has at least. */
#define SHAPE_BYTES_MIN 4

/* How long a datagram that begins with these four bytes must be at least; 0: it has no shape. */
static __always_inline __u32 shape_least(const __u8 *payload)
{
	const __u8 first = payload[0];

	if (first >= 192)
		return 0;
	if (first >= 128)
		return is_rtcp(payload[1]) ? 4 : 12; /* RFC 3550: version 2 */
	if (first >= 80)
		return 0;
	if (first >= 64) /* a channel of TURN (RFC 8656 12.5), or the letters of a SIP request */
		return 4 + (payload[2] << 8 | payload[3]);
	if (first >= 20)
		return 13; /* DTLS, RFC 6347 */
	if (first >= 16)
		return 12;	    /* ZRTP, RFC 6189 */
	return first <= 3 ? 20 : 0; /* STUN, RFC 8489 */
}

/* length: of the payload, as far as this packet has it. */
static __always_inline bool shape_is_rtp(const __u8 *payload, const void *data_end, __u32 length)
{
	__u32 least;

	if (config.record && !state.has_payload)
		return true;
	if (payload + SHAPE_BYTES_MIN > (const __u8 *)data_end)
		return false;
	least = shape_least(payload);
	return least && length >= least;
}

/* Of a frame in several buffers the payload may be in another than its headers. */
static __always_inline bool shape_is_rtp_long(struct xdp_md *context, __u32 offset, __u32 length)
{
	__u8 start[SHAPE_BYTES_MIN] = {};
	__u32 least;

	if (config.record && !state.has_payload)
		return true;
	if (length < sizeof(start) || bpf_xdp_load_bytes(context, offset, start, sizeof(start)))
		return false;
	least = shape_least(start);
	return least && length >= least;
}

/* The same of a packet that was parsed. */
static __always_inline bool shape_is_rtp_of(struct xdp_md *context, const struct packet *packet)
{
	const void *data = (void *)(long)context->data;
	__u64 offset = packet->quote;

	if (packet->c.protocol != IPPROTO_UDP)
		return true;
	/* As in cursor_seek(): one copy, for the verifier of Linux 6.1. */
	asm volatile("" : "+r"(offset));
	if (offset > WALK_OFFSET_MAX)
		return false;
	asm volatile("" : "+r"(offset));
	if (packet->long_length)
		return shape_is_rtp_long(context, offset, packet->quote_end - packet->quote);
	return shape_is_rtp(data + offset, (void *)(long)context->data_end,
			    packet->quote_end - packet->quote);
}

#endif
