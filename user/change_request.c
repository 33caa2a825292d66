/* SPDX-License-Identifier: BSD-2-Clause */
#include "change_request.h"

#include <netinet/in.h>
#include <string.h>

#include "csv.h"

static const char *addresses_text(struct arena *arena, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	list_for_each (prefix, list)
		text = arena_printf(arena, "%s%s%s", text, *text ? " " : "",
				    prefix_format(prefix, buffer));
	return text;
}

/* The host that stands at an end; what is no host of the site is called as the flow calls it. */
static const char *host_name(const struct answer *answer, bool from)
{
	const struct reach *reach = answer->reach;
	const struct end_member *member = !reach ? NULL : from ? reach->from : reach->to;

	if (!reach)
		return from ? "management" : "hosts";
	if (member->host)
		return member->host->name.text;
	return from ? reach->pairing->from->name : reach->pairing->to->name;
}

static const char *port_text(struct arena *arena, const struct service *service,
			     const struct port_range *range)
{
	if (service->protocol == IPPROTO_ICMP || service->protocol == IPPROTO_ICMPV6)
		return "echo";
	if (!protocol_has_ports(service->protocol))
		return "";
	if (range->first == range->last)
		return arena_printf(arena, "%u", range->first);
	return arena_printf(arena, "%u-%u", range->first, range->last);
}

static const char *join(struct arena *arena, const char *text, const char *part)
{
	if (!part)
		return text;
	return *text ? arena_printf(arena, "%s; %s", text, part) : part;
}

/* document, section, row, lines, reading: of several citations each, in their order. */
static void add_citation(struct arena *arena, const struct answer *answer, csv_row *row)
{
	const struct pairing *pairing = answer->reach ? answer->reach->pairing : NULL;
	const char *section = "", *number = "", *lines = "";

	if (pairing) {
		list_for_each (cite, &pairing->flow->cite) {
			section = join(arena, section, cite->section);
			number = join(arena, number, cite->row);
			lines = join(arena, lines, cite->lines);
		}
	}
	csv_add(arena, row,
		pairing && pairing->instance->catalog->title ? pairing->instance->catalog->title
							     : "the site file");
	csv_add(arena, row, section);
	csv_add(arena, row, number);
	csv_add(arena, row, lines);
	csv_add(arena, row, pairing && pairing->flow->reading ? pairing->flow->reading : "");
}

static void print_line(struct arena *arena, const struct answer *answer,
		       const struct service *service, const struct port_range *range, FILE *out)
{
	const struct reach *reach = answer->reach;
	bool any = !reach || port_list_is_any(&reach->source_ports) ||
		   !protocol_has_ports(service->protocol);
	char buffer[16];
	csv_row row = {0};

	csv_add(arena, &row, host_name(answer, true));
	csv_add(arena, &row, host_name(answer, false));
	csv_add(arena, &row, port_text(arena, service, range));
	csv_add(arena, &row, protocol_name(service->protocol, buffer));
	csv_add(arena, &row, addresses_text(arena, &answer->sources));
	csv_add(arena, &row, addresses_text(arena, &answer->destinations));
	csv_add(arena, &row, any ? "" : port_list_format(arena, &reach->source_ports));
	csv_add(arena, &row, answer->rule);
	add_citation(arena, answer, &row);
	csv_print(&row, out);
}

static void print_answers(struct arena *arena, const answer_list *answers, FILE *out)
{
	list_for_each (answer, answers) {
		list_for_each (service, &answer->services) {
			list_for_each (range, &service->ports)
				print_line(arena, answer, service, range, out);
		}
	}
}

void change_request_print(struct arena *arena, const struct policy *policy,
			  const struct party *party, FILE *out)
{
	static const char *const header[] = {
		"source host",
		"destination host",
		"port",
		"protocol",
		"source addresses",
		"destination addresses",
		"source ports",
		"rule",
		"document",
		"section",
		"row",
		"lines",
		"reading",
	};
	reach_list reaches;
	answer_list answers;
	csv_row row = {0};

	for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++)
		csv_add(arena, &row, header[i]);
	csv_print(&row, out);
	reach_find(arena, policy, false, &reaches);
	if (!party) {
		who_all(arena, policy, &reaches, &answers);
		print_answers(arena, &answers, out);
		return;
	}
	who_answer(arena, policy, &reaches, party, true, NULL, &answers);
	print_answers(arena, &answers, out);
	who_answer(arena, policy, &reaches, party, false, NULL, &answers);
	print_answers(arena, &answers, out);
}
