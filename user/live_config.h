/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration that the programs in force were loaded with, out of their pinned .rodata. */
#ifndef SALLYPORT_LIVE_CONFIG_H
#define SALLYPORT_LIVE_CONFIG_H

#include "../include/abi.h"
#include "failure.h"
#include "pins.h"

/* Of a generation of an interface. 0; -ENOENT if it is not pinned; or -errno with the reason. */
int live_config_read(const struct pins *pins, const char *interface, uint32_t generation,
		     struct failure *failure, struct config *ret_config);

#endif
