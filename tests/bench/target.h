/* SPDX-License-Identifier: BSD-2-Clause */
/* A program under test: one policy, loaded in one of the two encodings. */
#ifndef SALLYPORT_TESTS_BENCH_TARGET_H
#define SALLYPORT_TESTS_BENCH_TARGET_H

#include "load.h"
#include "stand.h"
#include "traffic.h"

struct target {
	size_t prefixes;
	enum lookup lookup;
	struct loaded *loaded;
	uint32_t load_ms;
	uint64_t table_bytes; /* flat: of its arrays */
};

/*
 * All targets of a bench share one flow table, as the interfaces of a host do: that of flows_of,
 * unless it is NULL. tables must be those of policy. 0 or -errno with the reason in failure.
 */
int target_load(struct target *target, const struct host_policy *policy,
		const struct tables *tables, struct target *flows_of, struct failure *failure);
void target_unload(struct target *target);

int target_fd(const struct target *target, enum direction direction);
/*
 * Runs the whole table once, and wants each packet counted where this traffic must be. 0 or -errno
 * with what was found in failure.
 */
int target_check(struct target *target, struct stand *stand, const struct traffic *traffic,
		 struct failure *failure);
/* Whether the two encodings agreed whenever they were compared. */
bool target_agreed(const struct target *target);
/* Removes all flows, of all targets that share them. */
void target_forget_flows(struct target *target);

#endif
