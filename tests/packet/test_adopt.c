/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a connection that was open before: adopted by a rule, in need of nothing, or cut.
 * Then packets of it, through the programs that judge.
 */
#include "adopt.h"
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <netinet/tcp.h>

#define EDGE   "192.0.2.10"
#define BUS    "192.0.2.20"
#define PORTAL "192.0.2.23"
#define EDGE6  "2001:db8:1::10"
#define BUS6   "2001:db8:1::20"

struct row {
	const char *name;
	const char *local;
	uint16_t local_port;
	const char *remote;
	uint16_t remote_port;
	uint8_t state;
	enum adoption_outcome outcome;
	enum flow_state flow; /* of the flow that is there then, where one is */
	enum reason reason;
	const char *rule; /* NULL: none */
	bool served;
};

/* clang-format off */
static const struct row rows[] = {
	{"by an out rule", EDGE, 50000, BUS, 5672, TCP_ESTABLISHED, ADOPTION_MADE, FLOW_TCP, REASON_RULE, "cyara/voice-4", false},
	{"once more: it has one", EDGE, 50000, BUS, 5672, TCP_ESTABLISHED, ADOPTION_KNOWN, FLOW_TCP, REASON_RULE, "cyara/voice-4", false},
	{"and keeps it as it is", EDGE, 50000, BUS, 5672, TCP_FIN_WAIT1, ADOPTION_KNOWN, FLOW_TCP, REASON_RULE, "cyara/voice-4", false},
	{"the peer has shut", EDGE, 50001, BUS, 5672, TCP_CLOSE_WAIT, ADOPTION_MADE, FLOW_TCP, REASON_RULE, "cyara/voice-4", false},
	{"this host has shut, no ACK yet", EDGE, 50002, BUS, 5672, TCP_FIN_WAIT1, ADOPTION_MADE, FLOW_CLOSING, REASON_RULE, "cyara/voice-4", false},
	{"this host has shut", EDGE, 50003, BUS, 5672, TCP_FIN_WAIT2, ADOPTION_MADE, FLOW_CLOSING, REASON_RULE, "cyara/voice-4", false},
	{"both have", EDGE, 50004, BUS, 5672, TCP_LAST_ACK, ADOPTION_MADE, FLOW_CLOSING, REASON_RULE, "cyara/voice-4", false},
	{"both at once", EDGE, 50005, BUS, 5672, TCP_CLOSING, ADOPTION_MADE, FLOW_CLOSING, REASON_RULE, "cyara/voice-4", false},
	{"tried", EDGE, 50006, BUS, 5672, TCP_SYN_SENT, ADOPTION_MADE, FLOW_SYN, REASON_RULE, "cyara/voice-4", false},
	{"IPv6", EDGE6, 50000, BUS6, 5672, TCP_ESTABLISHED, ADOPTION_MADE, FLOW_TCP, REASON_RULE, "cyara/voice-4", false},
	{"an in rule admits it", EDGE, 9005, PORTAL, 50000, TCP_ESTABLISHED, ADOPTION_ADMITTED, FLOW_STATE_COUNT, REASON_RULE, "cyara/web-5", false},
	{"management, at any address", "192.0.2.77", 22, "192.0.2.5", 50000, TCP_ESTABLISHED, ADOPTION_ADMITTED, FLOW_STATE_COUNT, REASON_RULE, "management/1", false},
	{"an own SYN is no answer to an in rule", EDGE, 9005, PORTAL, 50001, TCP_SYN_SENT, ADOPTION_REFUSED, FLOW_STATE_COUNT, REASON_CLOSED_PORT, NULL, false},
	{"a port that no rule opens", EDGE, 50000, BUS, 5673, TCP_ESTABLISHED, ADOPTION_REFUSED, FLOW_STATE_COUNT, REASON_CLOSED_PORT, NULL, false},
	{"a peer that no rule names", EDGE, 50000, "192.0.2.99", 5672, TCP_ESTABLISHED, ADOPTION_REFUSED, FLOW_STATE_COUNT, REASON_UNKNOWN_PEER, NULL, false},
	{"from an address that no rule names", "192.0.2.11", 50000, BUS, 5672, TCP_ESTABLISHED, ADOPTION_REFUSED, FLOW_STATE_COUNT, REASON_WRONG_PORT, NULL, false},
};
/* clang-format on */

