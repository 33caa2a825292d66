/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed_source.h"

#include <ctype.h>
#include <string.h>

#include "../include/bounds.h"

#define DOMAIN_BYTES_MAX 253u /* RFC 1035 2.3.4, as text */
#define LABEL_BYTES_MAX	 63u

static const char *const kind_names[] = {
	[FEED_AWS] = "aws", [FEED_GENESYS_CLOUD] = "genesys-cloud", [FEED_LIST] = "list"};
#define KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *feed_kind_word(enum feed_kind kind)
{
	return kind_names[kind];
}

/* ------------------------------------------------------------ domains ---------------------------
 */

/* Labels of letters, digits and hyphens (RFC 1123 2.1); the first may be "*". */
static bool is_domain(const char *text)
{
	size_t labels = 0;

	if (strlen(text) > DOMAIN_BYTES_MAX)
		return false;
	for (;;) {
		size_t length = strcspn(text, ".");

		if (!length || length > LABEL_BYTES_MAX)
			return false;
		if (!(labels == 0 && length == 1 && *text == '*')) {
			for (size_t i = 0; i < length; i++) {
				bool letter = isalnum((unsigned char)text[i]);

				if (!letter && (text[i] != '-' || i == 0 || i + 1 == length))
					return false;
			}
		}
		labels++;
		if (!text[length])
			break;
		text += length + 1;
	}
	return labels > 1;
}

static bool read_domain(const struct reader *reader, const struct node *node,
			struct address_term *ret_term)
{
	static const struct key_rule rules[] = {{"domain", KEY_REQUIRED}};
	const struct node *child;
	const char *text;
	struct address address;

	if (!read_mapping(reader, node, "a domain", KEYS(rules)))
		return false;
	child = mapping_get(node, "domain");
	if (!child || !read_text(reader, child, "domain", &text))
		return false;
	if (address_parse(text, &address)) {
		reader_error(reader, child, "`%s` is an address: write it without `domain`", text);
		return false;
	}
	if (!is_domain(text)) {
		reader_error(reader, child,
			     "`%s` is no domain name: write labels of letters, digits and hyphens "
			     "with dots between, as in `files.example.com` or "
			     "`\"*.blob.core.windows.net\"`",
			     shown(reader, text));
		return false;
	}
	*ret_term = (struct address_term){
		.kind = ADDRESS_DOMAIN, .name = text, .at = node_position(node)};
	return true;
}

/* ------------------------------------------------------------ feeds -----------------------------
 */

static void read_shrink(const struct reader *reader, const struct node *node,
			struct site_feed *feed)
{
	const char *text;
	uint64_t percent;
	size_t digits;

	if (!read_text(reader, node, "shrink", &text))
		return;
	digits = strspn(text, "0123456789");
	if (strcmp(text + digits, "%") != 0 || !parse_digits(text, digits, &percent) ||
	    percent > 100) {
		reader_error(reader, node,
			     "`shrink` is a part of what was there, as in `20%%`, "
			     "from 0%% to 100%%");
		return;
	}
	feed->shrink_percent = (unsigned)percent;
	feed->has_shrink = true;
}

/* Ages are days, where the timeouts of connections are seconds: hence another range. */
static void read_max_age(const struct reader *reader, const struct node *node,
			 struct site_feed *feed)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
	const char *text;
	uint64_t number;
	size_t digits;

	if (!read_text(reader, node, "max-age", &text))
		return;
	digits = strspn(text, "0123456789");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[digits] != units[i].unit || text[digits + 1] ||
		    !parse_digits(text, digits, &number) || !number ||
		    number * units[i].seconds > FEED_AGE_SECONDS_LIMIT)
			continue;
		feed->max_age_seconds = number * units[i].seconds;
		feed->has_max_age = true;
		return;
	}
	reader_error(reader, node, "`max-age` is a time, as in `12h` or `7d`, at most %ud",
		     FEED_AGE_SECONDS_LIMIT / 86400u);
}

static void read_url(const struct reader *reader, const struct node *node, struct site_feed *feed)
{
	const char *url;

	if (!read_text(reader, node, "url", &url))
		return;
	if ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) ||
	    strchr(url, ' ')) {
		reader_error(reader, node,
			     "`url` begins with https:// or http:// and has no space");
		return;
	}
	if (strchr(url, '@')) {
		reader_error(reader, node,
			     "`url` with a user or password in it is refused: it would be printed "
			     "and stored; publish the feed without, or fetch it to a `file`");
		return;
	}
	feed->url = url;
}

