/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an instance's nodes fetch from, back up to and notify: a location of the site with its peer
 * found, and the pairings that a flow with "each: location SCHEME" has for it (VOSS, Network
 * Security, "Network URI specification"; reading V-20).
 */
#ifndef SALLYPORT_DESTINATION_H
#define SALLYPORT_DESTINATION_H

#include "pairing.h"

struct destination {
	const struct site_location *location;
	const struct instance *instance; /* whose nodes open */
	const struct end *to;
	const char *suffix; /* of the rule id: "sftp-10.0.0.5" */
};

/*
 * Fills destinations of policy, whose bindings must be there; files have none. Reports hosts that
 * are neither an address nor a name of the site file, and schemes that no flow of the catalog has.
 */
void destinations_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy);

/* Adds the pairings of every destination of pattern's flow, whose id lacks ":SCHEME-HOST". Those of
 * one scheme and host follow each other: they have one id and are one rule. */
void destination_pairings(struct arena *arena, const struct policy *policy,
			  const struct pairing *pattern, pairing_list *list);

/* Warns of what a location needs and its rule does not give: FTP's data connections. */
void destinations_check(struct diagnostics *diagnostics, const struct policy *policy);

#endif
