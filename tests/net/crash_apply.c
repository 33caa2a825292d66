/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel stage from a command line, for tests/net/test_generation.py: applies, detaches,
 * recovers and shows a small policy made here, and can kill itself with SIGKILL or stop at any
 * step.
 *
 *   crash_apply apply|detach|recover|status [OPTION VALUE]...
 *
 * The policy: own address --own; peers of --peer may open tcp/--port (rule test/in-PORT); this host
 * may open tcp/--port there (rule test/out-PORT); --rules N more in rules (test/NAME-1...), NAME by
 * --name. --prefixes N more peers: every other address from --first on. Each step is a line on
 * standard error: "step K: what".
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnostic.h"
#include "generation.h"
#include "slots.h"
#include "descriptor.h"
#include "status.h"

#define NAMES_MAX 16

struct arguments {
	const char *verb;
	const char *pins;
	const char *interfaces[NAMES_MAX];
	size_t interface_count;
	const char *own;
	const char *peer;
	unsigned port;
	unsigned rules;
	unsigned prefixes;
	const char *first;
	const char *name;
	unsigned flows;
	unsigned fragments;
	unsigned adopt; /* milliseconds */
	const char *mode_in;
	const char *mode_out;
	const char *forwarding;
	const char *xdp;
	const char *egress;
	unsigned kill_at; /* 0: never */
	unsigned stop_at; /* raises SIGSTOP */
	unsigned wait;
	bool management;
	bool dry_run;
};

struct steps {
	const struct arguments *arguments;
	unsigned count;
};

static void take_step(const char *text, void *data)
{
	struct steps *steps = data;

	steps->count++;
	fprintf(stderr, "step %u: %s\n", steps->count, text);
	fflush(stderr);
	if (steps->count == steps->arguments->kill_at)
		kill(getpid(), SIGKILL);
	if (steps->count == steps->arguments->stop_at)
		raise(SIGSTOP);
}

static void usage(const char *what)
{
	fprintf(stderr, "crash_apply: %s; see the head of tests/net/crash_apply.c\n", what);
	exit(2);
}

static void read_option(struct arguments *arguments, const char *name, const char *value)
{
	struct {
		const char *name;
		const char **text;
		unsigned *number;
	} options[] = {
		{"--pins", &arguments->pins, NULL},
		{"--own", &arguments->own, NULL},
		{"--peer", &arguments->peer, NULL},
		{"--port", NULL, &arguments->port},
		{"--rules", NULL, &arguments->rules},
		{"--prefixes", NULL, &arguments->prefixes},
		{"--first", &arguments->first, NULL},
		{"--name", &arguments->name, NULL},
		{"--flows", NULL, &arguments->flows},
		{"--fragments", NULL, &arguments->fragments},
		{"--adopt", NULL, &arguments->adopt},
		{"--in", &arguments->mode_in, NULL},
		{"--out", &arguments->mode_out, NULL},
		{"--forwarding", &arguments->forwarding, NULL},
		{"--xdp", &arguments->xdp, NULL},
		{"--egress", &arguments->egress, NULL},
		{"--kill-at", NULL, &arguments->kill_at},
		{"--stop-at", NULL, &arguments->stop_at},
		{"--wait", NULL, &arguments->wait},
	};

	if (!strcmp(name, "--interface")) {
		if (arguments->interface_count == NAMES_MAX)
			usage("too many interfaces");
		arguments->interfaces[arguments->interface_count++] = value;
		return;
	}
	if (!strcmp(name, "--management")) {
		arguments->management = !strcmp(value, "yes");
		return;
	}
	if (!strcmp(name, "--dry-run")) {
		arguments->dry_run = !strcmp(value, "yes");
		return;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (options[i].text)
			*options[i].text = value;
		else
			*options[i].number = (unsigned)strtoul(value, NULL, 10);
		return;
	}
	usage(name);
}

/* The index of a word; choices end with NULL. */
static int choose(const char *word, const char *const *choices)
{
	for (int i = 0; choices[i]; i++) {
		if (!strcmp(word, choices[i]))
			return i;
	}
	usage(word);
	return 0;
}

