/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalog: one vendor document as policy. This is the file as it was written, checked in itself;
 * what it means on a host is decided by resolve.c. Everything lives in the arena that catalog_read
 * was given.
 */
#ifndef SALLYPORT_CATALOG_H
#define SALLYPORT_CATALOG_H

#include <stdbool.h>
#include <stdio.h>

#include "../include/abi.h"
#include "arena.h"
#include "diagnostic.h"
#include "service.h"
#include "uri.h"

/* A name or text with the place where it stands. */
struct word {
	const char *text;
	struct position at;
};
typedef LIST(struct word) word_list;

/* Things that begin with a word, sorted by it: look-ups in files of any size stay cheap. */
struct word_index {
	const struct word **items;
	size_t count;
};

/* A port or ports as written: numbers, or a parameter's value. */
struct port_term {
	enum { PORTS_RANGE, PORTS_ANY, PORTS_NONE, PORTS_PARAMETER } kind;
	struct port_range range;
	const char *parameter; /* PORTS_PARAMETER: "p", or "instance/p" in a site */
	struct position at;
};
typedef LIST(struct port_term) port_term_list;

/* One item of a services list. */
struct service_term {
	enum {
		SERVICE_PORTS,	   /* protocols with ports */
		SERVICE_PROTOCOL,  /* esp, proto/112 */
		SERVICE_ECHO,	   /* icmp/echo */
		SERVICE_PARAMETER, /* $parameter whose type is services */
	} kind;
	uint8_t protocols[4]; /* SERVICE_PORTS: tcp, udp, sctp as named; SERVICE_PROTOCOL: one */
	unsigned protocol_count;
	struct port_term ports; /* SERVICE_PORTS */
	const char *parameter;	/* SERVICE_PARAMETER */
	struct position at;
};
typedef LIST(struct service_term) service_term_list;

struct cite {
	const char *section;  /* as printed; one of the document's sections */
	const char *row;      /* as the document numbers it; NULL: none */
	const char *lines;    /* "214-222"; NULL: none */
	const char *footnote; /* NULL: none */
	struct position at;
};
typedef LIST(struct cite) cite_list;

enum parameter_type {
	PARAMETER_PORTS,
	PARAMETER_SERVICES,
	PARAMETER_SWITCH,
	PARAMETER_CHOICE,
	PARAMETER_NUMBER,
};

/* A parameter's value: its default, or what a site sets. */
struct parameter_value {
	port_term_list ports;	    /* PARAMETER_PORTS */
	service_term_list services; /* PARAMETER_SERVICES */
	bool on;		    /* PARAMETER_SWITCH */
	const char *choice;	    /* PARAMETER_CHOICE */
	uint64_t number;	    /* PARAMETER_NUMBER */
	bool none;		    /* the word none: not used here */
	struct position at;
};

struct parameter {
	struct word name;
	enum parameter_type type;
	word_list of; /* PARAMETER_CHOICE */
	bool has_default;
	struct parameter_value standard; /* the default */
	bool has_within;
	struct parameter_value within;
	bool narrower_warns;
	const char *about;   /* NULL: none */
	const char *reading; /* NULL: none */
	cite_list cite;
};

enum binding_kind {
	BIND_ADDRESS = 1,
	BIND_PREFIX = 2,
	BIND_FEED = 4,
	BIND_DOMAIN = 8,
	BIND_ANY = 16,
};

struct role {
	struct word id;
	word_list names;
	service_term_list listens;
	unsigned bind;		   /* of enum binding_kind */
	const char *refuse_domain; /* the error's text, or NULL */
	bool outside;
	unsigned count; /* exact number of addresses; 0: any */
};

struct group {
	struct word id;
	word_list names;
	word_list roles;
};

/* "SWITCH", "CHOICE=a|b", "bound ROLE", each also with "not " before it. */
struct condition {
	bool negated;
	enum { WHEN_SWITCH, WHEN_CHOICE, WHEN_BOUND } kind;
	const char *name; /* parameter or role */
	word_list values; /* WHEN_CHOICE */
	struct position at;
};
typedef LIST(struct condition) condition_list;

