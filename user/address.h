/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, prefixes and lists of prefixes, of both families. */
#ifndef SALLYPORT_ADDRESS_H
#define SALLYPORT_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

#define ADDRESS_TEXT_MAX 64 /* with a prefix length and a NUL */

struct address {
	uint8_t family;	   /* 4 or 6 */
	uint8_t bytes[16]; /* network order; IPv4 in the first four bytes, the rest 0 */
};

struct prefix {
	struct address address; /* bits behind the length are 0 */
	uint8_t length;		/* bits, of 32 or 128 */
};

/* Canonical after prefix_list_normalize: sorted (IPv4 first), no prefix inside another, no two that
 * make one. */
struct prefix_list {
	struct prefix *items;
	size_t count;
	size_t capacity;
};

/* Parse the whole text; false if it is no address (or prefix). Host bits set behind the length:
 * false too. */
bool address_parse(const char *text, struct address *ret_address);
bool prefix_parse(const char *text, struct prefix *ret_prefix);
/* An address with its host bits set gives the prefix that was probably meant; for messages. */
bool prefix_parse_loosely(const char *text, struct prefix *ret_prefix);

struct prefix prefix_of_address(const struct address *address);
unsigned address_bits(const struct address *address); /* 32 or 128 */
int address_compare(const struct address *a, const struct address *b);
int prefix_compare(const struct prefix *a,
		   const struct prefix *b); /* address, then shorter first */
bool prefix_contains(const struct prefix *prefix, const struct address *address);
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
bool prefix_is_single(const struct prefix *prefix);
/* Only groups: within 224.0.0.0/4 or ff00::/8, or (a group, no multicast) 255.255.255.255. */
bool prefix_is_group(const struct prefix *prefix);
bool prefix_is_multicast(const struct prefix *prefix);
bool prefix_list_contains(const struct prefix_list *list, const struct address *address);
bool prefix_list_equal(const struct prefix_list *a, const struct prefix_list *b);

/* The fewest prefixes that cover first..last and nothing else. Same family, first <= last. */
void prefix_list_add_range(struct arena *arena, struct prefix_list *list,
			   const struct address *first, const struct address *last);
void prefix_list_add(struct arena *arena, struct prefix_list *list, const struct prefix *prefix);
void prefix_list_normalize(struct prefix_list *list);
/* list less every address in remove; both need not be normalized, the result is. */
void prefix_list_subtract(struct arena *arena, struct prefix_list *list,
			  const struct prefix_list *remove);

/* Adds every unicast address: all but 224.0.0.0/4, 255.255.255.255 and ff00::/8. Normalizes. */
void prefix_list_add_unicast(struct arena *arena, struct prefix_list *list);

/* RFC 5952 for IPv6. buffer has ADDRESS_TEXT_MAX bytes; returns buffer. */
const char *address_format(const struct address *address, char *buffer);
/* As address_format, with "/length" unless it is a single address. */
const char *prefix_format(const struct prefix *prefix, char *buffer);

#endif
