/* SPDX-License-Identifier: BSD-2-Clause */
/* Nanoseconds of a clock that nobody sets. */
#ifndef SALLYPORT_TESTS_BENCH_CLOCK_H
#define SALLYPORT_TESTS_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
