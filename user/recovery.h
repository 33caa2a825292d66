/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command that was killed left behind, finished or reverted by the journal; and undoing what
 * a command that failed had done, which is the same work.
 *
 * The journal's steps, of the command that holds the lock:
 *   idle     nothing
 *   prepare  generation N is being built; nothing holds it. Left so: N is removed
 *   swap     N is pinned whole on all its interfaces; hooks go to it one by one. Left so: the rest
 *            follow, or, if that fails, revert
 *   revert   hooks go back to the generation before N, or are detached where there was none
 *   clean    every hook holds N; older generations are being removed. Left so: that is finished
 *   detach   one interface is being detached. Left so: that is finished
 */
#ifndef SALLYPORT_RECOVERY_H
#define SALLYPORT_RECOVERY_H

#include "first_load.h"
#include "hooks.h"
#include "interface.h"
#include "pins.h"

#define JOURNAL_IDLE	"idle"
#define JOURNAL_PREPARE "prepare"
#define JOURNAL_SWAP	"swap"
#define JOURNAL_REVERT	"revert"
#define JOURNAL_CLEAN	"clean"
#define JOURNAL_DETACH	"detach"

/* What all of this works on, under the lock of pins. */
struct recovery {
	const struct pins *pins;
	struct arena *arena;
	const struct interface_list *interfaces; /* all of the network namespace */
	const struct progress *progress;
	struct adoptions *adoptions; /* what is adopted is added; NULL: nobody asks */
};

/* Writes the journal; failures say so. */
int recovery_journal(const struct recovery *recovery, const char *step, const char *interface,
		     uint32_t generation, struct failure *failure);

/*
 * Does what the journal asks for. ret_done: what that was, in the arena; NULL if nothing was left.
 * Where meta or journal is not pinned, nothing can be attached, and all pins are removed.
 */
int recovery_run(const struct recovery *recovery, struct failure *failure, const char **ret_done);

/*
 * Swaps every interface that has this generation to it, in the journal's step swap. What is
 * attached for the first time comes first, as first_load.h says.
 */
int recovery_swap(const struct recovery *recovery, uint32_t generation, struct failure *failure);
/* Back to what was before, from the journal's step prepare or swap. */
int recovery_undo(const struct recovery *recovery, uint32_t generation, struct failure *failure);
/* Removes what is older than this generation on its interfaces; the journal is idle afterwards. */
int recovery_clean(const struct recovery *recovery, uint32_t generation, struct failure *failure);

/* Detaches one interface and removes its pins; shared/ goes with the last. */
int recovery_detach(const struct recovery *recovery, const char *interface,
		    struct failure *failure);

/* Lets the sweep's timer run by the program of the interfaces' newest generation. */
int recovery_arm_sweep(const struct recovery *recovery, struct failure *failure);

#endif
