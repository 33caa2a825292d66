/* SPDX-License-Identifier: BSD-2-Clause */
#include "location.h"

#include <string.h>
#include <sys/stat.h>

#include "term.h"

static const char *const use_words[LOCATION_USE_COUNT] = {
	[LOCATION_BACKUP] = "backup",
	[LOCATION_DOWNLOAD] = "download",
	[LOCATION_NOTIFY] = "notify",
};

static bool others_can_read(const char *path)
{
	struct stat status;

	return !stat(path, &status) && (status.st_mode & (S_IRGRP | S_IROTH));
}

static void read_location(const struct reader *reader, const struct node *node,
			  enum location_use use, const char *path, struct site_locations *locations)
{
	struct site_location location = {.at = node_position(node)};
	const char *text, *wrong;

	/* "- scp://host:" is a mapping to YAML. */
	if (node->kind == NODE_MAPPING && node->count == 1 && node_is_empty(node->first)) {
		reader_error(reader, node,
			     "in `%s`, YAML takes a location that ends with a colon for a key: "
			     "put it in quotes",
			     use_words[use]);
		return;
	}
	if (!read_text(reader, node, use_words[use], &text))
		return;
	if (!uri_parse(reader->arena, text, &location.uri, &wrong)) {
		reader_error(reader, node, "a location in `%s`: %s", use_words[use], wrong);
		return;
	}
	if (location.uri.has_password && others_can_read(path))
		diagnostics_warning(reader->diagnostics, location.at,
				    "a password in a file that others can read: leave the password "
				    "out, which is never needed here, or `chmod 600` the file");
	*arena_push(reader->arena, &locations->uses[use]) = location;
}

/* mailto names a mailbox, not the machine that takes the mail. */
static void check_mail(const struct reader *reader, const struct site_locations *locations,
		       bool has_relay)
{
	bool mails = false;
	size_t use;

	for (use = 0; use < LOCATION_USE_COUNT; use++)
		list_for_each (location, &locations->uses[use]) {
			if (location->uri.scheme != URI_MAILTO)
				continue;
			mails = true;
			if (!has_relay)
				diagnostics_error(reader->diagnostics, location->at,
						  "a `mailto:` location needs `mail-relay`: the "
						  "addresses of the server that takes the mail; "
						  "the domain behind the `@` is not the peer");
		}
	if (!mails && locations->mail_relay.count)
		diagnostics_error(
			reader->diagnostics, locations->mail_relay.items[0].at,
			"`mail-relay` without a `mailto:` location opens nothing: take it "
			"out, or add the location");
}

static void read_instance(const struct reader *reader, const struct node *node, struct site *site)
{
	static const struct key_rule rules[] = {
		{"backup", KEY_OPTIONAL},
		{"download", KEY_OPTIONAL},
		{"notify", KEY_OPTIONAL},
		{"mail-relay", KEY_OPTIONAL},
	};
	struct site_locations locations = {0};
	const struct node *child, *item;
	size_t use;

	if (!read_name(reader, node->key, "locations", &locations.instance) ||
	    !read_mapping(reader, node, "an instance of `locations`", KEYS(rules)))
		return;
	for (use = 0; use < LOCATION_USE_COUNT; use++) {
		child = mapping_get(node, use_words[use]);
		if (!child || !read_list(reader, child, use_words[use]))
			continue;
		for (item = list_first(child); item; item = list_next(child, item))
			read_location(reader, item, (enum location_use)use, site->path, &locations);
	}
	child = mapping_get(node, "mail-relay");
	if (child)
		read_addresses(reader, child, "mail-relay", false, &locations.mail_relay);
	check_mail(reader, &locations, child != NULL);
	if (!node->count)
		reader_error(reader, node, "no locations here: take `%s` out",
			     locations.instance.text);
	*arena_push(reader->arena, &site->locations) = locations;
}

void locations_read(const struct reader *reader, const struct node *node, struct site *site)
{
	const struct node *child;

	if (!read_entries(reader, node, "`locations`"))
		return;
	for (child = node->first; child; child = child->next)
		read_instance(reader, child, site);
}

static void print_use(struct writer *writer, const struct site_locations *locations,
		      enum location_use use)
{
	text_list texts = {0};

	list_for_each (location, &locations->uses[use])
		text_list_add(writer, &texts, location->uri.shown);
	if (texts.count)
		write_list(writer, 4, use_words[use], &texts);
}

void locations_print(struct writer *writer, const struct site *site)
{
	bool begun = false;

	list_for_each (locations, &site->locations) {
		text_list relay = texts_of_addresses(writer, &locations->mail_relay);
		size_t use, count = 0;

		for (use = 0; use < LOCATION_USE_COUNT; use++)
			count += locations->uses[use].count;
		if (!count)
			continue;
		if (!begun)
			write_heading(writer, 0, "locations");
		begun = true;
		write_heading(writer, 2, locations->instance.text);
		for (use = 0; use < LOCATION_USE_COUNT; use++)
			print_use(writer, locations, (enum location_use)use);
		if (relay.count)
			write_list(writer, 4, "mail-relay", &relay);
	}
}
