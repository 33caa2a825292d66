/* SPDX-License-Identifier: BSD-2-Clause */
#include "rebuild.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_policy.h"
#include "clock.h"
#include "flat.h"
#include "target.h"

#define BUILDS	     3
#define SETTLE_US    100000
#define SETTLE_BYTES (1u << 20)
#define SETTLE_TRIES 50

struct plan {
	enum population_kind population;
	size_t prefixes[2];
	bool quick;
};

static const struct plan plans[] = {
	{POPULATION_MIXED, {500, 500}, true},	  {POPULATION_HOSTS, {1000, 0}, true},
	{POPULATION_MIXED, {50000, 50000}, true}, {POPULATION_CLOUD, {100000, 0}, false},
	{POPULATION_HOSTS, {100000, 0}, false},	  {POPULATION_MIXED, {500000, 500000}, false},
	{POPULATION_MIXED, {1000000, 0}, false},  {POPULATION_HOSTS, {1000000, 0}, false},
};

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The index alone, a few times. Slots are any: they decide no time. */
static int time_index(const struct tables *tables, struct failure *failure, uint64_t *ret_ns)
{
	uint16_t rule_slots[BENCH_RULES] = {0}, role_slots[BENCH_GROUPS] = {0};
	uint64_t times[BUILDS];

	for (unsigned i = 0; i < BENCH_RULES; i++)
		rule_slots[i] = (uint16_t)(i + 1);
	for (unsigned i = 0; i < BUILDS; i++) {
		struct flat flat;
		uint64_t before = clock_now();
		int error = flat_build(tables, rule_slots, role_slots, failure, &flat);

		if (error)
			return error;
		times[i] = clock_now() - before;
		flat_free(&flat);
	}
	qsort(times, BUILDS, sizeof(times[0]), compare_numbers);
	*ret_ns = times[BUILDS / 2];
	return 0;
}

/* proc(5): kernel objects that are not given back under pressure, in bytes. */
static uint64_t read_slab(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kilobytes = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %" SCNu64, &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes << 10;
}

/* What was loaded before is given back in the background. */
static uint64_t settled_slab(void)
{
	uint64_t before, now = read_slab();
	unsigned tries = 0;

	do {
		before = now;
		usleep(SETTLE_US);
		now = read_slab();
	} while (before > now + SETTLE_BYTES && tries++ < SETTLE_TRIES);
	return now;
}

static int measure_one(const struct plan *plan, uint64_t seed, struct rebuild_figure *figure,
		       struct failure *failure)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	cleanup(tables_freep) struct tables *tables = NULL;
	struct population *population =
		population_new(arena, plan->population, seed, plan->prefixes);
	struct host_policy *policy = bench_policy(arena, population, plan->prefixes);
	struct target target = {0};
	struct target_memory memory;
	uint64_t before = clock_now(), slab;
	int error = compile(policy, diagnostics, &tables);

	if (error) {
		diagnostics_print(diagnostics, stderr, false);
		return fail(failure, -error, "the policy does not compile");
	}
	*figure = (struct rebuild_figure){
		.population = plan->population,
		.prefixes = {plan->prefixes[0], plan->prefixes[1]},
		.entries = tables->ipv4.count + tables->ipv6.count,
		.compile_ns = clock_now() - before,
	};
	error = time_index(tables, failure, &figure->flat_ns);
	slab = settled_slab();
	if (!error)
		error = target_load(&target, policy, tables, LOOKUP_FLAT, failure);
	if (!error) {
		memory = target_memory(&target);
		figure->load_ns = target.load_ns;
		figure->flat_bytes = memory.flat;
		figure->tries_bytes = memory.tries;
		figure->slab_bytes = read_slab();
		figure->slab_bytes -= figure->slab_bytes > slab ? slab : figure->slab_bytes;
	}
	target_unload(&target);
	return error;
}

int rebuild_measure(uint64_t seed, bool quick, struct rebuild_figures *figures,
		    struct failure *failure)
{
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(plans) / sizeof(plans[0]); i++) {
		if (quick && !plans[i].quick)
			continue;
		error = measure_one(&plans[i], seed, &figures->items[figures->count], failure);
		if (!error)
			figures->count++;
	}
	return error;
}

const struct rebuild_figure *rebuild_worst(const struct rebuild_figures *figures, size_t total,
					   uint64_t (*value)(const struct rebuild_figure *))
{
	const struct rebuild_figure *worst = NULL;

	for (size_t i = 0; i < figures->count; i++) {
		const struct rebuild_figure *figure = &figures->items[i];

		if (figure->prefixes[0] + figure->prefixes[1] == total &&
		    (!worst || value(figure) > value(worst)))
			worst = figure;
	}
	return worst;
}
