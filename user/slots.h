/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which counters a rule and a role have. A slot belongs to a rule id (and direction) for good: it
 * stays over reloads, and for rules that left the policy, so that one that returns counts on. Only
 * when slots run out are those of rules in no live policy given to others, the longest gone first;
 * what they had counted is folded into the interface's rule_bases before.
 *
 * So the total of a rule on an interface is its base, plus the counters of its slot unless there is
 * no slot or the base says that they are being folded.
 */
#ifndef SALLYPORT_SLOTS_H
#define SALLYPORT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "failure.h"
#include "host_policy.h"

struct rule_slot_entry {
	struct rule_key key;
	struct rule_slot value;
	bool changed; /* not stored yet */
};

struct role_slot_entry {
	struct role_key key;
	struct role_slot value;
	bool changed;
};

/* The registry: what is in the pinned maps, or is to be. */
struct slots {
	struct arena *arena;
	LIST(struct rule_slot_entry) rules;
	LIST(struct role_slot_entry) roles;
};

/* Reads the registry's maps; -1: there are none yet. Everything lives in the arena. */
int slots_read(struct arena *arena, int rule_slots_fd, int role_slots_fd, struct failure *failure,
	       struct slots *ret_slots);
/* Writes what changed. */
int slots_store(struct slots *slots, int rule_slots_fd, int role_slots_fd, struct failure *failure);

struct rule_key slots_rule_key(const struct rule *rule);

/* What a policy gets. */
struct slot_assignment {
	uint16_t *rules; /* by rule index */
	uint16_t *roles; /* by role index; ROLE_SLOT_OTHER where all are taken */
	/* Rules that lose their slot; their counters must be folded before it is used. */
	LIST(struct rule_slot_entry) freed;
	size_t roles_without; /* how many share ROLE_SLOT_OTHER */
};

/* Slots that the policies in force use, by slot. */
struct live_slots {
	bool used[RULE_SLOTS_MAX];
};

/* Who asks for slots. */
struct slot_request {
	const struct rule *rules;
	size_t rule_count;
	const char *const *roles;
	size_t role_count;
	const struct live_slots *live;
	uint32_t generation;
};

/*
 * Gives every rule and role its slot, and changes the registry so. -ENOSPC with RULE_SLOTS_MAX or
 * RULE_IDS_MAX in the message; the registry is then not to be stored.
 */
int slots_assign(struct slots *slots, const struct slot_request *request, struct failure *failure,
		 struct slot_assignment *ret_slots);

/* The counters of one interface, and its bases. File descriptors. */
struct rule_counters {
	int receive_rules;
	int transmit_rules;
	int rule_bases;
};

/*
 * Folds the counters of a rule that loses its slot into its base, and zeroes them. A command that
 * is killed meanwhile neither loses nor doubles a count, if slots_fold_finish() runs before the
 * next.
 */
int slots_fold(const struct rule_counters *counters, const struct rule_key *key, uint32_t slot,
	       struct failure *failure);
/* Finishes the foldings that a killed command left. */
int slots_fold_finish(const struct rule_counters *counters, const struct slots *slots,
		      struct failure *failure);

/* One rule's total on an interface; slot 0: it has none. A rule that never counted: zeroes. */
int slots_rule_total(const struct rule_counters *counters, const struct rule_key *key,
		     uint32_t slot, struct rule_base *ret_total);

#endif
