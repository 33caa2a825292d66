/* SPDX-License-Identifier: BSD-2-Clause */
#include "generation.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "banks.h"
#include "descriptor.h"
#include "interface.h"
#include "lasting.h"
#include "load.h"
#include "pins.h"
#include "recovery.h"
#include "slots.h"

/* One interface that gets the new generation. */
struct target {
	const struct interface *interface;
	struct host_policy policy; /* the request's, with what only the interface says */
	struct hooks before;
	enum xdp_mode xdp_mode;	      /* to attach in, if it is not attached yet */
	enum egress_hook egress_hook; /* to attach to */
	bool clsact_created;
	struct loaded *loaded;
};

/* One apply. */
struct application {
	const struct apply_request *request;
	struct arena *arena;
	struct pins *pins; /* NULL: dry run where nothing is pinned */
	struct interface_list all;
	struct recovery recovery;
	bool first; /* nothing is pinned yet */
	uint32_t generation;
	uint32_t flows; /* entries: of the site, or of the table that is in use */
	uint32_t fragments;
	uint32_t flow_share;
	LIST(struct target) targets;
	struct slots slots;
	struct slot_assignment assignment;
	struct banks banks;
	struct apply_result result;
};

static void warn(struct application *application, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void warn(struct application *application, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	*arena_push(application->arena, &application->result.warnings) =
		arena_vprintf(application->arena, format, arguments);
	va_end(arguments);
}

static void application_close(struct application *application)
{
	list_for_each (target, &application->targets)
		loaded_free(target->loaded);
	banks_close(&application->banks);
	pins_close(application->pins);
}

/* ------------------------------------------------------------ checks before ------------------- */

static int choose_interfaces(struct application *application, struct failure *failure)
{
	const struct host_policy *policy = application->request->policy;
	struct interface_list selected = {0};
	int result;

	if (!policy->has_management)
		return fail(failure, EINVAL,
			    "the site says nothing about management, and a policy without it can "
			    "lock you out; say who may log in, for example management: [{from: "
			    "10.0.0.0/24, allow: [tcp/22]}], or management: [] if nobody may");
	result = interface_list_read(application->arena, failure, &application->all);
	if (result == 0)
		result = interface_select(application->arena, &application->all, policy, failure,
					  &selected);
	if (result < 0)
		return result;
	list_for_each (interface, &selected) {
		struct target *target = arena_push(application->arena, &application->targets);

		result = interface_check(interface, policy, failure);
		if (result < 0)
			return result;
		target->interface = interface;
		target->policy = *policy;
		if (policy->link.router_advertisements == LINK_AUTO)
			target->policy.router_advertisements =
				interface_takes_advertisements(&application->all, interface);
		if (policy->link.vlan_filter && interface_strips_vlan(&application->all, interface))
			warn(application,
			     "%s takes VLAN tags off before XDP sees the frames (rx-vlan-offload), "
			     "so that host: {vlan: ...} takes each for one without a tag; end "
			     "that: "
			     "ethtool -K %s rxvlan off",
			     interface->name, interface->name);
	}
	return 0;
}

/*
 * A table of another size would be a new one, and every call would end with the old one: a size
 * that the site changed waits until detach.
 */
static uint32_t keep_bound(struct application *application, const char *map, uint32_t wanted)
{
	cleanup(fd_closep) int fd = pins_get(application->pins, PINS_SHARED "/%s", map);
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &information, &length) < 0 ||
	    information.max_entries == wanted)
		return wanted;
	warn(application,
	     "bounds: {%s: %" PRIu32 "} would need a new table and end every call; the one of %u "
	     "entries stays until sallyport detach",
	     map, wanted, information.max_entries);
	return information.max_entries;
}

static void keep_bounds(struct application *application)
{
	const struct host_policy *policy = application->request->policy;

	application->flows = policy->flows;
	application->fragments = policy->fragments;
	if (application->pins && !application->first) {
		application->flows = keep_bound(application, "flows", policy->flows);
		application->fragments = keep_bound(application, "fragments", policy->fragments);
	}
	application->flow_share = policy->flow_share;
	if (policy->flow_share && application->flows != policy->flows)
		application->flow_share = (uint32_t)((uint64_t)policy->flow_share *
						     application->flows / policy->flows);
	list_for_each (target, &application->targets) {
		target->policy.flows = application->flows;
		target->policy.fragments = application->fragments;
		target->policy.flow_share = application->flow_share;
	}
}

