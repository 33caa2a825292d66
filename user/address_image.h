/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one of the tries of addresses holds, or shall hold, as plain data: its entries in the order
 * in which the kernel lists a trie, what is inside a prefix before the prefix itself. And what is
 * to be changed to make one content another.
 */
#ifndef SALLYPORT_ADDRESS_IMAGE_H
#define SALLYPORT_ADDRESS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "../include/abi.h"
#include "tables.h"

/* Of both families: an IPv4 key is the beginning of an IPv6 one, and the rest is 0. */
struct address_record {
	struct ipv6_key key;
	struct address_class value;
};

struct address_image {
	struct address_record *items;
	size_t count;
};

/*
 * The entries of one family, which are sorted by prefix_compare; role_slots by index into the roles
 * of the tables. Owned by the caller: address_image_free. Returns 0 or -ENOMEM.
 */
int address_image_build(const struct address_entry *entries, size_t count,
			const uint16_t *role_slots, struct address_image *ret_image);

/* Puts records into the order of an image; those of a trie are in it already, and cost one look. */
void address_image_sort(struct address_image *image);
void address_image_free(struct address_image *image);

/* In the order of an image, by the keys alone: below 0, 0, above 0. */
int address_record_compare(const struct address_record *a, const struct address_record *b);

struct address_difference {
	struct address_record *remove; /* keys that the wanted content lacks */
	struct address_record *put;    /* what it has more, or otherwise */
	size_t removed;
	size_t added; /* of put, the keys that were not held */
	size_t changed;
	size_t kept; /* that need not be touched */
};

/*
 * From what is held to what is wanted. Owned by the caller: address_difference_free. Returns 0 or
 * -ENOMEM.
 */
int address_difference_make(const struct address_image *held, const struct address_image *wanted,
			    struct address_difference *ret_difference);
void address_difference_free(struct address_difference *difference);

#endif
