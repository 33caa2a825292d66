/* SPDX-License-Identifier: BSD-2-Clause */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flat.h"
#include "map_address.h"
#include "sallyport.skel.h"

/* The verifier's log of one program; its tail goes into the failure. */
#define LOG_BYTES      (1u << 20)
#define LOG_TAIL_BYTES 1200
/* LPM tries before Linux 6.13 need room for one more entry to replace one. */
#define TRIE_HEADROOM 16
/* When the table is full, what belongs to no flow meets the slot of one once in so many times. */
#define KEY_SLOTS_PER_FLOW 16u

struct loaded {
	struct sallyport_bpf *skeleton;
	struct table_report reports[TABLE_MAP_COUNT];
};

void loaded_free(struct loaded *loaded)
{
	if (!loaded)
		return;
	sallyport_bpf__destroy(loaded->skeleton);
	free(loaded);
}

void loaded_freep(struct loaded **loaded)
{
	loaded_free(*loaded);
}

/* ---- configuration ---- */

/* Ticks of the kernel's jiffies clock in a second: the coarse clock moves once a tick. */
static uint64_t jiffies_per_second(void)
{
	struct timespec resolution;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) || resolution.tv_nsec <= 0)
		return 250;
	return (1000000000ull + (uint64_t)resolution.tv_nsec / 2) / (uint64_t)resolution.tv_nsec;
}

/* The options of in rules: what none of them has is dead code, and its maps have one entry. */
static void configure_options(const struct load_request *request, struct config *config)
{
	const struct host_policy *policy = request->policy;
	uint32_t sets = policy->sources / LIMIT_WAYS;

	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].direction == DIRECTION_IN)
			config->rule_options |= policy->rules[i].options;
	config->live_ticks = (uint32_t)(LIVE_ANSWER_MS * jiffies_per_second() / 1000);
	config->limit_sets = sets > LIMIT_SETS_MIN ? sets : LIMIT_SETS_MIN;
	/* What is only tried has no enemies, and the same outcome each time. */
	if (!request->virtual_clock)
		(void)!getrandom(&config->limit_seed, sizeof(config->limit_seed), 0);
}

static void configure_link(const struct host_policy *policy, struct config *config)
{
	const struct link_settings *link = &policy->link;

	config->echo_per_second = link->echo_per_second;
	config->echo_burst = link->echo_burst;
	config->link_control = link->link_control;
	config->router_choice = link->router_advertisements != LINK_AUTO;
	config->multicast_membership = policy->multicast_membership;
	config->vlan_filter = link->vlan_filter;
	memcpy(config->vlans, link->vlans, sizeof(config->vlans));
}

static void configure(const struct load_request *request, struct config *config)
{
	const struct host_policy *policy = request->policy;
	uint64_t second = request->virtual_clock ? 1000 : jiffies_per_second();

	config->second = second;
	for (int state = 0; state < FLOW_STATE_COUNT; state++)
		config->timeouts[state] = policy->timeout_ms[state] * second / 1000;
	config->fragment_timeout = policy->fragment_timeout_ms * second / 1000;
	config->generation = request->generation;
	config->cross_check = policy->cross_check;
	while (config->cross_check_mask < policy->cross_check / 2)
		config->cross_check_mask = config->cross_check_mask * 2 + 1;
	config->icmp_errors_per_second = policy->icmp_errors_per_second;
	config->flow_share = policy->flow_share;
	config->lookup = policy->lookup;
	config->forwarding = policy->forwarding;
	config->dhcp = policy->dhcp;
	config->router_advertisements = policy->router_advertisements;
	configure_link(policy, config);
	config->virtual_clock = request->virtual_clock;
	config->record = request->record;
	config->dry_run = request->dry_run;
	configure_options(request, config);
	for (int d = 0; d < DIRECTION_COUNT; d++) {
		config->mode[d] = policy->mode[d];
		config->local_port_used[d] = request->tables->local_port_used[d];
		config->remote_port_used[d] = request->tables->remote_port_used[d];
	}
}

/* ---- sizes ---- */

