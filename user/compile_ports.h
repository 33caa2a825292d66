/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports into classes: the pieces into which the terms cut the ports of each protocol, on each side.
 * Only the compile stage includes this.
 */
#ifndef SALLYPORT_COMPILE_PORTS_H
#define SALLYPORT_COMPILE_PORTS_H

#include "compile_terms.h"

/* One side. A class is the set of the terms (of its direction and protocol) with these ports. */
struct port_classes {
	bool used; /* false: every port of every protocol has class 0, which means nothing then */
	struct class_sets *sets;
};

/*
 * Fills ports, local_port_used and remote_port_used of the tables. Returns 0 or -E2BIG; ret_classes
 * is by enum port_side.
 */
int compile_ports(struct arena *scratch, const struct terms *terms, struct diagnostics *diagnostics,
		  struct tables *tables, struct port_classes ret_classes[PORT_SIDE_COUNT]);

enum port_side port_side_of(enum direction direction, enum end end);

#endif
