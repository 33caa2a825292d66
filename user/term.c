/* SPDX-License-Identifier: BSD-2-Clause */
#include "term.h"

#include <string.h>

#include "../include/bounds.h"
#include "feed_source.h"

/* ------------------------------------------------------------ ports ----------------------------
 */

/* "$p" or "$instance/p": text is behind the dollar sign. */
static bool read_reference(const struct reader *reader, const struct node *node, const char *text,
			   unsigned allowed)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;

	if (!(allowed & (ALLOW_PARAMETER | ALLOW_INSTANCE))) {
		reader_error(reader, node,
			     "`$%s`: a parameter can't be had from another one here; write the "
			     "value",
			     shown(reader, text));
		return false;
	}
	if (!name_is_valid(name, strlen(name)) ||
	    (slash && !name_is_valid(text, (size_t)(slash - text)))) {
		reader_error(reader, node, "`$%s` names no parameter; write `%s`",
			     shown(reader, text),
			     allowed & ALLOW_INSTANCE ? "$instance/parameter" : "$parameter");
		return false;
	}
	if (slash && !(allowed & ALLOW_INSTANCE)) {
		reader_error(
			reader, node,
			"`$%s`: a catalog knows no instances; write `$%s` for its own parameter",
			shown(reader, text), shown(reader, name));
		return false;
	}
	if (!slash && !(allowed & ALLOW_PARAMETER)) {
		reader_error(reader, node, "`$%s`: whose parameter? write `$instance/%s`",
			     shown(reader, text), shown(reader, text));
		return false;
	}
	return true;
}

