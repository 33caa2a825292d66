/* SPDX-License-Identifier: BSD-2-Clause */
/* apply, detach and status: a policy into force, out of it, and what is in force. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "adopt_report.h"
#include "command.h"
#include "feed_ages.h"
#include "demand_check.h"
#include "generation.h"
#include "live_config.h"
#include "output.h"
#include "site_words.h"
#include "status.h"
#include "words.h"

#define QUICK_PREFIXES 50000 /* a load of fewer is done before one could read what it does */

/* Who is told what a command is at. */
struct audience {
	const char *command;
	bool steps; /* each step, and not only that another command is waited for */
};

static struct audience audience_of(const struct invocation *invocation)
{
	return (struct audience){invocation->command->name, invocation->given[OPTION_VERBOSE] > 0};
}

static void print_step(const char *text, void *data)
{
	const struct audience *audience = data;

	if (audience->steps || strncmp(text, "waiting", strlen("waiting")) == 0)
		fprintf(stderr, "sallyport %s: %s\n", audience->command, text);
}

static size_t prefix_count(const struct tables *tables)
{
	return tables->ipv4.count + tables->ipv6.count;
}

static void print_list(const struct invocation *invocation, const text_list *texts)
{
	list_for_each (text, texts)
		fprintf(stderr, "sallyport %s: warning: %s\n", invocation->command->name, *text);
}

static json_t *texts_json(const text_list *texts)
{
	json_t *array = json_array();

	list_for_each (text, texts)
		json_array_append_new(array, json_string(*text));
	return array;
}

/* ------------------------------------------------------------ apply */

/* What of a policy the answer tells. */
struct summary {
	const struct host_policy *policy;
	const struct tables *tables;
	const struct stopwatch *stopwatch;
};

static json_t *applied_json(const struct applied_interface *one)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:b, s:I, s:I}", "interface", one->name, "first",
			 one->first, "xdp_mode", xdp_mode_name(one->hooks.xdp_mode), "egress_hook",
			 egress_hook_name(one->hooks.egress_hook), "egress_first",
			 one->hooks.egress_first, "receive_generation",
			 (json_int_t)one->hooks.receive.generation, "transmit_generation",
			 (json_int_t)one->hooks.transmit.generation);
}

