/* SPDX-License-Identifier: BSD-2-Clause */
/* What apply says about the connections that were open before: for people, and as JSON. */
#ifndef SALLYPORT_ADOPT_REPORT_H
#define SALLYPORT_ADOPT_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "adopt.h"

/* Lines of connections for people, one a peer; JSON has them all. */
#define ADOPT_REPORT_LINES 20u

/* Nothing where no hook was attached for the first time. would: of a dry run. */
void adopt_report_print(const struct adoptions *adoptions, bool would, FILE *out);
/* A new reference; null where no hook was attached for the first time. */
json_t *adopt_report_json(const struct adoptions *adoptions);

#endif
