/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference verdict, to be read beside docs/packet-path.md: the sections here are the sections
 * there. Linear over rules, matches and prefixes on purpose: it is what the tables and the programs
 * are compared with, and shares nothing with them.
 *
 * A drop names no rule, unless an option of that rule drops the packet itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "model_errors.h"
#include "model_link.h"
#include "model_options.h"
#include "model_parse.h"
#include "model_rules.h"
#include "model_state.h"
#include "words.h"

enum {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO_REQUEST = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER_PROBLEM = 12,
	ICMP6_UNREACHABLE = 1,
	ICMP6_PARAMETER_PROBLEM = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_REDIRECT = 137,
};

enum { DHCP4_SERVER = 67, DHCP4_CLIENT = 68, DHCP6_CLIENT = 546, DHCP6_SERVER = 547 };

/*
 * A slot stands for a rule id for as long as the model lives, whatever policy is in force; only the
 * ids of out rules and in rules are kept apart.
 */
struct slot {
	const char *id;
	enum direction direction;
	const struct rule *rule; /* of the policy in force; NULL: it has none of this id */
};

struct model {
	struct judge judge; /* first: a judge is its model */
	const struct host_policy *policy;
	uint32_t generation;
	struct arena *arena;	 /* owns the slots */
	LIST(struct slot) slots; /* slots.items[0] is no rule */
	size_t *slot_of_rule;	 /* by index of the rule in the policy */
	struct model_state state;
	struct model_limits limits;
	struct model_errors errors;
	size_t flows_max; /* of the first policy: a swap keeps the tables */
	size_t fragments_max;
	uint64_t now; /* milliseconds */
};

/* ------------------------------------------------------------ judgements ------------------------
 */

static struct judgement pass(enum reason reason, const struct rule *rule)
{
	return (struct judgement){.judged = VERDICT_PASS, .reason = reason, .rule = rule};
}

static struct judgement drop(enum reason reason)
{
	return (struct judgement){.judged = VERDICT_DROP, .reason = reason};
}

/* What no rule has a part in. */
static struct judgement by_reason(enum reason reason)
{
	return reason_verdict(reason) == VERDICT_PASS ? pass(reason, NULL) : drop(reason);
}

static struct judgement drop_by(enum reason reason, const struct rule *rule)
{
	return (struct judgement){.judged = VERDICT_DROP, .reason = reason, .rule = rule};
}

/* ------------------------------------------------------------ packets as tuples -----------------
 */

/* Code 0 too: include/abi.h counts the code to the service, RFC 792 and RFC 4443 know no other. */
static bool is_echo(const struct packet *packet, uint8_t icmp4_type, uint8_t icmp6_type)
{
	uint8_t type = packet->source.family == 4 ? icmp4_type : icmp6_type;

	return packet->transport == TRANSPORT_ICMP && packet->icmp_type == type &&
	       packet->icmp_code == 0;
}

static bool is_echo_request(const struct packet *packet)
{
	return is_echo(packet, ICMP4_ECHO_REQUEST, ICMP6_ECHO_REQUEST);
}

static bool is_echo_reply(const struct packet *packet)
{
	return is_echo(packet, ICMP4_ECHO_REPLY, ICMP6_ECHO_REPLY);
}

static bool is_icmp_but_echo(const struct packet *packet)
{
	return packet->transport == TRANSPORT_ICMP && !is_echo_request(packet) &&
	       !is_echo_reply(packet);
}

static uint16_t echo_service(uint8_t family)
{
	return family == 4 ? ICMP4_ECHO_SERVICE : ICMP6_ECHO_SERVICE;
}

static bool has_flags(const struct packet *packet, uint8_t set, uint8_t clear)
{
	return packet->transport == TRANSPORT_TCP && (packet->tcp_flags & set) == set &&
	       (packet->tcp_flags & clear) == 0;
}

static bool is_syn_without_ack(const struct packet *packet)
{
	return has_flags(packet, TCP_SYN, TCP_ACK);
}

static bool is_opener(const struct packet *packet)
{
	return has_flags(packet, TCP_SYN, TCP_ACK | TCP_RST | TCP_FIN);
}

