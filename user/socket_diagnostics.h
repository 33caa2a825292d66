/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP connections of this network namespace, by socket diagnostics (NETLINK_SOCK_DIAG, see
 * sock_diag(7)): what was open before anybody looked at packets.
 */
#ifndef SALLYPORT_SOCKET_DIAGNOSTICS_H
#define SALLYPORT_SOCKET_DIAGNOSTICS_H

#include <linux/netlink.h>

#include "address.h"
#include "failure.h"

/* Both ends as this host sees them, ports in host order. */
struct tcp_connection {
	struct address local; /* as on the wire: of an IPv4-mapped one (RFC 4291 2.5.5.2) IPv4 */
	struct address remote;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t interface_index; /* that the socket is bound to; 0: none */
	uint8_t state;		  /* TCP_ESTABLISHED, ... of <netinet/tcp.h> */
	bool served; /* a socket listens on its local port, so the peer may have opened it */
};

struct tcp_connection_list {
	struct tcp_connection *items;
	size_t count;
	size_t capacity;
};

/*
 * All that may still carry packets of ours: from SYN_SENT to LAST_ACK, of both families. Not the
 * half open ones that arrive (SYN_RECV), nor those that are over (TIME_WAIT). Everything lives in
 * the arena. Returns 0 or -errno: -ENOENT where the kernel has no diagnostics of TCP.
 */
int tcp_connections_read(struct arena *arena, struct failure *failure,
			 struct tcp_connection_list *ret_list);

/* One answer of the dump, a listener's too. False: it is neither, or cut short. */
bool tcp_connection_parse(const struct nlmsghdr *message, struct tcp_connection *ret_connection);

/* "established", "syn-sent", as ss(8) has them. */
const char *tcp_state_name(uint8_t state);

#endif
