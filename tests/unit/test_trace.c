/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines in, verdicts out, through a judge that does as the test says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka.h, which has a macro of the name fail. */
#include "trace.h"

#include <cmocka.h>

/*
 * Passes, by the policy's rule, what has an even TTL (IPv4); the rest is dropped, which an odd TTL
 * above 128 survives as in audit. TTL 255: the judge itself fails.
 */
struct pretence {
	struct judge judge;
	const struct host_policy *policy;
	uint64_t last_ms;
	unsigned judged;
	unsigned resets;
};

static int pretend(struct judge *judge, enum direction direction, const void *frame, size_t length,
		   uint64_t at_ms, struct judgement *ret_judgement)
{
	struct pretence *pretence = (struct pretence *)judge;
	uint8_t hop_limit = length > 22 ? ((const uint8_t *)frame)[22] : 0;

	pretence->judged++;
	pretence->last_ms = at_ms;
	if (hop_limit == 255)
		return -EIO;
	if (hop_limit % 2 == 0)
		*ret_judgement = (struct judgement){VERDICT_PASS, VERDICT_PASS, REASON_RULE,
						    &pretence->policy->rules[0]};
	else
		*ret_judgement = (struct judgement){hop_limit > 128 ? VERDICT_PASS : VERDICT_DROP,
						    VERDICT_DROP, REASON_CLOSED_PORT, NULL};
	return 0;
}

static int pretend_reset(struct judge *judge)
{
	((struct pretence *)judge)->resets++;
	return 0;
}

static void pretend_free(struct judge *judge)
{
}

static struct citation citation = {
	.document = "Network Advisory", .section = "Voice", .row = "6", .lines = "214-222"};
static struct rule rule = {.id = "t/voice-6", .citations = &citation, .citation_count = 1};
static const struct host_policy policy = {.rules = &rule, .rule_count = 1};

static struct pretence pretence(void)
{
	return (struct pretence){
		.judge = {.judge = pretend, .reset = pretend_reset, .free = pretend_free},
		.policy = &policy};
}

/* One run of trace or test: what came out. */
struct result {
	int error;
	char *out;
	char *findings;
	struct failure failure;
	struct trace_score score;
};

static void result_clear(struct result *result)
{
	free(result->out);
	free(result->findings);
}

static char *print_findings(const struct diagnostics *diagnostics)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	diagnostics_print(diagnostics, out, true);
	fclose(out);
	return text;
}

static struct result run_trace(struct pretence *judge, const char *lines)
{
	FILE *in = fmemopen((void *)(uintptr_t)lines, strlen(lines), "r");
	struct trace_source source = {in, "packets.jsonl"};
	struct diagnostics *diagnostics = diagnostics_new();
	struct result result = {0};
	size_t length;
	FILE *out = open_memstream(&result.out, &length);

	result.error =
		trace_run(&source, judge->policy, &judge->judge, diagnostics, out, &result.failure);
	fclose(out);
	fclose(in);
	result.findings = print_findings(diagnostics);
	diagnostics_free(diagnostics);
	return result;
}

#define ESP(ttl, more)                                                                             \
	"{\"l4\":\"esp\",\"source\":\"192.0.2.1\",\"destination\":\"192.0.2.2\",\"hop_"            \
	"limit\":" #ttl more "}\n"

static void test_verdicts(void **state)
{
	struct pretence judge = pretence();
	struct result result = run_trace(
		&judge, ESP(64, ",\"id\":\"a \\\" b\"") "\n \t\n" ESP(1, "") ESP(129, ",\"id\":7"));
	json_t *first;
	char *end;

	(void)state;
	assert_int_equal(result.error, 0);
	end = strchr(result.out, '\n');
	first = json_loadb(result.out, (size_t)(end - result.out), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(first, "id")), "a \" b");
	assert_string_equal(json_string_value(json_object_get(first, "verdict")), "pass");
	assert_string_equal(json_string_value(json_object_get(first, "rule")), "t/voice-6");
	assert_non_null(
		strstr(json_string_value(json_object_get(first, "cite")), "Network Advisory"));
	json_decref(first);
	assert_string_equal(end + 1,
			    "{\"id\":\"4\",\"verdict\":\"drop\",\"judged\":\"drop\",\"reason\":"
			    "\"closed-port\",\"rule\":null,\"cite\":null}\n"
			    "{\"id\":7,\"verdict\":\"pass\",\"judged\":\"drop\",\"reason\":"
			    "\"closed-port\",\"rule\":null,\"cite\":null}\n");
	result_clear(&result);
}

