/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data plane's benchmark: what one packet costs in each encoding of the tables, net of an empty
 * program in the same round.
 *
 *     bench [--quick] [--cpu N] [--seed N]
 *
 * The table goes to standard output as Markdown, progress to standard error. A verdict that is not
 * the expected one ends the run: an empty table is very fast.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "population.h"
#include "target.h"

enum {
	SIZES = 4,
	LOOKUPS = 2,
	TARGETS = SIZES * LOOKUPS,
	ROUNDS_MAX = 15,
	ROUNDS = 15,
	ROUNDS_QUICK = 5,
	REPEAT = 1 << 18,
	REPEAT_QUICK = 1 << 16,
	WARM_UP_MIN = 1 << 12,
};

static const size_t sizes[SIZES] = {50, 1000, 10000, 100000};

struct options {
	bool quick;
	int cpu; /* -1: the last */
	uint64_t seed;
};

/* targets: those of one size side by side, flat before maps. */
struct bench {
	struct options options;
	struct arena *arena;
	struct population *population;
	struct stand *stand;
	struct target targets[TARGETS];
	uint32_t compile_ms[SIZES];
	struct generator_packet *packets[SIZES];
	unsigned rounds;
	uint32_t repeat;
	int cpu;
};

struct cell {
	int32_t net[ROUNDS_MAX];
};

/* ------------------------------------------------------------ setting up ------------------------
 */

static int pin(struct bench *bench, struct failure *failure)
{
	cpu_set_t all, one;
	int last = -1;

	if (sched_getaffinity(0, sizeof(all), &all))
		return fail(failure, errno, "sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			last = cpu;
	bench->cpu = bench->options.cpu >= 0 ? bench->options.cpu : last;
	CPU_ZERO(&one);
	CPU_SET((size_t)bench->cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return fail(failure, errno, "can't run on CPU %d: %s", bench->cpu, strerror(errno));
	return 0;
}

static uint32_t milliseconds_since(const struct timespec *before)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((now.tv_sec - before->tv_sec) * 1000 +
			  (now.tv_nsec - before->tv_nsec) / 1000000);
}

/* One size: compiled once, loaded in both encodings. */
static int load_size(struct bench *bench, unsigned size, struct failure *failure)
{
	struct host_policy *policy = bench_policy(bench->arena, bench->population, sizes[size]);
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	cleanup(tables_freep) struct tables *tables = NULL;
	struct timespec before;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &before);
	error = compile(policy, diagnostics, &tables);
	if (error) {
		diagnostics_print(diagnostics, stderr, false);
		return fail(failure, -error, "the policy of %zu prefixes does not compile",
			    sizes[size]);
	}
	bench->compile_ms[size] = milliseconds_since(&before);
	for (unsigned i = 0; !error && i < LOOKUPS; i++) {
		struct target *target = &bench->targets[size * LOOKUPS + i];

		target->prefixes = sizes[size];
		target->lookup = i ? LOOKUP_MAPS : LOOKUP_FLAT;
		error = target_load(target, policy, tables,
				    target == bench->targets ? NULL : bench->targets, failure);
	}
	return error;
}

static int set_up(struct bench *bench, struct failure *failure)
{
	int error = pin(bench, failure);

	bench->rounds = bench->options.quick ? ROUNDS_QUICK : ROUNDS;
	bench->repeat = bench->options.quick ? REPEAT_QUICK : REPEAT;
	bench->arena = arena_new();
	bench->population = population_new(bench->arena, bench->options.seed, sizes[SIZES - 1]);
	for (unsigned size = 0; size < SIZES; size++)
		bench->packets[size] = arena_alloc(
			bench->arena, GENERATOR_PACKETS_MAX * sizeof(*bench->packets[size]));
	if (!error)
		error = stand_new(bench_own_address, failure, &bench->stand);
	for (unsigned size = 0; !error && size < SIZES; size++) {
		fprintf(stderr, "loading %zu prefixes of each family\n", sizes[size]);
		error = load_size(bench, size, failure);
	}
	return error;
}

static void tear_down(struct bench *bench)
{
	for (unsigned i = 0; i < TARGETS; i++)
		target_unload(&bench->targets[i]);
	stand_free(bench->stand);
	arena_free(bench->arena);
}

/* ------------------------------------------------------------ measuring -------------------------
 */

/* The own packets that open the flows of this traffic, and those that make them established. */
static int open_flows(struct bench *bench, const struct traffic *traffic, uint8_t family,
		      struct failure *failure)
{
	static const enum traffic_kind kinds[] = {TRAFFIC_OPENING, TRAFFIC_FLOW};
	int error = 0;

