/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The change request that the people of a network's own firewalls ask for: a line for each source
 * host, destination host, port and protocol, as CSV, with what the line rests on.
 */
#ifndef SALLYPORT_CHANGE_REQUEST_H
#define SALLYPORT_CHANGE_REQUEST_H

#include <stdio.h>

#include "who.h"

/* party NULL: the whole site; else what it opens and what opens to it. RFC 4180, with a header. */
void change_request_print(struct arena *arena, const struct policy *policy,
			  const struct party *party, FILE *out);

#endif
