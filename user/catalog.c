/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalog.h"

#include <string.h>

#include "demand.h"
#include "flow_rule.h"
#include "forbid.h"
#include "parameter.h"

#define ROLE_COUNT_MAX 65535u /* addresses that a document can mean by "exactly" */

static const struct {
	const char *word;
	enum binding_kind kind;
} binding_kinds[] = {
	{"address", BIND_ADDRESS}, {"prefix", BIND_PREFIX}, {"feed", BIND_FEED},
	{"domain", BIND_DOMAIN},   {"any", BIND_ANY},
};
#define BINDING_KINDS	 (sizeof(binding_kinds) / sizeof(binding_kinds[0]))
#define BINDING_STANDARD ((unsigned)BIND_ADDRESS | BIND_PREFIX)

char *name_fold(struct arena *arena, const char *name)
{
	char *folded = arena_alloc(arena, strlen(name) + 1), *to = folded;
	const unsigned char *from = (const unsigned char *)name;

	while (*from) {
		bool upper = *from >= 'A' && *from <= 'Z';
		bool letter = upper || (*from >= 'a' && *from <= 'z') ||
			      (*from >= '0' && *from <= '9') || *from >= 0x80;
		size_t length = 1;

		/* Of what is not ASCII only U+0080-U+00BF and the dashes and quotes of
		 * U+2000-U+203F are no letters: a document's no-break space is a space. */
		if (*from == 0xc2 && from[1]) {
			letter = false;
			length = 2;
		} else if (*from == 0xe2 && from[1] == 0x80 && from[2]) {
			letter = false;
			length = 3;
		}
		if (letter)
			*to++ = upper ? (char)(*from | 0x20) : (char)*from;
		else if (to > folded && to[-1] != ' ')
			*to++ = ' ';
		from += length;
	}
	if (to > folded && to[-1] == ' ')
		to--;
	*to = '\0';
	return folded;
}

/* A catalog that catalog_read() did not make, as a site's own flows, has no indexes. */
static const void *find(const struct word_index *index, const void *items, size_t count,
			size_t stride, const char *name)
{
	size_t i;

	if (index->count == count)
		return word_index_find(index, name);
	for (i = 0; i < count; i++) {
		const struct word *word = (const void *)((const char *)items + i * stride);

		if (!strcmp(word->text, name))
			return word;
	}
	return NULL;
}

const struct role *catalog_role(const struct catalog *catalog, const char *id)
{
	return find(&catalog->role_index, catalog->roles.items, catalog->roles.count,
		    sizeof(struct role), id);
}

const struct group *catalog_group(const struct catalog *catalog, const char *id)
{
	return find(&catalog->group_index, catalog->groups.items, catalog->groups.count,
		    sizeof(struct group), id);
}

const struct parameter *catalog_parameter(const struct catalog *catalog, const char *name)
{
	return find(&catalog->parameter_index, catalog->parameters.items, catalog->parameters.count,
		    sizeof(struct parameter), name);
}

const struct flow_rule *catalog_flow(const struct catalog *catalog, const char *id)
{
	return find(&catalog->flow_index, catalog->flows.items, catalog->flows.count,
		    sizeof(struct flow_rule), id);
}

/* ------------------------------------------------------------ reading --------------------------
 */

static void read_document(const struct reader *reader, const struct node *node,
			  struct catalog *catalog)
{
	static const struct key_rule rules[] = {
		{"title", KEY_REQUIRED},
		{"source", KEY_OPTIONAL},
		{"version", KEY_OPTIONAL},
		{"sections", KEY_REQUIRED},
	};
	const struct node *child;

	if (!read_mapping(reader, node, "`document`", KEYS(rules)))
		return;
	if ((child = mapping_get(node, "title")))
		read_text(reader, child, "title", &catalog->title);
	if ((child = mapping_get(node, "source")))
		read_text(reader, child, "source", &catalog->source);
	if ((child = mapping_get(node, "version")))
		read_text(reader, child, "version", &catalog->version);
	child = mapping_get(node, "sections");
	if (child && read_texts(reader, child, "sections", &catalog->sections) &&
	    !catalog->sections.count)
		reader_error(
			reader, child,
			"`sections` is an empty list: name the sections as printed, for `cite`");
}

