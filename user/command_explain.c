/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: one packet, its verdict, and who says so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "command_trace.h"
#include "forbidden.h"
#include "interface.h"
#include "output.h"
#include "packet_line.h"
#include "status.h"
#include "trace.h"
#include "words.h"

/* ------------------------------------------------------------ the packet */

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT". What is no address is taken as a name. */
static int read_end(const struct invocation *invocation, const char *text, const char *key,
		    const char *port_key, json_t *packet)
{
	const char *colon = strrchr(text, ':');
	const char *port = NULL;
	size_t length = strlen(text);
	struct address address;
	char *end;
	unsigned long number;

	if (text[0] == '[') {
		const char *bracket = strchr(text, ']');

		if (!bracket || (bracket[1] && bracket[1] != ':'))
			return usage_error(invocation,
					   "\"%s\": an IPv6 address with a port is written "
					   "[2001:db8::1]:5060",
					   text);
		length = (size_t)(bracket - ++text);
		port = bracket[1] ? bracket + 2 : NULL;
	} else if (colon && !address_parse(text, &address)) {
		length = (size_t)(colon - text);
		port = colon + 1;
	}
	json_object_set_new(packet, key, json_stringn(text, length));
	if (!port)
		return EXIT_DONE;
	number = strtoul(port, &end, 10);
	if (*port < '0' || *port > '9' || *end || number > 65535)
		return usage_error(invocation, "\"%s\" is no port: it must be 0 to 65535", port);
	json_object_set_new(packet, port_key, json_integer((json_int_t)number));
	return EXIT_DONE;
}

/* What was given without a port, as it would be right. fd77::1:5 is an address by itself, though
 * its writer may have meant port 5. */
static int require_port(const struct invocation *invocation, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	char shorter[ADDRESS_TEXT_MAX] = "";
	struct address address;

	if (text[0] == '[' || !colon)
		return usage_error(invocation, "\"%s\" has no port: write %s:PORT, such as %s:443",
				   text, text, text);
	if (length < sizeof(shorter))
		memcpy(shorter, text, length);
	if (address_parse(shorter, &address) &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1))
		return usage_error(invocation,
				   "\"%s\" is an address without a port: an IPv6 address with a "
				   "port needs brackets, such as [%s]:%s",
				   text, shorter, colon + 1);
	return usage_error(invocation,
			   "\"%s\" is an address without a port: an IPv6 address with a port needs "
			   "brackets, such as [%s]:443",
			   text, text);
}

/* Words into what a packet line would say. */
static int packet_from_words(const struct invocation *invocation, json_t *packet)
{
	char **words = invocation->arguments;
	int result;

	if (invocation->argument_count != 4)
		return usage_error(invocation,
				   "a packet is four words, such as: in tcp 192.0.2.7:40000 "
				   "10.20.1.11:443");
	if (strcmp(words[0], "in") != 0 && strcmp(words[0], "out") != 0)
		return usage_error(invocation,
				   "\"%s\": the direction is in (it arrives here) or out (it "
				   "leaves)",
				   words[0]);
	if (strcmp(words[1], "tcp") != 0 && strcmp(words[1], "udp") != 0 &&
	    strcmp(words[1], "icmp") != 0)
		return usage_error(invocation,
				   "\"%s\": the protocol is tcp, udp or icmp; for others give the "
				   "packet as a JSON line",
				   words[1]);
	json_object_set_new(packet, "direction", json_string(words[0]));
	json_object_set_new(packet, "l4", json_string(words[1]));
	result = read_end(invocation, words[2], "source", "source_port", packet);
	if (result == EXIT_DONE)
		result = read_end(invocation, words[3], "destination", "destination_port", packet);
	if (result == EXIT_DONE && strcmp(words[1], "icmp") != 0 &&
	    !json_object_get(packet, "destination_port"))
		result = require_port(invocation, words[3]);
	return result;
}

/* EXIT_DONE, or another code after saying why. names may be NULL. */
static int read_packet(const struct invocation *invocation, const struct packet_names *names,
		       struct packet_line *ret_line)
{
	const char *first = invocation->arguments[0];
	struct failure failure = {""};
	json_t *packet;
	int result = EXIT_DONE;

