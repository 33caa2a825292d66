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

/* "from" or "to": ret_is_list is whether a list was written. Untouched if the key is not there. */
void flow_end_read(const struct reader *reader, const struct node *flow, const char *key,
		   enum flow_place place, word_list *end, bool *ret_is_list);
/* A list of one stays a list: the rule's id names the role then. */
void flow_end_print(struct writer *writer, unsigned indent, const char *key, const word_list *end,
		    bool is_list);

/* "when": all conditions of a list, or one. */
bool conditions_read(const struct reader *reader, const struct node *node, enum flow_place place,
		     condition_list *ret_list);
void conditions_print(struct writer *writer, unsigned indent, const condition_list *when);

/* One citation or a list of them. */
bool cites_read(const struct reader *reader, const struct node *node, enum flow_place place,
		cite_list *ret_list);
/* " (title: section, row 6, lines 214-222; ...)" for messages; "" where nothing is cited. title
 * NULL: none. In the arena. */
const char *cites_format(struct arena *arena, const char *title, const cite_list *cites);
void cites_print(struct writer *writer, unsigned indent, const cite_list *cites);

#endif
