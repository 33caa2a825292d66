/* SPDX-License-Identifier: BSD-2-Clause */
#include "goals.h"

#include <string.h>

#include "variants.h"

#define MIB 1048576.0

static const char not_in_run[] = "not in this run";

bool goal_is_met(const struct goal *goal)
{
	if (goal->why_not)
		return false;
	return goal->at_least ? goal->measured >= goal->limit : goal->measured <= goal->limit;
}

/* ---- where the figures are ---- */

struct judge {
	const struct results *results;
	struct goals *goals;
};

/* Which cost of a packet. */
struct cost {
	enum traffic_kind kind;
	uint32_t packets;
	size_t prefixes;
	const char *contender;
	bool v6;
	enum direction direction;
	enum way way;
	uint32_t flows;
};

static const struct result *find(const struct judge *judge, const struct cost *cost)
{
	const struct traffic traffic = {
		.kind = cost->kind,
		.direction = cost->direction,
		.family = cost->v6 ? 6 : 4,
		.packets = cost->packets,
		.flows = cost->flows,
	};

	return results_find(judge->results, &traffic, cost->prefixes, cost->contender, cost->way);
}

static struct goal *add(const struct judge *judge, const char *number, const char *text,
			double limit, const char *unit)
{
	struct goal *goal = arena_push(judge->goals->arena, &judge->goals->list);

	*goal = (struct goal){
		.number = number,
		.text = text,
		.limit = limit,
		.unit = unit,
		.why_not = not_in_run,
	};
	return goal;
}

static void set(struct goal *goal, double measured)
{
	goal->measured = measured;
	goal->why_not = NULL;
}

/* A cost above the floor, in nanoseconds. */
static void judge_net(const struct judge *judge, const char *number, const char *text, double limit,
		      struct cost cost)
{
	struct goal *goal = add(judge, number, text, limit, "ns");
	const struct result *result = find(judge, &cost);

	if (result)
		set(goal, result->net);
}

/* How much more the one costs than the other; where the other is too little to divide by, as if it
 * were one nanosecond. */
static void judge_ratio(const struct judge *judge, const char *number, const char *text,
			double limit, bool at_least, struct cost above, struct cost below)
{
	struct goal *goal = add(judge, number, text, limit, "×");
	const struct result *over = find(judge, &above), *under = find(judge, &below);
	const bool total = above.way == WAY_STACK;
	double dividend, divisor;

	goal->at_least = at_least;
	if (!over || !under)
		return;
	dividend = total ? (double)over->total : over->net;
	divisor = total ? (double)under->total : under->net;
	set(goal, dividend / (divisor < 1 ? 1 : divisor));
	goal->how = arena_printf(judge->goals->arena, "%.0f / %.0f ns", dividend, divisor);
}

/* How much more the one costs, in nanoseconds. */
static void judge_difference(const struct judge *judge, const char *number, const char *text,
			     double limit, struct cost more, struct cost less)
{
	struct goal *goal = add(judge, number, text, limit, "ns");
	const struct result *with = find(judge, &more), *without = find(judge, &less);

	if (!with || !without)
		return;
	set(goal, with->net - without->net);
	goal->how = arena_printf(judge->goals->arena, "%d − %d ns", with->net, without->net);
}

static void judge_absent(const struct judge *judge, const char *number, const char *text,
			 double limit, const char *unit, const char *why_not)
{
	struct goal *goal = add(judge, number, text, limit, unit);

	goal->why_not = why_not;
	goal->at_least = strcmp(unit, "×") == 0;
}

/* ---- the goals, by their numbers ---- */

#define K1   (1u << 10)
#define K16  (1u << 14)
#define K64  (1u << 16)
#define K256 (1u << 18)
#define M1   (1u << 20)

