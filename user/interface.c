/* SPDX-License-Identifier: BSD-2-Clause */
#include "interface.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netlink.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define SYSCTL_UNKNOWN (-1L)

struct reading {
	struct arena *arena;
	struct interface_list *list;
};

/* A number below /proc/sys/net, which shows the caller's own network namespace. */
static long sysctl_read(const char *family, const char *name, const char *key)
{
	char path[128];
	long value = SYSCTL_UNKNOWN;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, key);
	file = fopen(path, "re");
	if (!file)
		return SYSCTL_UNKNOWN;
	if (fscanf(file, "%ld", &value) != 1)
		value = SYSCTL_UNKNOWN;
	fclose(file);
	return value;
}

static const char *attribute_text(struct arena *arena, const struct rtattr *attribute)
{
	const char *text;

	if (!attribute)
		return "";
	text = RTA_DATA(attribute);
	return arena_strndup(arena, text, strnlen(text, RTA_PAYLOAD(attribute)));
}

static uint32_t attribute_u32(const struct rtattr *attribute)
{
	uint32_t value = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

/*
 * What the kernel does with router advertisements (Documentation/networking/ip-sysctl: accept_ra 1
 * holds only while the interface does not forward, 2 always).
 */
static bool accepts_router_advertisements(const char *name)
{
	long accept = sysctl_read("ipv6", name, "accept_ra");

	if (sysctl_read("ipv6", name, "disable_ipv6") != 0)
		return false;
	return accept == 2 || (accept == 1 && sysctl_read("ipv6", name, "forwarding") == 0);
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const struct rtattr *attributes[IFLA_LINKINFO + 1];
	const struct rtattr *information[IFLA_INFO_SLAVE_KIND + 1] = {0};
	struct interface *interface;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	netlink_attributes(message, sizeof(*link), attributes, IFLA_LINKINFO);
	if (attributes[IFLA_LINKINFO])
		netlink_nested(attributes[IFLA_LINKINFO], information, IFLA_INFO_SLAVE_KIND);
	interface = arena_push(reading->arena, reading->list);
	interface->index = (uint32_t)link->ifi_index;
	snprintf(interface->name, sizeof(interface->name), "%s",
		 attribute_text(reading->arena, attributes[IFLA_IFNAME]));
	interface->mtu = attribute_u32(attributes[IFLA_MTU]);
	interface->kind = attribute_text(reading->arena, information[IFLA_INFO_KIND]);
	interface->slave_kind = attribute_text(reading->arena, information[IFLA_INFO_SLAVE_KIND]);
	interface->loopback = link->ifi_flags & IFF_LOOPBACK;
	interface->router_advertisements = accepts_router_advertisements(interface->name);
	if (attributes[IFLA_MASTER])
		if_indextoname(attribute_u32(attributes[IFLA_MASTER]), interface->upper);
	/* A veth's IFLA_LINK is its peer, maybe of another namespace: only a VLAN has a parent. */
	if (attributes[IFLA_LINK] && !strcmp(interface->kind, "vlan"))
		if_indextoname(attribute_u32(attributes[IFLA_LINK]), interface->lower);
	return 0;
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;
	const struct ifaddrmsg *header = NLMSG_DATA(message);
	const struct rtattr *attributes[IFA_FLAGS + 1];
	const struct rtattr *attribute;
	struct interface *interface;
	struct address address = {0};
	struct prefix prefix;
	size_t bytes = header->ifa_family == AF_INET ? 4 : 16;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return 0;
	interface = (struct interface *)interface_by_index(reading->list, header->ifa_index);
	netlink_attributes(message, sizeof(*header), attributes, IFA_FLAGS);
	/* On a point-to-point link IFA_ADDRESS is the peer. */
	attribute = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (!interface || !attribute || RTA_PAYLOAD(attribute) < bytes)
		return 0;
	address.family = header->ifa_family == AF_INET ? 4 : 6;
	memcpy(address.bytes, RTA_DATA(attribute), bytes);
	prefix = prefix_of_address(&address);
	prefix_list_add(reading->arena, &interface->addresses, &prefix);
	/*
	 * A daemon may do SLAAC in place of the kernel (systemd-networkd does): then accept_ra is
	 * 0, but the address has a lifetime. DHCPv6 needs advertisements for its routes just so.
	 */
	if (address.family == 6 && header->ifa_scope == RT_SCOPE_UNIVERSE &&
	    !(attribute_u32(attributes[IFA_FLAGS]) & IFA_F_PERMANENT))
		interface->router_advertisements = true;
	return 0;
}

int interface_list_read(struct arena *arena, struct failure *failure,
			struct interface_list *ret_list)
{
	const struct ifinfomsg every_link = {.ifi_family = AF_UNSPEC};
	const struct ifaddrmsg every_address = {.ifa_family = AF_UNSPEC};
	struct interface_list list = {0};
	struct reading reading = {.arena = arena, .list = &list};
	int result;

	result = netlink_dump(RTM_GETLINK, &every_link, sizeof(every_link), take_link, &reading);
	if (result == 0)
		result = netlink_dump(RTM_GETADDR, &every_address, sizeof(every_address),
				      take_address, &reading);
	if (result < 0)
		return fail(failure, -result,
			    "can't ask the kernel for the network interfaces: %s (a sandbox must "
			    "allow AF_NETLINK)",
			    strerror(-result));
	*ret_list = list;
	return 0;
}

struct prefix_list interface_list_addresses(struct arena *arena, const struct interface_list *list)
{
	struct prefix_list addresses = {0};

	list_for_each (interface, list) {
		if (interface->loopback)
			continue;
		list_for_each (prefix, &interface->addresses)
			prefix_list_add(arena, &addresses, prefix);
	}
	return addresses;
}

const struct interface *interface_by_name(const struct interface_list *list, const char *name)
{
	list_for_each (interface, list) {
		if (!strcmp(interface->name, name))
			return interface;
	}
	return NULL;
}

const struct interface *interface_by_index(const struct interface_list *list, uint32_t index)
{
	list_for_each (interface, list) {
		if (interface->index == index)
			return interface;
	}
	return NULL;
}

static char *names_format(struct arena *arena, const struct interface_list *list)
{
	char *text = NULL;

	list_for_each (interface, list) {
		if (!interface->loopback)
			text = text ? arena_printf(arena, "%s, %s", text, interface->name)
				    : arena_strdup(arena, interface->name);
	}
	return text ? text : arena_strdup(arena, "none");
}

/* As many as a terminal's line takes: a message, not a list to work with. */
static char *addresses_format(struct arena *arena, const struct prefix_list *list)
{
	const size_t shown_max = 16;
	char buffer[ADDRESS_TEXT_MAX];
	char *text = NULL;

	list_for_each (prefix, list) {
		if ((size_t)(prefix - list->items) == shown_max)
			return arena_printf(arena, "%s and %zu more", text,
					    list->count - shown_max);
		prefix_format(prefix, buffer);
		text = text ? arena_printf(arena, "%s, %s", text, buffer)
			    : arena_strdup(arena, buffer);
	}
	return text ? text : arena_strdup(arena, "none");
}

static bool carries_any(const struct interface *interface, const struct prefix_list *wanted)
{
	list_for_each (prefix, &interface->addresses) {
		if (prefix_list_contains(wanted, &prefix->address))
			return true;
	}
	return false;
}

static int select_by_address(struct arena *arena, const struct interface_list *all,
			     const struct host_policy *policy, struct failure *failure,
			     struct interface_list *ret_selected)
{
	const struct prefix_list *meant = policy->named.count ? &policy->named : &policy->own;
	struct interface_list selected = {0};

	list_for_each (interface, all) {
		if (!interface->loopback &&
		    (carries_any(interface, meant) || carries_any(interface, &policy->floating)))
			*arena_push(arena, &selected) = *interface;
	}
	if (selected.count == 0)
		return fail(failure, ENODEV,
			    "no interface carries an address of %s (looked for %s on: %s); "
			    "configure the address, or name the interfaces in the site "
			    "(interfaces: [NAME])",
			    policy->host ? policy->host : "this host",
			    addresses_format(arena, meant), names_format(arena, all));
	*ret_selected = selected;
	return 0;
}

int interface_select(struct arena *arena, const struct interface_list *all,
		     const struct host_policy *policy, struct failure *failure,
		     struct interface_list *ret_selected)
{
	struct interface_list selected = {0};
	const struct interface *found;

	if (policy->interfaces_auto)
		return select_by_address(arena, all, policy, failure, ret_selected);
	for (size_t i = 0; i < policy->interface_count; i++) {
		found = interface_by_name(all, policy->interfaces[i]);
		if (!found)
			return fail(failure, ENODEV,
				    "there is no interface %s in this network namespace (there "
				    "are: %s); correct interfaces in the site",
				    policy->interfaces[i], names_format(arena, all));
		if (!interface_by_index(&selected, found->index))
			*arena_push(arena, &selected) = *found;
	}
	if (selected.count == 0)
		return fail(failure, ENODEV,
			    "the site names no interface: say interfaces: auto or [NAME]");
	*ret_selected = selected;
	return 0;
}

/* A VLAN interface's packets are seen on its parent, a bridge's on its ports. */
static bool is_seen(const struct interface_list *all, const struct interface_list *selected,
		    const struct interface *interface)
{
	for (; interface; interface = interface_by_name(all, interface->lower))
		list_for_each (one, selected) {
			if (!strcmp(one->name, interface->name) ||
			    !strcmp(one->upper, interface->name))
				return true;
		}
	return false;
}

/* Every IPv6 interface has one of fe80::/10 by itself (RFC 4291, section 2.8). */
static bool carries_more_than_link_local(const struct interface *interface)
{
	list_for_each (prefix, &interface->addresses) {
		const uint8_t *bytes = prefix->address.bytes;

		if (prefix->address.family == 4 || bytes[0] != 0xfe || bytes[1] >> 6 != 2)
			return true;
	}
	return false;
}

struct interface_list interface_list_unseen(struct arena *arena, const struct interface_list *all,
					    const struct interface_list *selected)
{
	struct interface_list unseen = {0};

	list_for_each (interface, all) {
		if (!interface->loopback && carries_more_than_link_local(interface) &&
		    !is_seen(all, selected, interface))
			*arena_push(arena, &unseen) = *interface;
	}
	return unseen;
}

/* The setting that makes this host forward what arrives at or leaves by the interface, or NULL. */
static const char *forwarding_setting(const char *name)
{
	if (sysctl_read("ipv4", "all", "forwarding") > 0)
		return "net.ipv4.ip_forward";
	if (sysctl_read("ipv4", name, "forwarding") > 0)
		return "net.ipv4.conf.<interface>.forwarding";
	if (sysctl_read("ipv6", "all", "forwarding") > 0)
		return "net.ipv6.conf.all.forwarding";
	if (sysctl_read("ipv6", name, "force_forwarding") > 0)
		return "net.ipv6.conf.<interface>.force_forwarding";
	return NULL;
}

static int check_forwarding(const struct interface *interface, struct failure *failure)
{
	const char *setting = forwarding_setting(interface->name);

	if (!strcmp(interface->slave_kind, "bridge"))
		return fail(failure, EINVAL,
			    "%s is a port of the bridge %s, and what only passes through would be "
			    "dropped; say in the site what is to happen to it: host: {forwarding: "
			    "drop} or host: {forwarding: pass}",
			    interface->name, interface->upper);
	if (setting)
		return fail(failure, EINVAL,
			    "%s: this host forwards packets (%s = 1), and what only passes "
			    "through would be dropped; set it to 0, or say in the site what is to "
			    "happen: host: {forwarding: drop} or host: {forwarding: pass}",
			    interface->name, setting);
	return 0;
}

int interface_check(const struct interface *interface, const struct host_policy *policy,
		    struct failure *failure)
{
	if (interface->loopback)
		return fail(failure, EINVAL,
			    "%s is the loopback interface, which is never enforced; take it out of "
			    "interfaces in the site",
			    interface->name);
	if (!strcmp(interface->kind, "vlan"))
		return fail(failure, EINVAL,
			    "%s is a VLAN interface, whose packets XDP sees on the parent; say "
			    "interfaces: [%s] in the site",
			    interface->name, *interface->lower ? interface->lower : "its parent");
	if (!strcmp(interface->slave_kind, "bond") || !strcmp(interface->slave_kind, "team"))
		return fail(failure, EINVAL,
			    "%s is a port of %s, which spreads packets over its ports; say "
			    "interfaces: [%s] in the site",
			    interface->name, interface->upper, interface->upper);
	if (policy->forwarding == FORWARDING_REFUSE)
		return check_forwarding(interface, failure);
	return 0;
}

bool interface_takes_advertisements(const struct interface_list *all,
				    const struct interface *interface)
{
	bool takes = interface->router_advertisements;

	list_for_each (other, all)
		takes |= other->router_advertisements && !strcmp(other->lower, interface->name);
	return takes;
}

/* One command of ethtool(8), whose argument begins with its number. */
static bool ask_ethtool(const char *name, void *argument)
{
	struct ifreq request = {.ifr_data = argument};
	int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool answered;

	if (socket_fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	answered = ioctl(socket_fd, SIOCETHTOOL, &request) == 0;
	close(socket_fd);
	return answered;
}

static bool strips_vlan(const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	return ask_ethtool(name, &flags) && (flags.data & ETH_FLAG_RXVLAN);
}

bool interface_strips_vlan(const struct interface_list *all, const struct interface *interface)
{
	bool is_bond = !strcmp(interface->kind, "bond") || !strcmp(interface->kind, "team");

	/* What a bond receives, its ports have received. */
	if (!is_bond)
		return strips_vlan(interface->name);
	list_for_each (port, all) {
		if (!strcmp(port->upper, interface->name) && strips_vlan(port->name))
			return true;
	}
	return false;
}

const char *interface_driver(const char *name, char *buffer)
{
	struct ethtool_drvinfo information = {.cmd = ETHTOOL_GDRVINFO};
	bool known = ask_ethtool(name, &information) && *information.driver;

	snprintf(buffer, sizeof(information.driver), "%s", known ? information.driver : "unknown");
	return buffer;
}

int netns_read(struct netns *ret_netns)
{
	struct netns netns = {0};
	socklen_t length = sizeof(netns.cookie);
	struct stat status;
	int socket_fd;

	if (stat("/proc/self/ns/net", &status) < 0)
		return -errno;
	netns.inode = status.st_ino;
	socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0)
		return -errno;
	if (getsockopt(socket_fd, SOL_SOCKET, SO_NETNS_COOKIE, &netns.cookie, &length) < 0)
		netns.cookie = 0;
	close(socket_fd);
	*ret_netns = netns;
	return 0;
}
