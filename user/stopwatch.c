/* SPDX-License-Identifier: BSD-2-Clause */
#include "stopwatch.h"

#include <string.h>
#include <time.h>

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void stopwatch_start(struct stopwatch *stopwatch)
{
	*stopwatch = (struct stopwatch){.since = now()};
}

static struct lap *lap_by_name(struct stopwatch *stopwatch, const char *name)
{
	for (size_t i = 0; i < stopwatch->lap_count; i++) {
		if (!strcmp(stopwatch->laps[i].name, name))
			return &stopwatch->laps[i];
	}
	if (stopwatch->lap_count == STOPWATCH_LAPS_MAX)
		return NULL;
	stopwatch->laps[stopwatch->lap_count] = (struct lap){.name = name};
	return &stopwatch->laps[stopwatch->lap_count++];
}

void stopwatch_lap(struct stopwatch *stopwatch, const char *name)
{
	struct lap *lap;
	uint64_t end;

	if (!stopwatch)
		return;
	end = now();
	lap = lap_by_name(stopwatch, name);
	if (lap)
		lap->nanoseconds += end - stopwatch->since;
	stopwatch->since = end;
}
