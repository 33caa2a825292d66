/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "variants.h"

#define MIB 1048576.0

/* ---- the table of packets ---- */

/* Columns, and what a cell says: nanoseconds above the floor for programs, of the whole packet
 * where the stack is part of it. */
static const struct column {
	const char *head;
	const char *contender;
	enum way way;
	bool net;
} columns[] = {
	{"XDP floor", "XDP floor", WAY_PROGRAM, false},
	{"flat", "flat", WAY_PROGRAM, true},
	{"maps", "maps", WAY_PROGRAM, true},
	{"xdp-filter", "xdp-filter", WAY_PROGRAM, true},
	{"stack floor", "stack", WAY_STACK, false},
	{"flat", "flat", WAY_STACK, false},
	{"nft netdev", "nft netdev", WAY_STACK, false},
	{"nft + conntrack", "nft conntrack", WAY_STACK, false},
	{"iptables + ipset", "iptables + ipset", WAY_STACK, false},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* Flows come in powers of two, prefixes in powers of ten. */
static const char *number_text(size_t number, size_t thousand, char *buffer /* 16 bytes */)
{
	size_t unit = 1;
	const char *suffix = "";

	if (number >= thousand)
		unit = thousand, suffix = "k";
	if (number >= thousand * thousand)
		unit = thousand * thousand, suffix = "M";
	snprintf(buffer, 16, "%zu%s", number / unit, suffix);
	return buffer;
}

static bool is_same_row(const struct result *a, const struct result *b)
{
	return a->prefixes == b->prefixes && traffic_is_same(&a->traffic, &b->traffic);
}

static void print_row(const struct results *results, const struct result *first, FILE *out)
{
	const struct traffic *traffic = &first->traffic;
	char flows[16], prefixes[16];

	fprintf(out, "| %u | %s | %s | %s |", traffic->family, traffic->name,
		number_text(traffic->packets, 1024, flows),
		number_text(first->prefixes, 1000, prefixes));
	for (int c = 0; c < COLUMNS; c++) {
		const struct result *result = results_find(results, traffic, first->prefixes,
							   columns[c].contender, columns[c].way);

		if (!result)
			fprintf(out, " – |");
		else
			fprintf(out, " %d |",
				columns[c].net ? result->net : (int32_t)result->total);
	}
	fprintf(out, "\n");
}

static void print_packets(const struct results *results, FILE *out)
{
	fprintf(out, "| IP | packet | flows | prefixes |");
	for (int c = 0; c < COLUMNS; c++)
		fprintf(out, " %s |", columns[c].head);
	fprintf(out, "\n|---|---|--:|--:|");
	for (int c = 0; c < COLUMNS; c++)
		fprintf(out, "--:|");
	fprintf(out, "\n");
	for (size_t i = 0; i < results->list.count; i++) {
		bool seen = false;

		for (size_t j = 0; !seen && j < i; j++)
			seen = is_same_row(&results->list.items[i], &results->list.items[j]);
		if (!seen && results->list.items[i].traffic.kind != TRAFFIC_MEDIA)
			print_row(results, &results->list.items[i], out);
	}
}

/* ---- the other tables ---- */

static void print_variants(const struct results *results, FILE *out)
{
	fprintf(out, "\n| IP | calls, 1k flows, above the XDP floor |");
	for (int variant = 0; variant < VARIANTS; variant++)
		fprintf(out, " %s |", variant_names[variant]);
	fprintf(out, "\n|---|---|--:|--:|--:|--:|\n");
	for (uint8_t family = 4; family <= 6; family += 2) {
		const struct traffic traffic = {
			.kind = TRAFFIC_MEDIA, .family = family, .packets = 1 << 10};

		fprintf(out, "| %u | policy of 50 prefixes |", family);
		for (int variant = 0; variant < VARIANTS; variant++) {
			const struct result *result = results_find(
				results, &traffic, 50, variant_names[variant], WAY_PROGRAM);

			if (result)
				fprintf(out, " %d |", result->net);
			else
				fprintf(out, " – |");
		}
		fprintf(out, "\n");
	}
}

static void print_rebuilds(const struct rebuild_figures *rebuilds, FILE *out)
{
	fprintf(out, "\n| prefixes | IPv4 | IPv6 | entries | compiled, ms | flat index, ms | "
		     "cold load, ms | flat, MiB | LPM entries, MiB | slab, MiB |\n"
		     "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
	for (size_t i = 0; i < rebuilds->count; i++) {
		const struct rebuild_figure *figure = &rebuilds->items[i];

		fprintf(out, "| %s | %zu | %zu | %zu | %.0f | %.1f | %.0f | %.1f | %.1f | %.1f |\n",
			population_names[figure->population], figure->prefixes[0],
			figure->prefixes[1], figure->entries, (double)figure->compile_ns / 1e6,
			(double)figure->flat_ns / 1e6, (double)figure->load_ns / 1e6,
			(double)figure->flat_bytes / MIB, (double)figure->tries_bytes / MIB,
			(double)figure->slab_bytes / MIB);
	}
}

/* One figure where the command tells its steps. */
static void print_step(double milliseconds, const struct reload_figure *figure, FILE *out)
{
	if (figure->has_steps)
		fprintf(out, " %.1f |", milliseconds);
	else
		fprintf(out, " – |");
}

static void print_reloads(const struct reload_figures *reloads, FILE *out)
{
	fprintf(out,
		"\n| `sallyport apply` | prefixes | whole, ms | to tables, ms | flat index, ms "
		"| tries, ms | of that writing, ms | entries written |\n"
		"|---|--:|--:|--:|--:|--:|--:|--:|\n");
	for (size_t i = 0; i < reloads->count; i++)
		for (int step = 0; step < RELOAD_STEPS; step++) {
			const struct reload_figure *figure = &reloads->items[i].steps[step];
			char prefixes[16];

			fprintf(out, "| %s | %s | %.0f |", reload_names[step],
				number_text(reloads->items[i].prefixes, 1000, prefixes),
				figure->whole);
			print_step(figure->compile, figure, out);
			print_step(figure->flat, figure, out);
			print_step(figure->tries, figure, out);
			print_step(figure->write, figure, out);
			fprintf(out, " %zu |\n", figure->written);
		}
}

static const char *goal_word(const struct goal *goal)
{
	if (goal->why_not)
		return "not measured";
	return goal_is_met(goal) ? "met" : "**not met**";
}

static void print_goals(const struct goals *goals, FILE *out)
{
	fprintf(out, "\n| # | goal | wanted | measured | of the limit | |\n"
		     "|--:|---|--:|--:|--:|---|\n");
	for (size_t i = 0; i < goals->list.count; i++) {
		const struct goal *goal = &goals->list.items[i];

		fprintf(out, "| %s | %s | %s %g %s |", goal->number, goal->text,
			goal->at_least ? "≥" : "≤", goal->limit, goal->unit);
		if (goal->why_not)
			fprintf(out, " %s | – |", goal->why_not);
		else
			fprintf(out, " %.*f %s%s%s%s | %.2f |", strcmp(goal->unit, "ns") ? 1 : 0,
				goal->measured, goal->unit, goal->how ? " (" : "",
				goal->how ? goal->how : "", goal->how ? ")" : "",
				goal->measured / goal->limit);
		fprintf(out, " %s |\n", goal_word(goal));
	}
}

void report_print(const struct report *report, FILE *out)
{
	fprintf(out,
		"%s, Linux %s, %s, CPU %d. Seed %" PRIu64 ", population \"%s\", medians of %u "
		"interleaved rounds of %u packets or more (%u through the stack).\n"
		"Nanoseconds a packet. Left: the program alone, `flat`, `maps` and `xdp-filter` "
		"above the XDP floor, an empty program behind the same generator.\n"
		"Right, from the stack floor on: the whole packet from the driver's hand to the "
		"end of the input hook, or to where it is dropped.\n\n",
		report->date, report->kernel, report->cpu, report->cpu_number, report->seed,
		report->population, report->rounds, report->repeat, report->live_repeat);
	print_packets(report->results, out);
	fprintf(out, "\n");
	for (size_t i = 0; i < report->absent_count; i++)
		fprintf(out, "Not measured: %s.\n", report->absent[i]);
	fprintf(out, "Not measured: bpfilter (Debian has none).\n");
	print_variants(report->results, out);
	print_rebuilds(report->rebuilds, out);
	print_reloads(report->reloads, out);
	print_goals(report->goals, out);
}

/* ---- JSON ---- */

static json_t *results_json(const struct results *results)
{
	json_t *list = json_array();

	for (size_t i = 0; i < results->list.count; i++) {
		const struct result *result = &results->list.items[i];
		const struct traffic *traffic = &result->traffic;
		json_t *object = json_pack(
			"{s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:i}", "contender", result->contender,
			"way", result->way == WAY_STACK ? "stack" : "program", "packet",
			traffic->name, "family", (int)traffic->family, "direction",
			traffic->direction == DIRECTION_IN ? "in" : "out", "flows",
			(int)traffic->packets, "own_flows", (int)traffic->flows, "prefixes",
			(int)result->prefixes);

		if (result->why_not) {
			json_object_set_new(object, "not_measured", json_string(result->why_not));
		} else {
			json_object_set_new(object, "total_ns",
					    json_integer((json_int_t)result->total));
			json_object_set_new(object, "net_ns", json_integer(result->net));
		}
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *rebuilds_json(const struct rebuild_figures *rebuilds)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rebuilds->count; i++) {
		const struct rebuild_figure *figure = &rebuilds->items[i];

		json_array_append_new(
			list, json_pack("{s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I}",
					"population", population_names[figure->population], "ipv4",
					(int)figure->prefixes[0], "ipv6", (int)figure->prefixes[1],
					"entries", (int)figure->entries, "compile_ns",
					(json_int_t)figure->compile_ns, "flat_ns",
					(json_int_t)figure->flat_ns, "load_ns",
					(json_int_t)figure->load_ns, "flat_bytes",
					(json_int_t)figure->flat_bytes, "tries_bytes",
					(json_int_t)figure->tries_bytes));
	}
	return list;
}

static json_t *reloads_json(const struct reload_figures *reloads)
{
	json_t *list = json_array();

	for (size_t i = 0; i < reloads->count; i++)
		for (int step = 0; step < RELOAD_STEPS; step++) {
			const struct reload_figure *figure = &reloads->items[i].steps[step];

			json_array_append_new(
				list, json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:i}", "step",
						reload_names[step], "prefixes",
						(int)reloads->items[i].prefixes, "whole_ms",
						figure->whole, "compile_ms", figure->compile,
						"flat_ms", figure->flat, "tries_ms", figure->tries,
						"written", (int)figure->written));
		}
	return list;
}

