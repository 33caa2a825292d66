/* SPDX-License-Identifier: BSD-2-Clause */
/* The pictures of a site: that every format stays whole whatever the names and texts in it are. */
#include "policy_fixture.h"

#include "graph.h"
#include "matrix.h"

static const char catalog[] =
	"parameters:\n"
	"  open: {type: ports}\n"
	"roles:\n"
	"  web: {names: [Web]}\n"
	"  sql: {names: [SQL]}\n"
	"  gateway: {names: [Gateway]}\n"
	"  spare: {names: [Spare]}\n"
	"flows:\n"
	"  - {id: s, from: web, to: sql, allow: [tcp/1433, udp/1434], cite: {section: Ports, row: "
	"1}}\n"
	"  - {id: t, from: web, to: sql, allow: tcp/22, cite: {section: Ports, row: 2, lines: 7}}\n"
	"  - {id: r, from: web, to: gateway, allow: udp/10000-10999, either-way: yes,\n"
	"     cite: {section: Ports, row: 3}}\n"
	"  - {id: q, from: web, to: gateway, allow: udp/10999-11998, cite: {section: Ports, row: "
	"4}}\n"
	"  - {id: o, from: web, to: spare, allow: tcp/$open, cite: {section: Ports, row: 5}}\n";

static const char site[] = "about: \"A <b>\\\"bold\\\"</b> & new\\nsite \\\\ here\"\n"
			   "management: [{from: 10.0.9.0/28, allow: tcp/22}]\n"
			   "hosts:\n"
			   "  w: {addresses: 10.0.0.1, roles: acme/web}\n"
			   "bind:\n"
			   "  acme/sql: 10.0.0.5\n"
			   "  acme/gateway: [10.0.1.1, 10.0.1.3, 10.0.1.5]\n";

static void read_reaches(struct fixture *fixture, bool unbound, reach_list *reaches)
{
	assert_true(fixture_read(fixture, catalog, site));
	reach_find(fixture->arena, fixture->policy, unbound, reaches);
}

/* What print writes, in the arena. */
static const char *printed(struct fixture *fixture, const struct matrix *matrix,
			   void (*print)(const struct matrix *matrix, FILE *out))
{
	char *text = NULL;
	const char *copy;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	print(matrix, out);
	fclose(out);
	copy = arena_strdup(fixture->arena, text);
	free(text);
	return copy;
}

static const char *drawn(struct fixture *fixture, const reach_list *reaches,
			 void (*print)(const struct policy *policy, const reach_list *reaches,
				       FILE *out))
{
	char *text = NULL;
	const char *copy;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	print(fixture->policy, reaches, out);
	fclose(out);
	copy = arena_strdup(fixture->arena, text);
	free(text);
	return copy;
}

static void print_narrow(const struct matrix *matrix, FILE *out)
{
	matrix_print_text(matrix, 40, out);
}

static void print_wide(const struct matrix *matrix, FILE *out)
{
	matrix_print_text(matrix, 400, out);
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (!strstr((text), (part)))                                                       \
			fail_msg("no %s in:\n%s", (part), (text));                                 \
	} while (0)

static void text_is_cut_into_blocks_that_fit(void **state)
{
	struct fixture *fixture = *state;
	struct matrix matrix;
	reach_list reaches;

	read_reaches(fixture, false, &reaches);
	matrix_make(fixture->arena, fixture->policy, &reaches, &matrix);
	assert_string_equal(printed(fixture, &matrix, print_wide),
			    "[1] acme/web\n"
			    "[2] acme/sql\n"
			    "[3] acme/gateway\n"
			    "\n"
			    "from \\ to         [1]              [2]       [3]\n"
			    "[1] acme/web                       tcp/22    udp/10000-11998\n"
			    "                                   tcp/1433\n"
			    "                                   udp/1434\n"
			    "[3] acme/gateway  udp/10000-10999\n"
			    "\n"
			    "management, to every host:\n"
			    "  10.0.9.0/28: tcp/22\n");
	assert_has(printed(fixture, &matrix, print_narrow), "from \\ to         [1]\n"
							    "[3] acme/gateway  udp/10000-10999\n"
							    "\n"
							    "from \\ to         [2]\n");
}

