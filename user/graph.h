/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site as a picture: roles as boxes, grouped by catalog, with who plays them; arrows from who
 * opens to whom, with the services on them, wide ranges of ports told apart.
 */
#ifndef SALLYPORT_GRAPH_H
#define SALLYPORT_GRAPH_H

#include <stdio.h>

#include "reach.h"

void graph_print_dot(const struct policy *policy, const reach_list *reaches, FILE *out);
void graph_print_mermaid(const struct policy *policy, const reach_list *reaches, FILE *out);
/*
 * {site, boxes: [{name, catalog, members: [{host, addresses}]}], arrows: [as matrix has them, and
 * wide], management: ["from: services"]}: new reference.
 */
json_t *graph_json(const struct policy *policy, const reach_list *reaches);

#endif
