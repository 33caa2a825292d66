/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host policy: the rules of one host, and how it enforces them. The end of what files mean:
 * compile.c and model.c take this and nothing before it.
 */
#ifndef SALLYPORT_HOST_POLICY_H
#define SALLYPORT_HOST_POLICY_H

#include <jansson.h>

#include "../include/abi.h"
#include "address.h"
#include "arena.h"
#include "link_settings.h"
#include "service.h"

/* Where a rule comes from. */
struct citation {
	const char *document; /* title; NULL: the site's own */
	const char *section;  /* NULL: none */
	const char *row;
	const char *lines;
	const char *footnote;
	const char *reading;
};

/* One conjunction. A packet matches a rule if it matches one of its matches. Port lists are
 * canonical. */
struct match {
	uint8_t protocol;
	struct port_list local_ports;	  /* in: the service ports; out: source ports */
	struct port_list remote_ports;	  /* in: source ports; out: the service ports */
	const struct prefix_list *local;  /* NULL: every unicast address (management) */
	const struct prefix_list *remote; /* never an own address */
	unsigned
		options; /* RULE_LIVE, RULE_SHAPE_RTP, RULE_LIMIT of include/abi.h: in rules only */
};

struct rule {
	const char *id;
	enum direction direction;
	const char *from; /* role, host or address as written */
	const char *to;
	const char *services; /* formatted, for people */
	struct citation *citations;
	size_t citation_count;
	struct match *matches;
	size_t match_count;
	unsigned options;	 /* of all its matches */
	struct rule_limit limit; /* RULE_LIMIT */
	bool is_adjusted;	 /* the site gives its flow fewer source ports than the document */
};

/*
 * What no flow may open, where this host is an end of it. In no table and in no verdict: default
 * deny drops it, and this says by whose will.
 */
struct forbid {
	struct rule rule; /* the matches: between whom */
	bool any_service; /* protocols and ports of the matches say nothing */
};

/* A label for peers: which role a remote address plays. First in the list wins. */
struct peer_role {
	const char *role; /* "cyara/mssql" */
	const struct prefix_list *addresses;
};

/* A name that a peer's role is bound to: kept and shown, not followed on the wire. */
struct domain_peer {
	const char *role; /* "audiocodes-lpdm/azure-blob" */
	const char *domain;
	bool has_addresses; /* the site gives addresses for the role as well */
};

struct host_policy {
	const char *site;
	const char *host; /* NULL: unnamed */
	const char **roles;
	size_t role_count;
	struct prefix_list
		own; /* this host's own addresses (single), never remote; sources of spoofs */
	struct prefix_list named; /* those of own that the site file names; empty: not told apart */
	struct prefix_list floating; /* own as well, but may be elsewhere: not spoofed */
	enum mode mode[DIRECTION_COUNT];
	enum lookup lookup;
	enum forwarding forwarding;
	bool dhcp;
	struct link_settings link;  /* merged */
	bool router_advertisements; /* as link says; where it is auto, from the interface at apply
				     */
	bool multicast_membership;  /* as link says; where it is auto, if a rule names a group */
	bool interfaces_auto;
	const char **interfaces;
	size_t interface_count;
	bool has_management;
	uint32_t cross_check;
	uint32_t flows;
	uint32_t fragments;
	uint32_t sources;		 /* entries of the limiter's table */
	uint32_t icmp_errors_per_second; /* of each bucket, and at once: 1 or more */
	uint32_t flow_share;
	uint32_t timeout_ms[FLOW_STATE_COUNT];
	uint32_t fragment_timeout_ms;
	uint32_t adopt_ms; /* egress learns so long before XDP is first attached; 0: not at all */
	/*
	 * Of those that match a packet, the one whose match has the fewest options is the one;
	 * among equals, the first. Management comes first. At most RULES_MAX.
	 */
	struct rule *rules;
	size_t rule_count;
	struct peer_role *peers;
	size_t peer_count;
	struct forbid *forbids;
	size_t forbid_count;
	struct domain_peer *domains;
	size_t domain_count;
};

/* People's form: every rule with its citation. */
void host_policy_print(const struct host_policy *policy, FILE *out);
json_t *host_policy_json(const struct host_policy *policy); /* new reference */
/* Hex digest (64 characters and NUL) of everything that decides a verdict: equal digests judge
 * alike. */
void host_policy_digest(const struct host_policy *policy, char *digest);
/* "Cyara Voice Components, row 6 (Cyara Comprehensive ... Advisory, lines 214-222)": in the arena.
 */
char *citation_format(struct arena *arena, const struct rule *rule);

const struct rule *host_policy_rule(const struct host_policy *policy, const char *id,
				    enum direction direction);

#endif
