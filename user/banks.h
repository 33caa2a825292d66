/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The banks: tries of addresses that outlive the generations that use them, pinned in shared/ as
 * bank-1/ipv4_classes and so on, and once more in each generation that has them. All interfaces
 * share them, since all are loaded from the same tables. Which bank is free is read from the pins
 * of the generations: there is no record of it that could be wrong.
 */
#ifndef SALLYPORT_BANKS_H
#define SALLYPORT_BANKS_H

#include "load.h"
#include "pins.h"

/* Two take turns; more only while other interfaces hold older generations. A trie that finds no
 * place here is made for one generation and goes with it. */
#define BANKS_MAX 8u

struct banks {
	struct table_maps live; /* of the newest generation */
	struct table_maps idle; /* in no generation: to be brought up to the next */
};
#define BANKS_NONE ((struct banks){TABLE_MAPS_NONE, TABLE_MAPS_NONE})

/*
 * Opens what the next load may use, after recovery. Of several idle banks all but one are emptied
 * and removed, unless it is only to be looked at. Close with banks_close.
 */
int banks_open(const struct pins *pins, struct arena *arena, bool only_look,
	       struct failure *failure, struct banks *ret_banks);
void banks_close(struct banks *banks); /* for cleanup attributes too */

/* Pins the tries that a load made as banks, for the loads after it. */
int banks_keep(const struct pins *pins, struct loaded *loaded, struct failure *failure);

/*
 * After the swap: where there is no idle bank yet, makes one of the same content, so that the next
 * load has only its difference to write.
 */
int banks_spare(const struct pins *pins, struct arena *arena, const struct load_request *request,
		struct loaded *loaded, struct failure *failure);

/* The number of the bank that a pinned generation uses for a trie. 0: none. */
unsigned banks_number(const struct pins *pins, const char *interface, uint32_t generation,
		      enum table_map map);

#endif