static int plan_egress(struct application *application, struct target *target,
		       struct failure *failure)
{
	const struct interface *interface = target->interface;
	enum egress_hook wanted = application->request->egress_hook;
	struct generation_info information;
	int exists;

	if (target->before.transmit.attached) {
		target->egress_hook = target->before.egress_hook;
		if (hooks_generation_info(application->pins, interface->name,
					  target->before.transmit.generation, &information) == 0)
			target->clsact_created = information.clsact_created;
		if (wanted && wanted != target->egress_hook)
			return fail(
				failure, EBUSY,
				"%s: egress is attached by %s, and changing that takes a moment "
				"without enforcement; sallyport detach %s, then apply",
				interface->name, egress_hook_name(target->egress_hook),
				interface->name);
		return 0;
	}
	target->egress_hook = wanted;
	if (!wanted)
		target->egress_hook =
			tcx_supported(interface->index) ? EGRESS_HOOK_TCX : EGRESS_HOOK_CLSACT;
	if (target->egress_hook == EGRESS_HOOK_CLSACT) {
		exists = clsact_exists(interface->index);
		if (exists < 0)
			return fail(failure, -exists, "%s: can't list its qdiscs: %s",
				    interface->name, strerror(-exists));
		target->clsact_created = !exists;
	}
	return 0;
}

static int plan_receive(struct application *application, struct target *target,
			struct failure *failure)
{
	enum xdp_mode wanted = application->request->xdp_mode;

	target->xdp_mode = wanted ? wanted : XDP_MODE_NATIVE;
	if (!target->before.receive.attached)
		return target->policy.mode[DIRECTION_IN] == MODE_OFF
			       ? 0
			       : attach_xdp_check_free(target->interface, failure);
	if (target->before.xdp_mode == target->xdp_mode)
		return 0;
	warn(application,
	     "%s: XDP is attached in %s mode and stays so, as a change would open it for a moment; "
	     "for %s: sallyport detach %s, then apply",
	     target->interface->name, xdp_mode_name(target->before.xdp_mode),
	     xdp_mode_name(target->xdp_mode), target->interface->name);
	target->xdp_mode = target->before.xdp_mode;
	return 0;
}

static int plan_targets(struct application *application, struct failure *failure)
{
	int result = 0;

	list_for_each (target, &application->targets) {
		const struct interface *interface = target->interface;

		if (application->pins)
			result = hooks_read(application->pins, application->arena, interface->name,
					    interface->index, failure, &target->before);
		if (result == 0)
			result = plan_egress(application, target, failure);
		if (result == 0)
			result = plan_receive(application, target, failure);
		if (result < 0)
			return result;
	}
	return 0;
}

/* What is enforced and not asked for any more ends only when asked to. */
static int warn_others(struct application *application, struct interface_list *enforced,
		       struct failure *failure)
{
	struct interface_name_list names;
	int result;

	if (!application->pins)
		return 0;
	result = pins_interfaces(application->pins, application->arena, failure, &names);
	if (result < 0)
		return result;
	list_for_each (name, &names) {
		const struct interface *other = interface_by_name(&application->all, name->text);

		if (interface_by_name(enforced, name->text))
			continue;
		if (other)
			*arena_push(application->arena, enforced) = *other;
		warn(application,
		     "%s is not among the policy's interfaces and stays as it is; to end "
		     "it: sallyport detach %s",
		     name->text, name->text);
	}
	return 0;
}

/* Whether each way into the host is enforced. */
static int warn_of_interfaces(struct application *application, struct failure *failure)
{
	struct interface_list enforced = {0}, unseen;
	int result;

	list_for_each (target, &application->targets)
		*arena_push(application->arena, &enforced) = *target->interface;
	result = warn_others(application, &enforced, failure);
	if (result < 0)
		return result;
	unseen = interface_list_unseen(application->arena, &application->all, &enforced);
	list_for_each (interface, &unseen)
		warn(application,
		     "%s carries an address, and nothing is enforced there: every packet passes; "
		     "if that is not meant, name it in the site (interfaces: [...])",
		     interface->name);
	return 0;
}

/* ------------------------------------------------------------ slots -----------------------------
 */