static uint32_t cells_in_use(const struct grid *grid)
{
	uint32_t used = 0;

	for (size_t i = 0; i < (size_t)grid->rows * grid->columns; i++)
		used += grid->cells[i] != 0;
	return used;
}

/* A port range of a trie is at most 2 × 16 prefixes. */
static uint32_t port_prefixes(const struct tables *tables)
{
	uint32_t count = 0;

	for (size_t i = 0; i < tables->ports.count; i++) {
		uint32_t first = tables->ports.items[i].first;
		uint32_t last = tables->ports.items[i].last;

		while (first <= last) {
			uint32_t size = 1;

			while (first % (size * 2) == 0 && first + size * 2 - 1 <= last)
				size *= 2;
			first += size;
			count++;
		}
	}
	return count;
}

static void set_entries(struct bpf_map *map, size_t entries)
{
	bpf_map__set_max_entries(map, (uint32_t)(entries ? entries : 1));
}

static void set_option_sizes(struct sallyport_bpf *skeleton)
{
	const struct config *config = (const struct config *)&skeleton->rodata->config;
	const bool limit = config->rule_options & RULE_LIMIT;

	set_entries(skeleton->maps.live_answers,
		    config->rule_options & RULE_LIVE ? LIVE_ANSWERS : 0);
	set_entries(skeleton->maps.rule_limits, limit ? RULE_SLOTS_MAX : 0);
	set_entries(skeleton->maps.limits, limit ? config->limit_sets : 0);
}