static bool parse_port(const char *text, size_t length, uint16_t *ret_port)
{
	uint64_t number;

	if (!parse_digits(text, length, &number) || !number || number > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

static bool read_port_range(const struct reader *reader, const struct node *node, const char *text,
			    struct port_range *ret_range)
{
	size_t digits = strspn(text, "0123456789");
	const char *behind = text[digits] ? text + digits + 1 : text;
	struct port_range range;

	if (text[digits] && !strchr("-:", text[digits])) {
		reader_error(reader, node,
			     "`%s` is no port; write a number or a range, as in "
			     "`5060` or `16384-32767`",
			     shown(reader, text));
		return false;
	}
	if (!parse_port(text, digits, &range.first) ||
	    !parse_port(behind, strlen(behind), &range.last)) {
		reader_error(reader, node, "`%s`: a port is a number from 1 to 65535",
			     shown(reader, text));
		return false;
	}
	if (range.first > range.last) {
		reader_error(reader, node, "the range `%s` runs backwards; write `%u-%u`",
			     shown(reader, text), range.last, range.first);
		return false;
	}
	*ret_range = range;
	return true;
}

/* text: what stands behind "tcp/", or all of a ports item. */
static bool read_port_term(const struct reader *reader, const struct node *node, const char *text,
			   unsigned allowed, struct port_term *ret_term)
{
	struct port_term term = {.at = node_position(node)};

	if (text[0] == '$') {
		if (!read_reference(reader, node, text + 1, allowed))
			return false;
		term.kind = PORTS_PARAMETER;
		term.parameter = text + 1;
	} else if (!strcmp(text, "any")) {
		if (!(allowed & ALLOW_ANY)) {
			reader_error(reader, node,
				     "`any` can't be set here: name the ports, or "
				     "write `none` if it is not used");
			return false;
		}
		term.kind = PORTS_ANY;
	} else if (!strcmp(text, "none")) {
		reader_error(reader, node,
			     "`none` can't stand here: it is a parameter's whole "
			     "value, \"not used here\"");
		return false;
	} else {
		term.kind = PORTS_RANGE;
		if (!read_port_range(reader, node, text, &term.range))
			return false;
	}
	*ret_term = term;
	return true;
}

bool read_ports(const struct reader *reader, const struct node *node, const char *what,
		unsigned allowed, port_term_list *ret_list)
{
	const struct node *item;
	port_term_list list = {0};
	bool good = true;

	if (!read_list(reader, node, what))
		return false;
	if (!list_count(node)) {
		reader_error(reader, node, "`%s` has no ports; if it is not used, %s", what,
			     allowed & ALLOW_PARAMETER ? "take the key out" : "write `none`");
		return false;
	}
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct port_term term;

		if (!is_scalar(reader, item, what) ||
		    !read_port_term(reader, item, item->text, allowed, &term)) {
			good = false;
		} else if (term.kind == PORTS_ANY && list_count(node) > 1) {
			reader_error(reader, item, "`any` stands alone: take out the other ports");
			good = false;
		} else {
			*arena_push(reader->arena, &list) = term;
		}
	}
	if (good)
		*ret_list = list;
	return good;
}

/* ------------------------------------------------------------ services -------------------------
 */

static bool refuse_service(const struct reader *reader, const struct node *node)
{
	if (!node->text[0]) {
		reader_error(reader, node, "an empty text where a service is due");
		return false;
	}
	reader_error(reader, node,
		     "`%s` is no service; write `tcp/443`, `udp/16384-32767`, `tcp+udp/5060`, "
		     "`icmp/echo`, `esp` or `proto/112`",
		     shown(reader, node->text));
	return false;
}

static bool read_protocol_number(const struct reader *reader, const struct node *node,
				 const char *text, struct service_term *term)
{
	static const struct {
		uint8_t protocol;
		const char *name;
		const char *instead;
	} named[] = {
		{1, "ICMP", "`icmp/echo`"},
		{6, "TCP", "`tcp/443` or `tcp/any`"},
		{17, "UDP", "`udp/5060` or `udp/any`"},
		{58, "ICMPv6", "`icmp/echo`"},
		{132, "SCTP", "`sctp/36412` or `sctp/any`"},
	};
	uint64_t number;
	size_t i;

	if (!parse_digits(text, strlen(text), &number) || number > UINT8_MAX) {
		reader_error(reader, node, "`%s`: a protocol is a number from 0 to 255",
			     shown(reader, node->text));
		return false;
	}
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (number == named[i].protocol) {
			reader_error(reader, node, "`%s` would be all of %s; write %s",
				     shown(reader, node->text), named[i].name, named[i].instead);
			return false;
		}
	term->kind = SERVICE_PROTOCOL;
	term->protocols[0] = (uint8_t)number;
	term->protocol_count = 1;
	return true;
}

/* "tcp+udp": every bit of length bytes. Sorted by number, so that one set has one form. */
static bool read_protocols(const struct reader *reader, const struct node *node, size_t length,
			   struct service_term *term)
{
	static const struct {
		const char *name;
		uint8_t protocol;
	} names[] = {{"tcp", 6}, {"udp", 17}, {"sctp", 132}};
	bool found[3] = {false};
	size_t begin = 0, i;

	while (begin <= length) {
		size_t bytes = strcspn(node->text + begin, "+/");

		for (i = 0; i < 3; i++)
			if (bytes == strlen(names[i].name) &&
			    !strncmp(node->text + begin, names[i].name, bytes))
				break;
		if (i == 3)
			return refuse_service(reader, node);
		if (found[i]) {
			reader_error(reader, node, "`%s` names `%s` twice",
				     shown(reader, node->text), names[i].name);
			return false;
		}
		found[i] = true;
		begin += bytes + 1;
	}
	for (i = 0; i < 3; i++)
		if (found[i])
			term->protocols[term->protocol_count++] = names[i].protocol;
	return true;
}

static bool refuse_without_slash(const struct reader *reader, const struct node *node)
{
	const char *text = node->text;
	const char *shown_text = shown(reader, text);

	if (text[0] && text[strspn(text, "0123456789-:")] == '\0')
		reader_error(reader, node, "which protocol? write `tcp/%s` or `udp/%s`", shown_text,
			     shown_text);
	else if (!strcmp(text, "tcp") || !strcmp(text, "udp") || !strcmp(text, "sctp") ||
		 !strcmp(text, "tcp+udp"))
		reader_error(reader, node,
			     "which ports? write `%s/443`, or `%s/any` where the document says any",
			     text, text);
	else if (!strcmp(text, "icmp") || !strcmp(text, "ping"))
		reader_error(reader, node, "`%s` is no service; write `icmp/echo`", text);
	else if (!strcmp(text, "any"))
		reader_error(reader, node,
			     "`any` is no service; write `tcp/any`, `udp/any` and "
			     "whatever else is meant");
	else
		return refuse_service(reader, node);
	return false;
}

static bool read_service(const struct reader *reader, const struct node *node, const char *what,
			 unsigned allowed, struct service_term *ret_term)
{
	struct service_term term = {.at = node_position(node)};
	const char *text, *slash;

	if (!is_scalar(reader, node, what))
		return false;
	text = node->text;
	slash = strchr(text, '/');
	if (text[0] == '$') {
		if (!read_reference(reader, node, text + 1, allowed))
			return false;
		term.kind = SERVICE_PARAMETER;
		term.parameter = text + 1;
	} else if (!strcmp(text, "esp")) {
		term.kind = SERVICE_PROTOCOL;
		term.protocols[0] = 50;
		term.protocol_count = 1;
	} else if (!slash) {
		return refuse_without_slash(reader, node);
	} else if (!strcmp(text, "icmp/echo")) {
		term.kind = SERVICE_ECHO;
	} else if (!strncmp(text, "icmp/", 5)) {
		reader_error(reader, node,
			     "`%s`: of ICMP only `icmp/echo` is a service; errors "
			     "about allowed packets pass by themselves",
			     shown(reader, text));
		return false;
	} else if (!strncmp(text, "proto/", 6)) {
		if (!read_protocol_number(reader, node, text + 6, &term))
			return false;
	} else {
		term.kind = SERVICE_PORTS;
		if (!read_protocols(reader, node, (size_t)(slash - text), &term) ||
		    !read_port_term(reader, node, slash + 1, allowed, &term.ports))
			return false;
	}
	*ret_term = term;
	return true;
}

bool read_services(const struct reader *reader, const struct node *node, const char *what,
		   unsigned allowed, service_term_list *ret_list)
{
	const struct node *item;
	service_term_list list = {0};
	bool good = true;

	if (!read_list(reader, node, what))
		return false;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct service_term term;

		if (read_service(reader, item, what, allowed, &term))
			*arena_push(reader->arena, &list) = term;
		else
			good = false;
	}
	if (good)
		*ret_list = list;
	return good;
}

