/* SPDX-License-Identifier: BSD-2-Clause */
#include "transport.h"

#include <string.h>

#include "reader.h"

#define DIGITS	     "0123456789"
#define QUOTED_MAX   60 /* bytes of the file's text in a message */
#define PORT_WORD    "-transport-port"
#define ADDRESS_WORD "-transport-address"

struct parser {
	struct arena *arena;
	const char **wrong; /* of the caller */
	struct transport transport;
	bool has_port;
};

/* What is wrong with word: %s in format. */
static bool refuse(struct parser *parser, const char *format, const char *word)
{
	int length = (int)strnlen(word, QUOTED_MAX);

	*parser->wrong = arena_printf(parser->arena, "`%.*s%s`%s", length, word,
				      word[length] ? "..." : "", format);
	return false;
}

static bool set_port(struct parser *parser, const char *text)
{
	uint64_t port;

	if (parser->has_port)
		return refuse(parser, ": the port is there twice", text);
	if (!parse_digits(text, strlen(text), &port) || text[0] == '0' || port > UINT16_MAX)
		return refuse(parser, " is no port: a number from 1 to 65535 is due", text);
	parser->has_port = true;
	parser->transport.port = (uint16_t)port;
	return true;
}

static bool set_address(struct parser *parser, const char *text, const char *advice)
{
	struct transport *transport = &parser->transport;
	size_t length = strlen(text);

	if (transport->has_address)
		return refuse(parser, ": the address is there twice", text);
	transport->has_address = address_parse(text, &transport->address);
	if (transport->has_address)
		return true;
	if (text[strspn(text, DIGITS ".")] == '\0' || strpbrk(text, ":/[]%"))
		return refuse(parser, " is no IP address", text);
	if (!name_is_valid(text, length))
		return refuse(parser, " is no IP address", text);
	return refuse(parser, advice, text);
}

/* The first port or address is what the file must not lack: P-03. */
static bool require_port(struct parser *parser, const char *what)
{
	if (parser->has_port)
		return true;
	*parser->wrong = arena_printf(
		parser->arena,
		"%s: without it the client opens from any port, and there is nothing to let "
		"through (reading P-03)",
		what);
	return false;
}

/* ------------------------------------------------------------ transport parameters -------------
 */

static bool read_assignment(struct parser *parser, char *item)
{
	static const char *const keys[] = {"port", "address"};
	char *equals = strchr(item, '=');
	const char *nearest;

	if (!*item)
		return refuse(parser,
			      " is an empty part: no semicolon stands at the begin, at the "
			      "end or twice",
			      ";");
	if (!equals)
		return refuse(parser, " is neither `port=NUMBER` nor `address=ADDRESS`", item);
	*equals++ = '\0';
	if (!*equals)
		return refuse(parser, " has nothing behind its `=`", item);
	if (!strcmp(item, "port"))
		return set_port(parser, equals);
	if (!strcmp(item, "address"))
		return set_address(parser, equals,
				   " is a host name: write the IP address, here as on the command "
				   "line, which takes no name (reading P-04)");
	nearest = nearest_name(item, keys, 2);
	if (nearest)
		return refuse(parser,
			      arena_printf(parser->arena,
					   " is no transport parameter; did you "
					   "mean `%s`?",
					   nearest),
			      item);
	return refuse(parser,
		      " is no transport parameter: only `port` and `address` may stand "
		      "here",
		      item);
}

bool transport_parse(struct arena *arena, const char *text, struct transport *ret_transport,
		     const char **ret_wrong)
{
	struct parser parser = {.arena = arena, .wrong = ret_wrong};
	char *copy = arena_strdup(arena, text), *item = copy;

	if (strchr(text, ','))
		return refuse(&parser,
			      ": a semicolon, not a comma, stands between port and "
			      "address, as in `port=20340;address=10.0.5.7`",
			      text);
	if (strpbrk(text, " \t"))
		return refuse(&parser,
			      ": a semicolon and no space stands between port and "
			      "address, as in `port=20340;address=10.0.5.7`",
			      text);
	while (item) {
		char *semicolon = strchr(item, ';');

		if (semicolon)
			*semicolon++ = '\0';
		if (!read_assignment(&parser, item))
			return false;
		item = semicolon;
	}
	if (!require_port(&parser, "`address` stands without `port=NUMBER`"))
		return false;
	*ret_transport = parser.transport;
	return true;
}

