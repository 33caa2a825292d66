/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Something that judges frames: the model, or the BPF programs in a private copy. One host's
 * policy, its own state, a virtual clock.
 */
#ifndef SALLYPORT_JUDGE_H
#define SALLYPORT_JUDGE_H

#include "host_policy.h"

struct judgement {
	enum verdict verdict; /* as it takes effect in the policy's mode */
	enum verdict judged;
	enum reason reason;
	const struct rule *rule; /* NULL: none */
};

struct judge {
	/*
	 * frame: an Ethernet frame as on the wire, without FCS. at_ms: the virtual clock, never
	 * going back. Returns 0 or -errno (the judge failed, not the packet).
	 */
	int (*judge)(struct judge *judge, enum direction direction, const void *frame,
		     size_t length, uint64_t at_ms, struct judgement *ret_judgement);
	/* Forgets flows, fragments and limits. */
	int (*reset)(struct judge *judge);
	void (*free)(struct judge *judge);
};

/* The policy must outlive the judge. Returns 0 or -errno. */
int model_new(const struct host_policy *policy, struct judge **ret_judge);

#endif
