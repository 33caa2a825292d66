/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The section locations of a site: where an instance's nodes fetch from, back up to and notify.
 * Reading and printing, never a password; what they mean is for destination.c.
 */
#ifndef SALLYPORT_LOCATION_H
#define SALLYPORT_LOCATION_H

#include "reader.h"
#include "site.h"
#include "writer.h"

/* Warns of passwords in a site file that others than its owner can read: site->path must be set. */
void locations_read(const struct reader *reader, const struct node *node, struct site *site);
void locations_print(struct writer *writer, const struct site *site);

#endif
