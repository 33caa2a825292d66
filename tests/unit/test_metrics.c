/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of metrics, from a snapshot that no kernel had a part in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics.h"

static char *render(const struct snapshot *snapshot)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	metrics_write(snapshot, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static struct interface_totals *add_interface(struct snapshot *snapshot, const char *name)
{
	struct interface_totals *one = arena_push(snapshot->arena, &snapshot->interfaces);

	*one = (struct interface_totals){
		.name = name,
		.site = "cc-east",
		.host = "ce-1",
		.digest = "0123abcd",
		.mode = {[DIRECTION_IN] = "enforce", [DIRECTION_OUT] = "audit"},
		.lookup = "flat",
		.generation = 3,
		.loaded_at = 1750000000,
		.xdp_mode = "native",
		.egress_hook = "tcx",
		.state = "ok",
	};
	return one;
}

static void add_rule(struct snapshot *snapshot, struct interface_totals *one, const char *id,
		     uint64_t packets)
{
	*arena_push(snapshot->arena, &one->rules) = (struct rule_totals){
		.id = id,
		.receive = {packets, packets * 100},
		.transmit = {packets + 1, packets * 50},
		.direction = "in",
		.from = "cyara/sip-gateway",
		.to = "cyara/call-engine",
		.services = "tcp+udp/5060",
		.document = "Cyara \"Advisory\"",
		.section = "Voice\\Components",
		.row = "6",
	};
}

static void add_reason(struct snapshot *snapshot, struct interface_totals *one, enum reason reason,
		       const char *role, uint64_t packets)
{
	*arena_push(snapshot->arena, &one->reasons) = (struct reason_totals){
		.reason = reason,
		.role = role,
		.receive = {packets, packets * 60},
		.would_transmit = {packets * 2, packets * 120},
	};
}

static struct snapshot *example(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct interface_totals *one = add_interface(snapshot, "eth0");

	add_rule(snapshot, one, "cyara/voice-6", 7);
	add_rule(snapshot, one, "management/1", 0);
	add_reason(snapshot, one, REASON_ARP, "none", 4);
	add_reason(snapshot, one, REASON_CLOSED_PORT, "none", 9);
	add_reason(snapshot, one, REASON_CLOSED_PORT, "cyara/mssql", 5);
	*arena_push(snapshot->arena, &one->maps) = (struct map_use){"decisions", 12, 1024};
	one = add_interface(snapshot, "eth1");
	add_rule(snapshot, one, "cyara/voice-6", 1);
	snapshot->flows = (struct map_use){"flows", 17, 65536};
	*arena_push(snapshot->arena, &snapshot->shared_maps) =
		(struct map_use){"fragments", 2, 4096};
	return snapshot;
}

static void assert_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return;
	fail_msg("no line '%s' in:\n%s", line, text);
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (; (text = strstr(text, part)); text++)
		found++;
	return found;
}

static void test_samples(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	char *text = render(snapshot);

	assert_line(text, "sallyport_interfaces 2");
	assert_line(text, "sallyport_receive_packets_total{interface=\"eth0\","
			  "rule=\"cyara/voice-6\"} 7");
	assert_line(text, "sallyport_receive_bytes_total{interface=\"eth0\","
			  "rule=\"cyara/voice-6\"} 700");
	assert_line(text, "sallyport_transmit_packets_total{interface=\"eth1\","
			  "rule=\"cyara/voice-6\"} 2");
	assert_line(text, "sallyport_receive_packets_total{interface=\"eth0\","
			  "rule=\"management/1\"} 0");
	assert_line(text, "sallyport_receive_dropped_packets_total{interface=\"eth0\","
			  "reason=\"closed-port\",role=\"cyara/mssql\"} 5");
	assert_line(text, "sallyport_receive_dropped_bytes_total{interface=\"eth0\","
			  "reason=\"closed-port\",role=\"none\"} 540");
	assert_line(text, "sallyport_transmit_would_drop_packets_total{interface=\"eth0\","
			  "reason=\"closed-port\",role=\"cyara/mssql\"} 10");
	assert_line(text, "sallyport_receive_exempt_packets_total{interface=\"eth0\","
			  "reason=\"arp\"} 4");
	assert_line(text, "sallyport_policy_load_timestamp_seconds{interface=\"eth0\"} 1750000000");
	assert_line(text,
		    "sallyport_policy_info{interface=\"eth0\",site=\"cc-east\",host=\"ce-1\","
		    "mode_in=\"enforce\",mode_out=\"audit\",lookup=\"flat\",digest=\"0123abcd\"} "
		    "1");
	assert_line(text, "sallyport_flow_entries 17");
	assert_line(text, "sallyport_flow_entries_bound 65536");
	assert_line(text, "sallyport_map_entries{interface=\"eth0\",map=\"decisions\"} 12");
	assert_line(text, "sallyport_map_entries_bound{interface=\"shared\",map=\"fragments\"} "
			  "4096");
	free(text);
}

static void test_every_drop_reason_starts_at_zero(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	char *text = render(snapshot);

	assert_line(text, "sallyport_receive_dropped_packets_total{interface=\"eth1\","
			  "reason=\"malformed\",role=\"none\"} 0");
	/* Only reasons that can pass are passes, and only those that can drop are drops. */
	assert_null(strstr(text, "exempt_packets_total{interface=\"eth0\",reason=\"malformed\""));
	assert_null(strstr(text, "dropped_packets_total{interface=\"eth0\",reason=\"arp\""));
	assert_null(strstr(text, "reason=\"rule\""));
	assert_null(strstr(text, "reason=\"none\""));
	free(text);
}

