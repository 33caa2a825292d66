/* SPDX-License-Identifier: BSD-2-Clause */
#include "../include/bounds.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forbidden.h"
#include "words.h"

/* What trace_run() and trace_test() share: lines in, a clock that does not go back. */
struct reader {
	const struct trace_source *source;
	struct diagnostics *diagnostics;
	struct failure *failure;
	char *text; /* of the line, owned */
	size_t capacity;
	size_t length;
	unsigned line;
	uint64_t now; /* milliseconds */
	bool has_errors;
};

static void reader_clear(struct reader *reader)
{
	free(reader->text);
}

/* The line's finding. What follows is only checked. */
static void report(struct reader *reader, const char *message)
{
	const struct position at = {reader->source->name, reader->line, 1};

	diagnostics_error(reader->diagnostics, at, "%s", message);
	reader->has_errors = true;
}

/* 1: a line with something on it, 0: the end, or -errno with failure set. */
static int next_line(struct reader *reader)
{
	ssize_t length;

	while ((length = getline(&reader->text, &reader->capacity, reader->source->in)) >= 0) {
		reader->line++;
		reader->length = (size_t)length;
		if (strspn(reader->text, " \t\r\n") < reader->length)
			return 1;
	}
	if (ferror(reader->source->in))
		return fail(reader->failure, EIO, "%s: cannot be read", reader->source->name);
	return 0;
}

/* NULL after an error was reported. New reference. */
static json_t *read_object(struct reader *reader)
{
	struct failure why;
	json_t *object = NULL;

	if (reader->length > PACKET_LINE_BYTES_MAX)
		fail(&why, E2BIG, "the line is longer than %u bytes (PACKET_LINE_BYTES_MAX)",
		     PACKET_LINE_BYTES_MAX);
	else
		object = packet_line_json(reader->text, reader->length, &why);
	if (!object)
		report(reader, why.message);
	return object;
}

/* False after an error was reported; else the line must be cleared. Moves the clock. */
static bool read_packet(struct reader *reader, const json_t *object,
			const struct packet_names *names, struct packet_line *ret_line)
{
	struct failure why;

	if (packet_line_from_json(object, names, ret_line, &why)) {
		report(reader, why.message);
		return false;
	}
	if (ret_line->reset) {
		reader->now = 0;
	} else if (ret_line->has_time && ret_line->at_ms < reader->now) {
		fail(&why, EINVAL,
		     "\"at_ms\" is %llu, but the line before is at %llu: time goes on",
		     (unsigned long long)ret_line->at_ms, (unsigned long long)reader->now);
		report(reader, why.message);
		packet_line_clear(ret_line);
		return false;
	} else if (ret_line->has_time) {
		reader->now = ret_line->at_ms;
	}
	return true;
}

#define TEXT_OF(number)	 #number
#define BOUND_OF(number) TEXT_OF(number)

const char *judge_error_text(int error)
{
	if (error == -EMSGSIZE)
		return "the kernel judges leaving frames of at most " BOUND_OF(
			RUN_BYTES_MAX) " bytes "
				       "(RUN_BYTES_MAX) in a test run; --model judges longer ones";
	return strerror(-error);
}

int judge_packet_line(struct judge *judge, const struct packet_line *line, uint64_t at_ms,
		      struct judgement *ret_judgement)
{
	enum bound said = line->bound ? BOUND_YES : BOUND_NO;

	judge->bound = line->has_bound ? said : judge->otherwise_bound;
	judge->has_payload = line->has_payload;
	return judge->judge(judge, line->direction, line->frame, line->frame_length, at_ms,
			    ret_judgement);
}

static int run_judge(struct reader *reader, struct judge *judge, const struct packet_line *line,
		     struct judgement *ret_judgement)
{
	int error = judge_packet_line(judge, line, reader->now, ret_judgement);

	if (!error)
		return 0;
	return fail(reader->failure, -error, "%s:%u: the packet could not be judged: %s",
		    reader->source->name, reader->line, judge_error_text(error));
}

static int run_reset(struct reader *reader, struct judge *judge)
{
	int error = judge->reset(judge);

	if (!error)
		return 0;
	return fail(reader->failure, -error, "%s:%u: the state could not be reset: %s",
		    reader->source->name, reader->line, strerror(-error));
}

