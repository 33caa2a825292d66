/* SPDX-License-Identifier: BSD-2-Clause */
#include "client_port.h"

#include <string.h>

#include "term.h"

static bool read_transport(const struct reader *reader, const struct node *node,
			   struct site_client_port *port)
{
	const char *wrong;

	if (!read_text(reader, node, "transport", &port->transport_text))
		return false;
	port->transport_at = node_position(node);
	if (transport_parse(reader->arena, port->transport_text, &port->transport, &wrong))
		return true;
	reader_error(reader, node, "`transport`: %s", wrong);
	return false;
}

/* Says the same as transport, or nothing: rules 4 and 16 of the document's configuration. */
static void read_command_line(const struct reader *reader, const struct node *node,
			      bool has_transport, struct site_client_port *port)
{
	struct transport transport;
	const char *wrong;

	if (!read_text(reader, node, "command-line", &port->command_line))
		return;
	if (!transport_parse_command_line(reader->arena, port->command_line, &transport, &wrong))
		reader_error(reader, node, "`command-line`: %s", wrong);
	else if (has_transport && !transport_equal(&transport, &port->transport))
		reader_error(reader, node,
			     "`command-line` says `%s`, and `transport` says `%s`: both must be "
			     "the same, as in `%s`",
			     transport_format_command_line(reader->arena, &transport),
			     port->transport_text,
			     transport_format_command_line(reader->arena, &port->transport));
}

static void read_server_port(const struct reader *reader, const struct node *node,
			     struct site_client_port *port)
{
	if (read_ports(reader, node, "server-port", ALLOW_INSTANCE, &port->server_port) &&
	    (!port->server_port.count || port->server_port.items[0].kind == PORTS_NONE))
		reader_error(reader, node,
			     "`server-port` must be a port: a connection that is not used here is "
			     "left out");
}

static void read_client_port(const struct reader *reader, const struct node *node,
			     struct site *site)
{
	static const struct key_rule rules[] = {
		{"client", KEY_REQUIRED},	{"server", KEY_REQUIRED},
		{"transport", KEY_REQUIRED},	{"host", KEY_OPTIONAL},
		{"server-host", KEY_OPTIONAL},	{"server-port", KEY_OPTIONAL},
		{"command-line", KEY_OPTIONAL},
	};
	struct site_client_port port = {.at = node_position(node)};
	const struct node *child;
	bool named, has_transport;

	if (!read_mapping(reader, node, "an item of `client-ports`", KEYS(rules)))
		return;
	child = mapping_get(node, "client");
	named = child && read_path(reader, child, "client", &port.client);
	child = mapping_get(node, "server");
	named = child && read_path(reader, child, "server", &port.server) && named;
	child = mapping_get(node, "transport");
	has_transport = child && read_transport(reader, child, &port);
	if ((child = mapping_get(node, "command-line")))
		read_command_line(reader, child, has_transport, &port);
	if ((child = mapping_get(node, "host")))
		read_name(reader, child, "host", &port.host);
	if ((child = mapping_get(node, "server-host")))
		read_names(reader, child, "server-host", &port.server_hosts);
	if ((child = mapping_get(node, "server-port")))
		read_server_port(reader, child, &port);
	if (named && has_transport)
		*arena_push(reader->arena, &site->client_ports) = port;
}

void client_ports_read(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *item;

	if (!read_list(reader, node, "client-ports"))
		return;
	for (item = list_first(node); item; item = list_next(node, item))
		read_client_port(reader, item, site);
}

void client_ports_print(struct writer *writer, const struct site *site)
{
	if (site->client_ports.count)
		write_heading(writer, 0, "client-ports");
	list_for_each (port, &site->client_ports) {
		text_list hosts = texts_of_words(writer, &port->server_hosts);
		text_list server_port = texts_of_ports(writer, &port->server_port);

		write_item(writer);
		write_text(writer, 4, "client", port->client.text);
		write_text(writer, 4, "server", port->server.text);
		write_text(writer, 4, "transport", port->transport_text);
		if (port->host.text)
			write_text(writer, 4, "host", port->host.text);
		if (hosts.count)
			write_values(writer, 4, "server-host", &hosts);
		if (server_port.count)
			write_values(writer, 4, "server-port", &server_port);
		if (port->command_line)
			write_text(writer, 4, "command-line", port->command_line);
	}
}
