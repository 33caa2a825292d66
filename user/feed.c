/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "../include/bounds.h"
#include "digest.h"
#include "reference.h"

struct feed_reader {
	struct arena *arena;
	const struct site_feed *source;
	struct failure *failure;
	struct feed feed;
	word_list regions; /* that the feed has, each once */
	word_list services;
};

static void note_word(struct arena *arena, word_list *words, const char *text)
{
	list_for_each (word, words) {
		if (strcmp(word->text, text) == 0)
			return;
	}
	*arena_push(arena, words) = (struct word){.text = arena_strdup(arena, text)};
}

static bool is_wanted(const word_list *wanted, const char *text)
{
	list_for_each (word, wanted) {
		if (strcmp(word->text, text) == 0)
			return true;
	}
	return wanted->count == 0;
}

/* One address or prefix; where names its place for the message. */
static int add_prefix(struct feed_reader *reader, const char *text, const char *where)
{
	struct prefix prefix, meant;
	char buffer[ADDRESS_TEXT_MAX];

	if (!prefix_parse(text, &prefix)) {
		if (prefix_parse_loosely(text, &meant))
			return fail(reader->failure, EINVAL,
				    "%s: \"%s\" has bits behind its length; was %s meant?", where,
				    text, prefix_format(&meant, buffer));
		return fail(reader->failure, EINVAL, "%s: \"%.60s\" is no address or prefix", where,
			    text);
	}
	if (!prefix.length)
		return fail(reader->failure, EINVAL,
			    "%s: %s is every address: no feed of addresses says that", where, text);
	if (reader->feed.entries++ == FEED_ENTRIES_MAX)
		return fail(reader->failure, E2BIG,
			    "it has more than %u entries (FEED_ENTRIES_MAX)", FEED_ENTRIES_MAX);
	prefix_list_add(reader->arena, &reader->feed.prefixes, &prefix);
	return 0;
}

/* ------------------------------------------------------------ JSON ------------------------------
 */

/* NULL after saying why. */
static const char *read_string(struct feed_reader *reader, const json_t *entry, const char *key,
			       const char *where)
{
	const char *text = json_string_value(json_object_get(entry, key));

	if (!text)
		failure_write(reader->failure, "%s: it has no text \"%s\"", where, key);
	return text;
}

static int read_entry(struct feed_reader *reader, const json_t *entry, const char *prefix_key,
		      const char *where)
{
	const char *prefix = read_string(reader, entry, prefix_key, where);
	const char *region = prefix ? read_string(reader, entry, "region", where) : NULL;
	const char *service = region ? read_string(reader, entry, "service", where) : NULL;

	if (!prefix || !region || !service)
		return -EINVAL;
	note_word(reader->arena, &reader->regions, region);
	note_word(reader->arena, &reader->services, service);
	if (!is_wanted(&reader->source->regions, region) ||
	    !is_wanted(&reader->source->services, service))
		return 0;
	return add_prefix(reader, prefix, where);
}

static int read_entries(struct feed_reader *reader, const json_t *root, const char *list_key,
			const char *prefix_key)
{
	const json_t *list = json_object_get(root, list_key);
	const json_t *entry;
	size_t i;

	if (!json_is_array(list))
		return fail(reader->failure, EINVAL,
			    "it has no list \"%s\", so it is no feed of the kind %s", list_key,
			    reader->source->kind == FEED_AWS ? "aws" : "genesys-cloud");
	json_array_foreach ((json_t *)list, i, entry) {
		char where[64];
		int error;

		snprintf(where, sizeof(where), "%s[%zu]", list_key, i);
		error = read_entry(reader, entry, prefix_key, where);
		if (error)
			return error;
	}
	return 0;
}

static int read_json(struct feed_reader *reader, const char *text, size_t length)
{
	json_error_t error;
	cleanup(json_decrefp) json_t *root =
		json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	const char *date;
	int result;

	if (!root)
		return fail(reader->failure, EINVAL, "line %d, column %d: %s", error.line,
			    error.column, error.text);
	if (reader->source->kind == FEED_GENESYS_CLOUD)
		return read_entries(reader, root, "entities", "cidr");
	date = json_string_value(json_object_get(root, "createDate"));
	reader->feed.date = date ? arena_strdup(reader->arena, date) : NULL;
	result = read_entries(reader, root, "prefixes", "ip_prefix");
	return result ? result : read_entries(reader, root, "ipv6_prefixes", "ipv6_prefix");
}

/* A region or service that the feed does not have is a slip of the site's. */
static int check_words(struct feed_reader *reader, const word_list *wanted, const word_list *there,
		       const char *noun)
{
	list_for_each (word, wanted) {
		if (is_wanted(there, word->text) && there->count)
			continue;
		return fail(reader->failure, EINVAL, "it has no %s `%s`%s", noun, word->text,
			    did_you_mean(reader->arena, word->text, there));
	}
	return 0;
}

/* ------------------------------------------------------------ lists -----------------------------
 */

static int read_line(struct feed_reader *reader, const char *line, size_t length, unsigned number)
{
	char where[32];
	char *text;

	for (size_t i = 0; i < length; i++) {
		if (line[i] == '#')
			length = i;
	}
	while (length && strchr(" \t\r", line[length - 1]))
		length--;
	while (length && strchr(" \t", *line)) {
		line++;
		length--;
	}
	if (!length)
		return 0;
	snprintf(where, sizeof(where), "line %u", number);
	text = arena_strndup(reader->arena, line, length);
	return add_prefix(reader, text, where);
}

static int read_lines(struct feed_reader *reader, const char *text, size_t length)
{
	unsigned number = 1;

	while (length) {
		const char *end = memchr(text, '\n', length);
		size_t line = end ? (size_t)(end - text) : length;
		int error = read_line(reader, text, line, number++);

		if (error)
			return error;
		line += end != NULL;
		text += line;
		length -= line;
	}
	return 0;
}

/* ------------------------------------------------------------ both ------------------------------
 */

int feed_parse(struct arena *arena, const struct site_feed *source, const char *text, size_t length,
	       struct failure *failure, struct feed *ret_feed)
{
	struct feed_reader reader = {.arena = arena, .source = source, .failure = failure};
	struct digest digest;
	int error;

	if (length > FEED_BYTES_MAX)
		return fail(failure, E2BIG, "it has %zu bytes, more than %u (FEED_BYTES_MAX)",
			    length, FEED_BYTES_MAX);
	error = source->kind == FEED_LIST ? read_lines(&reader, text, length)
					  : read_json(&reader, text, length);
	if (!error)
		error = check_words(&reader, &source->regions, &reader.regions, "region");
	if (!error)
		error = check_words(&reader, &source->services, &reader.services, "service");
	if (error)
		return error;
	if (!reader.feed.prefixes.count)
		return fail(failure, EINVAL, "it is empty: there is no address in it%s",
			    source->regions.count || source->services.count
				    ? " of the regions and services asked for together"
				    : "");
	digest_begin(&digest);
	digest_add(&digest, text, length);
	digest_end(&digest, reader.feed.digest);
	prefix_list_normalize(&reader.feed.prefixes);
	*ret_feed = reader.feed;
	return 0;
}
