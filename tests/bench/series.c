/* SPDX-License-Identifier: BSD-2-Clause */
#include "series.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Before each timed run, so that caches hold what they will. */
#define WARM_UP_MIN (1u << 12)
#define WARM_UP_MAX (1u << 16)

/* One contender on the packets of one size. */
struct slot {
	const struct contender *contender;
	size_t size; /* index */
	const char *why_not;
	uint64_t counted_before;
	uint64_t sent;
	uint32_t nanoseconds[SERIES_ROUNDS_MAX];
	const struct slot *floor;
};

struct running {
	const struct series *series;
	const struct traffic *traffic;
	struct generator_packet *packets[SERIES_SIZES_MAX];
	struct slot slots[SERIES_CONTENDERS_MAX];
	size_t slot_count;
};

/* ---- who takes part ---- */

static bool is_floor(const struct contender *contender, const struct contender *of)
{
	return contender->program == contender_empty_program && !contender->prefixes &&
	       !contender->place == !of->place;
}

static void add_slots(struct running *running, size_t size)
{
	const struct series *series = running->series;
	const size_t first = running->slot_count;

	for (size_t i = 0; i < series->contender_count; i++) {
		const struct contender *contender = &series->contenders[i];
		struct slot *slot = &running->slots[running->slot_count];

		if (contender->prefixes && contender->prefixes != series->sizes[size])
			continue;
		if (running->traffic->direction == DIRECTION_OUT && !contender->egress)
			continue;
		if (running->slot_count++ == SERIES_CONTENDERS_MAX)
			abort();
		*slot = (struct slot){.contender = contender, .size = size};
		if (contender->refuses)
			slot->why_not = contender->refuses(contender->self, running->traffic);
	}
	for (size_t i = first; i < running->slot_count; i++)
		for (size_t j = first; j < running->slot_count; j++)
			if (is_floor(running->slots[j].contender, running->slots[i].contender))
				running->slots[i].floor = &running->slots[j];
}

static void set_packets(const struct running *running, size_t size)
{
	stand_set_packets(running->series->stand, running->traffic->family, running->packets[size],
			  running->traffic->packets);
}

static int fill_packets(struct running *running, size_t size)
{
	const struct series *series = running->series;

	running->packets[size] =
		malloc(running->traffic->packets * sizeof(*running->packets[size]));
	if (!running->packets[size])
		return -ENOMEM;
	traffic_fill(running->traffic, series->population, series->seed, series->sizes[size],
		     running->packets[size]);
	if (series->shuffled)
		traffic_shuffle(running->packets[size], running->traffic->packets, series->seed);
	return 0;
}

/* ---- running ---- */

static int run_slot(const struct running *running, struct slot *slot, uint32_t repeat,
		    struct failure *failure, uint32_t *ret_nanoseconds)
{
	const struct contender *contender = slot->contender;
	const struct stand_run run = {
		.direction = running->traffic->direction,
		.program_fd = contender->program(contender->self, running->traffic->direction),
		.place = contender->place,
		.repeat = repeat,
	};

	int error = stand_run(running->series->stand, &run, failure, ret_nanoseconds);

	slot->sent += repeat;
	if (error)
		return fail_prefix(failure, -error, "%s with %zu prefixes", contender->name,
				   running->series->sizes[slot->size]);
	return 0;
}

static uint32_t warm_up_of(const struct running *running)
{
	const uint32_t packets = running->traffic->packets;

	if (packets < WARM_UP_MIN)
		return WARM_UP_MIN;
	return packets < WARM_UP_MAX ? packets : WARM_UP_MAX;
}

static int prepare(const struct running *running, struct slot *slot, struct failure *failure)
{
	const struct contender *contender = slot->contender;
	int error = 0;

	if (slot->why_not)
		return 0;
	if (contender->prepare)
		error = contender->prepare(contender->self, running->series->stand,
					   running->traffic, running->packets[slot->size], failure);
	if (!error && contender->count)
		error = contender->count(contender->self, running->traffic, failure,
					 &slot->counted_before);
	return error;
}

