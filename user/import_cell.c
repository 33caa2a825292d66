/* SPDX-License-Identifier: BSD-2-Clause */
#include "import_cell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_LAST 65535ul

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_DASH,
	TOKEN_SLASH,
	TOKEN_AND,
	TOKEN_SEPARATOR,
	TOKEN_STARS,
	TOKEN_WORD,
	TOKEN_REMARK, /* in brackets */
	TOKEN_OTHER,
};

struct token {
	enum token_kind kind;
	const char *text;
	unsigned long number;
};

struct cell_reader {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct position at;
	const char *next;
	struct token token; /* that stands next */
};

/* What the words of such tables say about the protocol. TCP carries HTTP, DFT and TSAPI; RTP is
 * UDP. Words that could be both (SIP, SNMP, DNS, LDAP) are not in it. */
static const struct {
	const char *word;
	unsigned protocols;
} protocol_words[] = {
	{"tcp", CELL_TCP},  {"udp", CELL_UDP},	 {"http", CELL_TCP}, {"https", CELL_TCP},
	{"dft", CELL_TCP},  {"tsapi", CELL_TCP}, {"ssh", CELL_TCP},  {"sftp", CELL_TCP},
	{"scp", CELL_TCP},  {"smtp", CELL_TCP},	 {"imap", CELL_TCP}, {"rtp", CELL_UDP},
	{"rtcp", CELL_UDP},
};

/* Remarks in brackets that say nothing about the ports. */
static const char *const remarks[] = {"tls/ssl", "tls",	 "ssl",	 "https",    "http",	  "http(s)",
				      "ssh",	 "sftp", "snmp", "database", "ssh & sftp"};
static const char *const both_ways[] = {"bidirectional", "bi-directional", "bi directional"};

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(text, words[i]) == 0)
			return true;
	}
	return false;
}
#define IS_ONE_OF(text, words) is_one_of((text), (words), sizeof(words) / sizeof((words)[0]))

static unsigned word_protocols(const char *word)
{
	for (size_t i = 0; i < sizeof(protocol_words) / sizeof(protocol_words[0]); i++) {
		if (strcasecmp(word, protocol_words[i].word) == 0)
			return protocol_words[i].protocols;
	}
	return 0;
}

/* ------------------------------------------------------------ tokens ----------------------------
 */

