/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalog draft from a table of flows, as vendors' documents have them: a line each, with from,
 * to, port and protocol. Columns are found by their names. What is not surely understood is
 * reported at its cell; nothing is guessed.
 */
#ifndef SALLYPORT_IMPORT_H
#define SALLYPORT_IMPORT_H

#include "catalog.h"

/* name and title are of the catalog to make. NULL after errors were reported. */
struct catalog *import_csv(struct arena *arena, struct diagnostics *diagnostics, const char *path,
			   const char *name, const char *title);

#endif
