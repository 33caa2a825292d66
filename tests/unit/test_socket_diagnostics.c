/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of socket diagnostics, as the kernel sends them. */
#include "socket_diagnostics.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct answer {
	struct nlmsghdr header;
	struct inet_diag_msg body;
};

static struct answer answer(unsigned char family, unsigned char state, const char *local,
			    const char *remote)
{
	struct answer made = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(made.body)),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.body = {.idiag_family = family,
			 .idiag_state = state,
			 .id = {.idiag_sport = htons(50000),
				.idiag_dport = htons(443),
				.idiag_if = 7}},
	};

	assert_int_equal(inet_pton(family, local, made.body.id.idiag_src), 1);
	assert_int_equal(inet_pton(family, remote, made.body.id.idiag_dst), 1);
	return made;
}

static void check(const struct answer *from, const char *local, const char *remote)
{
	char buffer[ADDRESS_TEXT_MAX];
	struct tcp_connection connection;

	assert_true(tcp_connection_parse(&from->header, &connection));
	assert_string_equal(address_format(&connection.local, buffer), local);
	assert_string_equal(address_format(&connection.remote, buffer), remote);
	assert_int_equal(connection.local.family, strchr(local, ':') ? 6 : 4);
	assert_int_equal(connection.remote.family, connection.local.family);
	assert_int_equal(connection.local_port, 50000);
	assert_int_equal(connection.remote_port, 443);
	assert_int_equal(connection.interface_index, 7);
	assert_int_equal(connection.state, from->body.idiag_state);
}

static void both_families(void **data)
{
	struct answer made = answer(AF_INET, TCP_ESTABLISHED, "192.0.2.10", "198.51.100.7");

	check(&made, "192.0.2.10", "198.51.100.7");
	made = answer(AF_INET6, TCP_CLOSE_WAIT, "2001:db8::a", "2001:db8:1::b");
	check(&made, "2001:db8::a", "2001:db8:1::b");
}

/* RFC 4291 2.5.5.2; 2.5.5.1 (IPv4-compatible) is IPv6 on the wire. */
static void mapped_addresses_are_ipv4(void **data)
{
	struct answer made =
		answer(AF_INET6, TCP_ESTABLISHED, "::ffff:192.0.2.10", "::ffff:198.51.100.7");

	check(&made, "192.0.2.10", "198.51.100.7");
	made = answer(AF_INET6, TCP_ESTABLISHED, "::fffe:192.0.2.10", "::fffe:c633:6407");
	check(&made, "::fffe:c000:20a", "::fffe:c633:6407");
}

static void what_is_no_connection(void **data)
{
	static const unsigned char states[] = {TCP_CLOSE, TCP_TIME_WAIT, TCP_SYN_RECV, 0, 12, 32,
					       255};
	struct tcp_connection connection;
	struct answer made;

	for (size_t i = 0; i < sizeof(states); i++) {
		made = answer(AF_INET, states[i], "192.0.2.10", "198.51.100.7");
		assert_false(tcp_connection_parse(&made.header, &connection));
	}
	made = answer(AF_INET, TCP_ESTABLISHED, "192.0.2.10", "198.51.100.7");
	made.body.idiag_family = AF_UNIX;
	assert_false(tcp_connection_parse(&made.header, &connection));
	made.body.idiag_family = AF_INET;
	made.header.nlmsg_len--;
	assert_false(tcp_connection_parse(&made.header, &connection));
	made.header.nlmsg_len++;
	made.header.nlmsg_type = NLMSG_DONE;
	assert_false(tcp_connection_parse(&made.header, &connection));
	/* One end mapped and the other not: on no wire. */
	made = answer(AF_INET6, TCP_ESTABLISHED, "::ffff:192.0.2.10", "2001:db8::1");
	assert_false(tcp_connection_parse(&made.header, &connection));
}

/* A listener and both ends of a connection of this process are there, or not, as they should be. */
static void the_kernel_lists_a_connection(void **data)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr *name = (struct sockaddr *)&address;
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int opened = socket(AF_INET, SOCK_STREAM, 0);
	struct arena *arena = arena_new();
	struct tcp_connection_list list;
	struct failure failure;
	size_t found = 0;

	assert_int_equal(bind(listener, name, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, name, &length), 0);
	assert_int_equal(connect(opened, name, length), 0);
	if (tcp_connections_read(arena, &failure, &list) < 0) {
		print_message("skipped: %s\n", failure.message);
		skip();
	}
	list_for_each (connection, &list)
		found += connection->remote_port == ntohs(address.sin_port) ||
			 connection->local_port == ntohs(address.sin_port);
	assert_int_equal(found, 2);
	close(opened);
	close(listener);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(mapped_addresses_are_ipv4),
		cmocka_unit_test(what_is_no_connection),
		cmocka_unit_test(the_kernel_lists_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
