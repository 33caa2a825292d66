/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a loaded object is pinned where: the maps that outlive a generation in shared/ and in the
 * interface's directory, all others and the programs in its generation-N/.
 */
#ifndef SALLYPORT_LASTING_H
#define SALLYPORT_LASTING_H

#include "load.h"
#include "pins.h"

/* The lasting maps that are pinned already; -1 for those that the load is to make. */
int lasting_open(const struct pins *pins, const char *interface, struct lasting_maps *ret_lasting,
		 struct failure *failure);
void lasting_close(struct lasting_maps *lasting);

/*
 * Pins what was loaded: lasting maps that were not pinned before, but meta, then the generation,
 * with its generation_info last: a generation that has one is whole.
 */
int lasting_pin_generation(const struct pins *pins, const char *interface, struct loaded *loaded,
			   const struct lasting_maps *lasting,
			   const struct generation_info *information, struct failure *failure);

/* Writes and pins meta, which the first load made. */
int lasting_pin_meta(const struct pins *pins, struct loaded *loaded, const struct layout_meta *meta,
		     struct failure *failure);

#endif
