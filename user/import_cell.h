/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people write into the cells of a table of firewall rules: ports with and without protocols,
 * ranges, footnotes, arrows. What can be read in two ways is refused, never guessed.
 */
#ifndef SALLYPORT_IMPORT_CELL_H
#define SALLYPORT_IMPORT_CELL_H

#include "diagnostic.h"
#include "service.h"

enum cell_protocol {
	CELL_TCP = 1,
	CELL_UDP = 2,
};

struct cell_port {
	struct port_range range;
	unsigned protocols; /* of enum cell_protocol; 0: the cell does not say */
};

struct port_cell {
	LIST(struct cell_port) ports;
	const char *footnote; /* "***"; NULL: none */
	bool open;	      /* "dependant": the document leaves the port to the site */
	bool either_way;      /* "bi-directional" */
	unsigned open_protocols;
};

struct protocol_cell {
	unsigned protocols; /* of enum cell_protocol */
	bool either_way;
};

/*
 * Both report what they don't understand at the place of the cell and are false then. text is the
 * cell, in UTF-8; an empty protocol cell is read as none.
 */
bool port_cell_read(struct arena *arena, struct diagnostics *diagnostics, struct position at,
		    const char *text, struct port_cell *ret_cell);
bool protocol_cell_read(struct arena *arena, struct diagnostics *diagnostics, struct position at,
			const char *text, struct protocol_cell *ret_cell);

/* Gives every port its protocols, from its own cell or from the protocol cell. False: reported. */
bool port_cell_complete(struct diagnostics *diagnostics, struct position at,
			const struct protocol_cell *protocols, struct port_cell *cell);

enum arrow {
	ARROW_NONE,
	ARROW_RIGHT, /* => as printed, or as it comes out of a symbol font */
	ARROW_LEFT,
	ARROW_BOTH,
};

/* Splits "A => B" at its one arrow; the two sides are in the arena, without white space around. */
enum arrow arrow_split(struct arena *arena, const char *text, const char **ret_left,
		       const char **ret_right);

#endif