/* Both ends, as this host sees a packet of that direction; what has no ports has ports 0. */
static struct tuple tuple_of(const struct packet *packet, enum direction direction)
{
	struct tuple tuple = {.protocol = packet->protocol};

	if (direction == DIRECTION_IN) {
		tuple.local = packet->destination;
		tuple.remote = packet->source;
		tuple.local_port = packet->destination_port;
		tuple.remote_port = packet->source_port;
	} else {
		tuple.local = packet->source;
		tuple.remote = packet->destination;
		tuple.local_port = packet->source_port;
		tuple.remote_port = packet->destination_port;
	}
	return tuple;
}

/* The tuple of in rules: both echo messages stand for the echo service at this host. */
static struct tuple in_tuple(const struct packet *packet, enum direction direction)
{
	struct tuple tuple = tuple_of(packet, direction);

	if (packet->transport == TRANSPORT_ICMP)
		tuple.local_port = echo_service(packet->source.family);
	return tuple;
}

/* The tuple of flows: both echo messages are known by their identifier. */
static struct tuple flow_tuple(const struct packet *packet, enum direction direction)
{
	struct tuple tuple = tuple_of(packet, direction);

	if (packet->transport == TRANSPORT_ICMP)
		tuple.local_port = packet->icmp_identifier;
	return tuple;
}

/* The tuple of out rules, from a flow's: what its opener asked for. */
static struct tuple opener_tuple(const struct tuple *flow)
{
	struct tuple tuple = *flow;
	uint8_t family = flow->remote.family;

	if (flow->protocol == (family == 4 ? 1 : 58)) {
		tuple.local_port = 0;
		tuple.remote_port = echo_service(family);
	}
	return tuple;
}

/* 2.7, second bullet: the reason for a service that is in no rule. */
static enum reason why_no_service(const struct packet *packet)
{
	switch (packet->transport) {
	case TRANSPORT_ICMP:
		return REASON_ICMP_TYPE;
	case TRANSPORT_OTHER:
		return REASON_PROTOCOL;
	case TRANSPORT_TCP:
		return is_syn_without_ack(packet) ? REASON_CLOSED_PORT : REASON_NO_FLOW;
	default:
		return REASON_CLOSED_PORT;
	}
}

/* ------------------------------------------------------------ 6. flows and clocks ---------------
 */

static const struct rule *rule_of_slot(const struct model *model, size_t slot)
{
	return model->slots.items[slot].rule;
}

static size_t slot_of(const struct model *model, const struct rule *rule)
{
	return rule ? model->slot_of_rule[rule - model->policy->rules] : 0;
}

/* The entry of a key that has not expired, or NULL. */
static struct model_flow *live_flow(const struct model *model, const struct tuple *key)
{
	struct model_flow *flow = model_state_flow(&model->state, key);

	if (flow && model->now - flow->last_seen > model->policy->timeout_ms[flow->state])
		return NULL;
	return flow;
}

/* What the policy in force says to a flow: 2.8. Nothing is written. */
struct flow_opinion {
	bool blocked;
	const struct rule *rule;
};

static struct flow_opinion opinion(const struct model *model, const struct model_flow *flow)
{
	struct tuple tuple = opener_tuple(&flow->key);
	struct flow_opinion result;

	if (flow->generation == model->generation) {
		result.blocked = flow->blocked;
		result.rule = rule_of_slot(model, flow->slot);
		return result;
	}
	result.rule = rules_first(model->policy, DIRECTION_OUT, &tuple, NULL);
	result.blocked = !result.rule && model->policy->mode[DIRECTION_OUT] == MODE_ENFORCE;
	return result;
}

/* ------------------------------------------------------------ 5. ICMP errors --------------------
 */

static bool is_icmp_error(const struct packet *packet)
{
	if (packet->transport != TRANSPORT_ICMP)
		return false;
	if (packet->source.family == 4)
		return packet->icmp_type == ICMP4_UNREACHABLE ||
		       packet->icmp_type == ICMP4_TIME_EXCEEDED ||
		       packet->icmp_type == ICMP4_PARAMETER_PROBLEM;
	return packet->icmp_type >= ICMP6_UNREACHABLE &&
	       packet->icmp_type <= ICMP6_PARAMETER_PROBLEM;
}

