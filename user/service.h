/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports and services: the values tcp/443, tcp+udp/5060, udp/any, esp, proto/112, icmp/echo. */
#ifndef SALLYPORT_SERVICE_H
#define SALLYPORT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

/* Inclusive, host order. */
struct port_range {
	uint16_t first;
	uint16_t last;
};

/* Canonical after port_list_normalize: sorted, neither overlapping nor touching. */
struct port_list {
	struct port_range *items;
	size_t count;
	size_t capacity;
};

/*
 * One protocol with its service ports. For protocols without ports the list holds 0-0; for echo it
 * holds the echo service of include/abi.h.
 */
struct service {
	uint8_t protocol;
	struct port_list ports;
};

struct service_list {
	struct service *items;
	size_t count;
	size_t capacity;
};

bool protocol_has_ports(uint8_t protocol); /* TCP, UDP, SCTP */
const char *protocol_name(uint8_t protocol, char *buffer /* 16 bytes */);

void port_list_add(struct arena *arena, struct port_list *list, uint16_t first, uint16_t last);
void port_list_normalize(struct port_list *list);
bool port_list_contains(const struct port_list *list, uint16_t port);
bool port_list_covers(const struct port_list *outer, const struct port_list *inner);
bool port_list_overlaps(const struct port_list *a, const struct port_list *b);
bool port_list_is_any(const struct port_list *list); /* 0-65535 */
/* What list has and other has not; both canonical, and so is what comes out. */
struct port_list port_list_without(struct arena *arena, const struct port_list *list,
				   const struct port_list *other);
bool port_list_equal(const struct port_list *a, const struct port_list *b);

/* Adds ports to the protocol's entry (made if there is none); keeps the list sorted by protocol,
 * normalized. */
void service_list_add(struct arena *arena, struct service_list *list, uint8_t protocol,
		      const struct port_list *ports);

/* Every port of every protocol of inner is in outer. */
bool service_list_covers(const struct service_list *outer, const struct service_list *inner);
bool service_list_equal(const struct service_list *a, const struct service_list *b);

/* Adds to common what both have. */
void service_list_intersect(struct arena *arena, const struct service_list *a,
			    const struct service_list *b, struct service_list *common);

/* "5060, 30000-65535", "any"; "tcp+udp/5060, udp/30000-65535", "icmp/echo". */
char *port_list_format(struct arena *arena, const struct port_list *list);
char *service_list_format(struct arena *arena, const struct service_list *list);

#endif