/* ------------------------------------------------------------ addresses ------------------------
 */

/* The one prefix of most terms: a list of exactly one, since there may be a million of them. */
static void set_prefix(const struct reader *reader, struct address_term *term,
		       const struct prefix *prefix)
{
	term->kind = ADDRESS_PREFIXES;
	term->prefixes.items = arena_alloc(reader->arena, sizeof(*prefix));
	term->prefixes.items[0] = *prefix;
	term->prefixes.count = term->prefixes.capacity = 1;
}

/* "a-b", if a is an address. ret_is_range is false if it is not that. */
static bool read_address_range(const struct reader *reader, const struct node *node,
			       const char *text, struct address_term *term, bool *ret_is_range)
{
	const char *dash = strchr(text, '-');
	struct address first, last;
	char before[ADDRESS_TEXT_MAX];

	*ret_is_range = false;
	if (!dash || (size_t)(dash - text) >= sizeof(before))
		return true;
	memcpy(before, text, (size_t)(dash - text));
	before[dash - text] = '\0';
	if (!address_parse(before, &first))
		return true;
	*ret_is_range = true;
	if (!address_parse(dash + 1, &last) || first.family != last.family) {
		reader_error(reader, node,
			     "the range `%s` needs a whole address of the same family at its end, "
			     "as in `10.0.0.1-10.0.0.9`",
			     shown(reader, text));
		return false;
	}
	if (address_compare(&first, &last) > 0) {
		reader_error(reader, node, "the range `%s` runs backwards; write `%s-%s`",
			     shown(reader, text), dash + 1, before);
		return false;
	}
	term->kind = ADDRESS_PREFIXES;
	prefix_list_add_range(reader->arena, &term->prefixes, &first, &last);
	return true;
}

