/* SPDX-License-Identifier: BSD-2-Clause */
#include "forbid.h"

#include <string.h>

static bool is_any(const struct node *node)
{
	const struct node *item =
		node->kind == NODE_SEQUENCE && node->count == 1 ? node->first : node;

	return item->kind == NODE_SCALAR && !strcmp(item->text, "any");
}

static void read_forbidden(const struct reader *reader, const struct node *node,
			   enum flow_place place, struct forbid_rule *forbid)
{
	unsigned allowed = ALLOW_ANY | (place == FLOW_OF_SITE ? ALLOW_INSTANCE : ALLOW_PARAMETER);

	forbid->any_service = !node || is_any(node);
	if (!forbid->any_service &&
	    read_services(reader, node, "services", allowed, &forbid->flow.allow) &&
	    !forbid->flow.allow.count)
		reader_error(reader, node,
			     "`services` is an empty list: nothing would be forbidden; leave it "
			     "out for `any`");
}

/* In a site an excepted flow is its own, "id", or a catalog's, "instance/id". */
static void read_except(const struct reader *reader, const struct node *node, enum flow_place place,
			word_list *except)
{
	const struct node *item;

	if (!read_list(reader, node, "except"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		bool is_path = place == FLOW_OF_SITE && item->kind == NODE_SCALAR &&
			       strchr(item->text, '/');
		struct word word;

		if (is_path ? read_path(reader, item, "except", &word)
			    : read_name(reader, item, "except", &word))
			*arena_push(reader->arena, except) = word;
	}
	refuse_repeated(reader, except->items, except->count, sizeof(struct word), "except");
}

static bool forbid_read(const struct reader *reader, const struct node *node, enum flow_place place,
			struct forbid_rule *ret_forbid)
{
	const struct key_rule rules[] = {
		{"id", KEY_REQUIRED},
		{"from", KEY_REQUIRED},
		{"to", KEY_REQUIRED},
		{"services", KEY_OPTIONAL},
		{"except", KEY_OPTIONAL},
		{"cite", place == FLOW_OF_CATALOG ? KEY_REQUIRED : KEY_OPTIONAL},
	};
	struct forbid_rule forbid = {0};
	struct flow_rule *flow = &forbid.flow;
	const struct node *child;

	if (!read_mapping(reader, node, "an item of `forbid`", KEYS(rules)))
		return false;
	flow_end_read(reader, node, "from", place, &flow->from, &flow->from_is_list);
	flow_end_read(reader, node, "to", place, &flow->to, &flow->to_is_list);
	read_forbidden(reader, mapping_get(node, "services"), place, &forbid);
	if ((child = mapping_get(node, "except")))
		read_except(reader, child, place, &forbid.except);
	if ((child = mapping_get(node, "cite")))
		cites_read(reader, child, place, &flow->cite);
	child = mapping_get(node, "id");
	if (!child || !read_name(reader, child, "id", &flow->id))
		return false;
	*ret_forbid = forbid;
	return true;
}

void forbids_read(const struct reader *reader, const struct node *node, enum flow_place place,
		  forbid_list *ret_list)
{
	const struct node *item;
	forbid_list list = {0};

	if (!read_list(reader, node, "forbid"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct forbid_rule forbid;

		if (forbid_read(reader, item, place, &forbid))
			*arena_push(reader->arena, &list) = forbid;
	}
	refuse_repeated(reader, list.items, list.count, sizeof(struct forbid_rule), "forbid");
	*ret_list = list;
}

void forbid_print(struct writer *writer, unsigned indent, const struct forbid_rule *forbid)
{
	const struct flow_rule *flow = &forbid->flow;
	text_list services = texts_of_services(writer, &flow->allow);
	text_list except = texts_of_words(writer, &forbid->except);

	write_item(writer);
	write_text(writer, indent, "id", flow->id.text);
	flow_end_print(writer, indent, "from", &flow->from, flow->from_is_list);
	flow_end_print(writer, indent, "to", &flow->to, flow->to_is_list);
	if (!forbid->any_service)
		write_list(writer, indent, "services", &services);
	if (except.count)
		write_list(writer, indent, "except", &except);
	cites_print(writer, indent, &flow->cite);
}
