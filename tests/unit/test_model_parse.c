/* SPDX-License-Identifier: BSD-2-Clause */
/* The model against section 1 of docs/packet-path.md: frame and headers. */
#include "model_steps.h"

/* ------------------------------------------------------------ 1. frame and headers --------------
 */

static void test_ethertypes(void **state)
{
	(void)state;
	RUN(UNCHANGED, {FRAME("in", ETHERNET("0806")), REASON_ARP},
	    {FRAME("out", ETHERNET("0806")), REASON_ARP},
	    {FRAME("in", ETHERNET("8809")), REASON_LINK_CONTROL},
	    {FRAME("in", ETHERNET("88cc")), REASON_LINK_CONTROL},
	    {FRAME("in", ETHERNET("888e")), REASON_LINK_CONTROL},
	    {FRAME("in", ETHERNET("8847")), REASON_ETHERTYPE},
	    {FRAME("in", "0200000000020200000000"), REASON_MALFORMED},
	    {FRAME("in", ETHERNET("8100") "0001"), REASON_MALFORMED},
	    {FRAME("in", ETHERNET("8100") "00010806"), REASON_ARP},
	    {ARRIVES(UDP P_H PORTS(9, 5060) ",\"vlan\":[1]"), REASON_RULE, "t/sip"},
	    {ARRIVES(UDP P_H PORTS(9, 5060) ",\"vlan\":[1,2]"), REASON_RULE, "t/sip"},
	    {ARRIVES(UDP P_H PORTS(9, 5060) ",\"vlan\":[1,2,3]"), REASON_ETHERTYPE});
}

/* 198.51.100.70 to 192.0.2.1, UDP 9 to 5060: the header in the two halves around what changes. */
#define IP4(start, length, fragment, protocol)                                                     \
	ETHERNET("0800") start length "0001" fragment "40" protocol "0000c6336446c0000201"
#define DATAGRAM "000913c400080000"

static void test_ipv4_header(void **state)
{
	(void)state;
	RUN(UNCHANGED,
	    {FRAME("in", IP4("4500", "001c", "0000", "11") DATAGRAM), REASON_RULE, "t/sip"},
	    {FRAME("in", IP4("4500", "001c", "0000", "11") DATAGRAM "ffff"), REASON_RULE, "t/sip"},
	    {FRAME("in", IP4("4500", "001d", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001b", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0013", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4400", "001c", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("6500", "001c", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4f00", "001c", "0000", "11") DATAGRAM), REASON_MALFORMED},
	    {FRAME("in", IP4("4600", "0020", "0000", "11") "01010101" DATAGRAM), REASON_RULE,
	     "t/sip"},
	    /* More to come: not empty, a multiple of 8. At the end of what an offset can say. */
	    {FRAME("in", IP4("4500", "0014", "2000", "11")), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001d", "2000", "11") DATAGRAM "00"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001b", "1fff", "11") "00000000000000"),
	     REASON_FRAGMENT_EARLY},
	    {FRAME("in", IP4("4500", "001c", "1fff", "11") "0000000000000000"), REASON_MALFORMED});
}

#define IP6(next, length, rest)                                                                    \
	ETHERNET("86dd")                                                                           \
	"60000000" length next "40"                                                                \
	"20010db8000100000000000000000005"                                                         \
	"20010db8000000000000000000000001" rest

static void test_ipv6_header(void **state)
{
	(void)state;
	RUN(UNCHANGED, {FRAME("in", IP6("11", "0008", DATAGRAM)), REASON_RULE, "t/sip"},
	    {FRAME("in", IP6("11", "0009", DATAGRAM)), REASON_MALFORMED},
	    {FRAME("in", IP6("11", "0007", DATAGRAM)), REASON_MALFORMED},
	    {FRAME("in", IP6("3b", "0000", "")), REASON_PROTOCOL},
	    /* Hop-by-hop first, and only first. */
	    {FRAME("in", IP6("00", "0010", "1100010400000000" DATAGRAM)), REASON_RULE, "t/sip"},
	    {FRAME("in", IP6("3c", "0018", "00000104000000001100010400000000" DATAGRAM)),
	     REASON_MALFORMED},
	    /* A header longer than what is there. */
	    {FRAME("in", IP6("3c", "0010", "1102010400000000" DATAGRAM)), REASON_MALFORMED},
	    {FRAME("in", IP6("3c", "0001", "11")), REASON_MALFORMED},
	    /* Two fragment headers; one that makes no fragment (RFC 6946). */
	    {FRAME("in", IP6("2c", "0018", "2c000000000000011100000000000001" DATAGRAM)),
	     REASON_MALFORMED},
	    {FRAME("in", IP6("2c", "0010", "1100000000000001" DATAGRAM)), REASON_RULE, "t/sip"},
	    /* Behind a later fragment's header nothing is walked. */
	    {FRAME("in", IP6("2c", "0010", "0000000800000001" DATAGRAM)), REASON_FRAGMENT_EARLY},
	    /* A first fragment without all of its headers. */
	    {FRAME("in", IP6("2c", "0010",
			     "3c00000100000001"
			     "1102010400000000")),
	     REASON_FRAGMENT_TINY});
}

