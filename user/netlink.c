/* SPDX-License-Identifier: BSD-2-Clause */
#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptor.h"

#define ANSWER_BYTES   32768 /* the kernel fills at most this much in one answer of a dump */
#define BODY_BYTES_MAX 64

static int send_request(int socket_fd, unsigned short type, unsigned short flags, const void *body,
			size_t body_length)
{
	struct {
		struct nlmsghdr header;
		unsigned char body[BODY_BYTES_MAX];
	} request = {
		.header =
			{
				.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_length),
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | flags,
				.nlmsg_seq = 1,
			},
	};

	if (body_length > sizeof(request.body))
		return -EINVAL;
	memcpy(request.body, body, body_length);
	if (send(socket_fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	return 0;
}

/* Returns 1 at the end of the dump. */
static int take_answers(const void *buffer, size_t length,
			int (*each)(const struct nlmsghdr *message, void *data), void *data)
{
	const struct nlmsghdr *message = buffer;
	int result;

	for (; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
		if (message->nlmsg_type == NLMSG_DONE)
			return 1;
		if (message->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(message);

			return error->error ? error->error : 1;
		}
		result = each(message, data);
		if (result < 0)
			return result;
	}
	return 0;
}

int netlink_dump(unsigned short type, const void *body, size_t body_length,
		 int (*each)(const struct nlmsghdr *message, void *data), void *data)
{
	return netlink_dump_from(NETLINK_ROUTE, type, body, body_length, each, data);
}

static int take_answer_to(int socket_fd, int (*each)(const struct nlmsghdr *message, void *data),
			  void *data)
{
	_Alignas(struct nlmsghdr) unsigned char buffer[ANSWER_BYTES];
	ssize_t length;

	do
		length = recv(socket_fd, buffer, sizeof(buffer), MSG_TRUNC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if ((size_t)length > sizeof(buffer))
		return -EMSGSIZE;
	return take_answers(buffer, (size_t)length, each, data);
}

int netlink_ask(unsigned short type, const void *body, size_t body_length,
		int (*each)(const struct nlmsghdr *message, void *data), void *data)
{
	cleanup(fd_closep) int socket_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int result = socket_fd < 0 ? -errno : 0;

	if (result == 0)
		result = send_request(socket_fd, type, 0, body, body_length);
	if (result == 0)
		result = take_answer_to(socket_fd, each, data);
	return result < 0 ? result : 0;
}

int netlink_dump_from(int protocol, unsigned short type, const void *body, size_t body_length,
		      int (*each)(const struct nlmsghdr *message, void *data), void *data)
{
	cleanup(fd_closep) int socket_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int result = socket_fd < 0 ? -errno : 0;

	if (result == 0)
		result = send_request(socket_fd, type, NLM_F_DUMP, body, body_length);
	while (result == 0)
		result = take_answer_to(socket_fd, each, data);
	return result < 0 ? result : 0;
}

static void fill_table(const struct rtattr *attribute, size_t length, const struct rtattr **table,
		       unsigned highest)
{
	unsigned type;

	for (unsigned i = 0; i <= highest; i++)
		table[i] = NULL;
	for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
		type = attribute->rta_type & NLA_TYPE_MASK;
		if (type <= highest)
			table[type] = attribute;
	}
}

void netlink_attributes(const struct nlmsghdr *message, size_t body_length,
			const struct rtattr **table, unsigned highest)
{
	const unsigned char *body = NLMSG_DATA(message);
	size_t payload = message->nlmsg_len - NLMSG_HDRLEN;
	size_t skip = NLMSG_ALIGN(body_length);

	fill_table((const void *)(body + skip), payload > skip ? payload - skip : 0, table,
		   highest);
}

void netlink_nested(const struct rtattr *outer, const struct rtattr **table, unsigned highest)
{
	fill_table(RTA_DATA(outer), RTA_PAYLOAD(outer), table, highest);
}
