/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floods of ICMP errors through the real programs: nobody's flood keeps out what tells another
 * conversation its path MTU (docs/packet-path.md, section 5).
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define SITE "tests/packet/errors.yaml"

enum { A_SECOND = 1000, FLOOD = 2000, FORGED_SOURCES = 40000, PEERS_QUOTED = 120 };

struct family {
	const char *address; /* of this host, as packet lines have it */
	const char *icmp;    /* L4 and type of a packet that is too big */
	const char *stranger;
	const char *router;
	const char *bus;    /* where this host opens a connection to */
	const char *quotes; /* IP and L4 header from here to the bus; the port follows */
	const char *media;  /* IP header from here to a gateway, but for its last byte, and ports */
	const char *media_ports;
};

static const struct family ipv4 = {
	.address = "192.0.2.10",
	.icmp = "\"l4\":\"icmp\",\"icmp_type\":3,\"icmp_code\":4",
	.stranger = "203.0.113.99",
	.router = "198.51.100.1",
	.bus = "192.0.2.20",
	.quotes = "450005dc000140004006"
		  "0000c000020ac0000214",
	.media = "450005dc000140004011"
		 "0000c000020ac63364",
	.media_ports = "75304e20"
		       "05c80000", /* 30000 to 20000 */
};

static const struct family ipv6 = {
	.address = "2001:db8:1::10",
	.icmp = "\"l4\":\"icmpv6\",\"icmp_type\":2",
	.stranger = "2001:db8:bad::99",
	.router = "2001:db8:2::1",
	.bus = "2001:db8:1::20",
	.quotes = "6000000005b40640"
		  "20010db8000100000000000000000010"
		  "20010db8000100000000000000000020",
	.media = "6000000005b41140"
		 "20010db8000100000000000000000010"
		 "20010db80005000000000000000000",
	.media_ports = "75304e20"
		       "05b40000",
};

/* No counters are read, which would take a thousand times as long. */
static struct outcome run_line(struct bench *bench, const char *line, uint64_t at_ms)
{
	enum direction direction;
	size_t length;
	const uint8_t *frame = bench_frame(line, &direction, &length);

	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)length,
		    .repeat = 1);
	int fd = direction == DIRECTION_IN ? loaded_xdp_fd(bench->loaded)
					   : loaded_egress_fd(bench->loaded);

	loaded_state(bench->loaded)->now = at_ms;
	assert_int_equal(bpf_prog_test_run_opts(fd, &options), 0);
	return loaded_state(bench->loaded)->outcome;
}

static void open_flow(struct bench *bench, const struct family *family, unsigned port)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"direction\":\"out\",\"source\":\"%s\",\"destination\":\"%s\",\"source_port\":%"
		 "u,"
		 "\"destination_port\":5672,\"l4\":\"tcp\",\"tcp_flags\":\"SYN\"}",
		 family->address, family->bus, port);
	assert_int_equal(run_line(bench, line, 0).reason, REASON_RULE);
}

static enum reason error(struct bench *bench, const struct family *family, const char *source,
			 const char *quote, uint64_t at_ms)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "{\"direction\":\"in\",\"source\":\"%s\",\"destination\":\"%s\",%s,"
		 "\"payload\":\"%s\"}",
		 source, family->address, family->icmp, quote);
	return run_line(bench, line, at_ms).reason;
}

/* An error about the flow of that own port. */
static enum reason own_error(struct bench *bench, const struct family *family, const char *source,
			     unsigned port, uint64_t at_ms)
{
	char quote[256];

	snprintf(quote, sizeof(quote), "%s%04x162800000000", family->quotes, port);
	return error(bench, family, source, quote, at_ms);
}

/* One about what this host sent to a gateway, by an in rule's mirror. */
static enum reason media_error(struct bench *bench, const struct family *family, const char *source,
			       unsigned gateway, uint64_t at_ms)
{
	char quote[256];

	snprintf(quote, sizeof(quote), "%s%02x%s", family->media, gateway, family->media_ports);
	return error(bench, family, source, quote, at_ms);
}

/* 2,000 in a second from one stranger, about all peers that he may think of. Returns what came in.
 */
