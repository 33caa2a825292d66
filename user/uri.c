/* SPDX-License-Identifier: BSD-2-Clause */
#include "uri.h"

#include <netinet/in.h>
#include <string.h>

#include "reader.h"

#define LETTERS	   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	   "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
/* RFC 3986, 2.3 and 2.2: what stands for itself. */
#define UNRESERVED LETTERS DIGITS "-._~"
#define SUB_DELIMS "!$&'()*+,;="
#define USER_BYTES UNRESERVED SUB_DELIMS ":"
#define PATH_BYTES UNRESERVED SUB_DELIMS ":@/"
#define CONCEALED  "***"
#define DOMAIN_MAX 253u /* RFC 1035, 2.3.4, as text */

enum part { PART_NONE, PART_OPTIONAL, PART_REQUIRED };

static const struct form {
	const char *name;
	const char *syntax;
	uint16_t port;
	enum part user;
	enum part path;
	bool password;
} forms[URI_SCHEME_COUNT] = {
	[URI_FTP] = {"ftp", "ftp://user[:password]@host[:port][/path]", 21, PART_REQUIRED,
		     PART_OPTIONAL, true},
	[URI_HTTP] = {"http", "http://user[:password]@host[:port]/path", 80, PART_REQUIRED,
		      PART_REQUIRED, true},
	[URI_HTTPS] = {"https", "https://user[:password]@host[:port]/path", 443, PART_REQUIRED,
		       PART_REQUIRED, true},
	[URI_FILE] = {"file", "file:///path", 0, PART_NONE, PART_REQUIRED, false},
	[URI_SFTP] = {"sftp", "sftp://user[:password]@host[:port][/path]", 22, PART_REQUIRED,
		      PART_OPTIONAL, true},
	[URI_SCP] = {"scp", "scp://[user@]host[:port]:[/path]", 22, PART_OPTIONAL, PART_OPTIONAL,
		     false},
	[URI_MAILTO] = {"mailto", "mailto:user@domain", 25, PART_REQUIRED, PART_NONE, false},
	[URI_SNMP] = {"snmp", "snmp://community@host[:port] or snmp://user:auth[:password]@host",
		      162, PART_REQUIRED, PART_NONE, true},
};

const char *uri_scheme_name(enum uri_scheme scheme)
{
	return forms[scheme].name;
}

bool uri_scheme_find(const char *name, enum uri_scheme *ret_scheme)
{
	size_t i;

	for (i = 0; i < URI_SCHEME_COUNT; i++) {
		if (strcmp(name, forms[i].name))
			continue;
		*ret_scheme = (enum uri_scheme)i;
		return true;
	}
	return false;
}

uint16_t uri_scheme_port(enum uri_scheme scheme)
{
	return forms[scheme].port;
}

uint8_t uri_scheme_protocol(enum uri_scheme scheme)
{
	return scheme == URI_SNMP ? IPPROTO_UDP : IPPROTO_TCP;
}

struct parser {
	struct arena *arena;
	const struct form *form;
	struct uri uri;
	char *user;	    /* before the "@"; NULL: none */
	const char *path;   /* NULL: none */
	const char **wrong; /* of the caller */
};

/* A constant where the message has nothing of the file in it, so that nothing secret can be. */
static bool refuse(struct parser *parser, const char *format, const char *detail)
{
	const char *syntax = parser->form ? arena_printf(parser->arena, "; the form is `%s`",
							 parser->form->syntax)
					  : "";

	*parser->wrong = arena_printf(parser->arena, "%s%s%s", format, detail, syntax);
	return false;
}

/* Every "%" has two hex digits behind it, and all else is of the bytes that may stand there. */
static bool is_encoded(const char *text, const char *bytes)
{
	while (*text) {
		if (*text == '%' && text[1] && strchr(HEX_DIGITS, text[1]) && text[2] &&
		    strchr(HEX_DIGITS, text[2]))
			text += 3;
		else if (*text != '%' && strchr(bytes, *text))
			text++;
		else
			return false;
	}
	return true;
}

