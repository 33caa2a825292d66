/* SPDX-License-Identifier: BSD-2-Clause */
/* What a document demands of the whole, and what of it yields no flow: reading and printing. */
#ifndef SALLYPORT_DEMAND_H
#define SALLYPORT_DEMAND_H

#include "flow_rule.h"

/* The lists under "checks" and "no-flow". Whether the names in them exist is for the caller. */
void demands_read(const struct reader *reader, const struct node *node, struct catalog *catalog);
void no_flows_read(const struct reader *reader, const struct node *node, struct catalog *catalog);

/* With their headings; nothing where there are none. */
void demands_print(struct writer *writer, const struct catalog *catalog);
void no_flows_print(struct writer *writer, const struct catalog *catalog);

#endif
