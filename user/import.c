/* SPDX-License-Identifier: BSD-2-Clause */
#include "import.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "../include/bounds.h"
#include "csv.h"
#include "import_cell.h"

enum column {
	COLUMN_COMPONENT,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_ROUTE,
	COLUMN_PORT,
	COLUMN_PROTOCOL,
	COLUMN_COUNT,
};

/* Folded (name_fold). */
static const struct {
	const char *name;
	enum column column;
} headers[] = {
	{"component", COLUMN_COMPONENT},
	{"section", COLUMN_COMPONENT},
	{"from", COLUMN_FROM},
	{"from host", COLUMN_FROM},
	{"source", COLUMN_FROM},
	{"source host", COLUMN_FROM},
	{"client", COLUMN_FROM},
	{"to", COLUMN_TO},
	{"to host", COLUMN_TO},
	{"destination", COLUMN_TO},
	{"destination host", COLUMN_TO},
	{"server", COLUMN_TO},
	{"route", COLUMN_ROUTE},
	{"connection", COLUMN_ROUTE},
	{"port", COLUMN_PORT},
	{"ports", COLUMN_PORT},
	{"to port", COLUMN_PORT},
	{"port number", COLUMN_PORT},
	{"destination port", COLUMN_PORT},
	{"protocol", COLUMN_PROTOCOL},
	{"protocols", COLUMN_PROTOCOL},
	{"allow port", COLUMN_PROTOCOL},
};

struct importer {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct catalog *catalog;
	size_t columns[COLUMN_COUNT]; /* index + 1; 0: the table has none */
};

/* ------------------------------------------------------------ columns ---------------------------
 */

static bool read_header(struct importer *importer, const csv_cell_list *cells)
{
	const struct position at = cells->items[0].at;

	for (size_t i = 0; i < cells->count; i++) {
		const char *folded = name_fold(importer->arena, cells->items[i].text);

		for (size_t j = 0; j < sizeof(headers) / sizeof(headers[0]); j++) {
			size_t *column = &importer->columns[headers[j].column];

			if (strcmp(folded, headers[j].name) != 0)
				continue;
			if (*column) {
				diagnostics_error(
					importer->diagnostics, cells->items[i].at,
					"`%s` is the second column of its kind: take one out",
					cells->items[i].text);
				return false;
			}
			*column = i + 1;
		}
	}
	if (importer->columns[COLUMN_PORT] &&
	    (importer->columns[COLUMN_ROUTE] ||
	     (importer->columns[COLUMN_FROM] && importer->columns[COLUMN_TO])))
		return true;
	diagnostics_error(importer->diagnostics, at,
			  "the first line must name the columns: from, to (or route, with an arrow "
			  "between the two), port, and if there are any component and protocol");
	return false;
}

/* NULL: the table has no such column, or the line is too short for it. */
static const struct csv_cell *cell_of(const struct importer *importer, const csv_cell_list *cells,
				      enum column column)
{
	size_t index = importer->columns[column];

	return index && index <= cells->count ? &cells->items[index - 1] : NULL;
}

/* ------------------------------------------------------------ roles -----------------------------
 */

/* "Cyara Call Engine Server" -> "cyara-call-engine-server"; other letters than ASCII's are left
 * out. */
static const char *id_of(struct arena *arena, const char *name)
{
	char *id = name_fold(arena, name);
	size_t kept = 0;

	for (const char *at = id; *at && kept < NAME_BYTES_MAX; at++) {
		if (isalnum((unsigned char)*at))
			id[kept++] = *at;
		else if (kept && id[kept - 1] != '-')
			id[kept++] = '-';
	}
	while (kept && id[kept - 1] == '-')
		kept--;
	id[kept] = '\0';
	return id;
}

static struct role *find_role(struct catalog *catalog, const char *id)
{
	list_for_each (role, &catalog->roles) {
		if (strcmp(role->id.text, id) == 0)
			return role;
	}
	return NULL;
}

static void add_name(struct arena *arena, struct role *role, const char *name, struct position at)
{
	list_for_each (other, &role->names) {
		if (strcmp(other->text, name) == 0)
			return;
	}
	*arena_push(arena, &role->names) = (struct word){name, at};
}

