/* SPDX-License-Identifier: BSD-2-Clause */
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bench_policy.h"
#include "namespace.h"
#include "tool.h"

/* The lists take turns. A step moves along the population by so many, so that each list changes. */
#define LISTS	    10u
#define LITTLE	    100u
#define MUCH(count) ((count) / 20)
#define FIRST_PORT  10000u

const char *const reload_names[RELOAD_STEPS] = {
	[RELOAD_COLD] = "cold",
	[RELOAD_LITTLE] = "100 gone, 100 new",
	[RELOAD_MUCH] = "a twentieth gone, a twentieth new",
};

/* ---- files ---- */

static size_t shift_of(enum reload_step step, size_t prefixes)
{
	switch (step) {
	case RELOAD_LITTLE:
		return LITTLE;
	case RELOAD_MUCH:
		return LITTLE + MUCH(prefixes);
	default:
		return 0;
	}
}

/* Half of them of each family: shift and the numbers of a family are even. */
static int write_list(const char *folder, const struct population *population,
		      enum reload_step step, size_t prefixes, unsigned list)
{
	const size_t first = shift_of(step, prefixes) / 2;
	char path[256], text[ADDRESS_TEXT_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/step-%d-list-%u.txt", folder, step, list);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	for (int f = 0; f < 2; f++)
		for (size_t i = first; i < first + prefixes / 2; i++)
			if (i % LISTS == list)
				fprintf(file, "%s\n",
					prefix_format(&population->ordered[f].items[i], text));
	return fclose(file) ? -errno : 0;
}

static json_t *site_json(void)
{
	json_t *sets = json_object(), *flows = json_array();

	for (unsigned list = 0; list < LISTS; list++) {
		char name[32], file[32], source[32], service[32];

		snprintf(name, sizeof(name), "list-%u", list);
		snprintf(file, sizeof(file), "list-%u.txt", list);
		snprintf(source, sizeof(source), "$list-%u", list);
		snprintf(service, sizeof(service), "udp/%u-%u", FIRST_PORT + list * 100,
			 FIRST_PORT + list * 100 + 99);
		json_object_set_new(sets, name,
				    json_pack("{s:s, s:s, s:s}", "feed", "list", "file", file,
					      "shrink", "100%"));
		json_array_append_new(flows, json_pack("{s:s, s:s, s:s, s:[s]}", "id", name, "from",
						       source, "to", "host", "allow", service));
	}
	return json_pack("{s:s, s:[s], s:{s:s, s:s}, s:[], s:{s:{s:[s, s], s:[]}}, s:o, s:o}",
			 "site", "bench", "catalogs", "base", "mode", "in", "enforce", "out",
			 "enforce", "management", "hosts", "host", "addresses",
			 bench_own_address[0], bench_own_address[1], "roles", "sets", sets, "flows",
			 flows);
}

static int write_files(const char *folder, const struct population *population, size_t prefixes)
{
	char path[256];
	json_t *site = site_json();
	int error = site ? 0 : -ENOMEM;

	snprintf(path, sizeof(path), "%s/site.yaml", folder);
	if (!error && json_dump_file(site, path, 0))
		error = -EIO;
	json_decref(site);
	for (int step = 0; step < RELOAD_STEPS; step++)
		for (unsigned list = 0; !error && list < LISTS; list++)
			error = write_list(folder, population, step, prefixes, list);
	return error;
}

/* ---- the command ---- */

/* Each apply's answer on a line of its own, behind the milliseconds that the command took. */
static int run_all(const char *program, const char *catalogs, const char *folder,
		   struct failure *failure, char **ret_output)
{
	struct namespace *place = NULL;
	char script[2048];
	int error = namespace_new(bench_own_address, failure, &place);

