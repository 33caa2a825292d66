/* SPDX-License-Identifier: BSD-2-Clause */
/* That no flow opens what is forbidden. */
#ifndef SALLYPORT_FORBID_CHECK_H
#define SALLYPORT_FORBID_CHECK_H

#include "policy.h"

/*
 * Reports, at the flow, what a catalog forbids and a flow of the same instance or of the site
 * opens, and what the site forbids and any flow opens. Management is not touched. Pairings must be
 * there.
 */
void forbids_check(struct diagnostics *diagnostics, const struct policy *policy);

#endif