/*
 * Which allowed conversation a quoted packet belongs to. direction: of the quoted packet, the
 * opposite of the error's. The mirror is of what this host answers, so of the two echo messages the
 * one that the in rule's conversation has in that direction; the flow has the other one.
 */
static enum conversation_kind quoted_conversation(const struct model *model,
						  const struct packet *quoted,
						  enum direction direction,
						  const struct rule **ret_rule)
{
	bool leaving = direction == DIRECTION_OUT;
	bool of_in_rule = leaving ? is_echo_reply(quoted) : is_echo_request(quoted);
	bool of_flow = leaving ? is_echo_request(quoted) : is_echo_reply(quoted);
	struct tuple tuple = in_tuple(quoted, direction);
	struct flow_opinion of_policy;
	const struct model_flow *flow;
	const struct rule *rule;

	if (quoted->transport != TRANSPORT_ICMP || of_in_rule) {
		rule = rules_first(model->policy, DIRECTION_IN, &tuple, NULL);
		if (rule) {
			*ret_rule = rule;
			return OF_IN_RULE;
		}
	}
	if (of_in_rule && model_offers_echo(model->policy, &tuple.local)) {
		*ret_rule = NULL;
		return OF_IN_RULE;
	}
	if (quoted->transport == TRANSPORT_ICMP && !of_flow)
		return NOT_ALLOWED;
	tuple = flow_tuple(quoted, direction);
	flow = live_flow(model, &tuple);
	if (!flow)
		return NOT_ALLOWED;
	of_policy = opinion(model, flow);
	if (of_policy.blocked)
		return NOT_ALLOWED;
	*ret_rule = of_policy.rule;
	return OF_FLOW;
}

/* True, and charged, if one more such error may be let in. */
static bool charge_icmp_error(struct model *model, const struct packet *error,
			      const struct packet *quoted, enum conversation_kind kind)
{
	struct tuple flow = flow_tuple(quoted, DIRECTION_OUT);
	size_t bucket = kind == OF_FLOW ? model_errors_of_flow(&flow)
					: model_errors_of_teller(&error->source, &flow.remote);

	/* Audit charges no limits. */
	if (model->policy->mode[DIRECTION_IN] != MODE_ENFORCE)
		return true;
	return model_errors_charge(&model->errors, bucket, model->policy->icmp_errors_per_second,
				   model->now);
}

static struct judgement judge_icmp_error(struct model *model, const struct packet *packet,
					 enum direction direction)
{
	bool arriving = direction == DIRECTION_IN;
	const struct address *here, *quoted_here;
	enum conversation_kind kind;
	const struct rule *rule;
	struct packet quoted;

	if (packet->part != PART_WHOLE)
		return drop(REASON_ICMP_UNRELATED);
	if (!packet_parse_quoted(packet->source.family, packet->icmp_quote,
				 packet->icmp_quote_length, &quoted))
		return drop(REASON_ICMP_UNRELATED);
	here = arriving ? &packet->destination : &packet->source;
	quoted_here = arriving ? &quoted.source : &quoted.destination;
	if (address_compare(here, quoted_here) != 0)
		return drop(REASON_ICMP_UNRELATED);
	kind = quoted_conversation(model, &quoted, arriving ? DIRECTION_OUT : DIRECTION_IN, &rule);
	if (kind == NOT_ALLOWED)
		return drop(REASON_ICMP_UNRELATED);
	if (arriving && !charge_icmp_error(model, packet, &quoted, kind))
		return drop(REASON_ICMP_LIMITED);
	return pass(REASON_ICMP_ERROR, rule);
}

/* ------------------------------------------------------------ 4. fragments ----------------------
 */

static struct datagram datagram_of(const struct packet *packet, enum direction direction)
{
	return (struct datagram){
		.source = packet->source,
		.destination = packet->destination,
		.identification = packet->identification,
		.protocol = packet->source.family == 4 ? packet->protocol : 0,
		.direction = direction,
	};
}

static struct judgement judge_later_fragment(const struct model *model, const struct packet *packet,
					     enum direction direction)
{
	struct datagram key = datagram_of(packet, direction);
	const struct model_fragment *first = model_state_fragment(&model->state, &key);

