/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the document and the machines ask of client ports: Client-Side Port Definition, "Supporting
 * Components" and "Known Issues and Recommendations".
 */
#include <netinet/in.h>
#include <string.h>

#include "connection.h"
#include "partner.h"

/* ------------------------------------------------------------ which flow -----------------------
 */

static bool names_role(const struct instance *instance, const struct word *word,
		       const struct binding *binding)
{
	const char *prefix = binding->instance->name;
	const char *name = word->text;
	const struct catalog *catalog = binding->instance->catalog;
	const struct group *group;
	size_t length = strlen(prefix);

	/* In the site's own flows the instance stands before the name. */
	if (instance != binding->instance) {
		if (strncmp(name, prefix, length) || name[length] != '/')
			return false;
		name += length + 1;
	}
	if (!strcmp(name, binding->role->id.text))
		return true;
	group = catalog_group(catalog, name);
	for (size_t i = 0; group && i < group->roles.count; i++) {
		if (!strcmp(group->roles.items[i].text, binding->role->id.text))
			return true;
	}
	return false;
}

static bool end_has(const struct instance *instance, const word_list *end,
		    const struct binding *binding)
{
	list_for_each (word, end) {
		if (names_role(instance, word, binding))
			return true;
	}
	return false;
}

enum flow_kind { FLOW_TEMPLATE, FLOW_PARTNERS, FLOW_PLAIN };

static enum flow_kind flow_kind(const struct flow_rule *flow)
{
	if (flow->each)
		return FLOW_TEMPLATE;
	return flow->between_partners ? FLOW_PARTNERS : FLOW_PLAIN;
}

/* A catalog's flow, or one of the site's own, of that kind between the two; or NULL. */
static const struct flow_rule *find_flow(const struct policy *policy, enum flow_kind kind,
					 const struct binding *client, const struct binding *server)
{
	for (size_t i = 0; i < policy->instance_count; i++) {
		const struct instance *instance = &policy->instances[i];

		if (!instance->catalog ||
		    (instance != client->instance && strcmp(instance->name, "site") != 0))
			continue;
		list_for_each (flow, &instance->catalog->flows) {
			if (flow_kind(flow) == kind && flow->each != EACH_LOCATION &&
			    end_has(instance, &flow->from, client) &&
			    end_has(instance, &flow->to, server))
				return flow;
		}
	}
	return NULL;
}

/* ------------------------------------------------------------ pairs that can't ------------------
 */

static const char *cite_text(struct arena *arena, const struct flow_rule *flow)
{
	const struct cite *cite = flow->cite.count ? &flow->cite.items[0] : NULL;

	if (!cite || !cite->section)
		return "";
	return arena_printf(arena, " (%s%s%s%s%s)", cite->section, cite->row ? ", row " : "",
			    cite->row ? cite->row : "",
			    !cite->lines		 ? ""
			    : strpbrk(cite->lines, "-,") ? ", lines "
							 : ", line ",
			    cite->lines ? cite->lines : "");
}

static const struct site_host *partner_server(const struct connection *connection)
{
	for (size_t i = 0; i < connection->to_count; i++) {
		if (hosts_are_partners(connection->from.host, connection->to[i].host))
			return connection->to[i].host;
	}
	return NULL;
}

/* The servers to which the client may have a port of its own, for the message. */
static const char *possible_servers(struct arena *arena, const struct policy *policy,
				    const struct binding *client)
{
	const char *names = "";

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *server = &policy->bindings[i];

		if (find_flow(policy, FLOW_TEMPLATE, client, server))
			names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "",
					     server->id);
	}
	return names;
}

