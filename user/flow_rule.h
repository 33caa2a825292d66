/* SPDX-License-Identifier: BSD-2-Clause */
/* One flow, of a catalog or of a site: reading and printing, with its citations and conditions. */
#ifndef SALLYPORT_FLOW_RULE_H
#define SALLYPORT_FLOW_RULE_H

#include "term.h"
#include "writer.h"

enum flow_place {
	FLOW_OF_CATALOG, /* from and to are roles or groups; parameters are the catalog's own */
	FLOW_OF_SITE,	 /* they also are hosts, addresses, sets; names are "instance/name" */
};

/*
 * Reads what stands in the flow itself; whether its names exist is for the caller. False if it has
 * no id to go on with; other findings leave their field empty.
 */
bool flow_rule_read(const struct reader *reader, const struct node *node, enum flow_place place,
		    struct flow_rule *ret_flow);
void flow_rule_print(struct writer *writer, unsigned indent, const struct flow_rule *flow);

/* One citation or a list of them. */
bool cites_read(const struct reader *reader, const struct node *node, enum flow_place place,
		cite_list *ret_list);
void cites_print(struct writer *writer, unsigned indent, const cite_list *cites);

#endif
