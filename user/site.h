/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site file as it was written: where the roles live, what is different here, how to enforce.
 * References into catalogs are not followed here (policy.c does), so this stage needs no catalog.
 */
#ifndef SALLYPORT_SITE_H
#define SALLYPORT_SITE_H

#include "../include/abi.h"
#include "address.h"
#include "catalog.h"
#include "link_settings.h"
#include "transport.h"
#include "uri.h"

enum feed_kind {
	FEED_AWS,	    /* https://ip-ranges.amazonaws.com/ip-ranges.json */
	FEED_GENESYS_CLOUD, /* GET /api/v2/ipranges */
	FEED_LIST,	    /* one address or prefix a line; # begins a comment */
};

/* Addresses that somebody else publishes, as the site names them. */
struct site_feed {
	enum feed_kind kind;
	const char *file;	 /* as written; relative to the site file. NULL: url */
	const char *url;	 /* read from its stored copy. NULL: file */
	word_list regions;	 /* empty: all */
	word_list services;	 /* empty: all */
	unsigned shrink_percent; /* an update that loses more is refused */
	uint64_t max_age_seconds;
	bool has_shrink, has_max_age;
	struct position at;
};

/* One item of an addresses list. */
struct address_term {
	enum {
		ADDRESS_PREFIXES, /* an address, a prefix or a range: prefixes holds it */
		ADDRESS_ANY,	  /* the word any */
		ADDRESS_SET,	  /* $set */
		ADDRESS_HOST,	  /* host name of this file */
		ADDRESS_FEED,	  /* {feed: ...} */
		ADDRESS_DOMAIN,	  /* {domain: "..."} */
	} kind;
	struct prefix_list prefixes;
	const char *name; /* set, host or domain */
	const struct site_feed *feed;
	struct position at;
};
typedef LIST(struct address_term) address_term_list;

struct site_catalog {
	struct word catalog;
	const char *as; /* instance name; the catalog's own where the file says none */
	struct position as_at;
};

struct site_modes {
	bool is_set;
	enum mode in;
	enum mode out;
	struct position at;
};

/* Settings of host:, with what stands in hosts.H over it. */
struct host_settings {
	struct position at;
	bool has_dhcp, dhcp;
	bool has_forwarding;
	enum forwarding forwarding;
	bool has_floating;
	address_term_list floating;
	struct link_settings link;
	bool has_cross_check;
	uint32_t cross_check; /* one packet in so many; 0 never */
	bool has_adopt;
	uint32_t adopt_ms; /* 0: do not wait */
	bool has_timeout[FLOW_STATE_COUNT];
	uint32_t timeout_ms[FLOW_STATE_COUNT];
};

struct site_parameter {
	struct word name; /* "instance/parameter" */
	/*
	 * Not typed before the catalog is known: policy.c reads it with parameter_value_read().
	 */
	const struct node *value;
};
typedef LIST(struct site_parameter) site_parameter_list;

struct site_host {
	struct word name;
	address_term_list addresses; /* single ones only */
	word_list roles;	     /* "instance/id" */
	address_term_list seen_as;   /* single ones; empty: peers see the addresses themselves */
	word_list partners;	     /* hosts; each names this one too */
	struct site_modes mode;
	bool has_interfaces, interfaces_auto;
	word_list interfaces;
	struct host_settings settings;
	site_parameter_list parameters;
};

struct site_bind {
	struct word role; /* "instance/id" */
	address_term_list addresses;
};

struct site_set {
	struct word name;
	address_term_list addresses;
};

struct site_management {
	address_term_list from;
	service_term_list allow;
	struct position at;
};

struct site_without {
	struct word flow; /* "instance/id" */
	const char *because;
	struct position at;
};

/* One connection of client-ports. */
struct site_client_port {
	struct word client; /* "instance/id" */
	struct word server;
	struct word host;	    /* text NULL: the one that has the role */
	word_list server_hosts;	    /* empty: the one that has the role */
	port_term_list server_port; /* empty: the parameter SERVERROLE-port */
	const char *transport_text;
	struct transport transport;
	const char *command_line; /* NULL: none; it says the same as transport */
	struct position at;
	struct position transport_at;
};

enum location_use { LOCATION_BACKUP, LOCATION_DOWNLOAD, LOCATION_NOTIFY, LOCATION_USE_COUNT };

struct site_location {
	struct uri uri;
	struct position at;
};

/* locations.INSTANCE */
struct site_locations {
	struct word instance;
	LIST(struct site_location) uses[LOCATION_USE_COUNT];
	address_term_list mail_relay; /* empty: none */
};

/* Options of one flow of a catalog. */
struct site_adjust {
	struct word flow;	     /* "instance/id" */
	port_term_list source_ports; /* empty: as the flow has them */
	struct options options;	     /* what it says, on or off, stands for what the flow says */
};

struct site {
	const char *path;
	struct word name;
	const char *about; /* NULL: none */
	LIST(struct site_catalog) catalogs;
	struct site_modes mode;
	bool has_interfaces, interfaces_auto; /* neither: auto */
	word_list interfaces;
	enum lookup lookup; /* flat where the file says nothing */
	bool has_lookup;
	uint32_t bound_flows; /* FLOWS_DEFAULT where the file says nothing */
	uint32_t bound_fragments;
	uint32_t bound_sources;
	bool has_bound_flows, has_bound_fragments, has_bound_sources;
	struct host_settings settings;
	bool has_management;
	LIST(struct site_management) management;
	LIST(struct site_set) sets;
	LIST(struct site_host) hosts;
	LIST(struct site_bind) bind;
	site_parameter_list parameters;
	LIST(struct site_without) without;
	LIST(struct site_adjust) adjust;
	forbid_list forbids; /* from, to as of flows */
	LIST(struct flow_rule)
	flows; /* as instance "site"; from, to also hosts, addresses, sets, "hosts" */
	LIST(struct site_client_port) client_ports;
	LIST(struct site_locations) locations;
};

struct site *site_read(struct arena *arena, struct diagnostics *diagnostics, const char *path);
/* Whether that is what a file is meant to be: it has the key `site`, right or wrong. */
bool is_site_file(struct arena *arena, const char *path);
void site_print(const struct site *site, FILE *out);

/*
 * The typed reading of a value where the parameter is known: as in a catalog's default. False after
 * an error was reported. The ports form "$instance/parameter" is allowed.
 */
bool parameter_value_read(struct arena *arena, struct diagnostics *diagnostics,
			  const struct node *node, const struct parameter *parameter,
			  struct parameter_value *ret_value);

#endif
