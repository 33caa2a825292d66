/* SPDX-License-Identifier: BSD-2-Clause */
#include "own_flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

#define PREFIXES 50u
#define FLOODS	 (1u << 16)
#define FLOODED	 (1u << 10) /* flows there are while floods are measured */

static const struct traffic replies = {
	.name = "reply of an own flow", .kind = TRAFFIC_FLOW, .direction = DIRECTION_IN};
static const struct traffic leaving = {
	.name = "leaves: own flow", .kind = TRAFFIC_FLOW, .direction = DIRECTION_OUT};
static const struct traffic floods[] = {
	{.name = "flood, no flow's port, SYN", .kind = TRAFFIC_UNOWNED_SYN},
	{.name = "flood, no flow's port, ACK", .kind = TRAFFIC_UNOWNED_ACK},
	{.name = "flood, flows' ports, SYN", .kind = TRAFFIC_OWNED_SYN},
	{.name = "flood, flows' ports, ACK", .kind = TRAFFIC_OWNED_ACK},
};

/* The own packets that open the flows, and those that make them established. */
static int open_flows(const struct series *series, struct target *target, uint8_t family,
		      uint32_t flows, struct failure *failure)
{
	static const enum traffic_kind kinds[] = {TRAFFIC_OPENING, TRAFFIC_FLOW};
	const struct contender contender = target_contender(target, PREFIXES, NULL);
	struct generator_packet *packets = calloc(flows, sizeof(*packets));
	int error = packets ? 0 : fail(failure, ENOMEM, "out of memory");

	for (unsigned i = 0; !error && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct traffic own = {
			.kind = kinds[i],
			.direction = DIRECTION_OUT,
			.family = family,
			.packets = flows,
		};
		const struct stand_run run = {
			.direction = DIRECTION_OUT,
			.program_fd = contender.program(contender.self, DIRECTION_OUT),
			.repeat = flows,
		};
		uint64_t before, after;
		uint32_t nanoseconds;

		traffic_fill(&own, series->population, series->seed, PREFIXES, packets);
		stand_set_packets(series->stand, family, packets, flows);
		error = contender.count(contender.self, &own, failure, &before);
		if (!error)
			error = stand_run(series->stand, &run, failure, &nanoseconds);
		if (!error)
			error = contender.count(contender.self, &own, failure, &after);
		if (!error && after - before != flows)
			error = fail(failure, EPROTO, "%u flows can't be opened", flows);
	}
	free(packets);
	return error;
}

static int measure_all(const struct series *series, uint8_t family, uint32_t flows,
		       struct results *results, struct failure *failure)
{
	struct traffic traffic = replies;
	int error;

	traffic.family = family;
	traffic.packets = traffic.flows = flows;
	error = series_measure(series, &traffic, results, failure);
	if (error || flows != FLOODED)
		return error;
	traffic = leaving;
	traffic.family = family;
	traffic.packets = traffic.flows = flows;
	error = series_measure(series, &traffic, results, failure);
	for (size_t i = 0; !error && i < sizeof(floods) / sizeof(floods[0]); i++) {
		traffic = floods[i];
		traffic.direction = DIRECTION_IN;
		traffic.family = family;
		traffic.packets = FLOODS;
		traffic.flows = flows;
		error = series_measure(series, &traffic, results, failure);
	}
	return error;
}

static int measure_number(const struct series *series, uint8_t family, uint32_t flows,
			  struct results *results, struct failure *failure)
{
	static const size_t sizes[] = {PREFIXES};
	const size_t prefixes[2] = {PREFIXES, PREFIXES};
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	cleanup(tables_freep) struct tables *tables = NULL;
	const struct host_policy *policy = bench_policy(arena, series->population, prefixes);
	struct target targets[2] = {0};
	struct contender contenders[3] = {
		{.name = "XDP floor", .egress = true, .program = contender_empty_program}};
	struct series own = *series;
	int error = compile(policy, diagnostics, &tables);

	if (error)
		return fail(failure, -error, "the policy does not compile");
	for (int i = 0; !error && i < 2; i++) {
		error = target_load(&targets[i], policy, tables, i ? LOOKUP_MAPS : LOOKUP_FLAT,
				    failure);
		if (!error)
			error = open_flows(series, &targets[i], family, flows, failure);
		contenders[i + 1] = target_contender(&targets[i], PREFIXES, NULL);
	}
	own.contenders = contenders;
	own.contender_count = 3;
	own.sizes = sizes;
	own.size_count = 1;
	own.shuffled = true;
	if (!error)
		error = measure_all(&own, family, flows, results, failure);
	for (int i = 0; i < 2; i++)
		target_unload(&targets[i]);
	return error;
}

int own_flows_measure(const struct series *series, bool quick, struct results *results,
		      struct failure *failure)
{
	static const uint32_t numbers[] = {1, FLOODED, 1u << 14, BENCH_FLOWS};
	int error = 0;

	for (uint8_t family = 4; family <= (quick ? 4 : 6); family += 2)
		for (size_t i = 0; !error && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			if (quick && numbers[i] != FLOODED)
				continue;
			error = measure_number(series, family, numbers[i], results, failure);
		}
	return error;
}