static int run_round(struct running *running, unsigned round, struct failure *failure)
{
	size_t size = SERIES_SIZES_MAX;
	uint32_t nanoseconds;
	int error = 0;

	for (size_t i = 0; !error && i < running->slot_count; i++) {
		struct slot *slot = &running->slots[i];
		const struct contender *contender = slot->contender;

		if (slot->why_not)
			continue;
		if (slot->size != size)
			set_packets(running, size = slot->size);
		/* A live run takes long to begin, and is warm after its first packets. */
		if (!contender->place)
			error = run_slot(running, slot, warm_up_of(running), failure, &nanoseconds);
		if (!error)
			error = run_slot(running, slot,
					 contender->place ? running->series->live_repeat
							  : running->series->repeat,
					 failure, &slot->nanoseconds[round]);
	}
	return error;
}

/* ---- what came of it ---- */

/* One enforcer may stand in several slots: by itself and with a stack, or beside every size. */
static uint64_t sent_to(const struct running *running, const void *self)
{
	uint64_t sent = 0;

	for (size_t i = 0; i < running->slot_count; i++)
		if (running->slots[i].contender->self == self)
			sent += running->slots[i].sent;
	return sent;
}

static int check(const struct running *running, const struct slot *slot, struct failure *failure)
{
	const struct contender *contender = slot->contender;
	const struct traffic *traffic = running->traffic;
	uint64_t counted, sent;
	int error;

	if (slot->why_not || !contender->count)
		return 0;
	error = contender->count(contender->self, traffic, failure, &counted);
	if (error)
		return error;
	counted -= slot->counted_before;
	sent = sent_to(running, contender->self);
	if (counted == sent)
		return 0;
	return fail(failure, EPROTO,
		    "%s with %zu prefixes, %s, IPv%u, %u different: of %" PRIu64
		    " packets that must be %s, %" PRIu64 " were",
		    contender->name, running->series->sizes[slot->size], traffic->name,
		    traffic->family, traffic->packets, sent,
		    traffic_passes(traffic) ? "passed" : "dropped", counted);
}

static int compare_numbers(const void *a, const void *b)
{
	int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

	return (left > right) - (left < right);
}

static int32_t median(int32_t *numbers, unsigned count)
{
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	return numbers[count / 2];
}

static void add_result(const struct running *running, const struct slot *slot,
		       struct results *results)
{
	const unsigned rounds = running->series->rounds;
	struct result *result = arena_push(results->arena, &results->list);
	int32_t totals[SERIES_ROUNDS_MAX], nets[SERIES_ROUNDS_MAX];

	*result = (struct result){
		.contender = slot->contender->name,
		.way = slot->contender->place ? WAY_STACK : WAY_PROGRAM,
		.prefixes = running->series->sizes[slot->size],
		.traffic = *running->traffic,
		.why_not = slot->why_not,
	};
	for (unsigned round = 0; round < rounds; round++) {
		totals[round] = (int32_t)slot->nanoseconds[round];
		nets[round] = totals[round];
		if (slot->floor)
			nets[round] -= (int32_t)slot->floor->nanoseconds[round];
	}
	result->total = (uint32_t)median(totals, rounds);
	result->net = median(nets, rounds);
}

int series_measure(const struct series *series, const struct traffic *traffic,
		   struct results *results, struct failure *failure)
{
	struct running *running = calloc(1, sizeof(*running));
	int error = 0;

	if (!running)
		return fail(failure, ENOMEM, "out of memory");
	running->series = series;
	running->traffic = traffic;
	for (size_t size = 0; !error && size < series->size_count; size++) {
		add_slots(running, size);
		error = fill_packets(running, size);
	}
	for (size_t i = 0; !error && i < running->slot_count; i++) {
		set_packets(running, running->slots[i].size);
		error = prepare(running, &running->slots[i], failure);
	}
	for (unsigned round = 0; !error && round < series->rounds; round++)
		error = run_round(running, round, failure);
	for (size_t i = 0; !error && i < running->slot_count; i++) {
		error = check(running, &running->slots[i], failure);
		if (!error)
			add_result(running, &running->slots[i], results);
	}
	for (size_t size = 0; size < series->size_count; size++)
		free(running->packets[size]);
	free(running);
	return error;
}