/* One printed name; the plural of a role that is there is that role. */
static const char *add_role(struct importer *importer, const char *name, struct position at)
{
	const char *id = id_of(importer->arena, name);
	size_t length = strlen(id);
	struct role *role = find_role(importer->catalog, id);

	if (!role && length > 1 && id[length - 1] == 's')
		role = find_role(importer->catalog, arena_strndup(importer->arena, id, length - 1));
	if (!role)
		role = find_role(importer->catalog, arena_printf(importer->arena, "%ss", id));
	if (!role) {
		role = arena_push(importer->arena, &importer->catalog->roles);
		role->id = (struct word){id, at};
		role->bind = BIND_ADDRESS | BIND_PREFIX;
	}
	add_name(importer->arena, role, name, at);
	return role->id.text;
}

/* White space runs of a name as one space; a no-break space is one. */
static const char *clean_name(struct arena *arena, const char *text, size_t length)
{
	char *clean = arena_alloc(arena, length + 1);
	size_t kept = 0;

	for (size_t i = 0; i < length; i++) {
		bool space = isspace((unsigned char)text[i]);

		if (i + 1 < length && strncmp(text + i, "\xc2\xa0", 2) == 0) {
			space = true;
			i++;
		}
		if (!space)
			clean[kept++] = text[i];
		else if (kept && clean[kept - 1] != ' ')
			clean[kept++] = ' ';
	}
	while (kept && clean[kept - 1] == ' ')
		kept--;
	clean[kept] = '\0';
	return clean;
}

/* Several names with commas between; a comma in brackets is part of a name. */
static bool read_roles(struct importer *importer, const char *text, struct position at,
		       word_list *ret_roles)
{
	size_t begin = 0, depth = 0, length = strlen(text);
	word_list roles = {0};

	for (size_t i = 0; i <= length; i++) {
		const char *name;

		depth += text[i] == '(';
		depth -= depth && text[i] == ')';
		if (text[i] && (text[i] != ',' || depth))
			continue;
		name = clean_name(importer->arena, text + begin, i - begin);
		begin = i + 1;
		if (!*id_of(importer->arena, name)) {
			diagnostics_error(importer->diagnostics, at, "a name of a part is missing");
			return false;
		}
		*arena_push(importer->arena, &roles) =
			(struct word){add_role(importer, name, at), at};
	}
	*ret_roles = roles;
	return true;
}

/* ------------------------------------------------------------ lines -----------------------------
 */

static bool read_ends(struct importer *importer, const csv_cell_list *cells, struct flow_rule *flow)
{
	const struct csv_cell *route = cell_of(importer, cells, COLUMN_ROUTE);
	const struct csv_cell *from = cell_of(importer, cells, COLUMN_FROM);
	const struct csv_cell *to = cell_of(importer, cells, COLUMN_TO);
	const char *left, *right;

	if (from && to)
		return read_roles(importer, from->text, from->at, &flow->from) &&
		       read_roles(importer, to->text, to->at, &flow->to);
	if (!route) {
		diagnostics_error(importer->diagnostics, cells->items[0].at,
				  "the line ends before its ends are named");
		return false;
	}
	switch (arrow_split(importer->arena, route->text, &left, &right)) {
	case ARROW_BOTH:
		flow->either_way = true;
		/* fall through */
	case ARROW_RIGHT:
		return read_roles(importer, left, route->at, &flow->from) &&
		       read_roles(importer, right, route->at, &flow->to);
	case ARROW_LEFT:
		return read_roles(importer, right, route->at, &flow->from) &&
		       read_roles(importer, left, route->at, &flow->to);
	case ARROW_NONE:
		break;
	}
	diagnostics_error(importer->diagnostics, route->at,
			  "there is no arrow in `%s`: who opens to whom?", route->text);
	return false;
}

static void add_service(struct importer *importer, struct flow_rule *flow, unsigned protocols,
			const struct port_term *ports)
{
	struct service_term *term = arena_push(importer->arena, &flow->allow);

	term->kind = SERVICE_PORTS;
	term->ports = *ports;
	if (protocols & CELL_TCP)
		term->protocols[term->protocol_count++] = IPPROTO_TCP;
	if (protocols & CELL_UDP)
		term->protocols[term->protocol_count++] = IPPROTO_UDP;
}

