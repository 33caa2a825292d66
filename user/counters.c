/* SPDX-License-Identifier: BSD-2-Clause */
#include "counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "descriptor.h"
#include "slots.h"
#include "status.h"

#define CHUNK	  512 /* entries that one system call reads */
#define READS_MAX 8   /* of all rules, while reloads go on moving their counters */

/* What one read goes on with. */
struct reader {
	const struct pins *pins;
	struct snapshot *snapshot;
	struct failure *failure;
	size_t cpus;
	int rule_slots;
	int role_slots;
	struct slots slots;
};

/* Closes what is open; the snapshot is not its own. */
static void reader_close(struct reader *reader)
{
	fd_closep(&reader->rule_slots);
	fd_closep(&reader->role_slots);
}

static int open_map(const struct reader *reader, const char *directory, const char *name)
{
	int fd = pins_get(reader->pins, "%s/%s", directory, name);

	if (fd < 0)
		fail(reader->failure, -fd, "can't open the map %s/%s/%s: %s",
		     pins_root(reader->pins), directory, name, strerror(-fd));
	return fd;
}

/* ------------------------------------------------------------ how full maps are */

static void freep(void *pointer)
{
	free(*(void **)pointer);
}

/* How many entries a hash map has: they are read and thrown away, a chunk at a time. */
static int map_count(int fd, const struct bpf_map_info *info, uint64_t *ret_count)
{
	cleanup(freep) void *keys = malloc((size_t)CHUNK * info->key_size);
	cleanup(freep) void *values = malloc((size_t)CHUNK * info->value_size);
	__u32 token = 0, next = 0;
	uint64_t total = 0;
	bool started = false;
	int error = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (!error) {
		__u32 count = CHUNK;

		error = bpf_map_lookup_batch(fd, started ? &token : NULL, &next, keys, values,
					     &count, NULL);
		if (error && error != -ENOENT)
			return error;
		total += count;
		token = next;
		started = true;
	}
	*ret_count = total;
	return 0;
}

static int read_map_use(const struct reader *reader, const char *directory, const char *name,
			struct map_use *ret_use)
{
	cleanup(fd_closep) int fd = open_map(reader, directory, name);
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	uint64_t entries = 0;
	int error;

	if (fd < 0)
		return fd;
	error = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (!error)
		error = map_count(fd, &info, &entries);
	if (error)
		return fail(reader->failure, -error, "can't read the map %s/%s/%s: %s",
			    pins_root(reader->pins), directory, name, strerror(-error));
	*ret_use = (struct map_use){name, entries, info.max_entries};
	return 0;
}

/* ------------------------------------------------------------ rules */

