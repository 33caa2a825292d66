/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something that judges frames: the model, or the BPF programs in a private copy. One host's
 * policy, its own state, a virtual clock.
 */
#ifndef SALLYPORT_JUDGE_H
#define SALLYPORT_JUDGE_H

#include <stdbool.h>

#include "failure.h"
#include "host_policy.h"

struct judgement {
	enum verdict verdict; /* as it takes effect in the policy's mode */
	enum verdict judged;
	enum reason reason;
	const struct rule *rule; /* that lets it pass, or whose option drops it; NULL: none */
};

struct judge {
	/*
	 * What is so besides the frame, for the next packet: whether a local socket is bound where
	 * it goes, and whether its payload is meant (or it is only there to give it a length), so
	 * that a shape can be asked of it. The constructors set otherwise_bound, which is for who
	 * knows nothing of sockets, and bound to the same.
	 */
	enum bound bound, otherwise_bound;
	bool has_payload;
	/*
	 * frame: an Ethernet frame as on the wire, without FCS. at_ms: the virtual clock, never
	 * going back. Returns 0 or -errno (the judge failed, not the packet).
	 */
	int (*judge)(struct judge *judge, enum direction direction, const void *frame,
		     size_t length, uint64_t at_ms, struct judgement *ret_judgement);
	/*
	 * What a reload does: another policy over the flows and fragments that are there. Its
	 * bounds of both stay those of the first. The old policy is no longer needed. NULL where a
	 * judge can't. 0 or -errno; the old policy is then still the one.
	 */
	int (*swap)(struct judge *judge, const struct host_policy *policy, struct failure *failure);
	/* Forgets flows, fragments and limits. */
	int (*reset)(struct judge *judge);
	void (*free)(struct judge *judge);
};

/* The policy must outlive the judge. Returns 0 or -errno. */
int model_new(const struct host_policy *policy, struct judge **ret_judge);

/*
 * Another policy for a model: what a reload does. Flows and fragments are kept, and each flow is
 * judged again when it is next seen. The old policy is no longer needed. Returns 0 or -ENOMEM.
 */
int model_swap_policy(struct judge *judge, const struct host_policy *policy);

/*
 * The BPF programs in a private copy: maps of their own, nothing attached or pinned. lookup takes
 * the place of the policy's. Needs the privilege to load BPF programs. Returns 0, or -errno with
 * why in failure.
 */
int kernel_judge_new(const struct host_policy *policy, enum lookup lookup, struct failure *failure,
		     struct judge **ret_judge);

/*
 * The programs that are live on an interface, in a private copy over its tables, flows and
 * fragments: says what they would say to a packet now, and changes nothing. The time is the
 * kernel's, at_ms is not looked at. pins NULL: the standard place. Rules are those of the live
 * rule_info. Returns 0, or -errno with why in failure.
 */
int kernel_judge_live(const char *pins, const char *interface, struct failure *failure,
		      struct judge **ret_judge);

/* What a judge's error means to whoever asked. */
const char *judge_error_text(int error);

#endif
