/* SPDX-License-Identifier: BSD-2-Clause */
/* The in rules of a host policy in the words of the enforcers that Debian ships. */
#ifndef SALLYPORT_TESTS_BENCH_RULESET_H
#define SALLYPORT_TESTS_BENCH_RULESET_H

#include "host_policy.h"

/* Elements of one command to nft: more of them than this overrun its netlink socket. */
#define RULESET_CHUNK 5000u

/*
 * One concatenated interval set a family, in the netdev table "bench" of device: what is in it
 * passes, the rest is counted as "dropped". In the arena, as all of these.
 */
char *ruleset_nft_netdev(struct arena *arena, const char *device);
/* The same in the inet table "bench", behind connection tracking: what belongs to a connection
 * passes at once. */
char *ruleset_nft_tracked(struct arena *arena);
/* Elements of the sets from the index-th on, RULESET_CHUNK at most; NULL: there are no more. */
char *ruleset_nft_elements(struct arena *arena, const struct host_policy *policy,
			   const char *table_family, size_t index);

/* For "ipset restore": a hash:net set for each rule and family. */
char *ruleset_ipset(struct arena *arena, const struct host_policy *policy);
/* For "iptables-restore" of one family: a rule for each rule, as early as there is a hook. */
char *ruleset_iptables(struct arena *arena, const struct host_policy *policy, uint8_t family);

#endif
