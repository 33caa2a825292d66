/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs on several CPUs at once, over one flow table and its cache. Two generations are in
 * force side by side: the first allows the flows, the second does not, and own packets under either
 * write the flows anew all the time. A reader under the first must find every flow, however often
 * lines of the cache are lost; a reader under the second must never pass one, whatever the first
 * has just written.
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum {
	FLOWS = 48, /* in 64 lines, so that some share one */
	THREADS = 4,
	FRAME_MAX = 128,
	/* A test run of XDP begins and ends with a wait for all CPUs: few of them, and long ones.
	 */
	ARRIVING_ROUNDS = 12,
	ARRIVING_REPEATS = 50000,
	LEAVING_REPEATS = 4,
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t length;
};

struct race {
	struct bench *allows;
	struct bench *blocks;
	struct frame frames[DIRECTION_COUNT][FLOWS];
	int cpus[THREADS];
	unsigned arriving; /* threads that are not through yet */
};

struct runner {
	struct race *race;
	struct bench *bench;
	enum direction direction;
	unsigned number;
	uint64_t packets;
	unsigned errors;
};

static void build_frames(struct race *race)
{
	static const char *const local[] = {"192.0.2.10", "2001:db8:1::10"};
	static const char *const remote[] = {"192.0.2.20", "2001:db8:1::20"};

	for (int d = 0; d < DIRECTION_COUNT; d++)
		for (int i = 0; i < FLOWS; i++) {
			const bool in = d == DIRECTION_IN;
			enum direction direction;
			const uint8_t *frame;
			char line[512];

			snprintf(line, sizeof(line),
				 "{\"direction\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\","
				 "\"source_port\":%d,\"destination_port\":%d,\"l4\":\"tcp\","
				 "\"tcp_flags\":\"ACK\"}",
				 in ? "in" : "out", in ? remote[i % 2] : local[i % 2],
				 in ? local[i % 2] : remote[i % 2], in ? 5672 : 40000 + i,
				 in ? 40000 + i : 5672);
			frame = bench_frame(line, &direction, &race->frames[d][i].length);
			assert_true(race->frames[d][i].length <= FRAME_MAX);
			memcpy(race->frames[d][i].bytes, frame, race->frames[d][i].length);
		}
}

static bool run_frame(struct bench *bench, enum direction direction, const struct frame *frame,
		      int repeat, bool *ret_passed)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = (__u32)frame->length, .repeat = repeat);
	int fd = direction == DIRECTION_IN ? loaded_xdp_fd(bench->loaded)
					   : loaded_egress_fd(bench->loaded);

	if (bpf_prog_test_run_opts(fd, &options))
		return false;
	*ret_passed = direction == DIRECTION_IN ? options.retval == 2 /* XDP_PASS */
						: (int)options.retval == -1 /* TC_ACT_UNSPEC */;
	return true;
}

static void tick(struct race *race)
{
	uint64_t now = loaded_state(race->allows->loaded)->now + 1;

	__atomic_store_n(&loaded_state(race->allows->loaded)->now, now, __ATOMIC_SEQ_CST);
	__atomic_store_n(&loaded_state(race->blocks->loaded)->now, now, __ATOMIC_SEQ_CST);
}

static void run_round(struct runner *runner, int repeat, unsigned *state)
{
	struct race *race = runner->race;
	const struct frame *frame =
		&race->frames[runner->direction][(unsigned)rand_r(state) % FLOWS];
	bool passed;

	if (!run_frame(runner->bench, runner->direction, frame, repeat, &passed) ||
	    passed != (runner->bench == race->allows))
		runner->errors++;
	runner->packets += (uint64_t)repeat;
}

static void *run(void *data)
{
	struct runner *runner = data;
	struct race *race = runner->race;
	unsigned state = runner->number + 1;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET((size_t)race->cpus[runner->number], &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	if (runner->direction == DIRECTION_IN) {
		for (int i = 0; i < ARRIVING_ROUNDS; i++)
			run_round(runner, ARRIVING_REPEATS, &state);
		__atomic_fetch_sub(&race->arriving, 1, __ATOMIC_SEQ_CST);
		return NULL;
	}
	while (__atomic_load_n(&race->arriving, __ATOMIC_SEQ_CST)) {
		run_round(runner, LEAVING_REPEATS, &state);
		if (runner->number == 0)
			tick(race);
	}
	return NULL;
}

/* Those that the process may run on, in turn. */
static void choose_cpus(struct race *race)
{
	unsigned found = 0;
	cpu_set_t all;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (found < THREADS)
		for (int cpu = 0; cpu < CPU_SETSIZE && found < THREADS; cpu++)
			if (CPU_ISSET(cpu, &all))
				race->cpus[found++] = cpu;
}

static uint64_t count(struct bench *bench, const char *name, uint32_t entries)
{
	int fd = bpf_object__find_map_fd_by_name(loaded_object(bench->loaded), name);
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc((size_t)cpus, sizeof(*values));
	uint64_t packets = 0;

	assert_true(fd >= 0);
	for (uint32_t key = 0; key < entries; key++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &key, values), 0);
		for (int cpu = 0; cpu < cpus; cpu++)
			packets += values[cpu].packets;
	}
	free(values);
	return packets;
}

static void open_flows(struct race *race)
{
	for (int i = 0; i < FLOWS; i++) {
		struct frame opener = race->frames[DIRECTION_OUT][i];
		bool passed = false;

		/* The ACK becomes a SYN. */
		opener.bytes[14 + (i % 2 ? 40 : 20) + 13] = 0x02;
		assert_true(run_frame(race->allows, DIRECTION_OUT, &opener, 1, &passed));
		assert_true(passed);
		assert_true(run_frame(race->allows, DIRECTION_OUT, &race->frames[DIRECTION_OUT][i],
				      1, &passed));
		assert_true(passed);
	}
}

/* Every packet is counted: also those of a round but the last, whose verdicts the kernel does not
 * tell. */
static void check_counters(struct race *race, const struct runner *runners)
{
	assert_int_equal(count(race->allows, "receive_reasons", REASON_COUNTERS), 0);
	assert_int_equal(count(race->allows, "transmit_reasons", REASON_COUNTERS), 0);
	assert_int_equal(count(race->blocks, "receive_rules", RULE_SLOTS_MAX), 0);
	assert_int_equal(count(race->blocks, "transmit_rules", RULE_SLOTS_MAX), 0);
	assert_int_equal(count(race->blocks, "transmit_reasons", REASON_COUNTERS),
			 runners[1].packets);
	assert_int_equal(count(race->blocks, "receive_reasons", REASON_COUNTERS),
			 runners[3].packets);
}

static void two_generations_at_once(void **data)
{
	struct race *race = calloc(1, sizeof(*race));
	pthread_t threads[THREADS];
	struct runner runners[THREADS];

	(void)data;
	assert_non_null(race);
	choose_cpus(race);
	race->allows = bench_new_flows(64);
	race->blocks = bench_reload(race->allows, "cyara/voice-4");
	build_frames(race);
	open_flows(race);
	race->arriving = THREADS / 2;
	for (unsigned i = 0; i < THREADS; i++) {
		/* Egress of one beside ingress of the other. */
		runners[i] = (struct runner){
			.race = race,
			.bench = i % 2 ? race->blocks : race->allows,
			.direction = i == 0 || i == 1 ? DIRECTION_OUT : DIRECTION_IN,
			.number = i,
		};
		assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(runners[i].errors, 0);
	}
	check_counters(race, runners);
	bench_free(race->blocks);
	bench_free(race->allows);
	free(race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_generations_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