static void read_parameters(const struct reader *reader, const struct node *node,
			    struct catalog *catalog)
{
	const struct node *child;

	if (!read_entries(reader, node, "`parameters`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct parameter parameter;

		if (parameter_read(reader, child, &parameter))
			*arena_push(reader->arena, &catalog->parameters) = parameter;
	}
}

static void read_bind(const struct reader *reader, const struct node *node, unsigned *bind)
{
	const char *words[BINDING_KINDS];
	const struct node *item;
	unsigned number, kinds = 0;
	size_t i;

	for (i = 0; i < BINDING_KINDS; i++)
		words[i] = binding_kinds[i].word;
	if (!read_list(reader, node, "bind"))
		return;
	if (!list_count(node))
		reader_error(reader, node, "`bind` is an empty list; every role can be bound");
	for (item = list_first(node); item; item = list_next(node, item))
		if (read_choice(reader, item, "bind", words, BINDING_KINDS, &number))
			kinds |= binding_kinds[number].kind;
	*bind = kinds;
}

static void read_refuse(const struct reader *reader, const struct node *node, struct role *role)
{
	static const struct key_rule rules[] = {{"domain", KEY_REQUIRED}};
	const struct node *domain;

	if (!read_mapping(reader, node, "`refuse`", KEYS(rules)))
		return;
	domain = mapping_get(node, "domain");
	if (domain)
		read_text(reader, domain, "domain", &role->refuse_domain);
	if (role->refuse_domain && (role->bind & BIND_DOMAIN))
		reader_error(reader, node->key,
			     "`bind` takes a domain and `refuse` refuses it: one "
			     "of the two must go");
}

static void read_role_names(const struct reader *reader, const struct node *role, word_list *names)
{
	const struct node *node = mapping_get(role, "names");

	if (node && read_texts(reader, node, "names", names) && !names->count)
		reader_error(reader, node, "`names` is an empty list: write the names as printed");
}

static bool read_role(const struct reader *reader, const struct node *node, struct role *ret_role)
{
	static const struct key_rule rules[] = {
		{"names", KEY_REQUIRED},  {"listens", KEY_OPTIONAL}, {"bind", KEY_OPTIONAL},
		{"refuse", KEY_OPTIONAL}, {"outside", KEY_OPTIONAL}, {"count", KEY_OPTIONAL},
	};
	struct role role = {.bind = BINDING_STANDARD};
	const struct node *child;
	uint64_t number;

	if (!read_name(reader, node->key, "roles", &role.id) ||
	    !read_mapping(reader, node, "a role", KEYS(rules)))
		return false;
	read_role_names(reader, node, &role.names);
	if ((child = mapping_get(node, "listens")))
		read_services(reader, child, "listens", ALLOW_ANY | ALLOW_PARAMETER, &role.listens);
	if ((child = mapping_get(node, "bind")))
		read_bind(reader, child, &role.bind);
	if ((child = mapping_get(node, "refuse")))
		read_refuse(reader, child, &role);
	if ((child = mapping_get(node, "outside")))
		read_yes_no(reader, child, "outside", &role.outside);
	child = mapping_get(node, "count");
	if (child && (child->kind != NODE_SCALAR || strcmp(child->text, "any")) &&
	    read_number(reader, child, "count", 1, ROLE_COUNT_MAX, &number))
		role.count = (unsigned)number;
	*ret_role = role;
	return true;
}

static void read_roles(const struct reader *reader, const struct node *node,
		       struct catalog *catalog)
{
	const struct node *child;

	if (!read_entries(reader, node, "`roles`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct role role;

		if (read_role(reader, child, &role))
			*arena_push(reader->arena, &catalog->roles) = role;
	}
}

static bool read_group(const struct reader *reader, const struct node *node,
		       struct group *ret_group)
{
	static const struct key_rule rules[] = {{"names", KEY_REQUIRED}, {"roles", KEY_REQUIRED}};
	struct group group = {0};
	const struct node *roles;

	if (!read_name(reader, node->key, "groups", &group.id) ||
	    !read_mapping(reader, node, "a group", KEYS(rules)))
		return false;
	read_role_names(reader, node, &group.names);
	roles = mapping_get(node, "roles");
	if (roles && read_names(reader, roles, "roles", &group.roles) && !group.roles.count)
		reader_error(reader, roles, "`roles` is an empty list: a group of nobody");
	*ret_group = group;
	return true;
}

static void read_groups(const struct reader *reader, const struct node *node,
			struct catalog *catalog)
{
	const struct node *child;

