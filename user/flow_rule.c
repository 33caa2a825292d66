/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_rule.h"

#include <string.h>

#include "rule_options.h"

/* ------------------------------------------------------------ citations ------------------------
 */

/* "214", "214-222", several with commas between. */
static bool is_lines(const char *text)
{
	for (;;) {
		size_t digits = strspn(text, "0123456789");

		text += digits;
		if (digits && *text == '-') {
			digits = strspn(++text, "0123456789");
			text += digits;
		}
		if (!digits)
			return false;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
		text += strspn(text, " ");
	}
}

static bool cite_read(const struct reader *reader, const struct node *node, enum flow_place place,
		      struct cite *ret_cite)
{
	const struct key_rule rules[] = {
		{"section", place == FLOW_OF_CATALOG ? KEY_REQUIRED : KEY_OPTIONAL},
		{"row", KEY_OPTIONAL},
		{"lines", KEY_OPTIONAL},
		{"footnote", KEY_OPTIONAL},
	};
	struct cite cite = {.at = node_position(node)};
	const char **fields[] = {&cite.section, &cite.row, &cite.lines, &cite.footnote};
	const struct node *child;
	bool good = true;
	size_t i;

	if (!read_mapping(reader, node, "`cite`", KEYS(rules)))
		return false;
	for (i = 0; i < 4; i++) {
		child = mapping_get(node, rules[i].name);
		if (child && !read_text(reader, child, rules[i].name, fields[i]))
			good = false;
	}
	if (!node->count && place == FLOW_OF_SITE) {
		reader_error(reader, node, "`cite` is empty: take it out, or say where it is from");
		return false;
	}
	if (cite.lines && !is_lines(cite.lines)) {
		reader_error(reader, mapping_get(node, "lines"),
			     "`lines` must be numbers or ranges, as in `214-222`, not `%s`",
			     shown(reader, cite.lines));
		good = false;
	}
	if (good && mapping_get(node, "section"))
		cite.at = node_position(mapping_get(node, "section"));
	*ret_cite = cite;
	return good && (cite.section || place == FLOW_OF_SITE);
}

bool cites_read(const struct reader *reader, const struct node *node, enum flow_place place,
		cite_list *ret_list)
{
	const struct node *item;
	cite_list list = {0};
	bool good = true;

	if (!read_list(reader, node, "cite"))
		return false;
	if (!list_count(node)) {
		reader_error(reader, node, "`cite` names no place in the document");
		return false;
	}
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct cite cite;

		if (cite_read(reader, item, place, &cite))
			*arena_push(reader->arena, &list) = cite;
		else
			good = false;
	}
	*ret_list = list;
	return good;
}

/* What stands before the first section is cited by the title, which is not said twice. */
static const char *cite_format(struct arena *arena, const char *title, const struct cite *cite)
{
	bool is_titled = title && cite->section && !strcmp(cite->section, title);
	const char *text = cite->section && !is_titled ? cite->section : "";

	if (cite->row)
		text = arena_printf(arena, "%s%srow %s", text, *text ? ", " : "", cite->row);
	if (cite->lines)
		text = arena_printf(arena, "%s%sline%s %s", text, *text ? ", " : "",
				    strpbrk(cite->lines, "-,") ? "s" : "", cite->lines);
	return text;
}

const char *cites_format(struct arena *arena, const char *title, const cite_list *cites)
{
	const char *text = "";

	list_for_each (cite, cites)
		text = arena_printf(arena, "%s%s%s", text, *text ? "; " : "",
				    cite_format(arena, title, cite));
	if (!*text)
		return "";
	return arena_printf(arena, " (%s%s%s)", title ? title : "", title ? ": " : "", text);
}

static pair_list cite_pairs(struct writer *writer, const struct cite *cite)
{
	const char *const values[] = {cite->section, cite->row, cite->lines, cite->footnote};
	static const char *const keys[] = {"section", "row", "lines", "footnote"};
	pair_list pairs = {0};
	size_t i;

	for (i = 0; i < 4; i++)
		if (values[i])
			pair_list_add(writer, &pairs, keys[i], values[i]);
	return pairs;
}

