/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions about a site in words: who can reach X, what can X reach; X is a role, a printed name
 * of one, a host or an address.
 */
#ifndef SALLYPORT_WHO_H
#define SALLYPORT_WHO_H

#include "reach.h"

/* What a question is about. */
struct party {
	const char *name;	       /* as asked */
	const struct binding *binding; /* a role; NULL: not one */
	const struct site_host *host;  /* a host; NULL: not one */
	bool is_address;
	struct address address;
};

/*
 * "instance/id", a printed name, a host of the site, or an address. False: nothing of that name;
 * ret_hint is then "; did you mean ...?" or "". Several roles of one name: false, and the hint
 * names them.
 */
bool party_find(struct arena *arena, const struct policy *policy, const char *name,
		struct party *ret_party, const char **ret_hint);

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
