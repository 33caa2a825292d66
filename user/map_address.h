/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the programs name a map of the flat index or of the flow cache, they mean the address of
 * its one value: a constant, that the kernel knows when it translates them, instead of a look-up
 * that has to be computed and compared for each packet. libbpf writes such addresses for global
 * variables alone, whose size is fixed when they are compiled.
 */
#ifndef SALLYPORT_MAP_ADDRESS_H
#define SALLYPORT_MAP_ADDRESS_H

#include "failure.h"

/*
 * From here on the programs of objects that this process opens are loaded so. libbpf keeps such
 * handlers for the process, and libbpf 1.1 can't take the last one back: they are registered once.
 * 0, or -errno with the reason in failure.
 */
int map_address_use(struct failure *failure);

#endif