void cites_print(struct writer *writer, unsigned indent, const cite_list *cites)
{
	size_t i;

	if (!cites->count)
		return;
	if (cites->count > 1)
		write_heading(writer, indent, "cite");
	for (i = 0; i < cites->count; i++) {
		pair_list pairs = cite_pairs(writer, &cites->items[i]);

		if (cites->count > 1) {
			write_item(writer);
			write_pairs(writer, indent + 4, NULL, &pairs);
		} else {
			write_pairs(writer, indent, "cite", &pairs);
		}
	}
}

/* ------------------------------------------------------------ conditions -----------------------
 */

static bool is_name_of(const char *text, size_t length, enum flow_place place)
{
	const char *slash = memchr(text, '/', length);
	size_t before = slash ? (size_t)(slash - text) : 0;

	if (place == FLOW_OF_CATALOG)
		return name_is_valid(text, length);
	return slash && name_is_valid(text, before) &&
	       name_is_valid(slash + 1, length - before - 1);
}

static bool refuse_condition(const struct reader *reader, const struct node *node,
			     enum flow_place place)
{
	const char *instance = place == FLOW_OF_SITE ? "instance/" : "";

	reader_error(reader, node,
		     "`%s` is no condition; write `%sSWITCH`, `%sCHOICE=a|b` or `bound %sROLE`, "
		     "with `not ` before it to turn it round",
		     shown(reader, node->text), instance, instance, instance);
	return false;
}

static bool read_choices(const struct reader *reader, const struct node *node, const char *text,
			 struct condition *condition, enum flow_place place)
{
	for (;;) {
		size_t length = strcspn(text, "|");

		if (!name_is_valid(text, length))
			return refuse_condition(reader, node, place);
		*arena_push(reader->arena, &condition->values) = (struct word){
			arena_strndup(reader->arena, text, length), node_position(node)};
		if (!text[length])
			return true;
		text += length + 1;
	}
}

static bool condition_read(const struct reader *reader, const struct node *node,
			   enum flow_place place, struct condition *ret_condition)
{
	struct condition condition = {.at = node_position(node)};
	const char *text;
	size_t length;

	if (!read_text(reader, node, "when", &text))
		return false;
	if (!strncmp(text, "not ", 4)) {
		condition.negated = true;
		text += 4;
	}
	length = strcspn(text, "=");
	condition.kind = text[length] ? WHEN_CHOICE : WHEN_SWITCH;
	if (!strncmp(text, "bound ", 6)) {
		condition.kind = WHEN_BOUND;
		text += 6;
		length = strlen(text);
	}
	if (!is_name_of(text, length, place))
		return refuse_condition(reader, node, place);
	condition.name = arena_strndup(reader->arena, text, length);
	if (condition.kind == WHEN_CHOICE &&
	    !read_choices(reader, node, text + length + 1, &condition, place))
		return false;
	*ret_condition = condition;
	return true;
}

bool conditions_read(const struct reader *reader, const struct node *node, enum flow_place place,
		     condition_list *ret_list)
{
	const struct node *item;
	condition_list list = {0};
	bool good = true;

	if (!read_list(reader, node, "when"))
		return false;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct condition condition;

		if (condition_read(reader, item, place, &condition))
			*arena_push(reader->arena, &list) = condition;
		else
			good = false;
	}
	*ret_list = list;
	return good;
}

static const char *condition_format(struct arena *arena, const struct condition *condition)
{
	char *text = arena_printf(arena, "%s%s%s", condition->negated ? "not " : "",
				  condition->kind == WHEN_BOUND ? "bound " : "", condition->name);
	size_t i;

	for (i = 0; i < condition->values.count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? "|" : "=",
				    condition->values.items[i].text);
	return text;
}

/* ------------------------------------------------------------ the flow -------------------------
 */

void flow_end_read(const struct reader *reader, const struct node *flow, const char *key,
		   enum flow_place place, word_list *end, bool *ret_is_list)
{
	const struct node *node = mapping_get(flow, key);

	if (!node)
		return;
	*ret_is_list = node->kind == NODE_SEQUENCE;
	if (*ret_is_list && !node->count)
		reader_error(reader, node, "`%s` is an empty list: nobody", key);
	else if (place == FLOW_OF_CATALOG)
		read_names(reader, node, key, end);
	else
		read_texts(reader, node, key, end);
}

