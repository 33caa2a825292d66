/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host policy to tables: rules into terms, addresses and ports into classes (each the set of terms
 * that hold it), classes into decisions. Each step takes only what the ones before made.
 */
#include "compile_grids.h"

int compile(const struct host_policy *host, struct diagnostics *diagnostics,
	    struct tables **ret_tables)
{
	cleanup(arena_freep) struct arena *scratch = arena_new();
	cleanup(tables_freep) struct tables *tables = tables_new();
	struct port_classes ports[PORT_SIDE_COUNT];
	struct address_classes addresses;
	struct terms terms;
	int error;

	error = compile_terms(scratch, host, diagnostics, tables, &terms);
	if (!error)
		error = compile_addresses(scratch, &terms, diagnostics, tables, &addresses);
	if (!error)
		error = compile_ports(scratch, &terms, diagnostics, tables, ports);
	for (int i = 0; i < DIRECTION_COUNT && !error; i++)
		error = compile_grids(scratch, &terms, &addresses, ports, (enum direction)i,
				      diagnostics, tables);
	if (error)
		return error;
	*ret_tables = tables;
	tables = NULL;
	return 0;
}
