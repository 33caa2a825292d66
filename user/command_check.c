/* SPDX-License-Identifier: BSD-2-Clause */
/* check and show: what policy files say, without touching the kernel. */
#include <string.h>
#include <time.h>

#include "change_request.h"
#include "command.h"
#include "file_kind.h"
#include "media_check.h"
#include "node.h"
#include "output.h"
#include "policy_feeds.h"
#include "tables.h"

/* ------------------------------------------------------------ check */

/* What can only be seen on a host: every one of the site's is resolved and compiled. */
static void check_hosts(struct arena *arena, struct diagnostics *diagnostics,
			const struct policy *policy)
{
	list_for_each (host, &policy->site->hosts) {
		struct player player = {.kind = PLAYER_HOST, .name = host->name.text};
		struct host_policy *resolved;
		struct tables *tables;

		if (resolve(arena, diagnostics, policy, &player, &resolved) != RESOLVE_OK)
			continue;
		if (compile(resolved, diagnostics, &tables) == 0)
			tables_free(tables);
	}
}

static void check_site(const struct invocation *invocation, struct arena *arena,
		       struct diagnostics *diagnostics, const char *path, FILE *summary)
{
	const struct policy_places places = {
		.catalogs = invocation->value[OPTION_CATALOGS],
		.feeds = invocation->value[OPTION_FEEDS],
	};
	struct policy *policy = policy_read_from(arena, diagnostics, path, &places);
	const struct site *site;

	if (!policy)
		return;
	site = policy->site;
	check_policy(arena, diagnostics, policy);
	policy_feeds_check(diagnostics, policy, (uint64_t)time(NULL));
	if (!diagnostics_errors(diagnostics))
		check_hosts(arena, diagnostics, policy);
	fprintf(summary,
		"%s: site %s: %zu catalog%s, %zu host%s, %zu role%s bound, %zu flow%s of its own",
		path, site->name.text, site->catalogs.count, plural(site->catalogs.count),
		site->hosts.count, plural(site->hosts.count), site->bind.count,
		plural(site->bind.count), site->flows.count, plural(site->flows.count));
}

static void check_catalog(struct arena *arena, struct diagnostics *diagnostics, const char *path,
			  FILE *summary)
{
	const struct catalog *catalog = catalog_read(arena, diagnostics, path);

	if (!catalog)
		return;
	list_for_each (flow, &catalog->flows) {
		if (flow->mirror_missing)
			diagnostics_remark(diagnostics, flow->id.at,
					   "the document has no mirror row for flow `%s`",
					   flow->id.text);
	}
	media_check_catalog(arena, diagnostics, catalog);
	fprintf(summary, "%s: catalog %s: %zu parameter%s, %zu role%s, %zu flow%s", path,
		catalog->name.text, catalog->parameters.count, plural(catalog->parameters.count),
		catalog->roles.count, plural(catalog->roles.count), catalog->flows.count,
		plural(catalog->flows.count));
}

static void append(json_t *all, json_t *some)
{
	json_array_extend(all, some);
	json_decref(some);
}

/* Returns whether the file is free of errors. */
static bool check_file(const struct invocation *invocation, const char *path, json_t *findings)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	bool json = invocation->given[OPTION_JSON];
	char *summary = NULL;
	size_t length = 0;
	FILE *words = open_memstream(&summary, &length);
	enum file_kind kind = file_kind_read(diagnostics, path);
	size_t errors, warnings;

	if (kind == FILE_SITE)
		check_site(invocation, arena, diagnostics, path, words);
	if (kind == FILE_CATALOG)
		check_catalog(arena, diagnostics, path, words);
	fclose(words);
	errors = diagnostics_errors(diagnostics);
	warnings = diagnostics_warnings(diagnostics);
	if (json) {
		append(findings, diagnostics_json(diagnostics));
	} else {
		output_diagnostics(invocation, diagnostics);
		printf("%s: %s%zu error%s%s, %zu warning%s\n", length ? summary : path,
		       errors ? paint_begin(PAINT_BAD, stdout) : "", errors, plural(errors),
		       errors ? paint_end(stdout) : "", warnings, plural(warnings));
	}
	free(summary);
	return errors == 0;
}

/* The canonical text; nothing is printed of a file with errors. */
static int print_file(const struct invocation *invocation, const char *path)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	enum file_kind kind = file_kind_read(diagnostics, path);
	const struct catalog *catalog = NULL;
	const struct site *site = NULL;

	if (kind == FILE_CATALOG)
		catalog = catalog_read(arena, diagnostics, path);
	if (kind == FILE_SITE)
		site = site_read(arena, diagnostics, path);
	output_diagnostics(invocation, diagnostics);
	if (diagnostics_errors(diagnostics))
		return EXIT_POLICY;
	if (catalog)
		catalog_print(catalog, stdout);
	if (site)
		site_print(site, stdout);
	return EXIT_DONE;
}

