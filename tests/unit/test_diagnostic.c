/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_text.h"

#include "../../include/bounds.h"

static char *printed(const struct diagnostics *diagnostics, bool verbose)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	diagnostics_print(diagnostics, out, verbose);
	fclose(out);
	return text;
}

static void test_order(void **state)
{
	const struct position places[] = {{"b.yaml", 1, 1}, {"a.yaml", 10, 2}, {"a.yaml", 9, 30},
					  {"a.yaml", 9, 4}, {NULL, 0, 0},      {"a.yaml", 0, 0}};
	struct diagnostics *diagnostics = diagnostics_new();
	char *text;
	size_t i;

	for (i = 0; i < 6; i++)
		diagnostics_error(diagnostics, places[i], "number %zu", i);
	diagnostics_warning(diagnostics, places[3], "later, same place");
	diagnostics_note(diagnostics, places[0], "a note");
	text = printed(diagnostics, false);
	assert_string_equal(text, "a.yaml: error: number 5\n"
				  "a.yaml:9:4: error: number 3\n"
				  "a.yaml:9:4: warning: later, same place\n"
				  "a.yaml:9:30: error: number 2\n"
				  "a.yaml:10:2: error: number 1\n"
				  "b.yaml:1:1: error: number 0\n"
				  "error: number 4\n");
	free(text);
	text = printed(diagnostics, true);
	assert_non_null(strstr(text, "b.yaml:1:1: note: a note\n"));
	free(text);
	assert_int_equal(diagnostics_errors(diagnostics), 6);
	assert_int_equal(diagnostics_warnings(diagnostics), 1);
	diagnostics_free(diagnostics);
}

static void test_bound(void **state)
{
	struct diagnostics *diagnostics = diagnostics_new();
	char *text;
	size_t lines = 0;
	unsigned i;

	for (i = 0; i < DIAGNOSTICS_MAX; i++)
		diagnostics_error(diagnostics, ((struct position){"f", i + 1, 1}), "wrong");
	text = printed(diagnostics, false);
	assert_null(strstr(text, "DIAGNOSTICS_MAX"));
	free(text);
	for (i = 0; i < 5; i++)
		diagnostics_error(diagnostics, ((struct position){"f", 1, 1}), "one more");
	diagnostics_warning(diagnostics, ((struct position){"f", 1, 1}), "still shown");
	text = printed(diagnostics, false);
	for (i = 0; text[i]; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, DIAGNOSTICS_MAX + 2);
	assert_non_null(strstr(text, "\nerror: more than 1000 errors (DIAGNOSTICS_MAX)"));
	assert_null(strstr(text, "one more"));
	assert_non_null(strstr(text, "still shown"));
	assert_int_equal(diagnostics_errors(diagnostics), DIAGNOSTICS_MAX + 5);
	free(text);
	diagnostics_free(diagnostics);
}

static void test_unprintable(void **state)
{
	struct diagnostics *diagnostics = diagnostics_new();
	char *text;

	diagnostics_error(diagnostics, ((struct position){"f\x1b", 1, 1}),
			  "a\x1b[31m \xc3\xa9 \xe2\x80\x94 \xff \xc2\x9b \xed\xa0\x80 \xe2\x80");
	text = printed(diagnostics, false);
	assert_string_equal(text, "f\\x1b:1:1: error: a\\x1b[31m \xc3\xa9 \xe2\x80\x94 \\xff "
				  "\\xc2\\x9b \\xed\\xa0\\x80 \\xe2\\x80\n");
	free(text);
	diagnostics_free(diagnostics);
}

static void test_json(void **state)
{
	struct diagnostics *diagnostics = diagnostics_new();
	json_t *array, *second;

	diagnostics_warning(diagnostics, ((struct position){"f", 3, 4}), "odd");
	diagnostics_error(diagnostics, ((struct position){"\xff", 1, 2}), "wrong \"%s\"", "x\n");
	diagnostics_error(diagnostics, ((struct position){0}), "nowhere");
	array = diagnostics_json(diagnostics);
	assert_int_equal(json_array_size(array), 3);
	second = json_array_get(array, 1);
	assert_string_equal(json_string_value(json_object_get(second, "file")), "f");
	assert_int_equal(json_integer_value(json_object_get(second, "line")), 3);
	assert_int_equal(json_integer_value(json_object_get(second, "column")), 4);
	assert_string_equal(json_string_value(json_object_get(second, "severity")), "warning");
	assert_string_equal(json_string_value(json_object_get(json_array_get(array, 0), "message")),
			    "wrong \"x\\x0a\"");
	assert_true(json_is_null(json_object_get(json_array_get(array, 2), "file")));
	json_decref(array);
	diagnostics_free(diagnostics);
}

static void test_nearest_name(void **state)
{
	static const char *const names[] = {"names", "listens", "refuse", "from", "call-engine"};
	static const struct {
		const char *word;
		const char *nearest;
	} rows[] = {
		{"nmaes", "names"}, /* two letters changed places: one step of one allowed */
		{"name", "names"},
		{"Names", "names"},
		{"nnames", "names"},
		{"namsee", "names"},
		{"listen", "listens"},
		{"lstns", NULL}, /* two steps of one allowed */
		{"form", "from"},
		{"fr", NULL}, /* nothing is near a word of two letters */
		{"call-engnie", "call-engine"},
		{"call-ngn", NULL}, /* three steps of two allowed */
		{"", NULL},
		{"zzzzzzzzz", NULL},
	};
	char word[400];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *nearest = nearest_name(rows[i].word, names, 5);

		if (rows[i].nearest)
			assert_string_equal(nearest, rows[i].nearest);
		else
			assert_null(nearest);
	}
	/* The nearer one, not the first; of equals the first. */
	assert_string_equal(nearest_name("abcdeg", (const char *const[]){"abcdxx", "abcdef"}, 2),
			    "abcdef");
	assert_string_equal(nearest_name("abcdeg", (const char *const[]){"abcdex", "abcdef"}, 2),
			    "abcdex");
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(nearest_name(word, (const char *const[]){word}, 1));
	assert_null(nearest_name("names", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	     cmocka_unit_test(test_bound),
		cmocka_unit_test(test_unprintable),  cmocka_unit_test(test_json),
		cmocka_unit_test(test_nearest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