	if (!first || model->now - first->seen > model->policy->fragment_timeout_ms)
		return drop(REASON_FRAGMENT_EARLY);
	if (packet->offset < first->header_end)
		return drop(REASON_FRAGMENT_OVERLAP);
	if (first->judged == VERDICT_DROP)
		return drop(first->reason);
	return pass(REASON_FRAGMENT, rule_of_slot(model, first->slot));
}

/* Remembers what was judged of a first fragment, or forgets its key if it does not get through. */
static struct judgement note_first_fragment(struct model *model, const struct packet *packet,
					    enum direction direction, struct judgement judgement)
{
	struct datagram key = datagram_of(packet, direction);
	struct model_fragment *first = model_state_fragment(&model->state, &key);

	if (judgement.judged == VERDICT_DROP && model->policy->mode[direction] == MODE_ENFORCE) {
		model_state_remove_fragment(&model->state, &key);
		return judgement;
	}
	if (!first) {
		if (model->state.fragment_count >= model->fragments_max)
			return judgement.judged == VERDICT_PASS ? drop(REASON_FRAGMENT_TABLE_FULL)
								: judgement;
		first = model_state_add_fragment(&model->state, &key);
	}
	first->seen = model->now;
	first->header_end = packet->header_end;
	first->slot = slot_of(model, judgement.rule);
	first->judged = judgement.judged;
	first->reason = judgement.reason;
	return judgement;
}

/* ------------------------------------------------------------ both directions -------------------
 */

static bool is_own(const struct host_policy *policy, const struct address *address)
{
	return address_is_listed(&policy->own, address) ||
	       address_is_listed(&policy->floating, address);
}

static bool is_icmpv6_between(const struct packet *packet, uint8_t first, uint8_t last)
{
	return packet->transport == TRANSPORT_ICMP && packet->source.family == 6 &&
	       packet->icmp_type >= first && packet->icmp_type <= last;
}

static bool is_redirect(const struct packet *packet)
{
	if (packet->source.family == 6)
		return is_icmpv6_between(packet, ICMP6_REDIRECT, ICMP6_REDIRECT);
	return packet->transport == TRANSPORT_ICMP && packet->icmp_type == ICMP4_REDIRECT;
}

static bool is_udp_from_to(const struct packet *packet, uint8_t family, uint16_t source_port,
			   uint16_t destination_port)
{
	return packet->transport == TRANSPORT_UDP && packet->source.family == family &&
	       packet->source_port == source_port && packet->destination_port == destination_port;
}

/* ------------------------------------------------------------ 2. ingress ------------------------
 */

/* 2.1 */
static bool source_cannot_be_a_peer(const struct host_policy *policy, const struct packet *packet)
{
	const struct address *source = &packet->source;

	if (address_is_multicast(source) || address_is_limited_broadcast(source))
		return true;
	if (source->family == 4)
		return (source->bytes[0] == 0 &&
			!(address_is_ipv4_zero(source) && model_is_membership(policy, packet))) ||
		       source->bytes[0] == 127;
	if (address_is_ipv6_zero_but(source, 1))
		return true;
	return address_is_ipv6_zero_but(source, 0) &&
	       !(packet->part == PART_WHOLE && model_is_neighbour_discovery(packet)) &&
	       !model_is_membership(policy, packet);
}

/* 2.8 and 2.9. otherwise: the reason kept from 2.7. */
static struct judgement judge_by_flow(const struct model *model, const struct packet *packet,
				      enum reason otherwise)
{
	struct tuple key = flow_tuple(packet, DIRECTION_IN);
	struct flow_opinion of_policy;
	const struct model_flow *flow;

	if (is_syn_without_ack(packet) || is_echo_request(packet))
		return drop(otherwise);
	flow = live_flow(model, &key);
	if (!flow)
		return drop(otherwise);
	of_policy = opinion(model, flow);
	if (of_policy.blocked)
		return drop(REASON_FLOW_BLOCKED);
	return pass(REASON_FLOW, of_policy.rule);
}

