/* SPDX-License-Identifier: BSD-2-Clause */
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Slot 0 is none, and role slot 1 is for those that have no slot of their own. */
#define RULE_SLOT_FIRST 1u
#define ROLE_SLOT_FIRST 2u

static int map_fd(const struct target *target, const char *name)
{
	return bpf_object__find_map_fd_by_name(loaded_object(target->loaded), name);
}

static uint64_t flat_bytes(const struct target *target)
{
	static const char *const names[] = {"flat_classes", "flat_ipv4", "flat_ipv6"};
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		bytes += bpf_map__value_size(
			bpf_object__find_map_by_name(loaded_object(target->loaded), names[i]));
	return bytes;
}

int target_load(struct target *target, const struct host_policy *policy,
		const struct tables *tables, struct target *flows_of, struct failure *failure)
{
	struct host_policy own = *policy;
	uint16_t rule_slots[BENCH_RULES], role_slots[BENCH_GROUPS];
	struct load_request request = {
		.policy = &own,
		.tables = tables,
		.rule_slots = rule_slots,
		.role_slots = role_slots,
		.generation = 1,
		.lasting = LASTING_MAPS_PRIVATE,
	};
	struct timespec before, after;
	int error;

	own.lookup = target->lookup;
	for (unsigned i = 0; i < BENCH_RULES; i++)
		rule_slots[i] = (uint16_t)(RULE_SLOT_FIRST + i);
	for (unsigned i = 0; i < BENCH_GROUPS; i++)
		role_slots[i] = (uint16_t)(ROLE_SLOT_FIRST + i);
	if (flows_of) {
		request.lasting.flows = map_fd(flows_of, "flows");
		request.lasting.flow_shares = map_fd(flows_of, "flow_shares");
		request.lasting.flow_cache_ipv4 = map_fd(flows_of, "flow_cache_ipv4");
		request.lasting.flow_cache_ipv6 = map_fd(flows_of, "flow_cache_ipv6");
		request.lasting.flow_ports = map_fd(flows_of, "flow_ports");
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	error = load(&request, failure, &target->loaded);
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (error)
		return error;
	target->load_ms = (uint32_t)((after.tv_sec - before.tv_sec) * 1000 +
				     (after.tv_nsec - before.tv_nsec) / 1000000);
	target->table_bytes = target->lookup == LOOKUP_FLAT ? flat_bytes(target) : 0;
	return 0;
}

void target_unload(struct target *target)
{
	loaded_free(target->loaded);
	target->loaded = NULL;
}

int target_fd(const struct target *target, enum direction direction)
{
	return direction == DIRECTION_IN ? loaded_xdp_fd(target->loaded)
					 : loaded_egress_fd(target->loaded);
}

/* Packets in the counters first to first + (count - 1) * step, of all CPUs. */
static uint64_t sum_counters(const struct target *target, const char *map, uint32_t first,
			     uint32_t count, uint32_t step)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc((size_t)cpus, sizeof(*values));
	uint64_t sum = 0;

	for (uint32_t i = 0; values && i < count; i++) {
		uint32_t key = first + i * step;

		if (bpf_map_lookup_elem(map_fd(target, map), &key, values))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += values[cpu].packets;
	}
	free(values);
	return sum;
}

/* What is counted where this traffic belongs: by a rule of its direction, or by its reason. */
static uint64_t count_expected(const struct target *target, const struct traffic *traffic)
{
	const bool in = traffic->direction == DIRECTION_IN;

	switch (traffic->reason) {
	case REASON_RULE:
	case REASON_MIRROR:
	case REASON_FLOW:
		return sum_counters(
			target, in ? "receive_rules" : "transmit_rules",
			RULE_SLOT_FIRST + (traffic->kind == TRAFFIC_SERVED ? 0 : BENCH_IN_RULES),
			traffic->kind == TRAFFIC_SERVED ? BENCH_IN_RULES : BENCH_OUT_RULES, 1);
	default:
		return sum_counters(target, in ? "receive_reasons" : "transmit_reasons",
				    REASON_COUNTER(false, 0, traffic->reason), ROLE_SLOTS_MAX,
				    REASON_SLOTS_MAX);
	}
}

static bool reason_passes(enum reason reason)
{
	return reason == REASON_RULE || reason == REASON_MIRROR || reason == REASON_FLOW;
}

int target_check(struct target *target, struct stand *stand, const struct traffic *traffic,
		 struct failure *failure)
{
	uint64_t before = count_expected(target, traffic), counted;
	enum verdict verdict;
	uint32_t nanoseconds;
	int error = stand_run(stand, traffic->direction, target_fd(target, traffic->direction),
			      traffic->packets, failure, &verdict, &nanoseconds);

	if (error)
		return error;
	counted = count_expected(target, traffic) - before;
	if (counted == traffic->packets &&
	    (verdict == VERDICT_PASS) == reason_passes(traffic->reason))
		return 0;
	return fail(failure, EPROTO,
		    "%s, lookup %s, %zu prefixes: of %u packets %" PRIu64
		    " were counted as they should be, and the last one %s",
		    traffic->name, target->lookup == LOOKUP_FLAT ? "flat" : "maps",
		    target->prefixes, traffic->packets, counted,
		    verdict == VERDICT_PASS ? "passed" : "was dropped");
}

bool target_agreed(const struct target *target)
{
	const struct state *state = loaded_state(target->loaded);

	return !state->disagreements && !state->fallback;
}

void target_forget_flows(struct target *target)
{
	loaded_forget(target->loaded);
}
