/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow cache's lines and its screens (bpf/flow_line.h, bpf/flow_screen.h), compiled for this
 * machine and written by many threads at once: no reader may take an answer that the flow table had
 * left behind when it began, no clock may be lost, and no slot with a flow may look as if it had
 * none.
 */
#include <arpa/inet.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi.h"

/* What the programs' headers expect of the BPF side. */
#define bpf_htons htons
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"

/* As in bpf/parse.h. */
struct conversation {
	__be32 local[4];
	__be32 remote[4];
	__u16 local_port;
	__u16 remote_port;
	__u16 identifier;
	__u8 family;
	__u8 protocol;
};

#include "../../bpf/tuple.h"

#include "../../bpf/flow_line.h"
#include "../../bpf/flow_screen.h"

enum {
	FLOWS = 9, /* of one line, so that they turn each other out */
	WRITERS = 3,
	READERS = 2,
	OPERATIONS = 150000,	  /* of a writer, at least */
	OPERATIONS_MAX = 1000000, /* however slow the readers are */
	ANSWERS = 20000,	  /* to readers, at least */
	VERSION_BITS = 8,	  /* of a rule slot; the flow's number is in the others */
	VERSIONS = 1 << VERSION_BITS,
	GENERATION = 7,
};

/*
 * An entry of the flow table. Versions count its changes: an odd one is there, an even one is not.
 * A reader may be given no version below the one that was done when it began.
 */
struct entry {
	pthread_mutex_t lock; /* of the table's bucket */
	struct flow flow;
	uint64_t version;
	uint64_t done;
	uint64_t seen; /* the latest clock of an own packet that was through, since it was opened */
};

struct table {
	uint8_t family;
	union {
		struct flow_line_ipv4 ipv4;
		struct flow_line_ipv6 ipv6;
	} line __attribute__((aligned(64)));
	struct entry entries[FLOWS];
	struct conversation conversations[FLOWS];
	uint64_t clock;
	bool stop;
	uint64_t answers;
	uint64_t wrong;
};

/* The one under test: flow_rescue() has no room for it. */
static struct table table;

