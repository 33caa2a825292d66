/* SPDX-License-Identifier: BSD-2-Clause */
#include "route.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

#define LOWER_DEPTH_MAX 8 /* VLANs upon VLANs; the kernel nests no deeper */

struct question {
	struct rtmsg header;
	unsigned char attributes[2 * RTA_SPACE(16)];
	size_t length; /* of attributes in use */
};

static void add_address(struct question *question, unsigned short type,
			const struct address *address)
{
	const size_t bytes = address->family == 4 ? 4 : 16;
	const struct rtattr header = {.rta_len = (unsigned short)RTA_LENGTH(bytes),
				      .rta_type = type};

	memcpy(question->attributes + question->length, &header, sizeof(header));
	memcpy(question->attributes + question->length + sizeof(header), address->bytes, bytes);
	question->length += RTA_SPACE(bytes);
}

static int take_route(const struct nlmsghdr *message, void *data)
{
	const struct rtattr *attributes[RTA_OIF + 1];
	uint32_t *index = data;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	netlink_attributes(message, sizeof(struct rtmsg), attributes, RTA_OIF);
	if (attributes[RTA_OIF] && RTA_PAYLOAD(attributes[RTA_OIF]) >= sizeof(*index))
		memcpy(index, RTA_DATA(attributes[RTA_OIF]), sizeof(*index));
	return 0;
}

int route_interface(const struct address *local, const struct address *remote, uint32_t *ret_index)
{
	const unsigned char bits = remote->family == 4 ? 32 : 128;
	struct question question = {
		.header =
			{
				.rtm_family = remote->family == 4 ? AF_INET : AF_INET6,
				.rtm_dst_len = bits,
				.rtm_src_len = bits,
			},
	};
	uint32_t index = 0;
	int result;

	add_address(&question, RTA_DST, remote);
	add_address(&question, RTA_SRC, local);
	result = netlink_ask(RTM_GETROUTE, &question,
			     offsetof(struct question, attributes) + question.length, take_route,
			     &index);
	if (result < 0)
		return result;
	if (!index)
		return -ENETUNREACH;
	*ret_index = index;
	return 0;
}

static bool is_beneath(const struct interface_list *all, const struct interface *interface,
		       const struct interface *hooked)
{
	for (int depth = 0; interface && depth < LOWER_DEPTH_MAX; depth++) {
		if (interface->index == hooked->index ||
		    (*hooked->upper && !strcmp(hooked->upper, interface->name)))
			return true;
		interface = *interface->lower ? interface_by_name(all, interface->lower) : NULL;
	}
	return false;
}

bool route_meets(const struct interface_list *all, uint32_t index,
		 const struct interface_list *hooked)
{
	const struct interface *interface = interface_by_index(all, index);

	if (!interface || !strcmp(interface->kind, "macvlan") || !strcmp(interface->kind, "ipvlan"))
		return true;
	list_for_each (each, hooked) {
		if (is_beneath(all, interface, each))
			return true;
	}
	return false;
}
