/* SPDX-License-Identifier: BSD-2-Clause */
/* What no flow may open, of a catalog or of a site: reading and printing. */
#ifndef SALLYPORT_FORBID_H
#define SALLYPORT_FORBID_H

#include "flow_rule.h"

/*
 * Reads the list under "forbid". Whether the names in it exist is for the caller, but for flows in
 * except that stand there twice and ids that do.
 */
void forbids_read(const struct reader *reader, const struct node *node, enum flow_place place,
		  forbid_list *ret_list);
/* One item; "services" is left out where it is any. */
void forbid_print(struct writer *writer, unsigned indent, const struct forbid_rule *forbid);

#endif
