/* SPDX-License-Identifier: BSD-2-Clause */
/* The goals of the data plane, each held against what was measured. */
#ifndef SALLYPORT_TESTS_BENCH_GOALS_H
#define SALLYPORT_TESTS_BENCH_GOALS_H

#include "rebuild.h"
#include "reload.h"
#include "results.h"

struct goal {
	const char *number; /* "3" */
	const char *text;
	double limit;
	bool at_least;	     /* else at most */
	const char *unit;    /* "ns", "×", "ms", "MiB" */
	const char *why_not; /* not measured, and why; else NULL */
	double measured;
	const char *how; /* the figures behind a ratio, or NULL */
};

struct goals {
	struct arena *arena;
	LIST(struct goal) list;
};

bool goal_is_met(const struct goal *goal);
void goals_judge(const struct results *results, const struct rebuild_figures *rebuilds,
		 const struct reload_figures *reloads, struct goals *goals);

#endif
