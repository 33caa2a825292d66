/* SPDX-License-Identifier: BSD-2-Clause */
#include "../include/bounds.h"
#include "precedence.h"

#include <errno.h>
#include <string.h>

#include "match.h"
#include "rule_options.h"

/* A match of an in rule, at local addresses that are never NULL. */
struct claim {
	size_t rule; /* index */
	struct match match;
};

typedef LIST(struct claim) claim_list;

struct checker {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct rule *rules;
	const struct position *places;
	claim_list claims; /* in the order of the rules */
	int error;
};

/* Is every option of a one of b's? */
static bool is_within(const struct checker *checker, const struct claim *a, const struct claim *b)
{
	return rule_options_subset(a->match.options, &checker->rules[a->rule].limit,
				   b->match.options, &checker->rules[b->rule].limit);
}

static bool is_comparable(const struct checker *checker, const struct claim *a,
			  const struct claim *b)
{
	return is_within(checker, a, b) || is_within(checker, b, a);
}

/* Most policies have one set of options, or sets that lie within each other: then any two rules are
 * comparable, and nothing needs to be looked for. */
static bool has_incomparable(const struct checker *checker)
{
	LIST(const struct claim *) kinds = {0};

	list_for_each (claim, &checker->claims) {
		bool known = false;

		list_for_each (kind, &kinds) {
			if (!is_comparable(checker, claim, *kind))
				return true;
			known |= is_within(checker, claim, *kind) &&
				 is_within(checker, *kind, claim);
		}
		if (!known)
			*arena_push(checker->arena, &kinds) = claim;
	}
	return false;
}

static void read_claims(struct checker *checker, size_t count)
{
	struct prefix_list *every = arena_alloc(checker->arena, sizeof(*every));

	prefix_list_add_unicast(checker->arena, every);
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &checker->rules[i];

		if (rule->direction != DIRECTION_IN)
			continue;
		for (size_t j = 0; j < rule->match_count; j++) {
			struct claim *claim = arena_push(checker->arena, &checker->claims);

			*claim = (struct claim){i, rule->matches[j]};
			if (!claim->match.local)
				claim->match.local = every;
		}
	}
}

/* Takes out of pieces what the rule that both give way to matches. False, after an error, if they
 * become too many. */
static bool settle(struct checker *checker, struct position at, match_list *pieces,
		   const struct match *settled)
{
	match_list left = {0};

	list_for_each (piece, pieces)
		match_subtract(checker->arena, piece, settled, &left);
	*pieces = left;
	if (left.count <= PRECEDENCE_PIECES_MAX)
		return true;
	diagnostics_error(checker->diagnostics, at,
			  "rules with options overlap in more than %u pieces "
			  "(PRECEDENCE_PIECES_MAX): give overlapping rules the same options",
			  PRECEDENCE_PIECES_MAX);
	checker->error = -E2BIG;
	return false;
}

/* What both claims match and no third one decides, in pieces. */
static void find_undecided(struct checker *checker, const struct claim *a, const struct claim *b,
			   match_list *pieces)
{
	struct match common;

	if (!match_common(checker->arena, &a->match, &b->match, &common))
		return;
	*arena_push(checker->arena, pieces) = common;
	list_for_each (third, &checker->claims) {
		if (!pieces->count)
			return;
		if (third->match.protocol == common.protocol && is_within(checker, third, a) &&
		    is_within(checker, third, b) &&
		    !settle(checker, checker->places[b->rule], pieces, &third->match))
			return;
	}
}

static const char *rule_text(struct checker *checker, const struct claim *claim)
{
	const struct rule *rule = &checker->rules[claim->rule];

	return arena_printf(
		checker->arena, "`%s` (%s)", rule->id,
		rule_options_format(checker->arena, claim->match.options, &rule->limit));
}

static void report(struct checker *checker, const struct claim *a, const struct claim *b,
		   const struct match *undecided)
{
	const struct position *first = &checker->places[a->rule];
	char source[ADDRESS_TEXT_MAX], target[ADDRESS_TEXT_MAX], protocol[16];

	diagnostics_error(checker->diagnostics, checker->places[b->rule],
			  "rule %s and, at %s:%u:%u, rule %s both match %s from %s to %s port %u, "
			  "and each has an option that the other has not: give both the same "
			  "options, or keep their ports or peers apart",
			  rule_text(checker, b), first->file ? first->file : "", first->line,
			  first->column, rule_text(checker, a),
			  protocol_name(undecided->protocol, protocol),
			  prefix_format(&undecided->remote->items[0], source),
			  prefix_format(&undecided->local->items[0], target),
			  undecided->local_ports.items[0].first);
	checker->error = -EINVAL;
}

/* Against all claims of later rules. told: by rule, whether it was reported beside a's. */
static void check_claim(struct checker *checker, const struct claim *a, bool *told)
{
	const struct claim *end = checker->claims.items + checker->claims.count;

	for (const struct claim *b = a + 1; b < end && checker->error != -E2BIG; b++) {
		match_list undecided = {0};

		if (b->rule == a->rule || told[b->rule] || is_comparable(checker, a, b))
			continue;
		find_undecided(checker, a, b, &undecided);
		if (checker->error == -E2BIG || !undecided.count)
			continue;
		told[b->rule] = true;
		report(checker, a, b, &undecided.items[0]);
	}
}

int precedence_check(struct diagnostics *diagnostics, const struct rule *rules,
		     const struct position *places, size_t count)
{
	struct checker checker = {
		.arena = arena_new(), .diagnostics = diagnostics, .rules = rules, .places = places};
	bool *told = arena_alloc(checker.arena, (count + 1) * sizeof(*told));
	unsigned options = 0;

	for (size_t i = 0; i < count; i++)
		options |= rules[i].options;
	if (options)
		read_claims(&checker, count);
	if (!has_incomparable(&checker))
		checker.claims.count = 0;
	list_for_each (claim, &checker.claims) {
		if (claim == checker.claims.items || claim->rule != claim[-1].rule)
			memset(told, 0, count * sizeof(*told));
		if (claim->match.options)
			check_claim(&checker, claim, told);
	}
	arena_free(checker.arena);
	return checker.error;
}
