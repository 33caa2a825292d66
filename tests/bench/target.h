/* SPDX-License-Identifier: BSD-2-Clause */
/* Our programs under test: one policy, loaded in one of the two encodings. */
#ifndef SALLYPORT_TESTS_BENCH_TARGET_H
#define SALLYPORT_TESTS_BENCH_TARGET_H

#include "contender.h"
#include "load.h"

struct target {
	enum lookup lookup;
	struct loaded *loaded;
	uint64_t load_ns;
};

/* tables must be those of policy. 0 or -errno with the reason in failure. */
int target_load(struct target *target, const struct host_policy *policy,
		const struct tables *tables, enum lookup lookup, struct failure *failure);
void target_unload(struct target *target);

/* It as one who is measured. place: NULL, or where the stack is behind it. */
struct contender target_contender(struct target *target, size_t prefixes,
				  const struct namespace *place);
/* Whether the two encodings agreed whenever they were compared. */
bool target_agreed(const struct target *target);
/* Bytes that the kernel says it holds for the maps: the flat index, and the tries of addresses. */
struct target_memory {
	uint64_t flat;
	uint64_t tries;
};
struct target_memory target_memory(const struct target *target);

#endif
