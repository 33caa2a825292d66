/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enforcers that live in the stack: each in a namespace of its own, with the same policy. Whatever
 * passes them is counted and dropped where the stack would hand it to a socket, so that answers of
 * the stack are in no figure; a namespace with nothing else is the floor.
 */
#ifndef SALLYPORT_TESTS_BENCH_PEER_H
#define SALLYPORT_TESTS_BENCH_PEER_H

#include "contender.h"
#include "host_policy.h"

enum peer_kind {
	PEER_NONE,	  /* the stack alone */
	PEER_NFT_NETDEV,  /* nftables, netdev ingress, one concatenated interval set a family */
	PEER_NFT_TRACKED, /* nftables with conntrack, in prerouting */
	PEER_IPSET,	  /* iptables and ipset, in raw prerouting */
	PEER_KINDS,
};

struct peer {
	enum peer_kind kind;
	struct namespace *place;
	uint64_t load_ns;
};

const char *peer_name(enum peer_kind kind);
/* NULL, or which of its commands is not there. */
const char *peer_missing(enum peer_kind kind);

/* 0 or -errno with the reason in failure. PEER_NONE needs no policy. */
int peer_load(struct peer *peer, enum peer_kind kind, const struct host_policy *policy,
	      struct stand *stand, struct failure *failure);
void peer_unload(struct peer *peer);
struct contender peer_contender(struct peer *peer, size_t prefixes);
/* Packets that reached the end of its stack so far. */
int peer_count_passed(const struct peer *peer, struct failure *failure, uint64_t *ret_packets);

#endif
