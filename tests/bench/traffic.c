/* SPDX-License-Identifier: BSD-2-Clause */
#include "traffic.h"

#include <netinet/in.h>
#include <string.h>

#include "frame.h"

/* Peers of own flows are members of every policy under test: a prefix for each out rule. */
#define FLOW_PREFIXES	BENCH_OUT_RULES

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_LAST	60999u
#define CLOSED_PORTS	10000u
/* A stream of random numbers of its own for the flows, so that who asks for their ports finds them.
 */
#define FLOW_STREAM 16u

static uint16_t ephemeral(struct random *random)
{
	return htons((uint16_t)random_between(random, EPHEMERAL_FIRST, EPHEMERAL_LAST));
}

static uint16_t port_of_rule(struct random *random, size_t rule)
{
	return htons((uint16_t)(BENCH_RULE_PORT_FIRST + rule * BENCH_RULE_PORTS +
				random_below(random, BENCH_RULE_PORTS)));
}

static uint16_t closed_port(struct random *random)
{
	return htons((uint16_t)(BENCH_CLOSED_PORT_FIRST + random_below(random, CLOSED_PORTS)));
}

static void set_remote(struct generator_packet *packet, const struct address *peer)
{
	memcpy(packet->remote, peer->bytes, sizeof(packet->remote));
}

static void fill_served(const struct population *population, struct random *random, uint8_t family,
			size_t prefixes, bool media, struct generator_packet *packet)
{
	struct address peer;
	size_t prefix, rule;

	do {
		peer = population_member(population, random, family, prefixes, &prefix);
		rule = prefix % BENCH_GROUPS;
	} while (media && bench_protocol_of_rule(rule) != IPPROTO_UDP);
	packet->protocol = bench_protocol_of_rule(rule);
	packet->tcp_flags = FRAME_TCP_ACK;
	packet->local_port = port_of_rule(random, rule);
	packet->remote_port = ephemeral(random);
	set_remote(packet, &peer);
}

static void fill_flow(const struct population *population, struct random *random, uint8_t family,
		      uint8_t tcp_flags, struct generator_packet *packet)
{
	size_t prefix;
	struct address peer = population_member(population, random, family, FLOW_PREFIXES, &prefix);

	packet->protocol = random_percent(random, 50) ? IPPROTO_TCP : IPPROTO_UDP;
	packet->tcp_flags = tcp_flags;
	packet->local_port = ephemeral(random);
	packet->remote_port = htons(BENCH_SERVICE_PORT);
	set_remote(packet, &peer);
}

static void fill_stranger(const struct population *population, struct random *random,
			  uint8_t family, bool closed, struct generator_packet *packet)
{
	struct address peer = population_stranger(population, random, family);
	size_t rule = random_below(random, BENCH_IN_RULES);

	packet->protocol = bench_protocol_of_rule(rule);
	packet->tcp_flags = FRAME_TCP_SYN;
	packet->local_port = closed ? closed_port(random) : port_of_rule(random, rule);
	packet->remote_port = ephemeral(random);
	set_remote(packet, &peer);
}

static void fill_tcp_flood(const struct population *population, struct random *random,
			   uint8_t family, uint8_t tcp_flags, uint16_t local_port,
			   struct generator_packet *packet)
{
	struct address peer = population_stranger(population, random, family);

	packet->protocol = IPPROTO_TCP;
	packet->tcp_flags = tcp_flags;
	packet->local_port = local_port;
	packet->remote_port = ephemeral(random);
	set_remote(packet, &peer);
}

bool traffic_is_same(const struct traffic *a, const struct traffic *b)
{
	return a->kind == b->kind && a->direction == b->direction && a->family == b->family &&
	       a->packets == b->packets && a->flows == b->flows;
}

bool traffic_passes(const struct traffic *traffic)
{
	switch (traffic->kind) {
	case TRAFFIC_SERVED:
	case TRAFFIC_MEDIA:
	case TRAFFIC_OPENING:
	case TRAFFIC_FLOW:
		return true;
	default:
		return false;
	}
}