/* What is not named is arriving, IPv4, the program alone, without own flows. */
#define COST(who, kind_, packets_, prefixes_, ...)                                                 \
	((struct cost){.contender = who,                                                           \
		       .kind = kind_,                                                              \
		       .packets = packets_,                                                        \
		       .prefixes = prefixes_,                                                      \
		       ##__VA_ARGS__})
#define FLAT(...) COST("flat", __VA_ARGS__)
#define MAPS(...) COST("maps", __VA_ARGS__)

static void judge_decisions(const struct judge *judge)
{
	judge_net(judge, "1", "full decision, pass, 50 rules, IPv4", 15,
		  FLAT(TRAFFIC_SERVED, K1, 50));
	judge_net(judge, "1", "full decision, pass, 50 rules, IPv6", 25,
		  FLAT(TRAFFIC_SERVED, K1, 50, .v6 = true));
	judge_net(judge, "1", "one warm packet, IPv4", 8, FLAT(TRAFFIC_SERVED, 1, 50));
	judge_difference(judge, "1", "`live` and `shape` add", 7,
			 COST(variant_names[VARIANT_MEDIA], TRAFFIC_MEDIA, K1, 50),
			 FLAT(TRAFFIC_MEDIA, K1, 50));
	for (uint8_t family = 4; family <= 6; family += 2) {
		const bool v6 = family == 6;

		judge_ratio(judge, "2",
			    v6 ? "100k prefixes against 50, IPv6"
			       : "100k prefixes against 50, IPv4",
			    1.3, false, FLAT(TRAFFIC_SERVED, K1, 100000, .v6 = v6),
			    FLAT(TRAFFIC_SERVED, K1, 50, .v6 = v6));
		judge_ratio(judge, "2",
			    v6 ? "1M prefixes against 50, IPv6" : "1M prefixes against 50, IPv4",
			    1.3, false, FLAT(TRAFFIC_SERVED, K1, 1000000, .v6 = v6),
			    FLAT(TRAFFIC_SERVED, K1, 50, .v6 = v6));
	}
}

static void judge_floods(const struct judge *judge)
{
	judge_net(judge, "3", "deny flood, random sources, 1k prefixes", 20,
		  FLAT(TRAFFIC_STRANGER, M1, 1000));
	judge_net(judge, "3", "the same, 10k prefixes", 35, FLAT(TRAFFIC_STRANGER, M1, 10000));
	judge_net(judge, "3", "the same, 100k prefixes", 90, FLAT(TRAFFIC_STRANGER, M1, 100000));
	judge_net(judge, "3", "the same, 1M prefixes", 90, FLAT(TRAFFIC_STRANGER, M1, 1000000));
	judge_net(judge, "3", "the same, 100k prefixes, IPv6", 90,
		  FLAT(TRAFFIC_STRANGER, M1, 100000, .v6 = true));
}

static void judge_others(const struct judge *judge)
{
	static const struct {
		size_t prefixes;
		double maps;
		double nft; /* 0: no goal */
		const char *maps_text;
		const char *nft_text;
	} sizes[] = {
		{50, 6, 0, "`maps` against `flat`, 50 prefixes", NULL},
		{1000, 0, 6, NULL, "nft netdev against flat, whole packet, drop, 1k prefixes"},
		{10000, 10, 8, "`maps` against `flat`, 10k prefixes",
		 "nft netdev against flat, whole packet, drop, 10k prefixes"},
		{100000, 12, 20, "`maps` against `flat`, 100k prefixes",
		 "nft netdev against flat, whole packet, drop, 100k prefixes"},
	};
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);

	for (size_t i = 0; i < count; i++)
		if (sizes[i].maps > 0)
			judge_ratio(judge, "4", sizes[i].maps_text, sizes[i].maps, true,
				    MAPS(TRAFFIC_SERVED, K1, sizes[i].prefixes),
				    FLAT(TRAFFIC_SERVED, K1, sizes[i].prefixes));
	for (size_t i = 0; i < count; i++)
		if (sizes[i].nft > 0)
			judge_ratio(
				judge, "5", sizes[i].nft_text, sizes[i].nft, true,
				COST("nft netdev", TRAFFIC_STRANGER, K1, sizes[i].prefixes,
				     .way = WAY_STACK),
				FLAT(TRAFFIC_STRANGER, K1, sizes[i].prefixes, .way = WAY_STACK));
	judge_ratio(judge, "5", "nft + conntrack against flat, the same, 1k prefixes", 15, true,
		    COST("nft conntrack", TRAFFIC_STRANGER, K1, 1000, .way = WAY_STACK),
		    FLAT(TRAFFIC_STRANGER, K1, 1000, .way = WAY_STACK));
	judge_absent(judge, "6", "bpfilter's sets against flat, 50 prefixes", 12, "×",
		     "Debian has no bpfilter");
	judge_ratio(judge, "6", "xdp-filter against flat, one warm packet", 8, true,
		    COST("xdp-filter", TRAFFIC_SERVED, 1, 50), FLAT(TRAFFIC_SERVED, 1, 50));
}

static void judge_flows(const struct judge *judge)
{
#define FLOOD(kind) FLAT(kind, K64, 50, .flows = K1)
	judge_net(judge, "7", "reply of an own flow, 1k flows", 20,
		  FLAT(TRAFFIC_FLOW, K1, 50, .flows = K1));
	judge_net(judge, "7", "reply of an own flow, 16k flows", 70,
		  FLAT(TRAFFIC_FLOW, K16, 50, .flows = K16));
	judge_net(judge, "7", "reply of an own flow, 256k flows", 150,
		  FLAT(TRAFFIC_FLOW, K256, 50, .flows = K256));
	/* A segment that could belong to a flow, against a SYN, which can't. */
	judge_difference(judge, "7", "state adds to denied floods, ports that own no flow", 3,
			 FLOOD(TRAFFIC_UNOWNED_ACK), FLOOD(TRAFFIC_UNOWNED_SYN));
	judge_difference(judge, "7", "state adds to denied floods, ports that own flows", 45,
			 FLOOD(TRAFFIC_OWNED_ACK), FLOOD(TRAFFIC_OWNED_SYN));
#undef FLOOD
}

static void judge_egress(const struct judge *judge)
{
	judge_net(judge, "9", "egress, answer to an in rule, over an empty tc program", 25,
		  FLAT(TRAFFIC_SERVED, K1, 50, .direction = DIRECTION_OUT));
	judge_net(judge, "9", "egress, own flow, over an empty tc program", 25,
		  FLAT(TRAFFIC_FLOW, K1, 50, .direction = DIRECTION_OUT, .flows = K1));
}

/* ---- reloads ---- */

static void judge_step(const struct judge *judge, const struct reload_figures *figures,
		       const char *text, double limit, size_t prefixes, enum reload_step step,
		       double (*value)(const struct reload_figure *))
{
	struct goal *goal = add(judge, "8", text, limit, "ms");
	const struct reload *reload = reload_find(figures, prefixes);

	if (!reload)
		return;
	if (!reload->steps[step].has_steps) {
		goal->why_not = "apply tells no steps";
		return;
	}
	set(goal, value(&reload->steps[step]));
	goal->how = arena_printf(judge->goals->arena, "%s; the whole command %.0f ms",
				 reload_names[step], reload->steps[step].whole);
}

static double flat_of(const struct reload_figure *figure)
{
	return figure->flat;
}

static double tries_of(const struct reload_figure *figure)
{
	return figure->tries;
}

static void judge_reloads(const struct judge *judge, const struct reload_figures *figures)
{
	const struct reload *reload = reload_find(figures, 1000000);
	struct goal *goal;

	judge_step(judge, figures, "flat index rebuilt and swapped, 100k prefixes", 100, 100000,
		   RELOAD_LITTLE, flat_of);
	judge_step(judge, figures, "flat index rebuilt and swapped, 1M prefixes", 1000, 1000000,
		   RELOAD_LITTLE, flat_of);
	judge_step(judge, figures, "LPM tries, cold, 1M prefixes", 5000, 1000000, RELOAD_COLD,
		   tries_of);
	goal = add(judge, "8", "LPM tries by difference, an entry, 1M prefixes", 3, "µs");
	if (!reload || !reload->steps[RELOAD_MUCH].written)
		return;
	set(goal,
	    reload->steps[RELOAD_MUCH].write * 1e3 / (double)reload->steps[RELOAD_MUCH].written);
	goal->how =
		arena_printf(judge->goals->arena, "%zu entries in %.0f ms",
			     reload->steps[RELOAD_MUCH].written, reload->steps[RELOAD_MUCH].write);
}

/* ---- memory: the worst of the populations of that size ---- */

static uint64_t flat_bytes(const struct rebuild_figure *figure)
{
	return figure->flat_bytes;
}

/* The kernel accounts for entries alone, not for the nodes between them. */
static uint64_t tries_bytes(const struct rebuild_figure *figure)
{
	return figure->slab_bytes > figure->tries_bytes ? figure->slab_bytes : figure->tries_bytes;
}

static void judge_bytes(const struct judge *judge, const struct rebuild_figures *figures,
			const char *text, double limit, size_t prefixes,
			uint64_t (*value)(const struct rebuild_figure *))
{
	struct goal *goal = add(judge, "10", text, limit, "MiB");
	const struct rebuild_figure *worst = rebuild_worst(figures, prefixes, value);

	if (!worst)
		return;
	set(goal, (double)value(worst) / MIB);
	goal->how = arena_printf(judge->goals->arena, "%s: %zu IPv4, %zu IPv6",
				 population_names[worst->population], worst->prefixes[0],
				 worst->prefixes[1]);
}

static void judge_memory(const struct judge *judge, const struct rebuild_figures *figures)
{
	judge_bytes(judge, figures, "memory of the flat index, 1k prefixes", 8, 1000, flat_bytes);
	judge_bytes(judge, figures, "memory of the flat index, 1M prefixes", 64, 1000000,
		    flat_bytes);
	judge_bytes(judge, figures, "memory of the LPM tries, 1M prefixes", 160, 1000000,
		    tries_bytes);
}

void goals_judge(const struct results *results, const struct rebuild_figures *rebuilds,
		 const struct reload_figures *reloads, struct goals *goals)
{
	const struct judge judge = {results, goals};

	judge_decisions(&judge);
	judge_floods(&judge);
	judge_others(&judge);
	judge_flows(&judge);
	judge_reloads(&judge, reloads);
	judge_egress(&judge);
	judge_memory(&judge, rebuilds);
}