static void a_cell_names_its_rules_and_their_citations(void **state)
{
	struct fixture *fixture = *state;
	struct matrix matrix;
	reach_list reaches;
	const char *html;

	read_reaches(fixture, true, &reaches);
	matrix_make(fixture->arena, fixture->policy, &reaches, &matrix);
	html = printed(fixture, &matrix, matrix_print_html);
	assert_has(html, "<td class=\"open\" title=\"acme/s: Ports, row 1 (Acme Guide)&#10;"
			 "acme/t: Ports, row 2 (Acme Guide, line 7)\">tcp/22<br>tcp/1433<br>"
			 "udp/1434</td>");
	assert_has(html, "<td class=\"wide\"");
	assert_has(html, "<td class=\"missing\" title=\"acme/o: Ports, row 5 (Acme Guide)\">"
			 "$acme/open</td>");
	assert_has(html, "<li>10.0.9.0/28: tcp/22</li>");
	/* sql opens to nobody, and nobody opens to it but web: no empty rows. */
	assert_null(strstr(html, "<tr><th>acme/sql"));
}

static void texts_are_escaped_in_each_format(void **state)
{
	static const struct {
		const char *format;
		void (*print)(const struct matrix *matrix, FILE *out);
		const char *expected;
	} rows[] = {
		{"html", matrix_print_html, "<h1>a&lt;b&gt;|&amp;&quot;c&quot;,=d</h1>"},
		{"html rows", matrix_print_html, "<tr><th>a&lt;b&gt;|&amp;&quot;c&quot;,=d</th>"},
		{"markdown", matrix_print_markdown, "| **a\\<b>\\|&\"c\",=d** |"},
		{"csv", matrix_print_csv, "\"a<b>|&\"\"c\"\",=d\""},
	};
	const struct end end = {.name = "a<b>|&\"c\",=d"};
	const char *name = end.name;
	struct fixture *fixture = *state;
	struct reach_pair pair = {.from = &end, .to = &end, .missing = "x/y"};
	struct matrix matrix = {.site = name};

	*arena_push(fixture->arena, &matrix.names) = name;
	*arena_push(fixture->arena, &matrix.pairs) = pair;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_has(printed(fixture, &matrix, rows[i].print), rows[i].expected);
}

static void a_graph_escapes_what_a_site_says(void **state)
{
	struct fixture *fixture = *state;
	reach_list reaches;

	read_reaches(fixture, false, &reaches);
	assert_has(drawn(fixture, &reaches, graph_print_dot),
		   ">A &lt;b&gt;&quot;bold&quot;&lt;/b&gt; &amp; new site \\ here<");
	assert_has(drawn(fixture, &reaches, graph_print_mermaid),
		   "<br>A #60;b#62;#34;bold#34;#60;/b#62; #38; new site \\ here<br>");
}

static void arrows_merge_flows_and_tell_wide_ranges_apart(void **state)
{
	struct fixture *fixture = *state;
	reach_list reaches;
	const char *dot, *mermaid;

	read_reaches(fixture, true, &reaches);
	dot = drawn(fixture, &reaches, graph_print_dot);
	mermaid = drawn(fixture, &reaches, graph_print_mermaid);
	assert_has(mermaid, "box1 -->|\"tcp/22<br>tcp/1433<br>udp/1434\"| box2\n");
	/* There and back are two arrows where they differ. */
	assert_has(mermaid, "box1 -->|\"udp/10000-11998\"| box3\n");
	assert_has(mermaid, "box3 -->|\"udp/10000-10999\"| box1\n");
	assert_has(mermaid, "box1 -.->|\"$acme/open\"| box4\n");
	assert_has(mermaid, "linkStyle 1,2 stroke:#c0392b");
	assert_has(dot, "Thick and red: 1000 ports or more.");
	assert_has(dot, "the site must set it");
	assert_has(dot,
		   "box4 [label=<<font point-size=\"12\" color=\"#1f2a36\"><b>spare</b></font>");
	assert_has(dot, "not bound");
	assert_has(dot, "10.0.1.1, 10.0.1.3 and 1 more");
	assert_has(dot, "Management, to every host");
	/* What is not bound is left out of a picture of the site. */
	read_reaches(fixture, false, &reaches);
	dot = drawn(fixture, &reaches, graph_print_dot);
	assert_null(strstr(dot, "spare"));
	assert_null(strstr(dot, "the site must set it"));
}

