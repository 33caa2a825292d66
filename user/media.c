/* SPDX-License-Identifier: BSD-2-Clause */
#include "media.h"

#include <netinet/in.h>

/* The UDP ports of a flow, by how they are written. */
struct udp_ports {
	struct port_list media;	 /* of media terms */
	struct port_list wide;	 /* those of them that come in ranges */
	struct port_list others; /* of all other terms */
	unsigned media_terms;
	bool has_parameter; /* of services: what is in it is not the flow's own word */
};

static bool is_udp(const struct service_term *term)
{
	bool udp = false;

	for (unsigned i = 0; i < term->protocol_count; i++)
		udp |= term->protocols[i] == IPPROTO_UDP;
	return udp;
}

/* UDP alone, and not one port in figures. */
static bool is_media(const struct service_term *term)
{
	return term->protocol_count == 1 && is_udp(term) &&
	       (term->ports.kind != PORTS_RANGE ||
		term->ports.range.first != term->ports.range.last);
}

static void add_ports(const struct scope *scope, const struct service_term *term,
		      struct udp_ports *udp)
{
	port_term_list one = {.items = (struct port_term *)&term->ports, .count = 1};
	struct port_list ports = {0};
	struct lack lack;

	if (!is_udp(term) || !scope_ports(scope, &one, &ports, &lack))
		return;
	udp->media_terms += is_media(term);
	list_for_each (range, &ports) {
		port_list_add(scope->arena, is_media(term) ? &udp->media : &udp->others,
			      range->first, range->last);
		if (is_media(term) && range->first != range->last)
			port_list_add(scope->arena, &udp->wide, range->first, range->last);
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
		udp->has_parameter = true;
		setting = scope_setting(scope, term->parameter, &lack);
		/* References of settings are followed already, so this is the last step down. */
		if (setting && setting->has_value && !setting->value.none)
			add_terms(scope, &setting->value.services, udp);
	}
}

static void add_all(struct arena *arena, const struct service_list *services,
		    struct service_list *media)
{
	list_for_each (service, services) {
		if (service->protocol == IPPROTO_TCP || service->protocol == IPPROTO_UDP)
			service_list_add(arena, media, service->protocol, &service->ports);
	}
}

void media_services(const struct scope *scope, const service_term_list *allow,
		    const struct service_list *services, struct service_list *ret_media)
{
	struct service_list media = {0};
	struct udp_ports udp = {0};
	struct port_list ports;

	add_terms(scope, allow, &udp);
	if (udp.media_terms > 1)
		udp.media = udp.wide;
	port_list_normalize(&udp.media);
	port_list_normalize(&udp.others);
	ports = port_list_without(scope->arena, &udp.media, &udp.others);
	if (ports.count)
		service_list_add(scope->arena, &media, IPPROTO_UDP, &ports);
	if (!udp.media_terms && !udp.has_parameter)
		add_all(scope->arena, services, &media);
	*ret_media = media;
}

unsigned media_options(unsigned options, uint8_t protocol, bool is_media)
{
	if (!is_media)
		return options & RULE_LIMIT;
	return protocol == IPPROTO_UDP ? options : options & ~RULE_SHAPE_RTP;
}
