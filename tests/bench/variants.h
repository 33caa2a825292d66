/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a policy's features cost: the same packets of calls, by policies that differ in one thing.
 * With a socket bound to every port that the packets go to, since that is what live asks for.
 */
#ifndef SALLYPORT_TESTS_BENCH_VARIANTS_H
#define SALLYPORT_TESTS_BENCH_VARIANTS_H

#include "series.h"

enum variant {
	VARIANT_PLAIN,	      /* the policy of all the other figures */
	VARIANT_IPV4,	      /* without IPv6: neither own addresses nor peers */
	VARIANT_REMOTE_PORTS, /* where peers' ports matter too */
	VARIANT_MEDIA,	      /* with live and shape */
	VARIANTS,
};

extern const char *const variant_names[VARIANTS]; /* contenders, in results */

/* series: its contenders and sizes are not looked at. */
int variants_measure(const struct series *series, struct results *results, struct failure *failure);

#endif