/* The lowest power of two that is not below it. */
static uint32_t power_of_two(uint32_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

/*
 * A line of IPv4 for each flow, and one of IPv6 for two: with a third or half of its ways in use, a
 * full table has few flows that find no way of their own.
 */
static void size_flow_cache(struct sallyport_bpf *skeleton, uint32_t flows)
{
	uint32_t lines = power_of_two(flows < FLOW_LINES_MAX ? flows : FLOW_LINES_MAX);

	bpf_map__set_value_size(skeleton->maps.flow_cache_ipv4,
				lines * (uint32_t)sizeof(struct flow_line_ipv4));
	bpf_map__set_value_size(skeleton->maps.flow_cache_ipv6,
				(lines + 1) / 2 * (uint32_t)sizeof(struct flow_line_ipv6));
}

/* Whole words of slots. */
static void size_flow_keys(struct sallyport_bpf *skeleton, uint32_t flows)
{
	uint32_t slots = FLOW_KEY_SLOTS_MAX;

	if (flows < FLOW_KEY_SLOTS_MAX / KEY_SLOTS_PER_FLOW)
		slots = power_of_two(flows * KEY_SLOTS_PER_FLOW);
	if (slots < FLOW_SCREEN_WORD)
		slots = FLOW_SCREEN_WORD;
	bpf_map__set_value_size(skeleton->maps.flow_keys, (uint32_t)FLOW_SCREEN_BYTES(slots));
}

/* How many slots a screen of that size has. */
static uint32_t key_slots(uint32_t bytes)
{
	const uint32_t word = FLOW_SCREEN_BYTES(FLOW_SCREEN_WORD) - sizeof(struct flow_screen);

	return (bytes - (uint32_t)sizeof(struct flow_screen)) / word * FLOW_SCREEN_WORD;
}

/* As large as it is, be it new or pinned. */
static void shape_flow_cache(struct sallyport_bpf *skeleton)
{
	/* The skeleton's view is const, as the programs' is; before loading it is ours to set. */
	struct flow_cache_shape *shape = (struct flow_cache_shape *)&skeleton->rodata->flow_cache;

	shape->ipv4_mask = bpf_map__value_size(skeleton->maps.flow_cache_ipv4) /
				   (uint32_t)sizeof(struct flow_line_ipv4) -
			   1;
	shape->ipv6_mask = bpf_map__value_size(skeleton->maps.flow_cache_ipv6) /
				   (uint32_t)sizeof(struct flow_line_ipv6) -
			   1;
	shape->key_mask = key_slots(bpf_map__value_size(skeleton->maps.flow_keys)) - 1;
}

/* But those of the tables' large maps, which table_maps.c sets. */
static void set_sizes(struct sallyport_bpf *skeleton, const struct load_request *request)
{
	const struct tables *tables = request->tables;
	uint32_t ends = 0, decisions = 0;

	for (int d = 0; d < DIRECTION_COUNT; d++) {
		ends += cells_in_use(&tables->near[d]) + cells_in_use(&tables->far[d]);
		decisions += cells_in_use(&tables->decisions[d]);
	}
	set_entries(skeleton->maps.port_classes, port_prefixes(tables) + TRIE_HEADROOM);
	set_entries(skeleton->maps.end_classes, ends);
	set_entries(skeleton->maps.decisions, decisions);
	set_entries(skeleton->maps.rule_info, tables->rule_count);
	set_entries(skeleton->maps.flows, request->policy->flows);
	set_entries(skeleton->maps.flow_shares, request->policy->flows);
	set_entries(skeleton->maps.fragments, request->policy->fragments);
	set_option_sizes(skeleton);
	size_flow_cache(skeleton, request->policy->flows);
	size_flow_keys(skeleton, request->policy->flows);
}

/* ---- filling ---- */

static int put(struct bpf_map *map, const void *key, const void *value, struct failure *failure)
{
	if (!bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		return 0;
	return fail(failure, errno, "map %s refused an entry: %s", bpf_map__name(map),
		    strerror(errno));
}

static int fill_port_range(struct bpf_map *map, const struct port_entry *entry,
			   struct failure *failure)
{
	struct port_class value = {.class_id = entry->class_id};
	uint32_t first = entry->first;

	while (first <= entry->last) {
		struct port_key key = {
			.prefix_length = 32,
			.side = (__u8)entry->side,
			.protocol = entry->protocol,
			.port = htobe16((uint16_t)first),
		};
		uint32_t size = 1;
		int error;

		while (first % (size * 2) == 0 && first + size * 2 - 1 <= entry->last) {
			size *= 2;
			key.prefix_length--;
		}
		error = put(map, &key, &value, failure);
		if (error)
			return error;
		first += size;
	}
	return 0;
}

static int fill_end_classes(struct sallyport_bpf *skeleton, const struct grid *grid, int direction,
			    bool far, struct failure *failure)
{
	for (uint32_t row = 0; row < grid->rows; row++)
		for (uint32_t column = 0; column < grid->columns; column++) {
			struct end_key key = {
				.direction = (__u8)direction,
				.far = far,
				.port_class = (__u16)row,
				.address_class = (__u16)column,
			};
			struct end_class value = {
				.class_id = grid->cells[(size_t)row * grid->columns + column],
			};
			int error;

			if (!value.class_id)
				continue;
			error = put(skeleton->maps.end_classes, &key, &value, failure);
			if (error)
				return error;
		}
	return 0;
}

static int fill_decisions(struct sallyport_bpf *skeleton, const struct load_request *request,
			  int direction, struct failure *failure)
{
	const struct grid *grid = &request->tables->decisions[direction];

	for (uint32_t row = 0; row < grid->rows; row++)
		for (uint32_t column = 0; column < grid->columns; column++) {
			uint16_t index = grid->cells[(size_t)row * grid->columns + column];
			struct decision_key key = {
				.near_class = (__u16)row,
				.far_class = (__u16)column,
				.direction = (__u8)direction,
			};
			struct decision value = {0};
			int error;

			if (!index)
				continue;
			value.rule_slot = request->rule_slots[(index & RULE_SLOT_MASK) - 1];
			value.options = index & RULE_OPTIONS_MASK;
			error = put(skeleton->maps.decisions, &key, &value, failure);
			if (error)
				return error;
		}
	return 0;
}

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static int fill_rule_info(struct sallyport_bpf *skeleton, const struct load_request *request,
			  struct failure *failure)
{
	for (size_t i = 0; i < request->tables->rule_count; i++) {
		const struct rule *rule = &request->tables->rules[i];
		const struct citation none = {0};
		const struct citation *citation =
			rule->citation_count ? &rule->citations[0] : &none;
		struct rule_info value = {0};
		__u32 key = request->rule_slots[i];
		int error;

		copy_text(value.id, sizeof(value.id), rule->id);
		copy_text(value.direction, sizeof(value.direction),
			  rule->direction == DIRECTION_IN ? "in" : "out");
		copy_text(value.from, sizeof(value.from), rule->from);
		copy_text(value.to, sizeof(value.to), rule->to);
		copy_text(value.document, sizeof(value.document), citation->document);
		copy_text(value.section, sizeof(value.section), citation->section);
		copy_text(value.row, sizeof(value.row), citation->row);
		copy_text(value.lines, sizeof(value.lines), citation->lines);
		copy_text(value.services, sizeof(value.services), rule->services);
		error = put(skeleton->maps.rule_info, &key, &value, failure);
		if (error)
			return error;
	}
	return 0;
}

static int fill_limits(struct sallyport_bpf *skeleton, const struct load_request *request,
		       struct failure *failure)
{
	int error = 0;

	for (size_t i = 0; !error && i < request->tables->rule_count; i++) {
		const struct rule *rule = &request->tables->rules[i];
		__u32 key = request->rule_slots[i];

		if (rule->direction == DIRECTION_IN && rule->options & RULE_LIMIT)
			error = put(skeleton->maps.rule_limits, &key, &rule->limit, failure);
	}
	return error;
}

/* The small maps of the tables. */
static int fill(struct sallyport_bpf *skeleton, const struct load_request *request,
		struct failure *failure)
{
	const struct tables *tables = request->tables;
	int error = 0;

	for (size_t i = 0; !error && i < tables->ports.count; i++)
		error = fill_port_range(skeleton->maps.port_classes, &tables->ports.items[i],
					failure);
	for (int d = 0; !error && d < DIRECTION_COUNT; d++) {
		error = fill_end_classes(skeleton, &tables->near[d], d, false, failure);
		if (!error)
			error = fill_end_classes(skeleton, &tables->far[d], d, true, failure);
		if (!error)
			error = fill_decisions(skeleton, request, d, failure);
	}
	if (!error)
		error = fill_rule_info(skeleton, request, failure);
	if (!error)
		error = fill_limits(skeleton, request, failure);
	stopwatch_lap(request->stopwatch, "maps_write");
	return error;
}

/* ---- loading ---- */

static int reuse(struct bpf_map *map, int fd, struct failure *failure)
{
	if (fd < 0 || !bpf_map__reuse_fd(map, fd))
		return 0;
	return fail(failure, errno, "map %s that is pinned can't be used again: %s",
		    bpf_map__name(map), strerror(errno));
}

static int reuse_lasting(struct sallyport_bpf *skeleton, const struct lasting_maps *lasting,
			 struct failure *failure)
{
	const struct {
		struct bpf_map *map;
		int fd;
	} maps[] = {
		{skeleton->maps.flows, lasting->flows},
		{skeleton->maps.flow_shares, lasting->flow_shares},
		{skeleton->maps.flow_cache_ipv4, lasting->flow_cache_ipv4},
		{skeleton->maps.flow_cache_ipv6, lasting->flow_cache_ipv6},
		{skeleton->maps.flow_ports, lasting->flow_ports},
		{skeleton->maps.flow_keys, lasting->flow_keys},
		{skeleton->maps.fragments, lasting->fragments},
		{skeleton->maps.receive_rules, lasting->receive_rules},
		{skeleton->maps.transmit_rules, lasting->transmit_rules},
		{skeleton->maps.receive_reasons, lasting->receive_reasons},
		{skeleton->maps.transmit_reasons, lasting->transmit_reasons},
		{skeleton->maps.drop_rings, lasting->drop_rings},
		{skeleton->maps.drop_events, lasting->drop_events},
		{skeleton->maps.sweep_timer, lasting->sweep_timer},
		{skeleton->maps.rule_slots, lasting->rule_slots},
		{skeleton->maps.role_slots, lasting->role_slots},
		{skeleton->maps.rule_bases, lasting->rule_bases},
		{skeleton->maps.journal, lasting->journal},
		{skeleton->maps.meta, lasting->meta},
	};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(maps) / sizeof(maps[0]); i++)
		error = reuse(maps[i].map, maps[i].fd, failure);
	return error;
}

static int explain_load_error(int error, const char *log, struct failure *failure)
{
	size_t length = strlen(log);

	switch (error) {
	case EPERM:
		return fail(failure, error,
			    "the kernel does not let this user load BPF programs: run as "
			    "root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	case ENOMEM:
		return fail(failure, error,
			    "no memory for the maps: make bounds: {flows} smaller, or raise "
			    "the memory limit of this process");
	}
	if (!length)
		return fail(failure, error,
			    "the kernel refused the programs: %s (sallyport needs Linux "
			    "6.1 or newer with BTF in /sys/kernel/btf/vmlinux)",
			    strerror(error));
	if (length > LOG_TAIL_BYTES)
		log += length - LOG_TAIL_BYTES;
	return fail(failure, error,
		    "the kernel's verifier refused a program: %s; the end of its log:\n%s",
		    strerror(error), log);
}

static int open_skeleton(struct loaded *loaded, struct failure *failure)
{
	int error = map_address_use(failure);

	if (error)
		return error;
	loaded->skeleton = sallyport_bpf__open();
	if (!loaded->skeleton)
		return fail(failure, errno, "the BPF object in this program can't be opened: %s",
			    strerror(errno));
	return 0;
}

static int load_skeleton(struct sallyport_bpf *skeleton, struct failure *failure)
{
	char *log = calloc(1, LOG_BYTES);
	struct bpf_program *program;
	int error;

	if (!log)
		return fail(failure, ENOMEM, "out of memory");
	/* Programs are verified one after the other: the log is the failing one's. */
	bpf_object__for_each_program(program, skeleton->obj)
		bpf_program__set_log_buf(program, log, LOG_BYTES);
	error = sallyport_bpf__load(skeleton);
	if (error)
		error = explain_load_error(-error, log, failure);
	free(log);
	return error;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* What is the same in every load of these tables. */
static bool is_of_tables(const char *name)
{
	static const char *const names[] = {
		"ipv4_classes", "ipv6_classes", "port_classes", "end_classes", "decisions",
		"rule_info",	"flat_classes", "flat_ipv4",	"flat_ipv6",   "rule_limits",
	};

	return is_among(name, names, sizeof(names) / sizeof(names[0]));
}

static int reuse_twin(struct sallyport_bpf *skeleton, const struct loaded *twin,
		      struct failure *failure)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		const char *name = bpf_map__name(map);

		if (!error && is_of_tables(name))
			error = reuse(map,
				      bpf_object__find_map_fd_by_name(twin->skeleton->obj, name),
				      failure);
	}
	return error;
}

/* Configuration and sizes, and the maps that are there already. */
static int prepare(struct sallyport_bpf *skeleton, const struct load_request *request,
		   const struct flat_shape *shape, struct failure *failure)
{
	int error;

	/* The skeleton's view is const, as the programs' is; before loading it is ours to set. */
	configure(request, (struct config *)&skeleton->rodata->config);
	memcpy((void *)&skeleton->rodata->shape, shape, sizeof(*shape));
	set_sizes(skeleton, request);
	error = reuse_lasting(skeleton, &request->lasting, failure);
	if (!error)
		shape_flow_cache(skeleton);
	return error;
}

/* With the maps of a load of the same tables that was done a moment ago. */
static int load_twin(struct loaded *loaded, const struct load_request *request,
		     struct failure *failure)
{
	const struct flat_shape shape = request->twin->skeleton->rodata->shape;
	int error = prepare(loaded->skeleton, request, &shape, failure);

	memcpy(loaded->reports, request->twin->reports, sizeof(loaded->reports));
	if (!error)
		error = reuse_twin(loaded->skeleton, request->twin, failure);
	if (!error)
		error = load_skeleton(loaded->skeleton, failure);
	stopwatch_lap(request->stopwatch, "programs");
	return error;
}

static struct table_request table_request(const struct load_request *request,
					  const struct flat *flat)
{
	return (struct table_request){
		.tables = request->tables,
		.role_slots = request->role_slots,
		.flat = flat,
		.live = request->live,
		.idle = request->idle,
		.progress = request->progress,
		.stopwatch = request->stopwatch,
	};
}

static int load_tables(struct loaded *loaded, const struct load_request *request,
		       const struct flat *flat, struct failure *failure)
{
	cleanup(table_filling_free) struct table_filling filling = {0};
	struct bpf_object *object = loaded->skeleton->obj;
	const struct table_request tables = table_request(request, flat);
	int error = prepare(loaded->skeleton, request, &flat->shape, failure);

	if (!error)
		error = table_maps_choose(&tables, object, failure, &filling);
	if (!error)
		error = load_skeleton(loaded->skeleton, failure);
	stopwatch_lap(request->stopwatch, "programs");
	if (!error)
		error = fill(loaded->skeleton, request, failure);
	if (!error)
		error = table_maps_fill(&tables, object, failure, &filling);
	memcpy(loaded->reports, filling.reports, sizeof(loaded->reports));
	return error;
}

static int load_flat(struct loaded *loaded, const struct load_request *request,
		     struct failure *failure)
{
	struct flat flat = {.shape = flat_shape_unused(request->tables)};
	int error = 0;

	if (request->policy->lookup == LOOKUP_FLAT)
		error = flat_build(request->tables, request->rule_slots, request->role_slots,
				   failure, &flat);
	if (error)
		return error;
	stopwatch_lap(request->stopwatch, "flat_build");
	error = load_tables(loaded, request, &flat, failure);
	flat_free(&flat);
	return error;
}

int load(const struct load_request *request, struct failure *failure, struct loaded **ret_loaded)
{
	cleanup(loaded_freep) struct loaded *loaded = calloc(1, sizeof(*loaded));
	int error;

	if (!loaded)
		return fail(failure, ENOMEM, "out of memory");
	error = open_skeleton(loaded, failure);
	if (error)
		return error;
	error = request->twin ? load_twin(loaded, request, failure)
			      : load_flat(loaded, request, failure);
	if (error)
		return error;
	*ret_loaded = loaded;
	loaded = NULL;
	return 0;
}

/* Maps that a copy shares with the live generation; all others are its own. */
static bool is_shared_by_copies(const char *name)
{
	static const char *const names[] = {
		"flows",      "flow_shares", "flow_cache_ipv4", "flow_cache_ipv6",
		"flow_ports", "flow_keys",   "fragments",	"limits",
	};

	return is_of_tables(name) || is_among(name, names, sizeof(names) / sizeof(names[0]));
}

/* The live generation's configuration, but for what makes it a copy. */
static int copy_configuration(struct sallyport_bpf *skeleton, int fd, struct failure *failure)
{
	struct config *config = (struct config *)&skeleton->rodata->config;
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info), zero = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return fail(failure, errno, "the live configuration can't be read: %s",
			    strerror(errno));
	if (info.value_size != bpf_map__value_size(skeleton->maps.rodata))
		return fail(failure, EPROTO,
			    "what is live was loaded by another version of sallyport; "
			    "\"sallyport apply\" makes both the same");
	if (bpf_map_lookup_elem(fd, &zero, skeleton->rodata))
		return fail(failure, errno, "the live configuration can't be read: %s",
			    strerror(errno));
	config->record = 1;
	config->dry_run = 1;
	return 0;
}

