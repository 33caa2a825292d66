/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a site file for the enums of include/abi.h, for reading and printing (see words.h too).
 */
#ifndef SALLYPORT_SITE_WORDS_H
#define SALLYPORT_SITE_WORDS_H

#include "../include/abi.h"

static const char *const forwarding_words[] = {
	[FORWARDING_REFUSE] = "refuse", [FORWARDING_DROP] = "drop", [FORWARDING_PASS] = "pass"};
static const char *const timeout_words[FLOW_STATE_COUNT] = {
	[FLOW_SYN] = "tcp-syn",	    [FLOW_TCP] = "tcp", [FLOW_CLOSING] = "tcp-closing",
	[FLOW_UDP_NEW] = "udp-new", [FLOW_UDP] = "udp", [FLOW_ICMP] = "icmp",
};

#define FORWARDING_WORDS (sizeof(forwarding_words) / sizeof(forwarding_words[0]))

#endif
