/* SPDX-License-Identifier: BSD-2-Clause */
#include "parameter.h"

#include <string.h>

#include "../include/abi.h"
#include "flow_rule.h"

static const char *const type_words[] = {
	[PARAMETER_PORTS] = "ports",   [PARAMETER_SERVICES] = "services",
	[PARAMETER_SWITCH] = "switch", [PARAMETER_CHOICE] = "choice",
	[PARAMETER_NUMBER] = "number",
};

const char *parameter_type_word(enum parameter_type type)
{
	return type_words[type];
}

/* ------------------------------------------------------------ values ---------------------------
 */

static bool read_chosen(const struct reader *reader, const struct node *node,
			const struct parameter *parameter, const char **ret_choice)
{
	size_t count = parameter->of.count, i;
	const char **words = arena_alloc(reader->arena, count * sizeof(*words));
	unsigned choice;

	for (i = 0; i < count; i++)
		words[i] = parameter->of.items[i].text;
	if (!read_choice(reader, node, parameter->name.text, words, count, &choice))
		return false;
	*ret_choice = words[choice];
	return true;
}

/* The word none, for ports and services: not used here. */
static bool is_none(const struct node *node, const struct parameter *parameter)
{
	const struct node *item =
		node->kind == NODE_SEQUENCE && node->count == 1 ? node->first : node;

	return (parameter->type == PARAMETER_PORTS || parameter->type == PARAMETER_SERVICES) &&
	       item->kind == NODE_SCALAR && !strcmp(item->text, "none");
}

static bool value_read(const struct reader *reader, const struct node *node,
		       const struct parameter *parameter, unsigned allowed,
		       struct parameter_value *ret_value)
{
	struct parameter_value value = {.at = node_position(node)};
	const char *what = parameter->name.text;
	bool good = false;

	if (is_none(node, parameter)) {
		value.none = true;
		*ret_value = value;
		return true;
	}
	switch (parameter->type) {
	case PARAMETER_PORTS:
		good = read_ports(reader, node, what, allowed, &value.ports);
		break;
	case PARAMETER_SERVICES:
		good = read_services(reader, node, what, allowed, &value.services);
		if (good && !value.services.count) {
			reader_error(reader, node, "`%s` has no services; write `none`", what);
			good = false;
		}
		break;
	case PARAMETER_SWITCH:
		good = read_switch(reader, node, what, &value.on);
		break;
	case PARAMETER_CHOICE:
		good = read_chosen(reader, node, parameter, &value.choice);
		break;
	case PARAMETER_NUMBER:
		good = read_number(reader, node, what, 0, UINT32_MAX, &value.number);
		break;
	}
	if (good)
		*ret_value = value;
	return good;
}

/* False if a parameter of another instance is among them: its value is not known here. */
static bool ports_of(struct arena *arena, const port_term_list *terms, struct port_list *ports)
{
	list_for_each (term, terms) {
		if (term->kind == PORTS_PARAMETER)
			return false;
		if (term->kind == PORTS_ANY)
			port_list_add(arena, ports, 0, UINT16_MAX);
		else
			port_list_add(arena, ports, term->range.first, term->range.last);
	}
	port_list_normalize(ports);
	return true;
}

static void add_service(struct arena *arena, struct service_list *services, uint8_t protocol,
			uint16_t first, uint16_t last)
{
	struct port_list ports = {0};

	port_list_add(arena, &ports, first, last);
	service_list_add(arena, services, protocol, &ports);
}

static bool services_of(struct arena *arena, const service_term_list *terms,
			struct service_list *services)
{
	list_for_each (term, terms) {
		port_term_list ports = {&term->ports, 1, 1};
		struct port_list numbers = {0};
		unsigned i;

		if (term->kind == SERVICE_PARAMETER)
			return false;
		if (term->kind == SERVICE_ECHO) {
			add_service(arena, services, 1, ICMP4_ECHO_SERVICE, ICMP4_ECHO_SERVICE);
			add_service(arena, services, 58, ICMP6_ECHO_SERVICE, ICMP6_ECHO_SERVICE);
			continue;
		}
		if (term->kind == SERVICE_PORTS && !ports_of(arena, &ports, &numbers))
			return false;
		if (term->kind == SERVICE_PROTOCOL)
			port_list_add(arena, &numbers, 0, 0);
		for (i = 0; i < term->protocol_count; i++)
			service_list_add(arena, services, term->protocols[i], &numbers);
	}
	return true;
}

