/* SPDX-License-Identifier: BSD-2-Clause */
#include "writer.h"

#include <string.h>

#define COLUMNS 100u

/* Digits, dots, slashes and colons: an IPv6 address, or what other readers take for a time. */
static bool looks_like_number_with_colons(const char *text)
{
	return strchr(text, ':') && text[strspn(text, "0123456789abcdefABCDEF:./-")] == '\0';
}

static bool needs_quotes(const char *text, bool in_flow)
{
	size_t length = strlen(text);

	return !length || strchr("-?:,[]{}#&*!|>'\"%@`=", text[0]) || text[length - 1] == ':' ||
	       strstr(text, ": ") || strstr(text, " #") || strstr(text, "::") ||
	       looks_like_number_with_colons(text) || (in_flow && strpbrk(text, ",?[]{}"));
}

static const char *quoted(struct writer *writer, const char *text, bool in_flow)
{
	char *copy, *to;

	if (!needs_quotes(text, in_flow))
		return text;
	copy = to = arena_alloc(writer->arena, strlen(text) * 2 + 3);
	*to++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '"';
	return copy;
}

static void begin_line(struct writer *writer, unsigned indent)
{
	if (writer->item)
		fprintf(writer->out, "%*s- ", (int)indent - 2, "");
	else
		fprintf(writer->out, "%*s", (int)indent, "");
	writer->item = false;
}

void write_item(struct writer *writer)
{
	writer->item = true;
}

void write_word(struct writer *writer, unsigned indent, const char *text)
{
	begin_line(writer, indent);
	fprintf(writer->out, "%s\n", quoted(writer, text, false));
}

void write_heading(struct writer *writer, unsigned indent, const char *key)
{
	begin_line(writer, indent);
	fprintf(writer->out, "%s:\n", key);
}

void write_text(struct writer *writer, unsigned indent, const char *key, const char *text)
{
	begin_line(writer, indent);
	fprintf(writer->out, "%s: %s\n", key, quoted(writer, text, false));
}

void write_list(struct writer *writer, unsigned indent, const char *key, const text_list *texts)
{
	size_t width = indent + strlen(key) + strlen(": []");
	size_t i;

	for (i = 0; i < texts->count && width <= COLUMNS; i++)
		width += strlen(quoted(writer, texts->items[i], true)) + (i ? 2 : 0);
	begin_line(writer, indent);
	if (width <= COLUMNS) {
		fprintf(writer->out, "%s: [", key);
		for (i = 0; i < texts->count; i++)
			fprintf(writer->out, "%s%s", i ? ", " : "",
				quoted(writer, texts->items[i], true));
		fputs("]\n", writer->out);
		return;
	}
	fprintf(writer->out, "%s:\n", key);
	for (i = 0; i < texts->count; i++)
		fprintf(writer->out, "%*s- %s\n", (int)indent + 2, "",
			quoted(writer, texts->items[i], false));
}

void write_values(struct writer *writer, unsigned indent, const char *key, const text_list *texts)
{
	if (texts->count == 1)
		write_text(writer, indent, key, texts->items[0]);
	else
		write_list(writer, indent, key, texts);
}

void write_pairs(struct writer *writer, unsigned indent, const char *key, const pair_list *pairs)
{
	size_t width = indent + (key ? strlen(key) + 2 : 0) + strlen("{}");
	size_t i;

	for (i = 0; i < pairs->count; i++)
		width += strlen(pairs->items[i].key) + strlen(": ") +
			 strlen(quoted(writer, pairs->items[i].value, true)) + (i ? 2 : 0);
	if (width > COLUMNS) {
		if (key)
			write_heading(writer, indent, key);
		for (i = 0; i < pairs->count; i++)
			write_text(writer, key ? indent + 2 : indent, pairs->items[i].key,
				   pairs->items[i].value);
		return;
	}
	begin_line(writer, indent);
	fprintf(writer->out, "%s%s{", key ? key : "", key ? ": " : "");
	for (i = 0; i < pairs->count; i++)
		fprintf(writer->out, "%s%s: %s", i ? ", " : "", pairs->items[i].key,
			quoted(writer, pairs->items[i].value, true));
	fputs("}\n", writer->out);
}