/* 8 */
static struct judgement judge_by_options(struct model *model, const struct packet *packet,
					 const struct rule *rule, unsigned options)
{
	bool opens = is_syn_without_ack(packet);
	bool tcp = packet->transport == TRANSPORT_TCP;
	bool udp = packet->transport == TRANSPORT_UDP;

	if (options & RULE_LIVE && (opens || udp) && model->judge.bound == BOUND_NO)
		return drop_by(REASON_NOT_BOUND, rule);
	if (options & RULE_SHAPE_RTP && udp && model->judge.has_payload &&
	    !shape_is_media(packet->payload, packet->payload_length))
		return drop_by(REASON_SHAPE, rule);
	if (options & RULE_LIMIT && (opens || !tcp) &&
	    model->policy->mode[DIRECTION_IN] == MODE_ENFORCE &&
	    !model_limits_charge(&model->limits, model->policy->sources, slot_of(model, rule),
				 &rule->limit, &packet->source, model->now))
		return drop_by(REASON_LIMITED, rule);
	return pass(REASON_RULE, rule);
}

/* 2.7 and 2.8 */
static struct judgement judge_by_in_rules(struct model *model, const struct packet *packet)
{
	const struct host_policy *policy = model->policy;
	struct tuple tuple = in_tuple(packet, DIRECTION_IN);
	struct judgement judgement, of_flow;
	const struct rule *rule;
	unsigned options;

	if (is_icmp_but_echo(packet))
		return drop(REASON_ICMP_TYPE);
	if (has_flags(packet, TCP_SYN | TCP_ACK, 0) || is_echo_reply(packet))
		return judge_by_flow(model, packet, REASON_NO_FLOW);
	if (!rules_have_service(policy, DIRECTION_IN, &tuple))
		return judge_by_flow(model, packet, why_no_service(packet));
	if (model_is_own_alone(policy, &packet->source))
		return drop(REASON_SPOOFED);
	rule = rules_first(policy, DIRECTION_IN, &tuple, &options);
	if (rule) {
		judgement = judge_by_options(model, packet, rule, options);
		if (judgement.judged == VERDICT_PASS)
			return judgement;
		of_flow = judge_by_flow(model, packet, REASON_NO_FLOW);
		return of_flow.reason == REASON_NO_FLOW ? judgement : of_flow;
	}
	return judge_by_flow(model, packet, rules_why_none(policy, DIRECTION_IN, &tuple));
}

static struct judgement judge_echo_request(struct model *model, const struct packet *packet)
{
	struct judgement judgement = judge_by_in_rules(model, packet);
	enum reason reason;

	/* What a rule matched is the end, also where its options drop. */
	if (judgement.judged == VERDICT_PASS || judgement.rule ||
	    judgement.reason == REASON_SPOOFED)
		return judgement;
	reason = model_judge_echo(model->policy, &model->state, model->now, packet,
				  judgement.reason);
	return by_reason(reason);
}

/* What needs no rule, unless it pretends to be from here. */
static struct judgement own_or_pass(const struct host_policy *policy, const struct packet *packet,
				    enum reason reason)
{
	return model_is_own_alone(policy, &packet->source) ? drop(REASON_SPOOFED)
							   : pass(reason, NULL);
}

/* 2.2 to 2.9 */
static struct judgement judge_arriving(struct model *model, const struct packet *packet)
{
	const struct host_policy *policy = model->policy;

	if (packet->part == PART_LATER) /* 2 */
		return judge_later_fragment(model, packet, DIRECTION_IN);
	if (model_is_neighbour_discovery(packet)) /* 3 */
		return by_reason(model_judge_neighbour(policy, packet, DIRECTION_IN));
	if (is_redirect(packet))
		return drop(REASON_ICMP_REDIRECT);
	if (policy->dhcp && (is_udp_from_to(packet, 4, DHCP4_SERVER, DHCP4_CLIENT) ||
			     is_udp_from_to(packet, 6, DHCP6_SERVER, DHCP6_CLIENT))) /* 4 */
		return own_or_pass(policy, packet, REASON_DHCP);
	if (model_is_membership(policy, packet))
		return own_or_pass(policy, packet, REASON_MEMBERSHIP);
	if (policy->forwarding == FORWARDING_PASS && address_is_unicast(&packet->destination) &&
	    !is_own(policy, &packet->destination)) /* 5 */
		return pass(REASON_FORWARDED, NULL);
	if (is_icmp_error(packet)) /* 6 */
		return model_is_own_alone(policy, &packet->source)
			       ? drop(REASON_SPOOFED)
			       : judge_icmp_error(model, packet, DIRECTION_IN);
	if (is_echo_request(packet))
		return judge_echo_request(model, packet);
	return judge_by_in_rules(model, packet); /* 7, 8, 9 */
}