/* ------------------------------------------------------------ the policy ------------------------
 */

static void add_rule(struct arena *arena, struct host_policy *policy, const char *id,
		     enum direction direction, uint16_t port, const struct prefix_list *remote)
{
	struct rule *rule = &policy->rules[policy->rule_count++];
	struct match *match = arena_alloc(arena, sizeof(*match));
	struct port_list any = {0}, service = {0};

	port_list_add(arena, &any, 0, 65535);
	port_list_add(arena, &service, port, port);
	*match = (struct match){
		.protocol = IPPROTO_TCP,
		.local_ports = direction == DIRECTION_IN ? service : any,
		.remote_ports = direction == DIRECTION_IN ? any : service,
		.local = &policy->own,
		.remote = remote,
	};
	*rule = (struct rule){
		.id = id,
		.direction = direction,
		.from = "test/peer",
		.to = "test/host",
		.services = arena_printf(arena, "tcp/%u", port),
		.matches = match,
		.match_count = 1,
	};
}

static void add_rules(struct arena *arena, const struct arguments *arguments,
		      struct host_policy *policy, const struct prefix_list *remote)
{
	uint16_t port = (uint16_t)arguments->port;

	policy->rules = arena_alloc(arena, (arguments->rules + 2) * sizeof(*policy->rules));
	add_rule(arena, policy, arena_printf(arena, "test/in-%u", port), DIRECTION_IN, port,
		 remote);
	add_rule(arena, policy, arena_printf(arena, "test/out-%u", port), DIRECTION_OUT, port,
		 remote);
	for (unsigned i = 1; i <= arguments->rules; i++)
		add_rule(arena, policy, arena_printf(arena, "test/%s-%u", arguments->name, i),
			 DIRECTION_IN, (uint16_t)(20000 + i), remote);
}

static struct prefix_list *one_prefix(struct arena *arena, const char *text)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));
	struct prefix prefix;

	if (!prefix_parse(text, &prefix))
		usage(text);
	prefix_list_add(arena, list, &prefix);
	return list;
}

/* Every other address, so that no two make a larger prefix. */
static void add_prefixes(struct arena *arena, const struct arguments *arguments,
			 struct prefix_list *list)
{
	struct prefix prefix;
	uint32_t address;

	if (!prefix_parse(arguments->first, &prefix))
		usage(arguments->first);
	memcpy(&address, prefix.address.bytes, sizeof(address));
	for (unsigned i = 0; i < arguments->prefixes; i++) {
		uint32_t each = htonl(ntohl(address) + 2 * i);

		memcpy(prefix.address.bytes, &each, sizeof(each));
		prefix_list_add(arena, list, &prefix);
	}
	prefix_list_normalize(list);
}

static const struct host_policy *make_policy(struct arena *arena, struct arguments *arguments)
{
	static const char *const modes[] = {"off", "audit", "enforce", NULL};
	static const char *const forwarding[] = {"refuse", "drop", "pass", NULL};
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));
	struct prefix_list *peers = one_prefix(arena, arguments->peer);
	struct peer_role *role = arena_alloc(arena, sizeof(*role));

	add_prefixes(arena, arguments, peers);
	*role = (struct peer_role){.role = "test/peer", .addresses = peers};
	*policy = (struct host_policy){
		.site = "test",
		.host = "host",
		.own = *one_prefix(arena, arguments->own),
		.mode = {(enum mode)choose(arguments->mode_in, modes),
			 (enum mode)choose(arguments->mode_out, modes)},
		.lookup = LOOKUP_FLAT,
		.forwarding = (enum forwarding)choose(arguments->forwarding, forwarding),
		.interfaces_auto = arguments->interface_count == 0,
		.interfaces = arguments->interfaces,
		.interface_count = arguments->interface_count,
		.has_management = arguments->management,
		.link = link_settings_default(),
		.flows = arguments->flows,
		.fragments = arguments->fragments,
		.icmp_errors_per_second = ICMP_ERRORS_PER_SECOND,
		.flow_share = arguments->flows / FLOW_PEER_SHARE,
		.timeout_ms = {30000, 7200000, 30000, 30000, 120000, 10000},
		.fragment_timeout_ms = 2000,
		.adopt_ms = arguments->adopt,
		.peers = role,
		.peer_count = 1,
	};
	add_rules(arena, arguments, policy, peers);
	return policy;
}

