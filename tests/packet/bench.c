/* SPDX-License-Identifier: BSD-2-Clause */

#include "bench.h"
#include "packet_line.h"
#include "resolve.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define SITE	  "tests/packet/site.yaml"
#define FRAME_MAX 4096

static int map_of(struct bench *bench, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(loaded_object(bench->loaded), name);

	assert_true(fd >= 0);
	return fd;
}

static struct host_policy *read_policy(struct arena *arena, const char *site)
{
	struct diagnostics *diagnostics = diagnostics_new();
	struct player player = {.kind = PLAYER_HOST, .name = "edge"};
	struct host_policy *host = NULL;
	struct policy *policy = policy_read(arena, diagnostics, site, "policies");

	if (!policy || resolve(arena, diagnostics, policy, &player, &host) != RESOLVE_OK) {
		diagnostics_print(diagnostics, stderr, false);
		fail_msg("%s gives no policy", site);
	}
	diagnostics_free(diagnostics);
	return host;
}

static void load_bench(struct bench *bench, uint32_t generation, const struct lasting_maps *lasting)
{
	struct load_request request = {
		.policy = bench->policy,
		.tables = bench->tables,
		.rule_slots = bench->rule_slots,
		.role_slots = bench->role_slots,
		.generation = generation,
		.lasting = *lasting,
		.virtual_clock = true,
		.record = true,
	};
	struct failure failure;

	if (load(&request, &failure, &bench->loaded))
		fail_msg("%s", failure.message);
	/* Rows that say nothing of sockets have theirs. */
	loaded_state(bench->loaded)->bound = BOUND_YES;
}

static struct bench *bench_open(const char *site)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->arena = arena_new();
	bench->policy = read_policy(bench->arena, site);
	bench->policy->cross_check = 1;
	return bench;
}

static struct bench *bench_start_as(struct bench *bench, uint32_t generation,
				    const struct lasting_maps *lasting)
{
	struct diagnostics *diagnostics = diagnostics_new();

	assert_int_equal(compile(bench->policy, diagnostics, &bench->tables), 0);
	diagnostics_free(diagnostics);
	bench->rule_slots = calloc(bench->tables->rule_count + 1, sizeof(uint16_t));
	bench->role_slots = calloc(bench->tables->role_count + 1, sizeof(uint16_t));
	for (size_t i = 0; i < bench->tables->rule_count; i++)
		bench->rule_slots[i] = (uint16_t)(i + 1);
	for (size_t i = 0; i < bench->tables->role_count; i++)
		bench->role_slots[i] = (uint16_t)(i + 2);
	load_bench(bench, generation, lasting);
	return bench;
}

static struct bench *bench_start(struct bench *bench)
{
	return bench_start_as(bench, 1, &LASTING_MAPS_PRIVATE);
}

struct bench *bench_new(enum lookup lookup, enum mode mode_in, enum mode mode_out)
{
	struct bench *bench = bench_open(SITE);

	bench->policy->lookup = lookup;
	bench->policy->mode[DIRECTION_IN] = mode_in;
	bench->policy->mode[DIRECTION_OUT] = mode_out;
	return bench_start(bench);
}

struct bench *bench_new_site(const char *site, enum lookup lookup, bool checks, enum mode mode_in)
{
	struct bench *bench = bench_open(site);

	bench->policy->lookup = lookup;
	bench->policy->mode[DIRECTION_IN] = mode_in;
	if (!checks)
		bench->policy->cross_check = 0;
	return bench_start(bench);
}

struct bench *bench_new_wide(size_t prefixes)
{
	struct bench *bench = bench_open(SITE);
	struct prefix_list *remote = arena_alloc(bench->arena, sizeof(*remote));
	struct match *match = &bench->policy->rules[0].matches[0];

	for (size_t i = 0; i < match->remote->count; i++)
		prefix_list_add(bench->arena, remote, &match->remote->items[i]);
	for (size_t i = 0; i < prefixes; i++) {
		struct prefix prefix;

		/* Every other address, so that none of them merge. */
		assert_true(prefix_parse("2001:db8:ffff::1", &prefix));
		prefix.address.bytes[13] = (uint8_t)(i >> 15);
		prefix.address.bytes[14] = (uint8_t)(i >> 7);
		prefix.address.bytes[15] = (uint8_t)(i << 1 | 1);
		prefix_list_add(bench->arena, remote, &prefix);
	}
	prefix_list_normalize(remote);
	match->remote = remote;
	return bench_start(bench);
}

struct bench *bench_new_flows(uint32_t flows)
{
	struct bench *bench = bench_open(SITE);

	bench->policy->lookup = LOOKUP_FLAT;
	bench->policy->cross_check = 0;
	bench->policy->flows = flows;
	bench->policy->flow_share = flows;
	return bench_start(bench);
}

struct bench *bench_reload(struct bench *old, const char *without)
{
	struct lasting_maps lasting = LASTING_MAPS_PRIVATE;
	struct bench *bench = bench_open(SITE);
	struct host_policy *policy = bench->policy;
	size_t kept = 0;

