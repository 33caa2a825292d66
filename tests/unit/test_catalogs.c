/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each catalog beside its document, in both directions. tests/data/CATALOG-rows.csv holds what the
 * document states, row by row, with its own names, and what becomes of it: flows, a forbid, or why
 * it yields none; CATALOG-extra.csv the flows that no row states, each with the reason. Runs in the
 * top folder of the sources. (test_cyara_catalog.c holds Cyara's, whose tables have more columns.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "catalog.h"
#include "csv.h"

enum row_column {
	ROW_SECTION,
	ROW_NUMBER,
	ROW_LINES,
	ROW_FROM,
	ROW_TO,
	ROW_PROTOCOLS,
	ROW_PORTS,
	ROW_SOURCE_PORTS,
	ROW_WAYS,
	ROW_BECOMES,
	ROW_COLUMNS,
};

struct fixture {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct catalog *catalog;
	const char *name;
	csv_table rows;
	csv_table extras;
	csv_table names;
};

static const char *cell(const csv_cell_list *row, enum row_column column)
{
	assert_int_equal(row->count, ROW_COLUMNS);
	return row->items[column].text;
}

static void table_read(struct fixture *f, const char *kind, csv_table *table)
{
	const char *path = arena_printf(f->arena, "tests/data/%s-%s.csv", f->name, kind);

	if (!csv_read(f->arena, f->diagnostics, path, table)) {
		diagnostics_print(f->diagnostics, stderr, true);
		fail_msg("%s can't be read; the test runs in the top folder", path);
	}
	/* The line that names the columns. */
	assert_true(table->count >= 1);
	table->items++;
	table->count--;
}

static int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->name = *state;
	f->arena = arena_new();
	f->diagnostics = diagnostics_new();
	f->catalog = catalog_read(f->arena, f->diagnostics,
				  arena_printf(f->arena, "policies/%s.yaml", f->name));
	diagnostics_print(f->diagnostics, stderr, true);
	assert_non_null(f->catalog);
	assert_int_equal(diagnostics_errors(f->diagnostics), 0);
	table_read(f, "rows", &f->rows);
	table_read(f, "extra", &f->extras);
	table_read(f, "names", &f->names);
	*state = f;
	return 0;
}

static int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	diagnostics_free(f->diagnostics);
	arena_free(f->arena);
	free(f);
	return 0;
}

/* ------------------------------------------------------------ names -----------------------------
 */

static bool is_named(const struct fixture *f, const word_list *names, const char *folded)
{
	list_for_each (name, names) {
		if (strcmp(name_fold(f->arena, name->text), folded) == 0)
			return true;
	}
	return false;
}

/* The roles that a printed name stands for; empty: none has it. */
static word_list roles_named(const struct fixture *f, const char *name)
{
	const char *folded = name_fold(f->arena, name);
	word_list roles = {0};

	list_for_each (role, &f->catalog->roles) {
		if (is_named(f, &role->names, folded))
			*arena_push(f->arena, &roles) = role->id;
	}
	list_for_each (group, &f->catalog->groups) {
		if (!is_named(f, &group->names, folded))
			continue;
		list_for_each (role, &group->roles)
			*arena_push(f->arena, &roles) = *role;
	}
	return roles;
}

/* The roles of an end as a flow writes it: groups are what is in them. */
static word_list roles_of_end(const struct fixture *f, const word_list *end)
{
	word_list roles = {0};

	list_for_each (word, end) {
		const struct group *group = catalog_group(f->catalog, word->text);

		if (!group)
			*arena_push(f->arena, &roles) = *word;
		for (size_t i = 0; group && i < group->roles.count; i++)
			*arena_push(f->arena, &roles) = group->roles.items[i];
	}
	return roles;
}

static bool has_role(const word_list *roles, const char *id)
{
	list_for_each (role, roles) {
		if (strcmp(role->text, id) == 0)
			return true;
	}
	return false;
}