static int reuse_live(struct sallyport_bpf *skeleton, int (*map_fd)(void *data, const char *name),
		      void *data, struct failure *failure)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		int fd, error;

		if (!is_shared_by_copies(bpf_map__name(map)))
			continue;
		fd = map_fd(data, bpf_map__name(map));
		if (fd < 0)
			return fail(failure, -fd, "the live map %s can't be opened: %s",
				    bpf_map__name(map), strerror(-fd));
		error = reuse(map, fd, failure);
		close(fd);
		if (error)
			return error;
	}
	return 0;
}

int load_copy(int (*map_fd)(void *data, const char *name), void *data, const struct load_room *room,
	      struct failure *failure, struct loaded **ret_loaded)
{
	cleanup(loaded_freep) struct loaded *loaded = calloc(1, sizeof(*loaded));
	int fd, error;

	if (!loaded)
		return fail(failure, ENOMEM, "out of memory");
	error = open_skeleton(loaded, failure);
	if (error)
		return error;
	fd = map_fd(data, "configuration");
	if (fd < 0)
		return fail(failure, -fd, "the live configuration can't be opened: %s",
			    strerror(-fd));
	error = copy_configuration(loaded->skeleton, fd, failure);
	close(fd);
	loaded->skeleton->rodata->config.flows_full = room->flows_full;
	loaded->skeleton->rodata->config.fragments_full = room->fragments_full;
	if (!error)
		error = reuse_live(loaded->skeleton, map_fd, data, failure);
	if (!error)
		error = load_skeleton(loaded->skeleton, failure);
	if (error)
		return error;
	*ret_loaded = loaded;
	loaded = NULL;
	return 0;
}