/* ------------------------------------------------------------ 3. egress -------------------------
 */

static enum flow_state advanced(const struct model_flow *flow, const struct packet *packet)
{
	if (packet->transport == TRANSPORT_TCP) {
		if (packet->tcp_flags & (TCP_FIN | TCP_RST))
			return FLOW_CLOSING;
		if (flow->state == FLOW_SYN && (packet->tcp_flags & TCP_ACK))
			return FLOW_TCP;
	}
	return flow->state == FLOW_UDP_NEW ? FLOW_UDP : flow->state;
}

/* 3.7, for a flow that was found. */
static struct judgement continue_flow(struct model *model, struct model_flow *flow,
				      const struct packet *packet)
{
	struct flow_opinion of_policy = opinion(model, flow);

	if (flow->generation != model->generation) {
		model_state_set_slot(&model->state, flow, slot_of(model, of_policy.rule));
		flow->generation = model->generation;
		flow->blocked = of_policy.blocked;
	}
	flow->last_seen = model->now;
	flow->state = advanced(flow, packet);
	return of_policy.blocked ? drop(REASON_FLOW_BLOCKED) : pass(REASON_FLOW, of_policy.rule);
}

static enum flow_state first_state(const struct packet *packet)
{
	switch (packet->transport) {
	case TRANSPORT_TCP:
		return FLOW_SYN;
	case TRANSPORT_UDP:
		return FLOW_UDP_NEW;
	case TRANSPORT_ICMP:
		return FLOW_ICMP;
	default:
		return FLOW_UDP;
	}
}

/* 3.9. rule may be NULL. REASON_NONE, or why the flow can't be kept. */
static enum reason open_flow(struct model *model, const struct packet *packet,
			     const struct rule *rule)
{
	struct tuple key = flow_tuple(packet, DIRECTION_OUT);
	struct model_flow *flow = model_state_flow(&model->state, &key);
	uint32_t share = model->policy->flow_share;
	size_t slot = slot_of(model, rule);

	if (!flow) {
		if (rule && share && model_state_share(&model->state, slot, &key.remote) >= share)
			return REASON_FLOW_PEER_FULL;
		if (model->state.flow_count >= model->flows_max)
			return REASON_FLOW_TABLE_FULL;
		flow = model_state_add_flow(&model->state, &key);
	}
	model_state_set_slot(&model->state, flow, slot);
	flow->last_seen = model->now;
	flow->generation = model->generation;
	flow->state = first_state(packet);
	flow->blocked = false;
	return REASON_NONE;
}

/* 3.8: REASON_NONE with the rule, or why there is none. */
static enum reason find_out_rule(const struct host_policy *policy, const struct packet *packet,
				 const struct rule **ret_rule)
{
	struct tuple flow = flow_tuple(packet, DIRECTION_OUT);
	struct tuple tuple = opener_tuple(&flow);
	const struct rule *rule;

	if (!rules_have_service(policy, DIRECTION_OUT, &tuple))
		return why_no_service(packet);
	rule = rules_first(policy, DIRECTION_OUT, &tuple, NULL);
	if (!rule)
		return rules_why_none(policy, DIRECTION_OUT, &tuple);
	*ret_rule = rule;
	return REASON_NONE;
}

/* 3.8 and 3.9 */
static struct judgement judge_by_out_rules(struct model *model, const struct packet *packet)
{
	const struct rule *rule = NULL;
	enum reason refused;
	enum reason not_kept;

