/* SPDX-License-Identifier: BSD-2-Clause */
#include "site.h"

#include <stdlib.h>
#include <string.h>

#include "../include/bounds.h"
#include "adjust.h"
#include "client_port.h"
#include "flow_rule.h"
#include "forbid.h"
#include "location.h"
#include "partner.h"
#include "site_words.h"
#include "term.h"
#include "words.h"

#define INTERFACE_BYTES_MAX 15 /* IFNAMSIZ less its NUL */
#define COUNT(array)	    (sizeof(array) / sizeof((array)[0]))

/* An instance of such a name would make "site/x" or "hosts" mean two things. */
static const char *const reserved_instances[] = {"site", "management", "hosts"};

/* ------------------------------------------------------------ how to enforce -------------------
 */

static void read_mode(const struct reader *reader, const struct node *node,
		      struct site_modes *modes)
{
	static const struct key_rule rules[] = {{"in", KEY_REQUIRED}, {"out", KEY_REQUIRED}};
	const char *const words[] = {mode_name(MODE_OFF), mode_name(MODE_AUDIT),
				     mode_name(MODE_ENFORCE)};
	const struct node *in, *out;
	unsigned in_mode, out_mode;
	bool good;

	if (!read_mapping(reader, node, "`mode`", KEYS(rules)))
		return;
	in = mapping_get(node, "in");
	out = mapping_get(node, "out");
	good = in && read_choice(reader, in, "in", words, COUNT(words), &in_mode);
	if (!out || !read_choice(reader, out, "out", words, COUNT(words), &out_mode) || !good)
		return;
	if (in_mode != MODE_ENFORCE && out_mode == MODE_ENFORCE) {
		reader_error(reader, in,
			     "`in: %s` with `out: enforce` is refused: what no rule allows would "
			     "come in, and the answers to it would be dropped; write "
			     "`in: enforce`, or `out: audit`",
			     words[in_mode]);
		return;
	}
	*modes = (struct site_modes){true, (enum mode)in_mode, (enum mode)out_mode,
				     node_position(node)};
}

static bool is_interface(const char *name)
{
	return strlen(name) <= INTERFACE_BYTES_MAX && !strpbrk(name, "/: ") && strcmp(name, ".") &&
	       strcmp(name, "..");
}

static void read_interfaces(const struct reader *reader, const struct node *node, bool *has,
			    bool *is_auto, word_list *interfaces)
{
	word_list names;

	if (!read_texts(reader, node, "interfaces", &names))
		return;
	*has = true;
	if (!names.count)
		reader_error(reader, node,
			     "`interfaces` is an empty list: name one, or write `auto`");
	list_for_each (name, &names) {
		if (!strcmp(name->text, "auto") && names.count == 1)
			*is_auto = true;
		else if (!strcmp(name->text, "auto"))
			diagnostics_error(reader->diagnostics, name->at,
					  "`auto` stands alone: take out the other interfaces");
		else if (!is_interface(name->text))
			diagnostics_error(reader->diagnostics, name->at,
					  "`%s` is no interface: at most %d letters, without `/`, "
					  "`:` and spaces",
					  shown(reader, name->text), INTERFACE_BYTES_MAX);
	}
	if (!*is_auto)
		*interfaces = names;
}

static void read_timeouts(const struct reader *reader, const struct node *node,
			  struct host_settings *settings)
{
	struct key_rule rules[FLOW_STATE_COUNT];
	size_t i;

	for (i = 0; i < FLOW_STATE_COUNT; i++)
		rules[i] = (struct key_rule){timeout_words[i], KEY_OPTIONAL};
	if (!read_mapping(reader, node, "`timeouts`", rules, FLOW_STATE_COUNT))
		return;
	for (i = 0; i < FLOW_STATE_COUNT; i++) {
		const struct node *child = mapping_get(node, timeout_words[i]);

		settings->has_timeout[i] = child && read_duration(reader, child, timeout_words[i],
								  &settings->timeout_ms[i]);
	}
}

