/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host policy as an nftables ruleset: for hosts without XDP, and as a second opinion on the
 * programs. The same openers pass, by the same rules, with a counter for each; state is
 * conntrack's.
 */
#ifndef SALLYPORT_EXPORT_NFT_H
#define SALLYPORT_EXPORT_NFT_H

#include "host_policy.h"

/* Prints a whole file for "nft -f": loading it again replaces what an earlier one left. */
void export_nft(const struct host_policy *policy, FILE *out);

#endif