	if (packet->transport == TRANSPORT_TCP && !is_opener(packet))
		return drop(REASON_NO_FLOW);
	if (is_echo_reply(packet))
		return drop(REASON_NO_FLOW);
	if (is_icmp_but_echo(packet))
		return drop(REASON_ICMP_TYPE);
	refused = find_out_rule(model->policy, packet, &rule);
	if (model->policy->mode[DIRECTION_OUT] != MODE_ENFORCE) {
		open_flow(model, packet, rule);
		return rule ? pass(REASON_RULE, rule) : drop(refused);
	}
	if (!rule)
		return drop(refused);
	not_kept = open_flow(model, packet, rule);
	return not_kept == REASON_NONE ? pass(REASON_RULE, rule) : drop(not_kept);
}

/* 3.6, where the in rule has options: a flow for the answer, if an out rule lets this host open it.
 */
static void keep_flow_of_mirrored(struct model *model, const struct packet *packet)
{
	struct tuple tuple = flow_tuple(packet, DIRECTION_OUT);
	struct model_flow *flow = live_flow(model, &tuple);
	const struct rule *rule = NULL;

	if (flow)
		continue_flow(model, flow, packet);
	else if (find_out_rule(model->policy, packet, &rule) == REASON_NONE)
		open_flow(model, packet, rule);
}

/* 3.6 to 3.9 */
static struct judgement judge_own(struct model *model, const struct packet *packet)
{
	struct tuple tuple = in_tuple(packet, DIRECTION_OUT);
	const struct rule *rule = NULL;
	struct model_flow *flow;
	unsigned options = 0;

	if (!is_syn_without_ack(packet) && !is_echo_request(packet) && !is_icmp_but_echo(packet))
		rule = rules_first(model->policy, DIRECTION_IN, &tuple, &options);
	if (rule && options && packet->transport != TRANSPORT_TCP &&
	    packet->transport != TRANSPORT_ICMP)
		keep_flow_of_mirrored(model, packet);
	if (rule)
		return pass(REASON_MIRROR, rule);
	if (!is_opener(packet) && !is_echo_reply(packet) && !is_icmp_but_echo(packet)) {
		tuple = flow_tuple(packet, DIRECTION_OUT);
		flow = live_flow(model, &tuple);
		if (flow)
			return continue_flow(model, flow, packet);
	}
	if (is_echo_reply(packet) && model_offers_echo(model->policy, &packet->source))
		return pass(REASON_ICMP_ECHO, NULL);
	return judge_by_out_rules(model, packet);
}

/*
 * 3.2 has no place here: what a judge is given is this host's own.
 */
static struct judgement judge_leaving(struct model *model, const struct packet *packet)
{
	const struct host_policy *policy = model->policy;

	if (packet->part == PART_LATER) /* 3 */
		return judge_later_fragment(model, packet, DIRECTION_OUT);
	if (model_is_neighbour_discovery(packet)) /* 4 */
		return by_reason(model_judge_neighbour(policy, packet, DIRECTION_OUT));
	if (is_redirect(packet))
		return drop(REASON_ICMP_REDIRECT);
	if (policy->dhcp && (is_udp_from_to(packet, 4, DHCP4_CLIENT, DHCP4_SERVER) ||
			     is_udp_from_to(packet, 6, DHCP6_CLIENT, DHCP6_SERVER)))
		return pass(REASON_DHCP, NULL);
	if (model_is_membership(policy, packet))
		return pass(REASON_MEMBERSHIP, NULL);
	if (is_icmp_error(packet)) /* 5 */
		return judge_icmp_error(model, packet, DIRECTION_OUT);
	return judge_own(model, packet); /* 6, 7, 8, 9 */
}

/* ------------------------------------------------------------ the judge -------------------------
 */

/* 3.5, and the same at ingress: what is off drops nothing, whatever the step. */
static struct judgement unless_off(const struct model *model, enum direction direction,
				   struct judgement judgement)
{
	if (model->policy->mode[direction] == MODE_OFF && judgement.judged == VERDICT_DROP)
		return pass(REASON_NOT_JUDGED, NULL);
	return judgement;
}

static struct judgement judge_packet(struct model *model, enum direction direction,
				     const struct packet *packet)
{
	struct judgement judgement;

	/* 2.1 comes before fragments: what pretends to be from here takes no room in their table.
	 */
	if (direction == DIRECTION_IN && source_cannot_be_a_peer(model->policy, packet))
		return drop(REASON_SPOOFED);
	judgement = direction == DIRECTION_IN ? judge_arriving(model, packet)
					      : judge_leaving(model, packet);
	if (packet->part == PART_FIRST)
		return note_first_fragment(model, packet, direction, judgement);
	return judgement;
}

