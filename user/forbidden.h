/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a packet was dropped because a document or the site forbids what it asks for. */
#ifndef SALLYPORT_FORBIDDEN_H
#define SALLYPORT_FORBIDDEN_H

#include "judge.h"

/*
 * What forbids a frame that was judged so: the first of the policy's forbids that lies between its
 * ends. NULL: none, or it was dropped for another cause than that no rule lets it open anything.
 */
const struct rule *forbidden_by(const struct host_policy *policy, enum direction direction,
				const void *frame, size_t length,
				const struct judgement *judgement);

#endif
