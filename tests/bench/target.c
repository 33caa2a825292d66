/* SPDX-License-Identifier: BSD-2-Clause */
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "clock.h"

/* Slot 0 is none, and role slot 1 is for those that have no slot of their own. */
#define RULE_SLOT_FIRST 1u
#define ROLE_SLOT_FIRST 2u

static int map_fd(const struct target *target, const char *name)
{
	return bpf_object__find_map_fd_by_name(loaded_object(target->loaded), name);
}

int target_load(struct target *target, const struct host_policy *policy,
		const struct tables *tables, enum lookup lookup, struct failure *failure)
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
	uint64_t before = clock_now();
	int error;

	own.lookup = target->lookup = lookup;
	for (unsigned i = 0; i < BENCH_RULES; i++)
		rule_slots[i] = (uint16_t)(RULE_SLOT_FIRST + i);
	for (unsigned i = 0; i < BENCH_GROUPS; i++)
		role_slots[i] = (uint16_t)(ROLE_SLOT_FIRST + i);
	error = load(&request, failure, &target->loaded);
	target->load_ns = clock_now() - before;
	return error;
}

void target_unload(struct target *target)
{
	loaded_free(target->loaded);
	target->loaded = NULL;
}

/* ---- as one who is measured ---- */

static int program_of(void *self, enum direction direction)
{
	const struct target *target = self;

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
static int count_expected(void *self, const struct traffic *traffic, struct failure *failure,
			  uint64_t *ret_packets)
{
	const struct target *target = self;
	const bool in = traffic->direction == DIRECTION_IN;
	const bool served = traffic->kind == TRAFFIC_SERVED || traffic->kind == TRAFFIC_MEDIA;

	if (traffic_passes(traffic))
		*ret_packets = sum_counters(target, in ? "receive_rules" : "transmit_rules",
					    RULE_SLOT_FIRST + (served ? 0 : BENCH_IN_RULES),
					    served ? BENCH_IN_RULES : BENCH_OUT_RULES, 1);
	else
		*ret_packets = sum_counters(target, in ? "receive_reasons" : "transmit_reasons",
					    REASON_COUNTER(false, 0, traffic_reason(traffic)),
					    ROLE_SLOTS_MAX, REASON_SLOTS_MAX);
	return 0;
}

struct contender target_contender(struct target *target, size_t prefixes,
				  const struct namespace *place)
{
	return (struct contender){
		.name = target->lookup == LOOKUP_FLAT ? "flat" : "maps",
		.prefixes = prefixes,
		.place = place,
		.egress = !place,
		.program = program_of,
		.count = count_expected,
		.self = target,
	};
}

bool target_agreed(const struct target *target)
{
	const struct state *state = loaded_state(target->loaded);

	return !state->disagreements && !state->fallback;
}

/* ---- memory ---- */

/* proc(5): what the kernel itself says that the map takes. */
static uint64_t map_bytes(int fd)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	if (file)
		fclose(file);
	return bytes;
}

struct target_memory target_memory(const struct target *target)
{
	struct target_memory memory = {0};
	struct bpf_map *map;

	bpf_object__for_each_map(map, loaded_object(target->loaded))
	{
		const uint64_t bytes = map_bytes(bpf_map__fd(map));

		if (strncmp(bpf_map__name(map), "flat_", strlen("flat_")) == 0)
			memory.flat += bytes;
		if (bpf_map__type(map) == BPF_MAP_TYPE_LPM_TRIE)
			memory.tries += bytes;
	}
	return memory;
}
