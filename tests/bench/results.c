/* SPDX-License-Identifier: BSD-2-Clause */
#include "results.h"

#include <string.h>

const struct result *results_find(const struct results *results, const struct traffic *traffic,
				  size_t prefixes, const char *contender, enum way way)
{
	list_for_each (result, &results->list)
		if (traffic_is_same(&result->traffic, traffic) && result->prefixes == prefixes &&
		    result->way == way && !result->why_not &&
		    strcmp(result->contender, contender) == 0)
			return result;
	return NULL;
}
