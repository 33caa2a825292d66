/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test stand: the generators and the empty programs, loaded. It runs a program under test on a
 * table of packets, over and over, in the kernel.
 */
#ifndef SALLYPORT_TESTS_BENCH_STAND_H
#define SALLYPORT_TESTS_BENCH_STAND_H

#include <stdint.h>

#include "../../include/abi.h"
#include "failure.h"
#include "generator.h"

struct stand;

/* local: the own addresses, IPv4 and IPv6, as text. 0 or -errno with the reason in failure. */
int stand_new(const char *const local[2], struct failure *failure, struct stand **ret_stand);
void stand_free(struct stand *stand);

/* count: a power of two, at most GENERATOR_PACKETS_MAX. Copied. */
void stand_set_packets(struct stand *stand, uint8_t family, const struct generator_packet *packets,
		       uint32_t count);
/* The program that does nothing, for each direction: what it takes is the floor. */
int stand_empty_fd(const struct stand *stand, enum direction direction);

/*
 * Runs the program behind program_fd on repeat packets, from the table's first on. ret_verdict is
 * the last packet's; ret_nanoseconds the mean, generator and kernel's own share included. 0 or
 * -errno with the reason in failure.
 */
int stand_run(struct stand *stand, enum direction direction, int program_fd, uint32_t repeat,
	      struct failure *failure, enum verdict *ret_verdict, uint32_t *ret_nanoseconds);

#endif
