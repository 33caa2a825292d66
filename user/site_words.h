/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a site file for the enums of include/abi.h: one list for reading and printing. */
#ifndef SALLYPORT_SITE_WORDS_H
#define SALLYPORT_SITE_WORDS_H

#include "../include/abi.h"

static const char *const mode_words[] = {
	[MODE_OFF] = "off", [MODE_AUDIT] = "audit", [MODE_ENFORCE] = "enforce"};
static const char *const forwarding_words[] = {
	[FORWARDING_REFUSE] = "refuse", [FORWARDING_DROP] = "drop", [FORWARDING_PASS] = "pass"};
static const char *const lookup_words[] = {[LOOKUP_MAPS] = "maps", [LOOKUP_FLAT] = "flat"};
static const char *const timeout_words[FLOW_STATE_COUNT] = {
	[FLOW_SYN] = "tcp-syn",	    [FLOW_TCP] = "tcp", [FLOW_CLOSING] = "tcp-closing",
	[FLOW_UDP_NEW] = "udp-new", [FLOW_UDP] = "udp", [FLOW_ICMP] = "icmp",
};

#define MODE_WORDS	 (sizeof(mode_words) / sizeof(mode_words[0]))
#define FORWARDING_WORDS (sizeof(forwarding_words) / sizeof(forwarding_words[0]))
#define LOOKUP_WORDS	 (sizeof(lookup_words) / sizeof(lookup_words[0]))

#endif