	snprintf(script, sizeof(script),
		 "for step in 0 1 2; do\nfor list in 0 1 2 3 4 5 6 7 8 9; do\n"
		 "cp %s/step-$step-list-$list.txt %s/list-$list.txt\ndone\n"
		 "before=$(date +%%s%%N)\n"
		 "%s --catalogs %s --feeds %s apply --json %s/site.yaml >%s/answer 2>%s/words || "
		 "{ cat %s/words; exit 1; }\n"
		 "echo $((($(date +%%s%%N) - before) / 1000)) $(cat %s/answer)\ndone\n",
		 folder, folder, program, catalogs, folder, folder, folder, folder, folder, folder);
	if (!error)
		error = namespace_private_shell(place, script, failure, ret_output);
	namespace_free(place);
	return error;
}

/* ---- what it said ---- */

static double sum_of(const json_t *timings, const char *const names[])
{
	double sum = 0;

	for (size_t i = 0; names[i]; i++)
		sum += json_number_value(json_object_get(timings, names[i]));
	return sum;
}

static size_t written_of(const json_t *answer)
{
	static const char *const kinds[] = {"added", "changed", "removed"};
	const json_t *table;
	size_t index, written = 0;

	json_array_foreach (json_object_get(answer, "tables"), index, table)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			written += (size_t)json_integer_value(json_object_get(table, kinds[i]));
	return written;
}

static int read_answer(const char *line, struct reload_figure *figure)
{
	static const char *const compile_steps[] = {"parse", "resolve", "compile", "digest", NULL};
	static const char *const flat_steps[] = {"flat_build", "flat_compare", "flat_write", "swap",
						 NULL};
	static const char *const tries_steps[] = {"tries_compare", "tries_write", "tries_read",
						  "tries_verify", NULL};
	static const char *const write_steps[] = {"tries_write", "tries_verify", NULL};
	const json_t *timings;
	json_t *answer;
	char *end;

	figure->whole = strtod(line, &end) / 1e3;
	answer = json_loads(end, JSON_DISABLE_EOF_CHECK, NULL);
	if (!answer)
		return -EPROTO;
	timings = json_object_get(answer, "timings_ms");
	figure->has_steps = timings;
	if (timings) {
		figure->compile = sum_of(timings, compile_steps);
		figure->flat = sum_of(timings, flat_steps);
		figure->tries = sum_of(timings, tries_steps);
		figure->write = sum_of(timings, write_steps);
		figure->written = written_of(answer);
	}
	json_decref(answer);
	return 0;
}

static int read_output(char *output, struct reload *reload, struct failure *failure)
{
	char *rest = output;

	for (int step = 0; step < RELOAD_STEPS; step++) {
		char *line = strsep(&rest, "\n");

		if (!line || read_answer(line, &reload->steps[step]))
			return fail(failure, EPROTO, "apply answered: %.200s",
				    line ? line : "nothing");
	}
	return 0;
}

/* ---- all of it ---- */

static int measure_one(const char *program, const char *catalogs, uint64_t seed, size_t prefixes,
		       struct reload *reload, struct failure *failure)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	const size_t each = (prefixes + LITTLE + MUCH(prefixes)) / 2 + 1;
	const size_t numbers[2] = {each, each};
	const struct population *population =
		population_new(arena, POPULATION_MIXED, seed, numbers);
	char folder[] = "/tmp/bench-reload-XXXXXX", line[64];
	char *output = NULL;
	int error;

	if (!mkdtemp(folder))
		return fail(failure, errno, "no folder in /tmp: %s", strerror(errno));
	error = write_files(folder, population, prefixes);
	if (error)
		error = fail(failure, -error, "%s can't be written: %s", folder, strerror(-error));
	if (!error)
		error = run_all(program, catalogs, folder, failure, &output);
	reload->prefixes = prefixes;
	if (!error)
		error = read_output(output, reload, failure);
	free(output);
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	tool_shell(line, NULL, NULL);
	return error;
}

int reload_measure(const char *program, const char *catalogs, uint64_t seed, bool quick,
		   struct reload_figures *figures, struct failure *failure)
{
	static const size_t sizes[] = {10000, 100000, 1000000};
	int error = 0;

	for (size_t i = 0; !error && i < (quick ? 1 : sizeof(sizes) / sizeof(sizes[0])); i++) {
		error = measure_one(program, catalogs, seed, sizes[i],
				    &figures->items[figures->count], failure);
		if (!error)
			figures->count++;
	}
	return error;
}

const struct reload *reload_find(const struct reload_figures *figures, size_t prefixes)
{
	for (size_t i = 0; i < figures->count; i++)
		if (figures->items[i].prefixes == prefixes)
			return &figures->items[i];
	return NULL;
}
