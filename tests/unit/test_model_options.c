/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's options of a rule: section 8 of docs/packet-path.md, and section 7 where it decides.
 */
#include "model_options.h"
#include "model_steps.h"

/* The packet of a line, with what the line says besides the frame. */
static struct judgement judge_line(struct judge *judge, const char *text)
{
	struct packet_line line;
	struct failure failure = {0};
	struct judgement judgement;

	if (packet_line_parse(text, strlen(text), NULL, &line, &failure))
		fail_msg("%s: %s", text, failure.message);
	judge->bound = line.bound ? BOUND_YES : BOUND_NO;
	judge->has_payload = line.has_payload;
	assert_int_equal(judge->judge(judge, line.direction, line.frame, line.frame_length,
				      line.at_ms, &judgement),
			 0);
	packet_line_clear(&line);
	return judgement;
}

struct option_step {
	const char *line;
	enum reason reason;
	const char *rule;
};

struct stage {
	struct arena *arena;
	struct host_policy *policy;
	struct judge *judge;
};

/* The policy of model_steps.h, where the rule has these options. */
static int stage_setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	stage->arena = arena_new();
	stage->policy = policy_without(stage->arena, NULL);
	stage->policy->sources = 100;
	*state = stage;
	return 0;
}

static int stage_teardown(void **state)
{
	struct stage *stage = *state;

	if (stage->judge)
		stage->judge->free(stage->judge);
	arena_free(stage->arena);
	free(stage);
	return 0;
}

static struct rule *give(struct stage *stage, const char *id, unsigned options)
{
	struct rule *rule = (struct rule *)host_policy_rule(stage->policy, id, DIRECTION_IN);

	assert_non_null(rule);
	rule->options = rule->matches[0].options = options;
	return rule;
}

static void run_option_steps(struct stage *stage, const struct option_step *steps, size_t count)
{
	if (!stage->judge)
		assert_int_equal(model_new(stage->policy, &stage->judge), 0);
	for (size_t i = 0; i < count; i++) {
		struct judgement judgement = judge_line(stage->judge, steps[i].line);
		const char *rule = judgement.rule ? judgement.rule->id : "";

		if (judgement.reason != steps[i].reason ||
		    judgement.judged != reason_verdict(steps[i].reason) ||
		    strcmp(rule, steps[i].rule ? steps[i].rule : "") != 0)
			fail_msg("step %zu: %s\n  got %s, rule %s; expected %s, rule %s", i + 1,
				 steps[i].line, reason_name(judgement.reason), rule,
				 reason_name(steps[i].reason), steps[i].rule ? steps[i].rule : "");
	}
}

#define STEPS(stage, ...)                                                                          \
	do {                                                                                       \
		static const struct option_step steps_[] = {__VA_ARGS__};                          \
		run_option_steps((stage), steps_, COUNT(steps_));                                  \
	} while (0)

#define SIP(rest) "{\"l4\":\"udp\"," P_H ",\"destination_port\":5060" rest "}"
#define SYN(rest) "{\"l4\":\"tcp\"," P_H ",\"destination_port\":5060" rest "}"
#define UNBOUND	  ",\"bound\":false"
#define AT(ms)	  ",\"at_ms\":" #ms

/* ------------------------------------------------------------ live ------------------------------
 */

static void test_live(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip", RULE_LIVE);
	give(stage, "t/sip-tcp", RULE_LIVE);
	STEPS(stage, {SIP(""), REASON_RULE, "t/sip"}, {SIP(UNBOUND), REASON_NOT_BOUND, "t/sip"},
	      {SYN(UNBOUND), REASON_NOT_BOUND, "t/sip-tcp"},
	      /* A connection that is there ends as its socket ends. */
	      {SYN(UNBOUND ",\"tcp_flags\":\"ACK\""), REASON_RULE, "t/sip-tcp"},
	      {SYN(UNBOUND ",\"tcp_flags\":\"SYN+RST\""), REASON_NOT_BOUND, "t/sip-tcp"},
	      /* No other rule is asked. */
	      {"{\"l4\":\"udp\"," H_P ",\"direction\":\"out\",\"source_port\":5060,"
	       "\"destination_port\":40000,\"bound\":false}",
	       REASON_MIRROR, "t/sip"});
}

static void test_live_of_fragments(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip", RULE_LIVE);
	STEPS(stage,
	      {SIP(UNBOUND ",\"fragment\":{\"id\":1,\"more\":true}"), REASON_NOT_BOUND, "t/sip"},
	      {SIP(",\"fragment\":{\"id\":1,\"offset\":8}"), REASON_FRAGMENT_EARLY, NULL},
	      {SIP(",\"fragment\":{\"id\":2,\"more\":true}"), REASON_RULE, "t/sip"},
	      {SIP(UNBOUND ",\"fragment\":{\"id\":2,\"offset\":8}"), REASON_FRAGMENT, "t/sip"});
}

