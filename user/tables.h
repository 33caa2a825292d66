/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host policy compiled: the content of the BPF maps, still without a kernel. Deterministic: equal
 * host policies give equal tables, byte for byte.
 */
#ifndef SALLYPORT_TABLES_H
#define SALLYPORT_TABLES_H

#include <stdio.h>

#include "diagnostic.h"
#include "host_policy.h"

/* An entry of an LPM trie; class_id etc. in the layout of include/abi.h, with role an index into
 * roles + 1. */
struct address_entry {
	struct prefix prefix;
	uint16_t class_id;
	bool own;
	bool peer_of_in;
	bool peer_of_out;
	uint16_t role; /* 0: none, else roles[role - 1] */
};

/* A disjoint piece of one protocol's ports on one side, sorted by side, protocol, first. class_id
 * is never 0. */
struct port_entry {
	enum port_side side;
	uint8_t protocol;
	uint16_t first;
	uint16_t last;
	uint16_t class_id;
};

/* A dense matrix of u16, row by row. */
struct grid {
	uint16_t *cells;
	uint32_t rows;
	uint32_t columns;
};

/* A decision: index of the rule + 1 (RULE_SLOT_MASK) and the options of its match
 * (RULE_OPTIONS_MASK). */
static_assert(RULES_MAX <= RULE_SLOT_MASK, "a decision has room for every rule");

struct tables {
	struct arena *arena; /* owns all of it */
	LIST(struct address_entry)
	ipv4; /* sorted by prefix_compare; no entry equals what its parent gives */
	LIST(struct address_entry) ipv6;
	LIST(struct port_entry) ports;
	struct grid
		near[DIRECTION_COUNT]; /* [local port class][local address class] -> near class */
	struct grid far[DIRECTION_COUNT];	/* [remote port class][peer class] -> far class */
	struct grid decisions[DIRECTION_COUNT]; /* [near class][far class] -> decision, 0: none */
	bool local_port_used[DIRECTION_COUNT];	/* some rule of that direction asks for it */
	bool remote_port_used[DIRECTION_COUNT];
	const struct rule *rules; /* of the host policy: index as in decisions */
	size_t rule_count;
	const char **roles; /* labels of peers */
	size_t role_count;
};

/*
 * Local address class 0 is any other unicast address, 1 multicast and broadcast (include/abi.h),
 * then own ones. An address has one class, used as local or as peer by where it stands; near and
 * far are indexed by it. Returns 0, or -E2BIG with the bound's name in diagnostics. Takes nothing
 * over; host must outlive the tables.
 */
int compile(const struct host_policy *host, struct diagnostics *diagnostics,
	    struct tables **ret_tables);

/* Empty, with an arena of its own: for compile(). */
struct tables *tables_new(void);
void tables_free(struct tables *tables);
void tables_freep(struct tables **tables);

/* The canonical dump: one line an entry. For golden tests and for people. */
void tables_print(const struct tables *tables, FILE *out);

#endif
