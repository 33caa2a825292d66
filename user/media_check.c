/* SPDX-License-Identifier: BSD-2-Clause */
#include "media_check.h"

#include <string.h>

#include "media.h"
#include "pairing.h"
#include "rule_options.h"

#define MEDIA_OPTIONS (RULE_LIVE | RULE_SHAPE_RTP)
#define KINDS	      (MEDIA_OPTIONS / RULE_LIVE + 1)

struct media_checker {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
	const struct instance *instance;
	struct position at;
};

/* Flows that have the same of the two options. */
struct kind {
	unsigned options;
	const char *flows;
	const char *first;
};

static const char *append(struct arena *arena, const char *list, const char *item)
{
	return *list ? arena_printf(arena, "%s, %s", list, item) : item;
}

static void add_flow(struct arena *arena, struct kind *kinds, unsigned options, const char *flow)
{
	struct kind *kind = &kinds[options / RULE_LIVE];

	if (!kind->options) {
		*kind = (struct kind){options, flow, flow};
		return;
	}
	kind->flows = append(arena, kind->flows, flow);
}

/* Where a host of this file listens: elsewhere nothing is asked. True if it has media. */
static bool has_media(const struct media_checker *checker, const struct pairing *pairing,
		      bool *ret_listens)
{
	*ret_listens = false;
	for (size_t i = 0; i < pairing->to->member_count; i++) {
		const struct site_host *host = pairing->to->members[i].host;
		struct scope scope = {checker->arena, checker->policy, checker->instance, host};
		struct service_list services = {0}, media = {0};
		struct lack lack;

		if (!host ||
		    !pairing_services(checker->arena, checker->policy, pairing, host, &services,
				      &lack) ||
		    !services.count)
			continue;
		*ret_listens = true;
		media_services(&scope, pairing->allow, &services, &media);
		if (media.count)
			return true;
	}
	return false;
}

static void warn_of_none(const struct media_checker *checker, const struct pairing *pairing,
			 unsigned asked)
{
	const struct site_adjust *adjust = pairing->adjust;
	struct position at =
		adjust && adjust->options.said & asked ? adjust->flow.at : pairing->flow->id.at;

	diagnostics_warning(checker->diagnostics, at,
			    "`%s` has %s, but no range of UDP ports on any host of this file: of "
			    "services that a parameter gives, only such ranges are meant",
			    pairing->id,
			    rule_options_format(checker->arena, asked, &pairing->options.limit));
}

/* True if something was said: once for each flow is enough. */
static bool check_pairing(const struct media_checker *checker, const struct pairing *pairing,
			  struct kind *kinds)
{
	bool of_site = !strcmp(checker->instance->name, "site");
	unsigned standard = of_site ? 0 : pairing->flow->options.set & pairing->options.set;
	unsigned asked = pairing->options.set & MEDIA_OPTIONS & ~standard;
	bool listens, media = has_media(checker, pairing, &listens);

	standard &= MEDIA_OPTIONS;
	if (pairing->adjust)
		standard &= ~pairing->adjust->options.said;
	if (standard && media) {
		add_flow(checker->arena, kinds, standard,
			 arena_printf(checker->arena, "%s/%s", checker->instance->name,
				      pairing->flow->id.text));
		return true;
	}
	if (!asked || !listens || media)
		return false;
	warn_of_none(checker, pairing, asked);
	return true;
}

static const char *meaning(struct arena *arena, unsigned options)
{
	bool live = options & RULE_LIVE, shape = options & RULE_SHAPE_RTP;

	return arena_printf(arena, "%s%s%s",
			    live ? "are open only while an application has them bound (live)" : "",
			    live && shape ? ", and " : "",
			    shape ? "let in only what is media (shape: rtp)" : "");
}

static const char *way_out(struct arena *arena, const struct kind *kind, const char *instance)
{
	bool live = kind->options & RULE_LIVE, shape = kind->options & RULE_SHAPE_RTP;

	return arena_printf(arena, "`adjust: {%s%s: {%s%s%s}}` turns that off for one", instance,
			    kind->first, live ? "live: no" : "", live && shape ? ", " : "",
			    shape ? "shape: none" : "");
}

static void remark(struct arena *arena, struct diagnostics *diagnostics, struct position at,
		   const struct kind *kinds, const char *instance)
{
	for (const struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
		if (kind->options)
			diagnostics_remark(
				diagnostics, at,
				"the media ports of these flows %s, as the catalog has it: "
				"%s; %s",
				meaning(arena, kind->options), kind->flows,
				way_out(arena, kind, instance));
	}
}

void media_check(struct arena *arena, struct diagnostics *diagnostics, const struct policy *policy,
		 const struct instance *instance, struct position at)
{
	const struct media_checker checker = {arena, diagnostics, policy, instance, at};
	struct kind kinds[KINDS] = {0};
	const struct flow_rule *last = NULL;

	for (size_t i = 0; i < policy->pairing_count; i++) {
		const struct pairing *pairing = &policy->pairings[i];

		if (pairing->instance != instance || pairing->flow == last ||
		    !(pairing->options.set & MEDIA_OPTIONS) || !pairing_is_bound(pairing))
			continue;
		if (check_pairing(&checker, pairing, kinds))
			last = pairing->flow;
	}
	remark(arena, diagnostics, at, kinds, "");
}

void media_check_catalog(struct arena *arena, struct diagnostics *diagnostics,
			 const struct catalog *catalog)
{
	const char *instance = arena_printf(arena, "%s/", catalog->name.text);
	struct kind kinds[KINDS] = {0};

	list_for_each (flow, &catalog->flows) {
		if (flow->options.set & MEDIA_OPTIONS)
			add_flow(arena, kinds, flow->options.set & MEDIA_OPTIONS, flow->id.text);
	}
	remark(arena, diagnostics, catalog->name.at, kinds, instance);
}
