/* SPDX-License-Identifier: BSD-2-Clause */
/* What the documents demand of a site as a whole: their checks, and exact numbers of addresses. */
#ifndef SALLYPORT_DEMAND_CHECK_H
#define SALLYPORT_DEMAND_CHECK_H

#include "policy.h"

/* Adds errors and warnings to diagnostics, each where the site file says otherwise. */
void demands_check(struct arena *arena, struct diagnostics *diagnostics,
		   const struct policy *policy);

#endif
