/* SPDX-License-Identifier: BSD-2-Clause */
/* Host policies as no engineer would write them, within the contract of user/host_policy.h. */
#ifndef SALLYPORT_TEST_RANDOM_POLICY_H
#define SALLYPORT_TEST_RANDOM_POLICY_H

#include <stdio.h>

#include "../../user/host_policy.h"
#include "random.h"

/* In the arena. */
struct host_policy *random_policy(struct arena *arena, struct random *random);

/* Everything that decides a verdict, for whoever has to reproduce one. */
void print_policy(const struct host_policy *policy, FILE *out);

#endif
