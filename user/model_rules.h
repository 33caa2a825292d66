/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's questions to the rules of a host policy: every one a linear search. */
#ifndef SALLYPORT_MODEL_RULES_H
#define SALLYPORT_MODEL_RULES_H

#include "host_policy.h"

/* Both ends as this host sees them, ports in host order. Of rules and of flows. */
struct tuple {
	uint8_t protocol;
	struct address local;
	struct address remote;
	uint16_t local_port;
	uint16_t remote_port;
};

bool address_is_multicast(const struct address *address);
bool address_is_limited_broadcast(const struct address *address);
/* ::, or ::1 with last = 1 */
bool address_is_ipv6_zero_but(const struct address *address, uint8_t last);
bool address_is_ipv4_zero(const struct address *address);
bool address_is_unicast(const struct address *address); /* neither of the two */
/* Linear, whether the list is canonical or not. */
bool address_is_listed(const struct prefix_list *list, const struct address *address);

/* The rule that comes first, in the order of precedence, with a match for the whole tuple; NULL:
 * none. ret_options (NULL: not wanted) is what that match asks besides. */
const struct rule *rules_first(const struct host_policy *policy, enum direction direction,
			       const struct tuple *tuple, unsigned *ret_options);

/* Whether the tuple's service (in: local, out: remote port) is in any rule of its protocol. */
bool rules_have_service(const struct host_policy *policy, enum direction direction,
			const struct tuple *tuple);

/* Why rules_first() found none, though rules_have_service(): the end of 2.7 and of 3.8. */
enum reason rules_why_none(const struct host_policy *policy, enum direction direction,
			   const struct tuple *tuple);

#endif
