/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The large maps of a load, and where each comes from: it is made anew, it is the one in force
 * because that holds the same, or it is a bank that was brought up to the new content.
 */
#ifndef SALLYPORT_TABLE_MAPS_H
#define SALLYPORT_TABLE_MAPS_H

#include <stdbool.h>

#include "bank.h"
#include "failure.h"
#include "flat.h"
#include "tables.h"

struct bpf_object;

enum table_map {
	TABLE_IPV4_CLASSES,
	TABLE_IPV6_CLASSES,
	TABLE_TRIE_COUNT, /* the ones before are tries */
	TABLE_FLAT_CLASSES = TABLE_TRIE_COUNT,
	TABLE_FLAT_IPV4,
	TABLE_FLAT_IPV6,
	TABLE_MAP_COUNT,
};

const char *table_map_name(enum table_map map); /* in the object: "ipv4_classes" */

/* Descriptors of such maps; -1: none. */
struct table_maps {
	int fd[TABLE_MAP_COUNT];
};
#define TABLE_MAPS_NONE ((struct table_maps){{-1, -1, -1, -1, -1}})
void table_maps_close(struct table_maps *maps); /* for cleanup attributes too */

enum table_source {
	TABLE_UNUSED,  /* the index, where lookup: maps */
	TABLE_MADE,    /* a new map */
	TABLE_UPDATED, /* a bank, brought up by difference */
	TABLE_KEPT,    /* the map in force: it holds the same */
};
const char *table_source_name(enum table_source source); /* "made" */

struct table_report {
	enum table_source source;
	struct bank_counts counts; /* of tries */
};

/* What one load wants in these maps, and from where it may take them. */
struct table_request {
	const struct tables *tables;
	const uint16_t *role_slots;    /* by index into tables->roles */
	const struct flat *flat;       /* its tables are NULL where lookup: maps */
	const struct table_maps *live; /* in force: taken if they hold the same. NULL: none */
	const struct table_maps *idle; /* tries that no program uses: may be changed. NULL: none */
	const struct progress *progress;
	struct stopwatch *stopwatch;
};

struct table_filling {
	struct address_image images[TABLE_TRIE_COUNT];
	struct table_report reports[TABLE_MAP_COUNT];
};

/*
 * Before the object is loaded: which maps are taken over, and how large the others are. ret_filling
 * is for table_maps_fill(), and the caller's: table_filling_free().
 */
int table_maps_choose(const struct table_request *request, struct bpf_object *object,
		      struct failure *failure, struct table_filling *ret_filling);
/* After it: their content, read back. */
int table_maps_fill(const struct table_request *request, struct bpf_object *object,
		    struct failure *failure, struct table_filling *filling);

/*
 * A trie like that of the object, which is loaded, with what the request wants in it. Its
 * descriptor is the caller's; or -errno.
 */
int table_maps_spare(const struct table_request *request, struct bpf_object *object,
		     enum table_map map, struct failure *failure);

void table_filling_free(struct table_filling *filling);

#endif
