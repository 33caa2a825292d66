/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes into decisions: what a port class and an address class mean together at each end, and
 * which rule the two ends give. Only the compile stage includes this.
 */
#ifndef SALLYPORT_COMPILE_GRIDS_H
#define SALLYPORT_COMPILE_GRIDS_H

#include "compile_addresses.h"
#include "compile_ports.h"

/* Fills near, far and decisions of one direction. Returns 0 or -E2BIG. */
int compile_grids(struct arena *scratch, const struct terms *terms,
		  const struct address_classes *addresses,
		  const struct port_classes ports[PORT_SIDE_COUNT], enum direction direction,
		  struct diagnostics *diagnostics, struct tables *tables);

#endif