/* Where each large map came from, and what was done to it. */
static json_t *tables_json(const struct apply_result *result)
{
	json_t *array = json_array();

	for (int map = 0; map < TABLE_MAP_COUNT; map++) {
		const struct table_report *report = &result->tables[map];
		json_t *object = json_pack("{s:s, s:s}", "map", table_map_name((enum table_map)map),
					   "source", table_source_name(report->source));

		if (map < TABLE_TRIE_COUNT)
			json_object_update_new(
				object, json_pack("{s:I, s:I, s:I, s:I}", "added",
						  (json_int_t)report->counts.added, "changed",
						  (json_int_t)report->counts.changed, "removed",
						  (json_int_t)report->counts.removed, "kept",
						  (json_int_t)report->counts.kept));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *timings_json(const struct stopwatch *stopwatch)
{
	json_t *object = json_object();

	for (size_t i = 0; i < stopwatch->lap_count; i++)
		json_object_set_new(object, stopwatch->laps[i].name,
				    json_real((double)stopwatch->laps[i].nanoseconds / 1e6));
	return object;
}

static void print_result_json(const struct invocation *invocation, const struct summary *summary,
			      const struct apply_result *result)
{
	const struct host_policy *policy = summary->policy;
	json_t *interfaces = json_array();
	json_t *object;

	list_for_each (one, &result->interfaces)
		json_array_append_new(interfaces, applied_json(one));
	object = json_pack(
		"{s:s, s:s?, s:s, s:s, s:s, s:s, s:b}", "site", policy->site, "host", policy->host,
		"digest", result->digest, "mode_in", mode_name(policy->mode[DIRECTION_IN]),
		"mode_out", mode_name(policy->mode[DIRECTION_OUT]), "lookup",
		lookup_name(policy->lookup), "dry_run", invocation->given[OPTION_DRY_RUN] > 0);
	json_object_update_new(object,
			       json_pack("{s:I, s:I, s:I, s:o, s:o, s:s?}", "generation",
					 (json_int_t)result->generation, "rules",
					 (json_int_t)policy->rule_count, "prefixes",
					 (json_int_t)prefix_count(summary->tables), "interfaces",
					 interfaces, "warnings", texts_json(&result->warnings),
					 "recovered", result->recovered));
	json_object_update_new(object, json_pack("{s:o, s:o}", "tables", tables_json(result),
						 "timings_ms", timings_json(summary->stopwatch)));
	json_object_set_new(object, "adoption", adopt_report_json(&result->adoptions));
	output_json(invocation, stdout, object);
}

static void print_result(const struct invocation *invocation, const struct summary *summary,
			 const struct apply_result *result)
{
	const struct host_policy *policy = summary->policy;
	bool dry = invocation->given[OPTION_DRY_RUN] > 0;

	printf("%s: site %s, host %s: %zu rule%s, %zu prefix%s, in %s, out %s, lookup %s\n",
	       dry ? "would enforce" : "enforced", policy->site,
	       policy->host ? policy->host : "(unnamed)", policy->rule_count,
	       plural(policy->rule_count), prefix_count(summary->tables),
	       prefix_count(summary->tables) == 1 ? "" : "es",
	       mode_name(policy->mode[DIRECTION_IN]), mode_name(policy->mode[DIRECTION_OUT]),
	       lookup_name(policy->lookup));
	printf("generation %" PRIu32 ", digest %.16s\n", result->generation, result->digest);
	list_for_each (one, &result->interfaces) {
		if (dry)
			printf("%s: %s\n", one->name,
			       one->first ? "would be attached for the first time"
					  : "would be swapped by one update a hook");
		else
			printf("%s: XDP %s, egress %s%s%s\n", one->name,
			       xdp_mode_name(one->hooks.xdp_mode),
			       egress_hook_name(one->hooks.egress_hook),
			       one->first ? ", attached" : ", swapped",
			       one->hooks.egress_hook == EGRESS_HOOK_TCX && !one->hooks.egress_first
				       ? " (another tcx program runs before it)"
				       : "");
	}
	adopt_report_print(&result->adoptions, dry, stdout);
	if (dry)
		printf("nothing was changed\n");
}

/* For -v. */
static void print_work(const struct summary *summary, const struct apply_result *result)
{
	for (int map = 0; map < TABLE_MAP_COUNT; map++) {
		const struct table_report *report = &result->tables[map];
		const struct bank_counts *counts = &report->counts;

		printf("%s: %s", table_map_name((enum table_map)map),
		       table_source_name(report->source));
		if (map < TABLE_TRIE_COUNT)
			printf(": %zu entries added, %zu changed, %zu removed, %zu kept",
			       counts->added, counts->changed, counts->removed, counts->kept);
		putchar('\n');
	}
	for (size_t i = 0; i < summary->stopwatch->lap_count; i++)
		printf("%s%s %.1f ms", i ? ", " : "it took: ", summary->stopwatch->laps[i].name,
		       (double)summary->stopwatch->laps[i].nanoseconds / 1e6);
	putchar('\n');
}

static int read_apply_options(const struct invocation *invocation, struct apply_request *request)
{
	static const char *const xdp_words[] = {"native", "generic", NULL};
	static const char *const egress_words[] = {"auto", "tcx", "clsact", NULL};
	int xdp = option_choice(invocation, OPTION_XDP_MODE, xdp_words, 0);
	int egress = option_choice(invocation, OPTION_EGRESS_HOOK, egress_words, 0);

	if (xdp < 0 || egress < 0)
		return EXIT_USAGE;
	request->xdp_mode = xdp == 1 ? XDP_MODE_GENERIC : XDP_MODE_NATIVE;
	request->egress_hook = (enum egress_hook)egress;
	return EXIT_DONE;
}

/* The policy compiled; findings of the compiler are the policy's. */
static int compile_host(const struct invocation *invocation, struct site_files *files,
			const struct host_policy *policy, struct tables **ret_tables)
{
	int error = compile(policy, files->diagnostics, ret_tables);

	output_diagnostics(invocation, files->diagnostics);
	return error ? EXIT_POLICY : EXIT_DONE;
}

/* What the documents demand of the whole site: not to be had by halves, as four addresses of four.
 * Warnings are printed with those of the host. */
static int check_demands(const struct invocation *invocation, struct site_files *files)
{
	demands_check(files->arena, files->diagnostics, files->policy);
	if (!diagnostics_errors(files->diagnostics))
		return EXIT_DONE;
	output_diagnostics(invocation, files->diagnostics);
	return EXIT_POLICY;
}

/* A site that forgot it would lock its engineers out. */
static int require_management(const struct invocation *invocation, struct site_files *files)
{
	const struct position at = files->policy->site->name.at;

	if (files->policy->site->has_management)
		return EXIT_DONE;
	diagnostics_error(files->diagnostics, at,
			  "the site says nothing about `management`, and a policy without it can "
			  "lock you out; say who may log in, for example `management: [{from: "
			  "10.0.0.0/24, allow: [tcp/22]}]`, or `management: []` if nobody may");
	output_diagnostics(invocation, files->diagnostics);
	return EXIT_POLICY;
}

/* A peer that is known by name alone would be cut off in silence. */
static int refuse_domains(const struct invocation *invocation, const struct host_policy *policy)
{
	struct failure failure = {""};

	for (size_t i = 0; i < policy->domain_count; i++) {
		const struct domain_peer *peer = &policy->domains[i];

		if (peer->has_addresses)
			continue;
		fail(&failure, ENOTSUP,
		     "%s is bound to the domain name %s and to no address: names are not followed "
		     "on the wire yet, so everything with it would be dropped. Give addresses for "
		     "it in `bind` as well (a prefix or a feed)",
		     peer->role, peer->domain);
		output_failure(invocation, &failure);
		return EXIT_POLICY;
	}
	return EXIT_DONE;
}

int command_apply(const struct invocation *invocation)
{
	cleanup(site_files_close) struct site_files files = {0};
	cleanup(tables_freep) struct tables *tables = NULL;
	struct host_policy *policy = NULL;
	struct audience audience = audience_of(invocation);
	struct apply_request request = {
		.pins = invocation->value[OPTION_PINS],
		.wait_seconds = LOCK_WAIT_SECONDS,
		.dry_run = invocation->given[OPTION_DRY_RUN] > 0,
		.progress = {print_step, &audience},
	};
	struct apply_result result = {0};
	struct failure failure = {""};
	struct stopwatch stopwatch;
	struct summary summary;
	int status = read_apply_options(invocation, &request);

	stopwatch_start(&stopwatch);
	if (status == EXIT_DONE)
		status = site_files_read(invocation, invocation->arguments[0], &files);
	stopwatch_lap(&stopwatch, "parse");
	if (status == EXIT_DONE)
		status = require_management(invocation, &files);
	if (status == EXIT_DONE)
		status = check_demands(invocation, &files);
	if (status == EXIT_DONE)
		status = site_files_host(invocation, &files, &policy);
	if (status == EXIT_DONE)
		status = refuse_domains(invocation, policy);
	stopwatch_lap(&stopwatch, "resolve");
	if (status == EXIT_DONE)
		status = compile_host(invocation, &files, policy, &tables);
	stopwatch_lap(&stopwatch, "compile");
	if (status != EXIT_DONE)
		return status;
	request.arena = files.arena;
	request.policy = policy;
	request.tables = tables;
	request.stopwatch = &stopwatch;
	audience.steps |= prefix_count(tables) > QUICK_PREFIXES;
	if (generation_apply(&request, &failure, &result))
		return output_failure(invocation, &failure);
	summary = (struct summary){.policy = policy, .tables = tables, .stopwatch = &stopwatch};
	print_list(invocation, &result.warnings);
	if (invocation->given[OPTION_JSON]) {
		print_result_json(invocation, &summary, &result);
		return EXIT_DONE;
	}
	if (result.recovered)
		printf("before that: %s\n", result.recovered);
	print_result(invocation, &summary, &result);
	if (invocation->given[OPTION_VERBOSE])
		print_work(&summary, &result);
	return EXIT_DONE;
}

/* ------------------------------------------------------------ detach */

int command_detach(const struct invocation *invocation)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct audience audience = audience_of(invocation);
	const struct detach_request request = {
		.arena = arena,
		.pins = invocation->value[OPTION_PINS],
		.interfaces = (const char *const *)invocation->arguments,
		.interface_count = (size_t)invocation->argument_count,
		.wait_seconds = LOCK_WAIT_SECONDS,
		.progress = {print_step, &audience},
	};
	struct detach_result result = {0};
	struct failure failure = {""};

	if (generation_detach(&request, &failure, &result))
		return output_failure(invocation, &failure);
	if (invocation->given[OPTION_JSON]) {
		output_json(invocation, stdout,
			    json_pack("{s:o}", "detached", texts_json(&result.interfaces)));
		return EXIT_DONE;
	}
	list_for_each (name, &result.interfaces)
		printf("%s: no longer enforced; every packet passes\n", *name);
	if (!result.interfaces.count)
		printf("nothing was in force\n");
	return EXIT_DONE;
}

/* ------------------------------------------------------------ status */

static json_t *hook_json(const struct hook *hook, const char *how)
{
	return json_pack("{s:s, s:b, s:I, s:I, s:I}", "how", how, "attached", hook->attached,
			 "generation", (json_int_t)hook->generation, "program",
			 (json_int_t)hook->program_id, "link", (json_int_t)hook->link_id);
}

/* By interface of the status: seconds before a flow in each state is forgotten; 0: not known. */
struct lifetimes {
	uint64_t seconds[FLOW_STATE_COUNT];
};

static void read_lifetimes(const struct pins *pins, const struct interface_status *one,
			   struct lifetimes *lifetimes)
{
	struct config config;

	if (!one->generation || live_config_read(pins, one->name, one->generation, NULL, &config) ||
	    !config.second)
		return;
	for (size_t i = 0; i < FLOW_STATE_COUNT; i++)
		lifetimes->seconds[i] = config.timeouts[i] / config.second;
}

static struct lifetimes *read_all_lifetimes(struct arena *arena, const char *root,
					    const struct status *status)
{
	const struct pins_request request = {.root = root, .read_only = true};
	struct lifetimes *all = arena_alloc(arena, (status->interfaces.count + 1) * sizeof(*all));
	cleanup(pins_closep) struct pins *pins = NULL;

	if (!status->pinned || pins_open(&request, NULL, &pins))
		return all;
	for (size_t i = 0; i < status->interfaces.count; i++)
		read_lifetimes(pins, &status->interfaces.items[i], &all[i]);
	return all;
}

static json_t *lifetimes_json(const struct lifetimes *lifetimes)
{
	json_t *object = json_object();

	for (size_t i = 0; i < FLOW_STATE_COUNT; i++)
		json_object_set_new(object, timeout_words[i],
				    json_integer((json_int_t)lifetimes->seconds[i]));
	return object;
}

static json_t *banks_json(const struct interface_status *one)
{
	json_t *object = json_object();

	for (int map = 0; map < TABLE_TRIE_COUNT; map++)
		json_object_set_new(object, table_map_name((enum table_map)map),
				    json_integer(one->banks[map]));
	return object;
}

static json_t *interface_json(const struct interface_status *one, const struct lifetimes *lifetimes)
{
	const struct generation_info *info = &one->information;
	json_t *object = json_pack(
		"{s:s, s:s, s:I, s:o, s:o, s:b, s:b}", "interface", one->name, "state",
		interface_state_name(one->state), "generation", (json_int_t)one->generation, "xdp",
		hook_json(&one->hooks.receive, xdp_mode_name(one->hooks.xdp_mode)), "egress",
		hook_json(&one->hooks.transmit, egress_hook_name(one->hooks.egress_hook)),
		"egress_first", one->hooks.egress_first, "vlan_stripped", one->vlan_stripped);

	if (one->has_information)
		json_object_update_new(
			object,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "site",
				  info->site, "host", info->host, "mode_in", info->mode_in,
				  "mode_out", info->mode_out, "lookup", info->lookup, "digest",
				  info->digest, "version", info->version, "documents",
				  info->documents, "rules", (json_int_t)info->rules, "loaded_at",
				  (json_int_t)info->loaded_at));
	json_object_set_new(object, "banks", banks_json(one));
	if (lifetimes->seconds[FLOW_TCP])
		json_object_set_new(object, "timeouts_seconds", lifetimes_json(lifetimes));
	if (one->has_state)
		json_object_update_new(object, json_pack("{s:I, s:b}", "disagreements",
							 (json_int_t)one->disagreements, "fallback",
							 one->fallback));
	return object;
}

