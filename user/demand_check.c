/* SPDX-License-Identifier: BSD-2-Clause */
#include "demand_check.h"

#include <string.h>

#include "flow_rule.h"
#include "pairing.h"

struct checker {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
	const struct instance *instance; /* whose demands are looked at */
};

/* ------------------------------------------------------------ what is in force ------------------
 */

/* Both ends are bound and there is something to open. */
static bool is_live(const struct checker *checker, const struct pairing *pairing)
{
	return pairing_is_bound(pairing) &&
	       pairing_is_in_force(checker->arena, checker->policy, pairing);
}

/* From what to what; NULL stands for anybody. A role in both is one that only reaches itself. */
static bool is_opened(const struct checker *checker, const struct binding *from,
		      const struct binding *to)
{
	const struct policy *policy = checker->policy;

	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		if ((!from || pairing->from->binding == from) &&
		    (!to || pairing->to->binding == to) && is_live(checker, pairing))
			return true;
	}
	return false;
}

static const struct binding *find_role(const struct checker *checker, const char *role)
{
	return policy_binding(checker->policy,
			      arena_printf(checker->arena, "%s/%s", checker->instance->name, role));
}

static const struct binding *first_bound(const struct checker *checker, const word_list *end)
{
	const struct catalog *catalog = checker->instance->catalog;

	list_for_each (word, end) {
		const struct group *group = catalog_group(catalog, word->text);
		const struct binding *binding = group ? first_bound(checker, &group->roles)
						      : find_role(checker, word->text);

		if (binding && binding->member_count)
			return binding;
	}
	return NULL;
}

/* ------------------------------------------------------------ the finding -----------------------
 */

/* what: what is otherwise than demanded. */
static void report(const struct checker *checker, const struct demand *demand, struct position at,
		   const char *what)
{
	const char *title = checker->instance->catalog->title;

	diagnostics_add(checker->diagnostics,
			demand->only_warns ? SEVERITY_WARNING : SEVERITY_ERROR, at, "%s%s%s%s",
			what, demand->say ? ": " : "", demand->say ? demand->say : "",
			cites_format(checker->arena, title, &demand->cite));
}

static const char *quoted_list(struct arena *arena, const char *instance, const word_list *words)
{
	const char *text = "";

	list_for_each (word, words)
		text = arena_printf(arena, "%s%s`%s/%s`", text, *text ? ", " : "", instance,
				    word->text);
	return text;
}

/* ------------------------------------------------------------ at-least-one ----------------------
 */

static bool flow_is_live(const struct checker *checker, const struct flow_rule *flow)
{
	const struct policy *policy = checker->policy;

	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		if (pairing->instance == checker->instance && pairing->flow == flow &&
		    is_live(checker, pairing))
			return true;
	}
	return false;
}

/* Of a switch, a choice or ports that the site sets and the flow asks for: the place. */
static bool find_setting(const struct checker *checker, const struct flow_rule *flow,
			 struct position *ret_at)
{
	const struct catalog *catalog = checker->instance->catalog;
	word_list names = {0};

	list_for_each (condition, &flow->when)
		*arena_push(checker->arena, &names) = (struct word){.text = condition->name};
	list_for_each (term, &flow->allow) {
		const char *name =
			term->kind == SERVICE_PARAMETER ? term->parameter : term->ports.parameter;

		if (name)
			*arena_push(checker->arena, &names) = (struct word){.text = name};
	}
	list_for_each (name, &names) {
		const struct parameter *parameter = catalog_parameter(catalog, name->text);
		const struct setting *setting =
			parameter ? &checker->instance
					     ->settings[parameter - catalog->parameters.items]
				  : NULL;

		if (!setting || !setting->is_set)
			continue;
		*ret_at = setting->value.at;
		return true;
	}
	return false;
}

/* Where the site file takes the flow away, else where the role is bound that it would serve. */
static struct position why_not(const struct checker *checker, const struct flow_rule *flow,
			       const struct binding *from)
{
	const struct instance *instance = checker->instance;
	const struct site_without *without =
		instance->without[flow - instance->catalog->flows.items];
	struct position at;

	if (without)
		return without->at;
	return find_setting(checker, flow, &at) ? at : from->members[0].at;
}

static void check_at_least_one(const struct checker *checker, const struct demand *demand)
{
	const struct instance *instance = checker->instance;
	struct position at = {0};
	bool is_due = false;

	list_for_each (name, &demand->names) {
		const struct flow_rule *flow = catalog_flow(instance->catalog, name->text);
		const struct binding *from = first_bound(checker, &flow->from);

		if (!from || !first_bound(checker, &flow->to))
			continue;
		if (flow_is_live(checker, flow))
			return;
		if (!is_due)
			at = why_not(checker, flow, from);
		is_due = true;
	}
	if (is_due)
		report(checker, demand, at,
		       arena_printf(checker->arena, "none of the flows %s is in force",
				    quoted_list(checker->arena, instance->name, &demand->names)));
}

