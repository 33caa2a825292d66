/* SPDX-License-Identifier: BSD-2-Clause */
/* The flows that a site adjusts: which they are, and that nothing is widened. */
#ifndef SALLYPORT_ADJUSTED_H
#define SALLYPORT_ADJUSTED_H

#include "policy.h"

/* Fills adjust of the policy's instances, whose settings must be there. Reports flows that are not
 * there, and source ports that the flow itself does not have. */
void adjusts_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy);

#endif
