/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy that is in force on an interface, read back from its maps: the same rules as those
 * that were loaded, each with every packet that it lets open, though not cut into the same matches.
 */
#ifndef SALLYPORT_LIVE_POLICY_H
#define SALLYPORT_LIVE_POLICY_H

#include "failure.h"
#include "host_policy.h"
#include "pins.h"

/*
 * Only rules, modes, forwarding, dhcp and what passes on the link are set. Everything lives in the
 * arena. 0 or -errno with the reason in failure.
 */
int live_policy_read(struct arena *arena, const struct pins *pins, const char *interface,
		     uint32_t generation, struct failure *failure, struct host_policy **ret_policy);

#endif
