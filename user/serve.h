/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exporter's web server: / (a page that links /metrics), /metrics, /healthz. One thread, an
 * epoll loop, SERVE_CONNECTIONS_MAX connections, SERVE_TIMEOUT_SECONDS for each.
 */
#ifndef SALLYPORT_SERVE_H
#define SALLYPORT_SERVE_H

#include <stdbool.h>
#include <stdio.h>

#include "failure.h"

/* Below 9100, where the exporters' allocations begin, and unassigned by IANA. */
#define SERVE_ADDRESS_DEFAULT "127.0.0.1:9077"

/* Asked anew by every request. */
struct serve_source {
	/* Writes the page of metrics. 0 or -errno with the reason: answered with 503. */
	int (*metrics)(void *data, FILE *out, struct failure *failure);
	/* Writes a line of words; false: answered with 503. */
	bool (*health)(void *data, FILE *out);
	void *data;
};

struct server;

/*
 * Whether it is an address to listen on: "HOST:PORT", "[::1]:PORT", or ":PORT" for every address.
 * 0, or -EINVAL with what would be right. No host's name is looked up.
 */
int serve_address_check(const char *address, struct failure *failure);

/*
 * Listens. address: one that serve_address_check() takes; port 0 lets the kernel choose. source
 * must outlive the server. 0 or -errno with the reason.
 */
int server_open(const char *address, const struct serve_source *source, struct failure *failure,
		struct server **ret_server);
const char *server_address(const struct server *server); /* that it listens on, numeric */
/* Answers requests until stop can be read. 0 or -errno with the reason. */
int server_run(struct server *server, int stop, struct failure *failure);
void server_free(struct server *server);
void server_freep(struct server **server);

#endif
