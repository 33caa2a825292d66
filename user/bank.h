/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bank: one trie of addresses in the kernel (ipv4_classes or ipv6_classes) that generations take
 * turns with. The one that no program uses is brought up to a new content by difference, against
 * what it really holds: a command that was killed half-way leaves nothing but work.
 */
#ifndef SALLYPORT_BANK_H
#define SALLYPORT_BANK_H

#include <stdbool.h>

#include "address_image.h"
#include "failure.h"
#include "progress.h"
#include "stopwatch.h"

/*
 * Entries that a trie may have: what a policy may have, and room for one more, which tries before
 * Linux 6.13 need to replace an entry. Costs nothing until it is used.
 */
#define BANK_ENTRIES_MAX (PREFIXES_MAX + 16u)

struct bank_counts {
	size_t added;
	size_t changed;
	size_t removed;
	size_t kept;
};

/*
 * Whether a trie holds exactly this: 1, 0, or -errno. Reads all of it if it does, and up to the
 * first entry that differs if not.
 */
int bank_holds(int fd, const struct address_image *wanted);

struct bank {
	int fd;
	const char *name;		 /* of the map, for messages */
	bool fresh;			 /* no program ever used it */
	const struct progress *progress; /* may be NULL */
};

/*
 * Brings a trie that no program uses (any more) to this content and reads back what was changed.
 * Where something is to be changed and the trie is not fresh, waits first for packets that were on
 * their way through the programs that used it last. stopwatch may be NULL. Returns 0 or -errno with
 * the reason in failure; the trie may then hold anything.
 */
int bank_bring_up(const struct bank *bank, const struct address_image *wanted,
		  struct stopwatch *stopwatch, struct failure *failure,
		  struct bank_counts *ret_counts);

/* Whether the kernel can wait as bank_bring_up() must: not where it runs with nohz_full. Without,
 * only new tries may be brought up. */
bool bank_can_wait(void);

#endif
