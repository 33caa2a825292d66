/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that are in force, as the kernel's map rule_info describes them. */
#ifndef SALLYPORT_LIVE_RULES_H
#define SALLYPORT_LIVE_RULES_H

#include "host_policy.h"

/*
 * By slot, RULE_SLOTS_MAX entries; NULL where no rule has the slot. Rules have no matches, and of
 * their citations the first. fd is the map's and stays the caller's.
 */
const struct rule **live_rules_read(struct arena *arena, int fd);

#endif
