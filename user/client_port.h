/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section client-ports of a site: connections whose client has a port of its own. Reading and
 * printing; what they mean is for connection.c.
 */
#ifndef SALLYPORT_CLIENT_PORT_H
#define SALLYPORT_CLIENT_PORT_H

#include "reader.h"
#include "site.h"
#include "writer.h"

void client_ports_read(const struct reader *reader, const struct node *node, struct site *site);
void client_ports_print(struct writer *writer, const struct site *site);

#endif
