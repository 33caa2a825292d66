/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp-filter, of Debian's package xdp-tools: it knows single addresses and single ports, and lets
 * in what is one of either. Fifty hosts stand for the policy's fifty prefixes.
 */
#ifndef SALLYPORT_TESTS_BENCH_XDP_FILTER_H
#define SALLYPORT_TESTS_BENCH_XDP_FILTER_H

#include "contender.h"
#include "population.h"

struct xdp_filter {
	struct namespace *place;
	int program_fd;
	int statistics_fd; /* xdp_stats_map: by action, of each CPU */
};

/* NULL, or the command that is not there. */
const char *xdp_filter_missing(void);
/*
 * hosts: the addresses that it lets in, of both families. 0 or -errno with the reason in failure:
 * that it does not load on this kernel, for one.
 */
int xdp_filter_load(struct xdp_filter *filter, const struct address *hosts, size_t count,
		    struct failure *failure);
void xdp_filter_unload(struct xdp_filter *filter);
/* prefixes: of the policy whose traffic it was loaded for. */
struct contender xdp_filter_contender(struct xdp_filter *filter, size_t prefixes);

#endif