int loaded_spare(const struct load_request *request, struct loaded *loaded, enum table_map map,
		 struct failure *failure)
{
	const struct table_request tables = table_request(request, NULL);

	return table_maps_spare(&tables, loaded->skeleton->obj, map, failure);
}

struct bpf_object *loaded_object(struct loaded *loaded)
{
	return loaded->skeleton->obj;
}

int loaded_xdp_fd(const struct loaded *loaded)
{
	return bpf_program__fd(loaded->skeleton->progs.xdp_ingress);
}

int loaded_egress_fd(const struct loaded *loaded)
{
	return bpf_program__fd(loaded->skeleton->progs.tc_egress);
}

int loaded_adopt_fd(const struct loaded *loaded)
{
	return bpf_program__fd(loaded->skeleton->progs.adopt);
}

int loaded_sweep_fd(const struct loaded *loaded)
{
	return bpf_program__fd(loaded->skeleton->progs.sweep);
}

struct state *loaded_state(struct loaded *loaded)
{
	return &loaded->skeleton->bss->state;
}

/* ---- forgetting ---- */

static void clear_hash(const struct bpf_map *map)
{
	unsigned char key[sizeof(struct flow_key) + sizeof(struct fragment_key)];

	while (!bpf_map_get_next_key(bpf_map__fd(map), NULL, key))
		if (bpf_map_delete_elem(bpf_map__fd(map), key))
			break;
}