	if (first[0] == '{' && invocation->argument_count > 1)
		return usage_error(invocation, "a JSON line stands alone: quote it as one word");
	if (first[0] == '{') {
		packet = packet_line_json(first, strlen(first), &failure);
		if (!packet) {
			output_failure(invocation, &failure);
			return EXIT_POLICY;
		}
	} else {
		packet = json_object();
		result = packet_from_words(invocation, packet);
	}
	if (result == EXIT_DONE && packet_line_from_json(packet, names, ret_line, &failure)) {
		output_failure(invocation, &failure);
		result = EXIT_POLICY;
	}
	json_decref(packet);
	if (result == EXIT_DONE && ret_line->reset) {
		packet_line_clear(ret_line);
		return usage_error(invocation,
				   "one packet is explained: there is nothing to reset");
	}
	return result;
}

/* ------------------------------------------------------------ the answer */

struct answer {
	const char *where; /* "eth0", or the site file */
	struct judgement judgement;
	const struct rule *forbid; /* what forbids what was dropped, or NULL */
};

static void print_json(const struct invocation *invocation, const struct answer *answer,
		       const char *cite)
{
	const struct judgement *judgement = &answer->judgement;

	output_json(invocation, stdout,
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?}", "policy",
			      answer->where, "verdict", verdict_name(judgement->verdict), "judged",
			      verdict_name(judgement->judged), "reason",
			      reason_name(judgement->reason), "meaning",
			      reason_meaning(judgement->reason), "rule",
			      judgement->rule ? judgement->rule->id : NULL, "forbid",
			      answer->forbid ? answer->forbid->id : NULL, "cite", cite));
}

static void print_words(const struct answer *answer, const char *cite)
{
	const struct judgement *judgement = &answer->judgement;
	const struct rule *rule = judgement->rule;
	bool pass = judgement->verdict == VERDICT_PASS;

	printf("%s%s%s by the policy of %s", paint_begin(pass ? PAINT_GOOD : PAINT_BAD, stdout),
	       verdict_name(judgement->verdict), paint_end(stdout), answer->where);
	if (judgement->judged != judgement->verdict)
		printf(" (audit: judged %s, but let through)", verdict_name(judgement->judged));
	printf("\nreason  %s: %s\n", reason_name(judgement->reason),
	       reason_meaning(judgement->reason));
	if (answer->forbid)
		printf("forbid  %s, %s: %s to %s, %s\ncite    %s\n", answer->forbid->id,
		       direction_name(answer->forbid->direction), answer->forbid->from,
		       answer->forbid->to, answer->forbid->services, cite);
	if (!rule)
		return;
	printf("rule    %s, %s: %s to %s, %s\n", rule->id, direction_name(rule->direction),
	       rule->from, rule->to, rule->services);
	printf("cite    %s\n", cite ? cite : "the site file");
}

/* policy NULL: what is in force, where nobody wrote down what is forbidden. */
static int judge_and_print(const struct invocation *invocation, struct judge *judge,
			   const struct host_policy *policy, const struct packet_line *line,
			   struct answer *answer)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct failure failure = {""};
	const struct rule *cited;
	const char *cite = NULL;
	int error = judge_packet_line(judge, line, line->at_ms, &answer->judgement);

	if (error) {
		fail(&failure, -error, "the packet could not be judged: %s",
		     judge_error_text(error));
		return output_failure(invocation, &failure);
	}
	if (policy)
		answer->forbid = forbidden_by(policy, line->direction, line->frame,
					      line->frame_length, &answer->judgement);
	cited = answer->forbid ? answer->forbid : answer->judgement.rule;
	if (cited && cited->citation_count)
		cite = citation_format(arena, cited);
	if (invocation->given[OPTION_JSON])
		print_json(invocation, answer, cite);
	else
		print_words(answer, cite);
	return EXIT_DONE;
}

/* ------------------------------------------------------------ by a policy file */

static bool site_address(void *context, const char *name, uint8_t family,
			 struct address *ret_address)
{
	return site_files_address(context, name, family, ret_address);
}

