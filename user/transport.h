/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's own port and address as the Genesys configuration writes them (Genesys Security
 * Deployment Guide: Client-Side Port Definition, lines 138-200): as Transport Protocol Parameters,
 * "port=20340;address=10.0.5.7", and on a command line, "-transport-port 20340 -transport-address
 * 10.0.5.7".
 */
#ifndef SALLYPORT_TRANSPORT_H
#define SALLYPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

struct transport {
	uint16_t port;
	bool has_address;
	struct address address;
};

/*
 * Parse the whole text. False with, in *ret_wrong, what is wrong and what would be right. The port
 * is required (reading P-03), the address is one in numbers (reading P-04).
 */
bool transport_parse(struct arena *arena, const char *text, struct transport *ret_transport,
		     const char **ret_wrong);
/* Other words of the command line may be anything; quotes are followed as a shell does. */
bool transport_parse_command_line(struct arena *arena, const char *text,
				  struct transport *ret_transport, const char **ret_wrong);

/* "port=20340;address=10.0.5.7", and as on a command line. In the arena. */
const char *transport_format(struct arena *arena, const struct transport *transport);
const char *transport_format_command_line(struct arena *arena, const struct transport *transport);

bool transport_equal(const struct transport *a, const struct transport *b);

#endif