/* The slots that the policies in force use, by their rule_info. */
static int live_slots_add(struct application *application, const char *interface,
			  uint32_t generation, struct live_slots *live)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	__u32 slot, *previous = NULL;
	cleanup(fd_closep) int fd =
		pins_get(application->pins, "%s/generation-%" PRIu32 "/rule_info",
			 pins_interface_directory(interface, directory), generation);

	if (fd < 0)
		return fd;
	while (bpf_map_get_next_key(fd, previous, &slot) == 0) {
		if (slot < RULE_SLOTS_MAX)
			live->used[slot] = true;
		previous = &slot;
	}
	return errno == ENOENT ? 0 : -errno;
}

static int live_slots_read(struct application *application, struct failure *failure,
			   struct live_slots *live)
{
	struct generation_list generations;
	struct interface_name_list names;
	int result;

	result = pins_interfaces(application->pins, application->arena, failure, &names);
	if (result < 0)
		return result;
	list_for_each (name, &names) {
		result = pins_generations(application->pins, application->arena, name->text,
					  failure, &generations);
		if (result < 0)
			return result;
		list_for_each (generation, &generations) {
			result = live_slots_add(application, name->text, *generation, live);
			if (result < 0)
				return fail(failure, -result,
					    "%s: can't read rule_info of generation %" PRIu32
					    ": %s",
					    name->text, *generation, strerror(-result));
		}
	}
	return 0;
}

static int fold_freed(const struct rule_counters *counters, struct application *application,
		      struct failure *failure)
{
	int result = slots_fold_finish(counters, &application->slots, failure);

	list_for_each (freed, &application->assignment.freed) {
		if (result == 0)
			result = slots_fold(counters, &freed->key, freed->value.slot, failure);
	}
	return result;
}

/* On every interface, as all of them share the registry. */
static int fold_everywhere(struct application *application, struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct interface_name_list names;
	int result;

	result = pins_interfaces(application->pins, application->arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		pins_interface_directory(names.items[i].text, directory);
		cleanup(fd_closep) int receive =
			pins_get(application->pins, "%s/receive_rules", directory);
		cleanup(fd_closep) int transmit =
			pins_get(application->pins, "%s/transmit_rules", directory);
		cleanup(fd_closep) int bases =
			pins_get(application->pins, "%s/rule_bases", directory);
		const struct rule_counters counters = {receive, transmit, bases};

		if (receive < 0 || transmit < 0 || bases < 0)
			return fail(
				failure, ENOENT,
				"%s: its counters are not all pinned; sallyport detach %s, then "
				"apply",
				names.items[i].text, names.items[i].text);
		result = fold_freed(&counters, application, failure);
	}
	return result;
}

static int assign_slots(struct application *application, struct failure *failure)
{
	const struct tables *tables = application->request->tables;
	cleanup(fd_closep) int rules_fd =
		application->first ? -1 : pins_get(application->pins, PINS_SHARED "/rule_slots");
	cleanup(fd_closep) int roles_fd =
		application->first ? -1 : pins_get(application->pins, PINS_SHARED "/role_slots");
	struct live_slots *live = arena_alloc(application->arena, sizeof(*live));
	const struct slot_request request = {
		.rules = tables->rules,
		.rule_count = tables->rule_count,
		.roles = tables->roles,
		.role_count = tables->role_count,
		.live = live,
		.generation = application->generation,
	};
	int result;

	result = slots_read(application->arena, rules_fd, roles_fd, failure, &application->slots);
	if (result == 0 && !application->first)
		result = live_slots_read(application, failure, live);
	if (result == 0)
		result = slots_assign(&application->slots, &request, failure,
				      &application->assignment);
	if (result < 0)
		return result;
	if (application->assignment.roles_without)
		warn(application,
		     "%zu roles share one label in the drop counters: there are %u "
		     "(ROLE_SLOTS_MAX)",
		     application->assignment.roles_without, ROLE_SLOTS_MAX);
	if (application->first || application->request->dry_run)
		return 0;
	result = fold_everywhere(application, failure);
	if (result == 0)
		result = slots_store(&application->slots, rules_fd, roles_fd, failure);
	return result;
}

/* ------------------------------------------------------------ load and pin ----------------------
 */

static const char *mode_text(enum mode mode)
{
	static const char *const names[] = {"off", "audit", "enforce"};

	return names[mode];
}

