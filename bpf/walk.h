/* SPDX-License-Identifier: GPL-2.0-only */
/* The walk over IPv6 extension headers, once for each kind of context (see parse.h). */
#ifndef SALLYPORT_BPF_WALK_H
#define SALLYPORT_BPF_WALK_H

__noinline int walk_arriving(struct xdp_md *context, struct packet *packet, struct walk *walk)
{
	if (!packet || !walk)
		return REASON_MALFORMED;
	return walk_here((void *)(long)context->data, (void *)(long)context->data_end, packet,
			 walk);
}

__noinline int walk_leaving(struct __sk_buff *skb, struct packet *packet, struct walk *walk)
{
	if (!packet || !walk)
		return REASON_MALFORMED;
	return walk_here((void *)(long)skb->data, (void *)(long)skb->data_end, packet, walk);
}

__noinline int walk_copied(struct packet *packet, struct walk *walk); /* bpf/long_frame.h */

static __always_inline enum reason walk_extensions(struct cursor *cursor, struct packet *packet,
						   struct walk *walk)
{
	if (cursor->copied)
		return walk_copied(packet, walk);
	return cursor->leaving ? walk_leaving(cursor->context, packet, walk)
			       : walk_arriving(cursor->context, packet, walk);
}

#endif