int command_check(const struct invocation *invocation)
{
	json_t *findings;
	bool good = true;

	if (invocation->given[OPTION_PRINT] && invocation->argument_count != 1)
		return usage_error(invocation, "--print takes one FILE, and %d are given",
				   invocation->argument_count);
	if (invocation->given[OPTION_PRINT] && invocation->given[OPTION_JSON])
		return usage_error(invocation, "--print prints YAML: leave --json out");
	if (catalogs_check(invocation) != EXIT_DONE)
		return EXIT_USAGE;
	if (invocation->given[OPTION_PRINT])
		return print_file(invocation, invocation->arguments[0]);
	findings = json_array();
	for (int i = 0; i < invocation->argument_count; i++)
		good &= check_file(invocation, invocation->arguments[i], findings);
	if (invocation->given[OPTION_JSON])
		output_json(invocation, stdout, findings);
	else
		json_decref(findings);
	return good ? EXIT_DONE : EXIT_POLICY;
}

/* ------------------------------------------------------------ show */

static bool lists_meet(const struct prefix_list *singles, const struct prefix_list *own)
{
	for (size_t i = 0; i < singles->count; i++)
		for (size_t k = 0; k < own->count; k++)
			if (prefix_is_single(&singles->items[i]) &&
			    prefix_compare(&singles->items[i], &own->items[k]) == 0)
				return true;
	return false;
}

/* Whether the site knows a host that has one of these addresses as its own. */
static bool site_has(const struct policy *policy, const struct prefix_list *own)
{
	for (size_t i = 0; i < policy->site->hosts.count; i++)
		if (lists_meet(&policy->host_addresses[i], own))
			return true;
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t k = 0; k < binding->member_count; k++)
			if (!binding->members[k].host &&
			    lists_meet(&binding->members[k].addresses, own))
				return true;
	}
	return false;
}

/* At most a few: a role may be bound to a million prefixes. */
#define ADDRESSES_SHOWN 4

static char *addresses_format(struct arena *arena, const struct prefix_list *list)
{
	char *text = arena_strdup(arena, "");
	char buffer[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < list->count && i < ADDRESSES_SHOWN; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "",
				    prefix_format(&list->items[i], buffer));
	if (list->count > ADDRESSES_SHOWN)
		text = arena_printf(arena, "%s and %zu more", text, list->count - ADDRESSES_SHOWN);
	return text;
}

static char *words_format(struct arena *arena, const word_list *words)
{
	char *text = arena_strdup(arena, "");

	list_for_each (word, words)
		text = arena_printf(arena, "%s%s%s", text, word == words->items ? "" : " ",
				    word->text);
	return text;
}

static json_t *addresses_json(const struct prefix_list *list)
{
	json_t *array = json_array();
	char buffer[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(prefix_format(&list->items[i], buffer)));
	return array;
}

static json_t *hosts_json(const struct policy *policy)
{
	json_t *hosts = json_array();
	json_t *bound = json_array();

	for (size_t i = 0; i < policy->site->hosts.count; i++) {
		const struct site_host *host = &policy->site->hosts.items[i];
		json_t *roles = json_array();

		list_for_each (role, &host->roles)
			json_array_append_new(roles, json_string(role->text));
		json_array_append_new(hosts, json_pack("{s:s, s:o, s:o}", "host", host->name.text,
						       "addresses",
						       addresses_json(&policy->host_addresses[i]),
						       "roles", roles));
	}
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t k = 0; k < binding->member_count; k++) {
			const struct member *member = &binding->members[k];

			if (member->host)
				continue;
			json_array_append_new(bound,
					      json_pack("{s:s, s:b, s:o}", "role", binding->id,
							"any", member->any, "addresses",
							addresses_json(&member->addresses)));
		}
	}
	return json_pack("{s:s, s:o, s:o}", "site", policy->site->name.text, "hosts", hosts, "bind",
			 bound);
}

