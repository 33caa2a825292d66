/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection whose client has a port of its own: an entry of client-ports with its roles and
 * hosts found, and the pairings that a flow with "each: client-port" has for it (Genesys Security
 * Deployment Guide: Client-Side Port Definition).
 */
#ifndef SALLYPORT_CONNECTION_H
#define SALLYPORT_CONNECTION_H

#include "pairing.h"

struct connection {
	const struct site_client_port *entry;
	const struct binding *client;
	const struct binding *server;
	struct end_member from; /* its addresses are those that the client opens from */
	struct end_member *to;
	size_t to_count;
	port_term_list source; /* its one port */
};

/*
 * Fills connections of policy, whose bindings must be there. Reports what an entry names and is not
 * there, roles that several hosts have, addresses that are not the client's, and pairs that no flow
 * of a catalog gives a client port.
 */
void connections_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy);

/*
 * Adds the pairings of every connection between the ends of pattern, whose id lacks ":PORT". Those
 * of one port follow each other: they have one id and are one rule.
 */
void connection_pairings(struct arena *arena, struct diagnostics *diagnostics,
			 const struct policy *policy, const struct pairing *pattern,
			 pairing_list *list);

/* ------------------------------------------------------------ connection_check.c ---------------
 */

/* False after an error that says why the client can't have a port of its own there. */
bool connection_is_supported(struct arena *arena, struct diagnostics *diagnostics,
			     const struct policy *policy, const struct connection *connection);
/*
 * Errors of connections among each other and with the roles of their hosts: ports that are there
 * twice, that an HA partner has too, that a role listens on. Pairings must be there, with values.
 */
void connections_require(struct diagnostics *diagnostics, const struct policy *policy);
/* Warns of clients with ports to others, but none to a bound Configuration Server (P7). */
void connections_check(struct arena *arena, struct diagnostics *diagnostics,
		       const struct policy *policy);

#endif
