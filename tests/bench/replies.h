/* SPDX-License-Identifier: BSD-2-Clause */
/* This host's answers to packets, as its applications would send them. */
#ifndef SALLYPORT_TESTS_BENCH_REPLIES_H
#define SALLYPORT_TESTS_BENCH_REPLIES_H

#include "generator.h"
#include "namespace.h"

/* One to each. They leave by the namespace's stack, and are lost behind it. */
int replies_send(const struct namespace *place, uint8_t family,
		 const struct generator_packet *packets, uint32_t count, struct failure *failure);

#endif