static bool services_cover(const struct service_list *outer, const struct service_list *inner)
{
	list_for_each (service, inner) {
		const struct service *cover = NULL;

		list_for_each (candidate, outer)
			if (candidate->protocol == service->protocol)
				cover = candidate;
		if (!cover || !port_list_covers(&cover->ports, &service->ports))
			return false;
	}
	return true;
}

/* Every port or service of inner is in outer too; true also where that can't be known here. */
static bool value_covers(struct arena *arena, enum parameter_type type,
			 const struct parameter_value *outer, const struct parameter_value *inner)
{
	struct port_list outer_ports = {0}, inner_ports = {0};
	struct service_list outer_services = {0}, inner_services = {0};

	if (inner->none)
		return true;
	if (type == PARAMETER_PORTS)
		return !ports_of(arena, &outer->ports, &outer_ports) ||
		       !ports_of(arena, &inner->ports, &inner_ports) ||
		       port_list_covers(&outer_ports, &inner_ports);
	return !services_of(arena, &outer->services, &outer_services) ||
	       !services_of(arena, &inner->services, &inner_services) ||
	       services_cover(&outer_services, &inner_services);
}

static const char *value_format(struct arena *arena, const struct parameter_value *value,
				enum parameter_type type)
{
	struct port_list ports = {0};
	struct service_list services = {0};

	if (value->none)
		return "none";
	if (type == PARAMETER_PORTS && ports_of(arena, &value->ports, &ports))
		return port_list_format(arena, &ports);
	if (type == PARAMETER_SERVICES && services_of(arena, &value->services, &services))
		return service_list_format(arena, &services);
	return "what the document says";
}

static bool check_within(const struct reader *reader, const struct node *node,
			 const struct parameter *parameter, const struct parameter_value *value)
{
	if (!parameter->has_within ||
	    value_covers(reader->arena, parameter->type, &parameter->within, value))
		return true;
	reader_error(reader, node, "`%s` must lie within %s", parameter->name.text,
		     value_format(reader->arena, &parameter->within, parameter->type));
	return false;
}

/* What refers to another parameter is held against within where that one is known: value.c. */
bool parameter_value_read(struct arena *arena, struct diagnostics *diagnostics,
			  const struct node *node, const struct parameter *parameter,
			  struct parameter_value *ret_value)
{
	const struct reader reader = {arena, diagnostics};
	struct parameter_value value;

	if (!value_read(&reader, node, parameter, ALLOW_INSTANCE, &value) ||
	    !check_within(&reader, node, parameter, &value))
		return false;
	if (parameter->narrower_warns && parameter->has_default && !value.none &&
	    !value_covers(arena, parameter->type, &value, &parameter->standard))
		diagnostics_warning(diagnostics, node_position(node),
				    "`%s` is narrower than the %s that the document gives",
				    parameter->name.text,
				    value_format(arena, &parameter->standard, parameter->type));
	*ret_value = value;
	return true;
}

/* ------------------------------------------------------------ declarations ---------------------
 */

static void refuse_key(const struct reader *reader, const struct node *node, const char *key,
		       const char *types)
{
	const struct node *child = mapping_get(node, key);

	if (child)
		reader_error(reader, child->key, "`%s` is only for parameters of type %s", key,
			     types);
}

static bool read_type(const struct reader *reader, const struct node *node,
		      struct parameter *parameter)
{
	const struct node *type = mapping_get(node, "type");
	const struct node *of = mapping_get(node, "of");
	unsigned number;

	if (!type || !read_choice(reader, type, "type", type_words,
				  sizeof(type_words) / sizeof(type_words[0]), &number))
		return false;
	parameter->type = (enum parameter_type)number;
	if (parameter->type != PARAMETER_CHOICE) {
		refuse_key(reader, node, "of", "choice");
		return true;
	}
	if (!of) {
		reader_error(reader, node->key, "a choice needs `of`: the list of its values");
		return false;
	}
	if (!read_names(reader, of, "of", &parameter->of))
		return false;
	if (!parameter->of.count)
		reader_error(reader, of, "`of` is an empty list: nothing to choose from");
	return parameter->of.count > 0;
}