/* ------------------------------------------------------------ command lines --------------------
 */

/*
 * Takes the next word off *rest, quotes undone; NULL at the end. *ret_open: a quote is not closed.
 * A backslash is no escape: paths of Windows are full of them.
 */
static char *next_word(struct arena *arena, const char **rest, bool *ret_open)
{
	const char *from = *rest + strspn(*rest, " \t");
	char *word = arena_alloc(arena, strlen(from) + 1), *to = word;
	char quote = '\0';

	if (!*from)
		return NULL;
	for (; *from && (quote || !strchr(" \t", *from)); from++) {
		if (quote ? *from == quote : *from == '"' || *from == '\'')
			quote = quote ? '\0' : *from;
		else
			*to++ = *from;
	}
	*ret_open = quote != '\0';
	*rest = from;
	return word;
}

/* "--transport-port", "-transport-prot", the document's "- transport-port": meant, but not written.
 */
static bool refuse_near(struct parser *parser, const char *word)
{
	static const char *const words[] = {PORT_WORD, ADDRESS_WORD};
	const char *bare = word;
	const char *nearest;

	/* En dashes and em dashes come from word processors. */
	while (*bare == '-' || !strncmp(bare, "\xe2\x80\x93", 3) ||
	       !strncmp(bare, "\xe2\x80\x94", 3))
		bare += *bare == '-' ? 1 : 3;
	if (strncmp(bare, "tr", 2) && bare == word)
		return true;
	nearest = nearest_name(arena_printf(parser->arena, "-%.*s", (int)strcspn(bare, "="), bare),
			       words, 2);
	if (!nearest)
		return true;
	return refuse(parser,
		      arena_printf(parser->arena,
				   " is not taken by Genesys applications: write "
				   "`%s VALUE`",
				   nearest),
		      word);
}

static bool read_option(struct parser *parser, const char *word, const char *value)
{
	if (!value || value[0] == '-')
		return refuse(parser, " has no value behind it", word);
	if (!strcmp(word, PORT_WORD))
		return set_port(parser, value);
	return set_address(parser, value,
			   " is a host name: a command line takes an IP address only (reading "
			   "P-04)");
}

bool transport_parse_command_line(struct arena *arena, const char *text,
				  struct transport *ret_transport, const char **ret_wrong)
{
	struct parser parser = {.arena = arena, .wrong = ret_wrong};
	const char *rest = text;
	bool open = false;
	char *word;

	while ((word = next_word(arena, &rest, &open))) {
		if (open)
			return refuse(&parser, ": the quote is not closed", word);
		if (!strcmp(word, PORT_WORD) || !strcmp(word, ADDRESS_WORD)) {
			char *value = next_word(arena, &rest, &open);

			if (open)
				return refuse(&parser, ": the quote is not closed", value);
			if (!read_option(&parser, word, value))
				return false;
		} else if (!refuse_near(&parser, word)) {
			return false;
		}
	}
	if (!require_port(&parser, "the command line has no `" PORT_WORD " NUMBER`"))
		return false;
	*ret_transport = parser.transport;
	return true;
}

/* ------------------------------------------------------------ printing -------------------------
 */

const char *transport_format(struct arena *arena, const struct transport *transport)
{
	char buffer[ADDRESS_TEXT_MAX];

	if (!transport->has_address)
		return arena_printf(arena, "port=%u", transport->port);
	return arena_printf(arena, "port=%u;address=%s", transport->port,
			    address_format(&transport->address, buffer));
}

const char *transport_format_command_line(struct arena *arena, const struct transport *transport)
{
	char buffer[ADDRESS_TEXT_MAX];

	if (!transport->has_address)
		return arena_printf(arena, PORT_WORD " %u", transport->port);
	return arena_printf(arena, PORT_WORD " %u " ADDRESS_WORD " %s", transport->port,
			    address_format(&transport->address, buffer));
}

bool transport_equal(const struct transport *a, const struct transport *b)
{
	return a->port == b->port && a->has_address == b->has_address &&
	       (!a->has_address || !address_compare(&a->address, &b->address));
}
