/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

struct metric {
	const char *name; /* without "sallyport_" */
	const char *type;
	const char *help;
	void (*write)(const struct metric *metric, const struct snapshot *snapshot, FILE *out);
};

/* In a label value backslash, quote and line feed are escaped, nothing else. */
static void write_label_value(const char *value, FILE *out)
{
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*value == '\\' || *value == '"')
			fputc('\\', out);
		fputc(*value, out);
	}
}

/* Labels are pairs of name and value, ended by NULL. */
static void __attribute__((sentinel))
write_sample(FILE *out, const struct metric *metric, uint64_t value, ...)
{
	const char *separator = "{";
	const char *label;
	va_list labels;

	fprintf(out, "sallyport_%s", metric->name);
	va_start(labels, value);
	while ((label = va_arg(labels, const char *))) {
		fprintf(out, "%s%s=\"", separator, label);
		write_label_value(va_arg(labels, const char *), out);
		fputc('"', out);
		separator = ",";
	}
	va_end(labels);
	fprintf(out, "%s %" PRIu64 "\n", *separator == ',' ? "}" : "", value);
}

/* ------------------------------------------------------------ the program and its policies */

static void write_build_info(const struct metric *metric, const struct snapshot *snapshot,
			     FILE *out)
{
	write_sample(out, metric, 1, "version", SALLYPORT_VERSION, NULL);
}

static void write_interfaces(const struct metric *metric, const struct snapshot *snapshot,
			     FILE *out)
{
	write_sample(out, metric, snapshot->interfaces.count, NULL);
}

static void write_policy_info(const struct metric *metric, const struct snapshot *snapshot,
			      FILE *out)
{
	list_for_each (one, &snapshot->interfaces)
		write_sample(out, metric, 1, "interface", one->name, "site", one->site, "host",
			     one->host, "mode_in", one->mode[DIRECTION_IN], "mode_out",
			     one->mode[DIRECTION_OUT], "lookup", one->lookup, "digest", one->digest,
			     NULL);
}

static void write_attach_info(const struct metric *metric, const struct snapshot *snapshot,
			      FILE *out)
{
	list_for_each (one, &snapshot->interfaces)
		write_sample(out, metric, 1, "interface", one->name, "xdp_mode", one->xdp_mode,
			     "egress_hook", one->egress_hook, NULL);
}

/* One number an interface. */
#define WRITE_INTERFACE(writer, expression)                                                        \
	static void write_##writer(const struct metric *metric, const struct snapshot *snapshot,   \
				   FILE *out)                                                      \
	{                                                                                          \
		list_for_each (one, &snapshot->interfaces)                                         \
			write_sample(out, metric, (expression), "interface", one->name, NULL);     \
	}

WRITE_INTERFACE(loaded_at, one->loaded_at)
WRITE_INTERFACE(generation, one->generation)
WRITE_INTERFACE(rule_count, one->rule_count)
WRITE_INTERFACE(whole, interface_is_whole(one))
WRITE_INTERFACE(mixed, strcmp(one->state, "mixed") == 0)
WRITE_INTERFACE(disagreements, one->disagreements)
WRITE_INTERFACE(fallback, one->fallback)

/* ------------------------------------------------------------ rules */

static int compare_rules(const void *a, const void *b)
{
	const struct rule_totals *const *left = a;
	const struct rule_totals *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

/*
 * Where a rule leads, once for each id however many interfaces and directions have it: it is joined
 * with on(rule), which allows one series only.
 */
static void write_rule_info(const struct metric *metric, const struct snapshot *snapshot, FILE *out)
{
	const struct rule_totals **rules;
	size_t count = 0;

	list_for_each (one, &snapshot->interfaces)
		count += one->rules.count;
	rules = arena_alloc(snapshot->arena, (count + 1) * sizeof(*rules));
	count = 0;
	list_for_each (one, &snapshot->interfaces) {
		list_for_each (rule, &one->rules) {
			if (rule->direction)
				rules[count++] = rule;
		}
	}
	qsort(rules, count, sizeof(*rules), compare_rules);
	for (size_t i = 0; i < count; i++) {
		if (i && strcmp(rules[i - 1]->id, rules[i]->id) == 0)
			continue;
		write_sample(out, metric, 1, "rule", rules[i]->id, "document", rules[i]->document,
			     "section", rules[i]->section, "row", rules[i]->row, NULL);
	}
}

/* One number a rule: the totals of an id are one element, in both directions together. */
#define WRITE_RULE(writer, expression)                                                             \
	static void write_##writer(const struct metric *metric, const struct snapshot *snapshot,   \
				   FILE *out)                                                      \
	{                                                                                          \
		list_for_each (one, &snapshot->interfaces) {                                       \
			list_for_each (rule, &one->rules)                                          \
				write_sample(out, metric, (expression), "interface", one->name,    \
					     "rule", rule->id, NULL);                              \
		}                                                                                  \
	}

WRITE_RULE(receive_packets, rule->receive.packets)
WRITE_RULE(receive_bytes, rule->receive.bytes)
WRITE_RULE(transmit_packets, rule->transmit.packets)
WRITE_RULE(transmit_bytes, rule->transmit.bytes)