/* The line's id as text, or its number: in buffer, or the line's. */
static const char *line_id(const struct reader *reader, const struct packet_line *line,
			   char *buffer, size_t size)
{
	if (json_is_string(line->id))
		return json_string_value(line->id);
	if (json_is_integer(line->id))
		snprintf(buffer, size, "%lld", (long long)json_integer_value(line->id));
	else
		snprintf(buffer, size, "%u", reader->line);
	return buffer;
}

enum { LINE_ID_BYTES = 32 };

/* ------------------------------------------------------------ trace -----------------------------
 */

struct run {
	struct reader reader;
	const struct host_policy *policy;
	struct judge *judge;
	struct arena *arena; /* owns the citations */
	const char **cites;  /* by index of the rule; NULL: not asked for yet */
	FILE *out;
};

static const char *cite(struct run *run, const struct rule *rule)
{
	const char **text = &run->cites[rule - run->policy->rules];

	if (!*text)
		*text = citation_format(run->arena, rule);
	return *text;
}

/* No rule is there to be cited, but what wants it so. */
static void cite_forbid(const struct rule *forbid, json_t *object)
{
	struct arena *arena = arena_new();

	json_object_set_new(object, "cite", json_string(citation_format(arena, forbid)));
	json_object_set_new(object, "forbid", json_string(forbid->id));
	arena_free(arena);
}

