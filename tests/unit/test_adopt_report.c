/* SPDX-License-Identifier: BSD-2-Clause */
/* What apply says about connections that were open before. */
#include "adopt_report.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_printed(const struct adoptions *adoptions, bool would, const char *wanted)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	adopt_report_print(adoptions, would, out);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static void assert_json(const struct adoptions *adoptions, const char *wanted)
{
	json_t *json = adopt_report_json(adoptions);
	char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(json);
}

static void add_rule(struct arena *arena, struct adoptions *adoptions, const char *id,
		     size_t connections)
{
	*arena_push(arena, &adoptions->rules) = (struct adopted_rule){id, connections};
	adoptions->made += connections;
}

static void add_unadopted(struct arena *arena, struct adoptions *adoptions, const char *local,
			  const char *remote, enum adoption_lack lack)
{
	struct unadopted *one = arena_push(arena, &adoptions->unadopted);

	one->lack = lack;
	one->reason = REASON_UNKNOWN_PEER;
	one->connection.local_port = 40000;
	one->connection.remote_port = 443;
	one->connection.state = TCP_ESTABLISHED;
	assert_true(address_parse(local, &one->connection.local));
	assert_true(address_parse(remote, &one->connection.remote));
}

/* A reload says nothing. */
static void nothing_was_due(void **data)
{
	const struct adoptions none = {0};

	assert_printed(&none, false, "");
	assert_json(&none, "null");
}

static void adopted_by_rules(void **data)
{
	struct arena *arena = arena_new();
	struct adoptions adoptions = {.passes = 1, .admitted = 1};

	add_rule(arena, &adoptions, NULL, 1);
	add_rule(arena, &adoptions, "a/b", 2);
	assert_printed(&adoptions, false,
		       "adopted 3 TCP connections that this host had open: 1 by no rule, 2 by a/b; "
		       "1 more needs nothing, as in rules admit it\n");
	assert_printed(&adoptions, true,
		       "would adopt 3 TCP connections that this host had open: 1 by no rule, 2 by "
		       "a/b; 1 more needs nothing, as in rules admit it\n");
	assert_json(&adoptions, "{\"adopted\":3,\"admitted\":1,\"rules\":[{\"rule\":null,"
				"\"connections\":1},{\"rule\":\"a/b\",\"connections\":2}],"
				"\"unadopted\":[]}");
	arena_free(arena);
}

static void each_lack_has_its_words(void **data)
{
	struct arena *arena = arena_new();
	struct adoptions adoptions = {.passes = 2};

	add_unadopted(arena, &adoptions, "192.0.2.1", "192.0.2.2", LACK_RULE);
	add_unadopted(arena, &adoptions, "2001:db8::1", "2001:db8::2", LACK_ROOM);
	add_unadopted(arena, &adoptions, "192.0.2.1", "192.0.2.3", LACK_NOTHING);
	assert_printed(&adoptions, true,
		       "no TCP connection that a rule allows was open\n"
		       "3 TCP connections are without a rule or room:\n"
		       "  192.0.2.1:40000 - 192.0.2.2:443 (established): would be cut, as no rule "
		       "allows it (unknown-peer)\n"
		       "  [2001:db8::1]:40000 - [2001:db8::2]:443 (established): would be cut, as "
		       "the flow table is full (bounds: {flows})\n"
		       "  192.0.2.1:40000 - 192.0.2.3:443 (established): goes on, though no rule "
		       "allows it: enforce would cut it (unknown-peer)\n");
	arena_free(arena);
}

static void one_line_for_a_peer(void **data)
{
	struct arena *arena = arena_new();
	struct adoptions adoptions = {.passes = 1};

	for (unsigned i = 0; i < 3; i++)
		add_unadopted(arena, &adoptions, "192.0.2.1", "192.0.2.2", LACK_RULE);
	add_unadopted(arena, &adoptions, "192.0.2.1", "192.0.2.3", LACK_RULE);
	assert_printed(&adoptions, false,
		       "no TCP connection that a rule allows was open\n"
		       "4 TCP connections are without a rule or room:\n"
		       "  192.0.2.1:40000 - 192.0.2.2:443 (established) and 2 more with this peer: "
		       "cut, as no rule allows it (unknown-peer)\n"
		       "  192.0.2.1:40000 - 192.0.2.3:443 (established): cut, as no rule allows it "
		       "(unknown-peer)\n");
	arena_free(arena);
}

static void a_long_list_is_cut_for_people_only(void **data)
{
	struct arena *arena = arena_new();
	struct adoptions adoptions = {.passes = 1};
	char remote[32], *text = NULL;
	json_t *json;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	for (unsigned i = 1; i <= ADOPT_REPORT_LINES + 2; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%u", i);
		add_unadopted(arena, &adoptions, "192.0.2.254", remote, LACK_RULE);
	}
	adopt_report_print(&adoptions, false, out);
	fclose(out);
	assert_non_null(strstr(text, "\n  and 2 with other peers; --json lists all\n"));
	assert_null(strstr(text, "192.0.2.21:"));
	free(text);
	json = adopt_report_json(&adoptions);
	assert_int_equal(json_array_size(json_object_get(json, "unadopted")),
			 ADOPT_REPORT_LINES + 2);
	json_decref(json);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_was_due),
		cmocka_unit_test(adopted_by_rules),
		cmocka_unit_test(each_lack_has_its_words),
		cmocka_unit_test(one_line_for_a_peer),
		cmocka_unit_test(a_long_list_is_cut_for_people_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
