/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_link.h"

enum { MILLISECONDS_A_SECOND = 1000 };
enum { PROTOCOL_IGMP = 2 };
enum {
	ROUTER_SOLICITATION = 133,
	ROUTER_ADVERTISEMENT = 134,
	NEIGHBOUR_ADVERTISEMENT = 136,
};

/* ------------------------------------------------------------ 1.5 the link ----------------------
 */

static bool vlan_passes(const struct host_policy *policy, uint16_t id)
{
	return !policy->link.vlan_filter || (policy->link.vlans[id / 64] >> id % 64 & 1);
}

enum reason model_judge_frame(const struct host_policy *policy, enum reason parsed,
			      const void *frame, size_t length)
{
	uint16_t vlan = packet_vlan(frame, length);

	if (parsed == REASON_MALFORMED || parsed == REASON_FRAGMENT_TINY)
		return parsed;
	/* They belong to the link, not to a VLAN on it. */
	if (parsed == REASON_LINK_CONTROL && vlan == 0)
		return policy->link.link_control & packet_link_protocol(frame, length)
			       ? REASON_LINK_CONTROL
			       : REASON_ETHERTYPE;
	if (!vlan_passes(policy, vlan))
		return REASON_VLAN;
	if (parsed == REASON_LINK_CONTROL &&
	    !(policy->link.link_control & packet_link_protocol(frame, length)))
		return REASON_ETHERTYPE;
	return parsed;
}

/* ------------------------------------------------------------ 2.1, 2.3 --------------------------
 */

bool model_is_neighbour_discovery(const struct packet *packet)
{
	return packet->transport == TRANSPORT_ICMP && packet->source.family == 6 &&
	       packet->icmp_type >= ROUTER_SOLICITATION &&
	       packet->icmp_type <= NEIGHBOUR_ADVERTISEMENT;
}

/* ff02::/16 */
static bool is_link_multicast(const struct address *address)
{
	return address->bytes[0] == 0xff && address->bytes[1] == 0x02;
}

/* A first fragment of them is never in scope (RFC 6980). */
static bool is_in_neighbour_scope(const struct packet *packet)
{
	return packet->part == PART_WHOLE && packet->hop_limit == 255 &&
	       (!address_is_multicast(&packet->destination) ||
		is_link_multicast(&packet->destination));
}

/* The answer to duplicate address detection is from the very address that is tried (RFC
 * 4861 7.2.4).
 */
static bool is_duplicate_notice(const struct packet *packet)
{
	static const struct address all_nodes = {6, {0xff, 0x02, [15] = 1}};

	return packet->icmp_type == NEIGHBOUR_ADVERTISEMENT &&
	       address_compare(&packet->destination, &all_nodes) == 0;
}

enum reason model_judge_neighbour(const struct host_policy *policy, const struct packet *packet,
				  enum direction direction)
{
	bool arriving = direction == DIRECTION_IN;

	if (arriving && model_is_own_alone(policy, &packet->source) && !is_duplicate_notice(packet))
		return REASON_SPOOFED;
	if (!is_in_neighbour_scope(packet))
		return REASON_NEIGHBOUR_SCOPE;
	if (arriving && packet->icmp_type == ROUTER_ADVERTISEMENT && !policy->router_advertisements)
		return REASON_NEIGHBOUR_SCOPE;
	return REASON_NEIGHBOUR;
}

/* fe80::/10, or :: while an address is still being tried (RFC 3590). */
static bool is_mld_source(const struct address *source)
{
	static const struct address unspecified = {.family = 6};

	return (source->bytes[0] == 0xfe && source->bytes[1] >> 6 == 2) ||
	       address_compare(source, &unspecified) == 0;
}

static bool is_mld_type(uint8_t type)
{
	return (type >= 130 && type <= 132) || type == 143;
}

bool model_is_membership(const struct host_policy *policy, const struct packet *packet)
{
	if (!policy->multicast_membership || packet->part != PART_WHOLE || packet->hop_limit != 1 ||
	    !address_is_multicast(&packet->destination))
		return false;
	if (packet->source.family == 4)
		return packet->protocol == PROTOCOL_IGMP;
	return packet->transport == TRANSPORT_ICMP && is_mld_type(packet->icmp_type) &&
	       is_mld_source(&packet->source);
}

bool model_is_own_alone(const struct host_policy *policy, const struct address *address)
{
	return address_is_listed(&policy->own, address) &&
	       !address_is_listed(&policy->floating, address);
}

/* ------------------------------------------------------------ 2.7 pings -------------------------
 */

bool model_offers_echo(const struct host_policy *policy, const struct address *local)
{
	return policy->link.echo_per_second && address_is_unicast(local);
}

/* A bucket that empties with time: thousandths of a ping, of which burst thousands fit. */
static bool charge_echo(const struct link_settings *link, struct model_state *state, uint64_t now)
{
	uint64_t leaked = (now - state->echo_at) * link->echo_per_second;

	state->echo_at = now;
	state->echo_spent = state->echo_spent > leaked ? state->echo_spent - leaked : 0;
	if (state->echo_spent + MILLISECONDS_A_SECOND >
	    (uint64_t)link->echo_burst * MILLISECONDS_A_SECOND)
		return false;
	state->echo_spent += MILLISECONDS_A_SECOND;
	return true;
}

enum reason model_judge_echo(const struct host_policy *policy, struct model_state *state,
			     uint64_t now, const struct packet *packet, enum reason why)
{
	if (!model_offers_echo(policy, &packet->destination))
		return why;
	if (model_is_own_alone(policy, &packet->source))
		return REASON_SPOOFED;
	/* Audit charges no limits. */
	if (policy->mode[DIRECTION_IN] != MODE_ENFORCE)
		return REASON_ICMP_ECHO;
	return charge_echo(&policy->link, state, now) ? REASON_ICMP_ECHO : REASON_LIMITED;
}
