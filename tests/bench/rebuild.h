/* SPDX-License-Identifier: BSD-2-Clause */
/* What a policy costs before any packet: time to build and load it, and memory. */
#ifndef SALLYPORT_TESTS_BENCH_REBUILD_H
#define SALLYPORT_TESTS_BENCH_REBUILD_H

#include "failure.h"
#include "population.h"

#define REBUILD_FIGURES_MAX 32u

/* One policy, loaded. Times in nanoseconds, memory in bytes. */
struct rebuild_figure {
	enum population_kind population;
	size_t prefixes[2]; /* IPv4, IPv6 */
	size_t entries;	    /* of the tables: where prefixes meet, they are fewer or more */
	uint64_t compile_ns;
	uint64_t flat_ns;    /* the index built, alone; median */
	uint64_t load_ns;    /* all of it into the kernel, with lookup: flat */
	uint64_t flat_bytes; /* as the kernel accounts for the maps */
	uint64_t tries_bytes;
	/* By which the kernel's small objects grew meanwhile: the nodes of tries, with what lies
	 * unused beside them. Whoever else is busy on the machine is in it. */
	uint64_t slab_bytes;
};

struct rebuild_figures {
	struct rebuild_figure items[REBUILD_FIGURES_MAX];
	size_t count;
};

/* quick: the small ones. */
int rebuild_measure(uint64_t seed, bool quick, struct rebuild_figures *figures,
		    struct failure *failure);
/* NULL: not measured. total: of both families. */
const struct rebuild_figure *rebuild_worst(const struct rebuild_figures *figures, size_t total,
					   uint64_t (*value)(const struct rebuild_figure *));

#endif
