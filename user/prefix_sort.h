/* SPDX-License-Identifier: BSD-2-Clause */
/* Large lists of prefixes in the order of prefix_compare, in a time that grows with their length
 * alone. */
#ifndef SALLYPORT_PREFIX_SORT_H
#define SALLYPORT_PREFIX_SORT_H

#include <stddef.h>

#include "address.h"

void prefix_sort(struct prefix *prefixes, size_t count);

#endif