/* Later fragments of what audit let through are judged as their first. */
static void test_audit(void **state)
{
	struct stage *stage = *state;
	struct judgement judgement;

	stage->policy->mode[DIRECTION_IN] = MODE_AUDIT;
	stage->policy->mode[DIRECTION_OUT] = MODE_AUDIT;
	give(stage, "t/sip", RULE_LIVE | RULE_LIMIT)->limit =
		(struct rule_limit){1, 1, 32, 64, {0}};
	STEPS(stage, {SIP(UNBOUND), REASON_NOT_BOUND, "t/sip"}, {SIP(""), REASON_RULE, "t/sip"},
	      {SIP(""), REASON_RULE, "t/sip"},
	      {SIP(UNBOUND ",\"fragment\":{\"id\":1,\"more\":true}"), REASON_NOT_BOUND, "t/sip"},
	      {SIP(",\"fragment\":{\"id\":1,\"offset\":8}"), REASON_NOT_BOUND, NULL});
	judgement = judge_line(stage->judge, SIP(UNBOUND));
	assert_int_equal(judgement.verdict, VERDICT_PASS);
}

/* ------------------------------------------------------------ shape -----------------------------
 */

static void test_shape(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip", RULE_SHAPE_RTP);
	STEPS(stage, {SIP(""), REASON_RULE, "t/sip"}, {SIP(PAYLOAD("")), REASON_RULE, "t/sip"},
	      {SIP(PAYLOAD("41")), REASON_SHAPE, "t/sip"},
	      {SIP(PAYLOAD("8000000000000000000000")), REASON_SHAPE, "t/sip"},
	      {SIP(PAYLOAD("800000000000000000000000")), REASON_RULE, "t/sip"},
	      /* What is told of the length, not what is there, is the packet's. */
	      {SIP(",\"fragment\":{\"id\":1,\"more\":true}"), REASON_RULE, "t/sip"},
	      {SIP(PAYLOAD("80000000000000000000000000000000") ",\"fragment\":{\"id\":1,\"more\":"
							       "true}"),
	       REASON_RULE, "t/sip"},
	      {SIP(PAYLOAD("8000000000000000") ",\"fragment\":{\"id\":1,\"more\":true}"),
	       REASON_SHAPE, "t/sip"});
}

/* Every first byte, at the least length and one below: RFC 7983, section 7. */
static void test_shapes(void **state)
{
	static const struct {
		uint8_t first, last;
		size_t least; /* 0: none will do */
		uint8_t second;
	} kinds[] = {
		{0, 3, 20, 1},	     {4, 15, 0, 0},	 {16, 19, 12, 0},    {20, 63, 13, 0xfe},
		{64, 79, 4, 0},	     {80, 127, 0, 0},	 {128, 191, 12, 0},  {128, 191, 12, 191},
		{128, 191, 4, 192},  {128, 191, 4, 200}, {128, 191, 4, 223}, {128, 191, 12, 224},
		{192, 255, 0, 0xc8},
	};
	uint8_t bytes[1500] = {0};

	(void)state;
	assert_false(shape_is_media(bytes, 0));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		for (unsigned first = kinds[i].first; first <= kinds[i].last; first++) {
			bytes[0] = (uint8_t)first;
			bytes[1] = kinds[i].second;
			assert_int_equal(shape_is_media(bytes, sizeof(bytes)), kinds[i].least > 0);
			if (!kinds[i].least)
				continue;
			assert_true(shape_is_media(bytes, kinds[i].least));
			assert_false(shape_is_media(bytes, kinds[i].least - 1));
		}
	}
	/* A channel says how much there is in it; RFC 8656 lets padding be behind that. */
	memcpy(bytes, "\x40\x00\x01\x02", 4);
	assert_false(shape_is_media(bytes, 4 + 0x101));
	assert_true(shape_is_media(bytes, 4 + 0x102));
	assert_true(shape_is_media(bytes, 4 + 0x103));
	assert_false(shape_is_media((const uint8_t *)"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\n", 35));
	assert_false(shape_is_media((const uint8_t *)"INVITE sip:100@192.0.2.1 SIP/2.0\r\n", 34));
	/* One byte of RTP has no second. */
	bytes[0] = 0x80;
	bytes[1] = 200;
	assert_false(shape_is_media(bytes, 1));
}

/* ------------------------------------------------------------ limit -----------------------------
 */