static void test_rule_info_is_one_series_a_rule(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	char *text = render(snapshot);

	assert_int_equal(count(text, "sallyport_rule_info{rule=\"cyara/voice-6\""), 1);
	free(text);
}

static void test_a_rule_of_the_past_has_totals_but_no_info(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	char *text;

	*arena_push(snapshot->arena, &snapshot->interfaces.items[0].rules) =
		(struct rule_totals){.id = "cyara/gone", .receive = {3, 300}};
	text = render(snapshot);
	assert_line(text, "sallyport_receive_packets_total{interface=\"eth0\","
			  "rule=\"cyara/gone\"} 3");
	assert_null(strstr(text, "sallyport_rule_info{rule=\"cyara/gone\""));
	free(text);
}

static void test_label_values_are_escaped(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	char *text;

	snapshot->interfaces.items[1].host = "a\nb";
	text = render(snapshot);
	assert_line(text, "sallyport_rule_info{rule=\"cyara/voice-6\","
			  "document=\"Cyara \\\"Advisory\\\"\","
			  "section=\"Voice\\\\Components\",row=\"6\"} 1");
	assert_non_null(strstr(text, "host=\"a\\nb\""));
	free(text);
}

/* HELP and TYPE stand once, before the samples of their metric, and nothing else is between. */
static void test_help_and_type_come_first(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	char *text = render(snapshot);
	char *rest = text;
	char name[128] = "";

	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		char *end = line + strcspn(line, "{ ");

		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_int_equal(sscanf(line, "# HELP %127s", name), 1);
			assert_int_equal(strncmp(name, "sallyport_", 10), 0);
			line = strsep(&rest, "\n");
			assert_int_equal(strncmp(line, "# TYPE ", 7), 0);
			assert_int_equal(strncmp(line + 7, name, strlen(name)), 0);
			assert_int_equal(line[7 + strlen(name)], ' ');
			continue;
		}
		*end = '\0';
		assert_string_equal(line, name);
	}
	free(text);
}

static void test_nothing_loaded(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	char *text = render(snapshot);

	assert_line(text, "sallyport_interfaces 0");
	assert_null(strstr(text, "\nsallyport_flow_entries "));
	assert_null(strstr(text, "interface=\""));
	assert_line(text, "sallyport_build_info{version=\"" SALLYPORT_VERSION "\"} 1");
	free(text);
}

/* What promtool calls an error or advises against is a failure. */
static void test_promtool(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	FILE *promtool;

	if (system("command -v promtool >/dev/null") != 0) {
		print_message("promtool is not installed\n");
		skip();
	}
	promtool = popen("promtool check metrics 1>&2", "w");
	assert_non_null(promtool);
	metrics_write(snapshot, promtool);
	assert_int_equal(pclose(promtool), 0);
}

static void test_state(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	char *text;

	add_interface(snapshot, "eth0");
	add_interface(snapshot, "eth1")->state = "mixed";
	add_interface(snapshot, "eth2")->state = "partial";
	text = render(snapshot);
	assert_line(text, "sallyport_enforcing{interface=\"eth0\"} 1");
	assert_line(text, "sallyport_enforcing{interface=\"eth1\"} 0");
	assert_line(text, "sallyport_enforcing{interface=\"eth2\"} 0");
	assert_line(text, "sallyport_mixed{interface=\"eth0\"} 0");
	assert_line(text, "sallyport_mixed{interface=\"eth1\"} 1");
	assert_line(text, "sallyport_mixed{interface=\"eth2\"} 0");
	free(text);
}

static void expect_health(const struct snapshot *snapshot, bool healthy, const char *part)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_int_equal(snapshot_health(snapshot, out), healthy);
	fclose(out);
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s", part, text);
	free(text);
}

static void test_health(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = snapshot_new();

	expect_health(snapshot, false, "no interface enforces a policy");
	add_interface(snapshot, "eth0");
	expect_health(snapshot, true, "eth0: site cc-east, in enforce, out audit");
	add_interface(snapshot, "eth1")->state = "mixed";
	expect_health(snapshot, false, "eth1: mixed");
	snapshot->interfaces.items[1].state = "partial";
	snapshot->interfaces.items[1].xdp_mode = "none";
	expect_health(snapshot, false, "eth1: not enforced: XDP none, egress tcx");
	snapshot->interfaces.items[1].state = "gone";
	expect_health(snapshot, false, "eth1: there is no such interface");
}

static void test_json(void **state)
{
	cleanup(snapshot_freep) struct snapshot *snapshot = example();
	json_t *all = snapshot_json(snapshot);
	const json_t *one, *rule;

	assert_non_null(all);
	assert_int_equal(json_array_size(json_object_get(all, "interfaces")), 2);
	one = json_array_get(json_object_get(all, "interfaces"), 0);
	rule = json_array_get(json_object_get(one, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(rule, "row")), "6");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(rule, "receive"), "bytes")),
		700);
	assert_int_equal(json_array_size(json_object_get(one, "reasons")), 3);
	assert_string_equal(json_string_value(json_object_get(one, "state")), "ok");
	assert_non_null(json_object_get(json_object_get(all, "shared"), "flows"));
	assert_non_null(json_object_get(json_object_get(all, "shared"), "fragments"));
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_every_drop_reason_starts_at_zero),
		cmocka_unit_test(test_rule_info_is_one_series_a_rule),
		cmocka_unit_test(test_a_rule_of_the_past_has_totals_but_no_info),
		cmocka_unit_test(test_label_values_are_escaped),
		cmocka_unit_test(test_help_and_type_come_first),
		cmocka_unit_test(test_nothing_loaded),
		cmocka_unit_test(test_promtool),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