bool connection_is_supported(struct arena *arena, struct diagnostics *diagnostics,
			     const struct policy *policy, const struct connection *connection)
{
	const struct site_client_port *entry = connection->entry;
	const struct binding *client = connection->client, *server = connection->server;
	const struct site_host *partner = partner_server(connection);
	const struct flow_rule *flow = find_flow(policy, FLOW_PARTNERS, client, server);
	const char *servers;

	if (flow && partner) {
		diagnostics_error(
			diagnostics, entry->server.at,
			"`%s` and `%s` are HA partners, and between those there is no "
			"client port: flow `%s`%s lets any port open; take this entry out",
			connection->from.host->name.text, partner->name.text, flow->id.text,
			cite_text(arena, flow));
		return false;
	}
	if (find_flow(policy, FLOW_TEMPLATE, client, server))
		return true;
	flow = find_flow(policy, FLOW_PLAIN, client, server);
	if (flow) {
		diagnostics_error(diagnostics, entry->server.at,
				  "`%s` can't have a client port to `%s`: flow `%s`%s opens from "
				  "any port; take this entry out",
				  client->id, server->id, flow->id.text, cite_text(arena, flow));
		return false;
	}
	servers = possible_servers(arena, policy, client);
	diagnostics_error(
		diagnostics, entry->server.at,
		"`%s` to `%s` is no connection for which the document lists client ports; "
		"%s%s%s",
		client->id, server->id, *servers ? "from this client they are to " : "",
		*servers ? servers : "this client has none", "");
	return false;
}

/* ------------------------------------------------------------ ports of one machine --------------
 */

static bool lists_meet(const struct prefix_list *a, const struct prefix_list *b)
{
	list_for_each (prefix, a) {
		list_for_each (other, b) {
			if (prefix_covers(prefix, other) || prefix_covers(other, prefix))
				return true;
		}
	}
	return false;
}

/* By name, or for what is only in bind by an address named there. */
static bool is_same_machine(const struct end_member *a, const struct site_host *host,
			    const struct prefix_list *single)
{
	if (a->host || host)
		return a->host == host;
	return lists_meet(a->single, single);
}

static const char *machine(struct arena *arena, const struct connection *connection)
{
	return connection->from.host
		       ? arena_printf(arena, "host `%s`", connection->from.host->name.text)
		       : arena_printf(arena, "the host of `%s`", connection->client->id);
}

static void require_other_port(struct arena *arena, struct diagnostics *diagnostics,
			       const struct connection *earlier, const struct connection *later)
{
	const struct site_client_port *entry = earlier->entry;
	unsigned port = later->entry->transport.port;

	if (entry->transport.port != port)
		return;
	if (is_same_machine(&earlier->from, later->from.host, later->from.single))
		diagnostics_error(diagnostics, later->entry->transport_at,
				  "port %u is there twice on %s: on line %u it is that of `%s` to "
				  "`%s`; each connection needs a port of its own",
				  port, machine(arena, later), entry->transport_at.line,
				  earlier->client->id, earlier->server->id);
	else if (earlier->client == later->client &&
		 hosts_are_partners(earlier->from.host, later->from.host))
		diagnostics_error(
			diagnostics, later->entry->transport_at,
			"port %u is on line %u also that of `%s`, the HA partner of `%s`: "
			"what the primary's Application object says was propagated to the "
			"backup's; correct it there, and write it here",
			port, entry->transport_at.line, earlier->from.host->name.text,
			later->from.host->name.text);
}

static bool has_port(const struct service_list *services, uint16_t port)
{
	list_for_each (service, services) {
		if (service->protocol == IPPROTO_TCP && port_list_contains(&service->ports, port))
			return true;
	}
	return false;
}

/* At that member of the role: what the document says must be vacant, and where flows open to. */
static bool listens_at(struct arena *arena, const struct policy *policy,
		       const struct binding *binding, const struct member *member, uint16_t port)
{
	struct scope scope = {arena, policy, binding->instance, member->host};
	struct service_list services = {0};
	struct lack lack;

	if (scope_services(&scope, &binding->role->listens, &services, &lack) &&
	    has_port(&services, port))
		return true;
	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		services = (struct service_list){0};
		if (pairing->to->binding == binding && pairing->from->member_count &&
		    pairing_services(arena, policy, pairing, member->host, &services, &lack) &&
		    has_port(&services, port))
			return true;
	}
	return false;
}