	if (!read_entries(reader, node, "`groups`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct group group;

		if (read_group(reader, child, &group))
			*arena_push(reader->arena, &catalog->groups) = group;
	}
}

static void read_flows(const struct reader *reader, const struct node *node,
		       struct catalog *catalog)
{
	const struct node *item;

	if (!read_list(reader, node, "flows"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct flow_rule flow;

		if (flow_rule_read(reader, item, FLOW_OF_CATALOG, &flow))
			*arena_push(reader->arena, &catalog->flows) = flow;
	}
}

/* ------------------------------------------------------------ references -----------------------
 */

static void refuse_name(const struct reader *reader, struct position at, const char *kind,
			const char *name, const struct word_index *index)
{
	const char *nearest = word_index_nearest(reader, index, name);

	if (nearest)
		diagnostics_error(reader->diagnostics, at,
				  "no %s `%s` in this catalog; did you mean `%s`?", kind, name,
				  nearest);
	else
		diagnostics_error(reader->diagnostics, at, "no %s `%s` in this catalog", kind,
				  name);
}

/* The parameter, if it is there and of that type. */
static const struct parameter *check_parameter(const struct reader *reader,
					       const struct catalog *catalog, struct position at,
					       const char *name, enum parameter_type type)
{
	const struct parameter *parameter = catalog_parameter(catalog, name);

	if (!parameter) {
		refuse_name(reader, at, "parameter", name, &catalog->parameter_index);
	} else if (parameter->type != type) {
		diagnostics_error(reader->diagnostics, at,
				  "parameter `%s` is of type %s; here one of type %s is due", name,
				  parameter_type_word(parameter->type), parameter_type_word(type));
		return NULL;
	}
	return parameter;
}

static void check_ports(const struct reader *reader, const struct catalog *catalog,
			const port_term_list *ports)
{
	list_for_each (term, ports)
		if (term->kind == PORTS_PARAMETER)
			check_parameter(reader, catalog, term->at, term->parameter,
					PARAMETER_PORTS);
}

static void check_services(const struct reader *reader, const struct catalog *catalog,
			   const service_term_list *services)
{
	list_for_each (term, services) {
		port_term_list ports = {&term->ports, 1, 1};

		if (term->kind == SERVICE_PARAMETER)
			check_parameter(reader, catalog, term->at, term->parameter,
					PARAMETER_SERVICES);
		else if (term->kind == SERVICE_PORTS)
			check_ports(reader, catalog, &ports);
	}
}

static void check_cites(const struct reader *reader, const struct catalog *catalog,
			const struct word_index *sections, const cite_list *cites)
{
	list_for_each (cite, cites) {
		const char *nearest;

		if (!cite->section || !catalog->sections.count ||
		    word_index_find(sections, cite->section))
			continue;
		nearest = word_index_nearest(reader, sections, cite->section);
		if (nearest)
			diagnostics_error(
				reader->diagnostics, cite->at,
				"`%s` is not in `sections` of `document`; did you mean `%s`?",
				shown(reader, cite->section), nearest);
		else
			diagnostics_error(reader->diagnostics, cite->at,
					  "`%s` is not in `sections` of `document`: cite a section "
					  "as it is printed",
					  shown(reader, cite->section));
	}
}

static void check_choices(const struct reader *reader, const struct parameter *parameter,
			  const struct condition *condition)
{
	struct word_index of = word_index_build(reader->arena, parameter->of.items,
						parameter->of.count, sizeof(struct word));

	list_for_each (value, &condition->values)
		if (!word_index_find(&of, value->text))
			diagnostics_error(reader->diagnostics, value->at,
					  "`%s` is none of the values of choice `%s`", value->text,
					  condition->name);
}

static void check_conditions(const struct reader *reader, const struct catalog *catalog,
			     const condition_list *when)
{
	list_for_each (condition, when) {
		const struct parameter *parameter;

		if (condition->kind == WHEN_BOUND) {
			if (!catalog_role(catalog, condition->name))
				refuse_name(reader, condition->at, "role", condition->name,
					    &catalog->role_index);
			continue;
		}
		parameter = check_parameter(reader, catalog, condition->at, condition->name,
					    condition->kind == WHEN_CHOICE ? PARAMETER_CHOICE
									   : PARAMETER_SWITCH);
		if (parameter && condition->kind == WHEN_CHOICE)
			check_choices(reader, parameter, condition);
	}
}

/* A group stands for a list. */
static void check_end(const struct reader *reader, const struct catalog *catalog,
		      const word_list *end, bool *is_list)
{
	list_for_each (word, end) {
		const char *nearest;

		if (catalog_role(catalog, word->text))
			continue;
		if (catalog_group(catalog, word->text)) {
			*is_list = true;
			continue;
		}
		nearest = word_index_nearest(reader, &catalog->group_index, word->text);
		if (nearest)
			diagnostics_error(
				reader->diagnostics, word->at,
				"no role `%s` in this catalog; did you mean the group `%s`?",
				word->text, nearest);
		else
			refuse_name(reader, word->at, "role", word->text, &catalog->role_index);
	}
}

static void check_ids(const struct reader *reader, const struct catalog *catalog)
{
	refuse_repeated(reader, catalog->flows.items, catalog->flows.count,
			sizeof(struct flow_rule), "flows");
	list_for_each (group, &catalog->groups) {
		const struct role *role = catalog_role(catalog, group->id.text);

		if (role)
			diagnostics_error(
				reader->diagnostics, group->id.at,
				"`%s` is a role too, on line %u: one of them needs another name",
				group->id.text, role->id.at.line);
		list_for_each (word, &group->roles)
			if (!catalog_role(catalog, word->text))
				refuse_name(reader, word->at, "role", word->text,
					    &catalog->role_index);
	}
}

/* Names by their folded form, and whose they are. */
struct printed_name {
	struct word folded;
	const char *printed;
	const char *owner;
};
typedef LIST(struct printed_name) printed_name_list;

static void add_names(const struct reader *reader, printed_name_list *all, const word_list *names,
		      const char *owner)
{
	list_for_each (name, names) {
		char *folded = name_fold(reader->arena, name->text);

		if (!folded[0])
			diagnostics_error(reader->diagnostics, name->at,
					  "the name `%s` has neither letters nor digits",
					  shown(reader, name->text));
		*arena_push(reader->arena, all) =
			(struct printed_name){{folded, name->at}, name->text, owner};
	}
}

/* Two spellings of one role may fold to the same; those of two roles may not. */
static void check_names(const struct reader *reader, const struct catalog *catalog)
{
	printed_name_list all = {0};
	struct word_index index;
	size_t i;

	list_for_each (role, &catalog->roles)
		add_names(reader, &all, &role->names, role->id.text);
	list_for_each (group, &catalog->groups)
		add_names(reader, &all, &group->names, group->id.text);
	index = word_index_build(reader->arena, all.items, all.count, sizeof(*all.items));
	for (i = 1; i < index.count; i++) {
		const struct printed_name *first = (const void *)index.items[i - 1];
		const struct printed_name *second = (const void *)index.items[i];

		if (first->owner != second->owner && second->folded.text[0] &&
		    !strcmp(first->folded.text, second->folded.text))
			diagnostics_error(
				reader->diagnostics, second->folded.at,
				"the name `%s` is also one of `%s`, on line %u: names tell "
				"roles apart; add the part in brackets",
				shown(reader, second->printed), first->owner,
				first->folded.at.line);
	}
}

/* Flows or roles by id, whichever the index is of. */
static void check_words(const struct reader *reader, const word_list *words, const char *kind,
			const struct word_index *index)
{
	list_for_each (word, words)
		if (!word_index_find(index, word->text))
			refuse_name(reader, word->at, kind, word->text, index);
}

static void check_forbid(const struct reader *reader, const struct catalog *catalog,
			 const struct word_index *sections, struct forbid_rule *forbid)
{
	struct flow_rule *flow = &forbid->flow;

	check_end(reader, catalog, &flow->from, &flow->from_is_list);
	check_end(reader, catalog, &flow->to, &flow->to_is_list);
	check_services(reader, catalog, &flow->allow);
	check_words(reader, &forbid->except, "flow", &catalog->flow_index);
	check_cites(reader, catalog, sections, &flow->cite);
}

static void check_demand(const struct reader *reader, const struct catalog *catalog,
			 const struct word_index *sections, const struct demand *demand)
{
	bool of_flows = demand->kind == DEMAND_AT_LEAST_ONE;

	check_words(reader, &demand->names, of_flows ? "flow" : "role",
		    of_flows ? &catalog->flow_index : &catalog->role_index);
	check_conditions(reader, catalog, &demand->when);
	check_cites(reader, catalog, sections, &demand->cite);
}

static void check_references(const struct reader *reader, struct catalog *catalog)
{
	struct word_index sections = word_index_build(reader->arena, catalog->sections.items,
						      catalog->sections.count, sizeof(struct word));

	check_ids(reader, catalog);
	check_names(reader, catalog);
	list_for_each (parameter, &catalog->parameters)
		check_cites(reader, catalog, &sections, &parameter->cite);
	list_for_each (role, &catalog->roles)
		check_services(reader, catalog, &role->listens);
	list_for_each (flow, &catalog->flows) {
		check_end(reader, catalog, &flow->from, &flow->from_is_list);
		check_end(reader, catalog, &flow->to, &flow->to_is_list);
		check_services(reader, catalog, &flow->allow);
		check_ports(reader, catalog, &flow->source_ports);
		check_conditions(reader, catalog, &flow->when);
		check_cites(reader, catalog, &sections, &flow->cite);
	}
	list_for_each (forbid, &catalog->forbids)
		check_forbid(reader, catalog, &sections, forbid);
	list_for_each (demand, &catalog->demands)
		check_demand(reader, catalog, &sections, demand);
	list_for_each (no_flow, &catalog->no_flows)
		check_cites(reader, catalog, &sections, &no_flow->cite);
}

/* ------------------------------------------------------------ the catalog ----------------------
 */

static void build_indexes(struct arena *arena, struct catalog *catalog)
{
	catalog->parameter_index =
		word_index_build(arena, catalog->parameters.items, catalog->parameters.count,
				 sizeof(struct parameter));
	catalog->role_index = word_index_build(arena, catalog->roles.items, catalog->roles.count,
					       sizeof(struct role));
	catalog->group_index = word_index_build(arena, catalog->groups.items, catalog->groups.count,
						sizeof(struct group));
	catalog->flow_index = word_index_build(arena, catalog->flows.items, catalog->flows.count,
					       sizeof(struct flow_rule));
}

struct catalog *catalog_read(struct arena *arena, struct diagnostics *diagnostics, const char *path)
{
	static const struct key_rule rules[] = {
		{"catalog", KEY_REQUIRED}, {"document", KEY_REQUIRED}, {"parameters", KEY_OPTIONAL},
		{"roles", KEY_OPTIONAL},   {"groups", KEY_OPTIONAL},   {"flows", KEY_OPTIONAL},
		{"forbid", KEY_OPTIONAL},  {"checks", KEY_OPTIONAL},   {"no-flow", KEY_OPTIONAL},
	};
	const struct reader reader = {arena, diagnostics};
	const struct node *top = node_read(arena, diagnostics, path), *child;
	struct catalog *catalog;

