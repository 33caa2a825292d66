/* SPDX-License-Identifier: BSD-2-Clause */
/* Policies from YAML texts in a folder of their own, and what comes of them as text. */
#ifndef SALLYPORT_POLICY_FIXTURE_H
#define SALLYPORT_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolve.h"

struct fixture {
	char folder[64];
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct policy *policy;
	struct host_policy *host;
};

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->folder, "/tmp/sallyport-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	fixture->arena = arena_new();
	fixture->diagnostics = diagnostics_new();
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	static const char *const names[] = {"site.yaml", "acme.yaml", "more.yaml"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(arena_printf(fixture->arena, "%s/%s", fixture->folder, names[i]));
	rmdir(fixture->folder);
	diagnostics_free(fixture->diagnostics);
	arena_free(fixture->arena);
	free(fixture);
	return 0;
}

static inline void fixture_write(struct fixture *fixture, const char *name, const char *text)
{
	FILE *file = fopen(arena_printf(fixture->arena, "%s/%s", fixture->folder, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* catalog: what follows the document; site: what follows "site", "catalogs" and "mode". */
static inline bool fixture_read(struct fixture *fixture, const char *catalog, const char *site)
{
	const char *path = arena_printf(fixture->arena, "%s/site.yaml", fixture->folder);

	fixture_write(fixture, "acme.yaml",
		      arena_printf(fixture->arena,
				   "catalog: acme\n"
				   "document: {title: Acme Guide, sections: [Ports]}\n%s",
				   catalog));
	fixture_write(fixture, "site.yaml",
		      arena_printf(fixture->arena,
				   "site: here\n"
				   "%s"
				   "mode: {in: enforce, out: enforce}\n%s",
				   strstr(site, "catalogs:") ? "" : "catalogs: [acme]\n", site));
	fixture->policy = policy_read(fixture->arena, fixture->diagnostics, path, NULL);
	return fixture->policy != NULL;
}

static inline void fixture_add_addresses(struct fixture *fixture, const char *text,
					 struct prefix_list *list)
{
	char *copy = arena_strdup(fixture->arena, text);
	struct prefix prefix;
	char *rest = NULL;

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(prefix_parse(word, &prefix));
		prefix_list_add(fixture->arena, list, &prefix);
	}
}

/* text: a name, or addresses with spaces between. */
static inline enum resolve_result fixture_play(struct fixture *fixture, int kind, const char *text)
{
	struct player player = {.name = text};

	player.kind = kind;
	if (kind == PLAYER_OWN || kind == PLAYER_ADDRESS)
		fixture_add_addresses(fixture, text, &player.addresses);
	fixture->host = NULL;
	return resolve(fixture->arena, fixture->diagnostics, fixture->policy, &player,
		       &fixture->host);
}

/* Every finding on a line: "site.yaml:3:1: error: ...", without the folder. */
static inline const char *fixture_findings(struct fixture *fixture)
{
	size_t cut = strlen(fixture->folder) + 1;
	char *printed = NULL;
	char *text;
	char *out;
	size_t length = 0;
	FILE *file = open_memstream(&printed, &length);

	diagnostics_print(fixture->diagnostics, file, true);
	fclose(file);
	text = out = arena_alloc(fixture->arena, length + 1);
	for (const char *in = printed; *in;) {
		if (!strncmp(in, fixture->folder, cut - 1) && in[cut - 1] == '/') {
			in += cut;
			continue;
		}
		*out++ = *in++;
	}
	free(printed);
	return text;
}

/* "in acme/a\nout acme/b\n" */
static inline const char *fixture_rules(struct fixture *fixture)
{
	const char *text = "";

	assert_non_null(fixture->host);
	for (size_t i = 0; i < fixture->host->rule_count; i++) {
		const struct rule *rule = &fixture->host->rules[i];

		text = arena_printf(fixture->arena, "%s%s %s\n", text,
				    rule->direction == DIRECTION_IN ? "in" : "out", rule->id);
	}
	return text;
}

static inline const char *fixture_prefixes(struct fixture *fixture, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	if (!list)
		return "every";
	list_for_each (prefix, list) {
		text = arena_printf(fixture->arena, "%s%s%s", text, *text ? " " : "",
				    prefix_format(prefix, buffer));
	}
	return text;
}

/* A match a line: "tcp LOCAL [PORTS] <- REMOTE [PORTS]", "->" where this host opens. */
static inline const char *fixture_matches(struct fixture *fixture, enum direction direction,
					  const char *id)
{
	const struct rule *rule = host_policy_rule(fixture->host, id, direction);
	const char *text = "";
	char buffer[16];

	if (!rule)
		return "no such rule";
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct match *match = &rule->matches[i];

		text = arena_printf(fixture->arena, "%s%s %s [%s] %s %s [%s]\n", text,
				    protocol_name(match->protocol, buffer),
				    fixture_prefixes(fixture, match->local),
				    port_list_format(fixture->arena, &match->local_ports),
				    direction == DIRECTION_IN ? "<-" : "->",
				    fixture_prefixes(fixture, match->remote),
				    port_list_format(fixture->arena, &match->remote_ports));
	}
	return text;
}

#endif