static struct judgement judge_frame(struct model *model, enum direction direction,
				    const void *frame, size_t length)
{
	struct judgement judgement;
	struct packet packet;
	enum reason reason = packet_parse(frame, length, &packet);

	reason = model_judge_frame(model->policy, reason, frame, length);
	if (reason == REASON_NONE)
		judgement = judge_packet(model, direction, &packet);
	else
		judgement = by_reason(reason);
	return unless_off(model, direction, judgement);
}

static int model_judge(struct judge *judge, enum direction direction, const void *frame,
		       size_t length, uint64_t at_ms, struct judgement *ret_judgement)
{
	struct model *model = (struct model *)judge;
	struct judgement judgement;

	if (at_ms < model->now)
		return -EINVAL;
	model->now = at_ms;
	judgement = judge_frame(model, direction, frame, length);
	judgement.verdict = judgement.judged;
	if (model->policy->mode[direction] == MODE_AUDIT)
		judgement.verdict = VERDICT_PASS;
	*ret_judgement = judgement;
	return 0;
}

static int model_reset(struct judge *judge)
{
	struct model *model = (struct model *)judge;

	model_state_clear(&model->state);
	model_limits_clear(&model->limits);
	model->errors = (struct model_errors){0};
	model->now = 0;
	return 0;
}

static void model_free(struct judge *judge)
{
	struct model *model = (struct model *)judge;

	model_state_clear(&model->state);
	model_limits_clear(&model->limits);
	arena_free(model->arena);
	free(model->slot_of_rule);
	free(model);
}

static size_t slot_for(struct model *model, const struct rule *rule)
{
	struct slot *slot;

	for (size_t i = 1; i < model->slots.count; i++) {
		slot = &model->slots.items[i];
		if (slot->direction == rule->direction && strcmp(slot->id, rule->id) == 0)
			return i;
	}
	slot = arena_push(model->arena, &model->slots);
	slot->id = arena_strdup(model->arena, rule->id);
	slot->direction = rule->direction;
	return model->slots.count - 1;
}

int model_swap_policy(struct judge *judge, const struct host_policy *policy)
{
	struct model *model = (struct model *)judge;
	size_t *slot_of_rule = calloc(policy->rule_count + 1, sizeof(*slot_of_rule));

	if (!slot_of_rule)
		return -ENOMEM;
	for (size_t i = 0; i < model->slots.count; i++)
		model->slots.items[i].rule = NULL;
	for (size_t i = 0; i < policy->rule_count; i++) {
		slot_of_rule[i] = slot_for(model, &policy->rules[i]);
		model->slots.items[slot_of_rule[i]].rule = &policy->rules[i];
	}
	free(model->slot_of_rule);
	model->slot_of_rule = slot_of_rule;
	model->policy = policy;
	model->generation++;
	/* A generation counts its own limits. */
	model_limits_clear(&model->limits);
	model->errors = (struct model_errors){0};
	model->state.echo_spent = 0;
	return 0;
}

static int model_swap(struct judge *judge, const struct host_policy *policy,
		      struct failure *failure)
{
	int error = model_swap_policy(judge, policy);

	return error ? fail(failure, -error, "out of memory") : 0;
}

int model_new(const struct host_policy *policy, struct judge **ret_judge)
{
	struct model *model = calloc(1, sizeof(*model));
	int error;

	if (!model)
		return -ENOMEM;
	model->judge = (struct judge){.bound = BOUND_YES,
				      .otherwise_bound = BOUND_YES,
				      .judge = model_judge,
				      .swap = model_swap,
				      .reset = model_reset,
				      .free = model_free};
	model->flows_max = policy->flows;
	model->fragments_max = policy->fragments;
	model->arena = arena_new();
	arena_push(model->arena, &model->slots);
	error = model_swap_policy(&model->judge, policy);
	if (error) {
		model_free(&model->judge);
		return error;
	}
	*ret_judge = &model->judge;
	return 0;
}