static void require_free_port(struct arena *arena, struct diagnostics *diagnostics,
			      const struct policy *policy, const struct connection *connection)
{
	uint16_t port = connection->entry->transport.port;

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t j = 0; j < binding->member_count; j++) {
			const struct member *member = &binding->members[j];

			if (!is_same_machine(&connection->from, member->host, &member->single) ||
			    !listens_at(arena, policy, binding, member, port))
				continue;
			diagnostics_error(diagnostics, connection->entry->transport_at,
					  "on %s, `%s` listens on port %u, so that no client can "
					  "open from it: choose another port",
					  machine(arena, connection), binding->id, port);
			return;
		}
	}
}

void connections_require(struct diagnostics *diagnostics, const struct policy *policy)
{
	cleanup(arena_freep) struct arena *scratch = arena_new();
	const struct connection *all = policy->connections;

	for (size_t i = 0; i < policy->connection_count; i++) {
		for (size_t j = 0; j < i; j++)
			require_other_port(scratch, diagnostics, &all[j], &all[i]);
		require_free_port(scratch, diagnostics, policy, &all[i]);
	}
}

/* ------------------------------------------------------------ the first connection -------------
 */

/* Every client opens to one of these first (lines 90 and 105): the roles' ids in the catalog. */
static const char *const first_servers[] = {"configuration-server", "configuration-server-proxy"};

static bool is_first_server(const struct binding *binding)
{
	for (size_t i = 0; i < sizeof(first_servers) / sizeof(first_servers[0]); i++) {
		if (!strcmp(binding->role->id.text, first_servers[i]))
			return true;
	}
	return false;
}

static bool is_same_client(const struct connection *a, const struct connection *b)
{
	return a->client == b->client && is_same_machine(&a->from, b->from.host, b->from.single);
}

static bool has_first_connection(const struct policy *policy, const struct connection *connection)
{
	for (size_t i = 0; i < policy->connection_count; i++) {
		if (is_same_client(&policy->connections[i], connection) &&
		    is_first_server(policy->connections[i].server))
			return true;
	}
	return false;
}

/* By a flow that asks for no client port. */
static bool opens_freely(const struct policy *policy, const struct connection *connection,
			 const struct binding *server)
{
	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		if (pairing->connection || pairing->to->binding != server)
			continue;
		for (size_t j = 0; j < pairing->from->member_count; j++) {
			const struct end_member *member = &pairing->from->members[j];

			if (connection->from.host ? member->host == connection->from.host
						  : pairing->from->binding == connection->client)
				return true;
		}
	}
	return false;
}

static void check_first(struct arena *arena, struct diagnostics *diagnostics,
			const struct policy *policy, const struct connection *connection)
{
	const char *servers = "";

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *server = &policy->bindings[i];

		if (server->instance != connection->client->instance || !server->member_count ||
		    !is_first_server(server) ||
		    !find_flow(policy, FLOW_TEMPLATE, connection->client, server))
			continue;
		if (opens_freely(policy, connection, server))
			return;
		servers = arena_printf(arena, "%s%s`%s`", servers, *servers ? " or " : "",
				       server->id);
	}
	if (*servers)
		diagnostics_warning(
			diagnostics, connection->entry->client.at,
			"`%s` on %s has client ports, but none to %s: its first connection, from "
			"which it learns of all others, is blocked; give it one",
			connection->client->id, machine(arena, connection), servers);
}

void connections_check(struct arena *arena, struct diagnostics *diagnostics,
		       const struct policy *policy)
{
	for (size_t i = 0; i < policy->connection_count; i++) {
		const struct connection *connection = &policy->connections[i];
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen |= is_same_client(&policy->connections[j], connection);
		if (!seen && !has_first_connection(policy, connection))
			check_first(arena, diagnostics, policy, connection);
	}
}