/* ------------------------------------------------------------ reasons */

static bool is_exempt(enum reason reason)
{
	return reason_verdict(reason) == VERDICT_PASS && reason != REASON_RULE &&
	       reason != REASON_MIRROR;
}

/* Passes without a rule; they are counted under no role. */
static void write_exempt(const struct metric *metric, const struct snapshot *snapshot, FILE *out,
			 uint64_t (*value)(const struct reason_totals *))
{
	list_for_each (one, &snapshot->interfaces) {
		uint64_t totals[REASON_COUNT] = {0};

		list_for_each (entry, &one->reasons)
			totals[entry->reason] += value(entry);
		for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
			if (is_exempt(reason))
				write_sample(out, metric, totals[reason], "interface", one->name,
					     "reason", reason_name(reason), NULL);
	}
}

static bool has_entry(const struct interface_totals *one, enum reason reason, const char *role)
{
	list_for_each (entry, &one->reasons) {
		if (entry->reason == reason && strcmp(entry->role, role) == 0)
			return true;
	}
	return false;
}

/*
 * Drops, by the role of the peer. Every reason is there with role "none" from the start, so that
 * rate() sees the first drop; other roles appear with their first.
 */
static void write_dropped(const struct metric *metric, const struct snapshot *snapshot, FILE *out,
			  uint64_t (*value)(const struct reason_totals *))
{
	list_for_each (one, &snapshot->interfaces) {
		for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
			if (reason_verdict(reason) != VERDICT_DROP)
				continue;
			if (!has_entry(one, reason, "none"))
				write_sample(out, metric, 0, "interface", one->name, "reason",
					     reason_name(reason), "role", "none", NULL);
			list_for_each (entry, &one->reasons) {
				if ((int)entry->reason == reason)
					write_sample(out, metric, value(entry), "interface",
						     one->name, "reason", reason_name(reason),
						     "role", entry->role, NULL);
			}
		}
	}
}

#define WRITE_REASON(how, name, expression)                                                        \
	static uint64_t value_##how##_##name(const struct reason_totals *entry)                    \
	{                                                                                          \
		return (expression);                                                               \
	}                                                                                          \
	static void write_##how##_##name(const struct metric *metric,                              \
					 const struct snapshot *snapshot, FILE *out)               \
	{                                                                                          \
		write_##how(metric, snapshot, out, value_##how##_##name);                          \
	}

WRITE_REASON(exempt, receive_packets, entry->receive.packets)
WRITE_REASON(exempt, receive_bytes, entry->receive.bytes)
WRITE_REASON(exempt, transmit_packets, entry->transmit.packets)
WRITE_REASON(exempt, transmit_bytes, entry->transmit.bytes)
WRITE_REASON(dropped, receive_packets, entry->receive.packets)
WRITE_REASON(dropped, receive_bytes, entry->receive.bytes)
WRITE_REASON(dropped, transmit_packets, entry->transmit.packets)
WRITE_REASON(dropped, transmit_bytes, entry->transmit.bytes)
WRITE_REASON(dropped, would_receive_packets, entry->would_receive.packets)
WRITE_REASON(dropped, would_receive_bytes, entry->would_receive.bytes)
WRITE_REASON(dropped, would_transmit_packets, entry->would_transmit.packets)
WRITE_REASON(dropped, would_transmit_bytes, entry->would_transmit.bytes)

/* ------------------------------------------------------------ what fills up */

static void write_flow_entries(const struct metric *metric, const struct snapshot *snapshot,
			       FILE *out)
{
	if (snapshot->flows.name)
		write_sample(out, metric, snapshot->flows.entries, NULL);
}

static void write_flow_bound(const struct metric *metric, const struct snapshot *snapshot,
			     FILE *out)
{
	if (snapshot->flows.name)
		write_sample(out, metric, snapshot->flows.bound, NULL);
}

/* Maps that all interfaces share have the interface "shared". */
#define WRITE_MAP(writer, expression)                                                              \
	static void write_##writer(const struct metric *metric, const struct snapshot *snapshot,   \
				   FILE *out)                                                      \
	{                                                                                          \
		list_for_each (map, &snapshot->shared_maps)                                        \
			write_sample(out, metric, (expression), "interface", "shared", "map",      \
				     map->name, NULL);                                             \
		list_for_each (one, &snapshot->interfaces) {                                       \
			list_for_each (map, &one->maps)                                            \
				write_sample(out, metric, (expression), "interface", one->name,    \
					     "map", map->name, NULL);                              \
		}                                                                                  \
	}

WRITE_MAP(map_entries, map->entries)
WRITE_MAP(map_bound, map->bound)

/* ------------------------------------------------------------ what grows old */

static void write_feed_checked(const struct metric *metric, const struct snapshot *snapshot,
			       FILE *out)
{
	list_for_each (feed, &snapshot->feeds)
		write_sample(out, metric, feed->checked_at, "feed", feed->name, NULL);
}