/* ------------------------------------------------------------ the scheme -----------------------
 */

static bool refuse_scheme(struct parser *parser, const char *name)
{
	const char *names[URI_SCHEME_COUNT];
	const char *nearest;
	size_t i;

	for (i = 0; i < URI_SCHEME_COUNT; i++)
		names[i] = forms[i].name;
	nearest = name ? nearest_name(name, names, URI_SCHEME_COUNT) : NULL;
	if (nearest)
		return refuse(parser,
			      "the scheme is written in full and in lower case; did you "
			      "mean ",
			      arena_printf(parser->arena, "`%s:`?", nearest));
	return refuse(parser,
		      "a location begins with one of ftp, http, https, file, sftp, scp, "
		      "mailto and snmp, and a colon",
		      "");
}

/* Behind the scheme and its colon, or NULL after an error. */
static const char *read_scheme(struct parser *parser, const char *text)
{
	size_t length = strspn(text, LETTERS DIGITS "+-.()");
	char *name = text[length] == ':' ? arena_strndup(parser->arena, text, length) : NULL;

	if (!name || !uri_scheme_find(name, &parser->uri.scheme)) {
		refuse_scheme(parser, name);
		return NULL;
	}
	parser->form = &forms[parser->uri.scheme];
	return text + length + 1;
}

/* ------------------------------------------------------------ user and secrets -----------------
 */

static bool check_user(struct parser *parser)
{
	const char *user = parser->user;
	const char *colon = user ? strchr(user, ':') : NULL;

	if (!user)
		return parser->form->user != PART_REQUIRED ||
		       refuse(parser, "the user before the `@` is missing", "");
	if (!*user || user == colon)
		return refuse(parser, "nothing stands where the user is due", "");
	if (parser->uri.scheme == URI_SNMP && user[strlen(user) - 1] == ']')
		return refuse(parser,
			      "the `]` before the `@` is a misprint of the document: take it out",
			      "");
	if (!is_encoded(user, USER_BYTES))
		return refuse(parser,
			      "what stands before the `@` has a character that must be written as "
			      "`%` and two hex digits",
			      "");
	if (colon && !parser->form->password)
		return refuse(parser, parser->form->name, " takes no password");
	if (colon && (!colon[1] || (parser->uri.scheme != URI_SNMP && strchr(colon + 1, ':'))))
		return refuse(parser,
			      colon[1] ? "more than one colon before the `@`: in a password it "
					 "is written `%3A`"
				       : "the password behind the colon is empty: leave the colon "
					 "out too",
			      "");
	return true;
}

/* Two parts or three are SNMP v3's, one is the community of v2. */
static bool read_snmp(struct parser *parser)
{
	const char *auth = strchr(parser->user, ':');
	const char *password = auth ? strchr(auth + 1, ':') : NULL;

	if (auth && (auth + 1 == password || (password && !password[1])))
		return refuse(parser, "a part between the colons is empty", "");
	if (password && strchr(password + 1, ':'))
		return refuse(parser, "more than three parts before the `@`", "");
	parser->uri.snmp_version = auth ? 3 : 2;
	parser->uri.has_password = auth && strcmp(auth + 1, CONCEALED);
	return true;
}

/* The user without what must not be seen. */
static const char *shown_user(const struct parser *parser)
{
	const char *user = parser->user;
	int length = user ? (int)strcspn(user, ":") : 0;

	if (!user)
		return "";
	if (parser->uri.scheme != URI_SNMP)
		return arena_printf(parser->arena, "%.*s@", length, user);
	if (parser->uri.snmp_version == 2)
		return CONCEALED "@";
	return arena_printf(parser->arena, "%.*s:%s@", length, user, CONCEALED);
}

/* ------------------------------------------------------------ host and port --------------------
 */

