/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pairing: one flow between one from and one to. What a flow means for the whole site, before it
 * is looked at from one host; resolve.c makes rules of it and check.c compares them.
 */
#ifndef SALLYPORT_PAIRING_H
#define SALLYPORT_PAIRING_H

#include "value.h"

/* One end of a pairing: a role, or in a site's own flow a host, "hosts" or addresses. */
struct end {
	const char *name;	       /* for people: "cyara/mssql", "web-1", "10.9.0.0/28" */
	const char *label;	       /* in rule ids: without the instance where the catalog is */
	const struct binding *binding; /* NULL: no role */
	struct end_member {
		const struct site_host *host; /* NULL: no host of this file */
		const struct prefix_list *addresses;
		/* host NULL: what of that makes an unnamed host its own. */
		const struct prefix_list *single;
		/* The same addresses as peers see them; NULL: as they are. */
		const struct prefix_list *seen;
	} * members;
	size_t member_count; /* 0: bound to nothing */
};

struct pairing {
	const char *id; /* of its rules */
	const struct instance *instance;
	const struct flow_rule *flow;
	const struct end *from;
	const struct end *to;
	bool back; /* the exchanged one of either-way */
	/* Of the flow, or of a template's entry. */
	const service_term_list *allow;
	const port_term_list *source_ports; /* empty: any */
	/* The entry of a template; NULL: none. */
	const struct connection *connection;
	const struct destination *destination;
	const struct site_adjust *adjust; /* what the site adjusts of the flow, or NULL */
	struct options options;		  /* of the flow, with what adjust says in their place */
	const struct forbid_rule *forbid; /* whose flow this is; NULL: of a flow that opens */
};
typedef LIST(struct pairing) pairing_list;

/*
 * Fills forbids and pairings of policy: those of flows that "without" does not take out and whose
 * "bound" conditions hold, ends bound or not. Reports what the site's own flows and its management
 * name and is not there, and rule ids that are too long.
 */
void pairings_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy);

/*
 * Destination ports of the opener's packets where host (NULL: no host of this file) is at "to".
 * Empty if a condition does not hold there. False if a parameter is needed that has no value.
 * What forbids any service has one of protocol 0.
 */
bool pairing_services(struct arena *arena, const struct policy *policy,
		      const struct pairing *pairing, const struct site_host *host,
		      struct service_list *ret_services, struct lack *ret_lack);
/* Source ports of the opener's packets where host is at "from"; any where the flow says none. */
bool pairing_source_ports(struct arena *arena, const struct policy *policy,
			  const struct pairing *pairing, const struct site_host *host,
			  struct port_list *ret_ports, struct lack *ret_lack);

/* Does the pairing hold between these two? Hosts that are no partners: not where a flow asks that.
 * NULL is no host of this file. */
bool pairing_joins(const struct pairing *pairing, const struct site_host *from,
		   const struct site_host *to);

/* A host of the site as an end; and addresses: whoever has one that they name opens or is opened
 * to, but "any" means the others. name is also the label. */
const struct end *end_of_host(struct arena *arena, const struct policy *policy,
			      const struct site_host *host, const char *name);
const struct end *end_of_addresses(struct arena *arena, const struct policy *policy,
				   const address_term_list *terms, const char *name);

/* The protocols of terms, all of them services with ports, at other ports. */
const service_term_list *service_terms_at(struct arena *arena, const service_term_list *terms,
					  const port_term_list *ports);

bool pairing_is_bound(const struct pairing *pairing); /* both ends */
/* Do its conditions leave it a service, at some host? Its ends may be bound or not. */
bool pairing_is_in_force(struct arena *arena, const struct policy *policy,
			 const struct pairing *pairing);

/* Do all conditions hold by what is set for all hosts? One whose parameter has no value does not.
 */
bool conditions_hold(struct arena *arena, const struct policy *policy,
		     const struct instance *instance, const condition_list *when);

/* Reports parameters without value that a flow in force needs whose both ends are bound. */
void pairings_require(struct diagnostics *diagnostics, const struct policy *policy);

#endif