static struct tcp_connection connection_of(const struct row *row)
{
	struct tcp_connection connection = {
		.local_port = row->local_port,
		.remote_port = row->remote_port,
		.state = row->state,
		.served = row->served,
	};

	assert_true(address_parse(row->local, &connection.local));
	assert_true(address_parse(row->remote, &connection.remote));
	return connection;
}

static struct adoption run(struct bench *bench, const struct row *row)
{
	const struct adopter adopter = {
		.arena = bench->arena,
		.program_fd = loaded_adopt_fd(bench->loaded),
	};
	const struct tcp_connection connection = connection_of(row);
	struct adoption adoption;

	assert_int_equal(adopt_one(&adopter, &connection, &adoption), 0);
	return adoption;
}

static int map_of(struct bench *bench, const char *name)
{
	return bpf_object__find_map_fd_by_name(loaded_object(bench->loaded), name);
}

static const char *rule_of(const struct bench *bench, uint16_t slot)
{
	return slot ? bench->tables->rules[slot - 1].id : NULL;
}

static void check_flow(struct bench *bench, const struct row *row, const struct adoption *adoption)
{
	struct flow flow;
	int missing = bpf_map_lookup_elem(map_of(bench, "flows"), &adoption->key, &flow);

	if (row->flow == FLOW_STATE_COUNT) {
		assert_true(missing);
		return;
	}
	assert_false(missing);
	assert_int_equal(flow.state, row->flow);
	assert_int_equal(flow.rule_slot, adoption->rule_slot);
	assert_int_equal(flow.generation, 1);
	assert_false(flow.blocked);
}

static void run_rows(enum lookup lookup)
{
	struct bench *bench = bench_new(lookup, MODE_ENFORCE, MODE_ENFORCE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct adoption adoption = run(bench, &rows[i]);
		const char *rule = rule_of(bench, adoption.rule_slot);

		if (adoption.outcome != rows[i].outcome || adoption.reason != rows[i].reason)
			fail_msg("%s: outcome %d, reason %d", rows[i].name, adoption.outcome,
				 adoption.reason);
		if (rows[i].rule)
			assert_string_equal(rule, rows[i].rule);
		else
			assert_null(rule);
		check_flow(bench, &rows[i], &adoption);
	}
	bench_free(bench);
}

static void rows_by_maps(void **data)
{
	run_rows(LOOKUP_MAPS);
}

static void rows_by_flat(void **data)
{
	run_rows(LOOKUP_FLAT);
}

/* out: audit and out: off let pass what no rule allows, and so must the flow. */
static void without_a_rule_where_out_only_looks(void **data)
{
	static const enum mode modes[] = {MODE_AUDIT, MODE_OFF};
	static const struct row row = {.local = EDGE,
				       .local_port = 50000,
				       .remote = "192.0.2.99",
				       .remote_port = 5672,
				       .state = TCP_ESTABLISHED,
				       .flow = FLOW_TCP};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct bench *bench = bench_new(LOOKUP_FLAT, MODE_ENFORCE, modes[i]);
		const struct adoption adoption = run(bench, &row);

		assert_int_equal(adoption.outcome, ADOPTION_MADE);
		assert_int_equal(adoption.reason, REASON_UNKNOWN_PEER);
		assert_int_equal(adoption.rule_slot, 0);
		check_flow(bench, &row, &adoption);
		bench_free(bench);
	}
}

/* The same at a port that this host serves: the peer may have opened it, past the in rules. */
static void without_a_rule_at_a_served_port(void **data)
{
	static const struct {
		enum mode in;
		enum mode out;
		enum adoption_outcome outcome;
	} cases[] = {
		{MODE_ENFORCE, MODE_AUDIT, ADOPTION_REFUSED},
		{MODE_ENFORCE, MODE_OFF, ADOPTION_REFUSED},
		{MODE_AUDIT, MODE_AUDIT, ADOPTION_IGNORED},
		{MODE_OFF, MODE_AUDIT, ADOPTION_IGNORED},
	};
	static const struct row row = {.local = EDGE,
				       .local_port = 7777,
				       .remote = "192.0.2.99",
				       .remote_port = 50000,
				       .state = TCP_ESTABLISHED,
				       .flow = FLOW_STATE_COUNT,
				       .served = true};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *bench = bench_new(LOOKUP_FLAT, cases[i].in, cases[i].out);
		const struct adoption adoption = run(bench, &row);

		assert_int_equal(adoption.outcome, cases[i].outcome);
		check_flow(bench, &row, &adoption);
		bench_free(bench);
	}
}

