/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: RTP (RFC 3550) as G.711 sends it, fifty packets a second and call of 160 bytes, from a
 * peer to this host. How long each packet took is from the time at which it was due to the time at
 * which the receiving kernel first saw it: what it waited for a CPU that was busy is in it.
 */
#ifndef SALLYPORT_TESTS_BENCH_RTP_H
#define SALLYPORT_TESTS_BENCH_RTP_H

#include <sys/types.h>

#include "address.h"
#include "namespace.h"

#define RTP_CALLS	       50u
#define RTP_PACKETS_PER_CALL   50u /* a second */
#define RTP_PACKETS_PER_SECOND (RTP_CALLS * RTP_PACKETS_PER_CALL)

struct rtp {
	struct address from;
	struct address to;
	uint16_t port_first; /* a port for each call, on both sides */
	int receivers[RTP_CALLS];
};

struct rtp_figures {
	uint32_t sent;
	uint32_t received;
	double median_us;
	double p99_us;
};

/* The receiving sockets, in the host's namespace. */
int rtp_open(struct rtp *rtp, const struct namespace *host, struct failure *failure);
void rtp_close(struct rtp *rtp);
/* Forgets what has arrived. */
void rtp_drain(struct rtp *rtp);

/*
 * A process that sends for so long, from the peer's namespace, on one CPU and before everything
 * else there. ret_pid: to be waited for; it exits with 0.
 */
int rtp_start(const struct rtp *rtp, const struct namespace *peer, int cpu, unsigned milliseconds,
	      struct failure *failure, pid_t *ret_pid);
/* Once the sender has ended: what arrived of what it must have sent. */
int rtp_collect(struct rtp *rtp, unsigned milliseconds, struct rtp_figures *figures,
		struct failure *failure);

#endif
