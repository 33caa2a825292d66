/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model against the programs: random policies and packets through user/model.c and through the
 * loaded programs in both encodings, side by side, compared on verdict, judgement, reason and rule.
 *
 *     differential [--packets N] [--policies N] [--seed S] [--skip N] [--model] [-v]
 *
 * The first disagreement ends the run with everything that is needed to see it again.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../user/failure.h"
#include "../../user/judge.h"
#include "../../user/words.h"
#include "random_packet.h"
#include "random_policy.h"

enum {
	PACKETS_DEFAULT = 200000,
	POLICIES_DEFAULT = 100,
	RESET_EVERY = 700, /* packets, about */
	SWAP_EVERY = 2000, /* packets, about: a swap costs as much as thousands of packets */
	/* A run this long must have met every reason that a judge can give. */
	COVERAGE_PACKETS_MIN = 100000,
};

enum judges {
	JUDGE_MODEL,
	JUDGE_MAPS,
	JUDGE_FLAT,
	JUDGE_COUNT,
};

static const char *const judge_names[] = {"model", "maps", "flat"};

struct options {
	uint64_t packets;
	uint64_t policies;
	uint64_t seed;
	uint64_t skip;
	bool model_only; /* the generator and its coverage, without a kernel */
	bool verbose;
};

struct run {
	struct options options;
	uint64_t per_policy;
	uint64_t packets;
	uint64_t met[DIRECTION_COUNT][REASON_COUNT];
};

/* One policy with its judges. */
struct bout {
	uint64_t number;
	const struct host_policy *policy;
	struct judge *judges[JUDGE_COUNT];
	struct judgement judgements[JUDGE_COUNT];
	uint64_t position; /* of the packet, from 0 */
	uint64_t now;
	struct random_packet packet;
};

/* ------------------------------------------------------------ comparing -------------------------
 */

static bool rules_agree(const struct rule *a, const struct rule *b)
{
	if (!a || !b)
		return a == b;
	return a->direction == b->direction && strcmp(a->id, b->id) == 0;
}

static bool judgements_agree(const struct judgement *a, const struct judgement *b)
{
	return a->verdict == b->verdict && a->judged == b->judged && a->reason == b->reason &&
	       rules_agree(a->rule, b->rule);
}

static void print_judgement(const char *name, const struct judgement *judgement)
{
	printf("  %-6s verdict %s, judged %s, reason %s, rule %s%s\n", name,
	       verdict_name(judgement->verdict), verdict_name(judgement->judged),
	       reason_name(judgement->reason), judgement->rule ? judgement->rule->id : "none",
	       !judgement->rule				    ? ""
	       : judgement->rule->direction == DIRECTION_IN ? " (in)"
							    : " (out)");
}

static void print_packet(const struct bout *bout)
{
	printf("packet %" PRIu64 " of policy %" PRIu64 ", %s, at %" PRIu64
	       " ms, %s, %s, %zu bytes:\n  ",
	       bout->position, bout->number, direction_name(bout->packet.direction), bout->now,
	       bout->packet.bound ? "bound" : "not bound",
	       bout->packet.has_payload ? "payload meant" : "payload not meant",
	       bout->packet.length);
	for (size_t i = 0; i < bout->packet.length; i++)
		printf("%02x", bout->packet.frame[i]);
	putchar('\n');
}

static void print_disagreement(const struct run *run, const struct bout *bout)
{
	printf("\nthe judges disagree\n\n");
	print_policy(bout->policy, stdout);
	putchar('\n');
	print_packet(bout);
	for (int i = 0; i < JUDGE_COUNT; i++)
		if (bout->judges[i])
			print_judgement(judge_names[i], &bout->judgements[i]);
	printf("\nto see it again:\n  differential --seed %" PRIu64 " --skip %" PRIu64
	       " --policies 1 --packets %" PRIu64 "%s -v\n",
	       run->options.seed, bout->number, bout->position + 1,
	       run->options.model_only ? " --model" : "");
}

/* ------------------------------------------------------------ judging ---------------------------
 */

static void close_judges(struct bout *bout)
{
	for (int i = 0; i < JUDGE_COUNT; i++)
		if (bout->judges[i])
			bout->judges[i]->free(bout->judges[i]);
}

static int open_judges(const struct run *run, struct bout *bout)
{
	static const enum lookup lookups[JUDGE_COUNT] = {
		[JUDGE_MAPS] = LOOKUP_MAPS,
		[JUDGE_FLAT] = LOOKUP_FLAT,
	};
	struct failure failure = {0};
	int error = model_new(bout->policy, &bout->judges[JUDGE_MODEL]);

	if (error) {
		fprintf(stderr, "no model: %s\n", strerror(-error));
		return error;
	}
	for (int i = JUDGE_MAPS; !run->options.model_only && i < JUDGE_COUNT; i++) {
		error = kernel_judge_new(bout->policy, lookups[i], &failure, &bout->judges[i]);
		if (error) {
			fprintf(stderr, "policy %" PRIu64 " cannot be loaded: %s\n", bout->number,
				failure.message);
			return error;
		}
	}
	return 0;
}

