/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exporter's catalogue of metrics: one table of name, type, help and what writes the samples.
 * Format: Prometheus text exposition format 0.0.4; sallyport-metrics(7) describes each metric.
 */
#ifndef SALLYPORT_METRICS_H
#define SALLYPORT_METRICS_H

#include <stdio.h>

#include "snapshot.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Writes every metric. No address is ever a label. Errors are out's: see ferror(3). */
void metrics_write(const struct snapshot *snapshot, FILE *out);

#endif
