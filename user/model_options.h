/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's options of a rule: section 8 of docs/packet-path.md. */
#ifndef SALLYPORT_MODEL_OPTIONS_H
#define SALLYPORT_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/abi.h"
#include "address.h"

/* 8.2: may these bytes behind a UDP header arrive on a media port? */
bool shape_is_media(const uint8_t *payload, size_t length);

/* What the limiter remembers of sources. Zeroed: nothing. */
struct model_limits {
	void *sources; /* tree of tsearch(3) */
	size_t count;
	uint64_t uses; /* how often one was let in: tells the one that was used longest ago */
};

void model_limits_clear(struct model_limits *limits);

/*
 * 8.3: true, and charged, if the rule in this slot lets one more of the source in. now is in
 * milliseconds. At most sources_max are remembered.
 */
bool model_limits_charge(struct model_limits *limits, size_t sources_max, size_t slot,
			 const struct rule_limit *limit, const struct address *source,
			 uint64_t now);

#endif
