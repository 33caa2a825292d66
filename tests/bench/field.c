/* SPDX-License-Identifier: BSD-2-Clause */
#include "field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What xdp-filter stands in for: the smallest policy. */
#define XDP_FILTER_HOSTS 50u

static void add(struct field *field, struct contender contender)
{
	if (field->contender_count == SERIES_CONTENDERS_MAX)
		abort();
	field->contenders[field->contender_count++] = contender;
}

static void add_absent(struct field *field, const char *who, const char *why)
{
	if (field->absent_count < FIELD_ABSENT_MAX)
		field->absent[field->absent_count++] =
			arena_printf(field->arena, "%s: %s", who, why);
}

/* ---- ours ---- */

static int add_ours(struct field *field, size_t size, const struct host_policy *policy,
		    struct failure *failure)
{
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	cleanup(tables_freep) struct tables *tables = NULL;
	const size_t prefixes = field->plan.sizes[size];
	struct target *targets = field->targets[size];
	int error = compile(policy, diagnostics, &tables);

	if (error) {
		diagnostics_print(diagnostics, stderr, false);
		return fail(failure, -error, "the policy of %zu prefixes does not compile",
			    prefixes);
	}
	error = target_load(&targets[0], policy, tables, LOOKUP_FLAT, failure);
	if (!error)
		error = target_load(&targets[1], policy, tables, LOOKUP_MAPS, failure);
	if (error)
		return error;
	add(field, target_contender(&targets[0], prefixes, NULL));
	add(field, target_contender(&targets[1], prefixes, NULL));
	if (field->own.place)
		add(field, target_contender(&targets[0], prefixes, field->own.place));
	return 0;
}

/* ---- floors ---- */

static void add_program_floor(struct field *field)
{
	add(field, (struct contender){
			   .name = "XDP floor",
			   .egress = true,
			   .program = contender_empty_program,
		   });
}

/* Without it nothing that lives in the stack is measured, which is said. */
static void add_stack_floor(struct field *field)
{
	static const char who[] = "everything that lives in the stack";
	const char *missing = peer_missing(PEER_NONE);
	struct failure failure;

	if (missing) {
		add_absent(field, who, arena_printf(field->arena, "no command %s", missing));
		return;
	}
	if (peer_load(&field->floor, PEER_NONE, NULL, field->stand, &failure) ||
	    peer_load(&field->own, PEER_NONE, NULL, field->stand, &failure)) {
		add_absent(field, who, arena_printf(field->arena, "%.300s", failure.message));
		peer_unload(&field->floor);
		peer_unload(&field->own);
		return;
	}
	add(field, peer_contender(&field->floor, 0));
}

/* ---- peers ---- */

/* A peer that does not load is said to be absent, with its own words: it ends no bench. */
static void add_peers(struct field *field, size_t size, const struct host_policy *policy)
{
	for (int kind = PEER_NONE + 1; field->floor.place && kind < PEER_KINDS; kind++) {
		struct peer *peer = &field->peers[size][kind];
		struct failure failure;

		if (peer_missing(kind)) {
			if (size == 0)
				add_absent(field, peer_name(kind),
					   arena_printf(field->arena, "no command %s",
							peer_missing(kind)));
			continue;
		}
		fprintf(stderr, "loading %s\n", peer_name(kind));
		if (peer_load(peer, kind, policy, field->stand, &failure)) {
			add_absent(field, peer_name(kind),
				   arena_printf(field->arena, "with %zu prefixes: %.300s",
						field->plan.sizes[size], failure.message));
			peer_unload(peer);
			continue;
		}
		add(field, peer_contender(peer, field->plan.sizes[size]));
	}
}

/* The one warm packet's source first, of each family. */
static void add_xdp_filter(struct field *field)
{
	struct address hosts[2 * XDP_FILTER_HOSTS];
	struct failure failure;
	size_t count = 0;

	if (xdp_filter_missing()) {
		add_absent(field, "xdp-filter", "no such command");
		return;
	}
	for (uint8_t family = 4; family <= 6; family += 2) {
		const struct traffic one = {
			.kind = TRAFFIC_SERVED,
			.family = family,
			.packets = 1,
		};
		struct random random = random_seeded(field->plan.seed, family);
		struct generator_packet packet;
		size_t prefix;

		traffic_fill(&one, field->population, field->plan.seed, field->plan.sizes[0],
			     &packet);
		hosts[count].family = family;
		memcpy(hosts[count].bytes, packet.remote, sizeof(packet.remote));
		count++;
		for (unsigned i = 1; i < XDP_FILTER_HOSTS; i++)
			hosts[count++] = population_member(field->population, &random, family,
							   field->plan.sizes[0], &prefix);
	}
	if (xdp_filter_load(&field->xdp_filter, hosts, count, &failure))
		add_absent(field, "xdp-filter",
			   arena_printf(field->arena, "%.300s", failure.message));
	else
		add(field, xdp_filter_contender(&field->xdp_filter, field->plan.sizes[0]));
}

/* ---- all of them ---- */

int field_set_up(struct field *field, struct failure *failure)
{
	int error = 0;

	add_program_floor(field);
	add_stack_floor(field);
	add_xdp_filter(field);
	for (size_t size = 0; !error && size < field->plan.size_count; size++) {
		const size_t prefixes[2] = {field->plan.sizes[size], field->plan.sizes[size]};
		const struct host_policy *policy =
			bench_policy(field->arena, field->population, prefixes);

		fprintf(stderr, "loading %zu prefixes of each family\n", prefixes[0]);
		error = add_ours(field, size, policy, failure);
		if (!error && prefixes[0] <= field->plan.peers_up_to)
			add_peers(field, size, policy);
	}
	return error;
}

void field_take_down(struct field *field)
{
	for (size_t size = 0; size < field->plan.size_count; size++) {
		for (int i = 0; i < 2; i++)
			target_unload(&field->targets[size][i]);
		for (int kind = 0; kind < PEER_KINDS; kind++)
			peer_unload(&field->peers[size][kind]);
	}
	xdp_filter_unload(&field->xdp_filter);
	peer_unload(&field->floor);
	peer_unload(&field->own);
}

int field_check(const struct field *field, struct failure *failure)
{
	for (size_t size = 0; size < field->plan.size_count; size++)
		for (int i = 0; i < 2; i++)
			if (!target_agreed(&field->targets[size][i]))
				return fail(failure, EPROTO,
					    "flat and maps disagreed at %zu prefixes: the figures "
					    "are of no use",
					    field->plan.sizes[size]);
	return 0;
}
