/* SPDX-License-Identifier: BSD-2-Clause */
#include "tables.h"

static const char *const direction_names[DIRECTION_COUNT] = {
	[DIRECTION_IN] = "in",
	[DIRECTION_OUT] = "out",
};

static const char *const side_names[PORT_SIDE_COUNT] = {
	[PORT_IN_LOCAL] = "in-local",
	[PORT_IN_REMOTE] = "in-remote",
	[PORT_OUT_LOCAL] = "out-local",
	[PORT_OUT_REMOTE] = "out-remote",
};

struct tables *tables_new(void)
{
	struct arena *arena = arena_new();
	struct tables *tables = arena_alloc(arena, sizeof(*tables));

	tables->arena = arena;
	return tables;
}

void tables_free(struct tables *tables)
{
	if (tables)
		arena_free(tables->arena);
}

void tables_freep(struct tables **tables)
{
	tables_free(*tables);
}

static void print_port(const struct port_entry *entry, FILE *out)
{
	char buffer[16];

	fprintf(out, "port %s %s %u", side_names[entry->side],
		protocol_name(entry->protocol, buffer), entry->first);
	if (entry->last != entry->first)
		fprintf(out, "-%u", entry->last);
	fprintf(out, " class %u\n", entry->class_id);
}

static void print_address(const struct tables *tables, const struct address_entry *entry, FILE *out)
{
	char buffer[ADDRESS_TEXT_MAX];

	fprintf(out, "address %s class %u", prefix_format(&entry->prefix, buffer), entry->class_id);
	if (entry->own)
		fputs(" own", out);
	if (entry->peer_of_in)
		fputs(" peer-of-in", out);
	if (entry->peer_of_out)
		fputs(" peer-of-out", out);
	if (entry->role)
		fprintf(out, " role %s", tables->roles[entry->role - 1]);
	fputc('\n', out);
}

static void print_end(const char *name, enum direction direction, const struct grid *grid,
		      FILE *out)
{
	const uint16_t *cell = grid->cells;

	for (uint32_t row = 0; row < grid->rows; row++) {
		for (uint32_t column = 0; column < grid->columns; column++, cell++) {
			if (*cell)
				fprintf(out, "%s %s port-class %u address-class %u class %u\n",
					name, direction_names[direction], row, column, *cell);
		}
	}
}

static void print_decisions(const struct tables *tables, enum direction direction, FILE *out)
{
	const struct grid *grid = &tables->decisions[direction];
	const uint16_t *cell = grid->cells;

	for (uint32_t row = 0; row < grid->rows; row++) {
		for (uint32_t column = 0; column < grid->columns; column++, cell++) {
			if (*cell)
				fprintf(out, "decision %s near %u far %u rule %s%s%s%s\n",
					direction_names[direction], row, column,
					tables->rules[(*cell & RULE_SLOT_MASK) - 1].id,
					*cell & RULE_LIVE ? " live" : "",
					*cell & RULE_SHAPE_RTP ? " shape" : "",
					*cell & RULE_LIMIT ? " limit" : "");
		}
	}
}

void tables_print(const struct tables *tables, FILE *out)
{
	for (size_t i = 0; i < tables->role_count; i++)
		fprintf(out, "role %zu %s\n", i + 1, tables->roles[i]);
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		fprintf(out, "%s local-port %s\n", direction_names[i],
			tables->local_port_used[i] ? "used" : "unused");
		fprintf(out, "%s remote-port %s\n", direction_names[i],
			tables->remote_port_used[i] ? "used" : "unused");
	}
	list_for_each (entry, &tables->ports) {
		print_port(entry, out);
	}
	list_for_each (entry, &tables->ipv4) {
		print_address(tables, entry, out);
	}
	list_for_each (entry, &tables->ipv6) {
		print_address(tables, entry, out);
	}
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		print_end("near", (enum direction)i, &tables->near[i], out);
		print_end("far", (enum direction)i, &tables->far[i], out);
		print_decisions(tables, (enum direction)i, out);
	}
}
