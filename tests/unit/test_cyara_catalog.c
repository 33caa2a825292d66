/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Cyara catalog beside the document, in both directions. tests/data/cyara-rows.csv holds what
 * the document's tables say, cyara-roles.csv every name that it prints, cyara-extra.csv the flows
 * that no row has, each with the reason. All three were written from the document, not from the
 * catalog. Runs in the top folder of the sources.
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

#define COLUMNS_MAX 9
#define LINE_BYTES  512

/* One line of a CSV file. No cell holds a comma or a quotation mark but the last, a reason. */
struct record {
	char *cell[COLUMNS_MAX];
};
typedef LIST(struct record) record_list;

enum row_column {
	ROW_SECTION,
	ROW_NUMBER,
	ROW_LINES,
	ROW_FROM,
	ROW_TO,
	ROW_PROTOCOL,
	ROW_PORTS,
	ROW_DIRECTION,
	ROW_FLOW,
	ROW_COLUMNS,
};

enum role_column {
	ROLE_NAME,
	ROLE_ID,
	ROLE_LINES,
	ROLE_COLUMNS,
};

enum extra_column {
	EXTRA_FLOW,
	EXTRA_REASON,
	EXTRA_COLUMNS,
};

struct fixture {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct catalog *catalog;
	record_list rows;
	record_list names;
	record_list extras;
};

static void records_read(struct arena *arena, const char *path, unsigned columns, record_list *list)
{
	char line[LINE_BYTES];
	FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("%s can't be read; the test runs in the top folder", path);
	if (!fgets(line, sizeof(line), file))
		fail_msg("%s has no header", path);
	while (fgets(line, sizeof(line), file)) {
		struct record *record = arena_push(arena, list);
		char *rest = arena_strdup(arena, line);

		rest[strcspn(rest, "\n")] = '\0';
		for (unsigned i = 0; i + 1 < columns; i++)
			record->cell[i] = strsep(&rest, ",");
		record->cell[columns - 1] = rest;
		if (!rest)
			fail_msg("%s: a line has fewer than %u cells: %s", path, columns, line);
	}
	fclose(file);
	assert_true(list->count > 0);
}

static int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->arena = arena_new();
	f->diagnostics = diagnostics_new();
	f->catalog = catalog_read(f->arena, f->diagnostics, "policies/cyara.yaml");
	diagnostics_print(f->diagnostics, stderr, true);
	records_read(f->arena, "tests/data/cyara-rows.csv", ROW_COLUMNS, &f->rows);
	records_read(f->arena, "tests/data/cyara-roles.csv", ROLE_COLUMNS, &f->names);
	records_read(f->arena, "tests/data/cyara-extra.csv", EXTRA_COLUMNS, &f->extras);
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

/* ------------------------------------------------------------ what the catalog says -------------
 */

static void ports_expand(const struct fixture *f, const struct port_term *term,
			 struct port_list *ports)
{
	switch (term->kind) {
	case PORTS_RANGE:
		port_list_add(f->arena, ports, term->range.first, term->range.last);
		break;
	case PORTS_PARAMETER: {
		const struct parameter *parameter = catalog_parameter(f->catalog, term->parameter);

		assert_non_null(parameter);
		assert_true(parameter->has_default);
		list_for_each (inner, &parameter->standard.ports)
			ports_expand(f, inner, ports);
		break;
	}
	default:
		fail_msg("the document says neither any port nor none");
	}
}

/* The services under the parameters' defaults. */
static struct service_list services_expand(const struct fixture *f, const service_term_list *terms)
{
	struct service_list services = {0};

	list_for_each (term, terms) {
		struct port_list ports = {0};

		assert_int_equal(term->kind, SERVICE_PORTS);
		ports_expand(f, &term->ports, &ports);
		port_list_normalize(&ports);
		for (unsigned i = 0; i < term->protocol_count; i++)
			service_list_add(f->arena, &services, term->protocols[i], &ports);
	}
	return services;
}