/* Titles of the documents that the rules cite; "and N more" where they do not fit. */
static void documents_format(const struct host_policy *policy, char *text, size_t size)
{
	const char *previous = NULL;
	size_t length = 0;
	size_t more = 0;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const char *title = policy->rules[i].citation_count
					    ? policy->rules[i].citations[0].document
					    : NULL;
		const size_t tail = sizeof("; and 4095 more");

		if (!title || (previous && !strcmp(title, previous)) || strstr(text, title))
			continue;
		previous = title;
		if (length + strlen(title) + 2 + tail > size)
			more++;
		else
			length += (size_t)sprintf(text + length, "%s%s", length ? "; " : "", title);
	}
	if (more)
		sprintf(text + length, "; and %zu more", more);
}

static void describe(const struct application *application, const struct target *target,
		     struct generation_info *information)
{
	const struct host_policy *policy = &target->policy;

	*information = (struct generation_info){
		.loaded_at = (__u64)time(NULL),
		.generation = application->generation,
		.rules = (__u32)policy->rule_count,
		.clsact_created = target->clsact_created,
		.adopt_ms = policy->adopt_ms,
	};
#define SET(field, value) snprintf(information->field, sizeof(information->field), "%s", value)
	SET(site, policy->site);
	SET(host, policy->host ? policy->host : "");
	SET(version, SALLYPORT_VERSION);
	SET(mode_in, mode_text(policy->mode[DIRECTION_IN]));
	SET(mode_out, mode_text(policy->mode[DIRECTION_OUT]));
	SET(lookup, policy->lookup == LOOKUP_FLAT ? "flat" : "maps");
	SET(xdp_mode, xdp_mode_name(target->xdp_mode));
	SET(egress_hook, egress_hook_name(target->egress_hook));
	SET(digest, application->result.digest);
#undef SET
	documents_format(policy, information->documents, sizeof(information->documents));
}

static struct load_request load_request_of(const struct application *application,
					   const struct target *target)
{
	return (struct load_request){
		.policy = &target->policy,
		.tables = application->request->tables,
		.rule_slots = application->assignment.rules,
		.role_slots = application->assignment.roles,
		.generation = application->generation,
		.lasting = LASTING_MAPS_PRIVATE,
		.live = &application->banks.live,
		.idle = &application->banks.idle,
		.twin = application->targets.items[0].loaded,
		.progress = &application->request->progress,
		.stopwatch = application->request->stopwatch,
	};
}

static int load_target(struct application *application, struct target *target,
		       struct failure *failure)
{
	const struct apply_request *request = application->request;
	struct load_request load_request = load_request_of(application, target);
	const char *name = target->interface->name;
	struct generation_info information;
	int result = 0;

	progress_step(&request->progress, "load generation %" PRIu32 " for %s",
		      application->generation, name);
	if (!request->dry_run)
		result = lasting_open(application->pins, name, &load_request.lasting, failure);
	stopwatch_lap(request->stopwatch, "prepare");
	if (result == 0)
		result = load(&load_request, failure, &target->loaded);
	if (result == 0 && !load_request.twin && !request->dry_run)
		result = banks_keep(application->pins, target->loaded, failure);
	if (result == 0 && !request->dry_run) {
		describe(application, target, &information);
		progress_step(&request->progress, "pin generation %" PRIu32 " of %s",
			      application->generation, name);
		result = lasting_pin_generation(application->pins, name, target->loaded,
						&load_request.lasting, &information, failure);
	}
	lasting_close(&load_request.lasting);
	stopwatch_lap(request->stopwatch, "pin");
	return result < 0 ? fail_prefix(failure, -result, "%s", name) : 0;
}

/*
 * The first apply makes the lasting maps with its first load. Meta comes last: pins without it are
 * those of a command that attached nothing.
 */
static int start_records(struct application *application, struct loaded *loaded,
			 struct failure *failure)
{
	struct layout_meta meta = {
		.layout_version = LAYOUT_VERSION,
		.generation = application->generation,
		.created_at = (__u64)time(NULL),
	};
	cleanup(fd_closep) int rules_fd = -1;
	cleanup(fd_closep) int roles_fd = -1;
	struct netns netns;
	int result;

	result = netns_read(&netns);
	if (result < 0)
		return fail(failure, -result, "can't tell which network namespace this is: %s",
			    strerror(-result));
	meta.netns_inode = netns.inode;
	meta.netns_cookie = netns.cookie;
	result = recovery_journal(&application->recovery, JOURNAL_PREPARE, "",
				  application->generation, failure);
	if (result < 0)
		return result;
	rules_fd = pins_get(application->pins, PINS_SHARED "/rule_slots");
	roles_fd = pins_get(application->pins, PINS_SHARED "/role_slots");
	result = slots_store(&application->slots, rules_fd, roles_fd, failure);
	if (result == 0)
		result = lasting_pin_meta(application->pins, loaded, &meta, failure);
	return result;
}

