/* SPDX-License-Identifier: BSD-2-Clause */
/* What trace, test and explain share: a judge as the options ask for it. */
#ifndef SALLYPORT_COMMAND_TRACE_H
#define SALLYPORT_COMMAND_TRACE_H

#include "failure.h"
#include "judge.h"
#include "options.h"

/* --site is there, and --model and --lookup fit: EXIT_DONE, or EXIT_USAGE after saying why. */
int judge_options_check(const struct invocation *invocation);

/* The model, or the programs in a private copy. 0 or -errno with the way out. */
int judge_from_options(const struct invocation *invocation, const struct host_policy *policy,
		       struct failure *failure, struct judge **ret_judge);

void judge_freep(struct judge **judge);

#endif