static int print_judgement(struct run *run, const struct packet_line *line,
			   const struct judgement *judgement)
{
	const struct rule *rule = judgement->rule;
	const struct rule *forbid = forbidden_by(run->policy, line->direction, line->frame,
						 line->frame_length, judgement);
	char buffer[LINE_ID_BYTES];
	json_t *id = line->id ? json_incref(line->id)
			      : json_string(line_id(&run->reader, line, buffer, sizeof(buffer)));
	json_t *object = json_pack(
		"{so ss ss ss ss? ss?}", "id", id, "verdict", verdict_name(judgement->verdict),
		"judged", verdict_name(judgement->judged), "reason", reason_name(judgement->reason),
		"rule", rule ? rule->id : NULL, "cite", rule ? cite(run, rule) : NULL);
	int result;

	if (!object)
		return fail(run->reader.failure, ENOMEM, "out of memory");
	if (forbid)
		cite_forbid(forbid, object);
	result = json_dumpf(object, run->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (result < 0 || fputc('\n', run->out) == EOF)
		return fail(run->reader.failure, EIO, "the verdicts cannot be written");
	return 0;
}

static int run_line(struct run *run, const struct packet_line *line)
{
	struct judgement judgement;
	int error;

	if (run->reader.has_errors)
		return 0;
	if (line->reset)
		return run_reset(&run->reader, run->judge);
	error = run_judge(&run->reader, run->judge, line, &judgement);
	return error ? error : print_judgement(run, line, &judgement);
}

static int run_lines(struct run *run)
{
	struct packet_line line;
	json_t *object;
	int error;

	while ((error = next_line(&run->reader)) > 0) {
		object = read_object(&run->reader);
		if (!object)
			continue;
		if (!read_packet(&run->reader, object, NULL, &line)) {
			json_decref(object);
			continue;
		}
		error = run_line(run, &line);
		packet_line_clear(&line);
		json_decref(object);
		if (error)
			return error;
	}
	if (error)
		return error;
	if (fflush(run->out) || ferror(run->out))
		return fail(run->reader.failure, EIO, "the verdicts cannot be written");
	if (run->reader.has_errors)
		return fail(run->reader.failure, EINVAL, "%s has errors", run->reader.source->name);
	return 0;
}

int trace_run(const struct trace_source *source, const struct host_policy *policy,
	      struct judge *judge, struct diagnostics *diagnostics, FILE *out,
	      struct failure *failure)
{
	struct run run = {
		.reader = {.source = source, .diagnostics = diagnostics, .failure = failure},
		.policy = policy,
		.judge = judge,
		.arena = arena_new(),
		.out = out,
	};
	int error;

	run.cites = arena_alloc(run.arena, (policy->rule_count + 1) * sizeof(*run.cites));
	error = run_lines(&run);
	reader_clear(&run.reader);
	arena_free(run.arena);
	return error;
}

/* ------------------------------------------------------------ test ------------------------------
 */

struct expectation {
	enum verdict verdict;
	bool has_reason;
	enum reason reason;
	bool has_rule;
	const char *rule; /* NULL: no rule */
};

struct testing {
	struct reader reader;
	const struct trace_players *players;
	struct judge *judge; /* NULL: nobody plays yet */
	FILE *out;
	struct trace_score score;
};

static bool find_reason(const char *name, enum reason *ret_reason)
{
	for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
		if (strcmp(name, reason_name((enum reason)reason)) == 0) {
			*ret_reason = (enum reason)reason;
			return true;
		}
	return false;
}

static int unknown_reason(const char *name, struct failure *why)
{
	const char *names[REASON_COUNT];
	const char *nearest;

	for (int reason = 0; reason < REASON_COUNT; reason++)
		names[reason] = reason_name((enum reason)reason);
	nearest = nearest_name(name, names, REASON_COUNT);
	if (nearest)
		return fail(why, EINVAL, "\"reason\" is \"%s\"; did you mean \"%s\"?", name,
			    nearest);
	return fail(why, EINVAL, "\"reason\" is \"%s\", which is no reason", name);
}

static int read_expectation(const json_t *object, struct expectation *ret_expected,
			    struct failure *why)
{
	const char *verdict = json_string_value(json_object_get(object, "expect"));
	const json_t *reason = json_object_get(object, "reason");
	const json_t *rule = json_object_get(object, "rule");
	struct expectation expected = {0};

	if (!verdict || (strcmp(verdict, "pass") != 0 && strcmp(verdict, "drop") != 0))
		return fail(why, EINVAL, "\"expect\" must be there, and \"pass\" or \"drop\"");
	expected.verdict = strcmp(verdict, "pass") == 0 ? VERDICT_PASS : VERDICT_DROP;
	if (reason && !json_is_string(reason))
		return fail(why, EINVAL, "\"reason\" must be a string, such as \"closed-port\"");
	if (reason && !find_reason(json_string_value(reason), &expected.reason))
		return unknown_reason(json_string_value(reason), why);
	if (rule && !json_is_string(rule) && !json_is_null(rule))
		return fail(why, EINVAL, "\"rule\" must be the id of a rule, or null for none");
	expected.has_reason = reason != NULL;
	expected.has_rule = rule != NULL;
	expected.rule = json_string_value(rule);
	*ret_expected = expected;
	return 0;
}

static bool same_rule(const char *id, const struct rule *rule)
{
	if (!id || !rule)
		return !id && !rule;
	return strcmp(id, rule->id) == 0;
}

static bool is_met(const struct expectation *expected, const struct judgement *judgement)
{
	if (expected->verdict != judgement->verdict)
		return false;
	if (expected->has_reason && expected->reason != judgement->reason)
		return false;
	return !expected->has_rule || same_rule(expected->rule, judgement->rule);
}

static void print_failure(struct testing *testing, const struct packet_line *line,
			  const struct expectation *expected, const struct judgement *judgement)
{
	const struct reader *reader = &testing->reader;
	char buffer[LINE_ID_BYTES];

	fprintf(testing->out, "%s:%u: %s: expected %s", reader->source->name, reader->line,
		line_id(reader, line, buffer, sizeof(buffer)), verdict_name(expected->verdict));
	if (expected->has_reason)
		fprintf(testing->out, ", reason %s", reason_name(expected->reason));
	if (expected->has_rule)
		fprintf(testing->out, ", %s%s", expected->rule ? "rule " : "no rule",
			expected->rule ? expected->rule : "");
	fprintf(testing->out, "; got %s", verdict_name(judgement->verdict));
	if (judgement->judged != judgement->verdict)
		fprintf(testing->out, " (audit: judged %s)", verdict_name(judgement->judged));
	fprintf(testing->out, ", reason %s, %s%s\n", reason_name(judgement->reason),
		judgement->rule ? "rule " : "no rule", judgement->rule ? judgement->rule->id : "");
}

static int set_player(struct testing *testing, const struct player *player)
{
	struct failure why = {0};
	int error =
		testing->players->judge(testing->players->context, player, &testing->judge, &why);

	if (error == -EINVAL) {
		report(&testing->reader, why.message);
		return 0;
	}
	if (error)
		return fail(testing->reader.failure, -error, "%s", why.message);
	testing->reader.now = 0;
	return run_reset(&testing->reader, testing->judge);
}

/* A line {"host": H}, {"address": A} or {"role": R}. */
static int player_line(struct testing *testing, const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	struct player player = {.name = value};
	struct address address;
	struct prefix prefix;

	if (!value || json_object_size(object) != 1) {
		report(&testing->reader, "a line that says who plays has one key, \"host\", "
					 "\"address\" or \"role\", with a string");
		return 0;
	}
	if (strcmp(key, "host") == 0) {
		player.kind = PLAYER_HOST;
	} else if (strcmp(key, "role") == 0) {
		player.kind = PLAYER_ROLE;
	} else if (address_parse(value, &address)) {
		prefix = prefix_of_address(&address);
		player.kind = PLAYER_ADDRESS;
		player.name = NULL;
		player.addresses = (struct prefix_list){&prefix, 1, 1};
	} else {
		report(&testing->reader, "\"address\" must be an IPv4 or IPv6 address");
		return 0;
	}
	return set_player(testing, &player);
}

static int test_packet(struct testing *testing, const struct packet_line *line,
		       const struct expectation *expected)
{
	struct judgement judgement;
	int error;

	if (testing->reader.has_errors)
		return 0;
	if (line->reset)
		return run_reset(&testing->reader, testing->judge);
	error = run_judge(&testing->reader, testing->judge, line, &judgement);
	if (error)
		return error;
	testing->score.tests++;
	if (is_met(expected, &judgement))
		return 0;
	testing->score.failures++;
	print_failure(testing, line, expected, &judgement);
	return 0;
}

/* Takes the keys that only tests have out of the object, then reads the rest as trace does. */
static int packet_line(struct testing *testing, json_t *object)
{
	static const char *const test_keys[] = {"expect", "reason", "rule"};
	const struct packet_names names = {testing->players->address, testing->players->context};
	bool reset = json_object_get(object, "reset") != NULL;
	struct expectation expected = {0};
	struct packet_line line;
	struct failure why;
	json_t *packet;
	int error = 0;

	if (!testing->judge && !testing->reader.has_errors)
		report(&testing->reader, "nobody plays yet: a line {\"role\": \"...\"}, {\"host\": "
					 "\"...\"} or {\"address\": \"...\"} must come first");
	if (!reset && read_expectation(object, &expected, &why)) {
		report(&testing->reader, why.message);
		return 0;
	}
	packet = json_copy(object);
	for (size_t i = 0; !reset && i < sizeof(test_keys) / sizeof(test_keys[0]); i++)
		json_object_del(packet, test_keys[i]);
	if (read_packet(&testing->reader, packet, &names, &line)) {
		error = test_packet(testing, &line, &expected);
		packet_line_clear(&line);
	}
	json_decref(packet);
	return error;
}

static int test_line(struct testing *testing, json_t *object)
{
	static const char *const player_keys[] = {"host", "address", "role"};

	for (size_t i = 0; i < sizeof(player_keys) / sizeof(player_keys[0]); i++)
		if (json_object_get(object, player_keys[i]))
			return player_line(testing, object, player_keys[i]);
	return packet_line(testing, object);
}

static int test_lines(struct testing *testing)
{
	struct reader *reader = &testing->reader;
	json_t *object;
	int error;

	while ((error = next_line(reader)) > 0) {
		object = read_object(reader);
		if (!object)
			continue;
		error = test_line(testing, object);
		json_decref(object);
		if (error)
			return error;
	}
	if (error)
		return error;
	if (reader->has_errors)
		return fail(reader->failure, EINVAL, "%s has errors", reader->source->name);
	fprintf(testing->out, "%s: %zu packets, %zu as expected, %zu not\n", reader->source->name,
		testing->score.tests, testing->score.tests - testing->score.failures,
		testing->score.failures);
	if (fflush(testing->out) || ferror(testing->out))
		return fail(reader->failure, EIO, "the result cannot be written");
	return 0;
}

int trace_test(const struct trace_source *source, const struct trace_players *players,
	       const struct player *start, struct diagnostics *diagnostics, FILE *out,
	       struct trace_score *ret_score, struct failure *failure)
{
	struct testing testing = {
		.reader = {.source = source, .diagnostics = diagnostics, .failure = failure},
		.players = players,
		.out = out,
	};
	int error = start ? set_player(&testing, start) : 0;

	if (!error)
		error = test_lines(&testing);
	reader_clear(&testing.reader);
	if (!error)
		*ret_score = testing.score;
	return error;
}
