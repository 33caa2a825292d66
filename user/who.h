/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions about a site: who can reach a party, and what can it reach. */
#ifndef SALLYPORT_WHO_H
#define SALLYPORT_WHO_H

#include "party.h"
#include "reach.h"

/* One answer: two ends with what opens between them, as far as it is about the party. */
struct answer {
	const struct reach *reach;  /* NULL: by management */
	const char *rule;	    /* "cyara/web-5", "management/1" */
	struct prefix_list sources; /* those that the question leaves */
	struct prefix_list destinations;
	struct service_list services;
};
typedef LIST(struct answer) answer_list;

/*
 * Who opens to the party (to: true), or to whom it opens. wanted: only these services, NULL: all.
 * In the order of the reaches, management first.
 */
void who_answer(struct arena *arena, const struct policy *policy, const reach_list *reaches,
		const struct party *party, bool to, const struct service_list *wanted,
		answer_list *ret_answers);

/* Everything that opens to anything. */
void who_all(struct arena *arena, const struct policy *policy, const reach_list *reaches,
	     answer_list *ret_answers);

#endif
