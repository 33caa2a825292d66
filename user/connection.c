/* SPDX-License-Identifier: BSD-2-Clause */
#include "connection.h"

#include <netinet/in.h>
#include <string.h>

#include "binding.h"
#include "partner.h"
#include "reference.h"

struct connection_reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
};

/* ------------------------------------------------------------ who it is ------------------------
 */

static const struct binding *find_binding(struct connection_reader *reader, const struct word *role)
{
	struct reference reference;

	if (!reference_find(reader->arena, reader->diagnostics, reader->policy, REFERENCE_ROLE,
			    role->text, role->at, &reference))
		return NULL;
	return policy_binding(reader->policy, role->text);
}

static struct end_member end_member(const struct member *member)
{
	return (struct end_member){member->host, &member->addresses, &member->single,
				   &member->seen};
}

static const char *host_names(struct arena *arena, const struct binding *binding)
{
	const char *names = "";

	for (size_t i = 0; i < binding->member_count; i++) {
		const struct site_host *host = binding->members[i].host;

		names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "",
				     host ? host->name.text : "those in `bind`");
	}
	return names;
}

/* The one that has the role; NULL after an error. key: what says which, where several have. */
static const struct member *only_member(struct connection_reader *reader,
					const struct binding *binding, const char *key,
					struct position at)
{
	if (binding->member_count == 1)
		return &binding->members[0];
	if (!binding->member_count)
		diagnostics_error(
			reader->diagnostics, at,
			"`%s` is bound to nothing, so this connection gives no rule: give "
			"the role to a host, or take this out",
			binding->id);
	else
		diagnostics_error(reader->diagnostics, at,
				  "%zu hosts have the role `%s`: say which is meant with `%s` (%s)",
				  binding->member_count, binding->id, key,
				  host_names(reader->arena, binding));
	return NULL;
}

/* The host of that name in the role; NULL after an error (none where site_read had one). */
static const struct member *named_member(struct connection_reader *reader,
					 const struct binding *binding, const struct word *name)
{
	const struct site_host *host = site_find_host(reader->policy->site, name->text);

	for (size_t i = 0; host && i < binding->member_count; i++) {
		if (binding->members[i].host == host)
			return &binding->members[i];
	}
	if (host)
		diagnostics_error(reader->diagnostics, name->at,
				  "host `%s` does not have the role `%s`%s%s%s", name->text,
				  binding->id, binding->member_count ? "; it is that of " : "",
				  binding->member_count ? host_names(reader->arena, binding) : "",
				  binding->member_count ? "" : ", nor has any other");
	return NULL;
}

/* ------------------------------------------------------------ the client's address -------------
 */

static const struct site_host *host_with(const struct policy *policy, const struct address *address)
{
	for (size_t i = 0; i < policy->site->hosts.count; i++) {
		if (prefix_list_contains(&policy->host_addresses[i], address))
			return &policy->site->hosts.items[i];
	}
	return NULL;
}

static void refuse_address(struct connection_reader *reader, const struct connection *connection)
{
	const struct site_client_port *entry = connection->entry;
	const struct site_host *host = connection->from.host;
	const struct site_host *other = host_with(reader->policy, &entry->transport.address);
	const char *client = host ? host->name.text : connection->client->id;
	char buffer[ADDRESS_TEXT_MAX];

	address_format(&entry->transport.address, buffer);
	if (hosts_are_partners(host, other))
		diagnostics_error(
			reader->diagnostics, entry->transport_at,
			"%s is the address of `%s`, the HA partner of `%s`: what the "
			"primary's Application object says was propagated to the backup's; "
			"correct port and address there, and write them here",
			buffer, other->name.text, client);
	else
		diagnostics_error(
			reader->diagnostics, entry->transport_at,
			"%s is no address of `%s`%s%s%s: the client opens from an address "
			"of its own host",
			buffer, client, other ? ", but of `" : "", other ? other->name.text : "",
			other ? "`" : "");
}

/* From its one address where the entry names one; behind NAT peers still see the host's. */
static bool pin_address(struct connection_reader *reader, struct connection *connection)
{
	const struct transport *transport = &connection->entry->transport;
	struct end_member *from = &connection->from;
	const struct prefix single = prefix_of_address(&transport->address);
	struct prefix_list *pinned;

	if (!transport->has_address)
		return true;
	if (!prefix_list_contains(from->addresses, &transport->address)) {
		refuse_address(reader, connection);
		return false;
	}
	pinned = arena_alloc(reader->arena, sizeof(*pinned));
	prefix_list_add(reader->arena, pinned, &single);
	if (!from->host || !from->host->seen_as.count)
		from->seen = pinned;
	if (prefix_list_contains(from->single, &transport->address))
		from->single = pinned;
	from->addresses = pinned;
	return true;
}

/* ------------------------------------------------------------ entries --------------------------
 */

static bool read_servers(struct connection_reader *reader, struct connection *connection)
{
	const struct site_client_port *entry = connection->entry;
	const struct member *member;

	connection->to = arena_alloc(reader->arena,
				     (entry->server_hosts.count + 1) * sizeof(*connection->to));
	list_for_each (name, &entry->server_hosts) {
		member = named_member(reader, connection->server, name);
		if (member)
			connection->to[connection->to_count++] = end_member(member);
	}
	if (entry->server_hosts.count)
		return connection->to_count == entry->server_hosts.count;
	member = only_member(reader, connection->server, "server-host", entry->server.at);
	if (!member)
		return false;
	connection->to[connection->to_count++] = end_member(member);
	return true;
}

