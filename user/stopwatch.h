/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long the steps of a command took, for people who ask why it took so long and for the
 * benchmark. Measured in wall time; it decides nothing.
 */
#ifndef SALLYPORT_STOPWATCH_H
#define SALLYPORT_STOPWATCH_H

#include <stddef.h>
#include <stdint.h>

#define STOPWATCH_LAPS_MAX 24u

struct stopwatch {
	uint64_t since; /* nanoseconds of the monotonic clock: where the next lap begins */
	struct lap {
		const char *name; /* a literal */
		uint64_t nanoseconds;
	} laps[STOPWATCH_LAPS_MAX];
	size_t lap_count;
};

void stopwatch_start(struct stopwatch *stopwatch);

/* Ends a lap here and begins the next. Laps of one name are added up; those that find no room are
 * not kept. stopwatch may be NULL. */
void stopwatch_lap(struct stopwatch *stopwatch, const char *name);

#endif
