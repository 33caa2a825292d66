/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A policy: a site together with its catalogs, every reference followed. It is about all hosts;
 * host_policy.h is what it means on one.
 */
#ifndef SALLYPORT_POLICY_H
#define SALLYPORT_POLICY_H

#include "site.h"

struct connection;
struct destination;
struct pairing;
struct policy_feed;

/* One catalog as a site uses it. */
struct instance {
	const char *name; /* "cyara"; "site" is the site's own */
	const struct catalog *catalog;
	/*
	 * What holds for all hosts, by the catalog's parameter order: what the site sets, else
	 * (is_set false) the default, with references to other parameters already followed.
	 * Neither: has_value is false.
	 */
	struct setting {
		bool is_set;
		bool has_value;
		bool refers; /* the site wrote a reference */
		struct parameter_value value;
	} * settings;
	/* Flows taken out by without, by the catalog's flow order. */
	const struct site_without **without;
	/* Options that adjust gives flows, likewise. */
	const struct site_adjust **adjust;
};

/* Where one role lives: all its addresses, and which of them belong to which host. */
struct binding {
	const struct instance *instance;
	const struct role *role;
	const char *id;	   /* "cyara/mssql" */
	word_list domains; /* names that it is bound to besides: kept and shown, not followed yet */
	struct member {
		const struct site_host *host; /* NULL: from bind */
		struct prefix_list addresses; /* of a host with its floating ones */
		/* The same as peers see it: with seen-as in place of a host's own (NAT). */
		struct prefix_list seen;
		bool any; /* the word any: 0.0.0.0/0 and ::/0 */
		/* From bind: the addresses named one by one. Only those make a host their own. */
		struct prefix_list single;
		struct position at; /* in hosts.H.roles, or in bind */
	} * members;
	size_t member_count;
};

struct policy {
	const struct site *site;
	bool is_catalog; /* policy_of_catalog: nothing is bound, and templates are flows as well */
	struct instance *instances;
	size_t instance_count;
	struct binding *bindings; /* one for every role of every instance, in their order */
	size_t binding_count;
	/* Addresses of site->hosts[i] and of site->sets[i], resolved. */
	struct prefix_list *host_addresses;
	struct prefix_list *set_addresses;
	/* The same as peers see them (seen-as). */
	struct prefix_list *host_seen;
	struct prefix_list *set_seen;
	/* Per-host parameters: [host][instance][parameter], all of them in force on that host;
	 * [host] is NULL for a host that sets none of its own. */
	struct setting ***host_settings;
	/* Entries of client-ports and of locations (connection.h, destination.h). */
	const struct connection *connections;
	size_t connection_count;
	const struct destination *destinations;
	size_t destination_count;
	/* The feeds that the site names (policy_feeds.h). */
	struct policy_feed *feeds;
	size_t feed_count;
	/* Every flow between every two of its ends (pairing.h), in the order of precedence. */
	const struct pairing *pairings;
	size_t pairing_count;
	/* The same of what is forbidden: these give no rules. */
	const struct pairing *forbids;
	size_t forbid_count;
};

/*
 * Reads a site and its catalogs. catalog_directory may be NULL; the search order is that of the
 * site file's documentation. NULL if there were errors; all of them are in diagnostics.
 */
struct policy *policy_read(struct arena *arena, struct diagnostics *diagnostics,
			   const char *site_path, const char *catalog_directory);

/* Where what a site names is looked for; NULL: where the documentation says. */
struct policy_places {
	const char *catalogs;
	const char *feeds;
};
struct policy *policy_read_from(struct arena *arena, struct diagnostics *diagnostics,
				const char *site_path, const struct policy_places *places);

/*
 * One catalog as a site would have it that binds no role and sets no parameter: what its flows are
 * by themselves. Named NAME.yaml as everywhere; NULL as above.
 */
struct policy *policy_of_catalog(struct arena *arena, struct diagnostics *diagnostics,
				 const char *catalog_path);

/* A list of addresses of the site file, normalized, with sets and hosts followed (those were
 * checked by policy_read). */
void policy_addresses(struct arena *arena, const struct policy *policy,
		      const address_term_list *terms, struct prefix_list *ret_list);

/* The same as peers see them: hosts by seen-as where they have that. */
void policy_addresses_seen(struct arena *arena, const struct policy *policy,
			   const address_term_list *terms, struct prefix_list *ret_list);

const struct binding *policy_binding(const struct policy *policy, const char *role_id);

/*
 * A role by "instance/id" or by any printed name (name_fold). Returns how many match; ret_binding
 * is the first.
 */
size_t policy_find_role(const struct policy *policy, const char *name,
			const struct binding **ret_binding);

#endif