static void read_flow_services(const struct reader *reader, const struct node *node,
			       enum flow_place place, struct flow_rule *flow)
{
	unsigned allowed = ALLOW_ANY | (place == FLOW_OF_SITE ? ALLOW_INSTANCE : ALLOW_PARAMETER);
	const struct node *child = mapping_get(node, "allow");
	port_term_list *ports = &flow->source_ports;

	if (!child && !mapping_get(node, "each"))
		reader_error(reader, node->key ? node->key : node, "a flow needs the key `allow`");
	if (child && child->kind == NODE_SEQUENCE && !child->count)
		reader_error(reader, child,
			     "`allow` is an empty list: the flow would give nothing");
	else if (child)
		read_services(reader, child, "allow", allowed, &flow->allow);
	child = mapping_get(node, "source-ports");
	/* any is what no entry means. */
	if (child && read_ports(reader, child, "source-ports", allowed, ports) &&
	    ports->items[0].kind == PORTS_ANY)
		ports->count = 0;
}

/* "client-port", "location SCHEME". */
static void read_each(const struct reader *reader, const struct node *node, enum flow_place place,
		      struct flow_rule *flow)
{
	static const char location[] = "location ";
	const char *text;

	if (!read_text(reader, node, "each", &text))
		return;
	if (!strcmp(text, "client-port")) {
		flow->each = EACH_CLIENT_PORT;
		return;
	}
	if (strncmp(text, location, strlen(location))) {
		reader_error(reader, node,
			     "`each` must be `client-port` or `location SCHEME`, not `%s`",
			     shown(reader, text));
		return;
	}
	if (place == FLOW_OF_SITE) {
		reader_error(reader, node,
			     "`each: %s`: locations belong to a catalog's instance; write the "
			     "address in a flow without `each`",
			     shown(reader, text));
		return;
	}
	if (!uri_scheme_find(text + strlen(location), &flow->scheme) || flow->scheme == URI_FILE) {
		reader_error(reader, node,
			     "`each: %s`: the scheme must be one of ftp, http, https, sftp, scp, "
			     "mailto and snmp (a file has no peer)",
			     shown(reader, text));
		return;
	}
	flow->each = EACH_LOCATION;
}

/* What an entry says itself, and what a template therefore can't. */
static void check_template(const struct reader *reader, const struct node *node,
			   const struct flow_rule *flow)
{
	static const char *const keys[] = {"either-way", "between", "source-ports"};
	const struct node *shape = mapping_get(node, "shape");
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (mapping_get(node, keys[i]))
			reader_error(reader, mapping_get(node, keys[i]),
				     "`%s` can't stand beside `each`: the site's entry says who "
				     "opens, and from which port",
				     keys[i]);
	if (shape && flow->options.set & RULE_SHAPE_RTP)
		reader_error(reader, shape,
			     "`shape: rtp` can't stand beside `each`: no entry of the site is a "
			     "media port");
	list_for_each (term, &flow->allow)
		if (term->kind == SERVICE_PORTS && term->ports.kind == PORTS_ANY)
			diagnostics_error(reader->diagnostics, term->at,
					  "`any` beside `each`: the site's entry says which port; "
					  "name the port that holds where it says none, or leave "
					  "`allow` out");
		else if (term->kind != SERVICE_PORTS)
			diagnostics_error(reader->diagnostics, term->at,
					  "beside `each`, `allow` has services with ports, as in "
					  "`tcp/22`");
	if (flow->each == EACH_LOCATION && (flow->to_is_list || flow->to.count > 1))
		reader_error(reader, mapping_get(node, "to"),
			     "beside `each: location`, `to` is one role: the peer is the "
			     "location's host");
}

static void read_flow_options(const struct reader *reader, const struct node *node,
			      enum flow_place place, struct flow_rule *flow)
{
	static const char *const mirror_words[] = {"missing"}, *const between_words[] = {
								       "partners"};
	const struct node *child;
	struct word reading;
	unsigned mirror, between;

	if ((child = mapping_get(node, "either-way")))
		read_yes_no(reader, child, "either-way", &flow->either_way);
	if ((child = mapping_get(node, "between")))
		flow->between_partners =
			read_choice(reader, child, "between", between_words, 1, &between);
	if ((child = mapping_get(node, "when")))
		conditions_read(reader, child, place, &flow->when);
	if ((child = mapping_get(node, "cite")))
		cites_read(reader, child, place, &flow->cite);
	if ((child = mapping_get(node, "reading")) && read_name(reader, child, "reading", &reading))
		flow->reading = reading.text;
	if ((child = mapping_get(node, "mirror")))
		flow->mirror_missing =
			read_choice(reader, child, "mirror", mirror_words, 1, &mirror);
}