static unsigned flood(struct bench *bench, const struct family *family)
{
	unsigned let_in = 0;

	for (unsigned i = 0; i < FLOOD; i++) {
		enum reason reason = media_error(bench, family, family->stranger,
						 1 + i % PEERS_QUOTED, i * A_SECOND / FLOOD);

		assert_true(reason == REASON_ICMP_ERROR || reason == REASON_ICMP_LIMITED);
		let_in += reason == REASON_ICMP_ERROR;
	}
	return let_in;
}

static void a_stranger_spends_his_own(const struct family *family, enum lookup lookup)
{
	struct bench *bench = bench_new_site(SITE, lookup, true, MODE_ENFORCE);
	const unsigned share = ICMP_TELLER_WAYS * ICMP_ERRORS_PER_SECOND;
	unsigned let_in;

	open_flow(bench, family, 50001);
	let_in = flood(bench, family);
	assert_in_range(let_in, ICMP_ERRORS_PER_SECOND, 2 * share);
	/* What he quoted, told by a router, and what is ours, told by anybody. */
	assert_int_equal(media_error(bench, family, family->router, 1, A_SECOND),
			 REASON_ICMP_ERROR);
	assert_int_equal(own_error(bench, family, family->router, 50001, A_SECOND),
			 REASON_ICMP_ERROR);
	bench_free(bench);
}

static void strangers_spend_their_own(void **data)
{
	for (int lookup = LOOKUP_MAPS; lookup <= LOOKUP_FLAT; lookup++) {
		a_stranger_spends_his_own(&ipv4, (enum lookup)lookup);
		a_stranger_spends_his_own(&ipv6, (enum lookup)lookup);
	}
}

/* Who forges sources can spend all that in rules have, and nothing of a flow's. */
static void forgers_spend_nothing_of_flows(void **data)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, true, MODE_ENFORCE);
	unsigned limited = 0;
	char source[64];

	open_flow(bench, &ipv4, 50001);
	for (unsigned i = 0; i < FORGED_SOURCES; i++) {
		snprintf(source, sizeof(source), "%u.%u.%u.1", 11 + i % 50, i / 50 % 250,
			 i / 12500);
		limited += media_error(bench, &ipv4, source, 1 + i % PEERS_QUOTED, 0) ==
			   REASON_ICMP_LIMITED;
	}
	assert_true(limited > FORGED_SOURCES / 4);
	assert_int_equal(own_error(bench, &ipv4, ipv4.router, 50001, 0), REASON_ICMP_ERROR);
	bench_free(bench);
}

/* Who knows a flow's ports keeps from it what is about it, and from no other. */
static void flows_have_shares(void **data)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, true, MODE_ENFORCE);

	open_flow(bench, &ipv6, 50001);
	open_flow(bench, &ipv6, 50002);
	for (unsigned i = 0; i < ICMP_ERRORS_PER_SECOND; i++)
		assert_int_equal(own_error(bench, &ipv6, ipv6.stranger, 50001, 0),
				 REASON_ICMP_ERROR);
	assert_int_equal(own_error(bench, &ipv6, ipv6.router, 50001, 0), REASON_ICMP_LIMITED);
	assert_int_equal(own_error(bench, &ipv6, ipv6.router, 50002, 0), REASON_ICMP_ERROR);
	/* One falls in every tenth of a second. */
	assert_int_equal(own_error(bench, &ipv6, ipv6.router, 50001, A_SECOND / 10 - 1),
			 REASON_ICMP_LIMITED);
	assert_int_equal(own_error(bench, &ipv6, ipv6.router, 50001, A_SECOND / 10),
			 REASON_ICMP_ERROR);
	/* What is not of an open flow is nobody's, and charges nothing. */
	assert_int_equal(own_error(bench, &ipv6, ipv6.router, 50003, A_SECOND / 10),
			 REASON_ICMP_UNRELATED);
	bench_free(bench);
}

static void audit_charges_nothing(void **data)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, true, MODE_AUDIT);

	assert_int_equal(flood(bench, &ipv4), FLOOD);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_spend_their_own),
		cmocka_unit_test(forgers_spend_nothing_of_flows),
		cmocka_unit_test(flows_have_shares),
		cmocka_unit_test(audit_charges_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
