/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who reaches whom by which flow, for the whole site: every pairing, one member of each end with
 * one of the other, with the ports that hold there. What matrix, graph and who print.
 */
#ifndef SALLYPORT_REACH_H
#define SALLYPORT_REACH_H

#include <jansson.h>

#include "pairing.h"

struct reach {
	const struct pairing *pairing;
	const struct end_member *from; /* NULL: the end is bound to no address */
	const struct end_member *to;   /* the same */
	struct service_list services;  /* destination ports; empty where a parameter is missing */
	struct port_list source_ports;
	const char
		*missing; /* "voss/northbound-port": has no value, so no port is known; or NULL */
};
typedef LIST(struct reach) reach_list;

/*
 * Fills the list in the order of the pairings. A host never reaches itself, nor one that has no
 * address of its families. What a switch or "none"
 * takes away is not in it. unbound: ends that are bound to nothing count too, by their role alone.
 */
void reach_find(struct arena *arena, const struct policy *policy, bool unbound,
		reach_list *ret_reaches);

/* What reaches that lead from one name to another (struct end) have together. */
struct reach_pair {
	const struct end *from;
	const struct end *to;
	struct service_list services;
	LIST(const struct pairing *) pairings; /* each once */
	const char *missing;		       /* of one of them, or NULL */
};
typedef LIST(struct reach_pair) reach_pair_list;

/* In the order in which the pairs first appear. */
void reach_pairs(struct arena *arena, const reach_list *reaches, reach_pair_list *ret_pairs);

/* What stands on an arrow or in a cell: "$voss/northbound-port", "tcp+udp/5060", one a line. */
typedef LIST(const char *) text_lines;
void reach_pair_lines(struct arena *arena, const struct reach_pair *pair, text_lines *lines);

/* {from, to, services: [...], rules: [...], cites: [...], missing}: new reference. */
json_t *reach_pair_json(struct arena *arena, const struct reach_pair *pair);

/* Management, which leads from no role to every host: "10.9.0.0/28: tcp/22", one a line. */
void management_lines(struct arena *arena, const struct policy *policy, text_lines *lines);

/* "10.20.1.11, 2001:db8::11", "10.20.9.0/28, 10.20.10.1 and 6 more", "any address" */
const char *addresses_brief(struct arena *arena, const struct prefix_list *list);

/* From so many ports on a range counts as wide. */
#define WIDE_PORTS 1000u

/* Destination ports of all services together. */
uint32_t services_port_count(const struct service_list *services);

/* As show has it for the pairing's rules: "Voice Components, row 6 (Advisory, lines 214-222)". */
const char *pairing_cite(struct arena *arena, const struct pairing *pairing);

#endif
