/* SPDX-License-Identifier: BSD-2-Clause */
#include "replies.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_policy.h"
#include "frame.h"

#define ETHERNET_BYTES	14u
#define REPLY_BYTES_MAX 128u

static int build(const struct generator_packet *packet, uint8_t family, uint8_t *frame,
		 size_t *ret_length)
{
	struct frame_fields fields = {
		.destination = {.family = family},
		.hop_limit = 64,
		.protocol = packet->protocol,
		.source_port = ntohs(packet->local_port),
		.destination_port = ntohs(packet->remote_port),
		.tcp_flags = FRAME_TCP_ACK,
	};

	address_parse(bench_own_address[family == 6], &fields.source);
	memcpy(fields.destination.bytes, packet->remote, family == 6 ? 16 : 4);
	return frame_build(&fields, frame, REPLY_BYTES_MAX, ret_length);
}

static int send_one(int fd, const struct generator_packet *packet, uint8_t family)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	uint8_t frame[REPLY_BYTES_MAX];
	size_t length;
	int error = build(packet, family, frame, &length);

	if (error)
		return error;
	memcpy(&to4.sin_addr, packet->remote, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, packet->remote, sizeof(to6.sin6_addr));
	if (sendto(fd, frame + ETHERNET_BYTES, length - ETHERNET_BYTES, 0,
		   family == 6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
		   family == 6 ? sizeof(to6) : sizeof(to4)) < 0)
		return -errno;
	return 0;
}

int replies_send(const struct namespace *place, uint8_t family,
		 const struct generator_packet *packets, uint32_t count, struct failure *failure)
{
	int error = namespace_enter(place, failure), fd;

	if (error)
		return error;
	/* With the IP header, since addresses and ports are of many. */
	fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	namespace_leave(place);
	if (fd < 0)
		return fail(failure, errno, "no raw socket: %s", strerror(errno));
	for (uint32_t i = 0; !error && i < count; i++)
		error = send_one(fd, &packets[i], family);
	close(fd);
	if (error)
		return fail(failure, -error, "an answer can't be sent: %s", strerror(-error));
	return 0;
}