	for (unsigned i = 0; !error && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct traffic own = {
			.name = "opening flows",
			.kind = kinds[i],
			.direction = DIRECTION_OUT,
			.packets = traffic->packets,
			.reason = i ? REASON_FLOW : REASON_RULE,
		};

		traffic_fill(&own, bench->population, bench->options.seed, family, sizes[0],
			     bench->packets[0]);
		stand_set_packets(bench->stand, family, bench->packets[0], own.packets);
		error = target_check(&bench->targets[0], bench->stand, &own, failure);
	}
	return error;
}

/*
 * The flow table as it is after a long life: its entries lie in the order in which they were given
 * back, not side by side.
 */
static int age_flows(struct bench *bench, struct failure *failure)
{
	const struct traffic all = {.packets = BENCH_FLOWS};
	int error = open_flows(bench, &all, 4, failure);

	target_forget_flows(&bench->targets[0]);
	return error;
}

/* A run that is not timed, so that caches hold what they will, then the timed one. */
static int time_program(struct bench *bench, enum direction direction, int fd, uint32_t packets,
			struct failure *failure, uint32_t *ret_nanoseconds)
{
	uint32_t warm_up = packets > WARM_UP_MIN ? packets : WARM_UP_MIN;
	uint32_t repeat = packets > bench->repeat ? packets : bench->repeat;
	enum verdict verdict;
	int error =
		stand_run(bench->stand, direction, fd, warm_up, failure, &verdict, ret_nanoseconds);

	if (error)
		return error;
	return stand_run(bench->stand, direction, fd, repeat, failure, &verdict, ret_nanoseconds);
}

/* Every target once, with the floor beside it on the same packets. */
static int measure_round(struct bench *bench, const struct traffic *traffic, uint8_t family,
			 unsigned round, struct cell *cells, struct cell *floor,
			 struct failure *failure)
{
	int empty = stand_empty_fd(bench->stand, traffic->direction), error = 0;
	uint32_t nothing = 0, nanoseconds = 0;

	for (unsigned i = 0; !error && i < TARGETS; i++) {
		const struct target *target = &bench->targets[i];

		if (target->lookup == LOOKUP_FLAT) {
			stand_set_packets(bench->stand, family, bench->packets[i / LOOKUPS],
					  traffic->packets);
			error = time_program(bench, traffic->direction, empty, traffic->packets,
					     failure, &nothing);
		}
		if (!error)
			error = time_program(bench, traffic->direction,
					     target_fd(target, traffic->direction),
					     traffic->packets, failure, &nanoseconds);
		cells[i].net[round] = (int32_t)(nanoseconds - nothing);
		floor->net[round] = (int32_t)nothing;
	}
	return error;
}

static int measure(struct bench *bench, const struct traffic *traffic, uint8_t family,
		   struct cell *cells, struct cell *floor, struct failure *failure)
{
	int error = 0;

	if (traffic->kind == TRAFFIC_FLOW)
		error = open_flows(bench, traffic, family, failure);
	for (unsigned i = 0; !error && i < TARGETS; i++) {
		unsigned size = i / LOOKUPS;

		if (i % LOOKUPS == 0)
			traffic_fill(traffic, bench->population, bench->options.seed, family,
				     sizes[size], bench->packets[size]);
		stand_set_packets(bench->stand, family, bench->packets[size], traffic->packets);
		error = target_check(&bench->targets[i], bench->stand, traffic, failure);
	}
	for (unsigned round = 0; !error && round < bench->rounds; round++)
		error = measure_round(bench, traffic, family, round, cells, floor, failure);
	if (traffic->kind == TRAFFIC_FLOW)
		target_forget_flows(&bench->targets[0]);
	return error;
}

/* ------------------------------------------------------------ printing --------------------------
 */

static int compare_numbers(const void *a, const void *b)
{
	int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

	return (left > right) - (left < right);
}

static int32_t median(const struct bench *bench, const struct cell *cell)
{
	struct cell sorted = *cell;

	qsort(sorted.net, bench->rounds, sizeof(sorted.net[0]), compare_numbers);
	return sorted.net[bench->rounds / 2];
}

static void print_cpu(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
			line[strcspn(line, "\n")] = '\0';
			printf("%s", strchr(line, ':') + 2);
			break;
		}
	if (file)
		fclose(file);
}