static int prepare(struct application *application, struct failure *failure)
{
	int result = 0;

	if (application->pins)
		result = banks_open(application->pins, application->arena,
				    application->request->dry_run, failure, &application->banks);
	for (size_t i = 0; result == 0 && i < application->targets.count; i++) {
		struct target *target = &application->targets.items[i];

		result = load_target(application, target, failure);
		if (result == 0 && i == 0 && application->first && !application->request->dry_run)
			result = start_records(application, target->loaded, failure);
	}
	return result;
}

/* ------------------------------------------------------------ swap ------------------------------
 */

/*
 * From the first hook to the last nothing should stop us that only means to stop a command: a ^C, a
 * terminal that goes away. What stops us all the same (SIGKILL) is finished by the journal.
 */
static void block_signals(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

/* After a failure: everything as it was. The failure that led here stays the message. */
static int undo(struct application *application, int result, struct failure *failure)
{
	struct failure undo_failure = {0};
	const char *done;
	int undone;

	progress_step(&application->request->progress, "undo generation %" PRIu32,
		      application->generation);
	/* Without meta nothing of the first apply was attached: then recovery removes it. */
	if (application->first && !pins_exist(application->pins, PINS_SHARED "/meta"))
		undone = recovery_run(&application->recovery, &undo_failure, &done);
	else
		undone = recovery_undo(&application->recovery, application->generation,
				       &undo_failure);
	if (undone < 0)
		return fail_prefix(failure, -result,
				   "undoing this failed too (%s); sallyport status shows what is "
				   "in force, sallyport detach ends it; the first failure",
				   undo_failure.message);
	return result;
}

static int read_result(struct application *application, struct failure *failure)
{
	int result = 0;

	application->result.generation = application->generation;
	for (int map = 0; map < TABLE_MAP_COUNT; map++)
		application->result.tables[map] =
			*loaded_report(application->targets.items[0].loaded, (enum table_map)map);
	for (size_t i = 0; result == 0 && i < application->targets.count; i++) {
		const struct target *target = &application->targets.items[i];
		struct applied_interface *applied =
			arena_push(application->arena, &application->result.interfaces);

		applied->name = target->interface->name;
		applied->first =
			!target->before.receive.attached && !target->before.transmit.attached;
		if (application->request->dry_run)
			applied->hooks = target->before;
		else
			result = hooks_read(application->pins, application->arena, applied->name,
					    target->interface->index, failure, &applied->hooks);
	}
	return result;
}

static int go_live(struct application *application, struct failure *failure)
{
	const uint32_t generation = application->generation;
	const struct recovery *recovery = &application->recovery;
	struct failure clean_failure;
	sigset_t before;
	int result;

	block_signals(&before);
	result = recovery_journal(recovery, JOURNAL_SWAP, "", generation, failure);
	if (result == 0)
		result = recovery_swap(recovery, generation, failure);
	if (result == 0 && application->result.adoptions.blind)
		warn(application,
		     "this kernel lists no TCP connections (modprobe tcp_diag may help): "
		     "those that this host had open are cut, and open anew");
	if (result < 0)
		result = undo(application, result, failure);
	else if (recovery_clean(recovery, generation, &clean_failure) < 0)
		warn(application,
		     "the new policy is in force, but not all of the old one could be removed "
		     "(%s); "
		     "the next command tries again",
		     clean_failure.message);
	sigprocmask(SIG_SETMASK, &before, NULL);
	stopwatch_lap(application->request->stopwatch, "swap");
	return result;
}

/* The new policy is in force: that the next load will have more to write is not worth a word. */
static void make_spare(struct application *application)
{
	const struct target *first = &application->targets.items[0];
	struct load_request request = load_request_of(application, first);
	struct failure failure;

	request.stopwatch = NULL;
	if (banks_spare(application->pins, application->arena, &request, first->loaded, &failure) <
	    0)
		progress_step(&application->request->progress, "no spare bank: %s",
			      failure.message);
	stopwatch_lap(application->request->stopwatch, "spare");
}

/* ------------------------------------------------------------ apply -----------------------------
 */

static bool gets_hook(const struct target *target)
{
	const enum mode *mode = target->policy.mode;
	bool receives = mode[DIRECTION_IN] != MODE_OFF;
	bool transmits = receives || mode[DIRECTION_OUT] != MODE_OFF;

	return (receives && !target->before.receive.attached) ||
	       (transmits && !target->before.transmit.attached);
}

/* What the first load would adopt: into the private maps of a dry run, which go with it. */
static int preview_adoption(struct application *application, struct failure *failure)
{
	struct adoptions *adoptions = &application->result.adoptions;
	struct interface_list hooked = {0};
	struct adopter adopter = {
		.arena = application->arena,
		.interfaces = &application->all,
		.hooked = &hooked,
	};
	int result;

	list_for_each (target, &application->targets) {
		struct bpf_object *object = loaded_object(target->loaded);

		if (!gets_hook(target))
			continue;
		adopter.program_fd = loaded_adopt_fd(target->loaded);
		adopter.rule_info_fd = bpf_object__find_map_fd_by_name(object, "rule_info");
		*arena_push(application->arena, &hooked) = *target->interface;
	}
	if (!hooked.count)
		return 0;
	result = adopt_pass(&adopter, failure, adoptions);
	return result < 0 ? result : adopt_finish(&adopter, failure, adoptions);
}

static int open_pins(struct application *application, struct failure *failure)
{
	const struct apply_request *request = application->request;
	const struct pins_request pins_request = {
		.root = request->pins,
		.create = !request->dry_run,
		.read_only = request->dry_run,
		.wait_seconds = request->wait_seconds,
		.waiting = request->progress.step,
		.data = request->progress.data,
	};
	int result = pins_open(&pins_request, failure, &application->pins);

	/* A dry run looks at what is in force, if anything is. */
	if (result == -ENOENT && request->dry_run)
		return 0;
	return result;
}

/* Reads meta, recovers what was left, and takes the next generation's number. */
static int begin(struct application *application, struct failure *failure)
{
	struct layout_meta meta = {0};
	int result = -ENOENT;

	application->recovery = (struct recovery){
		.pins = application->pins,
		.arena = application->arena,
		.interfaces = &application->all,
		.progress = &application->request->progress,
		.adoptions = &application->result.adoptions,
	};
	if (application->pins)
		result = pins_check(application->pins, failure, &meta);
	if (result < 0 && result != -ENOENT)
		return result;
	if (!application->request->dry_run) {
		result = recovery_run(&application->recovery, failure,
				      &application->result.recovered);
		/* Recovery may have removed the last interface, and shared/ with it. */
		if (result == 0)
			result = pins_meta_read(application->pins, &meta);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	application->first = result == -ENOENT;
	application->generation = application->first ? 1 : meta.generation + 1;
	if (application->first || application->request->dry_run)
		return 0;
	meta.generation = application->generation;
	result = pins_meta_write(application->pins, &meta);
	if (result < 0)
		return fail(failure, -result, "%s/meta: can't write it: %s", PINS_SHARED,
			    strerror(-result));
	return recovery_journal(&application->recovery, JOURNAL_PREPARE, "",
				application->generation, failure);
}

static int build(struct application *application, struct failure *failure)
{
	int result;

	keep_bounds(application);
	result = plan_targets(application, failure);
	if (result == 0)
		result = warn_of_interfaces(application, failure);
	if (result == 0)
		result = assign_slots(application, failure);
	if (result == 0)
		result = prepare(application, failure);
	if (result == 0 && !application->request->dry_run)
		result = recovery_arm_sweep(&application->recovery, failure);
	return result;
}

int generation_apply(const struct apply_request *request, struct failure *failure,
		     struct apply_result *ret_result)
{
	cleanup(application_close) struct application application = {
		.request = request,
		.arena = request->arena,
		.banks = BANKS_NONE,
	};
	int result;

	host_policy_digest(request->policy, application.result.digest);
	stopwatch_lap(request->stopwatch, "digest");
	result = choose_interfaces(&application, failure);
	if (result == 0)
		result = open_pins(&application, failure);
	if (result == 0)
		result = begin(&application, failure);
	if (result < 0)
		return result;
	result = build(&application, failure);
	if (result < 0 && !request->dry_run)
		return undo(&application, result, failure);
	if (result == 0)
		result = request->dry_run ? preview_adoption(&application, failure)
					  : go_live(&application, failure);
	if (result == 0 && !request->dry_run)
		make_spare(&application);
	if (result == 0)
		result = read_result(&application, failure);
	if (result == 0)
		*ret_result = application.result;
	return result;
}
