/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of the pinned maps, as they are at this moment. */
#ifndef SALLYPORT_COUNTERS_H
#define SALLYPORT_COUNTERS_H

#include "failure.h"
#include "pins.h"
#include "snapshot.h"

/*
 * Reads every interface below the root. Takes no lock and waits for nobody: rules that a reload
 * moves to other counters meanwhile are read again. root NULL: PINS_ROOT; a root that is not there
 * gives an empty snapshot. 0 or -errno with the way out.
 */
int counters_read(const char *root, struct failure *failure, struct snapshot **ret_snapshot);

#endif
