/* SPDX-License-Identifier: BSD-2-Clause */
/* A flood: a process that sends the stand's packets, at a rate or as fast as it can. */
#ifndef SALLYPORT_TESTS_BENCH_FLOOD_H
#define SALLYPORT_TESTS_BENCH_FLOOD_H

#include <sys/types.h>

#include "stand.h"

#define FLOOD_UNLIMITED 0u

struct flood {
	struct stand *stand;
	const struct namespace *from;
	uint8_t to[6]; /* MAC address */
	int cpu;
	uint32_t rate; /* packets a second, or FLOOD_UNLIMITED */
	unsigned milliseconds;
};

struct flood_run {
	pid_t pid;
	struct flood_report *report; /* shared with the process */
};

int flood_start(const struct flood *flood, struct failure *failure, struct flood_run *ret_run);
struct flood_sent {
	uint64_t packets;
	double seconds;
	double cpu_ns; /* of the process and the softirqs that it ran: of both ends of the link */
};

/* Waits for its end. */
int flood_wait(struct flood_run *run, struct failure *failure, struct flood_sent *ret_sent);

#endif
