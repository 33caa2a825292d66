/* SPDX-License-Identifier: BSD-2-Clause */
/* HA partners among the hosts of a site, and what peers see of a host behind NAT. */
#ifndef SALLYPORT_PARTNER_H
#define SALLYPORT_PARTNER_H

#include "reader.h"
#include "site.h"

/* One of the two names the other: it holds both ways. False where one is NULL. */
bool hosts_are_partners(const struct site_host *a, const struct site_host *b);

/* Reports partners that are no hosts, the host itself, or do not name it back. */
void partners_check(const struct reader *reader, const struct site *site,
		    const struct word_index *hosts);

/*
 * Warns of seen-as addresses that another host has too, or is seen as: peers can't tell them apart.
 */
void seen_as_check(const struct reader *reader, const struct site *site);

#endif
