/* SPDX-License-Identifier: BSD-2-Clause */
#include "match.h"

/* ------------------------------------------------------------ sets ------------------------------
 * Every set comes in two parts, seen from another: what both have, and what only the first has.
 */

static struct prefix_list copy_prefixes(struct arena *arena, const struct prefix_list *list)
{
	struct prefix_list copy = {0};

	list_for_each (prefix, list)
		prefix_list_add(arena, &copy, prefix);
	return copy;
}

static const struct prefix_list *only_prefixes(struct arena *arena, const struct prefix_list *list,
					       const struct prefix_list *other)
{
	struct prefix_list *only = arena_alloc(arena, sizeof(*only));

	if (list == other || prefix_list_equal(list, other))
		return only;
	*only = copy_prefixes(arena, list);
	prefix_list_subtract(arena, only, other);
	return only;
}

static const struct prefix_list *
common_prefixes(struct arena *arena, const struct prefix_list *list, const struct prefix_list *only)
{
	struct prefix_list *common = arena_alloc(arena, sizeof(*common));

	if (!only->count)
		return list;
	*common = copy_prefixes(arena, list);
	prefix_list_subtract(arena, common, only);
	return common;
}

/* Both are canonical, so one walk along the two is enough. */
static bool prefixes_meet(const struct prefix_list *a, const struct prefix_list *b)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		const struct prefix *left = &a->items[i], *right = &b->items[j];

		if (prefix_covers(left, right) || prefix_covers(right, left))
			return true;
		if (prefix_compare(left, right) < 0)
			i++;
		else
			j++;
	}
	return false;
}

/* ------------------------------------------------------------ matches ---------------------------
 */

bool match_common(struct arena *arena, const struct match *a, const struct match *b,
		  struct match *ret_common)
{
	struct match common = *a;
	struct port_list only;

	/* Ports are cheap and addresses may be many: most pairs of matches end here. */
	if (a->protocol != b->protocol || !port_list_overlaps(&a->local_ports, &b->local_ports) ||
	    !port_list_overlaps(&a->remote_ports, &b->remote_ports) ||
	    !prefixes_meet(a->local, b->local) || !prefixes_meet(a->remote, b->remote))
		return false;
	only = port_list_without(arena, &a->local_ports, &b->local_ports);
	common.local_ports = port_list_without(arena, &a->local_ports, &only);
	only = port_list_without(arena, &a->remote_ports, &b->remote_ports);
	common.remote_ports = port_list_without(arena, &a->remote_ports, &only);
	common.local = common_prefixes(arena, a->local, only_prefixes(arena, a->local, b->local));
	common.remote =
		common_prefixes(arena, a->remote, only_prefixes(arena, a->remote, b->remote));
	*ret_common = common;
	return true;
}

static void add_piece(struct arena *arena, const struct match *piece, match_list *list)
{
	if (piece->local->count && piece->remote->count && piece->local_ports.count &&
	    piece->remote_ports.count)
		*arena_push(arena, list) = *piece;
}

void match_subtract(struct arena *arena, const struct match *match, const struct match *removed,
		    match_list *list)
{
	struct match rest = *match, piece;
	struct port_list ports;

	piece = rest;
	ports = port_list_without(arena, &rest.local_ports, &removed->local_ports);
	piece.local_ports = ports;
	add_piece(arena, &piece, list);
	rest.local_ports = port_list_without(arena, &rest.local_ports, &ports);

	piece = rest;
	ports = port_list_without(arena, &rest.remote_ports, &removed->remote_ports);
	piece.remote_ports = ports;
	add_piece(arena, &piece, list);
	rest.remote_ports = port_list_without(arena, &rest.remote_ports, &ports);
	/* Ports are cheap and addresses may be many: most pairs of matches end here. */
	if (!rest.local_ports.count || !rest.remote_ports.count)
		return;

	piece = rest;
	piece.local = only_prefixes(arena, rest.local, removed->local);
	add_piece(arena, &piece, list);
	rest.local = common_prefixes(arena, rest.local, piece.local);
	if (!rest.local->count)
		return;

	piece = rest;
	piece.remote = only_prefixes(arena, rest.remote, removed->remote);
	add_piece(arena, &piece, list);
}
