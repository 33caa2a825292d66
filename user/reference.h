/* SPDX-License-Identifier: BSD-2-Clause */
/* References of a site into its catalogs: "instance/role", "instance/parameter", "instance/flow".
 */
#ifndef SALLYPORT_REFERENCE_H
#define SALLYPORT_REFERENCE_H

#include "policy.h"

enum reference_kind {
	REFERENCE_ROLE,
	REFERENCE_GROUP,
	REFERENCE_PARAMETER,
	REFERENCE_FLOW,
};

struct reference {
	const struct instance *instance;
	size_t index; /* in the catalog's list of that kind */
};

/*
 * False if there is no such thing; then an error at the word says what is missing and what was
 * probably meant, unless diagnostics is NULL. Nothing is said about instances that are not in
 * "catalogs" (site_read did) or whose catalog could not be read.
 */
bool reference_find(struct arena *arena, struct diagnostics *diagnostics,
		    const struct policy *policy, enum reference_kind kind, const char *text,
		    struct position at, struct reference *ret_reference);

/* Whether each "$instance/parameter" in a list of ports names a parameter of ports; an error where
 * not. */
bool reference_are_ports(struct arena *arena, struct diagnostics *diagnostics,
			 const struct policy *policy, const port_term_list *terms);

/* "; did you mean `x`?" or "". */
const char *did_you_mean(struct arena *arena, const char *word, const word_list *candidates);

#endif