static void build(struct frame_fields *fields, uint8_t *frame, size_t size, size_t *ret_length)
{
	address_parse("2001:db8:1::5", &fields->source);
	address_parse("2001:db8::1", &fields->destination);
	fields->protocol = 17;
	fields->source_port = 9;
	fields->destination_port = 5060;
	assert_int_equal(frame_build(fields, frame, size, ret_length), 0);
}

static void test_eight_extension_headers(void **state)
{
	struct arena *arena = arena_new();
	struct frame_fields fields = {0};
	struct judgement judgement;
	struct judge *judge;
	uint8_t frame[256];
	size_t length;

	(void)state;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	memset(fields.extensions, 60, sizeof(fields.extensions));
	fields.extension_count = EXTENSION_HEADERS_MAX;
	build(&fields, frame, sizeof(frame), &length);
	assert_int_equal(judge->judge(judge, IN, frame, length, 0, &judgement), 0);
	assert_int_equal(judgement.reason, REASON_RULE);
	fields.extension_count++;
	build(&fields, frame, sizeof(frame), &length);
	assert_int_equal(judge->judge(judge, IN, frame, length, 0, &judgement), 0);
	assert_int_equal(judgement.reason, REASON_MALFORMED);
	judge->free(judge);
	arena_free(arena);
}

static void test_l4_headers(void **state)
{
	(void)state;
	RUN(UNCHANGED,
	    /* UDP's own length */
	    {FRAME("in", IP4("4500", "001c", "0000", "11") "000913c400070000"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001c", "0000", "11") "000913c400090000"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001c", "2000", "11") "000913c405dc0000"), REASON_RULE,
	     "t/sip"},
	    /* TCP: 20 bytes, and as many as its data offset says */
	    {FRAME("in", IP4("4500", "0028", "0000", "06") "000913c4000000000000000050020000"
							   "00000000"),
	     REASON_RULE, "t/sip-tcp"},
	    {FRAME("in", IP4("4500", "0028", "0000", "06") "000913c4000000000000000040020000"
							   "00000000"),
	     REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0028", "0000", "06") "000913c4000000000000000060020000"
							   "00000000"),
	     REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0024", "2000", "06") "000913c4000000000000000050020000"),
	     REASON_FRAGMENT_TINY},
	    {FRAME("in", IP4("4500", "0024", "0000", "06") "000913c4000000000000000050020000"),
	     REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "001c", "0000", "84") "000913c400080000"), REASON_MALFORMED},
	    {FRAME("in", IP4("4500", "0018", "0000", "01") "08000000"), REASON_MALFORMED},
	    /* ICMPv6 over IPv4 is just some protocol. */
	    {FRAME("in", IP4("4500", "0014", "0000", "3a")), REASON_PROTOCOL});
}

/* However much of a frame is missing, it is judged, and never let in by a rule. */
static void test_truncation_at_every_byte(void **state)
{
	struct arena *arena = arena_new();
	struct frame_fields fields = {.extensions = {0, 43, 60}, .extension_count = 3};
	struct judgement judgement;
	struct judge *judge;
	uint8_t frame[256];
	size_t length;

	(void)state;
	fields.vlan_count = 2;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	build(&fields, frame, sizeof(frame), &length);
	for (size_t cut = 0; cut <= length; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees one too far */

		memcpy(exact, frame, cut);
		assert_int_equal(judge->judge(judge, IN, exact, cut, 0, &judgement), 0);
		assert_int_equal(judgement.reason, cut < length ? REASON_MALFORMED : REASON_RULE);
		free(exact);
	}
	judge->free(judge);
	arena_free(arena);
}

static void test_any_byte_changed_or_cut(void **state)
{
	struct arena *arena = arena_new();
	struct frame_fields fields = {.extensions = {60}, .extension_count = 1};
	struct judgement judgement;
	struct judge *judge;
	uint8_t frame[256];
	size_t length;

	(void)state;
	assert_int_equal(model_new(policy_without(arena, NULL), &judge), 0);
	build(&fields, frame, sizeof(frame), &length);
	for (size_t at = 12; at < length; at++)
		for (unsigned value = 0; value < 256; value++) {
			size_t cut = length - (value % 4) * (at % 7);
			uint8_t *exact = malloc(cut);

			memcpy(exact, frame, cut);
			if (at < cut)
				exact[at] = (uint8_t)value;
			assert_int_equal(judge->judge(judge, (enum direction)(value % 2), exact,
						      cut, 0, &judgement),
					 0);
			assert_int_not_equal(judgement.reason, REASON_NONE);
			free(exact);
		}
	judge->free(judge);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethertypes),
		cmocka_unit_test(test_ipv4_header),
		cmocka_unit_test(test_ipv6_header),
		cmocka_unit_test(test_eight_extension_headers),
		cmocka_unit_test(test_l4_headers),
		cmocka_unit_test(test_truncation_at_every_byte),
		cmocka_unit_test(test_any_byte_changed_or_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
