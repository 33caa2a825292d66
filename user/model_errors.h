/* SPDX-License-Identifier: BSD-2-Clause */
/* How many ICMP errors the model lets in: section 5 of docs/packet-path.md. */
#ifndef SALLYPORT_MODEL_ERRORS_H
#define SALLYPORT_MODEL_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/bounds.h"
#include "model_rules.h"

/* Which conversation a quoted packet belongs to. */
enum conversation_kind { NOT_ALLOWED, OF_IN_RULE, OF_FLOW };

/* Zeroed: all buckets are full. */
struct model_errors {
	struct {
		uint64_t spent; /* thousandths of an error, at that time */
		uint64_t at;	/* milliseconds */
	} buckets[ICMP_BUCKETS];
};

/* The bucket of errors that quote a packet of this own flow; the tuple as the flow has it. */
size_t model_errors_of_flow(const struct tuple *flow);

/* Of those that quote a packet of an in rule to this remote end; teller: the error's source. */
size_t model_errors_of_teller(const struct address *teller, const struct address *remote);

/*
 * True, and charged, if the bucket has one left. per_second is also how many there may be at once;
 * now is in milliseconds and never less than it was.
 */
bool model_errors_charge(struct model_errors *errors, size_t bucket, uint32_t per_second,
			 uint64_t now);

#endif
