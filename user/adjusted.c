/* SPDX-License-Identifier: BSD-2-Clause */
#include "adjusted.h"

#include "reference.h"
#include "rule_options.h"
#include "value.h"

struct adjuster {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct policy *policy;
};

/* Any where the flow says none. False if a parameter has no value: that is reported elsewhere. */
static bool flow_ports(const struct scope *scope, const struct flow_rule *flow,
		       struct port_list *ports)
{
	struct lack lack;

	if (flow->source_ports.count)
		return scope_ports(scope, &flow->source_ports, ports, &lack);
	port_list_add(scope->arena, ports, 0, UINT16_MAX);
	return true;
}

/* host NULL: as it is on hosts that set nothing of their own. True after an error. */
static bool refuse_wider(const struct adjuster *adjuster, const struct site_adjust *adjust,
			 const struct reference *reference, const struct site_host *host)
{
	struct scope scope = {adjuster->arena, adjuster->policy, reference->instance, host};
	const struct flow_rule *flow = &reference->instance->catalog->flows.items[reference->index];
	struct port_list whole = {0}, narrowed = {0};
	struct lack lack;

	if (!flow_ports(&scope, flow, &whole) ||
	    !scope_ports(&scope, &adjust->source_ports, &narrowed, &lack) ||
	    port_list_covers(&whole, &narrowed))
		return false;
	diagnostics_error(adjuster->diagnostics, adjust->source_ports.items[0].at,
			  "`%s` has source ports %s%s%s%s, and %s is not within them: an adjusted "
			  "flow never allows more",
			  adjust->flow.text, port_list_format(adjuster->arena, &whole),
			  host ? " on host `" : "", host ? host->name.text : "", host ? "`" : "",
			  port_list_format(adjuster->arena, &narrowed));
	return true;
}

static void check_source_ports(const struct adjuster *adjuster, const struct site_adjust *adjust,
			       const struct reference *reference)
{
	const struct policy *policy = adjuster->policy;
	const struct site *site = policy->site;

	const struct flow_rule *flow = &reference->instance->catalog->flows.items[reference->index];

	if (adjust->source_ports.count && flow->each == EACH_CLIENT_PORT) {
		diagnostics_error(adjuster->diagnostics, adjust->source_ports.items[0].at,
				  "`%s` has its source ports from `client-ports`: set them there",
				  adjust->flow.text);
		return;
	}
	if (!adjust->source_ports.count ||
	    !reference_are_ports(adjuster->arena, adjuster->diagnostics, adjuster->policy,
				 &adjust->source_ports) ||
	    refuse_wider(adjuster, adjust, reference, NULL))
		return;
	for (size_t i = 0; i < site->hosts.count; i++) {
		if (policy->host_settings[i] &&
		    refuse_wider(adjuster, adjust, reference, &site->hosts.items[i]))
			return;
	}
}

static void check_options(const struct adjuster *adjuster, const struct site_adjust *adjust,
			  const struct reference *reference)
{
	const struct flow_rule *flow = &reference->instance->catalog->flows.items[reference->index];
	const char *refused, *key;

	if (adjust->options.set & RULE_SHAPE_RTP && flow->each) {
		diagnostics_error(adjuster->diagnostics, adjust->flow.at,
				  "`%s` can't have `shape: rtp`: no entry of the site is a media "
				  "port",
				  adjust->flow.text);
		return;
	}
	refused = rule_options_refuse(&adjust->options, &flow->allow, &key);
	if (refused)
		diagnostics_error(adjuster->diagnostics, adjust->flow.at, "`%s`: %s",
				  adjust->flow.text, refused);
}

void adjusts_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy)
{
	const struct adjuster adjuster = {arena, diagnostics, policy};

	for (size_t i = 0; i < policy->instance_count; i++) {
		struct instance *instance = &policy->instances[i];

		if (instance->catalog)
			instance->adjust = arena_alloc(arena, instance->catalog->flows.count *
								      sizeof(*instance->adjust));
	}
	list_for_each (adjust, &policy->site->adjust) {
		struct reference flow;

		if (!reference_find(arena, diagnostics, policy, REFERENCE_FLOW, adjust->flow.text,
				    adjust->flow.at, &flow))
			continue;
		flow.instance->adjust[flow.index] = adjust;
		check_source_ports(&adjuster, adjust, &flow);
		check_options(&adjuster, adjust, &flow);
	}
}
