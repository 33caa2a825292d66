/* SPDX-License-Identifier: BSD-2-Clause */
#include "service.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/abi.h"

#define PORT_LAST 65535u

bool protocol_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

const char *protocol_name(uint8_t protocol, char *buffer)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {
		{IPPROTO_ICMP, "icmp"}, {IPPROTO_TCP, "tcp"},	    {IPPROTO_UDP, "udp"},
		{IPPROTO_ESP, "esp"},	{IPPROTO_ICMPV6, "icmpv6"}, {IPPROTO_SCTP, "sctp"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].protocol == protocol)
			return names[i].name;
	}
	snprintf(buffer, 16, "proto/%u", protocol);
	return buffer;
}

void port_list_add(struct arena *arena, struct port_list *list, uint16_t first, uint16_t last)
{
	*arena_push(arena, list) = (struct port_range){first, last};
}

static int compare_ranges(const void *a, const void *b)
{
	const struct port_range *left = a;
	const struct port_range *right = b;

	if (left->first != right->first)
		return left->first < right->first ? -1 : 1;
	return (int)left->last - (int)right->last;
}

void port_list_normalize(struct port_list *list)
{
	size_t kept = 0;

	if (list->count < 2)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_ranges);
	for (size_t i = 1; i < list->count; i++) {
		struct port_range *top = &list->items[kept];
		const struct port_range *range = &list->items[i];

		if (range->first <= (unsigned)top->last + 1) {
			if (range->last > top->last)
				top->last = range->last;
		} else {
			list->items[++kept] = *range;
		}
	}
	list->count = kept + 1;
}

bool port_list_contains(const struct port_list *list, uint16_t port)
{
	list_for_each (range, list) {
		if (range->first <= port && port <= range->last)
			return true;
	}
	return false;
}

bool port_list_covers(const struct port_list *outer, const struct port_list *inner)
{
	list_for_each (range, inner) {
		bool covered = false;

		/* outer is canonical, so one of its ranges must hold the whole of it. */
		list_for_each (candidate, outer) {
			if (candidate->first <= range->first && range->last <= candidate->last)
				covered = true;
		}
		if (!covered)
			return false;
	}
	return true;
}

bool port_list_overlaps(const struct port_list *a, const struct port_list *b)
{
	list_for_each (left, a) {
		list_for_each (right, b) {
			if (left->first <= right->last && right->first <= left->last)
				return true;
		}
	}
	return false;
}

bool port_list_is_any(const struct port_list *list)
{
	return list->count == 1 && !list->items[0].first && list->items[0].last == PORT_LAST;
}

struct port_list port_list_without(struct arena *arena, const struct port_list *list,
				   const struct port_list *other)
{
	struct port_list only = {0};

	list_for_each (range, list) {
		unsigned next = range->first;

		list_for_each (hole, other) {
			if (hole->last < next || hole->first > range->last)
				continue;
			if (hole->first > next)
				port_list_add(arena, &only, (uint16_t)next,
					      (uint16_t)(hole->first - 1));
			next = (unsigned)hole->last + 1;
		}
		if (next <= range->last)
			port_list_add(arena, &only, (uint16_t)next, range->last);
	}
	return only;
}

