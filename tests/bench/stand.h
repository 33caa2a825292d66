/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test stand: the generators and the empty programs, loaded. It runs a program under test on a
 * table of packets, over and over, in the kernel: by itself, or with what passes going on into the
 * stack of a network namespace.
 */
#ifndef SALLYPORT_TESTS_BENCH_STAND_H
#define SALLYPORT_TESTS_BENCH_STAND_H

#include <stdint.h>

#include "../../include/abi.h"
#include "failure.h"
#include "generator.h"
#include "namespace.h"

struct stand;

#define STAND_EMPTY (-1) /* the program that does nothing: what it takes is the floor */

struct stand_run {
	enum direction direction;
	int program_fd;		       /* or STAND_EMPTY */
	const struct namespace *place; /* NULL: the program alone; else with its stack behind it */
	uint32_t repeat;
};

/* local: the own addresses, IPv4 and IPv6, as text. 0 or -errno with the reason in failure. */
int stand_new(const char *const local[2], struct failure *failure, struct stand **ret_stand);
void stand_free(struct stand *stand);

/* Live runs want a device that has an XDP program: one that does nothing. */
int stand_adopt(struct stand *stand, const struct namespace *place, struct failure *failure);
/* Or one that drops everything. */
int stand_close(struct stand *stand, const struct namespace *place, struct failure *failure);

/*
 * count: a power of two, at most GENERATOR_PACKETS_MAX. Copied; their IPv4 checksums are
 * computed.
 */
void stand_set_packets(struct stand *stand, uint8_t family, const struct generator_packet *packets,
		       uint32_t count);

/*
 * Runs the program on the next packets of the table. ret_nanoseconds: the mean of a packet,
 * generator and kernel's own share included, time that the CPU was another's not. 0 or -errno with
 * the reason in failure.
 */
int stand_run(struct stand *stand, const struct stand_run *run, struct failure *failure,
	      uint32_t *ret_nanoseconds);
/*
 * For so long, from inside the namespace out of its device: at a rate in packets a second, or as
 * fast as it goes if that is 0. to: MAC address. ret_packets: sent.
 */
int stand_flood(struct stand *stand, const struct namespace *from, const uint8_t *to, uint32_t rate,
		unsigned milliseconds, struct failure *failure, uint64_t *ret_packets);

#endif