static int reset_judges(struct bout *bout)
{
	int error = 0;

	for (int i = 0; !error && i < JUDGE_COUNT; i++)
		if (bout->judges[i])
			error = bout->judges[i]->reset(bout->judges[i]);
	return error;
}

/*
 * Another policy in mid-flow, as a reload does: half the time a new one, else the same without some
 * of its rules, in another order and mode, so that many flows are judged again and some of them
 * blocked.
 */
static const struct host_policy *next_policy(struct arena *arena, struct random *random,
					     const struct host_policy *old)
{
	struct host_policy *next = random_policy(arena, random);
	struct rule *rules;

	/* A reload keeps the tables, so their bounds as well. */
	next->flows = old->flows;
	next->fragments = old->fragments;
	if (random_below(random, 2) || !old->rule_count)
		return next;
	rules = arena_alloc(arena, old->rule_count * sizeof(*rules));
	next->own = old->own;
	next->floating = old->floating;
	next->rules = rules;
	next->rule_count = 0;
	for (size_t i = 0; i < old->rule_count; i++)
		if (i == 0 || random_below(random, 3))
			rules[next->rule_count++] = old->rules[old->rule_count - 1 - i];
	next->peers = old->peers;
	next->peer_count = old->peer_count;
	return next;
}

static int swap_judges(struct bout *bout, const struct host_policy *policy)
{
	struct failure failure = {0};
	int error = 0;

	for (int i = 0; !error && i < JUDGE_COUNT; i++)
		if (bout->judges[i])
			error = bout->judges[i]->swap(bout->judges[i], policy, &failure);
	if (error)
		fprintf(stderr, "policy %" PRIu64 " cannot be swapped: %s\n", bout->number,
			failure.message);
	else
		bout->policy = policy;
	return error;
}

/* 0, -EILSEQ if they disagree, or another -errno of a judge. */
static int judge_packet(struct bout *bout)
{
	const struct random_packet *packet = &bout->packet;
	int error;

	for (int i = 0; i < JUDGE_COUNT; i++) {
		if (!bout->judges[i])
			continue;
		bout->judges[i]->bound = packet->bound ? BOUND_YES : BOUND_NO;
		bout->judges[i]->has_payload = packet->has_payload;
		error = bout->judges[i]->judge(bout->judges[i], packet->direction, packet->frame,
					       packet->length, bout->now, &bout->judgements[i]);
		if (error) {
			printf("the judge \"%s\" failed: %s\n", judge_names[i], strerror(-error));
			return error;
		}
	}
	for (int i = JUDGE_MAPS; i < JUDGE_COUNT; i++)
		if (bout->judges[i] &&
		    !judgements_agree(&bout->judgements[JUDGE_MODEL], &bout->judgements[i]))
			return -EILSEQ;
	return 0;
}

static void count(struct run *run, const struct bout *bout)
{
	run->packets++;
	run->met[bout->packet.direction][bout->judgements[JUDGE_MODEL].reason]++;
	if (run->options.verbose) {
		print_packet(bout);
		print_judgement(judge_names[JUDGE_MODEL], &bout->judgements[JUDGE_MODEL]);
	}
}

/* What may come between two packets: nothing, a fresh start, or a reload. */
static int intervene(const struct run *run, struct bout *bout, struct arena *arena,
		     struct packet_source *source)
{
	int error;

	if (random_below(source->random, RESET_EVERY) == 0) {
		bout->now = 0;
		return reset_judges(bout);
	}
	if (random_below(source->random, SWAP_EVERY) != 0)
		return 0;
	error = swap_judges(bout, next_policy(arena, source->random, bout->policy));
	source->policy = bout->policy;
	if (!error && run->options.verbose)
		print_policy(bout->policy, stdout);
	return error;
}

static int run_packets(struct run *run, struct bout *bout, struct arena *arena,
		       struct packet_source *source)
{
	int error;

	for (bout->position = 0; bout->position < run->per_policy; bout->position++) {
		error = intervene(run, bout, arena, source);
		if (error)
			return error;
		random_packet(source, &bout->packet);
		bout->now += bout->packet.after_ms;
		error = judge_packet(bout);
		if (error == -EILSEQ)
			print_disagreement(run, bout);
		else if (error)
			print_packet(bout);
		if (error)
			return error;
		count(run, bout);
	}
	return 0;
}