bool port_list_equal(const struct port_list *a, const struct port_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (compare_ranges(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

void service_list_add(struct arena *arena, struct service_list *list, uint8_t protocol,
		      const struct port_list *ports)
{
	size_t at = 0;

	while (at < list->count && list->items[at].protocol < protocol)
		at++;
	if (at == list->count || list->items[at].protocol != protocol) {
		arena_push(arena, list);
		memmove(&list->items[at + 1], &list->items[at],
			(list->count - 1 - at) * sizeof(*list->items));
		list->items[at] = (struct service){.protocol = protocol};
	}
	list_for_each (range, ports) {
		port_list_add(arena, &list->items[at].ports, range->first, range->last);
	}
	port_list_normalize(&list->items[at].ports);
}

bool service_list_covers(const struct service_list *outer, const struct service_list *inner)
{
	list_for_each (service, inner) {
		bool covered = !service->ports.count;

		list_for_each (other, outer) {
			if (other->protocol == service->protocol)
				covered = port_list_covers(&other->ports, &service->ports);
		}
		if (!covered)
			return false;
	}
	return true;
}

bool service_list_equal(const struct service_list *a, const struct service_list *b)
{
	return service_list_covers(a, b) && service_list_covers(b, a);
}

void service_list_intersect(struct arena *arena, const struct service_list *a,
			    const struct service_list *b, struct service_list *common)
{
	list_for_each (left, a) {
		list_for_each (right, b) {
			struct port_list ports = {0};

			if (left->protocol != right->protocol)
				continue;
			list_for_each (x, &left->ports) {
				list_for_each (y, &right->ports) {
					uint16_t first = x->first > y->first ? x->first : y->first;
					uint16_t last = x->last < y->last ? x->last : y->last;

					if (first <= last)
						port_list_add(arena, &ports, first, last);
				}
			}
			if (ports.count)
				service_list_add(arena, common, left->protocol, &ports);
		}
	}
}

static char *range_format(struct arena *arena, const struct port_range *range)
{
	if (!range->first && range->last == PORT_LAST)
		return arena_strdup(arena, "any");
	if (range->first == range->last)
		return arena_printf(arena, "%u", range->first);
	return arena_printf(arena, "%u-%u", range->first, range->last);
}

static const char *join(struct arena *arena, const char *before, const char *separator,
			const char *item)
{
	return *before ? arena_printf(arena, "%s%s%s", before, separator, item) : item;
}

char *port_list_format(struct arena *arena, const struct port_list *list)
{
	const char *text = "";

	if (!list->count)
		return arena_strdup(arena, "none");
	list_for_each (range, list) {
		text = join(arena, text, ", ", range_format(arena, range));
	}
	return arena_strdup(arena, text);
}

/* A range and every protocol that has exactly it. */
struct line {
	struct port_range range;
	const char *protocols;
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *left = a;
	const struct line *right = b;
	int order = compare_ranges(&left->range, &right->range);

	return order ? order : strcmp(left->protocols, right->protocols);
}

static const char *ported_format(struct arena *arena, const struct service_list *list)
{
	LIST(struct line) lines = {0};
	const char *text = "";
	char buffer[16];

	list_for_each (service, list) {
		if (!protocol_has_ports(service->protocol))
			continue;
		list_for_each (range, &service->ports) {
			const char *name = protocol_name(service->protocol, buffer);
			struct line *line = NULL;

			list_for_each (other, &lines) {
				if (!compare_ranges(&other->range, range))
					line = other;
			}
			if (!line) {
				line = arena_push(arena, &lines);
				*line = (struct line){*range, ""};
			}
			line->protocols = join(arena, line->protocols, "+", name);
		}
	}
	if (lines.count)
		qsort(lines.items, lines.count, sizeof(*lines.items), compare_lines);
	list_for_each (line, &lines) {
		text = join(arena, text, ", ",
			    arena_printf(arena, "%s/%s", line->protocols,
					 range_format(arena, &line->range)));
	}
	return text;
}

char *service_list_format(struct arena *arena, const struct service_list *list)
{
	const char *text = ported_format(arena, list);
	bool echo = false;
	char buffer[16];

	list_for_each (service, list) {
		uint8_t protocol = service->protocol;

		if (protocol_has_ports(protocol) || !service->ports.count)
			continue;
		/* Echo is one service in files, of two protocols on the wire. */
		if ((protocol == IPPROTO_ICMP &&
		     port_list_contains(&service->ports, ICMP4_ECHO_SERVICE)) ||
		    (protocol == IPPROTO_ICMPV6 &&
		     port_list_contains(&service->ports, ICMP6_ECHO_SERVICE))) {
			if (!echo)
				text = join(arena, text, ", ", "icmp/echo");
			echo = true;
			continue;
		}
		text = join(arena, text, ", ",
			    arena_strdup(arena, protocol_name(protocol, buffer)));
	}
	return arena_strdup(arena, *text ? text : "none");
}
