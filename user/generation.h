/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations: a host policy into force on this host's interfaces, and out of force.
 *
 * A new generation is loaded and pinned whole on every interface beside the old one before the
 * first hook is swapped; a failure at any step leaves the old one in force on every hook. A command
 * that is killed at any step leaves at each hook the old policy or the new one, whole, and the next
 * command finishes or reverts (recovery.h).
 */
#ifndef SALLYPORT_GENERATION_H
#define SALLYPORT_GENERATION_H

#include "adopt.h"
#include "attach.h"
#include "digest.h"
#include "hooks.h"
#include "load.h"
#include "tables.h"

#define LOCK_WAIT_SECONDS 30u /* for another command; a load of a million prefixes takes five */

typedef LIST(const char *) text_list;

struct apply_request {
	struct arena *arena; /* the result lives in it */
	const struct host_policy *policy;
	const struct tables *tables;
	const char *pins;	      /* NULL: PINS_ROOT */
	enum xdp_mode xdp_mode;	      /* XDP_MODE_NONE: native */
	enum egress_hook egress_hook; /* EGRESS_HOOK_NONE: tcx if the kernel has it */
	unsigned wait_seconds;	      /* for another command to end */
	bool dry_run;		      /* check and load as always, but pin and attach nothing */
	struct progress progress;
	struct stopwatch *stopwatch; /* gets the steps; may be NULL */
};

struct applied_interface {
	const char *name;
	bool first; /* it was not enforced before */
	struct hooks hooks;
};

struct apply_result {
	uint32_t generation;
	char digest[DIGEST_TEXT_BYTES]; /* of the policy: host_policy_digest */
	LIST(struct applied_interface) interfaces;
	struct table_report tables[TABLE_MAP_COUNT]; /* where each came from */
	text_list warnings;
	const char *recovered;	    /* what a killed command had left, or NULL */
	struct adoptions adoptions; /* of a dry run: what would be, but for learning */
};

/* Returns 0, or -errno with what is wrong and the way out in failure. */
int generation_apply(const struct apply_request *request, struct failure *failure,
		     struct apply_result *ret_result);

struct detach_request {
	struct arena *arena;
	const char *pins;
	const char *const *interfaces;
	size_t interface_count; /* 0: all */
	unsigned wait_seconds;
	struct progress progress;
};

struct detach_result {
	text_list interfaces; /* that were detached; empty: nothing was in force */
};

/*
 * Takes the policy off: nothing stays behind, neither on the hooks nor in the BPF file system.
 * Works on pins of other layouts too, as the way out. -ENODEV: an interface that is not enforced
 * was named, and nothing was done.
 */
int generation_detach(const struct detach_request *request, struct failure *failure,
		      struct detach_result *ret_result);

struct recover_request {
	struct arena *arena;
	const char *pins;
	unsigned wait_seconds;
	struct progress progress;
};

/* Finishes or reverts what a killed command left. ret_done: what was done, NULL: nothing. */
int generation_recover(const struct recover_request *request, struct failure *failure,
		       const char **ret_done);

#endif
