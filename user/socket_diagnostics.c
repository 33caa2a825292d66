/* SPDX-License-Identifier: BSD-2-Clause */
#include "socket_diagnostics.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

#define BIT(state) (1u << (state))
#define STATES                                                                                     \
	(BIT(TCP_ESTABLISHED) | BIT(TCP_SYN_SENT) | BIT(TCP_FIN_WAIT1) | BIT(TCP_FIN_WAIT2) |      \
	 BIT(TCP_CLOSE_WAIT) | BIT(TCP_LAST_ACK) | BIT(TCP_CLOSING) | BIT(TCP_LISTEN))

const char *tcp_state_name(uint8_t state)
{
	switch (state) {
	case TCP_ESTABLISHED:
		return "established";
	case TCP_SYN_SENT:
		return "syn-sent";
	case TCP_FIN_WAIT1:
		return "fin-wait-1";
	case TCP_FIN_WAIT2:
		return "fin-wait-2";
	case TCP_CLOSE_WAIT:
		return "close-wait";
	case TCP_LAST_ACK:
		return "last-ack";
	case TCP_CLOSING:
		return "closing";
	default:
		return "unknown";
	}
}

/* An IPv6 socket with IPv4-mapped ends speaks IPv4. */
static void read_address(uint8_t family, const __be32 words[4], struct address *ret_address)
{
	const bool mapped =
		family == AF_INET6 && !words[0] && !words[1] && words[2] == htonl(0xffff);

	*ret_address = (struct address){.family = family == AF_INET || mapped ? 4 : 6};
	if (ret_address->family == 6)
		memcpy(ret_address->bytes, words, sizeof(ret_address->bytes));
	else
		memcpy(ret_address->bytes, mapped ? &words[3] : &words[0], sizeof(words[0]));
}

bool tcp_connection_parse(const struct nlmsghdr *message, struct tcp_connection *ret_connection)
{
	const struct inet_diag_msg *answer = NLMSG_DATA(message);

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*answer)))
		return false;
	if (answer->idiag_family != AF_INET && answer->idiag_family != AF_INET6)
		return false;
	if (answer->idiag_state >= 32 || !(BIT(answer->idiag_state) & STATES))
		return false;
	*ret_connection = (struct tcp_connection){
		.local_port = ntohs(answer->id.idiag_sport),
		.remote_port = ntohs(answer->id.idiag_dport),
		.interface_index = answer->id.idiag_if,
		.state = answer->idiag_state,
	};
	read_address(answer->idiag_family, answer->id.idiag_src, &ret_connection->local);
	read_address(answer->idiag_family, answer->id.idiag_dst, &ret_connection->remote);
	return ret_connection->local.family == ret_connection->remote.family;
}

struct gathering {
	struct arena *arena;
	struct tcp_connection_list list;
	bool *listening; /* by port */
};

static int gather(const struct nlmsghdr *message, void *data)
{
	struct gathering *gathering = data;
	struct tcp_connection connection;

	if (!tcp_connection_parse(message, &connection))
		return 0;
	if (connection.state == TCP_LISTEN)
		gathering->listening[connection.local_port] = true;
	else
		*arena_push(gathering->arena, &gathering->list) = connection;
	return 0;
}

int tcp_connections_read(struct arena *arena, struct failure *failure,
			 struct tcp_connection_list *ret_list)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct gathering gathering = {
		.arena = arena,
		.listening = arena_alloc(arena, UINT16_MAX + 1),
	};
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof(families); i++) {
		const struct inet_diag_req_v2 request = {
			.sdiag_family = families[i],
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = STATES,
		};

		result = netlink_dump_from(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, &request,
					   sizeof(request), gather, &gathering);
	}
	if (result == -ENOENT)
		return fail(failure, ENOENT,
			    "this kernel tells nothing about its TCP connections (modprobe "
			    "tcp_diag may help)");
	if (result < 0)
		return fail(failure, -result, "can't list the TCP connections: %s",
			    strerror(-result));
	list_for_each (connection, &gathering.list)
		connection->served = gathering.listening[connection->local_port];
	*ret_list = gathering.list;
	return 0;
}