static bool words_contain(const word_list *words, const char *text)
{
	list_for_each (word, words)
		if (strcmp(word->text, text) == 0)
			return true;
	return false;
}

static bool flow_in_force_by_default(const struct fixture *f, const struct flow_rule *flow)
{
	list_for_each (condition, &flow->when) {
		const struct parameter *parameter = catalog_parameter(f->catalog, condition->name);

		assert_int_equal(condition->kind, WHEN_SWITCH);
		assert_non_null(parameter);
		if (parameter->standard.on == condition->negated)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------ what the document says ------------
 */

static bool row_is_of(const struct record *row, const char *flow, const char *from, const char *to)
{
	return strcmp(row->cell[ROW_FLOW], flow) == 0 && strcmp(row->cell[ROW_FROM], from) == 0 &&
	       strcmp(row->cell[ROW_TO], to) == 0;
}

static uint8_t row_protocol(const struct record *row)
{
	if (strcmp(row->cell[ROW_PROTOCOL], "tcp") == 0)
		return IPPROTO_TCP;
	assert_string_equal(row->cell[ROW_PROTOCOL], "udp");
	return IPPROTO_UDP;
}

static struct port_range row_ports(const struct record *row)
{
	char *end;
	unsigned long first = strtoul(row->cell[ROW_PORTS], &end, 10);
	unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

	assert_int_equal(*end, '\0');
	assert_true(first > 0 && first <= last && last <= UINT16_MAX);
	return (struct port_range){(uint16_t)first, (uint16_t)last};
}

/* Everything that the rows of one flow allow between two roles. */
static struct service_list services_of_rows(const struct fixture *f, const char *flow,
					    const char *from, const char *to)
{
	struct service_list services = {0};

	list_for_each (row, &f->rows) {
		struct port_range range;
		struct port_list ports = {0};

		if (!row_is_of(row, flow, from, to))
			continue;
		range = row_ports(row);
		port_list_add(f->arena, &ports, range.first, range.last);
		service_list_add(f->arena, &services, row_protocol(row), &ports);
	}
	return services;
}

static bool is_extra(const struct fixture *f, const char *flow)
{
	list_for_each (extra, &f->extras)
		if (strcmp(extra->cell[EXTRA_FLOW], flow) == 0)
			return true;
	return false;
}

static bool row_exists(const struct fixture *f, const struct cite *cite)
{
	list_for_each (row, &f->rows)
		if (strcmp(row->cell[ROW_SECTION], cite->section) == 0 &&
		    strcmp(row->cell[ROW_NUMBER], cite->row) == 0)
			return strcmp(row->cell[ROW_LINES], cite->lines ? cite->lines : "") == 0;
	return false;
}

/* ------------------------------------------------------------ tests -----------------------------
 */

static void catalog_is_without_findings(void **state)
{
	struct fixture *f = *state;

	assert_non_null(f->catalog);
	assert_int_equal(diagnostics_errors(f->diagnostics), 0);
	assert_int_equal(diagnostics_warnings(f->diagnostics), 0);
	assert_string_equal(f->catalog->name.text, "cyara");
	assert_string_equal(f->catalog->title, "Cyara Comprehensive Network and Firewall Advisory");
}

/* The list of rows has no gap: as many as the document's tables have. */
static void rows_are_complete(void **state)
{
	static const struct {
		const char *section;
		unsigned rows;
	} tables[] = {
		{"Cyara Web/Core Components", 10},
		{"Cyara Voice Components", 24},
		{"Cyara Omni Channel", 16},
	};
	struct fixture *f = *state;
	size_t seen = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		unsigned long last = 0;

		list_for_each (row, &f->rows) {
			unsigned long number = strtoul(row->cell[ROW_NUMBER], NULL, 10);

			if (strcmp(row->cell[ROW_SECTION], tables[i].section) != 0)
				continue;
			if (number != last && number != last + 1)
				fail_msg("%s: row %lu follows row %lu", tables[i].section, number,
					 last);
			last = number;
			seen++;
		}
		assert_int_equal(last, tables[i].rows);
	}
	assert_int_equal(seen, f->rows.count);
}

static void every_row_has_its_flow(void **state)
{
	struct fixture *f = *state;

	list_for_each (row, &f->rows) {
		const struct flow_rule *flow = catalog_flow(f->catalog, row->cell[ROW_FLOW]);
		bool cited = false;

		if (!flow)
			fail_msg("%s, row %s: no flow %s", row->cell[ROW_SECTION],
				 row->cell[ROW_NUMBER], row->cell[ROW_FLOW]);
		list_for_each (cite, &flow->cite)
			cited |= cite->row && strcmp(cite->section, row->cell[ROW_SECTION]) == 0 &&
				 strcmp(cite->row, row->cell[ROW_NUMBER]) == 0;
		if (!cited)
			fail_msg("%s does not cite %s, row %s", flow->id.text,
				 row->cell[ROW_SECTION], row->cell[ROW_NUMBER]);
		if (!words_contain(&flow->from, row->cell[ROW_FROM]) ||
		    !words_contain(&flow->to, row->cell[ROW_TO]))
			fail_msg("%s does not lead from %s to %s", flow->id.text,
				 row->cell[ROW_FROM], row->cell[ROW_TO]);
		if (flow->either_way != (strcmp(row->cell[ROW_DIRECTION], "bidi") == 0))
			fail_msg("%s: either-way is not what row %s says", flow->id.text,
				 row->cell[ROW_NUMBER]);
		if (!flow_in_force_by_default(f, flow))
			fail_msg("%s is a row, but not in force by default", flow->id.text);
		if (is_extra(f, flow->id.text))
			fail_msg("%s is a row, and listed as having none", flow->id.text);
	}
}

/* Every pair of roles of a flow has rows, and they allow exactly what the flow allows. */
static void every_flow_is_what_its_rows_say(void **state)
{
	struct fixture *f = *state;

	list_for_each (flow, &f->catalog->flows) {
		struct service_list services = services_expand(f, &flow->allow);
		const char *flow_text = service_list_format(f->arena, &services);

		if (is_extra(f, flow->id.text))
			continue;
		assert_int_equal(flow->source_ports.count, 0);
		list_for_each (from, &flow->from) {
			list_for_each (to, &flow->to) {
				struct service_list rows =
					services_of_rows(f, flow->id.text, from->text, to->text);

				if (rows.count == 0)
					fail_msg("%s from %s to %s: no row says so", flow->id.text,
						 from->text, to->text);
				if (strcmp(service_list_format(f->arena, &rows), flow_text) != 0)
					fail_msg("%s allows %s, its rows say %s", flow->id.text,
						 flow_text, service_list_format(f->arena, &rows));
			}
		}
	}
}

/* What no row says is listed with a reason, cites something, and is a reading or a switch. */
static void every_extra_flow_is_off_until_asked_for(void **state)
{
	struct fixture *f = *state;

	list_for_each (extra, &f->extras) {
		const struct flow_rule *flow = catalog_flow(f->catalog, extra->cell[EXTRA_FLOW]);
		const struct role *from;

		if (!flow)
			fail_msg("cyara-extra.csv: no flow %s", extra->cell[EXTRA_FLOW]);
		assert_true(strlen(extra->cell[EXTRA_REASON]) > 0);
		assert_non_null(flow->reading);
		from = catalog_role(f->catalog, flow->from.items[0].text);
		/* users is in no row: binding it is what asks for the flow. */
		if (flow_in_force_by_default(f, flow) && strcmp(from->id.text, "users") != 0)
			fail_msg("%s is in no row, yet in force by default", flow->id.text);
	}
}

static void every_citation_exists(void **state)
{
	struct fixture *f = *state;

	list_for_each (flow, &f->catalog->flows) {
		assert_true(flow->cite.count > 0);
		list_for_each (cite, &flow->cite) {
			assert_true(words_contain(&f->catalog->sections, cite->section));
			if (cite->row && !row_exists(f, cite))
				fail_msg("%s cites %s, row %s, lines %s: there is none",
					 flow->id.text, cite->section, cite->row,
					 cite->lines ? cite->lines : "(none)");
			if (!cite->row && !cite->lines)
				fail_msg("%s cites neither row nor line", flow->id.text);
		}
	}
}

static const struct role *role_named(const struct fixture *f, const char *name)
{
	const char *folded = name_fold(f->arena, name);
	const struct role *found = NULL;

	list_for_each (role, &f->catalog->roles) {
		list_for_each (word, &role->names) {
			if (strcmp(name_fold(f->arena, word->text), folded) != 0)
				continue;
			if (found)
				fail_msg("\"%s\" names both %s and %s", name, found->id.text,
					 role->id.text);
			found = role;
		}
	}
	return found;
}

static void every_printed_name_leads_to_its_role(void **state)
{
	struct fixture *f = *state;

	list_for_each (name, &f->names) {
		const struct role *role = role_named(f, name->cell[ROLE_NAME]);

		if (!role)
			fail_msg("line %s prints \"%s\", which no role has", name->cell[ROLE_LINES],
				 name->cell[ROLE_NAME]);
		assert_string_equal(role->id.text, name->cell[ROLE_ID]);
	}
}

static void every_name_is_printed(void **state)
{
	struct fixture *f = *state;

	list_for_each (role, &f->catalog->roles) {
		list_for_each (word, &role->names) {
			const char *folded = name_fold(f->arena, word->text);
			bool printed = false;

			list_for_each (name, &f->names)
				printed |= strcmp(name_fold(f->arena, name->cell[ROLE_NAME]),
						  folded) == 0;
			if (!printed)
				fail_msg("%s is called \"%s\", which the document does not print",
					 role->id.text, word->text);
		}
	}
}

/* Lines 24 to 26 and 148 to 150. */
static void vacant_ports_are_those_of_the_document(void **state)
{
	static const struct {
		const char *role;
		const char *services;
	} vacant[] = {
		{"web-portal", "tcp/80, tcp/443, tcp/9006"},
		{"message-bus", "tcp/5672"},
		{"mssql", "tcp/1433"},
		{"voice-scheduler", "tcp/8001"},
		{"call-engine", "tcp+udp/5060, tcp/9005, udp/30000-65535"},
		{"storage", "tcp/9001"},
	};
	struct fixture *f = *state;
	size_t listening = 0;

	list_for_each (role, &f->catalog->roles)
		listening += role->listens.count > 0;
	assert_int_equal(listening, sizeof(vacant) / sizeof(vacant[0]));
	for (size_t i = 0; i < listening; i++) {
		const struct role *role = catalog_role(f->catalog, vacant[i].role);
		struct service_list services;

		assert_non_null(role);
		services = services_expand(f, &role->listens);
		assert_string_equal(service_list_format(f->arena, &services), vacant[i].services);
	}
}

/* Voice calls ***** "separate servers", omni "Genesys ports": no parameter may mix them (C-05). */
static void footnotes_stay_in_their_section(void **state)
{
	struct fixture *f = *state;

	list_for_each (parameter, &f->catalog->parameters) {
		bool genesys = strncmp(parameter->name.text, "genesys-", 8) == 0;

		assert_non_null(parameter->about);
		assert_non_null(parameter->reading);
		assert_true(parameter->cite.count > 0);
		list_for_each (cite, &parameter->cite) {
			bool five = cite->footnote && strcmp(cite->footnote, "*****") == 0;

			assert_int_equal(five, genesys);
			if (five)
				assert_string_equal(cite->section, "Cyara Omni Channel");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(catalog_is_without_findings),
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(every_row_has_its_flow),
		cmocka_unit_test(every_flow_is_what_its_rows_say),
		cmocka_unit_test(every_extra_flow_is_off_until_asked_for),
		cmocka_unit_test(every_citation_exists),
		cmocka_unit_test(every_printed_name_leads_to_its_role),
		cmocka_unit_test(every_name_is_printed),
		cmocka_unit_test(vacant_ports_are_those_of_the_document),
		cmocka_unit_test(footnotes_stay_in_their_section),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
