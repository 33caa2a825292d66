/* SPDX-License-Identifier: BSD-2-Clause */
#include "partner.h"

#include <stdlib.h>
#include <string.h>

static bool names(const struct site_host *host, const struct site_host *other)
{
	list_for_each (partner, &host->partners)
		if (!strcmp(partner->text, other->name.text))
			return true;
	return false;
}

bool hosts_are_partners(const struct site_host *a, const struct site_host *b)
{
	return a && b && a != b && (names(a, b) || names(b, a));
}

static void check_partner(const struct reader *reader, const struct site_host *host,
			  const struct word *partner, const struct word_index *hosts)
{
	const struct site_host *other = word_index_find(hosts, partner->text);
	const char *nearest;

	if (other == host) {
		diagnostics_error(reader->diagnostics, partner->at,
				  "host `%s` can't be its own partner", partner->text);
	} else if (!other) {
		nearest = word_index_nearest(reader, hosts, partner->text);
		diagnostics_error(
			reader->diagnostics, partner->at, "no host `%s` in this file%s",
			shown(reader, partner->text),
			nearest ? arena_printf(reader->arena, "; did you mean `%s`?", nearest)
				: "");
	}
}

void partners_check(const struct reader *reader, const struct site *site,
		    const struct word_index *hosts)
{
	list_for_each (host, &site->hosts)
		list_for_each (partner, &host->partners)
			check_partner(reader, host, partner, hosts);
}

/* ------------------------------------------------------------ seen-as --------------------------
 */

/* An address by which a host is reached: its own, or what peers see. */
struct face {
	struct prefix prefix;
	struct position at;
	const struct site_host *host;
	bool seen;
};

typedef LIST(struct face) face_list;

static void add_faces(const struct reader *reader, const struct site_host *host,
		      const address_term_list *terms, bool seen, face_list *faces)
{
	list_for_each (term, terms)
		*arena_push(reader->arena, faces) =
			(struct face){term->prefixes.items[0], term->at, host, seen};
}

/* The hosts' own addresses before what is seen of others, then by place. */
static int compare_faces(const void *left, const void *right)
{
	const struct face *a = left, *b = right;
	int order = prefix_compare(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->seen != b->seen)
		return a->seen ? 1 : -1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

void seen_as_check(const struct reader *reader, const struct site *site)
{
	face_list faces = {0};
	char buffer[ADDRESS_TEXT_MAX];
	size_t first = 0, i;
	bool any = false;

	list_for_each (host, &site->hosts) {
		any = any || host->seen_as.count;
		add_faces(reader, host, &host->addresses, false, &faces);
		add_faces(reader, host, &host->seen_as, true, &faces);
	}
	if (!any || !faces.count)
		return;
	qsort(faces.items, faces.count, sizeof(*faces.items), compare_faces);
	for (i = 0; i < faces.count; i++) {
		const struct face *face = &faces.items[i];

		if (prefix_compare(&faces.items[first].prefix, &face->prefix))
			first = i;
		if (!face->seen || i == first || faces.items[first].host == face->host)
			continue;
		diagnostics_warning(
			reader->diagnostics, face->at,
			"`%s` is what peers see of host `%s`, and on line %u it is host "
			"`%s`'s too: the rules of both hold for it, since peers can't "
			"tell them apart",
			prefix_format(&face->prefix, buffer), face->host->name.text,
			faces.items[first].at.line, faces.items[first].host->name.text);
	}
}
