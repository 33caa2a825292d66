/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP connections that were open before the hooks of an interface were, each given the flow that
 * egress would have made of its first packet: found by socket diagnostics, judged by the program
 * adopt (bpf/adopt.h), so that what is said here is what the programs will do.
 */
#ifndef SALLYPORT_ADOPT_H
#define SALLYPORT_ADOPT_H

#include "../include/abi.h"
#include "interface.h"
#include "socket_diagnostics.h"

/* Why a connection has no flow by a rule. */
enum adoption_lack {
	LACK_RULE,    /* no rule allows it: it is cut */
	LACK_ROOM,    /* a rule does, but the flow table is full: it is cut */
	LACK_NOTHING, /* no rule allows it, and it goes on, as a mode is audit or off: enforce
			 would cut it */
};
const char *adoption_lack_name(enum adoption_lack lack); /* "rule", "room" */

struct unadopted {
	struct tcp_connection connection;
	enum adoption_lack lack;
	enum reason reason; /* of what the out rules say; without LACK_ROOM */
};

struct adopted_rule {
	const char *id; /* NULL: no rule, where out is audit or off */
	size_t connections;
};

/* What came of one or more passes over the connections. */
struct adoptions {
	unsigned passes; /* 0: nothing was to be adopted */
	bool blind;	 /* the kernel lists no connections: none was looked at */
	size_t admitted; /* by in rules, and so in need of nothing; in the last pass */
	size_t made;	 /* flows, in all passes */
	uint32_t made_by[RULE_SLOTS_MAX];
	LIST(struct adopted_rule) rules;  /* adopt_finish() */
	LIST(struct unadopted) unadopted; /* in order after adopt_finish(), each once */
};

/* With what it is done. Descriptors are not taken over. */
struct adopter {
	struct arena *arena; /* the adoptions' lists live in it */
	int program_fd;	     /* program adopt of the generation that comes */
	int rule_info_fd;    /* its map of that name */
	/* All of the network namespace: connections among their addresses are on no wire. */
	const struct interface_list *interfaces;
	/* Those that get a hook: what leaves by others is not cut, and so not listed. */
	const struct interface_list *hooked;
};

/* The flow state that a connection in this TCP state is due. */
enum flow_state adopt_flow_state(uint8_t tcp_state);

/* What the program makes of one connection. Returns 0 or -errno. */
int adopt_one(const struct adopter *adopter, const struct tcp_connection *connection,
	      struct adoption *ret_adoption);

/*
 * One pass: lists the connections and adopts what has no flow yet, never over one that is there.
 * Can be repeated. Returns 0 or -errno.
 */
int adopt_pass(const struct adopter *adopter, struct failure *failure, struct adoptions *adoptions);
/* After the last pass: names the rules, and puts the lists in order. */
int adopt_finish(const struct adopter *adopter, struct failure *failure,
		 struct adoptions *adoptions);

#endif