/* A field of fixed width may end within a character of several bytes: that is left out. */
static const char *field_text(struct arena *arena, const char *field, size_t size)
{
	size_t length = strnlen(field, size);
	size_t start = length;

	while (start > 0 && length - start < 4 && ((unsigned char)field[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)field[start - 1] >= 0xc0) {
		unsigned char lead = (unsigned char)field[start - 1];
		size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

		if (length - (start - 1) < bytes)
			length = start - 1;
	}
	return arena_strndup(arena, field, length);
}

static void describe_rule(struct arena *arena, const struct rule_info *info,
			  struct rule_totals *totals)
{
	totals->direction = field_text(arena, info->direction, sizeof(info->direction));
	totals->from = field_text(arena, info->from, sizeof(info->from));
	totals->to = field_text(arena, info->to, sizeof(info->to));
	totals->services = field_text(arena, info->services, sizeof(info->services));
	totals->document = field_text(arena, info->document, sizeof(info->document));
	totals->section = field_text(arena, info->section, sizeof(info->section));
	totals->row = field_text(arena, info->row, sizeof(info->row));
}

static void add_counter(struct counter *sum, const struct counter *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

/* The entry of a rule id: an in rule and an out rule of one id count together. */
static struct rule_totals *rule_by_id(struct reader *reader, struct interface_totals *one,
				      const char *id)
{
	struct rule_totals *totals;

	for (size_t i = 0; i < one->rules.count; i++)
		if (strcmp(one->rules.items[i].id, id) == 0)
			return &one->rules.items[i];
	totals = arena_push(reader->snapshot->arena, &one->rules);
	totals->id = arena_strdup(reader->snapshot->arena, id);
	return totals;
}

/* A rule that neither is in force nor ever counted here is left out. */
static int read_rule(struct reader *reader, const struct rule_counters *counters, int rule_info,
		     const struct rule_slot_entry *entry, struct interface_totals *one)
{
	struct rule_info info;
	struct rule_base total;
	struct rule_totals *totals;
	__u32 slot = entry->value.slot;
	bool in_force = slot && rule_info >= 0 &&
			bpf_map_lookup_elem(rule_info, &slot, &info) == 0 &&
			strcmp(info.id, entry->key.id) == 0;
	int error = slots_rule_total(counters, &entry->key, slot, &total);

	if (error)
		return fail(reader->failure, -error, "can't read the counters of rule %s: %s",
			    entry->key.id, strerror(-error));
	if (!in_force && !total.received.packets && !total.transmitted.packets)
		return 0;
	totals = rule_by_id(reader, one, entry->key.id);
	add_counter(&totals->receive, &total.received);
	add_counter(&totals->transmit, &total.transmitted);
	if (in_force)
		describe_rule(reader->snapshot->arena, &info, totals);
	return 0;
}

static int compare_slots(const void *a, const void *b)
{
	const struct rule_slot_entry *left = a;
	const struct rule_slot_entry *right = b;

	return memcmp(&left->key, &right->key, sizeof(left->key));
}

/* Reads the registry; ret_same tells whether every rule has the slot that it had before. */
static int read_slots(struct reader *reader, bool *ret_same)
{
	struct slots before = reader->slots;
	int error = slots_read(reader->snapshot->arena, reader->rule_slots, reader->role_slots,
			       reader->failure, &reader->slots);

	if (error)
		return error;
	if (reader->slots.rules.count)
		qsort(reader->slots.rules.items, reader->slots.rules.count,
		      sizeof(*reader->slots.rules.items), compare_slots);
	*ret_same = before.rules.count == reader->slots.rules.count;
	for (size_t i = 0; *ret_same && i < before.rules.count; i++)
		*ret_same =
			compare_slots(&before.rules.items[i], &reader->slots.rules.items[i]) == 0 &&
			before.rules.items[i].value.slot == reader->slots.rules.items[i].value.slot;
	return 0;
}

static int read_rules_once(struct reader *reader, const struct rule_counters *counters,
			   int rule_info, struct interface_totals *one)
{
	one->rules.count = 0;
	list_for_each (entry, &reader->slots.rules) {
		int error = read_rule(reader, counters, rule_info, entry, one);

		if (error)
			return error;
	}
	return 0;
}

/* Until no rule was given other counters while they were read. */
static int read_rules(struct reader *reader, const char *directory, struct interface_totals *one)
{
	cleanup(fd_closep) int receive = open_map(reader, directory, "receive_rules");
	cleanup(fd_closep) int transmit = open_map(reader, directory, "transmit_rules");
	cleanup(fd_closep) int bases = open_map(reader, directory, "rule_bases");
	cleanup(fd_closep) int rule_info = pins_get(
		reader->pins, "%s/generation-%" PRIu32 "/rule_info", directory, one->generation);
	struct rule_counters counters = {receive, transmit, bases};
	bool same = false;

	if (receive < 0 || transmit < 0 || bases < 0)
		return receive < 0 ? receive : transmit < 0 ? transmit : bases;
	for (int i = 0; i < READS_MAX && !same; i++) {
		int error = read_rules_once(reader, &counters, rule_info, one);

		if (!error)
			error = read_slots(reader, &same);
		if (error)
			return error;
	}
	return 0;
}

/* ------------------------------------------------------------ reasons */

/* Sums over all possible CPUs of REASON_SLOTS_MAX counters, from first on. */
static int read_sums(const struct reader *reader, int fd, __u32 first, struct counter *sums)
{
	cleanup(freep) struct counter *values =
		calloc(REASON_SLOTS_MAX * reader->cpus, sizeof(*values));
	__u32 keys[REASON_SLOTS_MAX];
	__u32 count = REASON_SLOTS_MAX;
	__u32 before = first - 1; /* an array's token is the index before */
	__u32 next;
	int error;

	if (!values)
		return -ENOMEM;
	error = bpf_map_lookup_batch(fd, first ? &before : NULL, &next, keys, values, &count, NULL);
	if (error && error != -ENOENT)
		return error;
	memset(sums, 0, REASON_SLOTS_MAX * sizeof(*sums));
	for (__u32 i = 0; i < count; i++)
		for (size_t cpu = 0; cpu < reader->cpus; cpu++)
			add_counter(&sums[keys[i] - first], &values[i * reader->cpus + cpu]);
	return 0;
}

static int read_role(struct reader *reader, int receive, int transmit, uint32_t slot,
		     const char *role, struct interface_totals *one)
{
	struct counter sums[4][REASON_SLOTS_MAX];
	__u32 first = REASON_COUNTER(0, slot, 0);
	__u32 would = REASON_COUNTER(1, slot, 0);
	int error = read_sums(reader, receive, first, sums[0]);

	if (!error)
		error = read_sums(reader, transmit, first, sums[1]);
	if (!error)
		error = read_sums(reader, receive, would, sums[2]);
	if (!error)
		error = read_sums(reader, transmit, would, sums[3]);
	if (error)
		return fail(reader->failure, -error, "can't read the counters of reasons: %s",
			    strerror(-error));
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		if (!sums[0][reason].packets && !sums[1][reason].packets &&
		    !sums[2][reason].packets && !sums[3][reason].packets)
			continue;
		*arena_push(reader->snapshot->arena, &one->reasons) = (struct reason_totals){
			.reason = (enum reason)reason,
			.role = role,
			.receive = sums[0][reason],
			.transmit = sums[1][reason],
			.would_receive = sums[2][reason],
			.would_transmit = sums[3][reason],
		};
	}
	return 0;
}

static int read_reasons(struct reader *reader, const char *directory, struct interface_totals *one)
{
	cleanup(fd_closep) int receive = open_map(reader, directory, "receive_reasons");
	cleanup(fd_closep) int transmit = open_map(reader, directory, "transmit_reasons");
	int error;

	if (receive < 0 || transmit < 0)
		return receive < 0 ? receive : transmit;
	error = read_role(reader, receive, transmit, 0, "none", one);
	if (!error)
		error = read_role(reader, receive, transmit, ROLE_SLOT_OTHER, "other", one);
	list_for_each (entry, &reader->slots.roles) {
		if (!error && entry->value.slot > ROLE_SLOT_OTHER)
			error = read_role(reader, receive, transmit, entry->value.slot,
					  arena_strdup(reader->snapshot->arena, entry->key.role),
					  one);
	}
	return error;
}

/* ------------------------------------------------------------ interfaces */

static void describe_interface(struct reader *reader, const struct interface_status *status,
			       struct interface_totals *one)
{
	struct arena *arena = reader->snapshot->arena;
	const struct generation_info *info = &status->information;

	one->name = status->name;
	one->site = field_text(arena, info->site, sizeof(info->site));
	one->host = field_text(arena, info->host, sizeof(info->host));
	one->digest = field_text(arena, info->digest, sizeof(info->digest));
	one->mode[DIRECTION_IN] = field_text(arena, info->mode_in, sizeof(info->mode_in));
	one->mode[DIRECTION_OUT] = field_text(arena, info->mode_out, sizeof(info->mode_out));
	one->lookup = field_text(arena, info->lookup, sizeof(info->lookup));
	one->rule_count = info->rules;
	one->loaded_at = info->loaded_at;
	one->generation = status->generation;
	one->xdp_mode = xdp_mode_name(status->hooks.xdp_mode);
	one->egress_hook = egress_hook_name(status->hooks.egress_hook);
	one->state = interface_state_name(status->state);
	one->disagreements = status->disagreements;
	one->fallback = status->fallback;
}

/* Pins without a policy are left out: an apply has only begun, or a detach is about to end. */
static int read_interface(struct reader *reader, const struct interface_status *status)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct interface_totals *one;
	struct map_use use;
	int error;

	if (!status->has_information)
		return 0;
	one = arena_push(reader->snapshot->arena, &reader->snapshot->interfaces);
	describe_interface(reader, status, one);
	pins_interface_directory(one->name, directory);
	error = read_rules(reader, directory, one);
	if (!error)
		error = read_reasons(reader, directory, one);
	if (!error)
		error = read_map_use(reader, directory, "rule_bases", &use);
	if (!error)
		*arena_push(reader->snapshot->arena, &one->maps) = use;
	return error;
}

