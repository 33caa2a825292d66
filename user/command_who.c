/* SPDX-License-Identifier: BSD-2-Clause */
/* who: who can reach X, what can X reach. */
#include <string.h>

#include "command.h"
#include "node.h"
#include "output.h"
#include "reader.h"
#include "term.h"
#include "who.h"
#include "words.h"

/* What a person wants to read of a list of addresses; --json has all of it. */
#define SHOWN_PREFIXES 4u

struct question {
	bool to;      /* who reaches X; else: what X reaches */
	char **words; /* X as the command line has it, and in that form perhaps SERVICE */
	int word_count;
	const char *service; /* NULL: any */
	struct party party;  /* X found */
	struct service_list wanted;
};

/* ------------------------------------------------------------ the question */

static int usage(const struct invocation *invocation)
{
	return usage_error(invocation, "ask \"can reach X [SERVICE]\", \"reaches X [SERVICE]\" or "
				       "\"X can reach [SERVICE]\"");
}

/* Is this word, of those that make it read like English, at this place? */
static bool is_word(const struct invocation *invocation, int index, const char *word)
{
	return index < invocation->argument_count &&
	       strcmp(invocation->arguments[index], word) == 0;
}

/* "[what] [can] X [can] reach(es) [SERVICE]", from behind "what can". */
static int read_from(const struct invocation *invocation, int at, struct question *question)
{
	int first = at, verb = at;

	while (verb < invocation->argument_count && !is_word(invocation, verb, "reach") &&
	       !is_word(invocation, verb, "reaches"))
		verb++;
	if (verb == invocation->argument_count || verb + 2 < invocation->argument_count)
		return usage(invocation);
	if (verb + 1 < invocation->argument_count)
		question->service = invocation->arguments[verb + 1];
	if (verb > first && is_word(invocation, verb - 1, "can"))
		verb--;
	question->words = invocation->arguments + first;
	question->word_count = verb - first;
	return question->word_count ? EXIT_DONE : usage(invocation);
}

/* "[who] can reach X [SERVICE]", "[who] reaches X [SERVICE]", or one of read_from(). */
static int read_words(const struct invocation *invocation, struct question *question)
{
	int at = is_word(invocation, 0, "who") || is_word(invocation, 0, "what");

	if (is_word(invocation, at, "reaches")) {
		question->to = true;
		at++;
	} else if (is_word(invocation, at, "can") && is_word(invocation, at + 1, "reach")) {
		question->to = true;
		at += 2;
	} else {
		at += is_word(invocation, at, "can");
		return read_from(invocation, at, question);
	}
	question->words = invocation->arguments + at;
	question->word_count = invocation->argument_count - at;
	return question->word_count ? EXIT_DONE : usage(invocation);
}

static const char *join(struct arena *arena, char *const *words, int count)
{
	const char *text = "";

	for (int i = 0; i < count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "", words[i]);
	return text;
}

/* A printed name may have several words; where they are none, the last one is the service. */
static int find_party(const struct invocation *invocation, const struct site_files *files,
		      struct question *question)
{
	struct arena *arena = files->arena;
	const char *name = join(arena, question->words, question->word_count);
	const char *hint = "";

