/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network interfaces of this network namespace: what they are, which addresses they carry, and
 * whether a policy may be enforced on them.
 */
#ifndef SALLYPORT_INTERFACE_H
#define SALLYPORT_INTERFACE_H

#include <net/if.h>

#include "failure.h"
#include "host_policy.h"

struct interface {
	char name[IF_NAMESIZE];
	uint32_t index;
	uint32_t mtu;		 /* bytes */
	const char *kind;	 /* "vlan", "bridge", "veth", ...; "": hardware */
	const char *slave_kind;	 /* "bridge", "bond", ... of what it is a port of; "": none */
	char upper[IF_NAMESIZE]; /* that bridge or bond; "": none */
	char lower[IF_NAMESIZE]; /* the parent of a VLAN interface; "": none */
	bool loopback;
	bool router_advertisements; /* IPv6 learns addresses or routes from routers (SLAAC) here */
	struct prefix_list addresses; /* single ones */
};

struct interface_list {
	struct interface *items;
	size_t count;
	size_t capacity;
};

/* All interfaces, in the kernel's order. Everything lives in the arena. Returns 0 or -errno. */
int interface_list_read(struct arena *arena, struct failure *failure,
			struct interface_list *ret_list);

/* All addresses of all interfaces but loopback: for PLAYER_OWN. */
struct prefix_list interface_list_addresses(struct arena *arena, const struct interface_list *list);

/* The one of that name or index; NULL: none. */
const struct interface *interface_by_name(const struct interface_list *list, const char *name);
const struct interface *interface_by_index(const struct interface_list *list, uint32_t index);

/*
 * The interfaces on which a host policy is to be enforced: those that it names, or (auto) those
 * that carry one of its own or floating addresses. None, or one that is not there: -ENODEV, and the
 * message says what was looked for.
 */
int interface_select(struct arena *arena, const struct interface_list *all,
		     const struct host_policy *policy, struct failure *failure,
		     struct interface_list *ret_selected);

/*
 * Those of all that carry an address, and whose packets no selected one sees, itself, as the parent
 * of a VLAN interface, or as a port of a bridge or bond: a host that is enforced is open there.
 */
struct interface_list interface_list_unseen(struct arena *arena, const struct interface_list *all,
					    const struct interface_list *selected);

/*
 * Whether the policy may be enforced there: not on loopback, not on a VLAN interface or a bond's
 * port (the packets are seen on the parent), and, unless the policy says what forwarded packets are
 * to meet, neither on a bridge's port nor on a host that forwards. Returns 0 or -EINVAL.
 */
int interface_check(const struct interface *interface, const struct host_policy *policy,
		    struct failure *failure);

/* Does the interface, or a VLAN interface on it, learn addresses or routes from routers (SLAAC)? */
bool interface_takes_advertisements(const struct interface_list *all,
				    const struct interface *interface);
/* Does the interface, or a port of it, take VLAN tags off before XDP sees the frame (rxvlan)? */
bool interface_strips_vlan(const struct interface_list *all, const struct interface *interface);

/* The driver's name, for messages. Returns buffer, "unknown" if the interface has none. */
const char *interface_driver(const char *name, char *buffer /* 32 bytes */);

/* Which network namespace this process is in. */
struct netns {
	uint64_t inode;
	uint64_t cookie; /* never used again, unlike the inode; 0: the kernel tells none (< 5.14) */
};

int netns_read(struct netns *ret_netns);

#endif
