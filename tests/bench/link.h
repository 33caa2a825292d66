/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link between two namespaces.
 *
 *     host (own) ---- veth ---- peer (other)
 *
 * The host's device has an XDP program, so that frames of floods and of sockets take the same way;
 * what arrives is handled at once, in the softirq of the CPU that sends it, as a network card's
 * interrupt would have it handled: no thread of its own has to be found time for.
 */
#ifndef SALLYPORT_TESTS_BENCH_LINK_H
#define SALLYPORT_TESTS_BENCH_LINK_H

#include "address.h"
#include "namespace.h"

struct link {
	struct namespace *host;
	struct namespace *peer;
};

/* from: an address for the peer. 0 or -errno with the reason in failure. */
int link_new(const char *const local[2], const struct address *from, struct link *link,
	     struct failure *failure);
void link_free(struct link *link);

struct link_counts {
	uint64_t received; /* packets that the host's device took from the link */
	uint64_t to_stack; /* of those, IPv4 packets that reached the IP layer */
};

int link_read(const struct link *link, struct link_counts *counts, struct failure *failure);

#endif