static bool set_host(struct parser *parser, const char *text, size_t length, bool bracketed)
{
	char *host = arena_strndup(parser->arena, text, length);
	struct uri *uri = &parser->uri;

	if (!length)
		return refuse(parser, "the host is missing", "");
	uri->is_address = address_parse(host, &uri->address);
	if (bracketed != (uri->is_address && uri->address.family == 6))
		return refuse(parser,
			      "in brackets stands an IPv6 address, without a zone, and "
			      "nothing else",
			      "");
	if (!uri->is_address && !host[strspn(host, DIGITS ".")])
		return refuse(parser, "the host is no IPv4 address, nor a name: ", host);
	if (!uri->is_address && !name_is_valid(host, length))
		return refuse(parser,
			      "the host is neither an address nor a name (letters, "
			      "digits, `-`, `_`, `.`)",
			      "");
	uri->host = host;
	return true;
}

static bool set_port(struct parser *parser, const char *text, size_t length)
{
	uint64_t port;

	if (!parse_digits(text, length, &port) || text[0] == '0' || port > UINT16_MAX)
		return refuse(parser, "behind the host's colon stands a port from 1 to 65535", "");
	parser->uri.port = (uint16_t)port;
	return true;
}

/* host[:port]; returns what is behind it, or NULL after an error. */
static const char *read_host(struct parser *parser, const char *text)
{
	bool bracketed = *text == '[';
	size_t length = bracketed ? strcspn(text, "]") : strcspn(text, ":/");
	size_t digits;

	if (bracketed && !text[length]) {
		refuse(parser, "the bracket around the IPv6 address is not closed", "");
		return NULL;
	}
	if (!bracketed && strchr(text, ':') != strrchr(text, ':') &&
	    strspn(text, HEX_DIGITS ":") == strcspn(text, "/") && parser->uri.scheme != URI_SCP) {
		refuse(parser, "an IPv6 address stands in brackets, as in `[2001:db8::1]`", "");
		return NULL;
	}
	if (!set_host(parser, text + bracketed, length - bracketed, bracketed))
		return NULL;
	text += length + bracketed;
	if (*text != ':')
		return text;
	digits = strcspn(text + 1, ":/");
	/* The colon of scp, behind which the path stands. */
	if (parser->uri.scheme == URI_SCP && !digits)
		return text;
	if (!set_port(parser, text + 1, digits))
		return NULL;
	return text + 1 + digits;
}

/* ------------------------------------------------------------ the forms ------------------------
 */

static bool read_path_part(struct parser *parser, const char *text)
{
	if (parser->uri.scheme == URI_SCP && *text != ':')
		return refuse(parser, "a colon is due before the path, also where there is none",
			      "");
	text += parser->uri.scheme == URI_SCP;
	if (*text && *text != '/')
		return refuse(parser, "a path begins with `/`", "");
	if (*text && parser->form->path == PART_NONE)
		return refuse(parser, parser->form->name, " has no path");
	if (!*text && parser->form->path == PART_REQUIRED)
		return refuse(parser, "the path is missing", "");
	if (!is_encoded(text, PATH_BYTES))
		return refuse(parser,
			      "the path has a character that must be written as `%` and two hex "
			      "digits",
			      "");
	parser->path = text;
	return true;
}

static void set_shown(struct parser *parser)
{
	struct uri *uri = &parser->uri;
	bool bracketed = uri->is_address && uri->address.family == 6;
	char *port = uri->port ? arena_printf(parser->arena, ":%u", uri->port) : NULL;

	uri->shown = arena_printf(parser->arena, "%s://%s%s%s%s%s%s%s", parser->form->name,
				  shown_user(parser), bracketed ? "[" : "", uri->host,
				  bracketed ? "]" : "", port ? port : "",
				  uri->scheme == URI_SCP ? ":" : "", parser->path);
}

static bool read_hierarchical(struct parser *parser, const char *text)
{
	const char *authority, *at;

	if (strncmp(text, "//", 2))
		return refuse(parser, "`//` is due behind the colon", "");
	authority = text + 2;
	at = memchr(authority, '@', strcspn(authority, "/"));
	if (at && memchr(at + 1, '@', strcspn(at + 1, "/")))
		return refuse(parser,
			      "more than one `@`: in a user or password it is written "
			      "`%40`",
			      "");
	if (at)
		parser->user = arena_strndup(parser->arena, authority, (size_t)(at - authority));
	if (!check_user(parser))
		return false;
	if (parser->uri.scheme == URI_SNMP) {
		if (!read_snmp(parser))
			return false;
	} else {
		parser->uri.has_password = parser->user && strchr(parser->user, ':');
	}
	text = read_host(parser, at ? at + 1 : authority);
	if (!text || !read_path_part(parser, text))
		return false;
	set_shown(parser);
	return true;
}