/* A port that the document leaves open is a parameter without a default. */
static void add_open_port(struct importer *importer, struct flow_rule *flow, unsigned protocols)
{
	struct parameter *parameter = arena_push(importer->arena, &importer->catalog->parameters);
	const struct port_term term = {
		.kind = PORTS_PARAMETER,
		.parameter = arena_printf(importer->arena, "%s-port", flow->id.text),
	};

	parameter->name = (struct word){term.parameter, flow->id.at};
	parameter->type = PARAMETER_PORTS;
	parameter->about = "the document leaves the port open";
	add_service(importer, flow, protocols, &term);
}

static bool read_services(struct importer *importer, const csv_cell_list *cells,
			  struct flow_rule *flow, const char **ret_footnote)
{
	const struct csv_cell *port = cell_of(importer, cells, COLUMN_PORT);
	const struct csv_cell *protocol = cell_of(importer, cells, COLUMN_PROTOCOL);
	struct protocol_cell protocols = {0};
	struct port_cell ports;

	if (!port) {
		diagnostics_error(importer->diagnostics, cells->items[0].at,
				  "the line ends before its port");
		return false;
	}
	if (!port_cell_read(importer->arena, importer->diagnostics, port->at, port->text, &ports))
		return false;
	if (protocol && !protocol_cell_read(importer->arena, importer->diagnostics, protocol->at,
					    protocol->text, &protocols))
		return false;
	if (!port_cell_complete(importer->diagnostics, port->at, &protocols, &ports))
		return false;
	list_for_each (one, &ports.ports) {
		const struct port_term term = {.kind = PORTS_RANGE, .range = one->range};

		add_service(importer, flow, one->protocols, &term);
	}
	if (ports.open)
		add_open_port(importer, flow, ports.open_protocols);
	flow->either_way |= ports.either_way;
	*ret_footnote = ports.footnote;
	return true;
}

static const char *section_of(struct importer *importer, const csv_cell_list *cells)
{
	const struct csv_cell *cell = cell_of(importer, cells, COLUMN_COMPONENT);
	const char *name = cell ? clean_name(importer->arena, cell->text, strlen(cell->text)) : "";

	if (!*name)
		name = "Table";
	list_for_each (section, &importer->catalog->sections) {
		if (strcmp(section->text, name) == 0)
			return section->text;
	}
	*arena_push(importer->arena, &importer->catalog->sections) = (struct word){.text = name};
	return name;
}

static void read_line(struct importer *importer, const csv_cell_list *cells, size_t number)
{
	struct position at = cells->items[0].at;
	struct flow_rule flow = {.id = {arena_printf(importer->arena, "row-%zu", number), at}};
	const char *footnote = NULL;
	bool good = read_ends(importer, cells, &flow);

	/* Both, so that all findings of a line come in one run. */
	good &= read_services(importer, cells, &flow, &footnote);
	if (!good)
		return;
	flow.from_is_list = flow.from.count > 1;
	flow.to_is_list = flow.to.count > 1;
	*arena_push(importer->arena, &flow.cite) = (struct cite){
		.section = section_of(importer, cells),
		.row = arena_printf(importer->arena, "%zu", number),
		.footnote = footnote,
	};
	*arena_push(importer->arena, &importer->catalog->flows) = flow;
}

struct catalog *import_csv(struct arena *arena, struct diagnostics *diagnostics, const char *path,
			   const char *name, const char *title)
{
	size_t errors = diagnostics_errors(diagnostics);
	struct importer importer = {.arena = arena, .diagnostics = diagnostics};
	csv_table table;

	if (!csv_read(arena, diagnostics, path, &table))
		return NULL;
	if (!table.count) {
		diagnostics_error(diagnostics, ((struct position){.file = path}), "it is empty");
		return NULL;
	}
	importer.catalog = arena_alloc(arena, sizeof(*importer.catalog));
	importer.catalog->name.text = name;
	importer.catalog->title = title;
	importer.catalog->path = path;
	if (!read_header(&importer, &table.items[0]))
		return NULL;
	for (size_t i = 1; i < table.count; i++)
		read_line(&importer, &table.items[i], i);
	if (table.count == 1)
		diagnostics_error(diagnostics, table.items[0].items[0].at,
				  "there is no line behind the one that names the columns");
	return diagnostics_errors(diagnostics) > errors ? NULL : importer.catalog;
}
