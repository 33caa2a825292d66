/* SPDX-License-Identifier: BSD-2-Clause */
/* The canonical text of a site: the keys in the order of their documentation, defaults left out. */
#include <string.h>

#include "../include/bounds.h"
#include "adjust.h"
#include "client_port.h"
#include "feed_source.h"
#include "flow_rule.h"
#include "forbid.h"
#include "location.h"
#include "node.h"
#include "site_words.h"
#include "words.h"
#include "writer.h"

static const char *number_text(struct writer *writer, uint32_t number)
{
	return arena_printf(writer->arena, "%u", number);
}

static void print_mode(struct writer *writer, unsigned indent, const struct site_modes *mode)
{
	pair_list pairs = {0};

	if (!mode->is_set)
		return;
	pair_list_add(writer, &pairs, "in", mode_name(mode->in));
	pair_list_add(writer, &pairs, "out", mode_name(mode->out));
	write_pairs(writer, indent, "mode", &pairs);
}

static void print_interfaces(struct writer *writer, unsigned indent, bool is_auto,
			     const word_list *interfaces)
{
	text_list texts = texts_of_words(writer, interfaces);

	if (is_auto)
		write_text(writer, indent, "interfaces", "auto");
	else if (texts.count)
		write_list(writer, indent, "interfaces", &texts);
}

/*
 * host: of the site, with its defaults left out, or (settings of hosts.H) whatever is set: there a
 * default says that the site's value is not meant.
 */
static struct host_settings without_defaults(const struct host_settings *settings)
{
	static const uint32_t timeouts_ms[FLOW_STATE_COUNT] = TIMEOUT_MS_DEFAULTS;
	struct host_settings kept = *settings;
	size_t i;

	kept.has_dhcp = settings->has_dhcp && settings->dhcp;
	kept.has_forwarding = settings->has_forwarding && settings->forwarding != FORWARDING_REFUSE;
	kept.link = link_settings_without_defaults(&settings->link);
	for (i = 0; i < FLOW_STATE_COUNT; i++)
		kept.has_timeout[i] =
			settings->has_timeout[i] && settings->timeout_ms[i] != timeouts_ms[i];
	kept.has_cross_check =
		settings->has_cross_check && settings->cross_check != CROSS_CHECK_DEFAULT;
	kept.has_adopt = settings->has_adopt && settings->adopt_ms != ADOPT_MS_DEFAULT;
	return kept;
}

static void print_settings(struct writer *writer, unsigned indent,
			   const struct host_settings *settings)
{
	pair_list timeouts = {0};
	text_list floating;
	size_t i;

	if (settings->has_dhcp)
		write_text(writer, indent, "dhcp", settings->dhcp ? "yes" : "no");
	if (settings->has_forwarding)
		write_text(writer, indent, "forwarding", forwarding_words[settings->forwarding]);
	if (settings->has_floating) {
		floating = texts_of_addresses(writer, &settings->floating);
		write_list(writer, indent, "floating", &floating);
	}
	icmp_echo_print(writer, indent, &settings->link);
	for (i = 0; i < FLOW_STATE_COUNT; i++)
		if (settings->has_timeout[i])
			pair_list_add(writer, &timeouts, timeout_words[i],
				      duration_format(writer->arena, settings->timeout_ms[i]));
	if (timeouts.count)
		write_pairs(writer, indent, "timeouts", &timeouts);
	if (settings->has_adopt)
		write_text(writer, indent, "adopt",
			   duration_format(writer->arena, settings->adopt_ms));
	if (settings->has_cross_check)
		write_text(writer, indent, "cross-check",
			   number_text(writer, settings->cross_check));
	link_settings_print(writer, indent, &settings->link);
}

static void print_site_settings(struct writer *writer, const struct host_settings *settings)
{
	struct host_settings kept = without_defaults(settings);
	bool some = kept.has_dhcp || kept.has_forwarding || kept.has_floating || kept.has_adopt ||
		    kept.has_cross_check || !link_settings_are_empty(&kept.link);
	size_t i;

	for (i = 0; i < FLOW_STATE_COUNT; i++)
		some = some || kept.has_timeout[i];
	if (!some)
		return;
	write_heading(writer, 0, "host");
	print_settings(writer, 2, &kept);
}

/* any is a word, not an item. */
static bool has_mappings(const address_term_list *addresses)
{
	list_for_each (term, addresses) {
		if (term->kind == ADDRESS_FEED || term->kind == ADDRESS_DOMAIN)
			return true;
	}
	return false;
}

/* One item a line where some are mappings. */
static void print_terms(struct writer *writer, unsigned indent, const char *key,
			const address_term_list *addresses)
{
	write_heading(writer, indent, key);
	list_for_each (term, addresses) {
		const address_term_list one = {.items = term, .count = 1};

		if (term->kind == ADDRESS_FEED || term->kind == ADDRESS_DOMAIN) {
			feed_source_print(writer, indent + 2, term);
			continue;
		}
		write_item(writer);
		write_word(writer, indent + 4, texts_of_addresses(writer, &one).items[0]);
	}
}

static void print_addresses(struct writer *writer, unsigned indent, const char *key,
			    const address_term_list *addresses)
{
	text_list texts = texts_of_addresses(writer, addresses);

	if (has_mappings(addresses))
		print_terms(writer, indent, key, addresses);
	else if (addresses->count == 1 && addresses->items[0].kind == ADDRESS_ANY)
		write_text(writer, indent, key, "any");
	else
		write_list(writer, indent, key, &texts);
}