void text_list_add(struct writer *writer, text_list *list, const char *text)
{
	*arena_push(writer->arena, list) = text;
}

void pair_list_add(struct writer *writer, pair_list *list, const char *key, const char *value)
{
	*arena_push(writer->arena, list) = (struct pair){key, value};
}

/* ------------------------------------------------------------ terms ----------------------------
 */

text_list texts_of_words(struct writer *writer, const word_list *words)
{
	text_list list = {0};

	list_for_each (word, words)
		text_list_add(writer, &list, word->text);
	return list;
}

static const char *port_term_format(struct arena *arena, const struct port_term *term)
{
	switch (term->kind) {
	case PORTS_ANY:
		return "any";
	case PORTS_NONE:
		return "none";
	case PORTS_PARAMETER:
		return arena_printf(arena, "$%s", term->parameter);
	case PORTS_RANGE:
		break;
	}
	if (term->range.first == term->range.last)
		return arena_printf(arena, "%u", term->range.first);
	return arena_printf(arena, "%u-%u", term->range.first, term->range.last);
}

text_list texts_of_ports(struct writer *writer, const port_term_list *ports)
{
	text_list list = {0};

	list_for_each (term, ports)
		text_list_add(writer, &list, port_term_format(writer->arena, term));
	return list;
}

static const char *service_term_format(struct arena *arena, const struct service_term *term)
{
	char buffer[16];
	char *text = NULL;
	unsigned i;

	if (term->kind == SERVICE_ECHO)
		return "icmp/echo";
	if (term->kind == SERVICE_PARAMETER)
		return arena_printf(arena, "$%s", term->parameter);
	for (i = 0; i < term->protocol_count; i++)
		text = arena_printf(arena, "%s%s%s", text ? text : "", text ? "+" : "",
				    protocol_name(term->protocols[i], buffer));
	if (term->kind == SERVICE_PORTS)
		text = arena_printf(arena, "%s/%s", text, port_term_format(arena, &term->ports));
	return text;
}

text_list texts_of_services(struct writer *writer, const service_term_list *services)
{
	text_list list = {0};

	list_for_each (term, services)
		text_list_add(writer, &list, service_term_format(writer->arena, term));
	return list;
}

static struct address last_address(const struct prefix *prefix)
{
	struct address last = prefix->address;
	unsigned bit;

	for (bit = prefix->length; bit < address_bits(&last); bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	return last;
}

static const char *address_term_format(struct arena *arena, const struct address_term *term)
{
	const struct prefix_list *prefixes = &term->prefixes;
	char first[ADDRESS_TEXT_MAX], last[ADDRESS_TEXT_MAX];
	struct address end;

	switch (term->kind) {
	case ADDRESS_ANY:
		return "any";
	case ADDRESS_SET:
		return arena_printf(arena, "$%s", term->name);
	case ADDRESS_HOST:
		return term->name;
	case ADDRESS_PREFIXES:
		break;
	case ADDRESS_FEED: /* mappings: feed_source_print() */
	case ADDRESS_DOMAIN:
		return "";
	}
	if (prefixes->count == 1)
		return arena_strdup(arena, prefix_format(&prefixes->items[0], first));
	/* A range that is not one prefix: from the first's first address to the last's last. */
	end = last_address(&prefixes->items[prefixes->count - 1]);
	return arena_printf(arena, "%s-%s", address_format(&prefixes->items[0].address, first),
			    address_format(&end, last));
}

text_list texts_of_addresses(struct writer *writer, const address_term_list *addresses)
{
	text_list list = {0};

	list_for_each (term, addresses)
		text_list_add(writer, &list, address_term_format(writer->arena, term));
	return list;
}

const char *duration_format(struct arena *arena, uint32_t ms)
{
	static const struct {
		const char *name;
		uint32_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
	size_t i = 0;

	if (!ms)
		return "0s";
	while (ms % units[i].ms)
		i++;
	return arena_printf(arena, "%u%s", ms / units[i].ms, units[i].name);
}