static void print_status_json(const struct invocation *invocation, const struct status *status,
			      const struct lifetimes *lifetimes)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < status->interfaces.count; i++)
		json_array_append_new(interfaces,
				      interface_json(&status->interfaces.items[i], &lifetimes[i]));
	output_json(invocation, stdout,
		    json_pack("{s:b, s:b, s:i, s:s, s:{s:I, s:I}, s:{s:I, s:I}, s:o}", "whole",
			      status_is_whole(status), "interrupted", status->interrupted, "busy",
			      status->busy, "step", status->pinned ? status->journal.step : "idle",
			      "flows", "used", (json_int_t)status->flows.used, "bound",
			      (json_int_t)status->flows.bound, "fragments", "used",
			      (json_int_t)status->fragments.used, "bound",
			      (json_int_t)status->fragments.bound, "interfaces", interfaces));
}

static void add_interface_row(struct text_table *table, const struct interface_status *one)
{
	const struct generation_info *info = &one->information;
	char when[32];

	text_table_add(table, "%s", one->name);
	text_table_add(table, "%s", interface_state_name(one->state));
	text_table_add(table, "%s", one->has_information ? info->site : "-");
	text_table_add(table, "%s", one->has_information && *info->host ? info->host : "-");
	text_table_add(table, "%s", one->has_information ? info->mode_in : "-");
	text_table_add(table, "%s", one->has_information ? info->mode_out : "-");
	text_table_add(table, "%s", xdp_mode_name(one->hooks.xdp_mode));
	text_table_add(table, "%s", egress_hook_name(one->hooks.egress_hook));
	text_table_add(table, "%" PRIu32, one->generation);
	text_table_add(table, "%" PRIu32, info->rules);
	text_table_add(table, "%s",
		       one->has_information ? time_format(info->loaded_at, when) : "-");
}