static void print_catalogs(struct writer *writer, const struct site *site)
{
	text_list names = {0};
	bool plain = true;

	list_for_each (item, &site->catalogs) {
		text_list_add(writer, &names, item->catalog.text);
		plain = plain && !strcmp(item->as, item->catalog.text);
	}
	if (plain) {
		write_list(writer, 0, "catalogs", &names);
		return;
	}
	write_heading(writer, 0, "catalogs");
	list_for_each (item, &site->catalogs) {
		pair_list pairs = {0};

		write_item(writer);
		if (!strcmp(item->as, item->catalog.text)) {
			write_word(writer, 4, item->as);
			continue;
		}
		pair_list_add(writer, &pairs, "catalog", item->catalog.text);
		pair_list_add(writer, &pairs, "as", item->as);
		write_pairs(writer, 4, NULL, &pairs);
	}
}

static void print_bounds(struct writer *writer, const struct site *site)
{
	pair_list pairs = {0};

	if (site->bound_flows != FLOWS_DEFAULT)
		pair_list_add(writer, &pairs, "flows", number_text(writer, site->bound_flows));
	if (site->bound_fragments != FRAGMENTS_DEFAULT)
		pair_list_add(writer, &pairs, "fragments",
			      number_text(writer, site->bound_fragments));
	if (site->bound_sources != SOURCES_DEFAULT)
		pair_list_add(writer, &pairs, "sources", number_text(writer, site->bound_sources));
	if (pairs.count)
		write_pairs(writer, 0, "bounds", &pairs);
}

static void print_management(struct writer *writer, const struct site *site)
{
	text_list none = {0};

	if (!site->has_management)
		return;
	/* An empty list is an answer, not a default. */
	if (!site->management.count) {
		write_list(writer, 0, "management", &none);
		return;
	}
	write_heading(writer, 0, "management");
	list_for_each (management, &site->management) {
		text_list allow = texts_of_services(writer, &management->allow);

		write_item(writer);
		print_addresses(writer, 4, "from", &management->from);
		write_list(writer, 4, "allow", &allow);
	}
}

static void print_parameters(struct writer *writer, unsigned indent,
			     const site_parameter_list *parameters)
{
	if (parameters->count)
		write_heading(writer, indent, "parameters");
	list_for_each (parameter, parameters) {
		const struct node *value = parameter->value, *item;
		text_list texts = {0};

		if (value->kind == NODE_SCALAR)
			text_list_add(writer, &texts, value->text);
		else
			for (item = value->first; item; item = item->next)
				text_list_add(writer, &texts, item->text);
		write_values(writer, indent + 2, parameter->name.text, &texts);
	}
}

static void print_host(struct writer *writer, const struct site_host *host)
{
	text_list addresses = texts_of_addresses(writer, &host->addresses);
	text_list roles = texts_of_words(writer, &host->roles);
	text_list seen_as = texts_of_addresses(writer, &host->seen_as);
	text_list partners = texts_of_words(writer, &host->partners);

	write_heading(writer, 2, host->name.text);
	write_list(writer, 4, "addresses", &addresses);
	write_list(writer, 4, "roles", &roles);
	if (seen_as.count)
		write_list(writer, 4, "seen-as", &seen_as);
	if (partners.count)
		write_values(writer, 4, "partner", &partners);
	print_mode(writer, 4, &host->mode);
	print_interfaces(writer, 4, host->interfaces_auto, &host->interfaces);
	print_parameters(writer, 4, &host->parameters);
	print_settings(writer, 4, &host->settings);
}

static void print_places(struct writer *writer, const struct site *site)
{
	if (site->sets.count)
		write_heading(writer, 0, "sets");
	list_for_each (set, &site->sets)
		print_addresses(writer, 2, set->name.text, &set->addresses);
	if (site->hosts.count)
		write_heading(writer, 0, "hosts");
	list_for_each (host, &site->hosts)
		print_host(writer, host);
	if (site->bind.count)
		write_heading(writer, 0, "bind");
	list_for_each (bind, &site->bind)
		print_addresses(writer, 2, bind->role.text, &bind->addresses);
}

static void print_without(struct writer *writer, const struct site *site)
{
	if (site->without.count)
		write_heading(writer, 0, "without");
	list_for_each (without, &site->without) {
		pair_list pairs = {0};

		pair_list_add(writer, &pairs, "flow", without->flow.text);
		pair_list_add(writer, &pairs, "because", without->because);
		write_item(writer);
		write_pairs(writer, 4, NULL, &pairs);
	}
}

void site_print(const struct site *site, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct writer writer = {.arena = arena, .out = out};

	write_text(&writer, 0, "site", site->name.text);
	if (site->about)
		write_text(&writer, 0, "about", site->about);
	print_catalogs(&writer, site);
	print_mode(&writer, 0, &site->mode);
	if (!site->interfaces_auto)
		print_interfaces(&writer, 0, false, &site->interfaces);
	if (site->lookup != LOOKUP_FLAT)
		write_text(&writer, 0, "lookup", lookup_name(site->lookup));
	print_bounds(&writer, site);
	print_site_settings(&writer, &site->settings);
	print_management(&writer, site);
	print_places(&writer, site);
	print_parameters(&writer, 0, &site->parameters);
	print_without(&writer, site);
	adjust_print(&writer, site);
	if (site->flows.count)
		write_heading(&writer, 0, "flows");
	list_for_each (flow, &site->flows)
		flow_rule_print(&writer, 4, flow);
	if (site->forbids.count)
		write_heading(&writer, 0, "forbid");
	list_for_each (forbid, &site->forbids)
		forbid_print(&writer, 4, forbid);
	client_ports_print(&writer, site);
	locations_print(&writer, site);
}
