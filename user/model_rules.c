/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_rules.h"

#include <string.h>

/* ------------------------------------------------------------ addresses -------------------------
 */

bool address_is_multicast(const struct address *address)
{
	if (address->family == 4)
		return address->bytes[0] >> 4 == 14;
	return address->bytes[0] == 0xff;
}

bool address_is_limited_broadcast(const struct address *address)
{
	static const uint8_t ones[4] = {255, 255, 255, 255};

	return address->family == 4 && memcmp(address->bytes, ones, sizeof(ones)) == 0;
}

bool address_is_unicast(const struct address *address)
{
	return !address_is_multicast(address) && !address_is_limited_broadcast(address);
}

bool address_is_ipv6_zero_but(const struct address *address, uint8_t last)
{
	static const uint8_t zeros[15];

	return address->family == 6 && memcmp(address->bytes, zeros, sizeof(zeros)) == 0 &&
	       address->bytes[15] == last;
}

bool address_is_ipv4_zero(const struct address *address)
{
	static const struct address zero = {.family = 4};

	return address_compare(address, &zero) == 0;
}

bool address_is_listed(const struct prefix_list *list, const struct address *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (prefix_contains(&list->items[i], address))
			return true;
	return false;
}

/* ------------------------------------------------------------ one match -------------------------
 */

typedef bool question(const struct match *match, enum direction direction,
		      const struct tuple *tuple);

static bool in_ports(const struct port_list *list, uint16_t port)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].first <= port && port <= list->items[i].last)
			return true;
	return false;
}

/* A management rule has no list: every unicast address, but no group. */
static bool is_at_local(const struct match *match, const struct address *local)
{
	return match->local ? address_is_listed(match->local, local) : address_is_unicast(local);
}

static bool has_service(const struct match *match, enum direction direction,
			const struct tuple *tuple)
{
	if (match->protocol != tuple->protocol)
		return false;
	if (direction == DIRECTION_IN)
		return in_ports(&match->local_ports, tuple->local_port);
	return in_ports(&match->remote_ports, tuple->remote_port);
}

static bool has_peer(const struct match *match, enum direction direction, const struct tuple *tuple)
{
	return address_is_listed(match->remote, &tuple->remote);
}

/* Protocol, local port and local address together. */
static bool has_near_end(const struct match *match, enum direction direction,
			 const struct tuple *tuple)
{
	return match->protocol == tuple->protocol &&
	       in_ports(&match->local_ports, tuple->local_port) &&
	       is_at_local(match, &tuple->local);
}

static bool has_both_ends(const struct match *match, enum direction direction,
			  const struct tuple *tuple)
{
	return has_near_end(match, direction, tuple) &&
	       in_ports(&match->remote_ports, tuple->remote_port) &&
	       has_peer(match, direction, tuple);
}

/* ------------------------------------------------------------ all rules -------------------------
 */

static const struct rule *first_with(const struct host_policy *policy, enum direction direction,
				     const struct tuple *tuple, question *asks)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->direction != direction)
			continue;
		for (size_t k = 0; k < rule->match_count; k++)
			if (asks(&rule->matches[k], direction, tuple))
				return rule;
	}
	return NULL;
}

static unsigned count_options(unsigned options)
{
	unsigned count = 0;

	for (unsigned bit = 1; bit <= RULE_OPTIONS_MASK; bit <<= 1)
		count += (options & bit) != 0;
	return count;
}

const struct rule *rules_first(const struct host_policy *policy, enum direction direction,
			       const struct tuple *tuple, unsigned *ret_options)
{
	const struct rule *first = NULL;
	unsigned options = 0;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		for (size_t k = 0; rule->direction == direction && k < rule->match_count; k++) {
			const struct match *match = &rule->matches[k];

			if (!has_both_ends(match, direction, tuple) ||
			    (first && count_options(match->options) >= count_options(options)))
				continue;
			first = rule;
			options = match->options;
		}
	}
	if (first && ret_options)
		*ret_options = options;
	return first;
}

bool rules_have_service(const struct host_policy *policy, enum direction direction,
			const struct tuple *tuple)
{
	return first_with(policy, direction, tuple, has_service) != NULL;
}

enum reason rules_why_none(const struct host_policy *policy, enum direction direction,
			   const struct tuple *tuple)
{
	if (!first_with(policy, direction, tuple, has_peer))
		return REASON_UNKNOWN_PEER;
	if (direction == DIRECTION_IN && !first_with(policy, direction, tuple, has_near_end))
		return REASON_WRONG_ADDRESS;
	return REASON_WRONG_PORT;
}