/* What of an interface asks for a hand, a line each. */
static void print_remarks(const struct interface_status *one)
{
	const char *name = one->name;

	if (one->state == INTERFACE_MIXED)
		printf("%s: XDP holds generation %" PRIu32 " and egress %" PRIu32
		       ": a reload was cut short; run sallyport apply\n",
		       name, one->hooks.receive.generation, one->hooks.transmit.generation);
	if (one->state == INTERFACE_PARTIAL)
		printf("%s: a hook that the modes ask for is open: packets pass there unjudged; "
		       "run sallyport apply\n",
		       name);
	if (one->state == INTERFACE_GONE)
		printf("%s: there is no such interface any more; sallyport detach %s removes what "
		       "is left of it\n",
		       name, name);
	if (one->hooks.xdp_mode == XDP_MODE_GENERIC)
		printf("%s: XDP is generic: it works, but each packet costs several times more\n",
		       name);
	if (one->vlan_stripped)
		printf("%s: the interface takes VLAN tags off before XDP sees the frames, so that "
		       "host: {vlan: ...} takes each for one without a tag: ethtool -K %s rxvlan "
		       "off\n",
		       name, name);
	if (one->hooks.egress_hook == EGRESS_HOOK_TCX && !one->hooks.egress_first)
		printf("%s: another tcx program runs before ours and may let packets past it\n",
		       name);
	if (one->has_state && one->fallback)
		printf("%s: the two encodings disagreed on %" PRIu64
		       " packet%s: the maps judge alone until the next apply; please report it\n",
		       name, one->disagreements, plural(one->disagreements));
}

