/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data plane's benchmark: what one packet costs in each encoding of the tables and with other
 * enforcers, in one run, and whether the goals are met.
 *
 *     bench [--quick | --smoke] [--rounds N] [--cpu N] [--seed N] [--json FILE]
 *
 * The tables go to standard output as Markdown, progress to standard error. A packet that is judged
 * otherwise than it must be ends the run: an empty table is very fast.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "field.h"
#include "machine.h"
#include "variants.h"
#include "own_flows.h"
#include "report.h"

/* Where make leaves them, seen from the top folder. */
#define PROGRAM	 "build/sallyport"
#define CATALOGS "policies"

/* How much of it: all, in two minutes, or only whether it works. */
enum extent { EXTENT_ALL, EXTENT_QUICK, EXTENT_SMOKE };

static const struct amount {
	const size_t sizes[SERIES_SIZES_MAX];
	size_t size_count;
	size_t peers_up_to;
	unsigned rounds;
	uint32_t repeat;
	uint32_t live_repeat;
} amounts[] = {
	[EXTENT_ALL] = {{50, 1000, 10000, 100000, 1000000}, 5, 100000, 7, 1 << 18, 1 << 15},
	[EXTENT_QUICK] = {{50, 1000, 10000, 100000}, 4, 100000, 3, 1 << 16, 1 << 14},
	[EXTENT_SMOKE] = {{50}, 1, 50, 1, 1 << 12, 1 << 12},
};

static const struct plan {
	struct traffic traffic;
	enum extent extent; /* the least that it is part of */
} plans[] = {
	{{"in rule", TRAFFIC_SERVED, DIRECTION_IN, .packets = 1}, EXTENT_SMOKE},
	{{"in rule", TRAFFIC_SERVED, DIRECTION_IN, .packets = 1 << 10}, EXTENT_SMOKE},
	{{"in rule", TRAFFIC_SERVED, DIRECTION_IN, .packets = 1 << 16}, EXTENT_ALL},
	{{"in rule", TRAFFIC_SERVED, DIRECTION_IN, .packets = 1 << 20}, EXTENT_ALL},
	{{"unknown peer", TRAFFIC_STRANGER, DIRECTION_IN, .packets = 1}, EXTENT_ALL},
	{{"unknown peer", TRAFFIC_STRANGER, DIRECTION_IN, .packets = 1 << 10}, EXTENT_SMOKE},
	{{"unknown peer", TRAFFIC_STRANGER, DIRECTION_IN, .packets = 1 << 16}, EXTENT_ALL},
	{{"unknown peer", TRAFFIC_STRANGER, DIRECTION_IN, .packets = 1 << 20}, EXTENT_QUICK},
	{{"closed port", TRAFFIC_CLOSED, DIRECTION_IN, .packets = 1 << 16}, EXTENT_ALL},
	{{"leaves: answer", TRAFFIC_SERVED, DIRECTION_OUT, .packets = 1}, EXTENT_ALL},
	{{"leaves: answer", TRAFFIC_SERVED, DIRECTION_OUT, .packets = 1 << 10}, EXTENT_QUICK},
};

struct options {
	enum extent extent;
	int cpu;	 /* -1: the last */
	unsigned rounds; /* 0: as many as this extent has */
	uint64_t seed;
	const char *json; /* NULL: none */
};

struct bench {
	struct options options;
	const struct amount *amount;
	struct arena *arena;
	struct field field;
	struct series series;
	struct results results;
	struct rebuild_figures rebuilds;
	struct reload_figures reloads;
	uint64_t since;
	int cpu;
};

/* ---- running ---- */

