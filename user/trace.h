/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet lines through a judge, in order and with state: what "trace" prints, and the policy tests
 * of "test", which are built on it. Knows nothing of where a judge comes from.
 */
#ifndef SALLYPORT_TRACE_H
#define SALLYPORT_TRACE_H

#include <stdio.h>

#include "diagnostic.h"
#include "judge.h"
#include "packet_line.h"
#include "resolve.h"

/* The packet of a line, as if it came at at_ms (judge.h). */
int judge_packet_line(struct judge *judge, const struct packet_line *line, uint64_t at_ms,
		      struct judgement *ret_judgement);

struct trace_source {
	FILE *in;
	const char *name; /* of the input, for messages */
};

/*
 * Judges every line and prints one JSON object a line, in order:
 *   {"id":"1","verdict":"pass","judged":"pass","reason":"rule","rule":"cyara/voice-6","cite":"..."}
 * rule and cite are null where there is none; where a document or the site forbids what was
 * dropped, "forbid" names that and cite is its. id is as it was given, or else the number of the
 * line. Blank lines are skipped. at_ms must not go back, except after a reset; a line without it
 * has the time of the line before. policy is the judge's.
 *
 * At the first line with an error the judging ends, as what would follow has lost its history; the
 * rest is only checked, so that diagnostics holds every error. Returns 0; -EINVAL if there were
 * errors in lines; or another -errno (the judge failed, or writing did) with failure set.
 */
int trace_run(const struct trace_source *source, const struct host_policy *policy,
	      struct judge *judge, struct diagnostics *diagnostics, FILE *out,
	      struct failure *failure);

/* Who a line of a test file says is playing, made into a judge. */
struct trace_players {
	void *context;
	/*
	 * The judge and the policy of a player stay the context's. A player that was asked for
	 * before may get the same judge again: trace_test() resets it. player and what it points to
	 * are good during the call only. Returns 0, or -EINVAL (no such player, or the policy has
	 * errors for it), or another -errno, with failure set.
	 */
	int (*judge)(void *context, const struct player *player, struct judge **ret_judge,
		     struct failure *failure);
	/* Roles and host names as addresses, see packet_line.h. */
	bool (*address)(void *context, const char *name, uint8_t family,
			struct address *ret_address);
};

struct trace_score {
	size_t tests;
	size_t failures;
};

/*
 * Runs a test file: packet lines with "expect", and if wanted "rule" (null: no rule) and "reason";
 * lines {"host": H}, {"address": A} or {"role": R} say who plays from there on, with no state.
 * "expect" is held against the verdict as it takes effect in the policy's mode. Prints
 * "FILE:LINE: ..." for each failure and a summary at the end. start is who plays before the first
 * such line; NULL: the file must say.
 *
 * Returns 0, whatever the score; -EINVAL if the file has errors, all of them in diagnostics; or
 * another -errno with failure set.
 */
int trace_test(const struct trace_source *source, const struct trace_players *players,
	       const struct player *start, struct diagnostics *diagnostics, FILE *out,
	       struct trace_score *ret_score, struct failure *failure);

#endif