/* ------------------------------------------------------------ verbs -----------------------------
 */

static int report(int result, const struct failure *failure)
{
	if (result < 0)
		fprintf(stderr, "%s\n", failure->message);
	return result < 0 ? 1 : 0;
}

static int apply(struct arena *arena, struct arguments *arguments, const struct progress *progress)
{
	static const char *const xdp[] = {"none", "native", "generic", NULL};
	static const char *const egress[] = {"auto", "tcx", "clsact", NULL};
	struct diagnostics *diagnostics = diagnostics_new();
	struct apply_request request = {
		.arena = arena,
		.policy = make_policy(arena, arguments),
		.pins = arguments->pins,
		.xdp_mode = (enum xdp_mode)choose(arguments->xdp, xdp),
		.egress_hook = (enum egress_hook)choose(arguments->egress, egress),
		.wait_seconds = arguments->wait,
		.dry_run = arguments->dry_run,
		.progress = *progress,
	};
	struct failure failure = {0};
	struct tables *tables = NULL;
	struct apply_result applied;
	int result;

	if (compile(request.policy, diagnostics, &tables) < 0) {
		diagnostics_print(diagnostics, stderr, true);
		diagnostics_free(diagnostics);
		return 1;
	}
	request.tables = tables;
	result = report(generation_apply(&request, &failure, &applied), &failure);
	if (result == 0) {
		if (applied.recovered)
			printf("recovered: %s\n", applied.recovered);
		for (size_t i = 0; i < applied.warnings.count; i++)
			printf("warning: %s\n", applied.warnings.items[i]);
		printf("generation %" PRIu32 "\n", applied.generation);
	}
	tables_free(tables);
	diagnostics_free(diagnostics);
	return result;
}

static int detach(struct arena *arena, const struct arguments *arguments,
		  const struct progress *progress)
{
	const struct detach_request request = {
		.arena = arena,
		.pins = arguments->pins,
		.interfaces = arguments->interfaces,
		.interface_count = arguments->interface_count,
		.wait_seconds = arguments->wait,
		.progress = *progress,
	};
	struct failure failure = {0};
	struct detach_result detached = {0};
	int result = report(generation_detach(&request, &failure, &detached), &failure);

	for (size_t i = 0; i < detached.interfaces.count; i++)
		printf("detached %s\n", detached.interfaces.items[i]);
	return result;
}

static int recover(struct arena *arena, const struct arguments *arguments,
		   const struct progress *progress)
{
	const struct recover_request request = {
		.arena = arena,
		.pins = arguments->pins,
		.wait_seconds = arguments->wait,
		.progress = *progress,
	};
	struct failure failure = {0};
	const char *done = NULL;
	int result = report(generation_recover(&request, &failure, &done), &failure);

	if (done)
		printf("%s\n", done);
	return result;
}

static json_t *hook_json(const struct hook *hook, const char *kind)
{
	return json_pack("{s:b, s:s, s:I, s:I, s:I}", "attached", hook->attached, "kind", kind,
			 "program", (json_int_t)hook->program_id, "link", (json_int_t)hook->link_id,
			 "generation", (json_int_t)hook->generation);
}

static json_t *interface_json(const struct interface_status *status)
{
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:b, s:I, s:s, s:s, s:b}", "name", status->name, "state",
		interface_state_name(status->state), "receive",
		hook_json(&status->hooks.receive, xdp_mode_name(status->hooks.xdp_mode)),
		"transmit",
		hook_json(&status->hooks.transmit, egress_hook_name(status->hooks.egress_hook)),
		"first", status->hooks.egress_first, "generation", (json_int_t)status->generation,
		"digest", status->information.digest, "site", status->information.site, "has_state",
		status->has_state);
}

