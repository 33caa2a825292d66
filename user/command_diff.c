/* SPDX-License-Identifier: BSD-2-Clause */
/* diff: what one policy lets open and another does not, host by host, as packets. */
#include <errno.h>
#include <string.h>

#include "binding.h"
#include "command.h"
#include "difference.h"
#include "live_policy.h"
#include "output.h"
#include "status.h"
#include "words.h"

/* What a person wants to read of a list of addresses; --json has all of it. */
#define SHOWN_PREFIXES 6u

/* Where the differences of all hosts go. */
struct report {
	const struct invocation *invocation;
	const char *before; /* what the two are called */
	const char *after;
	json_t *hosts; /* NULL: text */
	size_t compared;
	size_t differing;
	const char *noun; /* what is compared: "host", "interface" */
};

/* ------------------------------------------------------------ JSON */

static json_t *prefixes_json(const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	json_t *array = json_array();

	list_for_each (prefix, list)
		json_array_append_new(array, json_string(prefix_format(prefix, buffer)));
	return array;
}

static json_t *ports_json(const struct port_list *list)
{
	json_t *array = json_array();

	list_for_each (range, list)
		json_array_append_new(array, json_pack("[i, i]", range->first, range->last));
	return array;
}

static json_t *permit_json(struct arena *arena, const struct permit *permit, const char *change)
{
	const struct match *match = &permit->match;
	bool in = permit->rule->direction == DIRECTION_IN;
	char buffer[16];

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s}", "change",
			 change, "direction", direction_name(permit->rule->direction), "protocol",
			 protocol_name(match->protocol, buffer), "source",
			 prefixes_json(in ? match->remote : match->local), "source_ports",
			 ports_json(in ? &match->remote_ports : &match->local_ports), "destination",
			 prefixes_json(in ? match->local : match->remote), "destination_ports",
			 ports_json(in ? &match->local_ports : &match->remote_ports), "from",
			 permit->rule->from, "to", permit->rule->to, "rule", permit->rule->id,
			 "cite", citation_format(arena, permit->rule));
}

static void add_json(struct report *report, struct arena *arena, const char *host,
		     const struct difference *difference)
{
	json_t *packets = json_array();
	json_t *settings = json_array();

	list_for_each (permit, &difference->allowed)
		json_array_append_new(packets, permit_json(arena, permit, "allowed"));
	list_for_each (permit, &difference->denied)
		json_array_append_new(packets, permit_json(arena, permit, "denied"));
	list_for_each (setting, &difference->settings)
		json_array_append_new(settings,
				      json_pack("{s:s, s:s, s:s}", "name", setting->name, "before",
						setting->before, "after", setting->after));
	json_array_append_new(report->hosts, json_pack("{s:s, s:o, s:o}", "host", host, "packets",
						       packets, "settings", settings));
}

/* ------------------------------------------------------------ text */

static bool is_every_address(const struct prefix_list *list)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct prefix_list every = {0};

	prefix_list_add_unicast(arena, &every);
	return prefix_list_equal(list, &every);
}

static void print_addresses(const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];

	if (is_every_address(list)) {
		printf("every address");
		return;
	}
	for (size_t i = 0; i < list->count && i < SHOWN_PREFIXES; i++)
		printf("%s%s", i ? ", " : "", prefix_format(&list->items[i], buffer));
	if (list->count > SHOWN_PREFIXES)
		printf(" and %zu more", list->count - SHOWN_PREFIXES);
}

static void print_permit(struct arena *arena, const struct permit *permit, enum paint paint,
			 const char *sign)
{
	const struct match *match = &permit->match;
	bool in = permit->rule->direction == DIRECTION_IN;
	const struct port_list *opener = in ? &match->remote_ports : &match->local_ports;
	struct service_list services = {0};

	service_list_add(arena, &services, match->protocol,
			 in ? &match->local_ports : &match->remote_ports);
	printf("  %s%s %-3s %s -> %s: %s", paint_begin(paint, stdout), sign,
	       direction_name(permit->rule->direction), permit->rule->from, permit->rule->to,
	       service_list_format(arena, &services));
	if (protocol_has_ports(match->protocol) && !port_list_is_any(opener))
		printf(" from ports %s", port_list_format(arena, opener));
	printf("%s\n          ", paint_end(stdout));
	print_addresses(in ? match->remote : match->local);
	printf(" -> ");
	print_addresses(in ? match->local : match->remote);
	printf("\n          %s, %s\n", permit->rule->id, citation_format(arena, permit->rule));
}

static void print_difference(struct arena *arena, const char *host,
			     const struct difference *difference)
{
	printf("%s\n", host);
	list_for_each (setting, &difference->settings)
		printf("  ! %s: %s -> %s\n", setting->name, setting->before, setting->after);
	list_for_each (permit, &difference->allowed)
		print_permit(arena, permit, PAINT_GOOD, "+");
	list_for_each (permit, &difference->denied)
		print_permit(arena, permit, PAINT_BAD, "-");
}

/* before or after may be NULL: the host is in one of the two only. */
static void report_host(struct report *report, const char *host, const struct host_policy *before,
			const struct host_policy *after)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct difference difference;
	const char *label = host;

	difference_find(arena, before, after, &difference);
	report->compared++;
	if (before && after && difference_is_empty(&difference))
		return;
	report->differing++;
	if (!before || !after)
		label = arena_printf(arena, "%s (only in %s)", host,
				     before ? report->before : report->after);
	if (report->hosts)
		add_json(report, arena, host, &difference);
	else
		print_difference(arena, label, &difference);
}

