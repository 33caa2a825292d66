/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What takes away from a rule again: limit, live and shape of a flow, and of an entry of adjust.
 * When they drop what is docs/packet-path.md's, section 8.
 */
#ifndef SALLYPORT_RULE_OPTIONS_H
#define SALLYPORT_RULE_OPTIONS_H

#include "reader.h"
#include "writer.h"

/* For the keys of the mapping they stand in. */
/* clang-format off */
#define RULE_OPTION_KEYS {"limit", KEY_OPTIONAL}, {"live", KEY_OPTIONAL}, {"shape", KEY_OPTIONAL}
/* clang-format on */

/* Reads the three keys of a mapping; one with an error counts as not there. */
void rule_options_read(const struct reader *reader, const struct node *mapping,
		       struct options *ret_options);
/* Those that are on, and in an entry of adjust those that it turns off. */
void rule_options_print(struct writer *writer, unsigned indent, const struct options *options,
			bool with_off);

/* What the flow says, with what adjust (NULL: nothing) says in its place. */
struct options rule_options_over(const struct options *flow, const struct options *adjust);

/*
 * Why a flow with these services can't have an option that is on, whose key is in ret_key: it would
 * never be asked. NULL: it can, or that is not known before the values of parameters are.
 */
const char *rule_options_refuse(const struct options *options, const service_term_list *allow,
				const char **ret_key);

/* "live, shape: rtp, limit: 50 a second, at most 100 at once, each /24 or /64"; "" for none. In the
 * arena. */
const char *rule_options_format(struct arena *arena, unsigned set, const struct rule_limit *limit);

/* Is every option of a one of b's? Two limits are one option only if they are equal; each is looked
 * at only where its set has RULE_LIMIT. */
bool rule_options_subset(unsigned a, const struct rule_limit *a_limit, unsigned b,
			 const struct rule_limit *b_limit);
/* How many options a set has: what precedence counts. */
unsigned rule_options_count(unsigned set);

#endif
