/* SPDX-License-Identifier: BSD-2-Clause */
#include "demand.h"

/* In the order of their enum. */
static const char *const demand_words[] = {
	[DEMAND_AT_LEAST_ONE] = "at-least-one",
	[DEMAND_NOT_TOGETHER] = "not-together",
	[DEMAND_ALL_REACH] = "all-reach",
};
#define KINDS (sizeof(demand_words) / sizeof(demand_words[0]))

static const char *const level_words[] = {"error", "warning"};

/* ------------------------------------------------------------ reading --------------------------
 */

/* The one key that says what is demanded; NULL after an error. */
static const struct node *find_kind(const struct reader *reader, const struct node *node,
				    struct demand *demand)
{
	const struct node *found = NULL;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		const struct node *child = mapping_get(node, demand_words[i]);

		if (!child)
			continue;
		if (found) {
			reader_error(reader, child->key,
				     "`%s` and `%s` are two checks: make an item of each",
				     demand_words[demand->kind], demand_words[i]);
			return NULL;
		}
		found = child;
		demand->kind = i;
	}
	if (!found)
		reader_error(reader, node,
			     "an item of `checks` needs `at-least-one`, `not-together` or "
			     "`all-reach`: what is checked");
	return found;
}

static bool read_what(const struct reader *reader, const struct node *node, struct demand *demand)
{
	const struct node *child = find_kind(reader, node, demand);
	struct word role;

	if (!child)
		return false;
	demand->at = node_position(child->key);
	if (demand->kind == DEMAND_ALL_REACH) {
		if (!read_name(reader, child, "all-reach", &role))
			return false;
		*arena_push(reader->arena, &demand->names) = role;
		return true;
	}
	if (!read_names(reader, child, demand_words[demand->kind], &demand->names))
		return false;
	if (!demand->names.count)
		reader_error(reader, child, "`%s` is an empty list: name %s",
			     demand_words[demand->kind],
			     demand->kind == DEMAND_AT_LEAST_ONE ? "flows" : "roles");
	return true;
}

static bool demand_read(const struct reader *reader, const struct node *node,
			struct demand *ret_demand)
{
	static const struct key_rule rules[] = {
		{"at-least-one", KEY_OPTIONAL}, {"not-together", KEY_OPTIONAL},
		{"all-reach", KEY_OPTIONAL},	{"level", KEY_OPTIONAL},
		{"when", KEY_OPTIONAL},		{"say", KEY_OPTIONAL},
		{"cite", KEY_OPTIONAL},
	};
	struct demand demand = {0};
	const struct node *child;
	unsigned level;
	bool good;

	if (!read_mapping(reader, node, "an item of `checks`", KEYS(rules)))
		return false;
	good = read_what(reader, node, &demand);
	child = mapping_get(node, "level");
	if (child && read_choice(reader, child, "level", level_words, 2, &level))
		demand.only_warns = level == 1;
	if ((child = mapping_get(node, "when")))
		conditions_read(reader, child, FLOW_OF_CATALOG, &demand.when);
	if ((child = mapping_get(node, "say")))
		read_text(reader, child, "say", &demand.say);
	if ((child = mapping_get(node, "cite")))
		cites_read(reader, child, FLOW_OF_CATALOG, &demand.cite);
	if (good)
		*ret_demand = demand;
	return good;
}

void demands_read(const struct reader *reader, const struct node *node, struct catalog *catalog)
{
	const struct node *item;

	if (!read_list(reader, node, "checks"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct demand demand;

		if (demand_read(reader, item, &demand))
			*arena_push(reader->arena, &catalog->demands) = demand;
	}
}

void no_flows_read(const struct reader *reader, const struct node *node, struct catalog *catalog)
{
	static const struct key_rule rules[] = {{"cite", KEY_REQUIRED}, {"because", KEY_REQUIRED}};
	const struct node *item, *cite, *because;

	if (!read_list(reader, node, "no-flow"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct no_flow no_flow = {0};
		bool good;

		if (!read_mapping(reader, item, "an item of `no-flow`", KEYS(rules)))
			continue;
		cite = mapping_get(item, "cite");
		because = mapping_get(item, "because");
		good = cite && cites_read(reader, cite, FLOW_OF_CATALOG, &no_flow.cite);
		if (because && read_text(reader, because, "because", &no_flow.because) && good)
			*arena_push(reader->arena, &catalog->no_flows) = no_flow;
	}
}

/* ------------------------------------------------------------ printing -------------------------
 */

static void demand_print(struct writer *writer, unsigned indent, const struct demand *demand)
{
	text_list names = texts_of_words(writer, &demand->names);
	const char *key = demand_words[demand->kind];

	write_item(writer);
	if (demand->kind == DEMAND_ALL_REACH)
		write_text(writer, indent, key, demand->names.items[0].text);
	else
		write_list(writer, indent, key, &names);
	if (demand->only_warns)
		write_text(writer, indent, "level", "warning");
	conditions_print(writer, indent, &demand->when);
	if (demand->say)
		write_text(writer, indent, "say", demand->say);
	cites_print(writer, indent, &demand->cite);
}

void demands_print(struct writer *writer, const struct catalog *catalog)
{
	if (catalog->demands.count)
		write_heading(writer, 0, "checks");
	list_for_each (demand, &catalog->demands)
		demand_print(writer, 4, demand);
}

void no_flows_print(struct writer *writer, const struct catalog *catalog)
{
	if (catalog->no_flows.count)
		write_heading(writer, 0, "no-flow");
	list_for_each (no_flow, &catalog->no_flows) {
		write_item(writer);
		cites_print(writer, 4, &no_flow->cite);
		write_text(writer, 4, "because", no_flow->because);
	}
}
