/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot.h"

#include <string.h>

#include "words.h"

struct snapshot *snapshot_new(void)
{
	struct arena *arena = arena_new();
	struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));

	snapshot->arena = arena;
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (snapshot)
		arena_free(snapshot->arena);
}

void snapshot_freep(struct snapshot **snapshot)
{
	snapshot_free(*snapshot);
}

bool interface_is_whole(const struct interface_totals *interface)
{
	return strcmp(interface->state, "ok") == 0;
}

static bool interface_health(const struct interface_totals *one, FILE *out)
{
	if (interface_is_whole(one)) {
		fprintf(out, "%s: site %s, in %s, out %s\n", one->name, one->site,
			one->mode[DIRECTION_IN], one->mode[DIRECTION_OUT]);
		return true;
	}
	if (strcmp(one->state, "mixed") == 0)
		fprintf(out,
			"%s: mixed: a reload was cut short, and the hooks hold different policies; "
			"run sallyport apply\n",
			one->name);
	else if (strcmp(one->state, "gone") == 0)
		fprintf(out,
			"%s: there is no such interface any more; run sallyport apply, or "
			"sallyport "
			"detach %s\n",
			one->name, one->name);
	else
		fprintf(out, "%s: not enforced: XDP %s, egress %s; run sallyport apply\n",
			one->name, one->xdp_mode, one->egress_hook);
	return false;
}

bool snapshot_health(const struct snapshot *snapshot, FILE *out)
{
	bool healthy = true;

	if (!snapshot->interfaces.count) {
		fprintf(out, "no interface enforces a policy; run sallyport apply SITE\n");
		return false;
	}
	list_for_each (one, &snapshot->interfaces)
		healthy &= interface_health(one, out);
	return healthy;
}

/* ------------------------------------------------------------ JSON */

static json_t *counter_json(const struct counter *counter)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)counter->packets, "bytes",
			 (json_int_t)counter->bytes);
}

static json_t *rules_json(const struct interface_totals *one)
{
	json_t *rules = json_array();

	list_for_each (rule, &one->rules) {
		json_t *object =
			json_pack("{s:s, s:b, s:o, s:o}", "rule", rule->id, "in_force",
				  rule->direction != NULL, "receive", counter_json(&rule->receive),
				  "transmit", counter_json(&rule->transmit));

		if (rule->direction)
			json_object_update_new(
				object,
				json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "direction",
					  rule->direction, "from", rule->from, "to", rule->to,
					  "services", rule->services, "document", rule->document,
					  "section", rule->section, "row", rule->row));
		json_array_append_new(rules, object);
	}
	return rules;
}

static json_t *reasons_json(const struct interface_totals *one)
{
	json_t *reasons = json_array();

	list_for_each (entry, &one->reasons)
		json_array_append_new(
			reasons, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "reason",
					   reason_name(entry->reason), "verdict",
					   verdict_name(reason_verdict(entry->reason)), "role",
					   entry->role, "receive", counter_json(&entry->receive),
					   "transmit", counter_json(&entry->transmit),
					   "would_receive", counter_json(&entry->would_receive),
					   "would_transmit", counter_json(&entry->would_transmit)));
	return reasons;
}

static json_t *maps_json(const map_use_list *maps)
{
	json_t *object = json_object();

	list_for_each (map, maps)
		json_object_set_new(object, map->name,
				    json_pack("{s:I, s:I}", "entries", (json_int_t)map->entries,
					      "bound", (json_int_t)map->bound));
	return object;
}

static json_t *interface_json(const struct interface_totals *one)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "interface", one->name,
				   "site", one->site, "host", one->host, "digest", one->digest,
				   "mode_in", one->mode[DIRECTION_IN], "mode_out",
				   one->mode[DIRECTION_OUT], "lookup", one->lookup);
	json_t *more = json_pack(
		"{s:I, s:I, s:I, s:s, s:s, s:s, s:b, s:I, s:o, s:o, s:o}", "generation",
		(json_int_t)one->generation, "loaded_at", (json_int_t)one->loaded_at, "rule_count",
		(json_int_t)one->rule_count, "xdp_mode", one->xdp_mode, "egress_hook",
		one->egress_hook, "state", one->state, "fallback", one->fallback, "disagreements",
		(json_int_t)one->disagreements, "rules", rules_json(one), "reasons",
		reasons_json(one), "maps", maps_json(&one->maps));

	json_object_update_new(object, more);
	return object;
}

json_t *snapshot_json(const struct snapshot *snapshot)
{
	json_t *interfaces = json_array();
	json_t *shared = maps_json(&snapshot->shared_maps);

	if (snapshot->flows.name) {
		const map_use_list flows = {(struct map_use *)&snapshot->flows, 1, 1};

		json_object_update_new(shared, maps_json(&flows));
	}
	list_for_each (one, &snapshot->interfaces)
		json_array_append_new(interfaces, interface_json(one));
	return json_pack("{s:s, s:o, s:o}", "version", SALLYPORT_VERSION, "interfaces", interfaces,
			 "shared", shared);
}
