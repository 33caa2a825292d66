/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_text.h"

#include "../../include/bounds.h"
#include "../../user/node.h"
#include "../../user/reader.h"

static const struct node *read_text_of(struct policy_text *text, const char *yaml)
{
	*text = policy_text(yaml);
	return node_read(text->arena, text->diagnostics, text->path);
}

static void test_tree(void **state)
{
	struct policy_text text;
	const struct node *top =
		read_text_of(&text, "a: no\nb: [22:30, \"x\", ]\nc:\n  d: ~\ne:\n");
	const struct node *b = mapping_get(top, "b");

	assert_string_equal(findings(&text), "");
	assert_int_equal(top->kind, NODE_MAPPING);
	assert_int_equal(top->count, 4);
	assert_string_equal(mapping_get(top, "a")->text, "no");
	assert_int_equal(b->kind, NODE_SEQUENCE);
	assert_int_equal(b->count, 2);
	assert_string_equal(b->first->text, "22:30");
	assert_true(b->first->plain);
	assert_string_equal(b->first->next->text, "x");
	assert_false(b->first->next->plain);
	assert_null(b->first->next->next);
	assert_string_equal(mapping_get(mapping_get(top, "c"), "d")->text, "~");
	assert_true(node_is_empty(mapping_get(top, "e")));
	assert_null(mapping_get(top, "f"));
	policy_text_free(&text);
}

static void check_place(const struct node *node, unsigned line, unsigned column)
{
	assert_int_equal(node->line, line);
	assert_int_equal(node->column, column);
}

/* Columns count bytes, lines end as YAML 1.1 says. */
static void test_positions(void **state)
{
	struct policy_text text;
	const struct node *top = read_text_of(&text, "\xef\xbb\xbf"
						     "a: {\xc3\xa9: x, \xe2\x82\xac: y}\r\n"
						     "b: z\r"
						     "\"\xf0\x9f\x98\x80\": w\n");
	const struct node *a = mapping_get(top, "a");

	check_place(a->key, 1, 1);
	check_place(a, 1, 4);
	check_place(a->first->key, 1, 5);
	check_place(a->first, 1, 9);
	check_place(a->first->next->key, 1, 12);
	check_place(a->first->next, 1, 17);
	check_place(mapping_get(top, "b"), 2, 4);
	check_place(mapping_get(top, "\xf0\x9f\x98\x80"), 3, 9);
	policy_text_free(&text);
}

struct row {
	const char *yaml;
	const char *findings;
};

