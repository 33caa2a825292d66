/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model's view of what passes on a link besides rules: docs/packet-path.md, steps 1.5, 2.1, 2.4
 * and 2.7.
 */
#ifndef SALLYPORT_MODEL_LINK_H
#define SALLYPORT_MODEL_LINK_H

#include "host_policy.h"
#include "model_parse.h"
#include "model_state.h"

/* What becomes of a frame for which packet_parse() found this reason (1.5). */
enum reason model_judge_frame(const struct host_policy *policy, enum reason parsed,
			      const void *frame, size_t length);

/* ICMPv6 133-136, whole or a first fragment; and what becomes of it: 2.3, and leaving 3.4. */
bool model_is_neighbour_discovery(const struct packet *packet);
enum reason model_judge_neighbour(const struct host_policy *policy, const struct packet *packet,
				  enum direction direction);

/* IGMP and MLD on the link, where they pass. */
bool model_is_membership(const struct host_policy *policy, const struct packet *packet);

/* Whether an address is one that no peer can have: own, but not a floating one. */
bool model_is_own_alone(const struct host_policy *policy, const struct address *address);

/*
 * An echo request that no rule lets in, and why: REASON_ICMP_ECHO if the host's limit lets it in
 * all the same (and is charged for it), REASON_SPOOFED, REASON_LIMITED, or why. now: milliseconds.
 */
enum reason model_judge_echo(const struct host_policy *policy, struct model_state *state,
			     uint64_t now, const struct packet *packet, enum reason why);

/* Whether pings to this address of the host may be answered by host: {icmp-echo}. */
bool model_offers_echo(const struct host_policy *policy, const struct address *local);

#endif
