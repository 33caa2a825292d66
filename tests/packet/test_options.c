/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live, shape and limit in rows, as in test_rows.c: packets through the real programs. A row
 * without a gap to the one above continues with its state.
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>

#define SITE "tests/packet/options.yaml"
#define PASS VERDICT_PASS
#define DROP VERDICT_DROP

#define IN   "{\"direction\":\"in\",\"destination\":\"192.0.2.10\","
#define IN6  "{\"direction\":\"in\",\"destination\":\"2001:db8:1::10\","
#define FROM(address, port)                                                                        \
	"\"source\":\"" address "\",\"source_port\":40000,\"destination_port\":" #port ","
#define SIP	   "198.51.100.7"
#define SIP6	   "2001:db8:5::7"
#define TCP(flags) "\"l4\":\"tcp\",\"tcp_flags\":\"" flags "\"}"
#define UDP(hex)   "\"l4\":\"udp\",\"payload\":\"" hex "\"}"
#define FIRST(hex)                                                                                 \
	"\"l4\":\"udp\",\"fragment\":{\"id\":7,\"offset\":0,\"more\":true},\"payload\":\"" hex "\"}"
#define LATER                                                                                      \
	"\"l4\":\"udp\",\"fragment\":{\"id\":7,\"offset\":24,\"more\":false},\"payload\":"         \
	"\"0011223344556677\"}"

/* Payloads. */
#define ZEROS8 "0000000000000000"
#define RTP    "80000001" ZEROS8 /* 12 bytes */
#define STUN   "000100002112a442" ZEROS8 "00000000"

/* The burst of site/many, and what is more than that. */
enum { MANY = 50000, SENDERS = 4, SENDER_PACKETS = 40000 };

struct row {
	const char *name;
	const char *line;
	enum verdict verdict;
	enum reason reason;
	const char *rule;
	enum bound bound;
	uint64_t at_ms;
};

