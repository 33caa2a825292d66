/* SPDX-License-Identifier: BSD-2-Clause */
#include "forbidden.h"

#include "model_parse.h"

/* The reasons of a packet that would open something, where no rule lets it. */
static bool has_no_rule(enum reason reason)
{
	return reason == REASON_CLOSED_PORT || reason == REASON_UNKNOWN_PEER ||
	       reason == REASON_WRONG_ADDRESS || reason == REASON_WRONG_PORT ||
	       reason == REASON_PROTOCOL || reason == REASON_ICMP_TYPE;
}

static uint16_t service_port(const struct packet *packet)
{
	if (packet->transport == TRANSPORT_ICMP)
		return packet->source.family == 4 ? ICMP4_ECHO_SERVICE : ICMP6_ECHO_SERVICE;
	return packet->destination_port;
}

static bool is_between(const struct match *match, enum direction direction,
		       const struct packet *packet)
{
	bool in = direction == DIRECTION_IN;

	return prefix_list_contains(match->local, in ? &packet->destination : &packet->source) &&
	       prefix_list_contains(match->remote, in ? &packet->source : &packet->destination);
}

static bool speaks_of(const struct forbid *forbid, const struct packet *packet)
{
	enum direction direction = forbid->rule.direction;

	for (size_t i = 0; i < forbid->rule.match_count; i++) {
		const struct match *match = &forbid->rule.matches[i];
		const struct port_list *services =
			direction == DIRECTION_IN ? &match->local_ports : &match->remote_ports;

		if (is_between(match, direction, packet) &&
		    (forbid->any_service || (match->protocol == packet->protocol &&
					     port_list_contains(services, service_port(packet)))))
			return true;
	}
	return false;
}

const struct rule *forbidden_by(const struct host_policy *policy, enum direction direction,
				const void *frame, size_t length, const struct judgement *judgement)
{
	struct packet packet;

	if (!policy->forbid_count || judgement->judged != VERDICT_DROP ||
	    !has_no_rule(judgement->reason) ||
	    packet_parse(frame, length, &packet) != REASON_NONE || packet.part == PART_LATER)
		return NULL;
	for (size_t i = 0; i < policy->forbid_count; i++) {
		const struct forbid *forbid = &policy->forbids[i];

		if (forbid->rule.direction == direction && speaks_of(forbid, &packet))
			return &forbid->rule;
	}
	return NULL;
}
