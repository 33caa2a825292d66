/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_kind.h"

#include <string.h>

#include "node.h"

enum file_kind file_kind_read(struct diagnostics *diagnostics, const char *path)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	cleanup(diagnostics_freep) struct diagnostics *unused = diagnostics_new();
	const struct node *root = node_read(arena, unused, path);

	if (!root) {
		node_read(arena, diagnostics, path);
		return FILE_UNREADABLE;
	}
	if (root->kind != NODE_MAPPING) {
		diagnostics_error(diagnostics, ((struct position){path, 1, 1}),
				  "this is neither a catalog nor a site: a catalog begins with "
				  "`catalog: NAME`, a site with `site: NAME`");
		return FILE_UNREADABLE;
	}
	for (const struct node *child = root->first; child; child = child->next) {
		if (!child->key || child->key->kind != NODE_SCALAR)
			continue;
		if (strcmp(child->key->text, "catalog") == 0)
			return FILE_CATALOG;
		if (strcmp(child->key->text, "site") == 0)
			return FILE_SITE;
	}
	diagnostics_error(diagnostics, ((struct position){path, 1, 1}),
			  "it has neither the key `catalog` nor `site`: a catalog begins with "
			  "`catalog: NAME`, a site with `site: NAME`");
	return FILE_UNREADABLE;
}