/* clang-format off */
static const struct row rows[] = {
	{"bound", IN FROM(SIP, 5060) UDP("00"), PASS, REASON_RULE, "site/served", BOUND_YES, 0},
	{"not bound", IN FROM(SIP, 5060) UDP("00"), DROP, REASON_NOT_BOUND, "site/served", BOUND_NO, 0},
	{"a listener", IN6 FROM(SIP6, 5061) TCP("SYN"), PASS, REASON_RULE, "site/served", BOUND_YES, 0},
	{"none", IN6 FROM(SIP6, 5061) TCP("SYN"), DROP, REASON_NOT_BOUND, "site/served", BOUND_NO, 0},
	{"a connection is not asked for", IN FROM(SIP, 5061) TCP("ACK"), PASS, REASON_RULE, "site/served", BOUND_NO, 0},
	{"a rule without live", IN FROM(SIP, 20000) UDP(RTP), PASS, REASON_RULE, "site/shaped", BOUND_NO, 0},
	{"live before shape", IN FROM(SIP, 30000) UDP("ff"), DROP, REASON_NOT_BOUND, "site/media", BOUND_NO, 0},
	{"then shape", IN FROM(SIP, 30000) UDP("ff"), DROP, REASON_SHAPE, "site/media", BOUND_YES, 0},
	{"and neither", IN FROM(SIP, 30000) UDP(RTP), PASS, REASON_RULE, "site/media", BOUND_YES, 0},
	{"the same of IPv6", IN6 FROM(SIP6, 30000) UDP(RTP), PASS, REASON_RULE, "site/media", BOUND_YES, 0},

	{NULL},
	{"nothing", IN FROM(SIP, 20000) UDP(""), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"STUN", IN FROM(SIP, 20000) UDP(STUN), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"STUN of IPv6", IN6 FROM(SIP6, 20000) UDP(STUN), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"STUN, a byte short", IN FROM(SIP, 20000) UDP("000100002112a442" ZEROS8 "000000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"STUN, the last byte that begins it", IN FROM(SIP, 20000) UDP("03010000" ZEROS8 ZEROS8), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"the first that does not", IN FROM(SIP, 20000) UDP("04010000" ZEROS8 ZEROS8), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"the last before ZRTP", IN FROM(SIP, 20000) UDP("0f000000" ZEROS8 ZEROS8), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"ZRTP", IN FROM(SIP, 20000) UDP("1000000a5a52545000000000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"ZRTP, the last byte", IN FROM(SIP, 20000) UDP("1300000a5a52545000000000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"ZRTP, a byte short", IN FROM(SIP, 20000) UDP("1000000a5a525450000000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"DTLS", IN FROM(SIP, 20000) UDP("16fefd" ZEROS8 "0000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"DTLS, the first byte", IN FROM(SIP, 20000) UDP("14fefd" ZEROS8 "0000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"DTLS, the last byte", IN FROM(SIP, 20000) UDP("3ffefd" ZEROS8 "0000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"DTLS, a byte short", IN FROM(SIP, 20000) UDP("16fefd" ZEROS8 "00"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"a channel of TURN", IN FROM(SIP, 20000) UDP("40000000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"a channel, the last byte", IN FROM(SIP, 20000) UDP("4fff000400000000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"a channel, a byte short", IN FROM(SIP, 20000) UDP("400000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"a channel that says it is longer", IN FROM(SIP, 20000) UDP("4fff0005" "00000000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"a channel with padding", IN FROM(SIP, 20000) UDP("40000001" "00000000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"SIP: INVITE", IN FROM(SIP, 20000) UDP("494e56495445207369703a6578616d706c652053495020"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"SIP: OPTIONS", IN FROM(SIP, 20000) UDP("4f5054494f4e53207369703a6578616d706c6520534950"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"between channels and RTP", IN FROM(SIP, 20000) UDP("50000000" ZEROS8 ZEROS8), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"RTP, version 1", IN FROM(SIP, 20000) UDP("7f000001" ZEROS8), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"RTP", IN FROM(SIP, 20000) UDP(RTP), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"RTP with padding, extension and fifteen sources", IN FROM(SIP, 20000) UDP("bf000001" ZEROS8), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"RTP, a byte short", IN FROM(SIP, 20000) UDP("80000001" "00000000000000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"version 3", IN FROM(SIP, 20000) UDP("c0000001" ZEROS8), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"RTCP", IN FROM(SIP, 20000) UDP("80c80006" ZEROS8), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"RTCP without sources", IN FROM(SIP, 20000) UDP("80cb0000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"the first type of RTCP", IN FROM(SIP, 20000) UDP("80c00000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"the last type of RTCP", IN FROM(SIP, 20000) UDP("80df0000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"RTP is longer than the last type of RTCP", IN FROM(SIP, 20000) UDP("80e00000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"and than the first", IN FROM(SIP, 20000) UDP("80bf0000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"RTCP, a byte short", IN FROM(SIP, 20000) UDP("80c800"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"SIP: REGISTER", IN FROM(SIP, 20000) UDP("5245474953544552207369703a6578616d706c6520534950"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"SIP: an answer", IN FROM(SIP, 20000) UDP("5349502f322e3020323030204f4b0d0a5669613a20534950"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"a line without payload is not asked", IN FROM(SIP, 20000) "\"l4\":\"udp\"}", PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"behind a VLAN tag and IP options", "{\"vlan\":[5]," "\"direction\":\"in\",\"destination\":\"192.0.2.10\"," FROM(SIP, 20000) UDP("c0000001" ZEROS8), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"a first fragment is asked", IN FROM(SIP, 20000) FIRST("c0000001" ZEROS8 "00000000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},
	{"and takes the rest with it", IN FROM(SIP, 20000) LATER, DROP, REASON_FRAGMENT_EARLY, "", BOUND_YES, 0},
	{"a first fragment of RTP", IN FROM(SIP, 20000) FIRST("80000001" ZEROS8 "00000000"), PASS, REASON_RULE, "site/shaped", BOUND_YES, 0},
	{"and the rest", IN FROM(SIP, 20000) LATER, PASS, REASON_FRAGMENT, "site/shaped", BOUND_YES, 0},
	{"what a first fragment holds must be enough", IN FROM(SIP, 20000) FIRST("80000001" "00000000"), DROP, REASON_SHAPE, "site/shaped", BOUND_YES, 0},

	{NULL},
	{"the burst", IN FROM(SIP, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1000},
	{"of three", IN FROM(SIP, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1000},
	{"at once", IN FROM(SIP, 443) UDP("00"), PASS, REASON_RULE, "site/web", BOUND_YES, 1000},
	{"is used up", IN FROM(SIP, 443) TCP("SYN"), DROP, REASON_LIMITED, "site/web", BOUND_YES, 1000},
	{"for every protocol of the rule", IN FROM(SIP, 443) UDP("00"), DROP, REASON_LIMITED, "site/web", BOUND_YES, 1499},
	{"connections that are there go on", IN FROM(SIP, 443) TCP("ACK"), PASS, REASON_RULE, "site/web", BOUND_YES, 1499},
	{"and end", IN FROM(SIP, 443) TCP("FIN+ACK"), PASS, REASON_RULE, "site/web", BOUND_YES, 1499},
	{"another source", IN FROM("198.51.100.8", 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1499},
	{"half a second later there is one more", IN FROM(SIP, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1500},
	{"and only one", IN FROM(SIP, 443) TCP("SYN"), DROP, REASON_LIMITED, "site/web", BOUND_YES, 1500},
	{"another rule has its own", IN FROM(SIP, 8443) TCP("SYN"), PASS, REASON_RULE, "site/nets", BOUND_YES, 1500},
	{"IPv6 is another source", IN6 FROM(SIP6, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1500},
	{"each interface of", IN6 FROM("2001:db8:5::8", 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1500},
	{"its link alike", IN6 FROM("2001:db8:5::9", 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1500},
	{"is the same", IN6 FROM("2001:db8:5::ffff:9", 443) TCP("SYN"), DROP, REASON_LIMITED, "site/web", BOUND_YES, 1500},
	{"another link is not", IN6 FROM("2001:db8:5:1::7", 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 1500},
	{"an hour later the bucket is full and no fuller", IN FROM(SIP, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 3600000},
	{"two", IN FROM(SIP, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 3600000},
	{"three", IN FROM(SIP, 443) TCP("SYN"), PASS, REASON_RULE, "site/web", BOUND_YES, 3600000},
	{"four", IN FROM(SIP, 443) TCP("SYN"), DROP, REASON_LIMITED, "site/web", BOUND_YES, 3600000},

	{NULL},
	{"a source is a net", IN FROM(SIP, 8443) UDP("00"), PASS, REASON_RULE, "site/nets", BOUND_YES, 0},
	{"of many", IN FROM("198.51.100.200", 8443) UDP("00"), PASS, REASON_RULE, "site/nets", BOUND_YES, 0},
	{"addresses", IN FROM("198.51.100.99", 8443) UDP("00"), DROP, REASON_LIMITED, "site/nets", BOUND_YES, 999},
	{"another net", IN FROM("203.0.113.99", 8443) UDP("00"), PASS, REASON_RULE, "site/nets", BOUND_YES, 999},
	{"a /48", IN6 FROM(SIP6, 8443) UDP("00"), PASS, REASON_RULE, "site/nets", BOUND_YES, 999},
	{"of many", IN6 FROM("2001:db8:5:ffff::1", 8443) UDP("00"), PASS, REASON_RULE, "site/nets", BOUND_YES, 999},
	{"links", IN6 FROM("2001:db8:5:77::1", 8443) UDP("00"), DROP, REASON_LIMITED, "site/nets", BOUND_YES, 999},
	{"a second later", IN FROM("198.51.100.99", 8443) UDP("00"), PASS, REASON_RULE, "site/nets", BOUND_YES, 1000},

	{NULL},
	{"echo is limited", IN "\"source\":\"198.51.100.7\",\"l4\":\"icmp\",\"icmp_type\":8}", PASS, REASON_RULE, "site/web", BOUND_YES, 0},
	{"two", IN "\"source\":\"198.51.100.7\",\"l4\":\"icmp\",\"icmp_type\":8}", PASS, REASON_RULE, "site/web", BOUND_YES, 0},
	{"three", IN "\"source\":\"198.51.100.7\",\"l4\":\"icmp\",\"icmp_type\":8}", PASS, REASON_RULE, "site/web", BOUND_YES, 0},
	{"four", IN "\"source\":\"198.51.100.7\",\"l4\":\"icmp\",\"icmp_type\":8}", DROP, REASON_LIMITED, "site/web", BOUND_YES, 0},

	{NULL},
	{"what is not bound charges nothing", IN FROM(SIP, 40000) UDP(RTP), DROP, REASON_NOT_BOUND, "site/all", BOUND_NO, 0},
	{"nor what has no shape", IN FROM(SIP, 40000) UDP("ff"), DROP, REASON_SHAPE, "site/all", BOUND_YES, 0},
	{"the one of the burst", IN FROM(SIP, 40000) UDP(RTP), PASS, REASON_RULE, "site/all", BOUND_YES, 0},
	{"and no more", IN FROM(SIP, 40000) UDP(RTP), DROP, REASON_LIMITED, "site/all", BOUND_YES, 99},
	{"a tenth of a second later", IN FROM(SIP, 40000) UDP(RTP), PASS, REASON_RULE, "site/all", BOUND_YES, 100},
};
/* clang-format on */

static struct met run_row(struct bench *bench, const struct row *row)
{
	struct state *state = loaded_state(bench->loaded);
	enum direction direction;
	size_t length;
	const uint8_t *frame = bench_frame(row->line, &direction, &length);

	state->bound = row->bound;
	state->has_payload = strstr(row->line, "payload") != NULL;
	return bench_run(bench, direction, frame, length, row->at_ms);
}

static void check_row(struct bench *bench, const struct row *row)
{
	struct met met = run_row(bench, row);

	if (met.outcome.judged != row->verdict || met.outcome.reason != row->reason ||
	    strcmp(met.rule, row->rule) != 0)
		fail_msg("%s: judged %d, reason %d, rule \"%s\"; expected %d, %d, \"%s\"",
			 row->name, met.outcome.judged, met.outcome.reason, met.rule, row->verdict,
			 row->reason, row->rule);
	assert_int_equal(met.counters, 1);
	assert_int_equal(met.packets, 1);
	/* What passes is counted for its rule, what does not for its reason. */
	assert_string_equal(met.counter,
			    row->verdict == PASS ? "receive_rules" : "receive_reasons");
	if (row->verdict == DROP)
		assert_int_equal(met.index % REASON_SLOTS_MAX, row->reason);
}

static void run_rows(enum lookup lookup, bool checks)
{
	struct bench *bench = bench_new_site(SITE, lookup, checks, MODE_ENFORCE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].name)
			check_row(bench, &rows[i]);
		else
			bench_reset(bench);
	}
	assert_int_equal(loaded_state(bench->loaded)->disagreements, 0);
	bench_free(bench);
}

static void rows_by_maps(void **data)
{
	run_rows(LOOKUP_MAPS, false);
}

static void rows_by_flat(void **data)
{
	run_rows(LOOKUP_FLAT, true);
}

static void rows_by_the_short_way(void **data)
{
	run_rows(LOOKUP_FLAT, false);
}

/* In audit everything passes; live and shape are judged, and no limit is charged. */
static void audit_charges_nothing(void **data)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, false, MODE_AUDIT);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct met met;

		if (!rows[i].name) {
			bench_reset(bench);
			continue;
		}
		met = run_row(bench, &rows[i]);
		assert_int_equal(met.outcome.verdict, VERDICT_PASS);
		assert_int_not_equal(met.outcome.reason, REASON_LIMITED);
		if (rows[i].reason == REASON_NOT_BOUND || rows[i].reason == REASON_SHAPE)
			assert_int_equal(met.outcome.reason, rows[i].reason);
	}
	bench_free(bench);
}

/*
 * More sources than there is room for: each gets its burst, and none is refused what it has not
 * used up.
 */
static void more_sources_than_places(void **data)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, false, MODE_ENFORCE);
	const unsigned sources = 4 * LIMIT_SETS_MIN * LIMIT_WAYS;
	enum direction direction;
	size_t length;
	uint8_t frame[128];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .repeat = 1);

	memcpy(frame, bench_frame(IN6 FROM(SIP6, 443) TCP("SYN"), &direction, &length), 128);
	run.data_size_in = (__u32)length;
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < sources; i++) {
			/* The seventh and eighth byte of the source: the links of a /48. */
			frame[14 + 8 + 6] = (uint8_t)(i >> 8);
			frame[14 + 8 + 7] = (uint8_t)i;
			assert_int_equal(bpf_prog_test_run_opts(loaded_xdp_fd(bench->loaded), &run),
					 0);
			assert_int_equal(loaded_state(bench->loaded)->outcome.reason, REASON_RULE);
		}
	bench_free(bench);
}

struct sender {
	pthread_t thread;
	int program;
	uint8_t frame[64];
	size_t length;
};

static void *send_many(void *data)
{
	struct sender *sender = data;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = sender->frame,
		    .data_size_in = (__u32)sender->length, .repeat = SENDER_PACKETS);

	return (void *)(long)bpf_prog_test_run_opts(sender->program, &run);
}

/* How many packets the first rules let in, all together. */
static uint64_t count_passed(struct bench *bench)
{
	int fd = bpf_object__find_map_fd_by_name(loaded_object(bench->loaded), "receive_rules");
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc((size_t)cpus, sizeof(*values));
	uint64_t passed = 0;

	for (__u32 slot = 1; slot <= bench->tables->rule_count; slot++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &slot, values), 0);
		for (int cpu = 0; cpu < cpus; cpu++)
			passed += values[cpu].packets;
	}
	free(values);
	return passed;
}

/* Many threads, one source, no time that passes: the burst is let in, no less and (but for packets
 * that met other CPUs LIMIT_TRIES times over) no more. */
static void many_cpus_charge_one_source(void **data)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, false, MODE_ENFORCE);
	struct sender senders[SENDERS];
	enum direction direction;
	size_t length;
	const uint8_t *frame = bench_frame(IN FROM(SIP, 8000) UDP("00"), &direction, &length);

	for (int i = 0; i < SENDERS; i++) {
		senders[i].program = loaded_xdp_fd(bench->loaded);
		senders[i].length = length;
		memcpy(senders[i].frame, frame, length);
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_many, &senders[i]),
				 0);
	}
	for (int i = 0; i < SENDERS; i++) {
		void *result;

		assert_int_equal(pthread_join(senders[i].thread, &result), 0);
		assert_null(result);
	}
	assert_in_range(count_passed(bench), MANY, MANY + MANY / 100);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_by_maps),
		cmocka_unit_test(rows_by_flat),
		cmocka_unit_test(rows_by_the_short_way),
		cmocka_unit_test(audit_charges_nothing),
		cmocka_unit_test(more_sources_than_places),
		cmocka_unit_test(many_cpus_charge_one_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
