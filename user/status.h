/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in force, asked of the kernel and of the pins. Takes no lock; where a command is at work,
 * waits for at most STATUS_READINGS * STATUS_PAUSE_MS until it has swapped all hooks.
 */
#ifndef SALLYPORT_STATUS_H
#define SALLYPORT_STATUS_H

#include "banks.h"
#include "hooks.h"
#include "pins.h"

enum interface_state {
	INTERFACE_OK = 0,      /* one generation at every hook that its modes ask for */
	INTERFACE_MIXED = 1,   /* each hook holds a whole policy, but not the same one */
	INTERFACE_PARTIAL = 2, /* a hook that the modes ask for is open */
	INTERFACE_GONE = 3,    /* there is no such interface any more */
};
/* "ok", "mixed", "partial", "gone". */
const char *interface_state_name(enum interface_state state);

struct interface_status {
	const char *name;
	uint32_t index; /* 0: gone */
	enum interface_state state;
	struct hooks hooks;
	uint32_t generation; /* in force: of XDP, else of egress, else the newest that is pinned */
	bool has_information;
	struct generation_info information; /* of that generation */
	unsigned banks[TABLE_TRIE_COUNT];   /* that it uses; 0: a trie that is no bank */
	bool has_state;
	uint64_t disagreements; /* of the two encodings, since it was loaded */
	bool vlan_stripped; /* the policy tells VLANs apart, and the NIC takes the tags off first */
	bool fallback;	    /* they disagreed: maps decide until the next load */
};

struct occupancy {
	uint64_t used; /* expired entries that wait for the sweep included */
	uint64_t bound;
};

struct status {
	bool pinned; /* false: nothing is in force, and all else is zero */
	struct layout_meta meta;
	struct journal journal;
	int busy; /* process id of a command at work at this moment; 0: none */
	/* A command was killed: the next apply or detach finishes or reverts what it left. */
	bool interrupted;
	struct occupancy flows;
	struct occupancy fragments;
	LIST(struct interface_status) interfaces;
};

/* root NULL: PINS_ROOT. Everything lives in the arena. 0 or -errno with the way out. */
int generation_status(struct arena *arena, const char *root, struct failure *failure,
		      struct status *ret_status);

/* Whether each interface enforces what it should, by one generation, and nothing is left to do. */
bool status_is_whole(const struct status *status);

#endif