/* All interfaces have those of one site; a mixed one shows itself by its state. */
static void print_lifetimes(const struct lifetimes *lifetimes)
{
	if (!lifetimes->seconds[FLOW_TCP])
		return;
	printf("flows are forgotten without own packets for");
	for (size_t i = 0; i < FLOW_STATE_COUNT; i++)
		printf("%s %s %" PRIu64 " s", i ? "," : "", timeout_words[i],
		       lifetimes->seconds[i]);
	putchar('\n');
}

static void print_status(const struct status *status, const struct lifetimes *lifetimes)
{
	static const char *const header[] = {"INTERFACE",  "STATE", "SITE",  "HOST",
					     "IN",	   "OUT",   "XDP",   "EGRESS",
					     "GENERATION", "RULES", "LOADED"};
	cleanup(text_table_freep) struct text_table *table = text_table_new(11, header);

	list_for_each (one, &status->interfaces)
		add_interface_row(table, one);
	text_table_print(table, stdout);
	printf("\nflows %" PRIu64 " of %" PRIu64 ", fragments %" PRIu64 " of %" PRIu64 "\n",
	       status->flows.used, status->flows.bound, status->fragments.used,
	       status->fragments.bound);
	print_lifetimes(lifetimes);
	list_for_each (one, &status->interfaces)
		print_remarks(one);
	if (status->busy)
		printf("process %d is changing the policy at this moment\n", status->busy);
	if (status->interrupted)
		printf("a command was cut short at the step \"%s\": run sallyport apply again; it "
		       "(or "
		       "detach) finishes or reverts what was left\n",
		       status->journal.step);
}

