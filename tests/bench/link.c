/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int connect_peer(struct link *link, const char *const local[2], const struct address *from,
			struct failure *failure)
{
	const uint8_t *mac = link->host->mac;
	char line[1024], text[ADDRESS_TEXT_MAX];
	int error;

	snprintf(line, sizeof(line), "ip link set " NAMESPACE_OTHER " netns /proc/%d/fd/%d",
		 (int)getpid(), link->peer->fd);
	error = namespace_shell(link->host, line, failure, NULL);
	if (error)
		return error;
	address_format(from, text);
	snprintf(line, sizeof(line),
		 "ip link set " NAMESPACE_OTHER " address " NAMESPACE_GATEWAY_MAC " up\n"
		 "ip addr add %s/%u dev " NAMESPACE_OTHER "\n"
		 "ip route add %s dev " NAMESPACE_OTHER "\n"
		 "ip neigh add %s dev " NAMESPACE_OTHER " lladdr %02x:%02x:%02x:%02x:%02x:%02x\n",
		 text, address_bits(from), local[from->family == 6], local[from->family == 6],
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	error = namespace_shell(link->peer, line, failure, NULL);
	if (error)
		return error;
	return namespace_set_device(link->peer, NAMESPACE_OTHER, failure);
}

int link_new(const char *const local[2], const struct address *from, struct link *link,
	     struct failure *failure)
{
	int error;

	*link = (struct link){0};
	error = namespace_new(local, failure, &link->host);
	if (!error)
		error = namespace_new_empty(failure, &link->peer);
	if (!error)
		error = connect_peer(link, local, from, failure);
	if (error)
		link_free(link);
	return error;
}

void link_free(struct link *link)
{
	namespace_free(link->host);
	namespace_free(link->peer);
	*link = (struct link){0};
}

/* ---- counting ---- */

/* A number behind the word-th blank of the first line that begins so, of text. */
static bool number_behind(const char *text, const char *begin, unsigned word, uint64_t *ret_number)
{
	const char *at = text;
	size_t length = strlen(begin);

	while (at && strncmp(at, begin, length) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	for (unsigned i = 0; at && i < word; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at && sscanf(at, "%" SCNu64, ret_number) == 1;
}

/* Lines of /proc/net: "own: bytes packets ...", and the second of "Ip:" is "Ip: forwarding ttl
 * InReceives ...". */
int link_read(const struct link *link, struct link_counts *counts, struct failure *failure)
{
	static const char line[] =
		"sed -n 's/^ *" NAMESPACE_DEVICE ": */device /p' /proc/net/dev | tr -s ' '\n"
		"grep '^Ip: [0-9]' /proc/net/snmp";
	char *text = NULL;
	int error = namespace_shell(link->host, line, failure, &text);

	if (error)
		return error;
	if (!number_behind(text, "device", 2, &counts->received) ||
	    !number_behind(text, "Ip:", 3, &counts->to_stack))
		error = fail(failure, EPROTO, "the device's counters can't be read: %.200s", text);
	free(text);
	return error;
}
