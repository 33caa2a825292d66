/* SPDX-License-Identifier: BSD-2-Clause */
#include "destination.h"

#include <string.h>

#include "binding.h"
#include "reference.h"

struct destination_reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
	const struct instance *instance;
	const struct site_locations *locations;
	LIST(struct destination) destinations;
};

/* ------------------------------------------------------------ the peer -------------------------
 */

static void refuse_host(struct destination_reader *reader, const struct site_location *location)
{
	const struct site *site = reader->policy->site;
	const char *host = location->uri.host;
	word_list names = {0};

	list_for_each (other, &site->hosts)
		*arena_push(reader->arena, &names) = other->name;
	list_for_each (set, &site->sets)
		*arena_push(reader->arena, &names) = set->name;
	diagnostics_error(reader->diagnostics, location->at,
			  "no host or set `%s` in this file: give it addresses under `sets`, or "
			  "write the address in the location%s",
			  host, did_you_mean(reader->arena, host, &names));
}

static const struct end *address_terms_end(struct destination_reader *reader,
					   const struct site_location *location,
					   const address_term_list *terms, const char *name)
{
	const struct end *end = end_of_addresses(reader->arena, reader->policy, terms, name);

	for (size_t i = 0; i < end->member_count; i++) {
		if (!addresses_are_any(end->members[i].addresses))
			continue;
		diagnostics_error(reader->diagnostics, location->at,
				  "the peer of this location, `%s`, is any address: name the one "
				  "that it is",
				  name);
		return NULL;
	}
	return end;
}

/* NULL after an error. */
static const struct end *find_peer(struct destination_reader *reader,
				   const struct site_location *location)
{
	const struct site *site = reader->policy->site;
	const struct uri *uri = &location->uri;
	const struct site_host *host;
	struct address_term term = {.kind = ADDRESS_SET, .name = uri->host, .at = location->at};
	const address_term_list terms = {&term, 1, 1};
	struct prefix prefix;

	if (uri->scheme == URI_MAILTO)
		return address_terms_end(reader, location, &reader->locations->mail_relay,
					 "mail-relay");
	if (uri->is_address) {
		prefix = prefix_of_address(&uri->address);
		term.kind = ADDRESS_PREFIXES;
		prefix_list_add(reader->arena, &term.prefixes, &prefix);
		return address_terms_end(reader, location, &terms, uri->host);
	}
	host = site_find_host(site, uri->host);
	if (host)
		return end_of_host(reader->arena, reader->policy, host, uri->host);
	if (site_find_set(site, uri->host))
		return address_terms_end(reader, location, &terms, uri->host);
	refuse_host(reader, location);
	return NULL;
}

/* ------------------------------------------------------------ locations ------------------------
 */

static bool has_flow(const struct catalog *catalog, enum uri_scheme scheme)
{
	list_for_each (flow, &catalog->flows) {
		if (flow->each == EACH_LOCATION && flow->scheme == scheme)
			return true;
	}
	return false;
}

static bool is_same(const struct uri *a, const struct uri *b)
{
	return a->scheme == b->scheme && a->port == b->port && !strcmp(a->host, b->host);
}

static void read_location(struct destination_reader *reader, const struct site_location *location)
{
	const struct uri *uri = &location->uri;
	const char *scheme = uri_scheme_name(uri->scheme);
	const struct end *to;

	if (uri->scheme == URI_FILE)
		return;
	list_for_each (other, &reader->destinations) {
		if (other->instance == reader->instance && is_same(&other->location->uri, uri))
			return;
	}
	if (!has_flow(reader->instance->catalog, uri->scheme)) {
		diagnostics_error(reader->diagnostics, location->at,
				  "catalog `%s` has no flow for locations of scheme `%s`, so this "
				  "one would give no rule",
				  reader->instance->catalog->name.text, scheme);
		return;
	}
	to = find_peer(reader, location);
	if (!to)
		return;
	*arena_push(reader->arena, &reader->destinations) = (struct destination){
		.location = location,
		.instance = reader->instance,
		.to = to,
		.suffix = arena_printf(reader->arena, "%s-%s", scheme, uri->host),
	};
}