static int explain_site(const struct invocation *invocation)
{
	cleanup(site_files_close) struct site_files files = {0};
	const struct packet_names names = {site_address, &files};
	cleanup(judge_freep) struct judge *judge = NULL;
	cleanup(packet_line_clear) struct packet_line line = {0};
	struct answer answer = {.where = invocation->value[OPTION_SITE]};
	struct failure failure = {""};
	struct host_policy *policy;
	int result = judge_options_check(invocation);

	if (result == EXIT_DONE && invocation->value[OPTION_INTERFACE])
		result =
			usage_error(invocation, "--interface asks the policy in force, --site that "
						"of a file: give one");
	if (result == EXIT_DONE)
		result = site_files_read(invocation, invocation->value[OPTION_SITE], &files);
	if (result == EXIT_DONE)
		result = site_files_host(invocation, &files, &policy);
	if (result == EXIT_DONE)
		result = read_packet(invocation, &names, &line);
	if (result != EXIT_DONE)
		return result;
	if (judge_from_options(invocation, policy, &failure, &judge))
		return output_failure(invocation, &failure);
	return judge_and_print(invocation, judge, policy, &line, &answer);
}

/* ------------------------------------------------------------ by what is in force */

/* The only enforced interface that has the packet's address of this host. */
static int choose_by_address(const struct invocation *invocation, struct arena *arena,
			     const struct status *status, const struct packet_line *line,
			     const char **ret_name)
{
	struct interface_list all = {0};
	struct failure failure = {""};
	const char *found = NULL;
	size_t count = 0;

	if (interface_list_read(arena, &failure, &all))
		return output_failure(invocation, &failure);
	list_for_each (one, &status->interfaces) {
		const struct interface *interface = interface_by_name(&all, one->name);

		if (!interface || !prefix_list_contains(&interface->addresses, &line->local))
			continue;
		found = one->name;
		count++;
	}
	if (count != 1)
		return usage_error(invocation,
				   "%zu interfaces are enforced, and %s of them has the packet's "
				   "address of this host: say which with --interface, such as "
				   "--interface %s",
				   status->interfaces.count, count ? "more than one" : "none",
				   status->interfaces.items[0].name);
	*ret_name = found;
	return EXIT_DONE;
}

/* The one that is asked, or the only one there is, or the one that has the packet's address. */
static int choose_interface(const struct invocation *invocation, struct arena *arena,
			    const struct packet_line *line, const char **ret_name)
{
	const char *wanted = invocation->value[OPTION_INTERFACE];
	struct failure failure = {""};
	struct status status = {0};

	if (generation_status(arena, invocation->value[OPTION_PINS], &failure, &status))
		return output_failure(invocation, &failure);
	if (!wanted && status.interfaces.count > 1)
		return choose_by_address(invocation, arena, &status, line, ret_name);
	list_for_each (one, &status.interfaces) {
		if (!wanted || strcmp(one->name, wanted) == 0) {
			*ret_name = one->name;
			return EXIT_DONE;
		}
	}
	fail(&failure, ENOENT,
	     "nothing is enforced%s%s: sallyport apply SITE does it; "
	     "--site SITE asks a policy file instead",
	     wanted ? " on " : "", wanted ? wanted : "");
	return output_failure(invocation, &failure);
}

static int explain_live(const struct invocation *invocation)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(judge_freep) struct judge *judge = NULL;
	cleanup(packet_line_clear) struct packet_line line = {0};
	struct answer answer = {0};
	struct failure failure = {""};
	int result = read_packet(invocation, NULL, &line);

	if (result == EXIT_DONE)
		result = choose_interface(invocation, arena, &line, &answer.where);
	if (result != EXIT_DONE)
		return result;
	if (kernel_judge_live(invocation->value[OPTION_PINS], answer.where, &failure, &judge))
		return output_failure(invocation, &failure);
	return judge_and_print(invocation, judge, NULL, &line, &answer);
}

/* Options that only a policy file answers. */
static int refuse_file_options(const struct invocation *invocation)
{
	static const enum option_id options[] = {OPTION_HOST, OPTION_ADDRESS, OPTION_ROLE,
						 OPTION_MODEL, OPTION_LOOKUP};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (invocation->given[options[i]])
			return usage_error(invocation,
					   "--host, --address, --role, --model and --lookup are "
					   "about a policy file: give --site SITE too");
	return EXIT_DONE;
}

int command_explain(const struct invocation *invocation)
{
	int result;

	if (invocation->value[OPTION_SITE])
		return explain_site(invocation);
	result = refuse_file_options(invocation);
	return result == EXIT_DONE ? explain_live(invocation) : result;
}