/* Where a rule matches, this host may have opened it all the same: SIP does so from its port. */
static void by_a_rule_from_a_served_port(void **data)
{
	struct bench *bench = bench_new(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE);
	struct row row = rows[0];
	struct adoption adoption;

	row.served = true;
	adoption = run(bench, &row);
	assert_int_equal(adoption.outcome, ADOPTION_MADE);
	check_flow(bench, &row, &adoption);
	bench_free(bench);
}

static uint32_t share_of(struct bench *bench, const struct adoption *adoption)
{
	struct flow_share_key key = {.rule_slot = adoption->rule_slot,
				     .family = adoption->key.family};
	uint32_t count = 0;

	memcpy(key.remote, adoption->key.remote, sizeof(key.remote));
	bpf_map_lookup_elem(map_of(bench, "flow_shares"), &key, &count);
	return count;
}

/* Each counts once in the share of its rule and peer, and an expired flow's place is taken over. */
static void shares(void **data)
{
	struct bench *bench = bench_new(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE);
	struct row row = rows[0];
	struct adoption adoption = run(bench, &row);

	assert_int_equal(share_of(bench, &adoption), 1);
	run(bench, &row);
	assert_int_equal(share_of(bench, &adoption), 1);
	row.local_port++;
	run(bench, &row);
	assert_int_equal(share_of(bench, &adoption), 2);
	loaded_state(bench->loaded)->now += bench->policy->timeout_ms[FLOW_TCP] + 1;
	assert_int_equal(run(bench, &row).outcome, ADOPTION_MADE);
	assert_int_equal(share_of(bench, &adoption), 2);
	bench_free(bench);
}

/* A row's packets, both ways: pass by its flow once it is adopted, and not before. */
static void check_packets(struct bench *bench)
{
	static const char *const lines[] = {
		"{\"direction\":\"in\",\"source\":\"" BUS "\",\"source_port\":5672,"
		"\"destination\":\"" EDGE "\",\"destination_port\":50000,"
		"\"l4\":\"tcp\",\"tcp_flags\":\"ACK\"}",
		"{\"direction\":\"out\",\"source\":\"" EDGE "\",\"source_port\":50000,"
		"\"destination\":\"" BUS "\",\"destination_port\":5672,"
		"\"l4\":\"tcp\",\"tcp_flags\":\"ACK\"}",
	};

	for (int adopted = 0; adopted < 2; adopted++) {
		for (size_t i = 0; i < 2; i++) {
			enum direction direction;
			size_t length;
			const uint8_t *frame = bench_frame(lines[i], &direction, &length);
			struct met met = bench_run(bench, direction, frame, length, 0);

			assert_int_equal(met.outcome.reason,
					 adopted ? REASON_FLOW : REASON_NO_FLOW);
			if (adopted)
				assert_string_equal(met.rule, "cyara/voice-4");
		}
		run(bench, &rows[0]);
	}
	bench_free(bench);
}

static void its_packets_pass(void **data)
{
	check_packets(bench_new(LOOKUP_FLAT, MODE_ENFORCE, MODE_ENFORCE));
}

static void its_packets_pass_by_the_short_way(void **data)
{
	check_packets(bench_new_flows(FLOWS_MIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_by_maps),
		cmocka_unit_test(rows_by_flat),
		cmocka_unit_test(without_a_rule_where_out_only_looks),
		cmocka_unit_test(without_a_rule_at_a_served_port),
		cmocka_unit_test(by_a_rule_from_a_served_port),
		cmocka_unit_test(shares),
		cmocka_unit_test(its_packets_pass),
		cmocka_unit_test(its_packets_pass_by_the_short_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