static bool refuse_address(const struct reader *reader, const struct node *node, const char *text)
{
	char buffer[ADDRESS_TEXT_MAX];
	struct prefix meant;
	size_t address = strcspn(text, "/");

	if (!text[0])
		reader_error(reader, node, "an empty text where an address is due");
	else if (prefix_parse_loosely(text, &meant))
		reader_error(reader, node,
			     "`%s` has bits set behind its prefix length; the network is `%s`",
			     shown(reader, text), prefix_format(&meant, buffer));
	else if (text[address] && text[strspn(text, "0123456789abcdefABCDEF.:/")] == '\0')
		reader_error(reader, node,
			     "`%s` is no prefix: behind the slash stands a length from 0 to %d",
			     shown(reader, text), strchr(text, ':') ? 128 : 32);
	else if (strstr(text, "://"))
		reader_error(reader, node, "`%s` is a URL; write an address or a prefix",
			     shown(reader, text));
	else if (text[0] == '*')
		reader_error(
			reader, node,
			"`%s`: a domain name is written `{domain: \"%s\"}`, and only roles that a "
			"document wants by name can be bound to one",
			shown(reader, text), shown(reader, text));
	else if (strchr(text, '%'))
		reader_error(reader, node, "`%s`: an address without a zone is due",
			     shown(reader, text));
	else
		reader_error(reader, node,
			     "`%s` is no address, prefix, range `a-b`, `$set` or host name",
			     shown(reader, text));
	return false;
}

bool read_address(const struct reader *reader, const struct node *node, const char *text,
		  struct address_term *ret_term)
{
	struct address_term term = {.at = node_position(node)};
	struct prefix prefix;
	bool is_range;

	if (prefix_parse(text, &prefix)) {
		set_prefix(reader, &term, &prefix);
	} else if (!strcmp(text, "any")) {
		term.kind = ADDRESS_ANY;
	} else if (text[0] == '$') {
		if (!text[1]) {
			reader_error(reader, node, "`$` names no set; write `$set`");
			return false;
		}
		if (!check_name(reader, node, "$", text + 1, strlen(text + 1)))
			return false;
		term.kind = ADDRESS_SET;
		term.name = text + 1;
	} else {
		if (!read_address_range(reader, node, text, &term, &is_range))
			return false;
		/* A name has a letter in it, or else it is an address gone wrong. */
		if (!is_range && (!name_is_valid(text, strlen(text)) ||
				  strspn(text, "0123456789.-_") == strlen(text)))
			return refuse_address(reader, node, text);
		if (!is_range) {
			term.kind = ADDRESS_HOST;
			term.name = text;
		}
	}
	*ret_term = term;
	return true;
}

/* {domain: ...} and {feed: ...}, and whatever else is no scalar. */
static bool refuse_collection(const struct reader *reader, const struct node *node,
			      const char *what)
{
	if (node->kind == NODE_BROKEN)
		return false;
	reader_error(reader, node, "`%s` is a list of addresses; %s can't be one", what,
		     kind_words(node));
	return false;
}

static bool check_address(const struct reader *reader, const struct node *node, const char *what,
			  bool single, const struct address_term *term, size_t count)
{
	if (single && (term->kind != ADDRESS_PREFIXES || term->prefixes.count != 1 ||
		       !prefix_is_single(&term->prefixes.items[0]))) {
		reader_error(reader, node, "`%s` in `%s`: single addresses only",
			     shown(reader, node->text), what);
		return false;
	}
	if (term->kind == ADDRESS_ANY && count > 1) {
		reader_error(reader, node, "`any` stands alone: take out the other addresses");
		return false;
	}
	return true;
}

bool read_addresses(const struct reader *reader, const struct node *node, const char *what,
		    bool single, address_term_list *ret_list)
{
	const struct node *item;
	address_term_list list = {0};
	size_t count;
	bool good = true;

	if (!read_list(reader, node, what))
		return false;
	count = list_count(node);
	if (!count) {
		reader_error(reader, node, "`%s` has no addresses", what);
		return false;
	}
	list.items = arena_alloc(reader->arena, count * sizeof(*list.items));
	list.capacity = count;
	for (item = list_first(node); item; item = list_next(node, item)) {
		struct address_term term = {0};

		if (!single && item->kind == NODE_MAPPING &&
		    (mapping_get(item, "feed") || mapping_get(item, "domain")))
			good &= feed_source_read(reader, item, arena_push(reader->arena, &list));
		else if (item->kind != NODE_SCALAR)
			good = refuse_collection(reader, item, what);
		else if (!read_address(reader, item, item->text, &term) ||
			 !check_address(reader, item, what, single, &term, count))
			good = false;
		else
			*arena_push(reader->arena, &list) = term;
	}
	if (good)
		*ret_list = list;
	return good;
}