static json_t *goals_json(const struct goals *goals)
{
	json_t *list = json_array();

	for (size_t i = 0; i < goals->list.count; i++) {
		const struct goal *goal = &goals->list.items[i];
		json_t *object = json_pack("{s:s, s:s, s:f, s:s, s:b}", "goal", goal->number,
					   "text", goal->text, "limit", goal->limit, "unit",
					   goal->unit, "at_least", goal->at_least);

		if (goal->why_not) {
			json_object_set_new(object, "not_measured", json_string(goal->why_not));
		} else {
			json_object_set_new(object, "measured", json_real(goal->measured));
			json_object_set_new(object, "met", json_boolean(goal_is_met(goal)));
		}
		json_array_append_new(list, object);
	}
	return list;
}

int report_write_json(const struct report *report, const char *path)
{
	json_t *absent = json_array();
	json_t *all;
	int failed;

	for (size_t i = 0; i < report->absent_count; i++)
		json_array_append_new(absent, json_string(report->absent[i]));
	all = json_pack("{s:s, s:s, s:s, s:I, s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "date",
			report->date, "kernel", report->kernel, "cpu", report->cpu, "seed",
			(json_int_t)report->seed, "rounds", (int)report->rounds, "population",
			report->population, "absent", absent, "results",
			results_json(report->results), "rebuilds", rebuilds_json(report->rebuilds),
			"reloads", reloads_json(report->reloads), "goals",
			goals_json(report->goals));
	failed = !all || json_dump_file(all, path, JSON_INDENT(1));
	json_decref(all);
	return failed ? -EIO : 0;
}
