/* SPDX-License-Identifier: BSD-2-Clause */
#include "traffic.h"

#include <netinet/in.h>
#include <string.h>

#include "frame.h"

/* Peers of own flows are members of every policy under test. */
#define FLOW_PREFIXES	50u

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_LAST	60999u

const struct traffic traffics[] = {
	{"in rule", TRAFFIC_SERVED, DIRECTION_IN, 1, REASON_RULE, true},
	{"in rule", TRAFFIC_SERVED, DIRECTION_IN, 1 << 10, REASON_RULE, true},
	{"in rule", TRAFFIC_SERVED, DIRECTION_IN, 1 << 16, REASON_RULE, false},
	{"reply of an own flow", TRAFFIC_FLOW, DIRECTION_IN, 1, REASON_FLOW, false},
	{"reply of an own flow", TRAFFIC_FLOW, DIRECTION_IN, 1 << 10, REASON_FLOW, true},
	{"reply of an own flow", TRAFFIC_FLOW, DIRECTION_IN, 1 << 14, REASON_FLOW, false},
	{"reply of an own flow", TRAFFIC_FLOW, DIRECTION_IN, 1 << 18, REASON_FLOW, false},
	{"unknown peer, SYN", TRAFFIC_STRANGER_SYN, DIRECTION_IN, 1 << 16, REASON_UNKNOWN_PEER,
	 true},
	{"unknown peer, UDP", TRAFFIC_STRANGER_UDP, DIRECTION_IN, 1 << 16, REASON_UNKNOWN_PEER,
	 true},
	{"closed port, SYN", TRAFFIC_CLOSED_SYN, DIRECTION_IN, 1 << 16, REASON_CLOSED_PORT, true},
	{"closed port, UDP", TRAFFIC_CLOSED_UDP, DIRECTION_IN, 1 << 16, REASON_CLOSED_PORT, false},
	{"leaves: answer to an in rule", TRAFFIC_SERVED, DIRECTION_OUT, 1, REASON_MIRROR, false},
	{"leaves: answer to an in rule", TRAFFIC_SERVED, DIRECTION_OUT, 1 << 10, REASON_MIRROR,
	 true},
	{"leaves: own flow", TRAFFIC_FLOW, DIRECTION_OUT, 1 << 10, REASON_FLOW, true},
};
const size_t traffic_count = sizeof(traffics) / sizeof(traffics[0]);

static uint16_t ephemeral(struct random *random)
{
	return htons((uint16_t)random_between(random, EPHEMERAL_FIRST, EPHEMERAL_LAST));
}

static void set_protocol(struct generator_packet *packet, uint8_t protocol, uint8_t tcp_flags)
{
	packet->protocol = protocol;
	packet->tcp_flags = tcp_flags;
}

static uint16_t port_of_rule(struct random *random, size_t rule)
{
	return htons((uint16_t)(BENCH_RULE_PORT_FIRST + rule * BENCH_RULE_PORTS +
				random_below(random, BENCH_RULE_PORTS)));
}

static uint8_t protocol_of_rule(size_t rule)
{
	return rule / BENCH_GROUPS % 2 ? IPPROTO_UDP : IPPROTO_TCP;
}

static struct address fill_served(const struct population *population, struct random *random,
				  uint8_t family, size_t prefixes, struct generator_packet *packet)
{
	size_t prefix, rule;
	struct address peer = population_member(population, random, family, prefixes, &prefix);

	rule = prefix % BENCH_GROUPS +
	       BENCH_GROUPS * random_below(random, BENCH_IN_RULES / BENCH_GROUPS);
	set_protocol(packet, protocol_of_rule(rule), FRAME_TCP_ACK);
	packet->local_port = port_of_rule(random, rule);
	packet->remote_port = ephemeral(random);
	return peer;
}

static struct address fill_flow(const struct population *population, struct random *random,
				uint8_t family, uint8_t tcp_flags, struct generator_packet *packet)
{
	size_t prefix;
	struct address peer = population_member(population, random, family, FLOW_PREFIXES, &prefix);

	set_protocol(packet, random_percent(random, 50) ? IPPROTO_TCP : IPPROTO_UDP, tcp_flags);
	packet->local_port = ephemeral(random);
	packet->remote_port = htons(BENCH_SERVICE_PORT);
	return peer;
}

static struct address fill_stranger(const struct population *population, struct random *random,
				    uint8_t family, uint8_t protocol, bool closed,
				    struct generator_packet *packet)
{
	/* Tens of rules take turns: TCP, UDP, TCP, UDP, TCP. */
	size_t ten = protocol == IPPROTO_UDP ? 1 + 2 * random_below(random, 2)
					     : 2 * random_below(random, 3);
	size_t rule = ten * BENCH_GROUPS + random_below(random, BENCH_GROUPS);

	set_protocol(packet, protocol, FRAME_TCP_SYN);
	packet->local_port =
		closed ? htons((uint16_t)(BENCH_CLOSED_PORT_FIRST + random_below(random, 10000)))
		       : port_of_rule(random, rule);
	packet->remote_port = ephemeral(random);
	return population_stranger(population, random, family);
}

void traffic_fill(const struct traffic *traffic, const struct population *population, uint64_t seed,
		  uint8_t family, size_t prefixes, struct generator_packet *packets)
{
	struct random random = random_seeded(seed, family);

	memset(packets, 0, traffic->packets * sizeof(*packets));
	for (uint32_t i = 0; i < traffic->packets; i++) {
		struct generator_packet *packet = &packets[i];
		struct address peer = {0};

		switch (traffic->kind) {
		case TRAFFIC_SERVED:
			peer = fill_served(population, &random, family, prefixes, packet);
			break;
		case TRAFFIC_FLOW:
			peer = fill_flow(population, &random, family, FRAME_TCP_ACK, packet);
			break;
		case TRAFFIC_OPENING:
			peer = fill_flow(population, &random, family, FRAME_TCP_SYN, packet);
			break;
		case TRAFFIC_STRANGER_SYN:
		case TRAFFIC_CLOSED_SYN:
			peer = fill_stranger(population, &random, family, IPPROTO_TCP,
					     traffic->kind == TRAFFIC_CLOSED_SYN, packet);
			break;
		case TRAFFIC_STRANGER_UDP:
		case TRAFFIC_CLOSED_UDP:
			peer = fill_stranger(population, &random, family, IPPROTO_UDP,
					     traffic->kind == TRAFFIC_CLOSED_UDP, packet);
			break;
		}
		memcpy(packet->remote, peer.bytes, sizeof(packet->remote));
	}
}