void destinations_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy)
{
	struct destination_reader reader = {
		.arena = arena, .diagnostics = diagnostics, .policy = policy};

	list_for_each (locations, &policy->site->locations) {
		reader.locations = locations;
		reader.instance = NULL;
		for (size_t i = 0; i < policy->instance_count; i++) {
			if (!strcmp(policy->instances[i].name, locations->instance.text))
				reader.instance = &policy->instances[i];
		}
		/* What is not in catalogs was reported by site_read. */
		if (!reader.instance || !reader.instance->catalog)
			continue;
		for (size_t use = 0; use < LOCATION_USE_COUNT; use++) {
			list_for_each (location, &locations->uses[use])
				read_location(&reader, location);
		}
	}
	policy->destinations = reader.destinations.items;
	policy->destination_count = reader.destinations.count;
}

/* ------------------------------------------------------------ pairings -------------------------
 */

/* The location's own port, else what the flow says, else its scheme's. */
static const service_term_list *peer_services(struct arena *arena, const struct uri *uri,
					      const struct flow_rule *flow)
{
	uint16_t number = uri->port ? uri->port : uri_scheme_port(uri->scheme);
	struct port_term port = {.kind = PORTS_RANGE, .range = {number, number}};
	struct service_term own = {.kind = SERVICE_PORTS,
				   .protocols = {uri_scheme_protocol(uri->scheme)},
				   .protocol_count = 1};
	const port_term_list ports = {&port, 1, 1};
	const service_term_list services = {&own, 1, 1};

	if (!flow->allow.count)
		return service_terms_at(arena, &services, &ports);
	return uri->port ? service_terms_at(arena, &flow->allow, &ports) : &flow->allow;
}

static bool joins(const struct destination *destination, const struct pairing *pattern)
{
	return destination->instance == pattern->instance &&
	       destination->location->uri.scheme == pattern->flow->scheme;
}

/* Has an earlier destination of the pattern this host? Then it has that one's id. */
static bool is_first(const struct policy *policy, size_t index, const struct pairing *pattern)
{
	const struct destination *all = policy->destinations;

	for (size_t i = 0; i < index; i++) {
		if (joins(&all[i], pattern) && !strcmp(all[i].suffix, all[index].suffix))
			return false;
	}
	return true;
}

void destination_pairings(struct arena *arena, const struct policy *policy,
			  const struct pairing *pattern, pairing_list *list)
{
	const struct destination *all = policy->destinations;

	for (size_t i = 0; i < policy->destination_count; i++) {
		if (!joins(&all[i], pattern) || !is_first(policy, i, pattern))
			continue;
		for (size_t j = i; j < policy->destination_count; j++) {
			struct pairing *pairing;

			if (!joins(&all[j], pattern) || strcmp(all[i].suffix, all[j].suffix) != 0)
				continue;
			pairing = arena_push(arena, list);
			*pairing = *pattern;
			pairing->id = arena_printf(arena, "%s:%s", pattern->id, all[j].suffix);
			pairing->to = all[j].to;
			pairing->allow = peer_services(arena, &all[j].location->uri, pattern->flow);
			pairing->destination = &all[j];
		}
	}
}

void destinations_check(struct diagnostics *diagnostics, const struct policy *policy)
{
	for (size_t i = 0; i < policy->destination_count; i++) {
		const struct destination *destination = &policy->destinations[i];

		if (destination->location->uri.scheme == URI_FTP)
			diagnostics_warning(
				diagnostics, destination->location->at,
				"FTP moves files over a second connection, to a port that the "
				"server chooses, and this location gives the first alone: use "
				"sftp, or add a flow of the site's own for that range");
	}
}