static int show_status(struct arena *arena, const struct arguments *arguments)
{
	struct failure failure = {0};
	struct status status = {0};
	json_t *interfaces = json_array();
	json_t *all;
	int result = report(generation_status(arena, arguments->pins, &failure, &status), &failure);

	for (size_t i = 0; i < status.interfaces.count; i++)
		json_array_append_new(interfaces, interface_json(&status.interfaces.items[i]));
	all = json_pack("{s:b, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:o}", "pinned", status.pinned,
			"whole", status_is_whole(&status), "interrupted", status.interrupted,
			"journal", status.journal.step, "generation",
			(json_int_t)status.meta.generation, "busy", (json_int_t)status.busy,
			"flows_used", (json_int_t)status.flows.used, "flows_bound",
			(json_int_t)status.flows.bound, "interfaces", interfaces);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
	return result;
}

/* The totals of every rule that ever had a slot, of the first --interface: "ID DIRECTION SLOT
 * RECEIVED TRANSMITTED" in packets. */
static int show_totals(struct arena *arena, const struct arguments *arguments)
{
	const struct pins_request request = {.root = arguments->pins, .read_only = true};
	cleanup(pins_closep) struct pins *pins = NULL;
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct failure failure = {0};
	struct rule_base total;
	struct slots slots;
	int result;

	result = pins_open(&request, &failure, &pins);
	if (result < 0)
		return report(result, &failure);
	pins_interface_directory(arguments->interfaces[0], directory);
	cleanup(fd_closep) int rules = pins_get(pins, PINS_SHARED "/rule_slots");
	cleanup(fd_closep) int roles = pins_get(pins, PINS_SHARED "/role_slots");
	cleanup(fd_closep) int receive = pins_get(pins, "%s/receive_rules", directory);
	cleanup(fd_closep) int transmit = pins_get(pins, "%s/transmit_rules", directory);
	cleanup(fd_closep) int bases = pins_get(pins, "%s/rule_bases", directory);
	const struct rule_counters counters = {receive, transmit, bases};

	result = slots_read(arena, rules, roles, &failure, &slots);
	for (size_t i = 0; result == 0 && i < slots.rules.count; i++) {
		const struct rule_slot_entry *entry = &slots.rules.items[i];

		result = slots_rule_total(&counters, &entry->key, entry->value.slot, &total);
		if (result == 0)
			printf("%s %s %u %llu %llu\n", entry->key.id, entry->key.direction,
			       entry->value.slot, total.received.packets,
			       total.transmitted.packets);
	}
	return report(result, &failure);
}

int main(int count, char **texts)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct arguments arguments = {
		.own = "192.0.2.1",
		.peer = "192.0.2.0/24",
		.port = 80,
		.first = "10.0.0.0",
		.name = "more",
		.flows = 1024,
		.fragments = 64,
		.mode_in = "enforce",
		.mode_out = "enforce",
		.forwarding = "refuse",
		.xdp = "none",
		.egress = "auto",
		.wait = 10,
		.management = true,
	};
	struct steps steps = {.arguments = &arguments};
	const struct progress progress = {.step = take_step, .data = &steps};

	if (count < 2 || count % 2)
		usage("a verb, and options with values");
	arguments.verb = texts[1];
	for (int i = 2; i + 1 < count; i += 2)
		read_option(&arguments, texts[i], texts[i + 1]);
	if (!strcmp(arguments.verb, "apply"))
		return apply(arena, &arguments, &progress);
	if (!strcmp(arguments.verb, "detach"))
		return detach(arena, &arguments, &progress);
	if (!strcmp(arguments.verb, "recover"))
		return recover(arena, &arguments, &progress);
	if (!strcmp(arguments.verb, "status"))
		return show_status(arena, &arguments);
	if (!strcmp(arguments.verb, "totals"))
		return show_totals(arena, &arguments);
	usage(arguments.verb);
}
