/* SPDX-License-Identifier: BSD-2-Clause */
#include "forbid_check.h"

#include <string.h>

#include "binding.h"
#include "flow_rule.h"
#include "pairing.h"

struct checker {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
};

static bool is_site(const struct instance *instance)
{
	return !strcmp(instance->name, "site");
}

/* ------------------------------------------------------------ between whom ----------------------
 */

/* Both are normalized, so the one that ends first is done with. */
static bool lists_meet(const struct prefix_list *a, const struct prefix_list *b)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		if (prefix_covers(&a->items[i], &b->items[j]) ||
		    prefix_covers(&b->items[j], &a->items[i]))
			return true;
		if (prefix_compare(&a->items[i], &b->items[j]) < 0)
			i++;
		else
			j++;
	}
	return false;
}

/* A role that is bound to any is "the others": an address that is written somewhere is not meant.
 */
static bool members_meet(const struct end *forbidden, const struct end_member *one,
			 const struct end_member *other)
{
	if (forbidden->binding && addresses_are_any(one->addresses))
		return addresses_are_any(other->addresses);
	/* Behind NAT a host has other addresses for those that write them down. */
	return lists_meet(one->addresses, other->addresses) ||
	       (one->seen && other->seen && lists_meet(one->seen, other->seen));
}

/* Roles are told apart by name, also where they share a host; all else by addresses. */
static bool ends_meet(const struct end *forbidden, const struct end *end)
{
	if (forbidden->binding && end->binding)
		return forbidden->binding == end->binding;
	for (size_t i = 0; i < forbidden->member_count; i++) {
		for (size_t j = 0; j < end->member_count; j++) {
			if (members_meet(forbidden, &forbidden->members[i], &end->members[j]))
				return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------ which services --------------------
 */

static void add_common(const struct checker *checker, const struct pairing *forbid,
		       const struct site_host *forbidden_host, const struct pairing *pairing,
		       const struct site_host *host, struct service_list *common)
{
	struct service_list forbidden = {0}, opened = {0};
	struct lack lack;

	if (!pairing_services(checker->arena, checker->policy, pairing, host, &opened, &lack))
		return;
	if (forbid->forbid->any_service) {
		list_for_each (service, &opened)
			service_list_add(checker->arena, common, service->protocol,
					 &service->ports);
	} else if (pairing_services(checker->arena, checker->policy, forbid, forbidden_host,
				    &forbidden, &lack)) {
		service_list_intersect(checker->arena, &forbidden, &opened, common);
	}
}

/* What both name, at some host at "to". */
static struct service_list find_common(const struct checker *checker, const struct pairing *forbid,
				       const struct pairing *pairing)
{
	const struct end *forbidden = forbid->to, *to = pairing->to;
	struct service_list common = {0};

	if (forbidden->binding && forbidden->binding == to->binding) {
		if (!to->member_count)
			add_common(checker, forbid, NULL, pairing, NULL, &common);
		for (size_t i = 0; i < to->member_count; i++)
			add_common(checker, forbid, to->members[i].host, pairing,
				   to->members[i].host, &common);
		return common;
	}
	for (size_t i = 0; i < forbidden->member_count; i++) {
		for (size_t j = 0; j < to->member_count; j++) {
			if (members_meet(forbidden, &forbidden->members[i], &to->members[j]))
				add_common(checker, forbid, forbidden->members[i].host, pairing,
					   to->members[j].host, &common);
		}
	}
	return common;
}

/* ------------------------------------------------------------ the finding -----------------------
 */

static bool is_excepted(struct arena *arena, const struct pairing *forbid,
			const struct pairing *pairing)
{
	const char *id = pairing->flow->id.text;

	if (forbid->instance != pairing->instance)
		id = arena_printf(arena, "%s/%s", pairing->instance->name, id);
	list_for_each (word, &forbid->forbid->except) {
		if (!strcmp(word->text, id))
			return true;
	}
	return false;
}

static const char *way_out(const struct pairing *forbid, const struct pairing *pairing)
{
	bool own_flow = is_site(pairing->instance);

	if (is_site(forbid->instance))
		return own_flow ? "take one of the two out, or name the flow in `except`"
				: "take the flow out with `without`, or name it in `except`";
	return own_flow ? "take the flow out, or open only what the document leaves open"
			: "set its parameters otherwise, or take it out with `without`";
}

static void report(const struct checker *checker, const struct pairing *forbid,
		   const struct pairing *pairing, const struct service_list *common)
{
	struct arena *arena = checker->arena;
	const char *place = "";

	if (is_site(forbid->instance))
		place = arena_printf(arena, " on line %u of the site file",
				     forbid->flow->id.at.line);
	diagnostics_error(
		checker->diagnostics, pairing->flow->id.at,
		"flow `%s/%s` opens %s from `%s` to `%s`, which `%s/%s`%s forbids%s: %s",
		pairing->instance->name, pairing->flow->id.text, service_list_format(arena, common),
		pairing->from->name, pairing->to->name, forbid->instance->name,
		forbid->flow->id.text, place,
		cites_format(arena, forbid->instance->catalog->title, &forbid->flow->cite),
		way_out(forbid, pairing));
}

/* Ends that were lists make many pairings of two words that contradict each other once. */
typedef LIST(struct contradiction {
	const struct forbid_rule *forbid;
	const struct instance *instance;
	const struct flow_rule *flow;
}) contradiction_list;

static bool is_known(const contradiction_list *known, const struct contradiction *contradiction)
{
	list_for_each (other, known) {
		if (other->forbid == contradiction->forbid &&
		    other->instance == contradiction->instance &&
		    other->flow == contradiction->flow)
			return true;
	}
	return false;
}

static void check_forbid(const struct checker *checker, const struct pairing *forbid,
			 const struct pairing *pairing, contradiction_list *known)
{
	struct contradiction contradiction = {forbid->forbid, pairing->instance, pairing->flow};
	struct service_list common;

	if (!is_site(forbid->instance) && !is_site(pairing->instance) &&
	    forbid->instance != pairing->instance)
		return;
	if (!ends_meet(forbid->from, pairing->from) || !ends_meet(forbid->to, pairing->to) ||
	    is_excepted(checker->arena, forbid, pairing) || is_known(known, &contradiction))
		return;
	common = find_common(checker, forbid, pairing);
	if (!common.count)
		return;
	*arena_push(checker->arena, known) = contradiction;
	report(checker, forbid, pairing, &common);
}

void forbids_check(struct diagnostics *diagnostics, const struct policy *policy)
{
	struct checker checker = {arena_new(), diagnostics, policy};
	contradiction_list known = {0};

	for (size_t i = 0; i < policy->forbid_count; i++) {
		for (size_t j = 0; j < policy->pairing_count; j++)
			check_forbid(&checker, &policy->forbids[i], &policy->pairings[j], &known);
	}
	arena_free(checker.arena);
}