static uint64_t load(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void raise_to(uint64_t *value, uint64_t least)
{
	uint64_t now = load(value);

	while (now < least && !__atomic_compare_exchange_n(value, &now, least, false,
							   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static __always_inline void flow_rescue(struct flow_key *key, __u64 seen)
{
	struct entry *entry = &table.entries[ntohs(key->local_port) % FLOWS];

	raise_to((uint64_t *)&entry->flow.last_seen, seen);
}

static struct flow_stamp stamp_now(void)
{
	return (struct flow_stamp){.generation = GENERATION, .era = 0};
}

/* ---- what egress does, on this table ---- */

static void take(struct flow_hold *hold)
{
	*hold = flow_sequence_take(&table.line.ipv4.sequence);
}

static void put(size_t number, const struct flow_copy *copy, const struct flow_hold *hold)
{
	const struct conversation *c = &table.conversations[number];
	const struct flow_stamp stamp = stamp_now();
	struct flow_key scratch;

	if (table.family == 4) {
		flow_line_make_room(&table.line, 4, hold, c, &stamp, &scratch);
		flow_line_put(&table.line, 4, c, copy);
	} else {
		flow_line_make_room(&table.line, 6, hold, c, &stamp, &scratch);
		flow_line_put(&table.line, 6, c, copy);
	}
	flow_sequence_give_back(&table.line.ipv4.sequence, hold);
}

/* When the table or the line, which is held, last saw it. */
static uint64_t clock_held(size_t number)
{
	const struct conversation *c = &table.conversations[number];
	uint64_t line = table.family == 4 ? flow_line_clock(&table.line, 4, c)
					  : flow_line_clock(&table.line, 6, c);
	uint64_t entry = load((uint64_t *)&table.entries[number].flow.last_seen);

	return line > entry ? line : entry;
}

/* Now and then another thread goes first: on few CPUs they would seldom meet. */
static void let_others(void)
{
	static __thread unsigned calls;

	if (++calls % 512 == 0)
		sched_yield();
}

/* The table was changed, up to that version; the line follows. */
static void publish(size_t number, const struct flow_hold *hold, uint64_t version)
{
	struct entry *entry = &table.entries[number];
	struct flow_copy copy = {0};
	uint64_t now;

	if (!hold->held) {
		flow_sequence_void(&table.line.ipv4.sequence);
		raise_to(&entry->done, version);
		return;
	}
	raise_to((uint64_t *)&entry->flow.last_seen, clock_held(number));
	now = load(&entry->version);
	if (now % 2) {
		copy.mark = flow_mark((__u16)(number << VERSION_BITS | now % VERSIONS), FLOW_TCP,
				      false);
		copy.seen = (__u32)load((uint64_t *)&entry->flow.last_seen);
	}
	let_others();
	put(number, &copy, hold);
	raise_to(&entry->done, version);
}

/* Opens it, replaces it, or removes it. */
static void change(size_t number, bool there)
{
	struct entry *entry = &table.entries[number];
	struct flow_hold hold;
	uint64_t version;

	take(&hold);
	pthread_mutex_lock(&entry->lock);
	version = entry->version + 1;
	if (version % 2 != there)
		version++;
	raise_to((uint64_t *)&entry->flow.last_seen, load(&table.clock));
	__atomic_store_n(&entry->version, version, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&entry->lock);
	publish(number, &hold, version);
}

static bool touch(size_t number, uint64_t now)
{
	const struct conversation *c = &table.conversations[number];
	const struct flow_stamp stamp = stamp_now();
	struct flow_copy copy = {0};
	struct tuple t;

	t = table.family == 4 ? flow_tuple(c, 4) : flow_tuple(c, 6);
	if (!(table.family == 4 ? flow_line_read(&table.line, 4, &t, &stamp, &copy)
				: flow_line_read(&table.line, 6, &t, &stamp, &copy)))
		return false;
	if (copy.seen > now || copy.seen >> FLOW_LAG_SHIFT != now >> FLOW_LAG_SHIFT)
		return false;
	return table.family == 4 ? flow_line_touch(&table.line, 4, &copy, (__u32)now)
				 : flow_line_touch(&table.line, 6, &copy, (__u32)now);
}

/* An own packet. */
static void refresh(size_t number)
{
	struct entry *entry = &table.entries[number];
	uint64_t now = load(&table.clock), before;
	struct flow_hold hold;

	if (!touch(number, now)) {
		before = load(&entry->seen);
		take(&hold);
		if (hold.held && clock_held(number) < before)
			__atomic_fetch_add(&table.wrong, 1, __ATOMIC_SEQ_CST);
		raise_to((uint64_t *)&entry->flow.last_seen, now);
		if (hold.held)
			publish(number, &hold, 0);
	}
	raise_to(&entry->seen, now);
}

/* ---- threads ---- */

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33) % bound;
}

static void *write_flows(void *data)
{
	uint64_t state = (uintptr_t)data;

	for (int i = 0; i < OPERATIONS || (i < OPERATIONS_MAX && load(&table.answers) < ANSWERS);
	     i++) {
		size_t number = random_below(&state, FLOWS);
		uint32_t choice = random_below(&state, 8);

		/* On a busy machine readers have had no turn yet. */
		if (i >= OPERATIONS)
			usleep(10);

		if (choice == 0)
			change(number, true);
		else if (choice == 1)
			change(number, false);
		else
			refresh(number);
		if (choice == 2)
			__atomic_fetch_add(&table.clock, 1 + random_below(&state, FLOW_LAG / 16),
					   __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Whether some version from first to last, one that is there, is what the mark says. */
static bool is_possible(__u16 mark, size_t number, uint64_t first, uint64_t last)
{
	__u16 slot = mark & FLOW_MARK_SLOT_MASK;
	uint64_t ahead = (slot - first) % VERSIONS;

	return (size_t)(slot >> VERSION_BITS) == number && slot % 2 && first + ahead <= last;
}

static void *read_flows(void *data)
{
	const struct flow_stamp stamp = stamp_now();
	uint64_t state = (uintptr_t)data;

	while (!__atomic_load_n(&table.stop, __ATOMIC_SEQ_CST)) {
		size_t number = random_below(&state, FLOWS);
		const struct conversation *c = &table.conversations[number];
		struct tuple t = table.family == 4 ? flow_tuple(c, 4) : flow_tuple(c, 6);
		uint64_t done = load(&table.entries[number].done);
		struct flow_copy copy = {0};

		if (!(table.family == 4 ? flow_line_read(&table.line, 4, &t, &stamp, &copy)
					: flow_line_read(&table.line, 6, &t, &stamp, &copy)))
			continue;
		__atomic_fetch_add(&table.answers, 1, __ATOMIC_SEQ_CST);
		if (!is_possible(copy.mark, number, done, load(&table.entries[number].version)) ||
		    copy.seen > load(&table.clock))
			__atomic_fetch_add(&table.wrong, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void fill_conversation(struct conversation *c, uint8_t family, size_t number)
{
	*c = (struct conversation){
		.local_port = (__u16)(FLOWS * 1000 + number),
		.remote_port = 443,
		.family = family,
		.protocol = IPPROTO_TCP,
	};
	for (int i = family == 4 ? 3 : 0; i < 4; i++) {
		c->local[i] = htonl(0xc0000201u + (uint32_t)i);
		c->remote[i] = htonl(0xc6336400u + (uint32_t)(number + (size_t)i));
	}
}

/* When the line or the table last saw it. */
static uint64_t clock_of(size_t number)
{
	const struct conversation *c = &table.conversations[number];
	__u64 seen = 0;

	assert_true(table.family == 4 ? flow_line_seen(&table.line, 4, c, false, &seen)
				      : flow_line_seen(&table.line, 6, c, false, &seen));
	return seen > table.entries[number].flow.last_seen ? seen
							   : table.entries[number].flow.last_seen;
}

static void let_threads_at_it(uint8_t family)
{
	pthread_t writers[WRITERS], readers[READERS];

	memset(&table, 0, sizeof(table));
	table.family = family;
	for (size_t i = 0; i < FLOWS; i++) {
		pthread_mutex_init(&table.entries[i].lock, NULL);
		fill_conversation(&table.conversations[i], family, i);
	}
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_flows, (void *)(i + 100)),
				 0);
	for (uintptr_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, write_flows, (void *)(i + 1)),
				 0);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	__atomic_store_n(&table.stop, true, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(table.wrong, 0);
	assert_true(table.answers >= ANSWERS);
	for (size_t i = 0; i < FLOWS; i++) {
		uint64_t seen = clock_of(i);

		assert_true(seen >= table.entries[i].seen);
		assert_true(seen <= table.clock);
		assert_true(seen - table.entries[i].flow.last_seen < FLOW_LAG);
	}
	assert_int_equal(table.line.ipv4.sequence & FLOW_LINE_WRITING, 0);
}

static void lines_of_ipv4(void **state)
{
	(void)state;
	let_threads_at_it(4);
}

static void lines_of_ipv6(void **state)
{
	(void)state;
	let_threads_at_it(6);
}

/* What was written while another wished to write counts for nothing, until it is written anew. */
static void a_void_line_answers_nothing(void **state)
{
	const struct flow_stamp stamp = stamp_now();
	const struct flow_copy copy = {.mark = flow_mark(1, FLOW_TCP, false), .seen = 5};
	struct flow_copy found = {0};
	struct flow_hold hold, other;
	struct tuple t;

	(void)state;
	memset(&table, 0, sizeof(table));
	table.family = 4;
	fill_conversation(&table.conversations[0], 4, 0);
	t = flow_tuple(&table.conversations[0], 4);
	take(&hold);
	assert_true(hold.held);
	take(&other);
	assert_false(other.held);
	assert_false(flow_line_read(&table.line, 4, &t, &stamp, &found));
	flow_sequence_void(&table.line.ipv4.sequence);
	put(0, &copy, &hold);
	assert_false(flow_line_read(&table.line, 4, &t, &stamp, &found));
	take(&hold);
	assert_true(hold.held && hold.was_void);
	put(0, &copy, &hold);
	assert_true(flow_line_read(&table.line, 4, &t, &stamp, &found));
	assert_int_equal(found.mark, copy.mark);
	assert_int_equal(found.seen, 5);
	assert_true(flow_line_touch(&table.line, 4, &found, 6));
	assert_false(flow_line_touch(&table.line, 4, &found, 7));
}

/* ---- screens ---- */

enum {
	SLOTS_IN_USE = 3,
	OPEN_MAX = 20, /* looks at a slot while it has a flow */
};

/* A screen and where in it the flows of a test are: across the border of two words. */
struct screen_test {
	struct flow_screen *screen;
	__u32 mask;
	__u32 first;
	bool stop;
	uint64_t missing;
};

static struct screen_test screen_test_new(__u32 slots, __u32 first)
{
	struct screen_test test = {
		.screen = calloc(1, FLOW_SCREEN_BYTES(slots)),
		.mask = slots - 1,
		.first = first,
	};

	assert_non_null(test.screen);
	return test;
}

struct opener {
	struct screen_test *test;
	uint64_t seed;
};

static void *open_slots(void *data)
{
	const struct opener *opener = data;
	struct screen_test *test = opener->test;
	uint64_t state = opener->seed;

	for (int i = 0; i < OPERATIONS; i++) {
		__u32 slot = test->first + random_below(&state, SLOTS_IN_USE);

		flow_screen_count(test->screen, test->mask, slot);
		for (uint32_t look = random_below(&state, OPEN_MAX) + 1; look; look--)
			if (!flow_screen_has(test->screen, test->mask, slot))
				__atomic_fetch_add(&test->missing, 1, __ATOMIC_SEQ_CST);
		flow_screen_discount(test->screen, test->mask, slot);
	}
	return NULL;
}

static void sweep(struct screen_test *test)
{
	__u32 left = flow_screen_turn(test->screen);
	__u32 word = (test->first & test->mask) / FLOW_SCREEN_WORD;

	flow_screen_clear_word(test->screen, test->mask, word, left);
	flow_screen_clear_word(test->screen, test->mask, word + 1, left);
}

static void *sweep_all_the_time(void *data)
{
	struct screen_test *test = data;

	while (!__atomic_load_n(&test->stop, __ATOMIC_SEQ_CST))
		sweep(test);
	return NULL;
}

static void let_openers_at_it(__u32 slots, __u32 first)
{
	struct screen_test test = screen_test_new(slots, first);
	struct opener openers[WRITERS];
	pthread_t threads[WRITERS], sweeper;

	assert_int_equal(pthread_create(&sweeper, NULL, sweep_all_the_time, &test), 0);
	for (size_t i = 0; i < WRITERS; i++) {
		openers[i] = (struct opener){&test, i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, open_slots, &openers[i]), 0);
	}
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&test.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(sweeper, NULL);
	assert_int_equal(test.missing, 0);
	sweep(&test);
	sweep(&test);
	for (__u32 i = 0; i < SLOTS_IN_USE; i++) {
		assert_false(flow_screen_has(test.screen, test.mask, first + i));
		assert_int_equal(*flow_screen_count_at(test.screen, test.mask, first + i), 0);
	}
	free(test.screen);
}

static void a_port_with_a_flow_has_its_bit(void **state)
{
	(void)state;
	let_openers_at_it(FLOW_PORT_SLOTS, flow_port_slot(FLOW_PLANE_UDP, 39999));
}

/* Hashes are wider than their screen. */
static void a_key_with_a_flow_has_its_bit(void **state)
{
	(void)state;
	let_openers_at_it(1024, 0xabcd0000u + FLOW_SCREEN_WORD - 1);
}

/* One flow of two is gone: the slot keeps its bit through any number of sweeps. */
static void a_bit_outlives_sweeps(void **state)
{
	__u32 slot = flow_port_slot(FLOW_PLANE_TCP, 65535);
	struct screen_test test = screen_test_new(FLOW_PORT_SLOTS, slot);

	(void)state;
	flow_screen_count(test.screen, test.mask, slot);
	flow_screen_count(test.screen, test.mask, slot);
	flow_screen_discount(test.screen, test.mask, slot);
	for (int i = 0; i < 5; i++) {
		sweep(&test);
		assert_true(flow_screen_has(test.screen, test.mask, slot));
	}
	assert_false(
		flow_screen_has(test.screen, test.mask, flow_port_slot(FLOW_PLANE_TCP, 65534)));
	assert_false(
		flow_screen_has(test.screen, test.mask, flow_port_slot(FLOW_PLANE_UDP, 65535)));
	free(test.screen);
}

/* The bits and the counts of the last slot end where the screen ends. */
static void a_screen_is_as_large_as_it_says(void **state)
{
	struct screen_test test = screen_test_new(FLOW_SCREEN_WORD, 0);
	const char *count = (const char *)flow_screen_count_at(test.screen, test.mask, test.mask);

	(void)state;
	assert_ptr_equal(count + sizeof(__u32),
			 (const char *)test.screen + FLOW_SCREEN_BYTES(FLOW_SCREEN_WORD));
	for (__u32 slot = 0; slot <= test.mask; slot++)
		flow_screen_count(test.screen, test.mask, slot);
	for (__u32 slot = 0; slot <= test.mask; slot++)
		assert_int_equal(*flow_screen_count_at(test.screen, test.mask, slot), 1);
	assert_int_equal(test.screen->owners[0], 0xffffffffu);
	free(test.screen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_ipv4),
		cmocka_unit_test(lines_of_ipv6),
		cmocka_unit_test(a_void_line_answers_nothing),
		cmocka_unit_test(a_port_with_a_flow_has_its_bit),
		cmocka_unit_test(a_key_with_a_flow_has_its_bit),
		cmocka_unit_test(a_bit_outlives_sweeps),
		cmocka_unit_test(a_screen_is_as_large_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
