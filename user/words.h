/* SPDX-License-Identifier: BSD-2-Clause */
/* The words that people, JSON and metrics have for the enums of include/. */
#ifndef SALLYPORT_WORDS_H
#define SALLYPORT_WORDS_H

#include "../include/abi.h"

const char *direction_name(enum direction direction);	 /* "in", "out" */
const char *mode_name(enum mode mode);			 /* "off", "audit", "enforce" */
const char *lookup_name(enum lookup lookup);		 /* "maps", "flat" */
const char *forwarding_name(enum forwarding forwarding); /* "refuse", "drop", "pass" */
const char *reason_name(enum reason reason);		 /* "closed-port" */
const char *reason_meaning(enum reason reason);
enum verdict reason_verdict(enum reason reason);
const char *verdict_name(enum verdict verdict); /* "pass", "drop" */

#endif
