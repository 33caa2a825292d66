/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses to leaves, as lookup: flat finds them: the tree of include/abi.h ("flat_ipv4,
 * flat_ipv6"), made from the sorted prefixes of tables.
 */
#ifndef SALLYPORT_FLAT_TREE_H
#define SALLYPORT_FLAT_TREE_H

#include "abi.h"
#include "tables.h"

struct flat_tree {
	struct flat_root root;
	uint8_t *units;
	uint32_t unit_count; /* that entries may name; FLAT_TAIL_UNITS of zeros stand behind */
};

/*
 * entries: sorted, what holds a prefix before it. role_slots: by index into the
 * tables' roles. Owned by the caller: flat_tree_free. 0, -ENOMEM, -EFBIG (FLAT_UNITS_MAX) or -ELOOP
 * (FLAT_STEPS_MAX).
 */
int flat_tree_build(const struct address_entry *entries, size_t count, bool ipv4,
		    const uint16_t *role_slots, struct flat_tree *ret_tree);
void flat_tree_free(struct flat_tree *tree);
size_t flat_tree_bytes(const struct flat_tree *tree);

#endif