static bool read_file(struct parser *parser, const char *text)
{
	if (strncmp(text, "///", 3) || !text[3])
		return refuse(parser, "a file has a path on this machine, and no host", "");
	if (!is_encoded(text, PATH_BYTES))
		return refuse(parser,
			      "the path has a character that must be written as `%` and two hex "
			      "digits",
			      "");
	parser->uri.shown = arena_printf(parser->arena, "file:%s", text);
	return true;
}

/* Labels of letters, digits and hyphens inside (RFC 5321, 4.1.2). */
static bool is_domain(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > DOMAIN_MAX)
		return false;
	while (*text) {
		size_t label = strspn(text, LETTERS DIGITS "-");

		if (!label || text[0] == '-' || text[label - 1] == '-')
			return false;
		text += label;
		if (*text == '.' && !*++text)
			return false;
		if (*text && text[-1] != '.')
			return false;
	}
	return true;
}

static bool read_mail(struct parser *parser, const char *text)
{
	const char *at = strchr(text, '@');

	if (*text == '/')
		return refuse(parser, "no `//` stands in a mail address", "");
	parser->user = at ? arena_strndup(parser->arena, text, (size_t)(at - text)) : NULL;
	if (!check_user(parser))
		return false;
	if (!at || !is_domain(at + 1))
		return refuse(parser,
			      "one mail domain is due behind the `@`, and nothing behind "
			      "it",
			      "");
	parser->uri.host = arena_strdup(parser->arena, at + 1);
	parser->uri.shown = arena_printf(parser->arena, "mailto:%s", text);
	return true;
}

bool uri_parse(struct arena *arena, const char *text, struct uri *ret_uri, const char **ret_wrong)
{
	struct parser parser = {.arena = arena, .wrong = ret_wrong};
	const char *rest = read_scheme(&parser, text);
	bool good;

	if (!rest)
		return false;
	if (strpbrk(text, " \t"))
		return refuse(&parser,
			      "a location has no space in it: the one that the document "
			      "prints before the path is a misprint, any other is "
			      "written `%20`",
			      "");
	if (parser.uri.scheme == URI_FILE)
		good = read_file(&parser, rest);
	else if (parser.uri.scheme == URI_MAILTO)
		good = read_mail(&parser, rest);
	else
		good = read_hierarchical(&parser, rest);
	if (good)
		*ret_uri = parser.uri;
	return good;
}

/* ------------------------------------------------------------ for messages ---------------------
 */

/* Whether "x:y" without a "@" is a host and port. If not, y may be the begin of a password. */
static bool is_host_and_port(const char *text)
{
	const char *colon = strchr(*text == '[' ? text + strcspn(text, "]") : text, ':');

	if (!colon || memchr(text, '/', (size_t)(colon - text)))
		return true;
	colon += 1 + strspn(colon + 1, DIGITS);
	return !*colon || strchr(":/", *colon);
}

const char *uri_conceal(struct arena *arena, const char *text)
{
	const char *begin = strstr(text, "://");
	const char *at, *secret;

	if (!begin)
		return text;
	begin += 3;
	/* A password with a "@" in it is wrong, but no less a password. */
	at = strrchr(begin, '@');
	secret = strchr(begin, ':');
	if (!strncmp(text, "snmp", 4))
		return arena_printf(arena, "%.*s" CONCEALED "%s", (int)(begin - text), text,
				    at ? at : "");
	if (!secret || (at && secret > at) || (!at && is_host_and_port(begin)))
		return text;
	return arena_printf(arena, "%.*s" CONCEALED "%s", (int)(secret + 1 - text), text,
			    at ? at : "");
}
