/* SPDX-License-Identifier: BSD-2-Clause */
/* trace and test: packet lines through a private judge. */
#include "command_trace.h"

#include <errno.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "trace.h"

static const char *const lookup_words[] = {
	[LOOKUP_MAPS] = "maps", [LOOKUP_FLAT] = "flat", [LOOKUP_FLAT + 1] = NULL};

void judge_freep(struct judge **judge)
{
	if (*judge)
		(*judge)->free(*judge);
}

int judge_from_options(const struct invocation *invocation, const struct host_policy *policy,
		       struct failure *failure, struct judge **ret_judge)
{
	int lookup = option_choice(invocation, OPTION_LOOKUP, lookup_words, (int)policy->lookup);
	int error;

	if (invocation->given[OPTION_MODEL]) {
		error = model_new(policy, ret_judge);
		if (error)
			fail(failure, -error, "the model can't be made: %s", strerror(-error));
		return error;
	}
	error = kernel_judge_new(policy, (enum lookup)lookup, failure, ret_judge);
	if (error == -EPERM || error == -EACCES) {
		const struct failure why = *failure;

		fail(failure, -error, "%s; or judge with --model, which needs no privilege",
		     why.message);
	}
	return error;
}

int judge_options_check(const struct invocation *invocation)
{
	if (!invocation->value[OPTION_SITE])
		return usage_error(invocation, "it needs --site SITE: the policy to judge by");
	if (invocation->given[OPTION_MODEL] && invocation->value[OPTION_LOOKUP])
		return usage_error(invocation, "--lookup is about the programs: the model has no "
					       "tables, so leave --model or --lookup out");
	if (option_choice(invocation, OPTION_LOOKUP, lookup_words, LOOKUP_FLAT) < 0)
		return EXIT_USAGE;
	return EXIT_DONE;
}

/* ------------------------------------------------------------ trace */

/* What a run through a judge ended with, as an exit code. */
static int report(const struct invocation *invocation, const struct diagnostics *diagnostics,
		  int error, const struct failure *failure)
{
	output_diagnostics(invocation, diagnostics);
	if (!error)
		return EXIT_DONE;
	if (error == -EINVAL && diagnostics_errors(diagnostics))
		return EXIT_POLICY;
	return output_failure(invocation, failure);
}

int command_trace(const struct invocation *invocation)
{
	const struct trace_source source = {stdin, "<stdin>"};
	cleanup(site_files_close) struct site_files files = {0};
	cleanup(judge_freep) struct judge *judge = NULL;
	struct failure failure = {""};
	struct host_policy *policy;
	int result = judge_options_check(invocation);
	int error;

	if (result == EXIT_DONE)
		result = site_files_read(invocation, invocation->value[OPTION_SITE], &files);
	if (result == EXIT_DONE)
		result = site_files_host(invocation, &files, &policy);
	if (result != EXIT_DONE)
		return result;
	if (judge_from_options(invocation, policy, &failure, &judge))
		return output_failure(invocation, &failure);
	error = trace_run(&source, policy, judge, files.diagnostics, stdout, &failure);
	return report(invocation, files.diagnostics, error, &failure);
}

/* ------------------------------------------------------------ test */

struct known_player {
	struct player player;
	const struct host_policy *policy;
	struct judge *judge;
};

/* Who played in a test file so far, each with its judge. */
struct cast {
	const struct invocation *invocation;
	struct site_files files;
	LIST(struct known_player) players;
};

static void cast_close(struct cast *cast)
{
	list_for_each (known, &cast->players)
		known->judge->free(known->judge);
	if (cast->files.arena)
		site_files_close(&cast->files);
}

static bool same_player(const struct player *a, const struct player *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == PLAYER_HOST || a->kind == PLAYER_ROLE)
		return strcmp(a->name, b->name) == 0;
	return prefix_list_equal(&a->addresses, &b->addresses);
}

/* The line's own memory goes when the line does. */
static struct player copy_player(struct arena *arena, const struct player *player)
{
	struct player copy = {.kind = player->kind};

	if (player->name)
		copy.name = arena_strdup(arena, player->name);
	for (size_t i = 0; i < player->addresses.count; i++)
		prefix_list_add(arena, &copy.addresses, &player->addresses.items[i]);
	return copy;
}

static int resolve_player(struct cast *cast, const struct player *player, struct failure *failure,
			  struct host_policy **ret_policy)
{
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();

	if (resolve(cast->files.arena, diagnostics, cast->files.policy, player, ret_policy) ==
	    RESOLVE_OK)
		return 0;
	output_diagnostics(cast->invocation, diagnostics);
	return fail(failure, EINVAL, "%s gives no policy for this player (see above)",
		    cast->files.path);
}

static int cast_judge(void *context, const struct player *player, struct judge **ret_judge,
		      struct failure *failure)
{
	struct cast *cast = context;
	struct host_policy *policy;
	struct known_player *known;
	struct judge *judge;
	int error;

	list_for_each (item, &cast->players) {
		if (!same_player(&item->player, player))
			continue;
		error = item->judge->reset(item->judge);
		if (error)
			return fail(failure, -error, "the judge can't be reset: %s",
				    strerror(-error));
		cast->files.playing = item->policy;
		*ret_judge = item->judge;
		return 0;
	}
	error = resolve_player(cast, player, failure, &policy);
	if (!error)
		error = judge_from_options(cast->invocation, policy, failure, &judge);
	if (error)
		return error;
	known = arena_push(cast->files.arena, &cast->players);
	known->player = copy_player(cast->files.arena, player);
	known->policy = policy;
	known->judge = judge;
	cast->files.playing = policy;
	*ret_judge = judge;
	return 0;
}

static bool cast_address(void *context, const char *name, uint8_t family,
			 struct address *ret_address)
{
	const struct cast *cast = context;

	return site_files_address(&cast->files, name, family, ret_address);
}

static int run_tests(const struct invocation *invocation, struct cast *cast, FILE *in,
		     const struct player *start)
{
	const struct trace_source source = {in, invocation->arguments[0]};
	const struct trace_players players = {cast, cast_judge, cast_address};
	bool json = invocation->given[OPTION_JSON];
	struct failure failure = {""};
	struct trace_score score = {0};
	int error = trace_test(&source, &players, start, cast->files.diagnostics,
			       json ? stderr : stdout, &score, &failure);

	if (error)
		return report(invocation, cast->files.diagnostics, error, &failure);
	output_diagnostics(invocation, cast->files.diagnostics);
	if (json)
		output_json(invocation, stdout,
			    json_pack("{s:I, s:I}", "tests", (json_int_t)score.tests, "failures",
				      (json_int_t)score.failures));
	return score.failures ? EXIT_FAILED : EXIT_DONE;
}

int command_test(const struct invocation *invocation)
{
	const char *path = invocation->arguments[0];
	cleanup(cast_close) struct cast cast = {.invocation = invocation};
	struct failure failure = {""};
	struct player start;
	bool given = false;
	FILE *in;
	int result = judge_options_check(invocation);

	if (result == EXIT_DONE)
		result = site_files_read(invocation, invocation->value[OPTION_SITE], &cast.files);
	if (result == EXIT_DONE)
		result = player_from_options(invocation, cast.files.arena, &start, &given);
	if (result != EXIT_DONE)
		return result;
	in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!in) {
		fail(&failure, errno, "can't read %s: %s", path, strerror(errno));
		return output_failure(invocation, &failure);
	}
	result = run_tests(invocation, &cast, in, given ? &start : NULL);
	if (in != stdin)
		fclose(in);
	return result;
}