/* Only what is dropped, and lies between those that it keeps apart. */
static void test_drop_that_is_forbidden(void **state)
{
	struct prefix ends[2];
	struct prefix_list from = {&ends[0], 1, 1}, to = {&ends[1], 1, 1};
	struct match match = {.local = &to, .remote = &from};
	struct forbid forbid = {.rule = rule, .any_service = true};
	struct host_policy forbidding = policy;
	struct pretence judge = pretence();
	struct result result;

	(void)state;
	assert_true(prefix_parse("192.0.2.1", &ends[0]) && prefix_parse("192.0.2.2", &ends[1]));
	forbid.rule.id = "t/nothing-in";
	forbid.rule.direction = DIRECTION_IN;
	forbid.rule.matches = &match;
	forbid.rule.match_count = 1;
	forbidding.forbids = &forbid;
	forbidding.forbid_count = 1;
	judge.policy = &forbidding;
	result = run_trace(&judge, ESP(1, "") ESP(2, "") ESP(1, ",\"direction\":\"out\""));
	assert_int_equal(result.error, 0);
	assert_non_null(strstr(result.out,
			       "\"reason\":\"closed-port\",\"rule\":null,\"cite\":\"Voice, row 6 "
			       "(Network Advisory, lines 214-222)\",\"forbid\":\"t/nothing-in\"}\n"
			       "{\"id\":\"2\",\"verdict\":\"pass\""));
	assert_non_null(strstr(result.out,
			       "\"id\":\"3\",\"verdict\":\"drop\",\"judged\":\"drop\","
			       "\"reason\":\"closed-port\",\"rule\":null,\"cite\":null}"));
	result_clear(&result);
}

static void test_clock_and_reset(void **state)
{
	struct pretence judge = pretence();
	struct result result = run_trace(
		&judge, ESP(64, ",\"at_ms\":500") ESP(64, "") "{\"reset\":true}\n" ESP(64, ""));

	(void)state;
	assert_int_equal(result.error, 0);
	assert_int_equal(judge.judged, 3);
	assert_int_equal(judge.resets, 1);
	assert_int_equal(judge.last_ms, 0); /* time begins again */
	result_clear(&result);
	result = run_trace(&judge, ESP(64, ",\"at_ms\":500") ESP(64, ""));
	assert_int_equal(judge.last_ms, 500); /* the time of the line before */
	result_clear(&result);
	result = run_trace(&judge, ESP(64, ",\"at_ms\":500") ESP(64, ",\"at_ms\":499"));
	assert_int_equal(result.error, -EINVAL);
	assert_non_null(strstr(result.findings, "packets.jsonl:2:"));
	assert_non_null(strstr(result.findings, "time goes on"));
	result_clear(&result);
}

/* Judging ends at the first error, and every error is found. */
static void test_errors_in_lines(void **state)
{
	struct pretence judge = pretence();
	struct result result =
		run_trace(&judge, ESP(64, "") "{\"l4\":1}\n" ESP(64, "") "nothing\n");

	(void)state;
	assert_int_equal(result.error, -EINVAL);
	assert_int_equal(judge.judged, 1);
	assert_non_null(strstr(result.out, "\"id\":\"1\""));
	assert_null(strstr(result.out, "\"id\":\"3\""));
	assert_non_null(strstr(result.findings, "packets.jsonl:2:"));
	assert_non_null(strstr(result.findings, "packets.jsonl:4:"));
	result_clear(&result);
}

static void test_failing_judge(void **state)
{
	struct pretence judge = pretence();
	struct result result = run_trace(&judge, ESP(64, "") ESP(255, ""));

	(void)state;
	assert_int_equal(result.error, -EIO);
	assert_non_null(strstr(result.failure.message, "packets.jsonl:2: "));
	result_clear(&result);
}

static void test_a_line_too_long(void **state)
{
	struct pretence judge = pretence();
	size_t length = PACKET_LINE_BYTES_MAX + 1;
	char *lines = calloc(1, length + 1);
	struct result result;

	(void)state;
	memset(lines, ' ', length);
	lines[0] = '{';
	lines[length - 1] = '}';
	result = run_trace(&judge, lines);
	assert_int_equal(result.error, -EINVAL);
	assert_non_null(strstr(result.findings, "PACKET_LINE_BYTES_MAX"));
	result_clear(&result);
	free(lines);
}

/* ------------------------------------------------------------ test files ------------------------
 */

struct cast {
	struct pretence pretence;
	unsigned asked;
	struct player last;
	char last_name[32];
};

static int play(void *context, const struct player *player, struct judge **ret_judge,
		struct failure *failure)
{
	struct cast *cast = context;

	cast->asked++;
	cast->last = *player;
	snprintf(cast->last_name, sizeof(cast->last_name), "%s", player->name ? player->name : "");
	if (player->name && strcmp(player->name, "t/nobody") == 0) {
		snprintf(failure->message, sizeof(failure->message), "no role t/nobody");
		return -EINVAL;
	}
	*ret_judge = &cast->pretence.judge;
	return 0;
}

static bool find_name(void *context, const char *name, uint8_t family, struct address *ret_address)
{
	return strcmp(name, "t/peer") == 0 && family == 4 &&
	       address_parse("192.0.2.7", ret_address);
}

static struct result run_test_file(struct cast *cast, const char *lines, const struct player *start)
{
	const struct trace_players players = {cast, play, find_name};
	FILE *in = fmemopen((void *)(uintptr_t)lines, strlen(lines), "r");
	struct trace_source source = {in, "t.jsonl"};
	struct diagnostics *diagnostics = diagnostics_new();
	struct result result = {0};
	size_t length;
	FILE *out = open_memstream(&result.out, &length);

