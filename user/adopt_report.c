/* SPDX-License-Identifier: BSD-2-Clause */
#include "adopt_report.h"

#include "output.h"
#include "words.h"

/* ------------------------------------------------------------ for people ------------------------
 */

static void print_adopted(const struct adoptions *adoptions, bool would, FILE *out)
{
	const char *separator = ": ";

	fprintf(out, "%s %zu TCP connection%s that this host had open",
		would ? "would adopt" : "adopted", adoptions->made, plural(adoptions->made));
	list_for_each (rule, &adoptions->rules) {
		fprintf(out, "%s%zu by %s", separator, rule->connections,
			rule->id ? rule->id : "no rule");
		separator = ", ";
	}
	fprintf(out, "; %zu more need%s nothing, as in rules admit %s\n", adoptions->admitted,
		adoptions->admitted == 1 ? "s" : "", adoptions->admitted == 1 ? "it" : "them");
}

static const char *lack_text(enum adoption_lack lack, bool would)
{
	switch (lack) {
	case LACK_RULE:
		return would ? "would be cut, as no rule allows it" : "cut, as no rule allows it";
	case LACK_ROOM:
		return would ? "would be cut, as the flow table is full (bounds: {flows})"
			     : "cut, as the flow table is full (bounds: {flows})";
	case LACK_NOTHING:
		break;
	}
	return "goes on, though no rule allows it: enforce would cut it";
}

static void print_ends(const struct tcp_connection *connection, FILE *out)
{
	const bool bracketed = connection->local.family == 6;
	char local[ADDRESS_TEXT_MAX], remote[ADDRESS_TEXT_MAX];

	fprintf(out, bracketed ? "  [%s]:%u - [%s]:%u" : "  %s:%u - %s:%u",
		address_format(&connection->local, local), connection->local_port,
		address_format(&connection->remote, remote), connection->remote_port);
}

/* From the first on, how many have this peer and lack the same. */
static size_t alike(const struct adoptions *adoptions, size_t first)
{
	const struct unadopted *one = &adoptions->unadopted.items[first];
	size_t next = first + 1;

	while (next < adoptions->unadopted.count && one[next - first].lack == one->lack &&
	       one[next - first].reason == one->reason &&
	       !address_compare(&one[next - first].connection.remote, &one->connection.remote))
		next++;
	return next - first;
}

static void print_unadopted(const struct unadopted *one, size_t number, bool would, FILE *out)
{
	print_ends(&one->connection, out);
	fprintf(out, " (%s)", tcp_state_name(one->connection.state));
	if (number > 1)
		fprintf(out, " and %zu more with this peer", number - 1);
	fprintf(out, ": %s", lack_text(one->lack, would));
	if (one->lack != LACK_ROOM)
		fprintf(out, " (%s)", reason_name(one->reason));
	fputc('\n', out);
}

void adopt_report_print(const struct adoptions *adoptions, bool would, FILE *out)
{
	const size_t count = adoptions->unadopted.count;
	size_t lines = 0, next = 0, number;

	if (!adoptions->passes)
		return;
	if (adoptions->made || adoptions->admitted)
		print_adopted(adoptions, would, out);
	else if (!adoptions->blind)
		fputs("no TCP connection that a rule allows was open\n", out);
	if (!count)
		return;
	fprintf(out, "%zu TCP connection%s %s without a rule or room:\n", count, plural(count),
		count == 1 ? "is" : "are");
	for (; next < count && lines < ADOPT_REPORT_LINES; next += number, lines++) {
		number = alike(adoptions, next);
		print_unadopted(&adoptions->unadopted.items[next], number, would, out);
	}
	if (next < count)
		fprintf(out, "  and %zu with other peers; --json lists all\n", count - next);
}

/* ------------------------------------------------------------ JSON ------------------------------
 */

static json_t *unadopted_json(const struct unadopted *one)
{
	const struct tcp_connection *connection = &one->connection;
	char local[ADDRESS_TEXT_MAX], remote[ADDRESS_TEXT_MAX];

	return json_pack("{s:s, s:i, s:s, s:i, s:s, s:s, s:b, s:s?}", "local",
			 address_format(&connection->local, local), "local_port",
			 connection->local_port, "remote",
			 address_format(&connection->remote, remote), "remote_port",
			 connection->remote_port, "state", tcp_state_name(connection->state),
			 "lacks", adoption_lack_name(one->lack), "cut", one->lack != LACK_NOTHING,
			 "reason", one->lack == LACK_ROOM ? NULL : reason_name(one->reason));
}

json_t *adopt_report_json(const struct adoptions *adoptions)
{
	json_t *rules, *unadopted;

	if (!adoptions->passes)
		return json_null();
	rules = json_array();
	unadopted = json_array();
	list_for_each (rule, &adoptions->rules)
		json_array_append_new(rules,
				      json_pack("{s:s?, s:I}", "rule", rule->id, "connections",
						(json_int_t)rule->connections));
	list_for_each (one, &adoptions->unadopted)
		json_array_append_new(unadopted, unadopted_json(one));
	return json_pack("{s:I, s:I, s:o, s:o}", "adopted", (json_int_t)adoptions->made, "admitted",
			 (json_int_t)adoptions->admitted, "rules", rules, "unadopted", unadopted);
}