/* The keys of host:, which hosts.H may have too. */
#define HOST_SETTING_RULES                                                                         \
	{"dhcp", KEY_OPTIONAL}, {"forwarding", KEY_OPTIONAL}, {"floating", KEY_OPTIONAL},          \
		{"timeouts", KEY_OPTIONAL}, {"adopt", KEY_OPTIONAL},                               \
		{"cross-check", KEY_OPTIONAL}, LINK_SETTING_RULES

static void read_settings(const struct reader *reader, const struct node *node,
			  struct host_settings *settings)
{
	const struct node *child;
	unsigned forwarding;
	uint64_t number;

	settings->at = node_position(node);
	if ((child = mapping_get(node, "dhcp")))
		settings->has_dhcp = read_yes_no(reader, child, "dhcp", &settings->dhcp);
	child = mapping_get(node, "forwarding");
	if (child && read_choice(reader, child, "forwarding", forwarding_words, FORWARDING_WORDS,
				 &forwarding)) {
		settings->has_forwarding = true;
		settings->forwarding = (enum forwarding)forwarding;
	}
	if ((child = mapping_get(node, "floating")))
		settings->has_floating =
			read_addresses(reader, child, "floating", true, &settings->floating);
	link_settings_read(reader, node, &settings->link);
	if ((child = mapping_get(node, "timeouts")))
		read_timeouts(reader, child, settings);
	if ((child = mapping_get(node, "adopt")))
		settings->has_adopt = read_adopt(reader, child, &settings->adopt_ms);
	child = mapping_get(node, "cross-check");
	if (child && read_number(reader, child, "cross-check", 0, 1u << 31, &number)) {
		settings->has_cross_check = true;
		settings->cross_check = (uint32_t)number;
	}
}

static void read_bounds(const struct reader *reader, const struct node *node, struct site *site)
{
	static const struct key_rule rules[] = {
		{"flows", KEY_OPTIONAL}, {"fragments", KEY_OPTIONAL}, {"sources", KEY_OPTIONAL}};
	const struct node *child;
	uint64_t number;

	if (!read_mapping(reader, node, "`bounds`", KEYS(rules)))
		return;
	child = mapping_get(node, "flows");
	if (child && read_number(reader, child, "flows", FLOWS_MIN, FLOWS_MAX, &number)) {
		site->has_bound_flows = true;
		site->bound_flows = (uint32_t)number;
	}
	child = mapping_get(node, "fragments");
	if (child &&
	    read_number(reader, child, "fragments", FRAGMENTS_MIN, FRAGMENTS_MAX, &number)) {
		site->has_bound_fragments = true;
		site->bound_fragments = (uint32_t)number;
	}
	child = mapping_get(node, "sources");
	if (child && read_number(reader, child, "sources", SOURCES_MIN, SOURCES_MAX, &number)) {
		site->has_bound_sources = true;
		site->bound_sources = (uint32_t)number;
	}
}

/* ------------------------------------------------------------ who is there ---------------------
 */

static void read_catalog_item(const struct reader *reader, const struct node *node,
			      struct site *site)
{
	static const struct key_rule rules[] = {{"catalog", KEY_REQUIRED}, {"as", KEY_OPTIONAL}};
	struct site_catalog item = {0};
	const struct node *name = node, *as = NULL;
	struct word word;

	if (node->kind == NODE_MAPPING) {
		if (!read_mapping(reader, node, "an item of `catalogs`", KEYS(rules)))
			return;
		name = mapping_get(node, "catalog");
		as = mapping_get(node, "as");
	}
	if (!name || !read_name(reader, name, "catalogs", &item.catalog))
		return;
	item.as = item.catalog.text;
	item.as_at = item.catalog.at;
	if (as) {
		if (!read_name(reader, as, "as", &word))
			return;
		item.as = word.text;
		item.as_at = word.at;
	}
	*arena_push(reader->arena, &site->catalogs) = item;
}