enum reason traffic_reason(const struct traffic *traffic)
{
	switch (traffic->kind) {
	case TRAFFIC_SERVED:
	case TRAFFIC_MEDIA:
		return traffic->direction == DIRECTION_IN ? REASON_RULE : REASON_MIRROR;
	case TRAFFIC_OPENING:
		return REASON_RULE;
	case TRAFFIC_FLOW:
		return REASON_FLOW;
	case TRAFFIC_STRANGER:
		return REASON_UNKNOWN_PEER;
	case TRAFFIC_OWNED_ACK:
	case TRAFFIC_UNOWNED_ACK:
		return REASON_NO_FLOW;
	default:
		return REASON_CLOSED_PORT;
	}
}

/* The local ports of those own flows that are TCP's. */
struct owned {
	uint16_t ports[EPHEMERAL_LAST - EPHEMERAL_FIRST + 1]; /* network order, each once */
	uint32_t count;
};

static void find_owned(struct owned *owned, const struct traffic *traffic,
		       const struct population *population, struct random flows)
{
	uint8_t seen[(EPHEMERAL_LAST >> 3) + 1];

	memset(seen, 0, sizeof(seen));
	owned->count = 0;
	for (uint32_t i = 0; i < traffic->flows; i++) {
		struct generator_packet flow;
		uint16_t port;

		fill_flow(population, &flows, traffic->family, 0, &flow);
		port = ntohs(flow.local_port);
		if (flow.protocol != IPPROTO_TCP || seen[port >> 3] >> (port & 7) & 1)
			continue;
		seen[port >> 3] |= (uint8_t)(1u << (port & 7));
		owned->ports[owned->count++] = flow.local_port;
	}
}

static uint16_t random_of_owned(struct random *random, const struct owned *owned)
{
	return owned->ports[random_below(random, owned->count)];
}

void traffic_fill(const struct traffic *traffic, const struct population *population, uint64_t seed,
		  size_t prefixes, struct generator_packet *packets)
{
	const uint8_t family = traffic->family;
	struct random random = random_seeded(seed, family);
	struct random flows = random_seeded(seed, FLOW_STREAM + family);
	struct owned owned;

	find_owned(&owned, traffic, population, flows);
	memset(packets, 0, traffic->packets * sizeof(*packets));
	for (uint32_t i = 0; i < traffic->packets; i++) {
		struct generator_packet *packet = &packets[i];
		const bool syn =
			traffic->kind == TRAFFIC_OWNED_SYN || traffic->kind == TRAFFIC_UNOWNED_SYN;
		const uint8_t flags = syn ? FRAME_TCP_SYN : FRAME_TCP_ACK;

		switch (traffic->kind) {
		case TRAFFIC_SERVED:
		case TRAFFIC_MEDIA:
			fill_served(population, &random, family, prefixes,
				    traffic->kind == TRAFFIC_MEDIA, packet);
			break;
		case TRAFFIC_STRANGER:
		case TRAFFIC_CLOSED:
			fill_stranger(population, &random, family, traffic->kind == TRAFFIC_CLOSED,
				      packet);
			break;
		case TRAFFIC_OPENING:
			fill_flow(population, &flows, family, FRAME_TCP_SYN, packet);
			break;
		case TRAFFIC_FLOW:
			fill_flow(population, &flows, family, FRAME_TCP_ACK, packet);
			break;
		case TRAFFIC_OWNED_SYN:
		case TRAFFIC_OWNED_ACK:
			fill_tcp_flood(population, &random, family, flags,
				       random_of_owned(&random, &owned), packet);
			break;
		case TRAFFIC_UNOWNED_SYN:
		case TRAFFIC_UNOWNED_ACK:
			fill_tcp_flood(population, &random, family, flags, closed_port(&random),
				       packet);
			break;
		}
	}
}

void traffic_shuffle(struct generator_packet *packets, uint32_t count, uint64_t seed)
{
	struct random random = random_seeded(seed, count);

	for (uint32_t i = count; i > 1; i--) {
		uint32_t other = random_below(&random, i);
		struct generator_packet packet = packets[i - 1];

		packets[i - 1] = packets[other];
		packets[other] = packet;
	}
}
