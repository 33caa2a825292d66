/* SPDX-License-Identifier: BSD-2-Clause */
#include "media.h"

#include <netinet/in.h>

/* The UDP ports of a flow. */
struct udp_ports {
	struct port_list ranges; /* UDP alone, more than one port */
	struct port_list others;
};

static void add_ports(const struct scope *scope, const struct service_term *term,
		      struct udp_ports *udp)
{
	port_term_list one = {.items = (struct port_term *)&term->ports, .count = 1};
	struct port_list ports = {0};
	bool has_udp = false;
	struct lack lack;

	for (unsigned i = 0; i < term->protocol_count; i++)
		has_udp |= term->protocols[i] == IPPROTO_UDP;
	if (!has_udp || !scope_ports(scope, &one, &ports, &lack))
		return;
	list_for_each (range, &ports) {
		bool wide = term->protocol_count == 1 && range->last > range->first;

		port_list_add(scope->arena, wide ? &udp->ranges : &udp->others, range->first,
			      range->last);
	}
}

static void add_terms(const struct scope *scope, const service_term_list *terms,
		      struct udp_ports *udp)
{
	list_for_each (term, terms) {
		const struct setting *setting;
		struct lack lack;

		if (term->kind == SERVICE_PORTS)
			add_ports(scope, term, udp);
		if (term->kind != SERVICE_PARAMETER)
			continue;
		setting = scope_setting(scope, term->parameter, &lack);
		/* References of settings are followed already, so this is the last step down. */
		if (setting && setting->has_value && !setting->value.none)
			add_terms(scope, &setting->value.services, udp);
	}
}

void media_services(const struct scope *scope, const service_term_list *allow,
		    const struct service_list *services, struct service_list *ret_media)
{
	struct service_list media = {0};
	struct udp_ports udp = {0};
	struct port_list ports;

	add_terms(scope, allow, &udp);
	port_list_normalize(&udp.ranges);
	port_list_normalize(&udp.others);
	if (udp.ranges.count) {
		ports = port_list_without(scope->arena, &udp.ranges, &udp.others);
		if (ports.count)
			service_list_add(scope->arena, &media, IPPROTO_UDP, &ports);
	} else {
		list_for_each (service, services) {
			if (service->protocol == IPPROTO_TCP || service->protocol == IPPROTO_UDP)
				service_list_add(scope->arena, &media, service->protocol,
						 &service->ports);
		}
	}
	*ret_media = media;
}

unsigned media_options(unsigned options, uint8_t protocol, bool is_media)
{
	if (!is_media)
		return options & RULE_LIMIT;
	return protocol == IPPROTO_UDP ? options : options & ~RULE_SHAPE_RTP;
}
