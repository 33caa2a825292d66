/* SPDX-License-Identifier: BSD-2-Clause */
/* How a command that runs on is told to end: SIGTERM and SIGINT as something to wait for. */
#ifndef SALLYPORT_STOP_SIGNALS_H
#define SALLYPORT_STOP_SIGNALS_H

#include "failure.h"

/*
 * A descriptor (the caller's) that becomes readable with the first of them. From then on they end
 * nothing by themselves, and a reader that went away is an error of the write. 0 or -errno.
 */
int stop_signals_open(struct failure *failure, int *ret_fd);

#endif
