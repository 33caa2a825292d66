/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two hooks of one interface together with their pins: which generation each holds, and putting
 * both on another.
 */
#ifndef SALLYPORT_HOOKS_H
#define SALLYPORT_HOOKS_H

#include "attach.h"
#include "pins.h"
#include "progress.h"

/* One hook, as the kernel has it. */
struct hook {
	bool attached;
	uint32_t program_id;
	uint32_t link_id;    /* 0: no link (clsact) */
	uint32_t generation; /* whose program it is; 0: none of those pinned */
};

struct hooks {
	struct hook receive;
	enum xdp_mode xdp_mode;
	struct hook transmit;
	enum egress_hook egress_hook;
	bool egress_first; /* no other tcx program runs before ours */
};

/* What our pins of an interface hold. index: 0, the interface has gone and nothing is attached. */
int hooks_read(const struct pins *pins, struct arena *arena, const char *interface, uint32_t index,
	       struct failure *failure, struct hooks *ret_hooks);

/*
 * Puts the hooks on this generation, which is pinned whole: egress first, then XDP. What is
 * attached is updated in place; what is not and the generation's modes ask for is attached as its
 * generation_info says. Asks the kernel afterwards. Can be repeated; on failure some hooks may hold
 * the new generation already.
 */
int hooks_swap(const struct pins *pins, struct arena *arena, const struct interface *interface,
	       uint32_t generation, const struct progress *progress, struct failure *failure);

/* The first half of that: egress alone, so that it can learn before XDP is attached. */
int hooks_swap_egress(const struct pins *pins, struct arena *arena,
		      const struct interface *interface, uint32_t generation,
		      const struct progress *progress, struct failure *failure);

/* Detaches XDP, then egress, and their pins. Can be repeated. index: 0, the interface has gone. */
int hooks_detach(const struct pins *pins, struct arena *arena, const char *interface,
		 uint32_t index, const struct progress *progress, struct failure *failure);

/* The generation_info that is pinned with a generation. -ENOENT: none. */
int hooks_generation_info(const struct pins *pins, const char *interface, uint32_t generation,
			  struct generation_info *ret_information);

/* Whether the modes ask for the hook: replies need egress whenever in is not off. */
bool hooks_wants_receive(const struct generation_info *information);
bool hooks_wants_transmit(const struct generation_info *information);

#endif