	*cast = (struct cast){.pretence = pretence()};
	result.error = trace_test(&source, &players, start, diagnostics, out, &result.score,
				  &result.failure);
	fclose(out);
	fclose(in);
	result.findings = print_findings(diagnostics);
	diagnostics_free(diagnostics);
	return result;
}

#define ROLE(name) "{\"role\":\"" name "\"}\n"

static void test_expectations(void **state)
{
	struct cast cast;
	struct result result = run_test_file(
		&cast,
		ROLE("t/me") ESP(64,
				 ",\"expect\":\"pass\",\"rule\":\"t/voice-6\",\"reason\":\"rule\"")
			ESP(64, ",\"expect\":\"drop\",\"id\":\"two\"")
				ESP(64, ",\"expect\":\"pass\",\"rule\":\"t/other\"")
					ESP(1, ",\"expect\":\"drop\",\"rule\":null")
						ESP(1, ",\"expect\":\"drop\",\"reason\":\"flow\"")
							ESP(129, ",\"expect\":\"drop\""),
		NULL);

	(void)state;
	assert_int_equal(result.error, 0);
	assert_int_equal(result.score.tests, 6);
	assert_int_equal(result.score.failures, 4);
	assert_string_equal(
		result.out,
		"t.jsonl:3: two: expected drop; got pass, reason rule, rule t/voice-6\n"
		"t.jsonl:4: 4: expected pass, rule t/other; got pass, reason rule, rule t/voice-6\n"
		"t.jsonl:6: 6: expected drop, reason flow; got drop, reason closed-port, no rule\n"
		"t.jsonl:7: 7: expected drop; got pass (audit: judged drop), reason closed-port, "
		"no rule\n"
		"t.jsonl: 6 packets, 2 as expected, 4 not\n");
	assert_int_equal(cast.asked, 1);
	assert_int_equal(cast.last.kind, PLAYER_ROLE);
	result_clear(&result);
}

static void test_players(void **state)
{
	const struct player start = {.kind = PLAYER_HOST, .name = "h"};
	struct cast cast;
	struct result result = run_test_file(
		&cast,
		"{\"l4\":\"esp\",\"source\":\"t/peer\",\"destination\":\"192.0.2.2\","
		"\"expect\":\"pass\"}\n{\"reset\":true}\n{\"address\":\"192.0.2.9\"}\n",
		&start);

	(void)state;
	assert_int_equal(result.error, 0);
	assert_int_equal(cast.asked, 2);
	assert_int_equal(cast.last.kind, PLAYER_ADDRESS);
	assert_int_equal(cast.pretence.resets, 3); /* two players, one line */
	result_clear(&result);
	result = run_test_file(&cast, "{\"host\":\"ce-1\"}\n", NULL);
	assert_int_equal(cast.last.kind, PLAYER_HOST);
	assert_string_equal(cast.last_name, "ce-1");
	result_clear(&result);
}

static void test_errors_in_test_files(void **state)
{
	static const struct {
		const char *lines;
		const char *says;
	} rows[] = {
		{ESP(64, ",\"expect\":\"pass\""), "t.jsonl:1:1: error: nobody plays yet"},
		{ROLE("t/me") ESP(64, ""), "t.jsonl:2:1: error: \"expect\" must be there"},
		{ROLE("t/me") ESP(64, ",\"expect\":\"maybe\""), "\"pass\" or \"drop\""},
		{ROLE("t/me") ESP(64, ",\"expect\":\"drop\",\"reason\":\"close-port\""),
		 "did you mean \"closed-port\"?"},
		{ROLE("t/me") ESP(64, ",\"expect\":\"drop\",\"rule\":1"), "\"rule\" must be"},
		{ROLE("t/me") ESP(64, ",\"expect\":\"drop\",\"rules\":1"), "unknown key \"rules\""},
		{ROLE("t/nobody"), "t.jsonl:1:1: error: no role t/nobody"},
		{"{\"role\":\"t/me\",\"host\":\"h\"}", "has one key"},
		{"{\"address\":\"h\"}", "must be an IPv4 or IPv6 address"},
		{ROLE("t/me") "{\"l4\":\"esp\",\"source\":\"t/no\",\"destination\":\"192.0.2.2\","
			      "\"expect\":\"pass\"}",
		 "no host of the site and no role"},
	};
	struct cast cast;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct result result = run_test_file(&cast, rows[i].lines, NULL);

		assert_int_equal(result.error, -EINVAL);
		if (!strstr(result.findings, rows[i].says))
			fail_msg("%s\n  says: %s\n  must say: %s", rows[i].lines, result.findings,
				 rows[i].says);
		result_clear(&result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_drop_that_is_forbidden),
		cmocka_unit_test(test_clock_and_reset),
		cmocka_unit_test(test_errors_in_lines),
		cmocka_unit_test(test_failing_judge),
		cmocka_unit_test(test_a_line_too_long),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_players),
		cmocka_unit_test(test_errors_in_test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
