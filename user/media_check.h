/* SPDX-License-Identifier: BSD-2-Clause */
/* What whoever signs a policy should know of its media ports. */
#ifndef SALLYPORT_MEDIA_CHECK_H
#define SALLYPORT_MEDIA_CHECK_H

#include "policy.h"

/*
 * Remarks which flows of an instance are live or shaped because its catalog says so, where a host
 * of the site listens, and how that is turned off; warns where the site asks for either and no
 * service of the flow is asked for it. at is where the site takes the catalog up.
 */
void media_check(struct arena *arena, struct diagnostics *diagnostics, const struct policy *policy,
		 const struct instance *instance, struct position at);

/* The same of a catalog alone. */
void media_check_catalog(struct arena *arena, struct diagnostics *diagnostics,
			 const struct catalog *catalog);

#endif