static int report_end(struct report *report)
{
	if (report->hosts)
		output_json(report->invocation, stdout, report->hosts);
	else if (!report->differing)
		printf("%s and %s let the same packets open on %zu %s%s\n", report->before,
		       report->after, report->compared, report->noun, plural(report->compared));
	else
		printf("+ opens in %s and not in %s, - the other way round: %zu of %zu %s%s "
		       "differ%s\n",
		       report->after, report->before, report->differing, report->compared,
		       report->noun, plural(report->compared), report->differing == 1 ? "s" : "");
	return report->differing ? EXIT_FAILED : EXIT_DONE;
}

/* ------------------------------------------------------------ two files */

static int compare_host(struct report *report, struct site_files *before, struct site_files *after,
			const char *name)
{
	const struct player player = {.kind = PLAYER_HOST, .name = name};
	struct host_policy *policies[2] = {0};
	struct site_files *files[] = {before, after};

	for (size_t i = 0; i < 2; i++) {
		int result;

		if (!site_find_host(files[i]->policy->site, name))
			continue;
		result = site_files_resolve(report->invocation, files[i], &player, &policies[i]);
		if (result != EXIT_DONE)
			return result;
	}
	report_host(report, name, policies[0], policies[1]);
	return EXIT_DONE;
}

static int compare_all(struct report *report, struct site_files *before, struct site_files *after)
{
	int result = EXIT_DONE;

	list_for_each (host, &before->policy->site->hosts) {
		if (result == EXIT_DONE)
			result = compare_host(report, before, after, host->name.text);
	}
	list_for_each (host, &after->policy->site->hosts) {
		if (result == EXIT_DONE && !site_find_host(before->policy->site, host->name.text))
			result = compare_host(report, before, after, host->name.text);
	}
	return result;
}

static int compare_player(struct report *report, struct site_files *before,
			  struct site_files *after)
{
	struct host_policy *old, *new;
	int result = site_files_host(report->invocation, before, &old);

	if (result == EXIT_DONE)
		result = site_files_host(report->invocation, after, &new);
	if (result == EXIT_DONE)
		report_host(report, new->host ? new->host : "the host", old, new);
	return result;
}

static int diff_files(struct report *report, bool player_given)
{
	const struct invocation *invocation = report->invocation;
	cleanup(site_files_close) struct site_files before = {0};
	cleanup(site_files_close) struct site_files after = {0};
	int result = site_files_read(invocation, report->before, &before);

	if (result == EXIT_DONE)
		result = site_files_read(invocation, report->after, &after);
	if (result != EXIT_DONE)
		return result;
	if (player_given || (!before.policy->site->hosts.count && !after.policy->site->hosts.count))
		return compare_player(report, &before, &after);
	return compare_all(report, &before, &after);
}

/* ------------------------------------------------------------ a file and what is in force */

static int compare_interfaces(struct report *report, struct arena *arena, const struct pins *pins,
			      const struct status *status, const struct host_policy *policy)
{
	struct failure failure = {""};

	list_for_each (one, &status->interfaces) {
		struct host_policy *live;

		if (!one->generation)
			continue;
		if (live_policy_read(arena, pins, one->name, one->generation, &failure, &live))
			return output_failure(report->invocation, &failure);
		report_host(report, one->name, live, policy);
	}
	if (report->compared)
		return EXIT_DONE;
	fail(&failure, ENOENT,
	     "nothing is enforced here, so there is nothing to compare with: give two site files, "
	     "or \"sallyport apply %s\"",
	     report->after);
	return output_failure(report->invocation, &failure);
}

static int diff_live(struct report *report)
{
	const struct invocation *invocation = report->invocation;
	const char *root = invocation->value[OPTION_PINS];
	struct pins_request request = {.root = root, .read_only = true};
	cleanup(site_files_close) struct site_files files = {0};
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(pins_closep) struct pins *pins = NULL;
	struct failure failure = {""};
	struct host_policy *policy;
	struct status status;
	int result = site_files_read(invocation, report->after, &files);
	int error;

	if (result == EXIT_DONE)
		result = site_files_host(invocation, &files, &policy);
	if (result != EXIT_DONE)
		return result;
	error = generation_status(arena, root, &failure, &status);
	if (error)
		return output_failure(invocation, &failure);
	if (status.pinned) {
		error = pins_open(&request, &failure, &pins);
		if (error)
			return output_failure(invocation, &failure);
	}
	return compare_interfaces(report, arena, pins, &status, policy);
}

int command_diff(const struct invocation *invocation)
{
	struct report report = {
		.invocation = invocation,
		.before = "what is in force",
		.after = invocation->arguments[invocation->argument_count - 1],
		.noun = invocation->argument_count == 2 ? "host" : "interface",
		.hosts = invocation->given[OPTION_JSON] ? json_array() : NULL,
	};
	bool player_given = invocation->value[OPTION_HOST] || invocation->value[OPTION_ADDRESS] ||
			    invocation->value[OPTION_ROLE];
	int result;

	if (invocation->argument_count == 2) {
		report.before = invocation->arguments[0];
		result = diff_files(&report, player_given);
	} else {
		result = diff_live(&report);
	}
	if (result != EXIT_DONE) {
		json_decref(report.hosts);
		return result;
	}
	return report_end(&report);
}