static void the_same_both_ways_is_one_arrow(void **state)
{
	struct fixture *fixture = *state;
	reach_list reaches;
	const char *mermaid;

	assert_true(fixture_read(fixture,
				 "roles:\n"
				 "  a: {names: [A]}\n"
				 "  b: {names: [B]}\n"
				 "flows:\n"
				 "  - {id: ab, from: [a, b], to: [a, b], allow: tcp/1,\n"
				 "     cite: {section: Ports}}\n",
				 "bind: {acme/a: [10.0.0.1, 10.0.0.2], acme/b: 10.0.0.3}\n"));
	reach_find(fixture->arena, fixture->policy, false, &reaches);
	mermaid = drawn(fixture, &reaches, graph_print_mermaid);
	assert_has(mermaid, "  box1 <-->|\"tcp/1\"| box1\n"
			    "  box1 <-->|\"tcp/1\"| box2\n");
	assert_null(strstr(mermaid, "| box2\n  box2"));
}

static void a_catalog_alone_is_a_policy(void **state)
{
	struct fixture *fixture = *state;
	struct matrix matrix;
	reach_list reaches;
	const char *path = arena_printf(fixture->arena, "%s/acme.yaml", fixture->folder);

	assert_true(fixture_read(fixture, catalog, site));
	fixture->policy = policy_of_catalog(fixture->arena, fixture->diagnostics, path);
	assert_non_null(fixture->policy);
	reach_find(fixture->arena, fixture->policy, true, &reaches);
	matrix_make(fixture->arena, fixture->policy, &reaches, &matrix);
	assert_int_equal(matrix.names.count, 4);
	assert_int_equal(matrix.management.count, 0);
	assert_null(strstr(drawn(fixture, &reaches, graph_print_dot), "not bound"));
	assert_null(policy_of_catalog(fixture->arena, fixture->diagnostics, "/nowhere/at.yaml"));
}

static void a_catalog_alone_shows_its_templates(void **state)
{
	static const char templates[] =
		"roles:\n"
		"  c: {names: [C]}\n"
		"  s: {names: [S]}\n"
		"flows:\n"
		"  - {id: t, from: c, to: s, allow: tcp/2020, each: client-port,\n"
		"     cite: {section: Ports}}\n";
	struct fixture *fixture = *state;
	struct matrix matrix;
	reach_list reaches;
	const char *path = arena_printf(fixture->arena, "%s/acme.yaml", fixture->folder);

	/* A site has a flow of a template for each of its entries, and here is none. */
	assert_true(
		fixture_read(fixture, templates, "bind: {acme/c: 10.0.0.1, acme/s: 10.0.0.2}\n"));
	reach_find(fixture->arena, fixture->policy, true, &reaches);
	assert_int_equal(reaches.count, 0);
	fixture->policy = policy_of_catalog(fixture->arena, fixture->diagnostics, path);
	reach_find(fixture->arena, fixture->policy, true, &reaches);
	matrix_make(fixture->arena, fixture->policy, &reaches, &matrix);
	assert_has(printed(fixture, &matrix, matrix_print_csv), "\r\nacme/c,,tcp/2020\r\n");
}

static void a_role_that_has_a_name_alone_is_drawn(void **state)
{
	struct fixture *fixture = *state;
	reach_list reaches;
	const char *dot;

	assert_true(fixture_read(
		fixture,
		"roles:\n"
		"  a: {names: [A]}\n"
		"  b: {names: [B], bind: [address, domain]}\n"
		"flows:\n"
		"  - {id: f, from: a, to: b, allow: tcp/443, cite: {section: Ports}}\n",
		"bind: {acme/a: 10.0.0.1, acme/b: {domain: \"*.example.com\"}}\n"));
	reach_find(fixture->arena, fixture->policy, false, &reaches);
	assert_int_equal(reaches.count, 1);
	assert_null(reaches.items[0].to);
	dot = drawn(fixture, &reaches, graph_print_dot);
	assert_has(dot, ">*.example.com<");
	assert_null(strstr(dot, "not bound"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(text_is_cut_into_blocks_that_fit),
		TEST(a_cell_names_its_rules_and_their_citations),
		TEST(texts_are_escaped_in_each_format),
		TEST(a_graph_escapes_what_a_site_says),
		TEST(arrows_merge_flows_and_tell_wide_ranges_apart),
		TEST(the_same_both_ways_is_one_arrow),
		TEST(a_catalog_alone_is_a_policy),
		TEST(a_catalog_alone_shows_its_templates),
		TEST(a_role_that_has_a_name_alone_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
