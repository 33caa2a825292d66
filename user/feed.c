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

/* Where an entry stands, for messages. */
struct entry_place {
	const char *list; /* of JSON; NULL: a line of a list */
	size_t number;
};

#define PLACE_BYTES_MAX 64

static const char *place_format(const struct entry_place *place, char *buffer)
{
	if (place->list)
		snprintf(buffer, PLACE_BYTES_MAX, "%s[%zu]", place->list, place->number);
	else
		snprintf(buffer, PLACE_BYTES_MAX, "line %zu", place->number);
	return buffer;
}

static int fail_prefix_text(struct feed_reader *reader, const char *text,
			    const struct entry_place *place)
{
	char buffer[ADDRESS_TEXT_MAX], where[PLACE_BYTES_MAX];
	struct prefix meant;

	place_format(place, where);
	if (prefix_parse_loosely(text, &meant))
		return fail(reader->failure, EINVAL,
			    "%s: \"%s\" has bits behind its length; was %s meant?", where, text,
			    prefix_format(&meant, buffer));
	return fail(reader->failure, EINVAL, "%s: \"%.60s\" is no address or prefix", where, text);
}

static int add_prefix(struct feed_reader *reader, const char *text, const struct entry_place *place)
{
	char where[PLACE_BYTES_MAX];
	struct prefix prefix;

	if (!prefix_parse(text, &prefix))
		return fail_prefix_text(reader, text, place);
	if (!prefix.length)
		return fail(reader->failure, EINVAL,
			    "%s: %s is every address: no feed of addresses says that",
			    place_format(place, where), text);
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
			       const struct entry_place *place)
{
	const char *text = json_string_value(json_object_get(entry, key));
	char where[PLACE_BYTES_MAX];

	if (!text)
		failure_write(reader->failure, "%s: it has no text \"%s\"",
			      place_format(place, where), key);
	return text;
}

static int read_entry(struct feed_reader *reader, const json_t *entry, const char *prefix_key,
		      const struct entry_place *place)
{
	const char *prefix = read_string(reader, entry, prefix_key, place);
	const char *region = prefix ? read_string(reader, entry, "region", place) : NULL;
	const char *service = region ? read_string(reader, entry, "service", place) : NULL;

	if (!prefix || !region || !service)
		return -EINVAL;
	note_word(reader->arena, &reader->regions, region);
	note_word(reader->arena, &reader->services, service);
	if (!is_wanted(&reader->source->regions, region) ||
	    !is_wanted(&reader->source->services, service))
		return 0;
	return add_prefix(reader, prefix, place);
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
		const struct entry_place place = {list_key, i};
		int error = read_entry(reader, entry, prefix_key, &place);

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
	const struct entry_place place = {NULL, number};
	const char *comment = memchr(line, '#', length);

	if (comment)
		length = (size_t)(comment - line);
	while (length && strchr(" \t\r", line[length - 1]))
		length--;
	while (length && strchr(" \t", *line)) {
		line++;
		length--;
	}
	if (!length)
		return 0;
	return add_prefix(reader, arena_strndup(reader->arena, line, length), &place);
}

static size_t count_lines(const char *text, size_t length)
{
	const char *end = text + length;
	size_t count = 1;

	while ((text = memchr(text, '\n', (size_t)(end - text)))) {
		text++;
		count++;
	}
	return count;
}

static int read_lines(struct feed_reader *reader, const char *text, size_t length)
{
	struct prefix_list *prefixes = &reader->feed.prefixes;
	unsigned number = 1;

	prefixes->capacity = count_lines(text, length);
	prefixes->items = arena_alloc(reader->arena, prefixes->capacity * sizeof(*prefixes->items));
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
