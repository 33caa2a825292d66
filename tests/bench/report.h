/* SPDX-License-Identifier: BSD-2-Clause */
/* What was found, for people (Markdown) and for programs (JSON). */
#ifndef SALLYPORT_TESTS_BENCH_REPORT_H
#define SALLYPORT_TESTS_BENCH_REPORT_H

#include <stdio.h>

#include "goals.h"
#include "results.h"

struct report {
	const char *kernel;
	const char *cpu;
	const char *date; /* UTC */
	int cpu_number;
	uint64_t seed;
	unsigned rounds;
	uint32_t repeat;
	uint32_t live_repeat;
	const char *population;
	const char **absent; /* "xdp-filter: no such command": peers that were not measured */
	size_t absent_count;
	const struct results *results;
	const struct rebuild_figures *rebuilds;
	const struct reload_figures *reloads;
	const struct goals *goals;
};

void report_print(const struct report *report, FILE *out);
/* 0 or -errno. */
int report_write_json(const struct report *report, const char *path);

#endif
