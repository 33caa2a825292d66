/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which rule a packet meets where several match: docs/packet-path.md, section 7. The order itself
 * needs no work: fewest options first, then the order of the rules. Here is what makes it good: the
 * one with the fewest has no option that another lacks.
 */
#ifndef SALLYPORT_PRECEDENCE_H
#define SALLYPORT_PRECEDENCE_H

#include "diagnostic.h"
#include "host_policy.h"

/*
 * Reports, once for each two rules, that some packet is matched by both, that each has an option
 * which the other has not, and that no rule which matches it has only options that both have.
 * places is where each rule is written. Returns 0, -EINVAL after such an error, or -E2BIG after one
 * that names its bound.
 */
int precedence_check(struct diagnostics *diagnostics, const struct rule *rules,
		     const struct position *places, size_t count);

#endif