static void print_head(const struct bench *bench)
{
	struct utsname kernel;
	char date[32];
	time_t now = time(NULL);

	uname(&kernel);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	printf("%s, Linux %s, ", date, kernel.release);
	print_cpu();
	printf(", CPU %d.\n"
	       "Nanoseconds a packet, net of an empty program behind the same generator in the "
	       "same round;\nmedians of %u rounds of %u packets or more, seed %" PRIu64
	       ". On a machine "
	       "that is shared,\nonly ratios within this table mean anything.\n\n",
	       bench->cpu, bench->rounds, bench->repeat, (uint64_t)bench->options.seed);
	printf("| IP | packet | different | floor | flat 50 | 1k | 10k | 100k | maps 50 | 1k | 10k "
	       "| 100k | maps:flat 50 | 1k | 10k | 100k | flat 100k:50 |\n"
	       "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
}

/* Of what one nanosecond is a large part of there is no ratio to speak of. */
static void print_ratio(int32_t above, int32_t below)
{
	if (below > 0)
		printf(" %.1f |", (double)above / below);
	else
		printf(" – |");
}

static void print_row(const struct bench *bench, const struct traffic *traffic, uint8_t family,
		      const struct cell *cells, const struct cell *floor)
{
	int32_t net[LOOKUPS][SIZES];

	printf("| %u | %s | %u | %d |", family, traffic->name, traffic->packets,
	       median(bench, floor));
	for (unsigned lookup = 0; lookup < LOOKUPS; lookup++)
		for (unsigned size = 0; size < SIZES; size++) {
			net[lookup][size] = median(bench, &cells[size * LOOKUPS + lookup]);
			printf(" %d |", net[lookup][size]);
		}
	for (unsigned size = 0; size < SIZES; size++)
		print_ratio(net[1][size], net[0][size]);
	print_ratio(net[0][SIZES - 1], net[0][0]);
	printf("\n");
	fflush(stdout);
}

static void print_loads(const struct bench *bench)
{
	printf("\nPolicies of 50 in rules and 10 out rules, with so many prefixes of each "
	       "family:\n");
	for (unsigned size = 0; size < SIZES; size++) {
		const struct target *flat = &bench->targets[size * LOOKUPS];

		printf("- %zu: compiled in %u ms, loaded in %u ms (flat, maps included) or %u ms "
		       "(maps); flat arrays %" PRIu64 " KiB\n",
		       sizes[size], bench->compile_ms[size], flat->load_ms, flat[1].load_ms,
		       flat->table_bytes >> 10);
	}
}

/* ------------------------------------------------------------ main ------------------------------
 */

static int run(struct bench *bench, struct failure *failure)
{
	static const uint8_t families[] = {4, 6};
	int error = set_up(bench, failure);

	if (!error)
		error = age_flows(bench, failure);
	if (error)
		return error;
	print_head(bench);
	for (unsigned f = 0; f < sizeof(families); f++)
		for (size_t i = 0; !error && i < traffic_count; i++) {
			struct cell cells[TARGETS] = {0}, floor = {0};

			if (bench->options.quick && !traffics[i].quick)
				continue;
			error = measure(bench, &traffics[i], families[f], cells, &floor, failure);
			if (!error)
				print_row(bench, &traffics[i], families[f], cells, &floor);
		}
	if (error)
		return error;
	print_loads(bench);
	for (unsigned i = 0; i < TARGETS; i++)
		if (!target_agreed(&bench->targets[i]))
			return fail(failure, EPROTO,
				    "flat and maps disagreed at %zu prefixes: the figures are of "
				    "no use",
				    bench->targets[i].prefixes);
	return 0;
}

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

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"quick", no_argument, NULL, 'q'},
		{"cpu", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{0},
	};
	long long number;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (option) {
		case 'q':
			options->quick = true;
			break;
		case 'c':
			if (!read_number(optarg, &number) || number >= CPU_SETSIZE)
				return false;
			options->cpu = (int)number;
			break;
		case 's':
			if (!read_number(optarg, &number))
				return false;
			options->seed = (uint64_t)number;
			break;
		default:
			return false;
		}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct bench bench = {.options = {.cpu = -1, .seed = 1}};
	struct failure failure;
	int error;

	if (!read_options(argc, argv, &bench.options)) {
		fprintf(stderr, "usage: bench [--quick] [--cpu N] [--seed N]\n");
		return 2;
	}
	error = run(&bench, &failure);
	if (error)
		fprintf(stderr, "bench: %s\n", failure.message);
	tear_down(&bench);
	return error ? 1 : 0;
}
