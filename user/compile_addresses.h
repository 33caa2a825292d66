/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses into classes: every prefix that any list names becomes an entry that holds all that is
 * to be known of its addresses, since the longest match gives one entry only. Only the compile
 * stage includes this.
 */
#ifndef SALLYPORT_COMPILE_ADDRESSES_H
#define SALLYPORT_COMPILE_ADDRESSES_H

#include "compile_terms.h"

/* Classes 0 and LOCAL_CLASS_GROUP, then those of this host's addresses, then those of peers. */
struct address_classes {
	struct class_sets *keys; /* what makes a class: see compile_addresses.c */
	number_list key_of;	 /* by class */
	uint32_t local_count;	 /* classes below this one can stand at the near end */
};

/* Fills ipv4 and ipv6 of the tables. Returns 0 or -E2BIG. */
int compile_addresses(struct arena *scratch, const struct terms *terms,
		      struct diagnostics *diagnostics, struct tables *tables,
		      struct address_classes *ret_classes);

/* The terms of one direction that name a class's addresses at one end, ascending, into result. */
void address_class_terms(const struct address_classes *classes, const struct terms *terms,
			 uint32_t class_id, enum end end, enum direction direction,
			 struct arena *scratch, number_list *result);

#endif