/* Addresses that are missing from an old feed look like drops for no reason. */
static void print_old_feeds(const struct invocation *invocation)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	struct failure failure = {""};
	uint64_t now = (uint64_t)time(NULL);

	if (feed_ages_read(invocation->value[OPTION_FEEDS], &failure, snapshot)) {
		fprintf(stderr, "sallyport status: warning: %s\n", failure.message);
		return;
	}
	list_for_each (feed, &snapshot->feeds) {
		if (!feed->checked_at)
			fprintf(stderr, "sallyport status: warning: feed %s can't be read\n",
				feed->name);
		else if (feed_age_is_over(feed, now))
			fprintf(stderr,
				"sallyport status: warning: feed %s is %llu days old: \"sallyport "
				"feed "
				"update\", then apply\n",
				feed->url, (unsigned long long)(now - feed->checked_at) / 86400);
	}
}

int command_status(const struct invocation *invocation)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct failure failure = {""};
	struct status status = {0};
	struct lifetimes *lifetimes;

	if (generation_status(arena, invocation->value[OPTION_PINS], &failure, &status))
		return output_failure(invocation, &failure);
	lifetimes = read_all_lifetimes(arena, invocation->value[OPTION_PINS], &status);
	if (invocation->given[OPTION_JSON])
		print_status_json(invocation, &status, lifetimes);
	else if (status.pinned && status.interfaces.count)
		print_status(&status, lifetimes);
	else
		printf("nothing is enforced: sallyport apply SITE does it\n");
	print_old_feeds(invocation);
	return status_is_whole(&status) ? EXIT_DONE : EXIT_FAILED;
}
