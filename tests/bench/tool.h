/* SPDX-License-Identifier: BSD-2-Clause */
/* Other people's commands: nft, ip, ipset. They run in the caller's network namespace. */
#ifndef SALLYPORT_TESTS_BENCH_TOOL_H
#define SALLYPORT_TESTS_BENCH_TOOL_H

#include <stdbool.h>

#include "failure.h"

/* Whether there is a command of that name in PATH or where root finds it. */
bool tool_exists(const char *name);

/*
 * words: the command and its arguments, NULL behind the last. input: for its standard input, or
 * NULL. ret_output: what it printed (caller frees), or NULL. 0, or -errno with its words in
 * failure; it must exit with 0.
 */
int tool_run(const char *const words[], const char *input, struct failure *failure,
	     char **ret_output);
/* The same for a line for the shell. */
int tool_shell(const char *line, struct failure *failure, char **ret_output);

#endif