static bool read_client(struct connection_reader *reader, struct connection *connection)
{
	const struct site_client_port *entry = connection->entry;
	const struct member *member;

	member = entry->host.text
			 ? named_member(reader, connection->client, &entry->host)
			 : only_member(reader, connection->client, "host", entry->client.at);
	if (!member)
		return false;
	connection->from = end_member(member);
	return pin_address(reader, connection);
}

static bool read_connection(struct connection_reader *reader, const struct site_client_port *entry,
			    struct connection *connection)
{
	struct port_term port = {.kind = PORTS_RANGE,
				 .range = {entry->transport.port, entry->transport.port},
				 .at = entry->transport_at};
	bool good = reference_are_ports(reader->arena, reader->diagnostics, reader->policy,
					&entry->server_port);

	connection->entry = entry;
	connection->client = find_binding(reader, &entry->client);
	connection->server = find_binding(reader, &entry->server);
	if (!connection->client || !connection->server)
		return false;
	good &= read_client(reader, connection);
	good &= read_servers(reader, connection);
	*arena_push(reader->arena, &connection->source) = port;
	return good && connection_is_supported(reader->arena, reader->diagnostics, reader->policy,
					       connection);
}

void connections_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy)
{
	struct connection_reader reader = {arena, diagnostics, policy};
	const struct site *site = policy->site;
	struct connection *connections =
		arena_alloc(arena, (site->client_ports.count + 1) * sizeof(*connections));

	list_for_each (entry, &site->client_ports) {
		struct connection *connection = &connections[policy->connection_count];

		*connection = (struct connection){0};
		policy->connection_count += read_connection(&reader, entry, connection);
	}
	policy->connections = connections;
}

/* ------------------------------------------------------------ pairings -------------------------
 */

/* The parameter that holds the server's port where the entry says none. */
static const char *port_parameter(struct arena *arena, const struct connection *connection)
{
	return arena_printf(arena, "%s-port", connection->server->role->id.text);
}

static bool has_port_parameter(struct arena *arena, const struct connection *connection)
{
	const struct parameter *parameter = catalog_parameter(connection->server->instance->catalog,
							      port_parameter(arena, connection));

	return parameter && parameter->type == PARAMETER_PORTS;
}

/* The server's port: of the entry, else of the flow, else the parameter SERVERROLE-port. */
static const service_term_list *server_services(struct arena *arena,
						const struct connection *connection,
						const struct pairing *pattern)
{
	const struct site_client_port *entry = connection->entry;
	const struct instance *instance = connection->server->instance;
	const service_term_list *allow = &pattern->flow->allow;
	const char *name = port_parameter(arena, connection);
	struct port_term parameter = {.kind = PORTS_PARAMETER, .parameter = name, .at = entry->at};
	struct service_term tcp = {
		.kind = SERVICE_PORTS, .protocols = {IPPROTO_TCP}, .protocol_count = 1};
	const port_term_list standard = {&parameter, 1, 1};
	const service_term_list any = {&tcp, 1, 1};

	if (allow->count && !entry->server_port.count)
		return allow;
	if (instance != pattern->instance)
		parameter.parameter = arena_printf(arena, "%s/%s", instance->name, name);
	return service_terms_at(arena, allow->count ? allow : &any,
				entry->server_port.count ? &entry->server_port : &standard);
}

static void add_pairing(struct arena *arena, const struct connection *connection,
			const struct pairing *pattern, pairing_list *list)
{
	struct pairing *pairing = arena_push(arena, list);
	struct end *from = arena_alloc(arena, sizeof(*from));
	struct end *to = arena_alloc(arena, sizeof(*to));

	*from = *pattern->from;
	from->members = arena_alloc(arena, sizeof(*from->members));
	from->members[0] = connection->from;
	from->member_count = 1;
	*to = *pattern->to;
	to->members = connection->to;
	to->member_count = connection->to_count;
	*pairing = *pattern;
	pairing->id = arena_printf(arena, "%s:%u", pattern->id, connection->entry->transport.port);
	pairing->from = from;
	pairing->to = to;
	pairing->allow = server_services(arena, connection, pattern);
	pairing->source_ports = &connection->source;
	pairing->connection = connection;
}

static bool joins(const struct connection *connection, const struct pairing *pattern)
{
	return connection->client == pattern->from->binding &&
	       connection->server == pattern->to->binding;
}

/* Has an earlier connection of the pattern this port? Then it has that one's id. */
static bool is_first(const struct policy *policy, size_t index, const struct pairing *pattern)
{
	for (size_t i = 0; i < index; i++) {
		if (joins(&policy->connections[i], pattern) &&
		    policy->connections[i].entry->transport.port ==
			    policy->connections[index].entry->transport.port)
			return false;
	}
	return true;
}

void connection_pairings(struct arena *arena, struct diagnostics *diagnostics,
			 const struct policy *policy, const struct pairing *pattern,
			 pairing_list *list)
{
	const struct connection *all = policy->connections;

	for (size_t i = 0; i < policy->connection_count; i++) {
		const struct site_client_port *entry = all[i].entry;

		if (!joins(&all[i], pattern))
			continue;
		if (!entry->server_port.count && !pattern->flow->allow.count &&
		    !has_port_parameter(arena, &all[i])) {
			diagnostics_error(diagnostics, entry->at,
					  "`server-port` is needed here: catalog `%s` has no "
					  "parameter `%s` to say it",
					  all[i].server->instance->name,
					  port_parameter(arena, &all[i]));
			continue;
		}
		for (size_t j = i; is_first(policy, i, pattern) && j < policy->connection_count;
		     j++) {
			if (joins(&all[j], pattern) &&
			    all[j].entry->transport.port == entry->transport.port)
				add_pairing(arena, &all[j], pattern, list);
		}
	}
}
