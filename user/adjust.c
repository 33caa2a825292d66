/* SPDX-License-Identifier: BSD-2-Clause */
#include "adjust.h"

#include "rule_options.h"
#include "term.h"

static bool read_one(const struct reader *reader, const struct node *node,
		     struct site_adjust *ret_adjust)
{
	static const struct key_rule rules[] = {
		{"source-ports", KEY_OPTIONAL},
		RULE_OPTION_KEYS,
	};
	struct site_adjust adjust = {0};
	const struct node *ports;

	if (!read_path(reader, node->key, "adjust", &adjust.flow) ||
	    !read_mapping(reader, node, "an entry of `adjust`", KEYS(rules)))
		return false;
	if (!node->count)
		reader_error(reader, node, "`%s` is adjusted in nothing: take it out",
			     adjust.flow.text);
	ports = mapping_get(node, "source-ports");
	if (ports)
		read_ports(reader, ports, "source-ports", ALLOW_INSTANCE, &adjust.source_ports);
	rule_options_read(reader, node, &adjust.options);
	*ret_adjust = adjust;
	return true;
}

void adjust_read(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *child;

	if (!read_entries(reader, node, "`adjust`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct site_adjust adjust;

		if (read_one(reader, child, &adjust))
			*arena_push(reader->arena, &site->adjust) = adjust;
	}
}

void adjust_print(struct writer *writer, const struct site *site)
{
	if (site->adjust.count)
		write_heading(writer, 0, "adjust");
	list_for_each (adjust, &site->adjust) {
		text_list ports = texts_of_ports(writer, &adjust->source_ports);

		write_heading(writer, 2, adjust->flow.text);
		if (ports.count)
			write_values(writer, 4, "source-ports", &ports);
		rule_options_print(writer, 4, &adjust->options, true);
	}
}
