/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link between two namespaces, and the CPU time of its receiving side.
 *
 *     host (own) ---- veth ---- peer (other)
 *
 * The host's device is polled by a kernel thread of its own (threaded NAPI), bound to one CPU: what
 * that thread takes is what the packets cost, with nothing of the sender's in it.
 */
#ifndef SALLYPORT_TESTS_BENCH_LINK_H
#define SALLYPORT_TESTS_BENCH_LINK_H

#include <sys/types.h>

#include "address.h"
#include "namespace.h"

struct link {
	struct namespace *host;
	struct namespace *peer;
	pid_t poller; /* the kernel thread */
};

/* from: an address for the peer. cpu: of the poller. 0 or -errno with the reason in failure. */
int link_new(const char *const local[2], const struct address *from, int cpu, struct link *link,
	     struct failure *failure);
void link_free(struct link *link);

struct link_counts {
	uint64_t received; /* packets that the poller took from the link */
	uint64_t to_stack; /* of those, IPv4 packets that reached the IP layer */
	uint64_t cpu_ns;   /* CPU time of the poller */
};

int link_read(const struct link *link, struct link_counts *counts, struct failure *failure);

#endif