/*
 * What may only take away from what a rule permits. Of two rules that match the same packet the one
 * whose options are a subset of the other's wins: options_subset().
 */
struct options {
	unsigned set;  /* RULE_LIVE, RULE_SHAPE_RTP, RULE_LIMIT of include/abi.h */
	unsigned said; /* those that the file mentions, on or off: adjust may turn one off */
	struct rule_limit limit; /* RULE_LIMIT */
};

struct flow_rule {
	struct word id;
	word_list from; /* role or group; in a site also host, address, set, "hosts" */
	word_list to;
	bool from_is_list; /* a list or a group was written: the rule id names the role */
	bool to_is_list;
	service_term_list allow;     /* empty in a template: the entry's own alone */
	port_term_list source_ports; /* empty: any */
	bool either_way;
	bool between_partners; /* only between hosts that are partners */
	/* A template: one rule for each entry of a section of the site. */
	enum { EACH_NONE, EACH_CLIENT_PORT, EACH_LOCATION } each;
	enum uri_scheme scheme; /* EACH_LOCATION */
	condition_list when;
	struct options options;
	cite_list cite;
	const char *reading; /* NULL: none */
	bool mirror_missing;
};

/* What no flow may open. It gives no rule: what no flow opens is dropped anyway. */
struct forbid_rule {
	struct flow_rule flow; /* id, from, to and cite; the services in allow */
	bool any_service;      /* every protocol and port; allow is empty */
	word_list except;      /* flows; in a site of its own, or "instance/flow" */
};
typedef LIST(struct forbid_rule) forbid_list;

/* What a document demands of the whole: an item of checks. */
struct demand {
	enum {
		DEMAND_AT_LEAST_ONE, /* of these flows, once the ends of one are bound */
		DEMAND_NOT_TOGETHER, /* these roles; of one role: it is not bound */
		DEMAND_ALL_REACH,    /* every bound role opens to this role */
	} kind;
	word_list names; /* flows, roles, the one role */
	bool only_warns;
	condition_list when;
	const char *say; /* NULL: none */
	cite_list cite;
	struct position at;
};

/* A place of the document that yields no flow, and why: for whoever compares the two. */
struct no_flow {
	cite_list cite;
	const char *because;
};

struct catalog {
	const char *path; /* the file */
	struct word name;
	const char *title;
	const char *source;  /* NULL: none */
	const char *version; /* NULL: none */
	word_list sections;
	LIST(struct parameter) parameters;
	LIST(struct role) roles;
	LIST(struct group) groups;
	LIST(struct flow_rule) flows;
	forbid_list forbids;
	LIST(struct demand) demands; /* checks */
	LIST(struct no_flow) no_flows;
	/* By name, made by catalog_read: what catalog_role() and the others look in. */
	struct word_index parameter_index, role_index, group_index, flow_index;
};

/*
 * Reads and checks the file. NULL only if nothing could be read as a catalog; findings go to
 * diagnostics, and a catalog with errors must not be used further than to find more of them.
 * References inside the catalog (roles, groups, parameters, sections, conditions) are checked here.
 */
struct catalog *catalog_read(struct arena *arena, struct diagnostics *diagnostics,
			     const char *path);

/* The canonical text: reads back as the same catalog and prints as itself. */
void catalog_print(const struct catalog *catalog, FILE *out);

const struct role *catalog_role(const struct catalog *catalog, const char *id);	  /* or NULL */
const struct group *catalog_group(const struct catalog *catalog, const char *id); /* or NULL */
const struct parameter *catalog_parameter(const struct catalog *catalog, const char *name);
const struct flow_rule *catalog_flow(const struct catalog *catalog, const char *id);

/* Lower case, each run of other than letters and digits one space, none at the ends: how names
 * compare. */
char *name_fold(struct arena *arena, const char *name);

#endif
