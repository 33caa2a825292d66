/* SPDX-License-Identifier: BSD-2-Clause */
#include "stop_signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

int stop_signals_open(struct failure *failure, int *ret_fd)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return fail(failure, errno, "can't block signals: %s", strerror(errno));
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail(failure, errno, "can't watch for signals: %s", strerror(errno));
	*ret_fd = fd;
	return 0;
}