/* Bytes of a white space character, a no-break space included; 0: it is none. */
static size_t space_length(const char *text)
{
	if (*text == ' ' || *text == '\t' || *text == '\r')
		return 1;
	return strncmp(text, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

/* Hyphen, en dash, and "..". */
static size_t dash_length(const char *text)
{
	if (*text == '-')
		return 1;
	if (strncmp(text, "\xe2\x80\x93", 3) == 0 || strncmp(text, "\xe2\x80\x90", 3) == 0)
		return 3;
	return strncmp(text, "..", 2) == 0 ? 2 : 0;
}

static void take(struct cell_reader *reader, enum token_kind kind, size_t length)
{
	reader->token = (struct token){.kind = kind,
				       .text = arena_strndup(reader->arena, reader->next, length)};
	reader->next += length;
}

static void take_word(struct cell_reader *reader)
{
	const char *text = reader->next;
	size_t length = 0;

	while (isalpha((unsigned char)text[length]) ||
	       (text[length] == '-' && length && isalpha((unsigned char)text[length + 1])))
		length++;
	take(reader, TOKEN_WORD, length);
	if (strcasecmp(reader->token.text, "and") != 0 && strcasecmp(reader->token.text, "or") != 0)
		return;
	reader->token.kind = TOKEN_AND;
	/* "and/or" */
	if (*reader->next == '/' && isalpha((unsigned char)reader->next[1])) {
		reader->next++;
		take_word(reader);
		if (reader->token.kind != TOKEN_AND)
			reader->token.kind = TOKEN_OTHER;
	}
}

static void take_remark(struct cell_reader *reader)
{
	size_t depth = 0, length = 0;

	do {
		depth += reader->next[length] == '(';
		depth -= reader->next[length] == ')';
		length++;
	} while (depth && reader->next[length]);
	take(reader, depth ? TOKEN_OTHER : TOKEN_REMARK, length);
	if (!depth)
		reader->token.text =
			arena_strndup(reader->arena, reader->token.text + 1, length - 2);
}

static void advance(struct cell_reader *reader)
{
	const char *text;

	while (space_length(reader->next))
		reader->next += space_length(reader->next);
	text = reader->next;
	if (!*text) {
		take(reader, TOKEN_END, 0);
	} else if (isdigit((unsigned char)*text)) {
		take(reader, TOKEN_NUMBER, strspn(text, "0123456789"));
		reader->token.number = strtoul(reader->token.text, NULL, 10);
	} else if (dash_length(text)) {
		take(reader, TOKEN_DASH, dash_length(text));
	} else if (*text == '/') {
		take(reader, TOKEN_SLASH, 1);
	} else if (*text == '&') {
		take(reader, TOKEN_AND, 1);
	} else if (*text == ',' || *text == ';' || *text == '\n') {
		take(reader, TOKEN_SEPARATOR, 1);
	} else if (*text == '*') {
		take(reader, TOKEN_STARS, strspn(text, "*"));
	} else if (*text == '(') {
		take_remark(reader);
	} else if (isalpha((unsigned char)*text)) {
		take_word(reader);
	} else {
		take(reader, TOKEN_OTHER, 1);
	}
}

static bool refuse(struct cell_reader *reader, const char *what)
{
	diagnostics_error(reader->diagnostics, reader->at,
			  "%s: `%s` is not understood here; write "
			  "ports as `80/443`, `5060 TCP/UDP, 30000-65535 UDP` or `1718/UDP`",
			  what, *reader->token.text ? reader->token.text : "the end");
	return false;
}

/* ------------------------------------------------------------ ports -----------------------------
 */

/* "TCP", "TCP/UDP", "HTTP/TCP": 0 if no protocol stands next. */
static unsigned read_protocols(struct cell_reader *reader)
{
	unsigned protocols = 0;

	while (reader->token.kind == TOKEN_WORD && word_protocols(reader->token.text)) {
		const struct cell_reader before = *reader;

		protocols |= word_protocols(reader->token.text);
		advance(reader);
		if (reader->token.kind != TOKEN_SLASH)
			break;
		advance(reader);
		if (reader->token.kind != TOKEN_WORD || !word_protocols(reader->token.text)) {
			*reader = before;
			advance(reader);
			break;
		}
	}
	return protocols;
}

static bool read_number(struct cell_reader *reader, uint16_t *ret_number)
{
	if (reader->token.kind != TOKEN_NUMBER)
		return refuse(reader, "a port is due");
	if (!reader->token.number || reader->token.number > PORT_LAST ||
	    strlen(reader->token.text) > 5) {
		diagnostics_error(reader->diagnostics, reader->at,
				  "`%s` is no port: it must be 1 to 65535", reader->token.text);
		return false;
	}
	*ret_number = (uint16_t)reader->token.number;
	advance(reader);
	return true;
}

static bool read_range(struct cell_reader *reader, struct port_cell *cell)
{
	struct port_range range;

	if (!read_number(reader, &range.first))
		return false;
	range.last = range.first;
	if (reader->token.kind == TOKEN_DASH) {
		advance(reader);
		if (!read_number(reader, &range.last))
			return false;
	}
	if (range.last < range.first) {
		diagnostics_error(reader->diagnostics, reader->at,
				  "the range %u-%u runs backwards: write %u-%u if that is meant",
				  range.first, range.last, range.last, range.first);
		return false;
	}
	if (reader->token.kind == TOKEN_STARS) {
		cell->footnote = reader->token.text;
		advance(reader);
	}
	*arena_push(reader->arena, &cell->ports) = (struct cell_port){.range = range};
	return true;
}

/* Remarks and "bi-directional" behind an item. */
static bool read_remarks(struct cell_reader *reader, struct port_cell *cell)
{
	for (;;) {
		bool word = reader->token.kind == TOKEN_WORD;

		if (!word && reader->token.kind != TOKEN_REMARK)
			return true;
		if (IS_ONE_OF(reader->token.text, both_ways))
			cell->either_way = true;
		else if (word || !IS_ONE_OF(reader->token.text, remarks))
			return refuse(reader, "behind a port");
		advance(reader);
	}
}

/* Protocols, ports, protocols: one of the two may be left out. */
static bool read_item(struct cell_reader *reader, struct port_cell *cell)
{
	unsigned before = read_protocols(reader), behind = 0;
	size_t first = cell->ports.count;

	if (reader->token.kind == TOKEN_WORD &&
	    (strcasecmp(reader->token.text, "dependant") == 0 ||
	     strcasecmp(reader->token.text, "dependent") == 0)) {
		cell->open = true;
		cell->open_protocols |= before;
		advance(reader);
		return read_remarks(reader, cell);
	}
	do {
		if (cell->ports.count > first)
			advance(reader);
		/* "1718/UDP" */
		if (cell->ports.count > first && reader->token.kind == TOKEN_WORD &&
		    word_protocols(reader->token.text))
			break;
		if (!read_range(reader, cell))
			return false;
	} while (reader->token.kind == TOKEN_SLASH || reader->token.kind == TOKEN_AND);
	behind = read_protocols(reader);
	if (before && behind) {
		diagnostics_error(
			reader->diagnostics, reader->at,
			"the ports have a protocol before and one behind them: which holds?");
		return false;
	}
	for (size_t i = first; i < cell->ports.count; i++)
		cell->ports.items[i].protocols = before | behind;
	return read_remarks(reader, cell);
}

bool port_cell_read(struct arena *arena, struct diagnostics *diagnostics, struct position at,
		    const char *text, struct port_cell *ret_cell)
{
	struct cell_reader reader = {arena, diagnostics, at, text, {0}};
	struct port_cell cell = {0};

	advance(&reader);
	if (reader.token.kind == TOKEN_END) {
		diagnostics_error(
			diagnostics, at,
			"no port is given: what is not stated stays unknown; write it, or "
			"`dependant` if the site must say it");
		return false;
	}
	for (;;) {
		if (!read_item(&reader, &cell))
			return false;
		if (reader.token.kind == TOKEN_END)
			break;
		if (reader.token.kind != TOKEN_SEPARATOR)
			return refuse(&reader, "behind a port");
		while (reader.token.kind == TOKEN_SEPARATOR)
			advance(&reader);
		if (reader.token.kind == TOKEN_END)
			break;
	}
	*ret_cell = cell;
	return true;
}

bool protocol_cell_read(struct arena *arena, struct diagnostics *diagnostics, struct position at,
			const char *text, struct protocol_cell *ret_cell)
{
	struct cell_reader reader = {arena, diagnostics, at, text, {0}};
	struct protocol_cell cell = {0};

	for (advance(&reader); reader.token.kind != TOKEN_END; advance(&reader)) {
		bool named = reader.token.kind == TOKEN_WORD || reader.token.kind == TOKEN_REMARK;

		if (reader.token.kind == TOKEN_SEPARATOR || reader.token.kind == TOKEN_SLASH)
			continue;
		if (named && IS_ONE_OF(reader.token.text, both_ways)) {
			cell.either_way = true;
		} else if (named && word_protocols(reader.token.text)) {
			cell.protocols |= word_protocols(reader.token.text);
		} else {
			diagnostics_error(
				diagnostics, at,
				"`%s` says neither TCP nor UDP for sure: write the protocol",
				reader.token.text);
			return false;
		}
	}
	*ret_cell = cell;
	return true;
}

bool port_cell_complete(struct diagnostics *diagnostics, struct position at,
			const struct protocol_cell *protocols, struct port_cell *cell)
{
	const bool both = protocols->protocols == (CELL_TCP | CELL_UDP);

	list_for_each (port, &cell->ports) {
		if (port->protocols && protocols->protocols &&
		    (port->protocols & ~protocols->protocols)) {
			diagnostics_error(
				diagnostics, at,
				"port %u has a protocol here that the protocol cell does not "
				"have: which holds?",
				port->range.first);
			return false;
		}
		if (port->protocols)
			continue;
		if (!protocols->protocols) {
			diagnostics_error(
				diagnostics, at,
				"port %u has no protocol, neither here nor in a protocol cell",
				port->range.first);
			return false;
		}
		if (both && cell->ports.count > 1) {
			diagnostics_error(diagnostics, at,
					  "which of TCP and UDP is for which port? Write it behind "
					  "each, as in `5060 TCP/UDP, 30000-65535 UDP`");
			return false;
		}
		port->protocols = protocols->protocols;
	}
	if (cell->open && !cell->open_protocols)
		cell->open_protocols = protocols->protocols;
	if (cell->open && !cell->open_protocols) {
		diagnostics_error(diagnostics, at, "the open port has no protocol");
		return false;
	}
	cell->either_way |= protocols->either_way;
	return true;
}

/* ------------------------------------------------------------ arrows ----------------------------
 */

static const char *trimmed(struct arena *arena, const char *text, size_t length)
{
	while (length && (isspace((unsigned char)*text) || space_length(text))) {
		size_t skip = space_length(text) ? space_length(text) : 1;

		text += skip;
		length -= skip;
	}
	for (;;) {
		if (length && isspace((unsigned char)text[length - 1]))
			length--;
		else if (length > 1 && strncmp(text + length - 2, "\xc2\xa0", 2) == 0)
			length -= 2;
		else
			return arena_strndup(arena, text, length);
	}
}

static bool is_space_before(const char *text, const char *at)
{
	return isspace((unsigned char)at[-1]) ||
	       (at - text >= 2 && strncmp(at - 2, "\xc2\xa0", 2) == 0);
}

enum arrow arrow_split(struct arena *arena, const char *text, const char **ret_left,
		       const char **ret_right)
{
	/* As printed, as a symbol font's bytes come out as text, and as typed. */
	static const struct {
		const char *text;
		enum arrow arrow;
	} arrows[] = {
		{"\xe2\x87\x94", ARROW_BOTH}, {"\xe2\x87\x92", ARROW_RIGHT},
		{"\xe2\x87\x90", ARROW_LEFT}, {"\xc3\x9b", ARROW_BOTH},
		{"\xc3\x9e", ARROW_RIGHT},    {"\xc3\x9c", ARROW_LEFT},
		{"<=>", ARROW_BOTH},	      {"<->", ARROW_BOTH},
		{"=>", ARROW_RIGHT},	      {"->", ARROW_RIGHT},
		{"<=", ARROW_LEFT},	      {"<-", ARROW_LEFT},
		{"\xe2\x86\x94", ARROW_BOTH}, {"\xe2\x86\x92", ARROW_RIGHT},
		{"\xe2\x86\x90", ARROW_LEFT},
	};
	enum arrow found = ARROW_NONE;

	for (const char *at = text; *at && found == ARROW_NONE; at++) {
		for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++) {
			size_t length = strlen(arrows[i].text);

			if (strncmp(at, arrows[i].text, length) != 0)
				continue;
			/* A symbol font's bytes are letters too: of a word, unless they stand
			 * alone. */
			if (*arrows[i].text == '\xc3' &&
			    ((at > text && !is_space_before(text, at)) ||
			     (at[length] && !isspace((unsigned char)at[length]) &&
			      !space_length(at + length))))
				continue;
			found = arrows[i].arrow;
			*ret_left = trimmed(arena, text, (size_t)(at - text));
			*ret_right = trimmed(arena, at + length, strlen(at + length));
			break;
		}
	}
	return found;
}
