/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A YAML 1.1 file as a tree in which scalars stay strings: "no", "22:30" and "16384-65535" mean
 * nothing before a typed reader takes them. (Not named yaml.h: that is libyaml's.)
 */
#ifndef SALLYPORT_NODE_H
#define SALLYPORT_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "diagnostic.h"

enum node_kind {
	NODE_SCALAR,
	NODE_SEQUENCE,
	NODE_MAPPING,
	/* Something was wrong with it and has been reported: readers refuse it without a word. */
	NODE_BROKEN,
};

/* A million prefixes are a million of these: linked, not in arrays that grow. */
struct node {
	uint8_t kind; /* enum node_kind */
	bool plain;   /* a scalar without quotes */
	uint32_t line;
	uint32_t column; /* from 1, in bytes */
	uint32_t count;	 /* children */
	const char *file;
	union {
		const char *text;   /* scalar: at most TEXT_BYTES_MAX bytes, no NUL inside */
		struct node *first; /* child of a sequence or mapping */
	};
	struct node *next;
	struct node *key; /* of a mapping's child: a scalar */
};

/*
 * Reads the file. NULL after an error that leaves nothing to go on with; what can be read past is
 * reported and left in the tree as NODE_BROKEN. Refused: duplicate keys, anchors, aliases, tags, a
 * second document, and whatever exceeds POLICY_FILE_BYTES_MAX, POLICY_DEPTH_MAX, POLICY_NODES_MAX
 * or TEXT_BYTES_MAX. Takes time linear in the file's size (n log n in the keys of one mapping).
 */
struct node *node_read(struct arena *arena, struct diagnostics *diagnostics, const char *path);

static inline struct position node_position(const struct node *node)
{
	return (struct position){node->file, node->line, node->column};
}

/* Written, but with nothing in it: "key:". */
static inline bool node_is_empty(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->plain && !node->text[0];
}

#endif
