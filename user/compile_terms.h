/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of a host taken apart for the compiler: terms, in order of precedence, and the address
 * lists that they name, each list once. Only the compile stage includes this.
 */
#ifndef SALLYPORT_COMPILE_TERMS_H
#define SALLYPORT_COMPILE_TERMS_H

#include "class_sets.h"
#include "diagnostic.h"
#include "host_policy.h"
#include "tables.h"

/* The two ends of a conversation, seen from this host. */
enum end {
	END_NEAR = 0, /* local port and address */
	END_FAR = 1,  /* remote port and address */
	END_COUNT = 2,
};

/* At the near end: every unicast address. */
#define LIST_EVERYWHERE UINT32_MAX

/* One match of one rule. Its number is its place: the lower one wins. Fewest options come first,
 * then the order of the rules. */
struct term {
	enum direction direction;
	uint8_t protocol;
	uint16_t rule; /* index */
	uint16_t options;
	const struct port_list *ports[END_COUNT];
	uint32_t lists[END_COUNT]; /* index, or LIST_EVERYWHERE */
};

struct address_list {
	const struct prefix_list *prefixes;
	number_list terms[END_COUNT]; /* that have this list at that end, ascending */
	bool own;		      /* addresses of this host */
	bool floating;
	bool group;    /* multicast and limited broadcast */
	uint32_t peer; /* the first of the host's peers with this list, + 1; 0: none */
};

struct terms {
	LIST(struct term) items;
	LIST(struct address_list) lists;
	number_list everywhere; /* terms at every unicast address of this host, ascending */
	uint16_t *role_of_peer; /* by index into the host's peers: index into tables->roles + 1 */
};

/* Returns 0 or -E2BIG; also sets the rules and roles of the tables. */
int compile_terms(struct arena *scratch, const struct host_policy *host,
		  struct diagnostics *diagnostics, struct tables *tables, struct terms *ret_terms);

/*
 * Reports "what is too large: more than NAME (value); the way out". Returns -E2BIG. For the bounds
 * of include/bounds.h.
 */
#define compile_over(diagnostics, bound, what, way_out)                                            \
	compile_over_bound((diagnostics), #bound, (bound), (what), (way_out))
int compile_over_bound(struct diagnostics *diagnostics, const char *name, uint32_t bound,
		       const char *what, const char *way_out);

#endif