static void write_feed_max_age(const struct metric *metric, const struct snapshot *snapshot,
			       FILE *out)
{
	list_for_each (feed, &snapshot->feeds)
		write_sample(out, metric, feed->max_age_seconds, "feed", feed->name, NULL);
}

/* ------------------------------------------------------------ the catalogue */

static const struct metric metrics[] = {
	{"build_info", "gauge", "The version that answers; always 1.", write_build_info},
	{"interfaces", "gauge", "Interfaces that a policy is loaded on; 0: nothing is enforced.",
	 write_interfaces},
	{"policy_info", "gauge", "The policy in force and how it is enforced; always 1.",
	 write_policy_info},
	{"policy_load_timestamp_seconds", "gauge",
	 "When the policy in force was loaded, in seconds since 1970.", write_loaded_at},
	{"policy_generation", "gauge", "Number of the load that is in force.", write_generation},
	{"policy_rules", "gauge", "Rules in force.", write_rule_count},
	{"attach_info", "gauge",
	 "How the programs are attached, none where they are not; always 1.", write_attach_info},
	{"enforcing", "gauge", "1: every hook that the modes ask for holds the policy in force.",
	 write_whole},
	{"mixed", "gauge",
	 "1: a reload was cut short and the hooks hold different policies; run apply again.",
	 write_mixed},
	{"rule_info", "gauge", "Document, section and row that a rule comes from; always 1.",
	 write_rule_info},

	{"receive_packets_total", "counter", "Arriving packets that passed, by rule.",
	 write_receive_packets},
	{"receive_bytes_total", "counter", "Bytes of arriving packets that passed, by rule.",
	 write_receive_bytes},
	{"receive_exempt_packets_total", "counter",
	 "Arriving packets that passed without a rule, by reason.", write_exempt_receive_packets},
	{"receive_exempt_bytes_total", "counter",
	 "Bytes of arriving packets that passed without a rule, by reason.",
	 write_exempt_receive_bytes},
	{"receive_dropped_packets_total", "counter",
	 "Arriving packets that were dropped, by reason and role of the peer.",
	 write_dropped_receive_packets},
	{"receive_dropped_bytes_total", "counter",
	 "Bytes of arriving packets that were dropped, by reason and role of the peer.",
	 write_dropped_receive_bytes},
	{"receive_would_drop_packets_total", "counter",
	 "Arriving packets that passed in audit mode and would be dropped if it were enforced.",
	 write_dropped_would_receive_packets},
	{"receive_would_drop_bytes_total", "counter",
	 "Bytes of arriving packets that passed in audit mode and would be dropped.",
	 write_dropped_would_receive_bytes},

	{"transmit_packets_total", "counter", "Leaving packets that passed, by rule.",
	 write_transmit_packets},
	{"transmit_bytes_total", "counter", "Bytes of leaving packets that passed, by rule.",
	 write_transmit_bytes},
	{"transmit_exempt_packets_total", "counter",
	 "Leaving packets that passed without a rule, by reason.", write_exempt_transmit_packets},
	{"transmit_exempt_bytes_total", "counter",
	 "Bytes of leaving packets that passed without a rule, by reason.",
	 write_exempt_transmit_bytes},
	{"transmit_dropped_packets_total", "counter",
	 "Leaving packets that were dropped, by reason and role of the peer.",
	 write_dropped_transmit_packets},
	{"transmit_dropped_bytes_total", "counter",
	 "Bytes of leaving packets that were dropped, by reason and role of the peer.",
	 write_dropped_transmit_bytes},
	{"transmit_would_drop_packets_total", "counter",
	 "Leaving packets that passed in audit mode and would be dropped if it were enforced.",
	 write_dropped_would_transmit_packets},
	{"transmit_would_drop_bytes_total", "counter",
	 "Bytes of leaving packets that passed in audit mode and would be dropped.",
	 write_dropped_would_transmit_bytes},

	{"flow_entries", "gauge", "Flows that this host opened and that were not swept yet.",
	 write_flow_entries},
	{"flow_entries_bound", "gauge", "Flows that there is room for: bounds: {flows}.",
	 write_flow_bound},
	{"map_entries", "gauge", "Entries in a BPF map.", write_map_entries},
	{"map_entries_bound", "gauge", "Entries that a BPF map has room for.", write_map_bound},
	{"feed_checked_timestamp_seconds", "gauge",
	 "When the source of a stored feed last said that it is current; 0: it can't be read.",
	 write_feed_checked},
	{"feed_max_age_seconds", "gauge", "How old a stored feed may become: max-age of the site.",
	 write_feed_max_age},
	{"lookup_disagreements_total", "counter",
	 "Packets that lookup flat and lookup maps judged differently: a fault, please report it.",
	 write_disagreements},
	{"lookup_fallback", "gauge",
	 "1: after a disagreement, maps judge alone until the next load.", write_fallback},
};

void metrics_write(const struct snapshot *snapshot, FILE *out)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const struct metric *metric = &metrics[i];

		fprintf(out, "# HELP sallyport_%s %s\n# TYPE sallyport_%s %s\n", metric->name,
			metric->help, metric->name, metric->type);
		metric->write(metric, snapshot, out);
	}
}
