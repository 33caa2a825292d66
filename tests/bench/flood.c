/* SPDX-License-Identifier: BSD-2-Clause */
#include "flood.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

struct flood_report {
	struct flood_sent sent;
	struct failure failure;
};

/* The child's whole life. */
static int be_flood(const struct flood *flood, struct flood_report *report)
{
	const uint64_t since = clock_now();
	struct timespec used;
	cpu_set_t one;
	int error;

	CPU_ZERO(&one);
	CPU_SET((size_t)flood->cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return fail(&report->failure, errno, "CPU %d: %s", flood->cpu, strerror(errno));
	error = stand_flood(flood->stand, flood->from, flood->to, flood->rate, flood->milliseconds,
			    &report->failure, &report->sent.packets);
	report->sent.seconds = (double)(clock_now() - since) / 1e9;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	report->sent.cpu_ns = (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
	return error;
}

int flood_start(const struct flood *flood, struct failure *failure, struct flood_run *ret_run)
{
	struct flood_report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (report == MAP_FAILED)
		return fail(failure, errno, "mmap: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		munmap(report, sizeof(*report));
		return fail(failure, errno, "fork: %s", strerror(errno));
	}
	if (pid == 0)
		_exit(be_flood(flood, report) ? 1 : 0);
	*ret_run = (struct flood_run){pid, report};
	return 0;
}

int flood_wait(struct flood_run *run, struct failure *failure, struct flood_sent *ret_sent)
{
	int status = 0, error = 0;

	while (waitpid(run->pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(failure, errno, "waitpid: %s", strerror(errno));
	if (status)
		error = fail(failure, EIO, "the flood: %s", run->report->failure.message);
	*ret_sent = run->report->sent;
	munmap(run->report, sizeof(*run->report));
	return error;
}