/* ------------------------------------------------------------ not-together ----------------------
 */

static void check_not_together(const struct checker *checker, const struct demand *demand)
{
	const struct binding *last = NULL;
	word_list bound = {0};

	list_for_each (name, &demand->names) {
		const struct binding *binding = find_role(checker, name->text);

		if (!binding || !binding->member_count)
			continue;
		*arena_push(checker->arena, &bound) = *name;
		if (!last || binding->members[0].at.line >= last->members[0].at.line)
			last = binding;
	}
	if (!bound.count || (bound.count == 1 && demand->names.count > 1))
		return;
	report(checker, demand, last->members[0].at,
	       arena_printf(checker->arena, "%s %s",
			    quoted_list(checker->arena, checker->instance->name, &bound),
			    bound.count > 1 ? "must not be bound together"
					    : "must not be bound here"));
}

/* ------------------------------------------------------------ all-reach -------------------------
 */

/* Who has both roles on each of its hosts reaches the other without a packet. */
static bool lives_with(const struct binding *binding, const struct binding *other)
{
	for (size_t i = 0; i < binding->member_count; i++) {
		const struct site_host *host = binding->members[i].host;
		bool found = false;

		for (size_t j = 0; host && j < other->member_count; j++)
			found |= other->members[j].host == host;
		if (!found)
			return false;
	}
	return true;
}

/*
 * Of every bound role but those of others: what is outside, and what opens nothing at all (a
 * database, a gateway that is only called), as that is nobody's client.
 */
static void check_all_reach(const struct checker *checker, const struct demand *demand)
{
	const struct policy *policy = checker->policy;
	const struct binding *target = find_role(checker, demand->names.items[0].text);

	for (size_t i = 0; target->member_count && i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];

		if (binding->instance != checker->instance || binding == target ||
		    binding->role->outside || !binding->member_count ||
		    lives_with(binding, target) || !is_opened(checker, binding, NULL) ||
		    is_opened(checker, binding, target))
			continue;
		report(checker, demand, binding->members[0].at,
		       arena_printf(checker->arena, "`%s` has no flow in force to `%s`",
				    binding->id, target->id));
	}
}

/* ------------------------------------------------------------ counts ----------------------------
 */

/* How many addresses, up to one more than a document ever counts. */
static uint64_t count_addresses(struct arena *arena, const struct binding *binding)
{
	struct prefix_list all = {0};
	uint64_t count = 0;

	for (size_t i = 0; i < binding->member_count; i++) {
		list_for_each (prefix, &binding->members[i].addresses)
			prefix_list_add(arena, &all, prefix);
	}
	prefix_list_normalize(&all);
	list_for_each (prefix, &all) {
		unsigned bits = address_bits(&prefix->address) - prefix->length;

		count += bits < 32 ? (uint64_t)1 << bits : (uint64_t)1 << 32;
	}
	return count;
}

static void check_count(const struct checker *checker, const struct binding *binding)
{
	unsigned due = binding->role->count;
	uint64_t count;

	if (!due || !binding->member_count ||
	    (!is_opened(checker, binding, NULL) && !is_opened(checker, NULL, binding)))
		return;
	count = count_addresses(checker->arena, binding);
	if (count != due)
		diagnostics_error(checker->diagnostics, binding->members[0].at,
				  "`%s` has %llu address%s, and %s has exactly %u: bind all "
				  "of them and no other",
				  binding->id, (unsigned long long)count, count == 1 ? "" : "es",
				  binding->instance->catalog->title, due);
}

static void check_demand(const struct checker *checker, const struct demand *demand)
{
	if (!conditions_hold(checker->arena, checker->policy, checker->instance, &demand->when))
		return;
	switch (demand->kind) {
	case DEMAND_AT_LEAST_ONE:
		check_at_least_one(checker, demand);
		break;
	case DEMAND_NOT_TOGETHER:
		check_not_together(checker, demand);
		break;
	case DEMAND_ALL_REACH:
		check_all_reach(checker, demand);
		break;
	}
}

void demands_check(struct arena *arena, struct diagnostics *diagnostics,
		   const struct policy *policy)
{
	struct checker checker = {arena, diagnostics, policy, NULL};

	for (size_t i = 0; i < policy->instance_count; i++) {
		checker.instance = &policy->instances[i];
		list_for_each (demand, &checker.instance->catalog->demands)
			check_demand(&checker, demand);
	}
	for (size_t i = 0; i < policy->binding_count; i++)
		check_count(&checker, &policy->bindings[i]);
}