static void print_hosts(struct arena *arena, const struct policy *policy)
{
	static const char *const host_header[] = {"HOST", "ADDRESSES", "ROLES"};
	static const char *const bind_header[] = {"BOUND ROLE", "ADDRESSES"};
	cleanup(text_table_freep) struct text_table *hosts = text_table_new(3, host_header);
	cleanup(text_table_freep) struct text_table *bound = text_table_new(2, bind_header);
	bool has_bound = false;

	for (size_t i = 0; i < policy->site->hosts.count; i++) {
		const struct site_host *host = &policy->site->hosts.items[i];

		text_table_add(hosts, "%s", host->name.text);
		text_table_add(hosts, "%s", addresses_format(arena, &policy->host_addresses[i]));
		text_table_add(hosts, "%s", words_format(arena, &host->roles));
	}
	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		for (size_t k = 0; k < binding->member_count; k++) {
			const struct member *member = &binding->members[k];

			if (member->host)
				continue;
			has_bound = true;
			text_table_add(bound, "%s", binding->id);
			text_table_add(bound, "%s",
				       member->any ? "any"
						   : addresses_format(arena, &member->addresses));
		}
	}
	printf("site %s: this machine is none of its hosts. To see what would be enforced on one,\n"
	       "choose it with --host HOST, --address ADDRESS or --role ROLE.\n\n",
	       policy->site->name.text);
	text_table_print(hosts, stdout);
	if (has_bound) {
		putchar('\n');
		text_table_print(bound, stdout);
	}
}

static int show_hosts(const struct invocation *invocation, const struct site_files *files)
{
	output_diagnostics(invocation, files->diagnostics);
	if (invocation->given[OPTION_JSON])
		output_json(invocation, stdout, hosts_json(files->policy));
	else
		print_hosts(files->arena, files->policy);
	return EXIT_DONE;
}

/* The lines of a change request: of the whole site, or of whom --host, --address or --role name. */
static int show_csv(const struct invocation *invocation, struct site_files *files)
{
	const char *name = invocation->value[OPTION_HOST]      ?: invocation->value[OPTION_ADDRESS]
							       ?: invocation->value[OPTION_ROLE];
	const char *hint = "";
	struct party party;

	output_diagnostics(invocation, files->diagnostics);
	if (name && !party_find(files->arena, files->policy, name, &party, &hint))
		return usage_error(invocation, "\"%s\" is no role, host or address of this site%s",
				   name, hint);
	change_request_print(files->arena, files->policy, name ? &party : NULL, stdout);
	return EXIT_DONE;
}

/* Every host of the file, one after the other. */
static int show_all(const struct invocation *invocation, struct site_files *files)
{
	json_t *all = invocation->given[OPTION_JSON] ? json_array() : NULL;
	int result = EXIT_DONE;

	list_for_each (site_host, &files->policy->site->hosts) {
		const struct player player = {.kind = PLAYER_HOST, .name = site_host->name.text};
		struct host_policy *host;

		result = site_files_resolve(invocation, files, &player, &host);
		if (result != EXIT_DONE)
			break;
		if (all)
			json_array_append_new(all, host_policy_json(host));
		else
			host_policy_print(host, stdout);
		if (!all && site_host + 1 < files->policy->site->hosts.items +
						    files->policy->site->hosts.count)
			putchar('\n');
	}
	if (all && result == EXIT_DONE)
		output_json(invocation, stdout, all);
	else
		json_decref(all);
	return result;
}

int command_show(const struct invocation *invocation)
{
	cleanup(site_files_close) struct site_files files = {0};
	struct host_policy *host;
	struct player player;
	bool given;
	int result;

	if (invocation->given[OPTION_CSV] && invocation->given[OPTION_JSON])
		return usage_error(invocation, "--csv and --json exclude each other: give one");
	result = site_files_read(invocation, invocation->arguments[0], &files);
	if (result != EXIT_DONE)
		return result;
	if (invocation->given[OPTION_CSV])
		return show_csv(invocation, &files);
	result = player_from_options(invocation, files.arena, &player, &given);
	if (result == EXIT_DONE && !given)
		result = player_own(invocation, files.arena, &player);
	if (result == EXIT_DONE && given && invocation->given[OPTION_ALL])
		result = usage_error(invocation, "--all shows every host: leave --host, --address "
						 "and --role out");
	if (result != EXIT_DONE)
		return result;
	if (invocation->given[OPTION_ALL])
		return show_all(invocation, &files);
	if (!given && !site_has(files.policy, &player.addresses))
		return show_hosts(invocation, &files);
	result = site_files_resolve(invocation, &files, &player, &host);
	if (result != EXIT_DONE)
		return result;
	if (invocation->given[OPTION_JSON])
		output_json(invocation, stdout, host_policy_json(host));
	else
		host_policy_print(host, stdout);
	return EXIT_DONE;
}