static void read_rule_options(const struct reader *reader, const struct node *node,
			      struct flow_rule *flow)
{
	const char *refused, *key;

	rule_options_read(reader, node, &flow->options);
	refused = rule_options_refuse(&flow->options, &flow->allow, &key);
	if (!refused)
		return;
	reader_error(reader, mapping_get(node, key), "%s", refused);
	flow->options.set &= RULE_LIMIT;
}

bool flow_rule_read(const struct reader *reader, const struct node *node, enum flow_place place,
		    struct flow_rule *ret_flow)
{
	const struct key_rule rules[] = {
		{"id", KEY_REQUIRED},
		{"from", KEY_REQUIRED},
		{"to", KEY_REQUIRED},
		{"allow", KEY_OPTIONAL}, /* required where there is no `each` */
		{"source-ports", KEY_OPTIONAL},
		{"either-way", KEY_OPTIONAL},
		{"between", KEY_OPTIONAL},
		{"when", KEY_OPTIONAL},
		{"each", KEY_OPTIONAL},
		RULE_OPTION_KEYS,
		{"cite", place == FLOW_OF_CATALOG ? KEY_REQUIRED : KEY_OPTIONAL},
		{"reading", KEY_OPTIONAL},
		{"mirror", KEY_OPTIONAL},
	};
	struct flow_rule flow = {0};
	const struct node *id;

	if (!read_mapping(reader, node, "a flow", KEYS(rules)))
		return false;
	flow_end_read(reader, node, "from", place, &flow.from, &flow.from_is_list);
	flow_end_read(reader, node, "to", place, &flow.to, &flow.to_is_list);
	if (mapping_get(node, "each"))
		read_each(reader, mapping_get(node, "each"), place, &flow);
	read_flow_services(reader, node, place, &flow);
	read_flow_options(reader, node, place, &flow);
	read_rule_options(reader, node, &flow);
	if (flow.each)
		check_template(reader, node, &flow);
	id = mapping_get(node, "id");
	if (!id || !read_name(reader, id, "id", &flow.id))
		return false;
	*ret_flow = flow;
	return true;
}

void conditions_print(struct writer *writer, unsigned indent, const condition_list *when)
{
	text_list texts = {0};

	list_for_each (condition, when)
		text_list_add(writer, &texts, condition_format(writer->arena, condition));
	if (texts.count)
		write_list(writer, indent, "when", &texts);
}

void flow_end_print(struct writer *writer, unsigned indent, const char *key, const word_list *end,
		    bool is_list)
{
	text_list texts = texts_of_words(writer, end);

	if (is_list)
		write_list(writer, indent, key, &texts);
	else
		write_values(writer, indent, key, &texts);
}

void flow_rule_print(struct writer *writer, unsigned indent, const struct flow_rule *flow)
{
	text_list allow = texts_of_services(writer, &flow->allow);
	text_list source_ports = texts_of_ports(writer, &flow->source_ports);

	write_item(writer);
	write_text(writer, indent, "id", flow->id.text);
	flow_end_print(writer, indent, "from", &flow->from, flow->from_is_list);
	flow_end_print(writer, indent, "to", &flow->to, flow->to_is_list);
	if (allow.count)
		write_list(writer, indent, "allow", &allow);
	if (source_ports.count)
		write_values(writer, indent, "source-ports", &source_ports);
	if (flow->either_way)
		write_text(writer, indent, "either-way", "yes");
	if (flow->between_partners)
		write_text(writer, indent, "between", "partners");
	conditions_print(writer, indent, &flow->when);
	if (flow->each == EACH_CLIENT_PORT)
		write_text(writer, indent, "each", "client-port");
	if (flow->each == EACH_LOCATION)
		write_text(
			writer, indent, "each",
			arena_printf(writer->arena, "location %s", uri_scheme_name(flow->scheme)));
	rule_options_print(writer, indent, &flow->options, false);
	cites_print(writer, indent, &flow->cite);
	if (flow->reading)
		write_text(writer, indent, "reading", flow->reading);
	if (flow->mirror_missing)
		write_text(writer, indent, "mirror", "missing");
}