	if (!top || !read_mapping(&reader, top, "a catalog", KEYS(rules)))
		return NULL;
	catalog = arena_alloc(arena, sizeof(*catalog));
	catalog->path = arena_strdup(arena, path);
	if ((child = mapping_get(top, "catalog")))
		read_name(&reader, child, "catalog", &catalog->name);
	if ((child = mapping_get(top, "document")))
		read_document(&reader, child, catalog);
	if ((child = mapping_get(top, "parameters")))
		read_parameters(&reader, child, catalog);
	if ((child = mapping_get(top, "roles")))
		read_roles(&reader, child, catalog);
	if ((child = mapping_get(top, "groups")))
		read_groups(&reader, child, catalog);
	if ((child = mapping_get(top, "flows")))
		read_flows(&reader, child, catalog);
	if ((child = mapping_get(top, "forbid")))
		forbids_read(&reader, child, FLOW_OF_CATALOG, &catalog->forbids);
	if ((child = mapping_get(top, "checks")))
		demands_read(&reader, child, catalog);
	if ((child = mapping_get(top, "no-flow")))
		no_flows_read(&reader, child, catalog);
	build_indexes(arena, catalog);
	check_references(&reader, catalog);
	return catalog->name.text ? catalog : NULL;
}

/* ------------------------------------------------------------ printing -------------------------
 */

static void print_document(struct writer *writer, const struct catalog *catalog)
{
	text_list sections = texts_of_words(writer, &catalog->sections);

	write_heading(writer, 0, "document");
	write_text(writer, 2, "title", catalog->title);
	if (catalog->source)
		write_text(writer, 2, "source", catalog->source);
	if (catalog->version)
		write_text(writer, 2, "version", catalog->version);
	write_list(writer, 2, "sections", &sections);
}

static void print_role(struct writer *writer, const struct role *role)
{
	text_list names = texts_of_words(writer, &role->names);
	text_list listens = texts_of_services(writer, &role->listens);
	text_list bind = {0};
	pair_list refuse = {0};
	size_t i;

	write_heading(writer, 2, role->id.text);
	write_list(writer, 4, "names", &names);
	if (listens.count)
		write_list(writer, 4, "listens", &listens);
	for (i = 0; i < BINDING_KINDS; i++)
		if (role->bind & binding_kinds[i].kind)
			text_list_add(writer, &bind, binding_kinds[i].word);
	if (role->bind != BINDING_STANDARD)
		write_list(writer, 4, "bind", &bind);
	if (role->refuse_domain) {
		pair_list_add(writer, &refuse, "domain", role->refuse_domain);
		write_pairs(writer, 4, "refuse", &refuse);
	}
	if (role->outside)
		write_text(writer, 4, "outside", "yes");
	if (role->count)
		write_text(writer, 4, "count", arena_printf(writer->arena, "%u", role->count));
}

static void print_group(struct writer *writer, const struct group *group)
{
	text_list names = texts_of_words(writer, &group->names);
	text_list roles = texts_of_words(writer, &group->roles);

	write_heading(writer, 2, group->id.text);
	write_list(writer, 4, "names", &names);
	write_list(writer, 4, "roles", &roles);
}

/* A group alone needs no brackets to be a list. */
static bool needs_brackets(const struct catalog *catalog, const word_list *end, bool is_list)
{
	return is_list && !(end->count == 1 && catalog_group(catalog, end->items[0].text));
}

static void print_flows(struct writer *writer, const struct catalog *catalog)
{
	if (catalog->flows.count)
		write_heading(writer, 0, "flows");
	list_for_each (flow, &catalog->flows) {
		struct flow_rule printed = *flow;

		printed.from_is_list = needs_brackets(catalog, &flow->from, flow->from_is_list);
		printed.to_is_list = needs_brackets(catalog, &flow->to, flow->to_is_list);
		flow_rule_print(writer, 4, &printed);
	}
}

static void print_forbids(struct writer *writer, const struct catalog *catalog)
{
	if (catalog->forbids.count)
		write_heading(writer, 0, "forbid");
	list_for_each (forbid, &catalog->forbids) {
		struct forbid_rule printed = *forbid;
		struct flow_rule *flow = &printed.flow;

		flow->from_is_list = needs_brackets(catalog, &flow->from, flow->from_is_list);
		flow->to_is_list = needs_brackets(catalog, &flow->to, flow->to_is_list);
		forbid_print(writer, 4, &printed);
	}
}

void catalog_print(const struct catalog *catalog, FILE *out)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct writer writer = {.arena = arena, .out = out};

	write_text(&writer, 0, "catalog", catalog->name.text);
	print_document(&writer, catalog);
	if (catalog->parameters.count)
		write_heading(&writer, 0, "parameters");
	list_for_each (parameter, &catalog->parameters)
		parameter_print(&writer, 2, parameter);
	if (catalog->roles.count)
		write_heading(&writer, 0, "roles");
	list_for_each (role, &catalog->roles)
		print_role(&writer, role);
	if (catalog->groups.count)
		write_heading(&writer, 0, "groups");
	list_for_each (group, &catalog->groups)
		print_group(&writer, group);
	print_flows(&writer, catalog);
	print_forbids(&writer, catalog);
	demands_print(&writer, catalog);
	no_flows_print(&writer, catalog);
}
