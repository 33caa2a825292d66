/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What flow state costs: replies of flows that this host opened, and floods that ask for one. The
 * flows are opened by own packets, as on a wire, anew for each number of them.
 */
#ifndef SALLYPORT_TESTS_BENCH_OWN_FLOWS_H
#define SALLYPORT_TESTS_BENCH_OWN_FLOWS_H

#include "series.h"

/* series: its contenders and sizes are not looked at. quick: few flows, IPv4. */
int own_flows_measure(const struct series *series, bool quick, struct results *results,
		      struct failure *failure);

#endif