static void read_values(const struct reader *reader, const struct node *node,
			struct parameter *parameter)
{
	static const char *const narrower_words[] = {"warn"};
	const struct node *within = mapping_get(node, "within");
	const struct node *standard = mapping_get(node, "default");
	const struct node *narrower = mapping_get(node, "narrower");
	unsigned word;

	if (parameter->type != PARAMETER_PORTS && parameter->type != PARAMETER_SERVICES) {
		refuse_key(reader, node, "within", "ports and services");
		refuse_key(reader, node, "narrower", "ports and services");
		within = narrower = NULL;
	}
	if (within)
		parameter->has_within =
			value_read(reader, within, parameter, ALLOW_ANY, &parameter->within);
	if (standard && value_read(reader, standard, parameter, ALLOW_ANY, &parameter->standard))
		parameter->has_default =
			check_within(reader, standard, parameter, &parameter->standard);
	if (narrower)
		parameter->narrower_warns =
			read_choice(reader, narrower, "narrower", narrower_words, 1, &word);
	if (narrower && !standard)
		reader_error(reader, narrower->key,
			     "`narrower` needs a `default`: narrower than what?");
}

bool parameter_read(const struct reader *reader, const struct node *node,
		    struct parameter *ret_parameter)
{
	static const struct key_rule rules[] = {
		{"type", KEY_REQUIRED},	   {"of", KEY_OPTIONAL},       {"default", KEY_OPTIONAL},
		{"within", KEY_OPTIONAL},  {"narrower", KEY_OPTIONAL}, {"about", KEY_OPTIONAL},
		{"reading", KEY_OPTIONAL}, {"cite", KEY_OPTIONAL},
	};
	struct parameter parameter = {0};
	const struct node *child;
	struct word reading;

	if (!read_name(reader, node->key, "parameters", &parameter.name) ||
	    !read_mapping(reader, node, "a parameter", KEYS(rules)))
		return false;
	if ((child = mapping_get(node, "about")))
		read_text(reader, child, "about", &parameter.about);
	if ((child = mapping_get(node, "reading")) && read_name(reader, child, "reading", &reading))
		parameter.reading = reading.text;
	if ((child = mapping_get(node, "cite")))
		cites_read(reader, child, FLOW_OF_CATALOG, &parameter.cite);
	if (!read_type(reader, node, &parameter))
		return false;
	read_values(reader, node, &parameter);
	*ret_parameter = parameter;
	return true;
}

static text_list texts_of_value(struct writer *writer, enum parameter_type type,
				const struct parameter_value *value)
{
	text_list texts = {0};

	if (value->none)
		text_list_add(writer, &texts, "none");
	else if (type == PARAMETER_PORTS)
		return texts_of_ports(writer, &value->ports);
	else if (type == PARAMETER_SERVICES)
		return texts_of_services(writer, &value->services);
	else if (type == PARAMETER_SWITCH)
		text_list_add(writer, &texts, value->on ? "on" : "off");
	else if (type == PARAMETER_CHOICE)
		text_list_add(writer, &texts, value->choice);
	else
		text_list_add(
			writer, &texts,
			arena_printf(writer->arena, "%llu", (unsigned long long)value->number));
	return texts;
}

void parameter_print(struct writer *writer, unsigned indent, const struct parameter *parameter)
{
	text_list of = texts_of_words(writer, &parameter->of);
	text_list texts;

	write_heading(writer, indent, parameter->name.text);
	indent += 2;
	write_text(writer, indent, "type", type_words[parameter->type]);
	if (of.count)
		write_list(writer, indent, "of", &of);
	if (parameter->has_default) {
		texts = texts_of_value(writer, parameter->type, &parameter->standard);
		write_values(writer, indent, "default", &texts);
	}
	if (parameter->has_within) {
		texts = texts_of_value(writer, parameter->type, &parameter->within);
		write_values(writer, indent, "within", &texts);
	}
	if (parameter->narrower_warns)
		write_text(writer, indent, "narrower", "warn");
	if (parameter->about)
		write_text(writer, indent, "about", parameter->about);
	if (parameter->reading)
		write_text(writer, indent, "reading", parameter->reading);
	cites_print(writer, indent, &parameter->cite);
}