	for (size_t i = 0; i < policy->rule_count; i++)
		if (strcmp(policy->rules[i].id, without) != 0)
			policy->rules[kept++] = policy->rules[i];
	assert_int_equal(kept, policy->rule_count - 1);
	policy->rule_count = kept;
	policy->lookup = old->policy->lookup;
	policy->cross_check = old->policy->cross_check;
	policy->flows = old->policy->flows;
	policy->flow_share = old->policy->flow_share;
	lasting.flows = map_of(old, "flows");
	lasting.flow_shares = map_of(old, "flow_shares");
	lasting.flow_cache_ipv4 = map_of(old, "flow_cache_ipv4");
	lasting.flow_cache_ipv6 = map_of(old, "flow_cache_ipv6");
	lasting.flow_ports = map_of(old, "flow_ports");
	lasting.flow_keys = map_of(old, "flow_keys");
	return bench_start_as(bench, 2, &lasting);
}

void bench_free(struct bench *bench)
{
	loaded_free(bench->loaded);
	tables_free(bench->tables);
	arena_free(bench->arena);
	free(bench->rule_slots);
	free(bench->role_slots);
	free(bench);
}

void bench_reset(struct bench *bench)
{
	assert_int_equal(loaded_forget(bench->loaded), 0);
	assert_int_equal(loaded_forget_limits(bench->loaded), 0);
}

const uint8_t *bench_frame(const char *line, enum direction *ret_direction, size_t *ret_length)
{
	static uint8_t frame[FRAME_MAX];
	struct packet_line packet = {0};
	struct failure failure;

	if (packet_line_parse(line, strlen(line), NULL, &packet, &failure))
		fail_msg("%s: %s", line, failure.message);
	assert_true(packet.frame_length <= sizeof(frame));
	memcpy(frame, packet.frame, packet.frame_length);
	*ret_length = packet.frame_length;
	*ret_direction = packet.direction;
	packet_line_clear(&packet);
	return frame;
}

static const char *const counter_maps[] = {
	"receive_rules",
	"transmit_rules",
	"receive_reasons",
	"transmit_reasons",
};

/* Zeroed when read, so that what the next packet moves is all there is. */
static void read_counters(struct bench *bench, struct met *met)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc((size_t)cpus, sizeof(*values));

	for (size_t i = 0; i < sizeof(counter_maps) / sizeof(counter_maps[0]); i++) {
		int fd = map_of(bench, counter_maps[i]);
		uint32_t entries = i < 2 ? RULE_SLOTS_MAX : REASON_COUNTERS;

		for (uint32_t key = 0; key < entries; key++) {
			struct counter sum = {0};

			assert_int_equal(bpf_map_lookup_elem(fd, &key, values), 0);
			for (int cpu = 0; cpu < cpus; cpu++) {
				sum.packets += values[cpu].packets;
				sum.bytes += values[cpu].bytes;
			}
			if (!sum.packets && !sum.bytes)
				continue;
			met->counters++;
			met->packets = sum.packets;
			met->bytes = sum.bytes;
			met->counter = counter_maps[i];
			met->index = key;
			memset(values, 0, (size_t)cpus * sizeof(*values));
			bpf_map_update_elem(fd, &key, values, BPF_ANY);
		}
	}
	free(values);
}

bool bench_can_split(struct bench *bench)
{
	static const uint8_t frame[128];
	struct xdp_md context = {.data_end = 64};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);

	return !bpf_prog_test_run_opts(loaded_xdp_fd(bench->loaded), &options);
}

struct met bench_run_split(struct bench *bench, const uint8_t *frame, size_t length, size_t linear)
{
	struct xdp_md context = {.data_end = (__u32)linear};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
	struct met met = {.counter = "", .rule = ""};

	assert_int_equal(bpf_prog_test_run_opts(loaded_xdp_fd(bench->loaded), &options), 0);
	met.outcome = loaded_state(bench->loaded)->outcome;
	if (met.outcome.rule_slot)
		met.rule = bench->policy->rules[met.outcome.rule_slot - 1].id;
	return met;
}

struct met bench_counters(struct bench *bench)
{
	struct met met = {.counter = "", .rule = ""};

	read_counters(bench, &met);
	return met;
}

struct met bench_run(struct bench *bench, enum direction direction, const uint8_t *frame,
		     size_t length, uint64_t at_ms)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length,
		    .repeat = 1);
	struct met met = {.counter = "", .rule = ""};
	int fd = direction == DIRECTION_IN ? loaded_xdp_fd(bench->loaded)
					   : loaded_egress_fd(bench->loaded);

	loaded_state(bench->loaded)->now = at_ms;
	assert_int_equal(bpf_prog_test_run_opts(fd, &options), 0);
	met.outcome = loaded_state(bench->loaded)->outcome;
	if (met.outcome.rule_slot)
		met.rule = bench->policy->rules[met.outcome.rule_slot - 1].id;
	/* What the kernel does with the packet, and what was recorded, are the same. */
	if (direction == DIRECTION_IN)
		assert_int_equal(options.retval == 2 /* XDP_PASS */,
				 met.outcome.verdict == VERDICT_PASS);
	else
		assert_int_equal((int)options.retval == -1 /* TC_ACT_UNSPEC */,
				 met.outcome.verdict == VERDICT_PASS);
	read_counters(bench, &met);
	return met;
}