static void test_limit_of_packets(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip", RULE_LIMIT)->limit = (struct rule_limit){3, 2, 32, 64, {0}};
	STEPS(stage, {SIP(AT(1000)), REASON_RULE, "t/sip"}, {SIP(AT(1000)), REASON_RULE, "t/sip"},
	      {SIP(AT(1000)), REASON_LIMITED, "t/sip"},
	      /* A third of a second for each: 333.3 ms. */
	      {SIP(AT(1333)), REASON_LIMITED, "t/sip"}, {SIP(AT(1334)), REASON_RULE, "t/sip"},
	      {SIP(AT(1666)), REASON_LIMITED, "t/sip"}, {SIP(AT(1667)), REASON_RULE, "t/sip"},
	      {SIP(AT(2000)), REASON_RULE, "t/sip"}, {SIP(AT(2000)), REASON_LIMITED, "t/sip"},
	      /* Full again, and no more than full. */
	      {SIP(AT(9000)), REASON_RULE, "t/sip"}, {SIP(AT(9000)), REASON_RULE, "t/sip"},
	      {SIP(AT(9000)), REASON_LIMITED, "t/sip"},
	      /* Answers are no arrivals. */
	      {"{\"l4\":\"udp\"," H_P ",\"direction\":\"out\",\"source_port\":5060,"
	       "\"destination_port\":40000,\"at_ms\":9000}",
	       REASON_MIRROR, "t/sip"});
}

/* Only what opens counts, and what another option refuses does not. */
static void test_limit_of_connections(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip-tcp", RULE_LIMIT | RULE_LIVE)->limit =
		(struct rule_limit){1, 1, 32, 64, {0}};
	STEPS(stage, {SYN(UNBOUND), REASON_NOT_BOUND, "t/sip-tcp"},
	      {SYN(",\"tcp_flags\":\"ACK\""), REASON_RULE, "t/sip-tcp"},
	      {SYN(""), REASON_RULE, "t/sip-tcp"}, {SYN(""), REASON_LIMITED, "t/sip-tcp"},
	      {SYN(",\"tcp_flags\":\"ACK\""), REASON_RULE, "t/sip-tcp"},
	      {SYN(",\"tcp_flags\":\"FIN+ACK\""), REASON_RULE, "t/sip-tcp"});
}

#define FROM_4(source) "{\"l4\":\"udp\"," FROM(source, "192.0.2.1") ",\"destination_port\":5060}"
#define FROM_6(source) "{\"l4\":\"udp\"," FROM(source, "2001:db8::1") ",\"destination_port\":5060}"

static void test_limit_of_prefixes(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip", RULE_LIMIT)->limit = (struct rule_limit){1, 1, 27, 63, {0}};
	STEPS(stage, {FROM_4("198.51.100.32"), REASON_RULE, "t/sip"},
	      {FROM_4("198.51.100.63"), REASON_LIMITED, "t/sip"},
	      {FROM_4("198.51.100.31"), REASON_RULE, "t/sip"},
	      {FROM_4("198.51.100.64"), REASON_RULE, "t/sip"},
	      {FROM_6("2001:db8:1:2::1"), REASON_RULE, "t/sip"},
	      {FROM_6("2001:db8:1:3:ffff::"), REASON_LIMITED, "t/sip"},
	      {FROM_6("2001:db8:1:4::"), REASON_RULE, "t/sip"});
}

/* A full table forgets who was let in longest ago, and locks nobody out. */
static void test_limit_of_a_full_table(void **state)
{
	struct stage *stage = *state;

	stage->policy->sources = 2;
	give(stage, "t/sip", RULE_LIMIT)->limit = (struct rule_limit){1, 1, 32, 64, {0}};
	STEPS(stage, {FROM_4("198.51.100.1"), REASON_RULE, "t/sip"},
	      {FROM_4("198.51.100.2"), REASON_RULE, "t/sip"},
	      {FROM_4("198.51.100.1"), REASON_LIMITED, "t/sip"},
	      {FROM_4("198.51.100.3"), REASON_RULE, "t/sip"},
	      {FROM_4("198.51.100.2"), REASON_LIMITED, "t/sip"},
	      {FROM_4("198.51.100.1"), REASON_RULE, "t/sip"},
	      {FROM_4("198.51.100.3"), REASON_LIMITED, "t/sip"},
	      {FROM_4("198.51.100.2"), REASON_RULE, "t/sip"});
}

