/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hooks that are attached for the first time, so that nothing which the policy allows is cut:
 * TCP connections are adopted, egress is attached and learns from what this host sends while all
 * that arrives still passes, and only then may XDP be attached. Interfaces that are enforced
 * already take no part.
 */
#ifndef SALLYPORT_FIRST_LOAD_H
#define SALLYPORT_FIRST_LOAD_H

#include "adopt.h"
#include "hooks.h"

/* One interface that gets a hook which it did not have. */
struct newcomer {
	const struct interface *interface;
	bool receive; /* XDP is to be attached */
	bool transmit;
	bool learning; /* egress is new, or a command was killed while it learned */
	uint32_t adopt_ms;
};

struct newcomer_list {
	struct newcomer *items;
	size_t count;
	size_t capacity;
};

/* What it works on, under the lock of pins. */
struct first_load {
	const struct pins *pins;
	struct arena *arena;
	const struct interface_list *interfaces; /* all of the network namespace */
	const struct progress *progress;
	uint32_t generation;
};

/* Adds the interface to the list if the generation, pinned there whole, attaches a hook to it. */
int first_load_consider(const struct first_load *load, const struct interface *interface,
			struct failure *failure, struct newcomer_list *newcomers);

/*
 * All that comes before the first XDP is attached. Returns 0 or -errno: -EINTR if a signal asked to
 * end while it learned. Can be repeated. What was adopted is added to adoptions.
 */
int first_load_learn(const struct first_load *load, const struct newcomer_list *newcomers,
		     struct failure *failure, struct adoptions *adoptions);

#endif
