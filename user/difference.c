/* SPDX-License-Identifier: BSD-2-Clause */
#include "difference.h"

#include <string.h>

#include "match.h"
#include "rule_options.h"
#include "words.h"

/* ------------------------------------------------------------ permits ---------------------------
 */

/* Adds to list what permit has and removed has not. */
static void subtract(struct arena *arena, const struct permit *permit, const struct match *removed,
		     permit_list *list)
{
	match_list pieces = {0};

	match_subtract(arena, &permit->match, removed, &pieces);
	list_for_each (piece, &pieces)
		*arena_push(arena, list) = (struct permit){permit->rule, *piece};
}

static void read_permits(struct arena *arena, const struct host_policy *policy, permit_list *list)
{
	/* What a rule without local addresses stands at. */
	struct prefix_list *every = arena_alloc(arena, sizeof(*every));

	prefix_list_add_unicast(arena, every);
	for (size_t i = 0; policy && i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		for (size_t j = 0; j < rule->match_count; j++) {
			struct permit permit = {rule, rule->matches[j]};

			if (!permit.match.local)
				permit.match.local = every;
			port_list_normalize(&permit.match.local_ports);
			port_list_normalize(&permit.match.remote_ports);
			*arena_push(arena, list) = permit;
		}
	}
}

static void subtract_all(struct arena *arena, permit_list *pieces, const permit_list *removed)
{
	list_for_each (other, removed) {
		permit_list left = {0};

		list_for_each (piece, pieces) {
			if (piece->rule->direction == other->rule->direction &&
			    piece->match.protocol == other->match.protocol)
				subtract(arena, piece, &other->match, &left);
			else
				*arena_push(arena, &left) = *piece;
		}
		*pieces = left;
	}
}

/* Pieces of one rule that differ in one set only are one. */
static bool join(struct arena *arena, struct permit *into, const struct permit *from)
{
	struct match *a = &into->match;
	const struct match *b = &from->match;
	bool local_ports = port_list_equal(&a->local_ports, &b->local_ports);
	bool remote_ports = port_list_equal(&a->remote_ports, &b->remote_ports);
	bool local = prefix_list_equal(a->local, b->local);
	bool remote = prefix_list_equal(a->remote, b->remote);

	if (into->rule != from->rule || a->protocol != b->protocol ||
	    local_ports + remote_ports + local + remote != 3)
		return false;
	if (!local_ports || !remote_ports) {
		struct port_list *ports = local_ports ? &a->remote_ports : &a->local_ports;
		const struct port_list *more = local_ports ? &b->remote_ports : &b->local_ports;
		struct port_list joined = {0};

		list_for_each (range, ports)
			port_list_add(arena, &joined, range->first, range->last);
		list_for_each (range, more)
			port_list_add(arena, &joined, range->first, range->last);
		port_list_normalize(&joined);
		*ports = joined;
	} else {
		const struct prefix_list **list = local ? &a->remote : &a->local;
		struct prefix_list *joined = arena_alloc(arena, sizeof(*joined));

		list_for_each (prefix, *list)
			prefix_list_add(arena, joined, prefix);
		list_for_each (prefix, local ? b->remote : b->local)
			prefix_list_add(arena, joined, prefix);
		prefix_list_normalize(joined);
		*list = joined;
	}
	return true;
}

static void add_joined(struct arena *arena, permit_list *list, const permit_list *pieces)
{
	size_t first = list->count;

	list_for_each (piece, pieces) {
		bool joined = false;

		for (size_t i = first; i < list->count && !joined; i++)
			joined = join(arena, &list->items[i], piece);
		if (!joined)
			*arena_push(arena, list) = *piece;
	}
}

/* What of from is not in removed; what two rules let pass is the first one's. */
static void find_only(struct arena *arena, const permit_list *from, const permit_list *removed,
		      permit_list *only)
{
	list_for_each (permit, from) {
		permit_list pieces = {0};

		*arena_push(arena, &pieces) = *permit;
		subtract_all(arena, &pieces, removed);
		if (pieces.count)
			subtract_all(arena, &pieces, only);
		add_joined(arena, only, &pieces);
	}
}

/* ------------------------------------------------------------ settings --------------------------
 */

static void add_setting(struct arena *arena, changed_setting_list *list, const char *name,
			const char *before, const char *after)
{
	if (strcmp(before, after) != 0)
		*arena_push(arena, list) = (struct changed_setting){name, before, after};
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void find_settings(struct arena *arena, const struct host_policy *before,
			  const struct host_policy *after, changed_setting_list *list)
{
	add_setting(arena, list, "mode in", mode_name(before->mode[DIRECTION_IN]),
		    mode_name(after->mode[DIRECTION_IN]));
	add_setting(arena, list, "mode out", mode_name(before->mode[DIRECTION_OUT]),
		    mode_name(after->mode[DIRECTION_OUT]));
	add_setting(arena, list, "forwarding", forwarding_name(before->forwarding),
		    forwarding_name(after->forwarding));
	add_setting(arena, list, "dhcp", yes_no(before->dhcp), yes_no(after->dhcp));
	add_setting(arena, list, "icmp-echo", echo_format(arena, &before->link),
		    echo_format(arena, &after->link));
	add_setting(arena, list, "vlan", vlans_format(arena, &before->link),
		    vlans_format(arena, &after->link));
	add_setting(arena, list, "link-control",
		    link_control_format(arena, before->link.link_control),
		    link_control_format(arena, after->link.link_control));
	add_setting(arena, list, "router-advertisements",
		    link_choice_name(before->link.router_advertisements),
		    link_choice_name(after->link.router_advertisements));
	add_setting(arena, list, "multicast-membership", yes_no(before->multicast_membership),
		    yes_no(after->multicast_membership));
}

static const char *options_text(struct arena *arena, const struct rule *rule)
{
	const char *text = rule_options_format(arena, rule->options, &rule->limit);

	return *text ? text : "none";
}

static void find_options(struct arena *arena, const struct host_policy *before,
			 const struct host_policy *after, changed_setting_list *list)
{
	for (size_t i = 0; i < after->rule_count; i++) {
		const struct rule *rule = &after->rules[i];
		const struct rule *old = host_policy_rule(before, rule->id, rule->direction);

		if (old && (old->options || rule->options))
			add_setting(arena, list, arena_printf(arena, "options of %s", rule->id),
				    options_text(arena, old), options_text(arena, rule));
	}
}

void difference_find(struct arena *arena, const struct host_policy *before,
		     const struct host_policy *after, struct difference *ret_difference)
{
	struct difference difference = {0};
	permit_list old = {0}, new = {0};

	read_permits(arena, before, &old);
	read_permits(arena, after, &new);
	find_only(arena, &new, &old, &difference.allowed);
	find_only(arena, &old, &new, &difference.denied);
	if (before && after) {
		find_settings(arena, before, after, &difference.settings);
		find_options(arena, before, after, &difference.settings);
	}
	*ret_difference = difference;
}

bool difference_is_empty(const struct difference *difference)
{
	return !difference->allowed.count && !difference->denied.count &&
	       !difference->settings.count;
}