static void test_limits_are_forgotten(void **state)
{
	struct stage *stage = *state;

	give(stage, "t/sip", RULE_LIMIT)->limit = (struct rule_limit){1, 1, 32, 64, {0}};
	STEPS(stage, {SIP(""), REASON_RULE, "t/sip"}, {SIP(""), REASON_LIMITED, "t/sip"});
	assert_int_equal(stage->judge->reset(stage->judge), 0);
	STEPS(stage, {SIP(""), REASON_RULE, "t/sip"}, {SIP(""), REASON_LIMITED, "t/sip"});
	assert_int_equal(model_swap_policy(stage->judge, stage->policy), 0);
	STEPS(stage, {SIP(""), REASON_RULE, "t/sip"}, {SIP(""), REASON_LIMITED, "t/sip"});
}

/* The greatest of everything is still exact. */
static void test_limit_bounds(void **state)
{
	struct rule_limit limit = {LIMIT_MAX, LIMIT_MAX, 32, 64, {0}};
	struct model_limits limits = {0};
	struct address source = {4, {192, 0, 2, 1}};
	const uint64_t now = UINT64_C(1) << 40;

	(void)state;
	for (uint32_t i = 0; i < LIMIT_MAX; i++)
		assert_true(model_limits_charge(&limits, 10, 1, &limit, &source, now));
	assert_false(model_limits_charge(&limits, 10, 1, &limit, &source, now));
	for (uint32_t i = 0; i < LIMIT_MAX / 1000; i++)
		assert_true(model_limits_charge(&limits, 10, 1, &limit, &source, now + 1));
	assert_false(model_limits_charge(&limits, 10, 1, &limit, &source, now + 1));
	/* Another rule counts for itself. */
	assert_true(model_limits_charge(&limits, 10, 2, &limit, &source, now));
	model_limits_clear(&limits);
}

/* Virtual scheduling is a bucket of tokens: here in whole tokens of so many parts. */
static void test_limit_is_a_token_bucket(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (size_t run = 0; run < 200; run++) {
		struct rule_limit limit = {0, 0, 32, 64, {0}};
		struct model_limits limits = {0};
		struct address source = {4, {192, 0, 2, 1}};
		uint64_t now = 0, parts, last = 0;

		limit.per_second = (uint32_t)(random >> 5) % 70 + 1;
		limit.burst = (uint32_t)(random >> 17) % 9 + 1;
		parts = (uint64_t)limit.burst * 1000;
		for (size_t i = 0; i < 500; i++) {
			bool passes;

			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			now += (random >> 40) % (2000 / limit.per_second + 2);
			parts += (now - last) * limit.per_second;
			if (parts > (uint64_t)limit.burst * 1000)
				parts = (uint64_t)limit.burst * 1000;
			last = now;
			passes = parts >= 1000;
			if (passes)
				parts -= 1000;
			assert_int_equal(model_limits_charge(&limits, 10, 1, &limit, &source, now),
					 passes);
		}
		model_limits_clear(&limits);
	}
}

/* ------------------------------------------------------------ which rule ------------------------
 */

static void test_fewest_options_win(void **state)
{
	struct stage *stage = *state;
	struct host_policy *policy = stage->policy;
	static const struct row wide[] = {
		{"t/wide", IN, 17, 5000, 5100, ANY, OWN, "198.51.100.0/25"},
		{"t/wider", IN, 17, 4000, 6000, ANY, OWN, "198.51.100.0/25"},
	};

	policy->rules = memcpy(arena_alloc(stage->arena, (ROWS + 2) * sizeof(*policy->rules)),
			       policy->rules, ROWS * sizeof(*policy->rules));
	add_rule(stage->arena, policy, &wide[0]);
	add_rule(stage->arena, policy, &wide[1]);
	give(stage, "t/sip", RULE_LIVE | RULE_SHAPE_RTP);
	give(stage, "t/wide", RULE_LIVE);
	STEPS(stage, {SIP(UNBOUND), REASON_RULE, "t/wider"});
	give(stage, "t/wider", RULE_LIVE);
	STEPS(stage, {SIP(UNBOUND), REASON_NOT_BOUND, "t/wide"});
	STEPS(stage, {FROM_4("198.51.100.200"), REASON_RULE, "t/sip"});
}

#define test(function) cmocka_unit_test_setup_teardown(function, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_live),
		test(test_live_of_fragments),
		test(test_audit),
		test(test_shape),
		cmocka_unit_test(test_shapes),
		test(test_limit_of_packets),
		test(test_limit_of_connections),
		test(test_limit_of_prefixes),
		test(test_limit_of_a_full_table),
		test(test_limits_are_forgotten),
		cmocka_unit_test(test_limit_bounds),
		cmocka_unit_test(test_limit_is_a_token_bucket),
		test(test_fewest_options_win),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
