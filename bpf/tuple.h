/* SPDX-License-Identifier: GPL-2.0-only */
/* Who talks to whom: what rules and flows are looked up by. */
#ifndef SALLYPORT_BPF_TUPLE_H
#define SALLYPORT_BPF_TUPLE_H

/*
 * Addresses by pointer, so that an ordinary packet's are read where they
 * lie: of IPv4 one word, of IPv6 four.
 */
struct tuple {
	const __be32 *local;
	const __be32 *remote;
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u8 family;
	__u8 protocol;
};

static __always_inline struct tuple tuple_of(const struct conversation *c)
{
	return (struct tuple){
		.local = c->family == 4 ? &c->local[3] : c->local,
		.remote = c->family == 4 ? &c->remote[3] : c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.family = c->family,
		.protocol = c->protocol,
	};
}

/* As tuple_of(), where the family is known. */
static __always_inline struct tuple flow_tuple(const struct conversation *c, const __u8 family)
{
	return (struct tuple){
		.local = family == 4 ? &c->local[3] : c->local,
		.remote = family == 4 ? &c->remote[3] : c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.family = family,
		.protocol = c->protocol,
	};
}

#endif
