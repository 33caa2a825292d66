/* SPDX-License-Identifier: BSD-2-Clause */
/* who: who can reach X, what can X reach. */
#include <string.h>

#include "command.h"
#include "node.h"
#include "output.h"
#include "reader.h"
#include "term.h"
#include "who.h"

/* What a person wants to read of a list of addresses; --json has all of it. */
#define SHOWN_PREFIXES 4u

struct question {
	bool to;	     /* who reaches X; else: what X reaches */
	const char *name;    /* X */
	const char *service; /* NULL: any */
	struct party party;  /* X found */
	struct service_list wanted;
};

static int usage(const struct invocation *invocation)
{
	return usage_error(invocation, "ask \"can reach X [SERVICE]\", \"reaches X [SERVICE]\" or "
				       "\"X can reach [SERVICE]\"; a name of several words is "
				       "quoted as one");
}

/* Is this word, of those that make it read like English, at this place? */
static bool is_word(const struct invocation *invocation, int index, const char *word)
{
	return index < invocation->argument_count &&
	       strcmp(invocation->arguments[index], word) == 0;
}

/* "[who] can reach X [S]", "[who] reaches X [S]", "[what] [can] X [can] reach [S]". */
static int read_words(const struct invocation *invocation, struct question *question)
{
	int at = 0;

	if (is_word(invocation, at, "who") || is_word(invocation, at, "what"))
		at++;
	question->to = is_word(invocation, at, "reaches") ||
		       (is_word(invocation, at, "can") && is_word(invocation, at + 1, "reach"));
	if (question->to) {
		at += is_word(invocation, at, "reaches") ? 1 : 2;
		if (at >= invocation->argument_count)
			return usage(invocation);
		question->name = invocation->arguments[at++];
	} else {
		at += is_word(invocation, at, "can");
		if (at >= invocation->argument_count)
			return usage(invocation);
		question->name = invocation->arguments[at++];
		at += is_word(invocation, at, "can");
		if (!is_word(invocation, at, "reach") && !is_word(invocation, at, "reaches"))
			return usage(invocation);
		at++;
	}
	if (at < invocation->argument_count)
		question->service = invocation->arguments[at++];
	return at == invocation->argument_count ? EXIT_DONE : usage(invocation);
}

static int read_service_word(const struct invocation *invocation, const struct site_files *files,
			     struct question *question)
{
	cleanup(diagnostics_freep) struct diagnostics *unused = diagnostics_new();
	const struct reader reader = {files->arena, unused};
	const struct node node = {.kind = NODE_SCALAR, .text = question->service};
	struct scope scope = {files->arena, files->policy, NULL, NULL};
	service_term_list terms;
	struct lack lack;

	if (!question->service)
		return EXIT_DONE;
	if (!read_services(&reader, &node, "service", ALLOW_ANY, &terms) ||
	    !scope_services(&scope, &terms, &question->wanted, &lack))
		return usage_error(invocation,
				   "\"%s\" is no service: write tcp/1433, udp/30000-65535 or "
				   "icmp/echo",
				   question->service);
	return EXIT_DONE;
}

/* ------------------------------------------------------------ answers */

static const char *addresses_text(struct arena *arena, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	for (size_t i = 0; i < list->count && i < SHOWN_PREFIXES; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? ", " : "",
				    prefix_format(&list->items[i], buffer));
	if (list->count > SHOWN_PREFIXES)
		text = arena_printf(arena, "%s and %zu more", text, list->count - SHOWN_PREFIXES);
	return text;
}

static const char *cite_text(struct arena *arena, const struct answer *answer)
{
	const struct pairing *pairing = answer->reach ? answer->reach->pairing : NULL;
	const struct cite *cite;

	if (!pairing || !pairing->flow->cite.count)
		return "the site file";
	cite = &pairing->flow->cite.items[0];
	return arena_printf(arena, "%s%s%s", cite->section ? cite->section : "",
			    cite->row ? ", row " : "", cite->row ? cite->row : "");
}

