/* SPDX-License-Identifier: BSD-2-Clause */
/* One frame through loaded programs by BPF_PROG_TEST_RUN: what the judges of the kernel share. */
#ifndef SALLYPORT_KERNEL_RUN_H
#define SALLYPORT_KERNEL_RUN_H

#include "judge.h"
#include "load.h"

/*
 * policy: only its modes are looked at. rule_of_slot has RULE_SLOTS_MAX entries. The programs must
 * have been loaded with record set. Frames that the kernel takes for no test run are judged by
 * their length alone. Returns 0, -EMSGSIZE (a leaving frame that does not fit one page), or what
 * the kernel said.
 */
int kernel_run(struct loaded *loaded, const struct host_policy *policy,
	       const struct rule *const *rule_of_slot, enum direction direction, const void *frame,
	       size_t length, struct judgement *ret_judgement);

#endif
