/* SPDX-License-Identifier: BSD-2-Clause */
#include "rtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_BYTES	  160u
#define VERSION		  0x80 /* 2, nothing else */
#define PAYLOAD_TYPE_PCMU 0
#define RECEIVE_BYTES	  (4 << 20)
#define NANOSECONDS	  1000000000ull
#define PRIORITY	  20

struct packet {
	uint8_t version;
	uint8_t payload_type;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t source;
	uint8_t payload[PAYLOAD_BYTES]; /* the time at which it was due comes first */
};

static uint64_t to_nanoseconds(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * NANOSECONDS + (uint64_t)time->tv_nsec;
}

/* A UDP socket bound to an address and a port, in this thread's namespace; -1: errno says why. */
static int bound_socket(const struct address *address, uint16_t port)
{
	struct sockaddr_in name4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 name6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const bool v6 = address->family == 6;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&name4.sin_addr, address->bytes, sizeof(name4.sin_addr));
	memcpy(&name6.sin6_addr, address->bytes, sizeof(name6.sin6_addr));
	if (fd >= 0 && bind(fd, v6 ? (struct sockaddr *)&name6 : (struct sockaddr *)&name4,
			    v6 ? sizeof(name6) : sizeof(name4))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* ---- receiving ---- */

int rtp_open(struct rtp *rtp, const struct namespace *host, struct failure *failure)
{
	const int on = 1, bytes = RECEIVE_BYTES;
	int error = namespace_enter(host, failure);

	for (unsigned i = 0; i < RTP_CALLS; i++)
		rtp->receivers[i] = -1;
	for (unsigned i = 0; !error && i < RTP_CALLS; i++) {
		int fd = bound_socket(&rtp->to, (uint16_t)(rtp->port_first + i));

		rtp->receivers[i] = fd;
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
		    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
			error = fail(failure, errno, "no RTP socket on port %u: %s",
				     rtp->port_first + i, strerror(errno));
	}
	namespace_leave(host);
	if (error)
		rtp_close(rtp);
	return error;
}

void rtp_close(struct rtp *rtp)
{
	for (unsigned i = 0; i < RTP_CALLS; i++)
		if (rtp->receivers[i] >= 0)
			close(rtp->receivers[i]);
}

enum received { RECEIVED_NOTHING, RECEIVED_OURS, RECEIVED_OTHER };

/* One packet, if there is one: how long it took, if it is of a call and no flood's. */
static enum received receive(int fd, uint64_t *ret_nanoseconds)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct packet packet;
	struct iovec vector = {&packet, sizeof(packet)};
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	struct timespec seen;
	uint64_t due;
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);

	if (length < 0)
		return RECEIVED_NOTHING;
	header = CMSG_FIRSTHDR(&message);
	if (length != (ssize_t)sizeof(packet) || !header || header->cmsg_type != SCM_TIMESTAMPNS)
		return RECEIVED_OTHER;
	memcpy(&seen, CMSG_DATA(header), sizeof(seen));
	memcpy(&due, packet.payload, sizeof(due));
	*ret_nanoseconds = to_nanoseconds(&seen) - due;
	return RECEIVED_OURS;
}

void rtp_drain(struct rtp *rtp)
{
	uint64_t nanoseconds;

	for (unsigned i = 0; i < RTP_CALLS; i++)
		while (receive(rtp->receivers[i], &nanoseconds) != RECEIVED_NOTHING)
			;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static uint32_t packets_in(unsigned milliseconds)
{
	return RTP_PACKETS_PER_SECOND * milliseconds / 1000;
}

int rtp_collect(struct rtp *rtp, unsigned milliseconds, struct rtp_figures *figures,
		struct failure *failure)
{
	const uint32_t sent = packets_in(milliseconds);
	uint64_t *took = calloc(sent + 1, sizeof(*took));
	uint32_t count = 0;

	if (!took)
		return fail(failure, ENOMEM, "out of memory");
	for (unsigned i = 0; i < RTP_CALLS; i++) {
		enum received received;

		do {
			received = receive(rtp->receivers[i], &took[count]);
			count += received == RECEIVED_OURS && count < sent;
		} while (received != RECEIVED_NOTHING);
	}
	qsort(took, count, sizeof(*took), compare_numbers);
	*figures = (struct rtp_figures){.sent = sent, .received = count};
	if (count) {
		figures->median_us = (double)took[count / 2] / 1e3;
		figures->p99_us = (double)took[count - 1 - count / 100] / 1e3;
	}
	free(took);
	return 0;
}

/* ---- sending ---- */

static void send_one(int fd, const struct rtp *rtp, uint32_t number, uint64_t due)
{
	const uint16_t port = htons((uint16_t)(rtp->port_first + number % RTP_CALLS));
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = port};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = port};
	const bool v6 = rtp->to.family == 6;
	struct packet packet = {
		.version = VERSION,
		.payload_type = PAYLOAD_TYPE_PCMU,
		.sequence = htons((uint16_t)(number / RTP_CALLS)),
		.timestamp = htonl(number / RTP_CALLS * PAYLOAD_BYTES),
		.source = htonl(number % RTP_CALLS),
	};

	memcpy(&to4.sin_addr, rtp->to.bytes, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, rtp->to.bytes, sizeof(to6.sin6_addr));
	memcpy(packet.payload, &due, sizeof(due));
	/* What is lost is counted where it should have arrived. */
	if (sendto(fd, &packet, sizeof(packet), 0,
		   v6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
		   v6 ? sizeof(to6) : sizeof(to4)) < 0)
		return;
}

/* Evenly: a packet of each call in turn. */
static void send_all(const int *sockets, const struct rtp *rtp, unsigned milliseconds)
{
	const uint32_t count = packets_in(milliseconds);
	struct timespec next;

	/* The clock that the kernel stamps packets with. */
	clock_gettime(CLOCK_REALTIME, &next);
	for (uint32_t i = 0; i < count; i++) {
		next.tv_nsec += (long)(NANOSECONDS / RTP_PACKETS_PER_SECOND);
		if (next.tv_nsec >= (long)NANOSECONDS) {
			next.tv_nsec -= (long)NANOSECONDS;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &next, NULL);
		send_one(sockets[i % RTP_CALLS], rtp, i, to_nanoseconds(&next));
	}
}

/* The child's whole life. Its exit status is an errno. */
static int be_sender(const struct rtp *rtp, const struct namespace *peer, int cpu,
		     unsigned milliseconds)
{
	const struct sched_param first = {.sched_priority = PRIORITY};
	int sockets[RTP_CALLS];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	if (namespace_enter(peer, NULL) || sched_setaffinity(0, sizeof(one), &one) ||
	    sched_setscheduler(0, SCHED_FIFO, &first))
		return errno;
	for (unsigned i = 0; i < RTP_CALLS; i++) {
		sockets[i] = bound_socket(&rtp->from, (uint16_t)(rtp->port_first + i));
		if (sockets[i] < 0)
			return errno;
	}
	send_all(sockets, rtp, milliseconds);
	return 0;
}

int rtp_start(const struct rtp *rtp, const struct namespace *peer, int cpu, unsigned milliseconds,
	      struct failure *failure, pid_t *ret_pid)
{
	pid_t pid = fork();

	if (pid < 0)
		return fail(failure, errno, "fork: %s", strerror(errno));
	if (pid == 0)
		_exit(be_sender(rtp, peer, cpu, milliseconds));
	*ret_pid = pid;
	return 0;
}
