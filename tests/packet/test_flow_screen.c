/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The screens in front of the flow table (bpf/flow_screen.h), in the programs: whatever way a flow
 * came into the table, its packets get past them, and what belongs to none takes the short way.
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define FIRST_PORT 40000
#define BUS_PORT   5672
#define FULL	   FLOWS_MIN /* flows that the table has room for */

/* Two hundredths of a second each: more than the sweeps that it waits for ever take. */
#define SWEEP_WAITS   3000
#define SWEEP_WAIT_US 20000

enum kind { OPENS, ANSWERS, STRAYS };

/* Without what is counted, which takes long to read. */
static struct outcome run_frame(struct bench *bench, enum direction direction, const uint8_t *frame,
				size_t length, uint64_t at_ms)
{
	struct state *state = loaded_state(bench->loaded);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length);

	state->now = at_ms;
	assert_int_equal(bpf_prog_test_run_opts(direction == DIRECTION_IN
							? loaded_xdp_fd(bench->loaded)
							: loaded_egress_fd(bench->loaded),
						&options),
			 0);
	return state->outcome;
}

/* Flow number i, by turns of IPv4 and IPv6. strays: of another port of the same peer. */
static struct outcome run(struct bench *bench, enum kind kind, unsigned i, uint64_t at_ms)
{
	static const char *const edge[] = {"192.0.2.10", "2001:db8:1::10"};
	static const char *const bus[] = {"192.0.2.20", "2001:db8:1::20"};
	const unsigned remote_port = kind == STRAYS ? BUS_PORT + 1 : BUS_PORT;
	const bool out = kind == OPENS;
	enum direction direction;
	const uint8_t *frame;
	size_t length;
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"direction\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\","
		 "\"source_port\":%u,\"destination_port\":%u,\"l4\":\"tcp\",\"tcp_flags\":\"%s\"}",
		 out ? "out" : "in", out ? edge[i % 2] : bus[i % 2], out ? bus[i % 2] : edge[i % 2],
		 out ? FIRST_PORT + i : remote_port, out ? remote_port : FIRST_PORT + i,
		 out ? "SYN" : "ACK");
	frame = bench_frame(line, &direction, &length);
	return run_frame(bench, direction, frame, length, at_ms);
}

static void open_flows(struct bench *bench, unsigned count, uint64_t at_ms)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(run(bench, OPENS, i, at_ms).reason, REASON_RULE);
}

static void check_answers(struct bench *bench, unsigned count, uint64_t at_ms)
{
	for (unsigned i = 0; i < count; i++) {
		struct outcome outcome = run(bench, ANSWERS, i, at_ms);

		if (outcome.reason != REASON_FLOW)
			fail_msg("flow %u of %u: reason %u", i, count, outcome.reason);
	}
}

/* How many flows a screen counts. */
static unsigned counted(struct bench *bench, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(loaded_object(bench->loaded), name);
	const size_t size = bpf_map__value_size(map);
	const struct flow_screen *screen =
		mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	const size_t words = (size - sizeof(*screen)) / (8 + FLOW_SCREEN_WORD * 4);
	const __u32 *counts;
	unsigned sum = 0;

	assert_ptr_not_equal(screen, MAP_FAILED);
	counts = (const __u32 *)&screen->owners[words];
	for (size_t i = 0; i < words * FLOW_SCREEN_WORD; i++)
		sum += counts[i];
	munmap((void *)screen, size);
	return sum;
}

static void check_counts(struct bench *bench, unsigned flows)
{
	assert_int_equal(counted(bench, "flow_ports"), flows);
	assert_int_equal(counted(bench, "flow_keys"), flows);
}

static void a_full_table_is_found_whole(void **state)
{
	struct bench *bench = bench_new_flows(FULL);
	unsigned long_ways = 0;

	(void)state;
	open_flows(bench, FULL, 0);
	check_answers(bench, FULL, 1);
	for (unsigned i = 0; i < FULL; i++) {
		struct outcome outcome = run(bench, STRAYS, i, 1);

		assert_int_equal(outcome.reason, REASON_NO_FLOW);
		long_ways += outcome.way == LONG_WAY;
	}
	/* One in sixteen is to be expected. */
	assert_true(long_ways <= FULL / 4);
	/* What finds no room leaves no trace. */
	assert_int_equal(run(bench, OPENS, FULL, 1).reason, REASON_FLOW_TABLE_FULL);
	check_counts(bench, FULL);
	bench_free(bench);
}

static void the_next_generation_finds_them(void **state)
{
	struct bench *before = bench_new_flows(FULL), *after;

	(void)state;
	open_flows(before, FULL, 0);
	after = bench_reload(before, "cyara/voice-6");
	check_answers(after, FULL, 1);
	check_counts(after, FULL);
	bench_free(after);
	bench_free(before);
}

/* An expired flow's entry is taken over, and counts once. */
static void a_flow_is_opened_anew(void **state)
{
	struct bench *bench = bench_new_flows(FULL);
	const uint64_t later = bench->policy->timeout_ms[FLOW_SYN] + 1;

	(void)state;
	open_flows(bench, FULL / 2, 0);
	assert_int_equal(run(bench, ANSWERS, 0, later).reason, REASON_NO_FLOW);
	open_flows(bench, FULL / 2, later);
	check_answers(bench, FULL / 2, later);
	check_counts(bench, FULL / 2);
	bench_free(bench);
}

static uint64_t sweeps(struct bench *bench)
{
	int fd = bpf_object__find_map_fd_by_name(loaded_object(bench->loaded), "sweep_timer");
	/* Behind the timer, which reads as nothing. */
	struct {
		__u64 timer[2];
		__u64 sweeps;
		__u64 removed;
	} value;
	const __u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &value), 0);
	return value.sweeps;
}

/* By the sweep's clock, flows of the virtual clock have expired long ago. */
static void what_is_swept_is_screened_again(void **state)
{
	struct bench *bench = bench_new_flows(FULL);
	LIBBPF_OPTS(bpf_test_run_opts, options);

	(void)state;
	open_flows(bench, FULL, 0);
	assert_int_equal(bpf_prog_test_run_opts(loaded_sweep_fd(bench->loaded), &options), 0);
	/* One removes the flows, two more turn both halves of the screens. */
	for (int i = 0; sweeps(bench) < 3 && i < SWEEP_WAITS; i++)
		usleep(SWEEP_WAIT_US);
	assert_true(sweeps(bench) >= 3);
	check_counts(bench, 0);
	for (unsigned i = 0; i < FULL; i++) {
		struct outcome outcome = run(bench, ANSWERS, i, 1);

		assert_int_equal(outcome.reason, REASON_NO_FLOW);
		assert_int_equal(outcome.way, 0);
	}
	open_flows(bench, FULL, 1);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_table_is_found_whole),
		cmocka_unit_test(the_next_generation_finds_them),
		cmocka_unit_test(a_flow_is_opened_anew),
		cmocka_unit_test(what_is_swept_is_screened_again),
	};

	return cmocka_run_group_tests_name("flow_screen", tests, NULL, NULL);
}