__attribute__((format(printf, 2, 3))) static void say(const struct bench *bench, const char *format,
						      ...)
{
	va_list arguments;

	fprintf(stderr, "%4.0f s  ", (double)(clock_now() - bench->since) / 1e9);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static int set_up(struct bench *bench, struct failure *failure)
{
	const struct amount *amount = bench->amount;
	const size_t most = amount->sizes[amount->size_count - 1];
	const size_t prefixes[2] = {most, most};
	struct field *field = &bench->field;
	int error = machine_pin(bench->options.cpu, failure, &bench->cpu);

	if (!error)
		error = stand_new(bench_own_address, failure, &field->stand);
	if (error)
		return error;
	field->plan = (struct field_plan){
		.sizes = amount->sizes,
		.size_count = amount->size_count,
		.peers_up_to = amount->peers_up_to,
		.seed = bench->options.seed,
	};
	field->arena = bench->arena;
	field->population =
		population_new(bench->arena, POPULATION_MIXED, bench->options.seed, prefixes);
	error = field_set_up(field, failure);
	bench->series = (struct series){
		.stand = field->stand,
		.population = field->population,
		.seed = bench->options.seed,
		.rounds = bench->options.rounds ? bench->options.rounds : amount->rounds,
		.repeat = amount->repeat,
		.live_repeat = amount->live_repeat,
		.contenders = field->contenders,
		.contender_count = field->contender_count,
		.sizes = amount->sizes,
		.size_count = amount->size_count,
	};
	return error;
}

static int measure_packets(struct bench *bench, struct failure *failure)
{
	int error = 0;

	for (uint8_t family = 4; family <= 6; family += 2)
		for (size_t i = 0; !error && i < sizeof(plans) / sizeof(plans[0]); i++) {
			struct traffic traffic = plans[i].traffic;

			if (plans[i].extent < bench->options.extent)
				continue;
			traffic.family = family;
			say(bench, "measuring %s, IPv%u, %u different", traffic.name, family,
			    traffic.packets);
			error = series_measure(&bench->series, &traffic, &bench->results, failure);
		}
	return error;
}

static int report(struct bench *bench, struct failure *failure)
{
	struct machine machine = {0};
	struct goals goals = {.arena = bench->arena};
	struct report report = {
		.kernel = machine.kernel,
		.cpu = machine.cpu,
		.date = machine.date,
		.cpu_number = bench->cpu,
		.seed = bench->options.seed,
		.rounds = bench->series.rounds,
		.repeat = bench->amount->repeat,
		.live_repeat = bench->amount->live_repeat,
		.population = population_names[POPULATION_MIXED],
		.absent = bench->field.absent,
		.absent_count = bench->field.absent_count,
		.results = &bench->results,
		.rebuilds = &bench->rebuilds,
		.reloads = &bench->reloads,
		.goals = &goals,
	};

	machine_describe(&machine);
	goals_judge(&bench->results, &bench->rebuilds, &bench->reloads, &goals);
	report_print(&report, stdout);
	if (bench->options.json && report_write_json(&report, bench->options.json))
		return fail(failure, EIO, "%s can't be written", bench->options.json);
	return 0;
}

static int run(struct bench *bench, struct failure *failure)
{
	const bool quick = bench->options.extent != EXTENT_ALL;
	int error = set_up(bench, failure);

	if (!error)
		error = measure_packets(bench, failure);
	say(bench, "measuring own flows");
	if (!error)
		error = field_check(&bench->field, failure);
	if (!error)
		error = own_flows_measure(&bench->series, quick, &bench->results, failure);
	if (!error)
		error = variants_measure(&bench->series, &bench->results, failure);
	field_take_down(&bench->field);
	say(bench, "building and loading");
	if (!error && bench->options.extent != EXTENT_SMOKE)
		error = rebuild_measure(bench->options.seed, quick, &bench->rebuilds, failure);
	say(bench, "reloading");
	if (!error)
		error = reload_measure(PROGRAM, CATALOGS, bench->options.seed, quick,
				       &bench->reloads, failure);
	if (!error)
		error = report(bench, failure);
	return error;
}

/* ---- main ---- */

static bool read_number(const char *text, long long *ret_number)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || number < 0)
		return false;
	*ret_number = number;
	return true;
}

static bool read_option(int option, struct options *options)
{
	long long number;

	switch (option) {
	case 'q':
		options->extent = EXTENT_QUICK;
		return true;
	case 'k':
		options->extent = EXTENT_SMOKE;
		return true;
	case 'j':
		options->json = optarg;
		return true;
	case 'c':
		if (!read_number(optarg, &number) || number >= CPU_SETSIZE)
			return false;
		options->cpu = (int)number;
		return true;
	case 'r':
		if (!read_number(optarg, &number) || number < 1 || number > SERIES_ROUNDS_MAX)
			return false;
		options->rounds = (unsigned)number;
		return true;
	case 's':
		if (!read_number(optarg, &number))
			return false;
		options->seed = (uint64_t)number;
		return true;
	default:
		return false;
	}
}

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"quick", no_argument, NULL, 'q'},
		{"smoke", no_argument, NULL, 'k'},
		{"cpu", required_argument, NULL, 'c'},
		{"rounds", required_argument, NULL, 'r'},
		{"seed", required_argument, NULL, 's'},
		{"json", required_argument, NULL, 'j'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!read_option(option, options))
			return false;
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct failure failure;
	int error;

	if (!bench)
		return 1;
	bench->options = (struct options){.cpu = -1, .seed = 1};
	if (!read_options(argc, argv, &bench->options)) {
		fprintf(stderr,
			"usage: bench [--quick | --smoke] [--rounds N] [--cpu N] [--seed N] "
			"[--json FILE]\n");
		free(bench);
		return 2;
	}
	bench->amount = &amounts[bench->options.extent];
	bench->since = clock_now();
	bench->arena = arena_new();
	bench->results.arena = bench->arena;
	error = run(bench, &failure);
	if (error)
		fprintf(stderr, "bench: %s\n", failure.message);
	stand_free(bench->field.stand);
	arena_free(bench->arena);
	free(bench);
	return error ? 1 : 0;
}