	if (party_find(arena, files->policy, name, &question->party, &hint))
		return EXIT_DONE;
	if (question->to && question->word_count > 1) {
		question->service = question->words[question->word_count - 1];
		name = join(arena, question->words, question->word_count - 1);
		if (party_find(arena, files->policy, name, &question->party, &hint))
			return EXIT_DONE;
	}
	return usage_error(invocation, "\"%s\" is no role, host or address of this site%s", name,
			   hint);
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

/* ------------------------------------------------------------ the answers */

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

/* Short, for a table; --json has the whole citation. */
static const char *cite_text(struct arena *arena, const struct answer *answer)
{
	const struct pairing *pairing = answer->reach ? answer->reach->pairing : NULL;
	const char *text = "";

	if (!pairing || !pairing->instance->catalog->title)
		return "the site file";
	list_for_each (cite, &pairing->flow->cite)
		text = arena_printf(arena, "%s%s%s%s%s", text, *text ? "; " : "",
				    cite->section ? cite->section : "", cite->row ? ", row " : "",
				    cite->row ? cite->row : "");
	return *text ? text : pairing->instance->catalog->title;
}

/* "tcp/2020 from port 20340" */
static const char *services_text(struct arena *arena, const struct answer *answer)
{
	const char *services = service_list_format(arena, &answer->services);
	const struct port_list *ports = answer->reach ? &answer->reach->source_ports : NULL;

	if (!ports || port_list_is_any(ports))
		return services;
	return arena_printf(arena, "%s from port %s", services, port_list_format(arena, ports));
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

static json_t *answer_json(struct arena *arena, const struct answer *answer)
{
	const char *from = host_name(answer, true), *to = host_name(answer, false);
	const struct reach *reach = answer->reach;
	bool any = !reach || port_list_is_any(&reach->source_ports);

	return json_pack("{s:s, s:s?, s:o, s:s?, s:s, s:s?, s:o, s:s, s:s, s:s}", "from",
			 end_name(answer, true), "from_host", *from == '-' ? NULL : from, "sources",
			 prefixes_json(&answer->sources), "source_ports",
			 any ? NULL : port_list_format(arena, &reach->source_ports), "to",
			 end_name(answer, false), "to_host", *to == '-' ? NULL : to, "destinations",
			 prefixes_json(&answer->destinations), "services",
			 service_list_format(arena, &answer->services), "rule", answer->rule,
			 "cite", reach ? pairing_cite(arena, reach->pairing) : "the site file");
}

static void print_json(const struct invocation *invocation, struct arena *arena,
		       const answer_list *answers)
{
	json_t *array = json_array();

	list_for_each (answer, answers)
		json_array_append_new(array, answer_json(arena, answer));
	output_json(invocation, stdout, array);
}

/* ------------------------------------------------------------ sentences */

/* "web-1 (10.20.1.11), 10.20.9.0/28" */
static const char *players_text(struct arena *arena, const struct policy *policy,
				const struct party *party)
{
	const char *text = "";
	size_t count = 0;

	list_for_each (host, &party->hosts) {
		if (count++ < SHOWN_PREFIXES)
			text = arena_printf(
				arena, "%s%s%s (%s)", text, *text ? ", " : "", (*host)->name.text,
				addresses_text(arena,
					       &policy->host_addresses[*host -
								       policy->site->hosts.items]));
	}
	if (count > SHOWN_PREFIXES)
		text = arena_printf(arena, "%s and %zu more", text, count - SHOWN_PREFIXES);
	for (size_t i = 0; party->binding && i < party->binding->member_count; i++) {
		const struct member *member = &party->binding->members[i];

		if (!member->host)
			text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "",
					    member->any
						    ? "any address"
						    : addresses_text(arena, &member->addresses));
	}
	return text;
}

static const char *roles_text(struct arena *arena, const struct policy *policy,
			      const struct party *party)
{
	const char *text = "";

	for (size_t i = 0; i < policy->binding_count; i++) {
		const struct binding *binding = &policy->bindings[i];
		bool plays = false;

		for (size_t j = 0; j < binding->member_count; j++) {
			const struct member *member = &binding->members[j];

			plays |= member->host ? party_plays(party, member->host)
					      : party->is_address &&
							prefix_list_contains(&member->single,
									     &party->address);
		}
		if (plays)
			text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", binding->id);
	}
	return text;
}

/* Whom the question is about: a name alone would leave open what was understood by it. */
static void print_party(struct arena *arena, const struct policy *policy, const struct party *party)
{
	const char *players = players_text(arena, policy, party);
	const char *roles = party->binding ? "" : roles_text(arena, policy, party);

	if (party->host)
		players = addresses_text(arena, &party->own);
	if (party->binding && !*players && party->binding->domains.count)
		printf("%s is bound to %s%s alone, and names are not followed on the wire.\n",
		       party->binding->id, party->binding->domains.items[0].text,
		       party->binding->domains.count > 1 ? " and other names" : "");
	else if (party->binding && !*players)
		printf("%s is bound to nothing in this site.\n", party->binding->id);
	else if (party->binding)
		printf("%s is %s.\n", party->binding->id, players);
	else if (party->host)
		printf("%s has the address%s %s%s%s.\n", party->name,
		       party->own.count == 1 ? "" : "es", players,
		       *roles ? " and plays " : " and plays no role", roles);
	else if (*players)
		printf("%s is host %s%s%s.\n", party->name, players,
		       *roles ? ", which plays " : ", which plays no role", roles);
	else if (*roles)
		printf("%s is %s.\n", party->name, roles);
	else
		printf("%s is no host of this site, and no role is bound to it by itself.\n",
		       party->name);
}

static size_t rule_count(const answer_list *answers)
{
	size_t count = 0;

	list_for_each (answer, answers) {
		bool is_new = true;

		for (const struct answer *other = answers->items; other < answer; other++)
			is_new &= strcmp(other->rule, answer->rule) != 0;
		count += is_new;
	}
	return count;
}

/* What rules say holds where they are enforced: elsewhere whatever comes passes. */
static void print_modes(const struct policy *policy, const struct question *question)
{
	list_for_each (host, &question->party.hosts) {
		const struct site_modes *modes =
			(*host)->mode.is_set ? &(*host)->mode : &policy->site->mode;
		enum mode mode = question->to ? modes->in : modes->out;

		if (mode != MODE_ENFORCE)
			fprintf(stderr,
				"sallyport who: on %s the mode is %s: %s, so %s, whatever the "
				"rules say\n",
				(*host)->name.text, question->to ? "in" : "out", mode_name(mode),
				question->to ? "anyone can reach it" : "it can reach anyone");
	}
}

static void print_table(struct arena *arena, const struct question *question,
			const answer_list *answers)
{
	static const char *const header[][7] = {
		{"WHOM", "HOST", "FROM", "TO", "SERVICES", "RULE", "CITED"},
		{"WHO", "HOST", "FROM", "TO", "SERVICES", "RULE", "CITED"},
	};
	cleanup(text_table_freep) struct text_table *table =
		text_table_new(7, header[question->to]);

	list_for_each (answer, answers) {
		text_table_add(table, "%s", end_name(answer, question->to));
		text_table_add(table, "%s", host_name(answer, question->to));
		text_table_add(table, "%s", addresses_text(arena, &answer->sources));
		text_table_add(table, "%s", addresses_text(arena, &answer->destinations));
		text_table_add(table, "%s", services_text(arena, answer));
		text_table_add(table, "%s", answer->rule);
		text_table_add(table, "%s", cite_text(arena, answer));
	}
	text_table_print(table, stdout);
}

static void print_text(struct arena *arena, const struct policy *policy,
		       const struct question *question, const answer_list *answers)
{
	const char *name =
		question->party.binding ? question->party.binding->id : question->party.name;
	const char *on = question->service ? " on " : "";
	const char *service = question->service ? question->service : "";
	size_t rules = rule_count(answers);

	print_party(arena, policy, &question->party);
	if (!rules && question->to)
		printf("Nobody can reach %s%s%s.\n", name, on, service);
	else if (!rules)
		printf("%s can reach nobody%s%s.\n", name, on, service);
	else if (question->to)
		printf("These can reach %s%s%s, by %zu rule%s:\n\n", name, on, service, rules,
		       plural(rules));
	else
		printf("%s can reach these%s%s, by %zu rule%s:\n\n", name, on, service, rules,
		       plural(rules));
	if (rules)
		print_table(arena, question, answers);
}

int command_who(const struct invocation *invocation)
{
	cleanup(site_files_close) struct site_files files = {0};
	struct question question = {0};
	reach_list reaches;
	answer_list answers;
	int result = read_words(invocation, &question);

	if (result != EXIT_DONE)
		return result;
	if (!invocation->value[OPTION_SITE])
		return usage_error(invocation, "which site? give its file: --site site.yaml");
	result = site_files_read(invocation, invocation->value[OPTION_SITE], &files);
	if (result == EXIT_DONE)
		result = find_party(invocation, &files, &question);
	if (result == EXIT_DONE)
		result = read_service_word(invocation, &files, &question);
	if (result != EXIT_DONE)
		return result;
	output_diagnostics(invocation, files.diagnostics);
	reach_find(files.arena, files.policy, false, &reaches);
	who_answer(files.arena, files.policy, &reaches, &question.party, question.to,
		   question.service ? &question.wanted : NULL, &answers);
	print_modes(files.policy, &question);
	if (invocation->given[OPTION_JSON])
		print_json(invocation, files.arena, &answers);
	else
		print_text(files.arena, files.policy, &question, &answers);
	return EXIT_DONE;
}