/* Where it comes from: exactly one of the two. */
static bool read_place(const struct reader *reader, const struct node *node, struct site_feed *feed)
{
	const struct node *file = mapping_get(node, "file"), *url = mapping_get(node, "url");

	if (file)
		read_text(reader, file, "file", &feed->file);
	if (url)
		read_url(reader, url, feed);
	if (!file && !url)
		reader_error(reader, node, "a feed needs `file` or `url`: where is it?");
	if (file && url)
		reader_error(reader, url->key, "a feed has `file` or `url`, not both");
	return (file || url) && !(file && url) && (feed->file || feed->url);
}

static bool read_feed(const struct reader *reader, const struct node *node,
		      struct address_term *ret_term)
{
	static const struct key_rule rules[] = {
		{"feed", KEY_REQUIRED},	   {"file", KEY_OPTIONAL},     {"url", KEY_OPTIONAL},
		{"regions", KEY_OPTIONAL}, {"services", KEY_OPTIONAL}, {"shrink", KEY_OPTIONAL},
		{"max-age", KEY_OPTIONAL},
	};
	struct site_feed *feed = arena_alloc(reader->arena, sizeof(*feed));
	const struct node *child;
	unsigned kind;
	bool good;

	feed->at = node_position(node);
	feed->shrink_percent = FEED_SHRINK_PERCENT;
	feed->max_age_seconds = FEED_MAX_AGE_SECONDS;
	if (!read_mapping(reader, node, "a feed", KEYS(rules)))
		return false;
	child = mapping_get(node, "feed");
	good = child && read_choice(reader, child, "feed", kind_names, KINDS, &kind);
	if (good)
		feed->kind = (enum feed_kind)kind;
	if (!read_place(reader, node, feed))
		good = false;
	if ((child = mapping_get(node, "regions")))
		read_texts(reader, child, "regions", &feed->regions);
	if ((child = mapping_get(node, "services")))
		read_texts(reader, child, "services", &feed->services);
	if (good && feed->kind == FEED_LIST && (feed->regions.count || feed->services.count)) {
		reader_error(reader, node,
			     "a `list` has neither regions nor services: take the keys out");
		good = false;
	}
	if ((child = mapping_get(node, "shrink")))
		read_shrink(reader, child, feed);
	if ((child = mapping_get(node, "max-age")))
		read_max_age(reader, child, feed);
	*ret_term = (struct address_term){.kind = ADDRESS_FEED, .feed = feed, .at = feed->at};
	return good;
}

bool feed_source_read(const struct reader *reader, const struct node *node,
		      struct address_term *ret_term)
{
	if (mapping_get(node, "domain"))
		return read_domain(reader, node, ret_term);
	return read_feed(reader, node, ret_term);
}

/* ------------------------------------------------------------ printing --------------------------
 */

static const char *age_format(struct arena *arena, uint64_t seconds)
{
	if (seconds % 86400 == 0)
		return arena_printf(arena, "%llud", (unsigned long long)seconds / 86400);
	if (seconds % 3600 == 0)
		return arena_printf(arena, "%lluh", (unsigned long long)seconds / 3600);
	return arena_printf(arena, "%llum", (unsigned long long)seconds / 60);
}

void feed_source_print(struct writer *writer, unsigned indent, const struct address_term *term)
{
	const struct site_feed *feed = term->feed;
	pair_list domain = {0};
	text_list regions, services;

	write_item(writer);
	if (term->kind == ADDRESS_DOMAIN) {
		pair_list_add(writer, &domain, "domain", term->name);
		write_pairs(writer, indent + 2, NULL, &domain);
		return;
	}
	regions = texts_of_words(writer, &feed->regions);
	services = texts_of_words(writer, &feed->services);
	write_text(writer, indent + 2, "feed", feed_kind_word(feed->kind));
	if (feed->file)
		write_text(writer, indent + 2, "file", feed->file);
	if (feed->url)
		write_text(writer, indent + 2, "url", feed->url);
	if (regions.count)
		write_list(writer, indent + 2, "regions", &regions);
	if (services.count)
		write_list(writer, indent + 2, "services", &services);
	if (feed->has_shrink)
		write_text(writer, indent + 2, "shrink",
			   arena_printf(writer->arena, "%u%%", feed->shrink_percent));
	if (feed->has_max_age)
		write_text(writer, indent + 2, "max-age",
			   age_format(writer->arena, feed->max_age_seconds));
}
