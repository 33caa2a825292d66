/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a conversation to a rule. Two encodings of the same tables answer the same four questions:
 *
 *   port class     (side, protocol, port)          which terms of the policy have this port
 *   address leaf   (address)                       class, own?, peer of which direction?, role
 *   end class      (near or far; port, address)    both of one end together
 *   decision       (near, far)                     the first rule: its counter slot and options
 *
 * Precedence is settled by the compiler: a pair of end classes has one rule, the first that matches
 * both. lookup_maps.h asks LPM tries and hash maps (the truth), lookup_flat.h arrays (their index).
 * See user/compile.c for how classes are made.
 */
#ifndef SALLYPORT_BPF_LOOKUP_H
#define SALLYPORT_BPF_LOOKUP_H

struct finding {
	__u16 rule_slot; /* 0: none */
	__u16 role_slot; /* of the remote end, if it was looked up */
	__u16 options;	 /* of the rule: RULE_LIVE, RULE_SHAPE_RTP, RULE_LIMIT */
	__u8 reason;	 /* where there is no rule */
};

/* address: as in struct tuple. */
static __always_inline bool is_group_address(__u8 family, const __be32 *address)
{
	if (family == 4)
		return (address[0] & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) ||
		       address[0] == 0xffffffff;
	return (address[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

static __always_inline bool is_multicast(__u8 family, const __be32 *address)
{
	return is_group_address(family, address) && !(family == 4 && address[0] == 0xffffffff);
}

#include "lookup_flat.h"
#include "lookup_maps.h"

/* table: of flat_table(), or NULL to ask the maps. */
static __always_inline __u16 port_class(const __u16 *table, enum port_side side, __u8 protocol,
					__u16 port)
{
	return table ? port_class_flat(table, side, protocol, port)
		     : port_class_maps(side, protocol, port);
}

static __always_inline __u32 address_leaf(bool flat, __u8 family, const __be32 *address)
{
	return flat ? address_leaf_flat(family, address) : address_leaf_maps(family, address);
}

static __always_inline __u16 end_class(const __u16 *table, enum direction direction, bool far,
				       __u16 port, __u16 address)
{
	return table ? end_class_flat(table, direction, far, port, address)
		     : end_class_maps(direction, far, port, address);
}

/* The peer's end. Where no rule asks for its ports, decisions are by the class of its address. */
static __always_inline __u16 far_class(const __u16 *table, enum direction direction, __u16 port,
				       __u16 address)
{
	if (table && shape.far_is_address[direction])
		return address;
	return end_class(table, direction, true, port, address);
}

static __always_inline __u16 decide(const __u16 *table, enum direction direction, __u16 near,
				    __u16 far)
{
	return table ? decide_flat(table, direction, near, far) : decide_maps(direction, near, far);
}

/* No peer has an address that is this host's alone. Out of line: for what needs no rule. */
__noinline int source_is_own(struct conversation *c)
{
	bool flat = config.lookup == LOOKUP_FLAT && !state.fallback;
	struct tuple tuple;

	if (!c)
		return 1;
	tuple = tuple_of(c);
	return !!(address_leaf(flat, tuple.family, tuple.remote) & FLAT_OWN);
}

/* The service port is in no rule: what that means depends on what kind of port it is. */
static __always_inline enum reason closed_reason(const struct tuple *t)
{
	if (t->protocol == IPPROTO_TCP || t->protocol == IPPROTO_UDP || t->protocol == IPPROTO_SCTP)
		return REASON_CLOSED_PORT;
	return is_icmp(t->family, t->protocol) ? REASON_ICMP_TYPE : REASON_PROTOCOL;
}

/*
 * Keeps what a packet that no rule matches needs in a place of its own: the compiler would have all
 * packets set it, before each comparison anew.
 */
static __always_inline void apart(void)
{
	asm volatile("");
}

/* A peer's address at this end is some address that no rule names; a group is its own kind of that.
 */
static __always_inline __u16 local_address_class(bool flat, enum direction direction,
						 const struct tuple *t)
{
	__u16 class_id = flat ? own_class_flat(t->family, t->local) : 0;

	/* Those are what in rules name. */
	if (class_id && direction == DIRECTION_IN)
		return class_id;
	if (!class_id && !(flat && shape.locals_complete))
		class_id = address_leaf(flat, t->family, t->local) & FLAT_CLASS_MASK;
	if (class_id >= LOCAL_CLASS_FIRST && class_id < shape.near_columns[direction])
		return class_id;
	return is_group_address(t->family, t->local) ? LOCAL_CLASS_GROUP : LOCAL_CLASS_OTHER;
}

/*
 * The rule of this direction that matches, by one encoding. The service port comes first: most of a
 * scan ends there, before any address is looked up.
 */
static __always_inline struct finding find_rule(bool flat, enum direction direction,
						const struct tuple *t)
{
	const bool in = direction == DIRECTION_IN;
	const __u32 peer = in ? FLAT_PEER_OF_IN : FLAT_PEER_OF_OUT, own = in ? FLAT_OWN : 0;
	struct finding finding = {};
	__u16 local_port = 0, remote_port = 0, local_class;
	const __u16 *table = flat ? flat_table() : NULL;
	__u16 near, far, decision;
	__u32 leaf;

	if (in || config.local_port_used[direction])
		local_port = port_class(table, in ? PORT_IN_LOCAL : PORT_OUT_LOCAL, t->protocol,
					t->local_port);
	if (!in || config.remote_port_used[direction])
		remote_port = port_class(table, in ? PORT_IN_REMOTE : PORT_OUT_REMOTE, t->protocol,
					 t->remote_port);
	if (in ? !local_port : !remote_port) {
		apart();
		finding.reason = closed_reason(t);
		return finding;
	}
	leaf = address_leaf(flat, t->family, t->remote);
	finding.role_slot = (leaf & FLAT_ROLE_MASK) >> FLAT_ROLE_SHIFT;
	if ((leaf & (peer | own)) != peer) {
		apart();
		finding.reason = leaf & own ? REASON_SPOOFED : REASON_UNKNOWN_PEER;
		return finding;
	}
	local_class = local_address_class(flat, direction, t);
	near = end_class(table, direction, false, local_port, local_class);
	if (!near) {
		apart();
		finding.reason = in ? REASON_WRONG_ADDRESS : REASON_WRONG_PORT;
		return finding;
	}
	far = far_class(table, direction, remote_port, leaf & FLAT_CLASS_MASK);
	decision = far ? decide(table, direction, near, far) : 0;
	if (!decision) {
		apart();
		finding.reason = REASON_WRONG_PORT;
		return finding;
	}
	finding.rule_slot = decision & RULE_SLOT_MASK;
	finding.options = decision & RULE_OPTIONS_MASK;
	finding.reason = REASON_RULE;
	return finding;
}

/*
 * Out of line, one for each encoding: for the long way, where the verifier need not look at them
 * once for each caller.
 */
__noinline int find_rule_maps(enum direction direction, struct conversation *c,
			      struct finding *finding)
{
	struct tuple tuple;

	if (!c || !finding)
		return 0;
	tuple = tuple_of(c);
	if (direction == DIRECTION_IN)
		*finding = find_rule(false, DIRECTION_IN, &tuple);
	else
		*finding = find_rule(false, DIRECTION_OUT, &tuple);
	return 0;
}

__noinline int find_rule_flat(enum direction direction, struct conversation *c,
			      struct finding *finding)
{
	struct tuple tuple;

	/* Linux 6.1 verifies it where nobody calls it too, and then the arrays are small. */
	if (!c || !finding || config.lookup != LOOKUP_FLAT)
		return 0;
	tuple = tuple_of(c);
	if (direction == DIRECTION_IN)
		*finding = find_rule(true, DIRECTION_IN, &tuple);
	else
		*finding = find_rule(true, DIRECTION_OUT, &tuple);
	return 0;
}

/*
 * Both encodings on the same conversation. They can only differ through a bug of ours: then it is
 * counted, the stricter answer holds, and maps decide until the next load. Out of line: one packet
 * in many comes here.
 */
__noinline int cross_check(enum direction direction, struct conversation *c,
			   struct finding *finding)
{
	struct finding truth = {};

	if (!c || !finding)
		return 0;
	find_rule_maps(direction, c, &truth);
	if (truth.rule_slot == finding->rule_slot && truth.reason == finding->reason &&
	    truth.role_slot == finding->role_slot && truth.options == finding->options)
		return 0;
	__sync_fetch_and_add(&state.disagreements, 1);
	state.fallback = 1;
	bpf_printk("sallyport: flat and maps disagree: flat rule %d, maps rule %d; using maps",
		   finding->rule_slot, truth.rule_slot);
	if (finding->rule_slot)
		*finding = truth;
	return 1;
}

static __always_inline bool cross_check_is_due(void)
{
	__u32 zero = 0;
	__u32 *countdown;

	if (!config.cross_check)
		return false;
	countdown = bpf_map_lookup_elem(&cross_check_countdown, &zero);
	if (!countdown)
		return false;
	if (*countdown) {
		(*countdown)--;
		return false;
	}
	*countdown = config.cross_check - 1;
	return true;
}

static __always_inline struct finding lookup_rule(enum direction direction, struct conversation *c)
{
	struct finding finding = {};

	if (config.lookup == LOOKUP_FLAT && !state.fallback)
		find_rule_flat(direction, c, &finding);
	else
		find_rule_maps(direction, c, &finding);
	return finding;
}

/* As lookup_rule, with the sampled cross-check. */
static __always_inline struct finding lookup_rule_checked(enum direction direction,
							  struct packet *packet)
{
	struct finding finding = lookup_rule(direction, &packet->c);

	if (config.cross_check && config.lookup == LOOKUP_FLAT && !state.fallback &&
	    (packet->checked || cross_check_is_due()))
		cross_check(direction, &packet->c, &finding);
	return finding;
}

#endif
