/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads as an operator does them: sallyport apply, of a site whose peers come from lists; then
 * again, after the lists have changed a little, and a lot. In a network namespace and a mount
 * namespace of its own, which take everything with them.
 */
#ifndef SALLYPORT_TESTS_BENCH_RELOAD_H
#define SALLYPORT_TESTS_BENCH_RELOAD_H

#include "population.h"
#include "failure.h"

enum reload_step {
	RELOAD_COLD,   /* nothing was there */
	RELOAD_LITTLE, /* a hundred prefixes gone, a hundred new ones */
	RELOAD_MUCH,   /* a twentieth gone, a twentieth new */
	RELOAD_STEPS,
};

extern const char *const reload_names[RELOAD_STEPS];

/* Milliseconds. Where the command tells no steps, whole is all there is. */
struct reload_figure {
	bool has_steps;
	double whole;
	double compile; /* from the files to tables */
	double flat;	/* the index, built, written and swapped in */
	double tries;	/* of addresses: compared, written and read back */
	double write;	/* the writing alone, read back */
	size_t written; /* entries of tries */
};

#define RELOAD_SIZES_MAX 4u

struct reload_figures {
	struct reload {
		size_t prefixes; /* of both families together */
		struct reload_figure steps[RELOAD_STEPS];
	} items[RELOAD_SIZES_MAX];
	size_t count;
};

/* program: of sallyport, a path; catalogs: a folder. quick: the smallest size. */
int reload_measure(const char *program, const char *catalogs, uint64_t seed, bool quick,
		   struct reload_figures *figures, struct failure *failure);
/* NULL: not measured. */
const struct reload *reload_find(const struct reload_figures *figures, size_t prefixes);

#endif