/* One mappable value. */
static int clear_array(const struct bpf_map *map)
{
	size_t size = bpf_map__value_size(map);
	void *value = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (value == MAP_FAILED)
		return -errno;
	memset(value, 0, size);
	munmap(value, size);
	return 0;
}

/* Of an array that can't be mapped. */
static int clear_entries(const struct bpf_map *map)
{
	__u32 count = bpf_map__max_entries(map);
	void *values = calloc(count, bpf_map__value_size(map));
	__u32 *keys = calloc(count, sizeof(*keys));
	int error = -ENOMEM;

	for (__u32 i = 0; keys && i < count; i++)
		keys[i] = i;
	if (values && keys)
		error = bpf_map_update_batch(bpf_map__fd(map), keys, values, &count, NULL);
	free(values);
	free(keys);
	return error;
}

int loaded_forget_limits(struct loaded *loaded)
{
	int error = clear_entries(loaded->skeleton->maps.limits);

	return error ? error : clear_entries(loaded->skeleton->maps.icmp_buckets);
}

int loaded_forget(struct loaded *loaded)
{
	struct sallyport_bpf *skeleton = loaded->skeleton;
	int error;

	clear_hash(skeleton->maps.flows);
	clear_hash(skeleton->maps.flow_shares);
	clear_hash(skeleton->maps.fragments);
	error = clear_array(skeleton->maps.flow_cache_ipv4);
	if (!error)
		error = clear_array(skeleton->maps.flow_cache_ipv6);
	if (!error)
		error = clear_array(skeleton->maps.flow_ports);
	if (!error)
		error = clear_array(skeleton->maps.flow_keys);
	return error;
}

const struct table_report *loaded_report(const struct loaded *loaded, enum table_map map)
{
	return &loaded->reports[map];
}