static const char *end_name(const struct answer *answer, bool from)
{
	if (!answer->reach)
		return from ? "management" : "hosts";
	return from ? answer->reach->pairing->from->name : answer->reach->pairing->to->name;
}

/* The host that plays the end, or what it is bound to. */
static const char *host_name(const struct answer *answer, bool from)
{
	const struct end_member *member = !answer->reach ? NULL
					  : from	 ? answer->reach->from
							 : answer->reach->to;

	return member && member->host ? member->host->name.text : "-";
}

static json_t *prefixes_json(const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	json_t *array = json_array();

	list_for_each (prefix, list)
		json_array_append_new(array, json_string(prefix_format(prefix, buffer)));
	return array;
}

static void print_json(const struct invocation *invocation, struct arena *arena,
		       const answer_list *answers)
{
	json_t *array = json_array();

	list_for_each (answer, answers) {
		const char *from = host_name(answer, true), *to = host_name(answer, false);

		json_array_append_new(
			array,
			json_pack("{s:s, s:s?, s:o, s:s, s:s?, s:o, s:s, s:s, s:s}", "from",
				  end_name(answer, true), "from_host", *from == '-' ? NULL : from,
				  "sources", prefixes_json(&answer->sources), "to",
				  end_name(answer, false), "to_host", *to == '-' ? NULL : to,
				  "destinations", prefixes_json(&answer->destinations), "services",
				  service_list_format(arena, &answer->services), "rule",
				  answer->rule, "cite", cite_text(arena, answer)));
	}
	output_json(invocation, stdout, array);
}

static void print_text(struct arena *arena, const struct question *question,
		       const answer_list *answers)
{
	static const char *const who[] = {"WHO", "HOST", "FROM", "TO", "SERVICES", "RULE", "CITED"};
	static const char *const whom[] = {"whom",     "host", "from", "to",
					   "services", "rule", "cited"};
	cleanup(text_table_freep) struct text_table *table =
		text_table_new(7, question->to ? who : whom);

	if (!answers->count) {
		printf("%s %s%s%s\n", question->to ? "nobody can reach" : question->name,
		       question->to ? question->name : "can reach nobody",
		       question->service ? " on " : "", question->service ? question->service : "");
		return;
	}
	list_for_each (answer, answers) {
		text_table_add(table, "%s", end_name(answer, question->to));
		text_table_add(table, "%s", host_name(answer, question->to));
		text_table_add(table, "%s", addresses_text(arena, &answer->sources));
		text_table_add(table, "%s", addresses_text(arena, &answer->destinations));
		text_table_add(table, "%s", service_list_format(arena, &answer->services));
		text_table_add(table, "%s", answer->rule);
		text_table_add(table, "%s", cite_text(arena, answer));
	}
	text_table_print(table, stdout);
}

int command_who(const struct invocation *invocation)
{
	cleanup(site_files_close) struct site_files files = {0};
	struct question question = {0};
	const char *hint = "";
	reach_list reaches;
	answer_list answers;
	int result = read_words(invocation, &question);

	if (result != EXIT_DONE)
		return result;
	if (!invocation->value[OPTION_SITE])
		return usage_error(invocation, "which site? give its file: --site site.yaml");
	result = site_files_read(invocation, invocation->value[OPTION_SITE], &files);
	if (result == EXIT_DONE)
		result = read_service_word(invocation, &files, &question);
	if (result != EXIT_DONE)
		return result;
	if (!party_find(files.arena, files.policy, question.name, &question.party, &hint))
		return usage_error(invocation, "\"%s\" is no role, host or address of this site%s",
				   question.name, hint);
	reach_find(files.arena, files.policy, false, &reaches);
	who_answer(files.arena, files.policy, &reaches, &question.party, question.to,
		   question.service ? &question.wanted : NULL, &answers);
	if (invocation->given[OPTION_JSON])
		print_json(invocation, files.arena, &answers);
	else
		print_text(files.arena, &question, &answers);
	return EXIT_DONE;
}