static void check_rows(const struct row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct policy_text text;

		read_text_of(&text, rows[i].yaml);
		assert_string_equal(findings(&text), rows[i].findings);
		policy_text_free(&text);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define TRAP(place, word)                                                                          \
	place ": error: YAML takes a colon at an end of `" word                                    \
	      "` for its own: put it in quotes, \"" word "\"\n"
#define MAPPING_TRAP(place, word)                                                                  \
	place ": error: YAML takes the last colon of `" word                                       \
	      "` for its own and this for a mapping: put it in quotes, \"" word "\"\n"
#define STAR_TRAP(place, word)                                                                     \
	place ": error: YAML takes `*` for an alias: put it in quotes, \"" word "\"\n"

static void test_traps(void **state)
{
	static const struct row rows[] = {
		{"a: [::1]", TRAP("1:5", "::1")},
		{"a: [10.0.0.1, ::/0]", TRAP("1:15", "::/0")},
		{"a: {b: ::1}", TRAP("1:8", "::1")},
		{"a: [2001:db8::, 10.0.0.1]", TRAP("1:5", "2001:db8::")},
		{"a: {b: 2001:db8::}", TRAP("1:8", "2001:db8::")},
		{"a: 2001:db8::", TRAP("1:4", "2001:db8::")},
		{"a: ::", TRAP("1:4", "::")},
		{"- 2001:db8::\n- ::\n",
		 MAPPING_TRAP("1:3", "2001:db8::") MAPPING_TRAP("2:3", "::")},
		{"- fe80::\n- 'fe80::'\n", MAPPING_TRAP("1:3", "fe80::")},
		{"a: *.example.com", STAR_TRAP("1:4", "*.example.com")},
		{"a: [*.example.com]", STAR_TRAP("1:5", "*.example.com")},
		{"a: *host.example.com", STAR_TRAP("1:4", "*host.example.com")},
		/* What is none. */
		{"a: [fe80::/10, 2001:db8::1]", ""},
		{"- ::/0\n- ::1\n", ""},
		{"cafe: x\n1: y\n", ""},
		{"'2001:db8:': x\n", ""},
		{"a: b: c",
		 "1:5: error: a `:` where no key can be; if it belongs to the text, put the "
		 "text in quotes\n"},
	};

	CHECK_ROWS(rows);
}

/* What can be read past is, and all of it is found in one run. */
static void test_refusals(void **state)
{
	static const struct row rows[] = {
		{"a: &x 1\nb: *x\nc: !!str 2\na: 3\n",
		 "1:4: error: anchors (`&x`) are not used here: write the value where it is "
		 "needed, or "
		 "put it in quotes if it begins with `&`\n"
		 "2:4: error: aliases (`*x`) are not used here: write the value again, or put it "
		 "in "
		 "quotes if it begins with `*`\n"
		 "3:4: error: tags (`!`) are not used here: take it away, or put the value in "
		 "quotes if "
		 "it begins with `!`\n"
		 "4:1: error: `a` is here twice; the first is on line 1: keep one of them\n"},
		{"a: 1\na: 2\na: 3\n",
		 "2:1: error: `a` is here twice; the first is on line 1: keep one of them\n"
		 "3:1: error: `a` is here twice; the first is on line 2: keep one of them\n"},
		{"[a]: b\n{c: d}: e\n", "1:1: error: a key must be a plain word\n"
					"2:1: error: a key must be a plain word\n"},
		{"a: 1\n---\nb: 2\n",
		 "2:1: error: a second document begins here: one file holds one\n"},
		{"", "1:1: error: the file is empty: a catalog begins with `catalog: NAME`, a site "
		     "with "
		     "`site: NAME`\n"},
		{"---\n...\n",
		 "1:1: error: the file is empty: a catalog begins with `catalog: NAME`, a "
		 "site with `site: NAME`\n"},
		{"a: \"x\\0y\"\n", "1:4: error: a NUL character in a text: take out the \\0\n"},
		{"\xef\xbb\xbf"
		 "a: 1\n\tb: 2\n",
		 "2:1: error: a tab; indent with spaces only\n"},
	};

	CHECK_ROWS(rows);
}

static void check_bytes(const char *bytes, size_t length, const char *expected)
{
	struct policy_text text = policy_text_of_bytes(bytes, length);

	assert_null(node_read(text.arena, text.diagnostics, text.path));
	assert_string_equal(findings(&text), expected);
	policy_text_free(&text);
}

static void test_encoding(void **state)
{
	static const char nul[] = "a: b\nc: d\0e\n";
	static const char utf16[] = "\xff\xfe"
				    "a\0:\0 \0b\0";

	check_bytes(nul, sizeof(nul) - 1,
		    "2:5: error: a NUL byte: this is no text file; save it as UTF-8\n");
	check_bytes(
		utf16, sizeof(utf16) - 1,
		"1:1: error: not UTF-8 (invalid leading UTF-8 octet); save the file as UTF-8\n");
	check_bytes(
		"a: b\n\n# \xe9t\xe9\n", 12,
		"3:3: error: not UTF-8 (invalid trailing UTF-8 octet); save the file as UTF-8\n");
	check_bytes("a: \x1b[31m\n", 9, "1:4: error: a control character (U+001B): take it out\n");
}

/* A text of that many bytes, between quotes behind "a: ". */
static char *long_text(struct arena *arena, size_t length)
{
	char *yaml = arena_alloc(arena, length + 8);

	strcpy(yaml, "a: '");
	memset(yaml + 4, 'x', length);
	yaml[length + 4] = '\'';
	return yaml;
}

static void test_text_bound(void **state)
{
	struct arena *arena = arena_new();
	struct policy_text text;
	const struct node *top = read_text_of(&text, long_text(arena, TEXT_BYTES_MAX));

	assert_string_equal(findings(&text), "");
	assert_int_equal(strlen(top->first->text), TEXT_BYTES_MAX);
	policy_text_free(&text);
	top = read_text_of(&text, long_text(arena, TEXT_BYTES_MAX + 1));
	assert_string_equal(findings(&text),
			    "1:4: error: a text of 4097 bytes; at most 4096 (TEXT_BYTES_MAX)\n");
	assert_int_equal(top->first->kind, NODE_BROKEN);
	policy_text_free(&text);
	arena_free(arena);
}

static char *nested(struct arena *arena, unsigned depth)
{
	char *yaml = arena_alloc(arena, depth * 2 + 1);

	memset(yaml, '[', depth);
	memset(yaml + depth, ']', depth);
	return yaml;
}

static void test_depth_bound(void **state)
{
	struct arena *arena = arena_new();
	struct policy_text text;

	assert_non_null(read_text_of(&text, nested(arena, POLICY_DEPTH_MAX)));
	assert_string_equal(findings(&text), "");
	policy_text_free(&text);
	assert_null(read_text_of(&text, nested(arena, POLICY_DEPTH_MAX + 1)));
	assert_string_equal(findings(&text),
			    "1:17: error: more than 16 levels deep (POLICY_DEPTH_MAX)\n");
	policy_text_free(&text);
	/* However deep: no recursion, no time lost. */
	assert_null(read_text_of(&text, nested(arena, 1000000)));
	assert_string_equal(findings(&text),
			    "1:17: error: more than 16 levels deep (POLICY_DEPTH_MAX)\n");
	policy_text_free(&text);
	arena_free(arena);
}

/* A list of count items is count + 1 nodes. */
static char *items(struct arena *arena, size_t count)
{
	char *yaml = arena_alloc(arena, count * 4 + 1);
	size_t i;

	for (i = 0; i < count; i++)
		memcpy(yaml + i * 4, "- x\n", 4);
	return yaml;
}

static void test_node_bound(void **state)
{
	struct arena *arena = arena_new();
	struct policy_text text;
	const struct node *top = read_text_of(&text, items(arena, POLICY_NODES_MAX - 1));

	assert_non_null(top);
	assert_int_equal(top->count, POLICY_NODES_MAX - 1);
	policy_text_free(&text);
	assert_null(read_text_of(&text, items(arena, POLICY_NODES_MAX)));
	assert_string_equal(findings(&text),
			    "2000000:3: error: more than 2000000 values in one file "
			    "(POLICY_NODES_MAX)\n");
	policy_text_free(&text);
	arena_free(arena);
}

static void test_byte_bound(void **state)
{
	struct policy_text text = policy_text("a: b\n");
	const struct node *top;

	/* Blank lines up to the bound: a sparse file would be NUL bytes. */
	FILE *file = fopen(text.path, "r+");
	size_t i;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	for (i = 5; i < POLICY_FILE_BYTES_MAX; i++)
		putc('\n', file);
	fflush(file);
	top = node_read(text.arena, text.diagnostics, text.path);
	assert_non_null(top);
	assert_string_equal(findings(&text), "");
	putc('\n', file);
	fclose(file);
	assert_null(node_read(text.arena, text.diagnostics, text.path));
	assert_string_equal(findings(&text), " error: the file has more than 67108864 bytes "
					     "(POLICY_FILE_BYTES_MAX)\n");
	policy_text_free(&text);
}

static void test_unreadable(void **state)
{
	struct policy_text text = policy_text("");

	assert_null(node_read(text.arena, text.diagnostics, "/nonexistent/x.yaml"));
	assert_null(node_read(text.arena, text.diagnostics, "/tmp"));
	assert_string_equal(findings(&text),
			    "/nonexistent/x.yaml: error: can't read it: No such file or directory\n"
			    "/tmp: error: can't read it: Is a directory\n");
	policy_text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),	    cmocka_unit_test(test_positions),
		cmocka_unit_test(test_traps),	    cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_encoding),    cmocka_unit_test(test_text_bound),
		cmocka_unit_test(test_depth_bound), cmocka_unit_test(test_node_bound),
		cmocka_unit_test(test_byte_bound),  cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
