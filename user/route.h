/* SPDX-License-Identifier: BSD-2-Clause */
/* By which interface this host's packets leave: the kernel's routing is asked (RFC 3549). */
#ifndef SALLYPORT_ROUTE_H
#define SALLYPORT_ROUTE_H

#include "interface.h"

/*
 * The index of the interface by which packets between these addresses leave. Returns 0, or -errno
 * where the kernel has no route (or wants to know more, as for link-local addresses).
 */
int route_interface(const struct address *local, const struct address *remote, uint32_t *ret_index);

/*
 * Whether packets that leave by this interface pass the egress hook of one of those: it is one of
 * them, lies above one, or is a bridge or bond that one is a port of. True too where the interface
 * is of a kind that hides its parent (macvlan, ipvlan), or is not listed.
 */
bool route_meets(const struct interface_list *all, uint32_t index,
		 const struct interface_list *hooked);

#endif
