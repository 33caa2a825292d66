/* SPDX-License-Identifier: BSD-2-Clause */
/* A test bench: the programs loaded with the policy of tests/packet/site.yaml, and one packet after
 * the other. */
#ifndef SALLYPORT_TESTS_PACKET_BENCH_H
#define SALLYPORT_TESTS_PACKET_BENCH_H

#include "host_policy.h"
#include "load.h"

struct bench {
	struct arena *arena;
	struct host_policy *policy;
	struct tables *tables;
	uint16_t *rule_slots;
	uint16_t *role_slots;
	struct loaded *loaded;
};

/* What one packet met, and what it moved. */
struct met {
	struct outcome outcome;
	const char *rule;  /* id, "" for none */
	unsigned counters; /* how many counters moved, of all four maps */
	uint64_t packets;  /* by how much */
	uint64_t bytes;
	const char *counter; /* name of the map that moved */
	uint32_t index;	     /* of the counter */
};

/* mode_in and mode_out take the place of the site's. Fails the test if anything does. */
struct bench *bench_new(enum lookup lookup, enum mode mode_in, enum mode mode_out);
/* The same with another site's policy, of its host edge; without checks, where packets take the
 * short way. */
struct bench *bench_new_site(const char *site, enum lookup lookup, bool checks, enum mode mode_in);
/* The same, flat, where so many more IPv6 prefixes may open to the first service. */
struct bench *bench_new_wide(size_t prefixes);
/* The same, flat and without checks, with room for so many flows. */
struct bench *bench_new_flows(uint32_t flows);
/* The next generation of a bench, over its flows, without the rule of that id. */
struct bench *bench_reload(struct bench *old, const char *without);
void bench_free(struct bench *bench);
/* Forgets flows, fragments and limits. */
void bench_reset(struct bench *bench);
/* The frame of a packet line (docs/packet-lines.md). Static storage, good until the next call. */
const uint8_t *bench_frame(const char *line, enum direction *ret_direction, size_t *ret_length);
/* Can this kernel put an arriving frame of a test run into several buffers where it is told to? */
bool bench_can_split(struct bench *bench);
/* An arriving frame of which only the first linear bytes (14 or more) are in the first buffer. Its
 * counters are left for bench_counters(). */
struct met bench_run_split(struct bench *bench, const uint8_t *frame, size_t length, size_t linear);
/* What was counted since the last packet whose counters were read. */
struct met bench_counters(struct bench *bench);
struct met bench_run(struct bench *bench, enum direction direction, const uint8_t *frame,
		     size_t length, uint64_t at_ms);

#endif
