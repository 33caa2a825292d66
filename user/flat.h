/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index of lookup: flat, made from tables: three arrays in the layout of include/abi.h
 * ("lookup: flat"). That of ports and decisions is rounded up to a power of two entries, so that
 * the programs can mask their indexes.
 */
#ifndef SALLYPORT_FLAT_H
#define SALLYPORT_FLAT_H

#include "failure.h"
#include "flat_tree.h"
#include "tables.h"

struct flat {
	struct flat_shape shape;
	__u16 *classes; /* shape.classes_mask + 1 entries */
	struct flat_tree ipv4;
	struct flat_tree ipv6;
};

/*
 * rule_slots by rule index, role_slots by index into tables->roles. Owned by the caller: flat_free.
 * Returns 0, or -E2BIG with the bound's name, or -ENOMEM.
 */
int flat_build(const struct tables *tables, const uint16_t *rule_slots, const uint16_t *role_slots,
	       struct failure *failure, struct flat *ret_flat);
void flat_free(struct flat *flat);

/* The smallest shape the programs can be loaded with: for lookup: maps, where the index is not
 * used. */
struct flat_shape flat_shape_unused(const struct tables *tables);

#endif
