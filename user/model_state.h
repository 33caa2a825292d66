/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the model remembers between packets: flows, how many of them one rule and peer hold, and
 * first fragments. Memory only; what it means is in model.c. Rules are remembered by slot, as a
 * policy's rules go away when it is swapped; slot 0 is no rule.
 */
#ifndef SALLYPORT_MODEL_STATE_H
#define SALLYPORT_MODEL_STATE_H

#include "../include/abi.h"
#include "model_rules.h"

struct model_flow {
	struct tuple key; /* ICMP echo: local port is the identifier, remote port 0 */
	uint64_t last_seen;
	uint32_t generation;
	size_t slot;
	enum flow_state state;
	bool blocked;
};

struct datagram {
	struct address source;
	struct address destination;
	uint32_t identification;
	uint8_t protocol; /* 0 for IPv6 */
	enum direction direction;
};

struct model_fragment {
	struct datagram key;
	uint64_t seen;
	uint32_t header_end;
	size_t slot;
	enum verdict judged;
	enum reason reason;
};

/* Zeroed: empty. */
struct model_state {
	void *flows; /* trees of tsearch(3) */
	void *shares;
	void *fragments;
	size_t flow_count;
	size_t fragment_count;
	uint64_t echo_spent; /* of host: {icmp-echo}, at echo_at: thousandths of a ping */
	uint64_t echo_at;
};

void model_state_clear(struct model_state *state);

/* NULL: none. An entry is found whether it has expired or not. */
struct model_flow *model_state_flow(const struct model_state *state, const struct tuple *key);
/* There must be none of this key. The new entry has slot 0. */
struct model_flow *model_state_add_flow(struct model_state *state, const struct tuple *key);
/* Moves the flow from its slot's share to another's. */
void model_state_set_slot(struct model_state *state, struct model_flow *flow, size_t slot);
/* Flows, expired ones too, that a rule holds to a peer. */
size_t model_state_share(const struct model_state *state, size_t slot,
			 const struct address *remote);

struct model_fragment *model_state_fragment(const struct model_state *state,
					    const struct datagram *key);
struct model_fragment *model_state_add_fragment(struct model_state *state,
						const struct datagram *key);
void model_state_remove_fragment(struct model_state *state, const struct datagram *key);

#endif
