/* SPDX-License-Identifier: BSD-2-Clause */
/* Where roles live: the addresses of a site's sets and hosts, and which roles they are bound to. */
#ifndef SALLYPORT_BINDING_H
#define SALLYPORT_BINDING_H

#include "policy.h"

/* Fills set_addresses, host_addresses and bindings of policy, whose instances must be there. */
void bindings_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy);

const struct site_set *site_find_set(const struct site *site, const char *name);
const struct site_host *site_find_host(const struct site *site, const char *name);

/* What floats to this host: hosts.H.floating, else host.floating of the site (also for NULL). */
const address_term_list *host_floating(const struct site *site, const struct site_host *host);

/* Adds the domain names of a list of addresses, those of the sets in it included. */
void policy_domains(struct arena *arena, const struct policy *policy,
		    const address_term_list *terms, word_list *domains);

/* True if the list holds a whole family: the word any, or a prefix of length 0. */
bool addresses_are_any(const struct prefix_list *list);

#endif
