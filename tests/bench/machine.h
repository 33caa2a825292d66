/* SPDX-License-Identifier: BSD-2-Clause */
/* Where and when it was measured. */
#ifndef SALLYPORT_TESTS_BENCH_MACHINE_H
#define SALLYPORT_TESTS_BENCH_MACHINE_H

#include "failure.h"

struct machine {
	char kernel[128];
	char cpu[128];
	char date[32]; /* UTC */
};

void machine_describe(struct machine *machine);
/* This thread on one CPU: wanted, or the last that it may run on if that is negative. */
int machine_pin(int wanted, struct failure *failure, int *ret_cpu);

#endif