static int read_shared(struct reader *reader, const struct status *status)
{
	static const char *const names[] = {"flow_shares", "rule_slots", "role_slots"};
	struct snapshot *snapshot = reader->snapshot;

	snapshot->flows = (struct map_use){"flows", status->flows.used, status->flows.bound};
	*arena_push(snapshot->arena, &snapshot->shared_maps) =
		(struct map_use){"fragments", status->fragments.used, status->fragments.bound};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct map_use use;
		int error = read_map_use(reader, PINS_SHARED, names[i], &use);

		if (error)
			return error;
		*arena_push(snapshot->arena, &snapshot->shared_maps) = use;
	}
	return 0;
}

static int read_all(struct reader *reader, const struct status *status)
{
	bool same;
	int error;

	reader->rule_slots = open_map(reader, PINS_SHARED, "rule_slots");
	if (reader->rule_slots < 0)
		return reader->rule_slots;
	reader->role_slots = open_map(reader, PINS_SHARED, "role_slots");
	if (reader->role_slots < 0)
		return reader->role_slots;
	error = read_slots(reader, &same);
	list_for_each (interface, &status->interfaces) {
		if (!error)
			error = read_interface(reader, interface);
	}
	return error ? error : read_shared(reader, status);
}

int counters_read(const char *root, struct failure *failure, struct snapshot **ret_snapshot)
{
	const struct pins_request request = {.root = root, .read_only = true};
	cleanup(pins_closep) struct pins *pins = NULL;
	cleanup(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	cleanup(reader_close) struct reader reader = {
		.snapshot = snapshot, .failure = failure, .rule_slots = -1, .role_slots = -1};
	struct status status = {0};
	int cpus = libbpf_num_possible_cpus();
	int error;

	if (cpus < 0)
		return fail(failure, -cpus, "can't tell how many CPUs there are: %s",
			    strerror(-cpus));
	reader.cpus = (size_t)cpus;
	error = generation_status(snapshot->arena, root, failure, &status);
	if (!error && status.pinned && status.interfaces.count) {
		error = pins_open(&request, failure, &pins);
		reader.pins = pins;
		if (!error)
			error = read_all(&reader, &status);
	}
	if (error)
		return error;
	*ret_snapshot = snapshot;
	snapshot = NULL;
	return 0;
}