static void read_catalogs(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *item;

	if (!read_list(reader, node, "catalogs"))
		return;
	for (item = list_first(node); item; item = list_next(node, item))
		read_catalog_item(reader, item, site);
}

static void read_management(const struct reader *reader, const struct node *node, struct site *site)
{
	static const struct key_rule rules[] = {{"from", KEY_REQUIRED}, {"allow", KEY_REQUIRED}};
	const struct node *item;

	if (!read_list(reader, node, "management"))
		return;
	site->has_management = true;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct site_management management = {.at = node_position(item)};
		const struct node *from, *allow;

		if (!read_mapping(reader, item, "an item of `management`", KEYS(rules)))
			continue;
		if ((from = mapping_get(item, "from")))
			read_addresses(reader, from, "from", false, &management.from);
		allow = mapping_get(item, "allow");
		if (allow &&
		    read_services(reader, allow, "allow", ALLOW_ANY | ALLOW_INSTANCE,
				  &management.allow) &&
		    !management.allow.count)
			reader_error(reader, allow,
				     "`allow` is an empty list: it would give nothing");
		*arena_push(reader->arena, &site->management) = management;
	}
}

/* A name that an addresses list could not take for something else. */
static bool read_own_name(const struct reader *reader, const struct node *key, const char *what,
			  struct word *ret_name)
{
	struct word name;

	if (!read_name(reader, key, what, &name))
		return false;
	if (!strcmp(name.text, "any") || !strcmp(name.text, "hosts")) {
		reader_error(reader, key, "`%s` has a meaning of its own: choose another name",
			     name.text);
		return false;
	}
	if (name.text[strspn(name.text, "0123456789.-_")] == '\0') {
		reader_error(reader, key,
			     "the name `%s` looks like an address: it needs a letter in it",
			     name.text);
		return false;
	}
	*ret_name = name;
	return true;
}