static bool share_a_role(const word_list *a, const word_list *b)
{
	list_for_each (role, a) {
		if (has_role(b, role->text))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------ what a flow allows ----------------
 */

static void ports_expand(const struct fixture *f, const struct port_term *term,
			 struct port_list *ports)
{
	const struct parameter *parameter;

	switch (term->kind) {
	case PORTS_RANGE:
		port_list_add(f->arena, ports, term->range.first, term->range.last);
		break;
	case PORTS_ANY:
		port_list_add(f->arena, ports, 0, UINT16_MAX);
		break;
	case PORTS_NONE:
		break;
	case PORTS_PARAMETER:
		parameter = catalog_parameter(f->catalog, term->parameter);
		assert_non_null(parameter);
		list_for_each (inner, &parameter->standard.ports)
			ports_expand(f, inner, ports);
		break;
	}
}

/* Under the defaults of the parameters; what has none is not in it. */
static struct service_list services_of(const struct fixture *f, const service_term_list *terms)
{
	struct service_list services = {0};

	list_for_each (term, terms) {
		struct port_list ports = {0};

		if (term->kind != SERVICE_PORTS)
			continue;
		ports_expand(f, &term->ports, &ports);
		port_list_normalize(&ports);
		for (unsigned i = 0; ports.count && i < term->protocol_count; i++)
			service_list_add(f->arena, &services, term->protocols[i], &ports);
	}
	return services;
}

static void add_row_ports(const struct fixture *f, const char *text, struct port_list *ports)
{
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		assert_true(end > text && first && first <= last && last <= UINT16_MAX);
		port_list_add(f->arena, ports, (uint16_t)first, (uint16_t)last);
		text = end + strspn(end, " ");
	}
	port_list_normalize(ports);
}

/* Empty where the row states no port. */
static struct service_list services_of_row(const struct fixture *f, const csv_cell_list *row)
{
	struct service_list services = {0};
	struct port_list ports = {0};

	add_row_ports(f, cell(row, ROW_PORTS), &ports);
	if (!ports.count)
		return services;
	if (strstr(cell(row, ROW_PROTOCOLS), "tcp"))
		service_list_add(f->arena, &services, IPPROTO_TCP, &ports);
	if (strstr(cell(row, ROW_PROTOCOLS), "udp"))
		service_list_add(f->arena, &services, IPPROTO_UDP, &ports);
	return services;
}

/* ------------------------------------------------------------ rows and flows --------------------
 */

/* Is the flow one of those that the row names? */
static bool row_becomes(const csv_cell_list *row, const char *id)
{
	const char *text = cell(row, ROW_BECOMES);
	size_t length = strlen(id);

	for (const char *at = text; (at = strstr(at, id)); at++) {
		if ((at == text || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	}
	return false;
}

static bool is_excluded(const csv_cell_list *row)
{
	return strncmp(cell(row, ROW_BECOMES), "excluded: ", 10) == 0;
}

static const char *forbid_of(const csv_cell_list *row)
{
	const char *text = cell(row, ROW_BECOMES);

	return strncmp(text, "forbid ", 7) == 0 ? text + 7 : NULL;
}

static const char *extra_reason(const struct fixture *f, const char *flow)
{
	list_for_each (extra, &f->extras) {
		assert_int_equal(extra->count, 2);
		if (strcmp(extra->items[0].text, flow) == 0)
			return extra->items[1].text;
	}
	return NULL;
}

/* "214-222, 300": does a number of it lie in first-last? */
static bool lines_meet(const char *lines, unsigned long first, unsigned long last)
{
	while (lines && *lines) {
		char *end;
		unsigned long from = strtoul(lines, &end, 10), to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (from <= last && first <= to)
			return true;
		lines = end + strspn(end, ", ");
	}
	return false;
}

static bool cites_lines(const cite_list *cites, const char *lines)
{
	char *end;
	unsigned long first = strtoul(lines, &end, 10);
	unsigned long last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;

	list_for_each (cite, cites) {
		if (lines_meet(cite->lines, first, last))
			return true;
	}
	return false;
}

static void fail_row(const struct fixture *f, const csv_cell_list *row, const char *what)
{
	fail_msg("%s, line %s, %s -> %s (%s): %s", f->name, cell(row, ROW_LINES),
		 cell(row, ROW_FROM), cell(row, ROW_TO), cell(row, ROW_BECOMES), what);
}

/* ------------------------------------------------------------ tests -----------------------------
 */

/* The names of what a row is about lead to roles; of what is excluded they need not. */
static void every_row_names_roles(void **state)
{
	struct fixture *f = *state;

	list_for_each (row, &f->rows) {
		if (is_excluded(row))
			continue;
		if (!roles_named(f, cell(row, ROW_TO)).count)
			fail_row(f, row, "no role has the name of its second end");
		if (!roles_named(f, cell(row, ROW_FROM)).count && !forbid_of(row))
			fail_row(f, row, "no role has the name of its first end");
	}
}

/* Each name that the document prints is one role's, and the right one's. */
static void every_printed_name_is_a_role(void **state)
{
	struct fixture *f = *state;

	list_for_each (name, &f->names) {
		word_list roles = roles_named(f, name->items[0].text);

		if (roles.count != 1 || strcmp(roles.items[0].text, name->items[1].text) != 0)
			fail_msg("%s: the name \"%s\" does not lead to %s alone", f->name,
				 name->items[0].text, name->items[1].text);
	}
}

static void check_row_flow(const struct fixture *f, const csv_cell_list *row,
			   const struct flow_rule *flow, bool *forwards, bool *backwards)
{
	word_list from = roles_named(f, cell(row, ROW_FROM)),
		  to = roles_named(f, cell(row, ROW_TO));
	word_list flow_from = roles_of_end(f, &flow->from), flow_to = roles_of_end(f, &flow->to);
	struct service_list stated = services_of_row(f, row);
	struct service_list allowed = services_of(f, &flow->allow);
	bool along = share_a_role(&from, &flow_from) && share_a_role(&to, &flow_to);
	bool against = share_a_role(&from, &flow_to) && share_a_role(&to, &flow_from);

	if (!along && !against)
		fail_row(f, row, "the flow is between others");
	*forwards |= along || (against && flow->either_way);
	*backwards |= against || (along && flow->either_way);
	if (!cites_lines(&flow->cite, cell(row, ROW_LINES)))
		fail_row(f, row, "the flow does not cite its line");
	if (stated.count && !service_list_covers(&allowed, &stated))
		fail_row(f, row, "the flow allows less than the row states");
}

static void every_row_becomes_something(void **state)
{
	struct fixture *f = *state;

	list_for_each (row, &f->rows) {
		bool forwards = false, backwards = false, found = false;

		if (is_excluded(row)) {
			assert_true(strlen(cell(row, ROW_BECOMES)) > strlen("excluded: "));
			continue;
		}
		list_for_each (forbid, &f->catalog->forbids)
			found |= forbid_of(row) &&
				 strcmp(forbid->flow.id.text, forbid_of(row)) == 0 &&
				 cites_lines(&forbid->flow.cite, cell(row, ROW_LINES));
		if (forbid_of(row)) {
			if (!found)
				fail_row(f, row, "there is no such forbid that cites it");
			continue;
		}
		list_for_each (flow, &f->catalog->flows) {
			if (!row_becomes(row, flow->id.text))
				continue;
			found = true;
			check_row_flow(f, row, flow, &forwards, &backwards);
		}
		if (!found)
			fail_row(f, row, "there is no such flow");
		if (!forwards)
			fail_row(f, row, "nothing lets its first end open to its second");
		if (strcmp(cell(row, ROW_WAYS), "both") == 0 && !backwards)
			fail_row(f, row, "nothing lets its second end open to its first");
	}
}

/* The services that rows state for a flow between two roles, both ways of an either-way row. */
static struct service_list stated_for(const struct fixture *f, const struct flow_rule *flow,
				      const char *from, const char *to, bool *ret_open)
{
	struct service_list stated = {0};

	*ret_open = false;
	list_for_each (row, &f->rows) {
		word_list row_from, row_to;
		struct service_list services;
		bool along, against;

		if (is_excluded(row) || forbid_of(row) || !row_becomes(row, flow->id.text))
			continue;
		row_from = roles_named(f, cell(row, ROW_FROM));
		row_to = roles_named(f, cell(row, ROW_TO));
		along = has_role(&row_from, from) && has_role(&row_to, to);
		against = flow->either_way || strcmp(cell(row, ROW_WAYS), "both") == 0
				  ? has_role(&row_from, to) && has_role(&row_to, from)
				  : false;
		if (!along && !against)
			continue;
		services = services_of_row(f, row);
		*ret_open |= !services.count;
		list_for_each (service, &services)
			service_list_add(f->arena, &stated, service->protocol, &service->ports);
	}
	return stated;
}

/* A flow allows no port that none of its rows states. */
static void every_flow_is_stated(void **state)
{
	struct fixture *f = *state;

	list_for_each (flow, &f->catalog->flows) {
		struct service_list allowed = services_of(f, &flow->allow);
		word_list from = roles_of_end(f, &flow->from), to = roles_of_end(f, &flow->to);
		struct service_list all = {0};
		bool open = false;

		if (extra_reason(f, flow->id.text))
			continue;
		list_for_each (a, &from) {
			list_for_each (b, &to) {
				bool one_open;
				struct service_list stated =
					stated_for(f, flow, a->text, b->text, &one_open);

				open |= one_open;
				list_for_each (service, &stated)
					service_list_add(f->arena, &all, service->protocol,
							 &service->ports);
			}
		}
		if (!open && !all.count)
			fail_msg("%s: no row states the flow %s, and it is not listed as extra",
				 f->name, flow->id.text);
		if (!open && !service_list_equal(&all, &allowed))
			fail_msg("%s: %s allows %s, its rows state %s", f->name, flow->id.text,
				 service_list_format(f->arena, &allowed),
				 service_list_format(f->arena, &all));
	}
}

static bool is_on_by_default(const struct fixture *f, const struct flow_rule *flow)
{
	list_for_each (condition, &flow->when) {
		const struct parameter *parameter = catalog_parameter(f->catalog, condition->name);

		if (condition->kind == WHEN_SWITCH && parameter->standard.on == condition->negated)
			return false;
	}
	return true;
}

static void every_extra_has_a_reason_and_is_off(void **state)
{
	struct fixture *f = *state;

	list_for_each (extra, &f->extras) {
		const struct flow_rule *flow = catalog_flow(f->catalog, extra->items[0].text);

		if (!flow)
			fail_msg("%s-extra.csv: there is no flow %s", f->name,
				 extra->items[0].text);
		assert_true(strlen(extra->items[1].text) > 0);
		/* A template gives no rule of itself. */
		if (flow->each)
			continue;
		assert_non_null(flow->reading);
		if (is_on_by_default(f, flow))
			fail_msg("%s: %s is in no row, yet in force by default", f->name,
				 flow->id.text);
	}
}

static void every_flow_cites_section_and_lines(void **state)
{
	struct fixture *f = *state;

	list_for_each (flow, &f->catalog->flows) {
		assert_true(flow->cite.count > 0);
		list_for_each (cite, &flow->cite)
			assert_true(cite->section && cite->lines);
	}
}

#define TESTS(catalog)                                                                             \
	{"every_row_names_roles " catalog, every_row_names_roles, fixture_setup, fixture_teardown, \
	 (void *)(uintptr_t)(catalog)},                                                            \
		{"every_printed_name_is_a_role " catalog, every_printed_name_is_a_role,            \
		 fixture_setup, fixture_teardown, (void *)(uintptr_t)(catalog)},                   \
		{"every_row_becomes_something " catalog, every_row_becomes_something,              \
		 fixture_setup, fixture_teardown, (void *)(uintptr_t)(catalog)},                   \
		{"every_flow_is_stated " catalog, every_flow_is_stated, fixture_setup,             \
		 fixture_teardown, (void *)(uintptr_t)(catalog)},                                  \
		{"every_extra_has_a_reason_and_is_off " catalog,                                   \
		 every_extra_has_a_reason_and_is_off, fixture_setup, fixture_teardown,             \
		 (void *)(uintptr_t)(catalog)},                                                    \
	{                                                                                          \
		"every_flow_cites_section_and_lines " catalog, every_flow_cites_section_and_lines, \
			fixture_setup, fixture_teardown, (void *)(uintptr_t)(catalog)              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TESTS("audiocodes-lpdm"),
		TESTS("genesys-cloud"),
		TESTS("genesys-client-port"),
		TESTS("voss"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