static int run_policy(struct run *run, uint64_t number)
{
	struct random random = random_seeded(run->options.seed, number);
	struct arena *arena = arena_new();
	struct packet_source *source = arena_alloc(arena, sizeof(*source));
	struct bout bout = {.number = number};
	int error;

	bout.policy = random_policy(arena, &random);
	source->random = &random;
	source->policy = bout.policy;
	for (size_t i = 0; i < sizeof(source->payload); i++)
		source->payload[i] = (uint8_t)i;
	if (run->options.verbose)
		print_policy(bout.policy, stdout);
	error = open_judges(run, &bout);
	if (!error)
		error = run_packets(run, &bout, arena, source);
	close_judges(&bout);
	arena_free(arena);
	return error;
}

/* ------------------------------------------------------------ coverage --------------------------
 */

/* A judge is given this host's own packets only, so nothing is ever in transit. */
static bool can_be_met(enum direction direction, enum reason reason)
{
	switch (reason) {
	case REASON_NONE:
	case REASON_TRANSIT:
		return false;
	case REASON_MIRROR:
	case REASON_FLOW_TABLE_FULL:
	case REASON_FLOW_PEER_FULL:
		return direction == DIRECTION_OUT;
	case REASON_FORWARDED:
	case REASON_SPOOFED:
	case REASON_ICMP_LIMITED:
	case REASON_NOT_BOUND:
	case REASON_LIMITED:
	case REASON_SHAPE:
	case REASON_WRONG_ADDRESS:
		return direction == DIRECTION_IN;
	default:
		return true;
	}
}

/* How many reasons were not met that could have been. */
static unsigned print_coverage(const struct run *run)
{
	unsigned missing = 0;

	printf("%-22s %10s %10s\n", "reason", "in", "out");
	for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		printf("%-22s", reason_name((enum reason)reason));
		for (int direction = 0; direction < DIRECTION_COUNT; direction++) {
			uint64_t met = run->met[direction][reason];

			if (!can_be_met((enum direction)direction, (enum reason)reason)) {
				printf(" %10s", met ? "IMPOSSIBLE" : "-");
				missing += met > 0;
				continue;
			}
			printf(" %10" PRIu64 "%s", met, met ? "" : " <- never");
			missing += met == 0;
		}
		putchar('\n');
	}
	return missing;
}

/* ------------------------------------------------------------ command line ----------------------
 */

static uint64_t number_option(const char *name, const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-') {
		fprintf(stderr, "--%s is \"%s\"; it must be a whole number\n", name, text);
		exit(2);
	}
	return value;
}

static uint64_t seed_of_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static struct options read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"packets", required_argument, NULL, 'n'},
		{"policies", required_argument, NULL, 'p'},
		{"seed", required_argument, NULL, 's'},
		{"skip", required_argument, NULL, 'k'},
		{"model", no_argument, NULL, 'm'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {
		PACKETS_DEFAULT, POLICIES_DEFAULT, seed_of_now(), 0, false, false};
	int option;

	while ((option = getopt_long(argc, argv, "v", known, NULL)) != -1) {
		if (option == 'n')
			options.packets = number_option("packets", optarg);
		else if (option == 'p')
			options.policies = number_option("policies", optarg);
		else if (option == 's')
			options.seed = number_option("seed", optarg);
		else if (option == 'k')
			options.skip = number_option("skip", optarg);
		else if (option == 'm')
			options.model_only = true;
		else if (option == 'v')
			options.verbose = true;
		else
			exit(2);
	}
	if (optind < argc || !options.policies || !options.packets) {
		fprintf(stderr, "usage: differential [--packets N] [--policies N] [--seed S] "
				"[--skip N] [--model] [-v], N at least 1\n");
		exit(2);
	}
	return options;
}

int main(int argc, char **argv)
{
	struct run run = {.options = read_options(argc, argv)};
	uint64_t policies = run.options.policies;
	unsigned missing;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (policies > run.options.packets)
		policies = run.options.packets;
	run.per_policy = (run.options.packets + policies - 1) / policies;
	printf("seed %" PRIu64 "\n", run.options.seed);
	for (uint64_t i = 0; i < policies; i++)
		if (run_policy(&run, run.options.skip + i))
			return 1;
	missing = print_coverage(&run);
	printf("%" PRIu64 " packets, %" PRIu64 " policies: %s\n", run.packets, policies,
	       run.options.model_only ? "the model alone" : "model, maps and flat agree");
	if (missing && run.packets >= COVERAGE_PACKETS_MIN) {
		printf("%u reasons are not met as they should be: the test proves less than it "
		       "says\n",
		       missing);
		return 1;
	}
	return 0;
}