static void read_sets(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *child;

	if (!read_entries(reader, node, "`sets`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct site_set set = {0};

		if (!read_own_name(reader, child->key, "sets", &set.name))
			continue;
		read_addresses(reader, child, set.name.text, false, &set.addresses);
		*arena_push(reader->arena, &site->sets) = set;
	}
}

static void read_site_parameters(const struct reader *reader, const struct node *node,
				 site_parameter_list *parameters)
{
	const struct node *child, *item;

	if (!read_entries(reader, node, "`parameters`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct site_parameter parameter = {.value = child};
		const char *text;
		bool good;

		good = read_path(reader, child->key, "parameters", &parameter.name) &&
		       read_list(reader, child, child->key->text);
		/* Whatever the type is: one value, or several. */
		for (item = good ? list_first(child) : NULL; item; item = list_next(child, item)) {
			if (!read_text(reader, item, child->key->text, &text)) {
				good = false;
			} else if (strcmp(text, item->text)) {
				reader_error(reader, item,
					     "`%s`: a value has no white space around it "
					     "and is on one line",
					     parameter.name.text);
				good = false;
			}
		}
		if (good)
			*arena_push(reader->arena, parameters) = parameter;
	}
}

static void read_host(const struct reader *reader, const struct node *node, struct site *site)
{
	static const struct key_rule rules[] = {
		{"addresses", KEY_REQUIRED},  {"roles", KEY_REQUIRED}, {"seen-as", KEY_OPTIONAL},
		{"partner", KEY_OPTIONAL},    {"mode", KEY_OPTIONAL},  {"interfaces", KEY_OPTIONAL},
		{"parameters", KEY_OPTIONAL}, HOST_SETTING_RULES,
	};
	struct site_host host = {0};
	const struct node *child;

	if (!read_own_name(reader, node->key, "hosts", &host.name) ||
	    !read_mapping(reader, node, "a host", KEYS(rules)))
		return;
	if ((child = mapping_get(node, "addresses")))
		read_addresses(reader, child, "addresses", true, &host.addresses);
	if ((child = mapping_get(node, "roles")))
		read_paths(reader, child, "roles", &host.roles);
	if ((child = mapping_get(node, "seen-as")))
		read_addresses(reader, child, "seen-as", true, &host.seen_as);
	if ((child = mapping_get(node, "partner")))
		read_names(reader, child, "partner", &host.partners);
	if ((child = mapping_get(node, "mode")))
		read_mode(reader, child, &host.mode);
	if ((child = mapping_get(node, "interfaces")))
		read_interfaces(reader, child, &host.has_interfaces, &host.interfaces_auto,
				&host.interfaces);
	if ((child = mapping_get(node, "parameters")))
		read_site_parameters(reader, child, &host.parameters);
	read_settings(reader, node, &host.settings);
	*arena_push(reader->arena, &site->hosts) = host;
}

static void read_hosts(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *child;

	if (!read_entries(reader, node, "`hosts`"))
		return;
	for (child = node->first; child; child = child->next)
		read_host(reader, child, site);
}

static void read_binds(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *child;

	if (!read_entries(reader, node, "`bind`"))
		return;
	for (child = node->first; child; child = child->next) {
		struct site_bind bind = {0};

		if (read_path(reader, child->key, "bind", &bind.role) &&
		    read_addresses(reader, child, bind.role.text, false, &bind.addresses))
			*arena_push(reader->arena, &site->bind) = bind;
	}
}

static void read_without(const struct reader *reader, const struct node *node, struct site *site)
{
	static const struct key_rule rules[] = {{"flow", KEY_REQUIRED}, {"because", KEY_REQUIRED}};
	const struct node *item;

	if (!read_list(reader, node, "without"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct site_without without = {.at = node_position(item)};
		const struct node *flow, *because;

		if (!read_mapping(reader, item, "an item of `without`", KEYS(rules)))
			continue;
		flow = mapping_get(item, "flow");
		because = mapping_get(item, "because");
		if (because)
			read_text(reader, because, "because", &without.because);
		if (flow && read_path(reader, flow, "flow", &without.flow))
			*arena_push(reader->arena, &site->without) = without;
	}
	refuse_repeated(reader, site->without.items, site->without.count,
			sizeof(struct site_without), "without");
}

static void read_flows(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *item;

	if (!read_list(reader, node, "flows"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct flow_rule flow;

		if (flow_rule_read(reader, item, FLOW_OF_SITE, &flow))
			*arena_push(reader->arena, &site->flows) = flow;
	}
	refuse_repeated(reader, site->flows.items, site->flows.count, sizeof(struct flow_rule),
			"flows");
}

static void read_forbids(const struct reader *reader, const struct node *node, struct site *site)
{
	forbids_read(reader, node, FLOW_OF_SITE, &site->forbids);
}

/* ------------------------------------------------------------ references -----------------------
 */

/* What may be named in this file. */
struct names {
	const struct reader *reader;
	struct word_index instances;
	struct word_index sets;
	struct word_index hosts;
};

static void refuse_unknown(const struct names *names, struct position at, const char *kind,
			   const char *prefix, const char *name, const struct word_index *index)
{
	const char *nearest = word_index_nearest(names->reader, index, name);
	const char *text = shown(names->reader, name);

	if (nearest)
		diagnostics_error(names->reader->diagnostics, at,
				  "no %s `%s%s` in this file; did you mean `%s%s`?", kind, prefix,
				  text, prefix, nearest);
	else
		diagnostics_error(names->reader->diagnostics, at, "no %s `%s%s` in this file", kind,
				  prefix, text);
}

/* "instance/name": the instance is one of this site. */
static void check_path(const struct names *names, const char *path, struct position at)
{
	const struct reader *reader = names->reader;
	char *instance = arena_strndup(reader->arena, path, strcspn(path, "/"));
	const char *nearest;

	if (word_index_find(&names->instances, instance))
		return;
	nearest = word_index_nearest(reader, &names->instances, instance);
	if (nearest)
		diagnostics_error(reader->diagnostics, at,
				  "`%s`: `%s` is not in `catalogs`; did you mean `%s%s`?", path,
				  instance, nearest, path + strlen(instance));
	else
		diagnostics_error(reader->diagnostics, at,
				  "`%s`: `%s` is not in `catalogs` of this site", path, instance);
}

static void check_address_term(const struct names *names, const struct address_term *term)
{
	if (term->kind == ADDRESS_SET && !word_index_find(&names->sets, term->name))
		refuse_unknown(names, term->at, "set", "$", term->name, &names->sets);
	if (term->kind != ADDRESS_HOST || word_index_find(&names->hosts, term->name))
		return;
	if (word_index_find(&names->sets, term->name))
		diagnostics_error(names->reader->diagnostics, term->at,
				  "`%s` is a set: write `$%s`", term->name, term->name);
	else if (strchr(term->name, '.') &&
		 !word_index_nearest(names->reader, &names->hosts, term->name))
		diagnostics_error(names->reader->diagnostics, term->at,
				  "no host `%s` in this file; a domain name is written `{domain: "
				  "...}`, and only roles that a document wants by name can be "
				  "bound to one",
				  shown(names->reader, term->name));
	else
		refuse_unknown(names, term->at, "host", "", term->name, &names->hosts);
}

static void check_addresses(const struct names *names, const address_term_list *addresses)
{
	list_for_each (term, addresses)
		check_address_term(names, term);
}

static void check_ports(const struct names *names, const port_term_list *ports)
{
	list_for_each (term, ports)
		if (term->kind == PORTS_PARAMETER)
			check_path(names, term->parameter, term->at);
}

static void check_services(const struct names *names, const service_term_list *services)
{
	list_for_each (term, services) {
		port_term_list ports = {&term->ports, 1, 1};

		if (term->kind == SERVICE_PARAMETER)
			check_path(names, term->parameter, term->at);
		else if (term->kind == SERVICE_PORTS)
			check_ports(names, &ports);
	}
}

/* A role or group "instance/id", or what an addresses list may hold, or "hosts". */
static void check_end(const struct names *names, const word_list *end)
{
	list_for_each (word, end) {
		const struct node node = {.kind = NODE_SCALAR,
					  .file = word->at.file,
					  .line = word->at.line,
					  .column = word->at.column,
					  .text = word->text};
		const char *slash = strchr(word->text, '/');
		struct address_term term;
		struct prefix prefix;

		if (!strcmp(word->text, "hosts"))
			continue;
		if (slash && !prefix_parse_loosely(word->text, &prefix) &&
		    name_is_valid(word->text, (size_t)(slash - word->text)) &&
		    name_is_valid(slash + 1, strlen(slash + 1)) &&
		    strspn(word->text, "0123456789.") < (size_t)(slash - word->text))
			check_path(names, word->text, word->at);
		else if (read_address(names->reader, &node, word->text, &term))
			check_address_term(names, &term);
	}
}

static void check_flow(const struct names *names, const struct flow_rule *flow)
{
	check_end(names, &flow->from);
	check_end(names, &flow->to);
	check_services(names, &flow->allow);
	check_ports(names, &flow->source_ports);
	list_for_each (condition, &flow->when)
		check_path(names, condition->name, condition->at);
}

/* An excepted flow is the site's own, or a catalog's. */
static void check_forbids(const struct names *names, const struct site *site)
{
	struct word_index flows = word_index_build(names->reader->arena, site->flows.items,
						   site->flows.count, sizeof(struct flow_rule));

	list_for_each (forbid, &site->forbids) {
		check_flow(names, &forbid->flow);
		list_for_each (word, &forbid->except) {
			if (strchr(word->text, '/'))
				check_path(names, word->text, word->at);
			else if (!word_index_find(&flows, word->text))
				refuse_unknown(names, word->at, "flow", "", word->text, &flows);
		}
	}
}

static void check_instances(const struct reader *reader, const struct site *site)
{
	list_for_each (item, &site->catalogs) {
		size_t i;

		for (i = 0; i < COUNT(reserved_instances); i++)
			if (!strcmp(item->as, reserved_instances[i]))
				diagnostics_error(reader->diagnostics, item->as_at,
						  "`%s` has a meaning of its own; give it another "
						  "name: {catalog: %s, as: NAME}",
						  item->as, item->catalog.text);
	}
}

/* Whether a set holds itself, by way of others. Each set is walked once. */
enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

static void check_cycle(const struct names *names, const struct site *site, enum visit *visits,
			size_t begin)
{
	/* The way down, without recursion: sets may be nested as deep as there are sets. */
	struct step {
		size_t set;
		size_t term;
	} *way = arena_alloc(names->reader->arena, (site->sets.count + 1) * sizeof(*way));
	size_t depth = 1;

	way[0] = (struct step){begin, 0};
	visits[begin] = VISIT_OPEN;
	while (depth) {
		struct step *step = &way[depth - 1];
		const struct site_set *set = &site->sets.items[step->set], *inner;
		const struct address_term *term;
		size_t number;

		if (step->term == set->addresses.count) {
			visits[step->set] = VISIT_DONE;
			depth--;
			continue;
		}
		term = &set->addresses.items[step->term++];
		inner = term->kind == ADDRESS_SET ? word_index_find(&names->sets, term->name)
						  : NULL;
		if (!inner)
			continue;
		number = (size_t)(inner - site->sets.items);
		if (visits[number] == VISIT_OPEN)
			diagnostics_error(names->reader->diagnostics, term->at,
					  "set `%s` would hold itself: take out `$%s`", term->name,
					  term->name);
		if (visits[number] != VISIT_NEW)
			continue;
		visits[number] = VISIT_OPEN;
		way[depth++] = (struct step){number, 0};
	}
}

static void check_cycles(const struct names *names, const struct site *site)
{
	enum visit *visits =
		arena_alloc(names->reader->arena, (site->sets.count + 1) * sizeof(*visits));
	size_t i;

	for (i = 0; i < site->sets.count; i++)
		if (visits[i] == VISIT_NEW)
			check_cycle(names, site, visits, i);
}

/* An address of a host, for the check that no two have the same. */
struct host_address {
	struct prefix prefix;
	struct position at;
	const char *host;
};

static int compare_host_addresses(const void *left, const void *right)
{
	const struct host_address *a = left, *b = right;
	int order = prefix_compare(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

static bool is_host_address(const struct address *address)
{
	static const uint8_t zero[16];
	const uint8_t *bytes = address->bytes;

	if (address->family == 4)
		return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
	return bytes[0] != 0xff && memcmp(bytes, zero, 15) != 0;
}

static void refuse_unreachable(const struct reader *reader, const struct prefix *prefix,
			       struct position at)
{
	char buffer[ADDRESS_TEXT_MAX];

	if (!is_host_address(&prefix->address))
		diagnostics_error(reader->diagnostics, at,
				  "`%s` can't be the address of a host that others reach",
				  prefix_format(prefix, buffer));
}

static void check_host_addresses(const struct reader *reader, const struct site *site)
{
	LIST(struct host_address) all = {0};
	char buffer[ADDRESS_TEXT_MAX];
	size_t i;

	list_for_each (host, &site->hosts)
		list_for_each (term, &host->seen_as)
			refuse_unreachable(reader, &term->prefixes.items[0], term->at);

	list_for_each (host, &site->hosts)
		list_for_each (term, &host->addresses)
			*arena_push(reader->arena, &all) = (struct host_address){
				term->prefixes.items[0], term->at, host->name.text};
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_host_addresses);
	for (i = 0; i < all.count; i++) {
		const struct host_address *it = &all.items[i];

		refuse_unreachable(reader, &it->prefix, it->at);
		if (i && !prefix_compare(&it[-1].prefix, &it->prefix))
			diagnostics_error(reader->diagnostics, it->at,
					  "`%s` is already an address of host `%s`, on line %u",
					  prefix_format(&it->prefix, buffer), it[-1].host,
					  it[-1].at.line);
	}
}

static void check_hosts(const struct names *names, const struct site *site)
{
	list_for_each (host, &site->hosts) {
		list_for_each (role, &host->roles)
			check_path(names, role->text, role->at);
		list_for_each (parameter, &host->parameters)
			check_path(names, parameter->name.text, parameter->name.at);
	}
	check_host_addresses(names->reader, site);
	partners_check(names->reader, site, &names->hosts);
	seen_as_check(names->reader, site);
}

static void check_links(const struct names *names, const struct site *site)
{
	list_for_each (port, &site->client_ports) {
		check_path(names, port->client.text, port->client.at);
		check_path(names, port->server.text, port->server.at);
		check_ports(names, &port->server_port);
		if (port->host.text && !word_index_find(&names->hosts, port->host.text))
			refuse_unknown(names, port->host.at, "host", "", port->host.text,
				       &names->hosts);
		list_for_each (host, &port->server_hosts)
			if (!word_index_find(&names->hosts, host->text))
				refuse_unknown(names, host->at, "host", "", host->text,
					       &names->hosts);
	}
	list_for_each (locations, &site->locations) {
		if (!word_index_find(&names->instances, locations->instance.text))
			refuse_unknown(names, locations->instance.at, "instance", "",
				       locations->instance.text, &names->instances);
		check_addresses(names, &locations->mail_relay);
	}
}

static void check_references(const struct reader *reader, const struct site *site)
{
	word_list instances = {0};
	struct names names = {.reader = reader};

	list_for_each (item, &site->catalogs)
		*arena_push(reader->arena, &instances) = (struct word){item->as, item->as_at};
	refuse_repeated(reader, instances.items, instances.count, sizeof(struct word), "catalogs");
	names.instances = word_index_build(reader->arena, instances.items, instances.count,
					   sizeof(struct word));
	names.sets = word_index_build(reader->arena, site->sets.items, site->sets.count,
				      sizeof(struct site_set));
	names.hosts = word_index_build(reader->arena, site->hosts.items, site->hosts.count,
				       sizeof(struct site_host));
	check_instances(reader, site);
	list_for_each (management, &site->management) {
		check_addresses(&names, &management->from);
		check_services(&names, &management->allow);
	}
	list_for_each (set, &site->sets)
		check_addresses(&names, &set->addresses);
	check_cycles(&names, site);
	check_hosts(&names, site);
	list_for_each (bind, &site->bind) {
		check_path(&names, bind->role.text, bind->role.at);
		check_addresses(&names, &bind->addresses);
	}
	list_for_each (parameter, &site->parameters)
		check_path(&names, parameter->name.text, parameter->name.at);
	list_for_each (without, &site->without)
		check_path(&names, without->flow.text, without->flow.at);
	list_for_each (adjust, &site->adjust) {
		check_path(&names, adjust->flow.text, adjust->flow.at);
		check_ports(&names, &adjust->source_ports);
	}
	list_for_each (flow, &site->flows)
		check_flow(&names, flow);
	check_links(&names, site);
	check_forbids(&names, site);
}

/* ------------------------------------------------------------ the site -------------------------
 */

static const struct key_rule site_rules[] = {
	{"site", KEY_REQUIRED},	      {"about", KEY_OPTIONAL},	    {"catalogs", KEY_REQUIRED},
	{"mode", KEY_REQUIRED},	      {"interfaces", KEY_OPTIONAL}, {"lookup", KEY_OPTIONAL},
	{"bounds", KEY_OPTIONAL},     {"host", KEY_OPTIONAL},	    {"management", KEY_OPTIONAL},
	{"sets", KEY_OPTIONAL},	      {"hosts", KEY_OPTIONAL},	    {"bind", KEY_OPTIONAL},
	{"parameters", KEY_OPTIONAL}, {"without", KEY_OPTIONAL},    {"adjust", KEY_OPTIONAL},
	{"flows", KEY_OPTIONAL},      {"forbid", KEY_OPTIONAL},	    {"client-ports", KEY_OPTIONAL},
	{"locations", KEY_OPTIONAL},
};

static void read_enforcement(const struct reader *reader, const struct node *top, struct site *site)
{
	static const struct key_rule host_rules[] = {HOST_SETTING_RULES};
	const char *const words[] = {lookup_name(LOOKUP_MAPS), lookup_name(LOOKUP_FLAT)};
	const struct node *child;
	unsigned lookup;

	if ((child = mapping_get(top, "mode")))
		read_mode(reader, child, &site->mode);
	if ((child = mapping_get(top, "interfaces")))
		read_interfaces(reader, child, &site->has_interfaces, &site->interfaces_auto,
				&site->interfaces);
	child = mapping_get(top, "lookup");
	if (child && read_choice(reader, child, "lookup", words, COUNT(words), &lookup)) {
		site->has_lookup = true;
		site->lookup = (enum lookup)lookup;
	}
	if ((child = mapping_get(top, "bounds")))
		read_bounds(reader, child, site);
	child = mapping_get(top, "host");
	if (child && read_mapping(reader, child, "`host`", KEYS(host_rules)))
		read_settings(reader, child, &site->settings);
}

bool is_site_file(struct arena *arena, const char *path)
{
	cleanup(diagnostics_freep) struct diagnostics *unheard = diagnostics_new();
	const struct node *top = node_read(arena, unheard, path);

	return top && top->kind == NODE_MAPPING && mapping_get(top, "site");
}

struct site *site_read(struct arena *arena, struct diagnostics *diagnostics, const char *path)
{
	static const struct {
		const char *key;
		void (*read)(const struct reader *, const struct node *, struct site *);
	} parts[] = {
		{"catalogs", read_catalogs},   {"management", read_management},
		{"sets", read_sets},	       {"hosts", read_hosts},
		{"bind", read_binds},	       {"without", read_without},
		{"flows", read_flows},	       {"client-ports", client_ports_read},
		{"locations", locations_read}, {"adjust", adjust_read},
		{"forbid", read_forbids},
	};
	const struct reader reader = {arena, diagnostics};
	const struct node *top = node_read(arena, diagnostics, path), *child;
	struct site *site;
	size_t i;

	if (!top || !read_mapping(&reader, top, "a site", KEYS(site_rules)))
		return NULL;
	site = arena_alloc(arena, sizeof(*site));
	site->path = arena_strdup(arena, path);
	site->lookup = LOOKUP_FLAT;
	site->bound_flows = FLOWS_DEFAULT;
	site->bound_fragments = FRAGMENTS_DEFAULT;
	site->bound_sources = SOURCES_DEFAULT;
	if ((child = mapping_get(top, "site")))
		read_name(&reader, child, "site", &site->name);
	if ((child = mapping_get(top, "about")))
		read_text(&reader, child, "about", &site->about);
	read_enforcement(&reader, top, site);
	if ((child = mapping_get(top, "parameters")))
		read_site_parameters(&reader, child, &site->parameters);
	for (i = 0; i < COUNT(parts); i++)
		if ((child = mapping_get(top, parts[i].key)))
			parts[i].read(&reader, child, site);
	check_references(&reader, site);
	return site->name.text ? site : NULL;
}
