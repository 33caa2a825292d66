/* SPDX-License-Identifier: BSD-2-Clause */
#include "slots.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule_key slots_rule_key(const struct rule *rule)
{
	struct rule_key key = {0};

	snprintf(key.id, sizeof(key.id), "%s", rule->id);
	snprintf(key.direction, sizeof(key.direction), "%s",
		 rule->direction == DIRECTION_IN ? "in" : "out");
	return key;
}

/* ------------------------------------------------------------ the registry ----------------------
 */

static int compare_rule_entries(const void *a, const void *b)
{
	return memcmp(&((const struct rule_slot_entry *)a)->key,
		      &((const struct rule_slot_entry *)b)->key, sizeof(struct rule_key));
}

static int fail_registry(struct failure *failure, int error, const char *what)
{
	return fail(failure, error, "can't %s the counter slots: %s", what, strerror(error));
}

static int read_rules(struct slots *slots, int fd)
{
	struct rule_key key, *previous = NULL;
	struct rule_slot_entry *entry;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		entry = arena_push(slots->arena, &slots->rules);
		entry->key = key;
		if (bpf_map_lookup_elem(fd, &key, &entry->value) < 0)
			return -errno;
		previous = &key;
	}
	return errno == ENOENT ? 0 : -errno;
}

static int read_roles(struct slots *slots, int fd)
{
	struct role_key key, *previous = NULL;
	struct role_slot_entry *entry;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		entry = arena_push(slots->arena, &slots->roles);
		entry->key = key;
		if (bpf_map_lookup_elem(fd, &key, &entry->value) < 0)
			return -errno;
		previous = &key;
	}
	return errno == ENOENT ? 0 : -errno;
}

int slots_read(struct arena *arena, int rule_slots_fd, int role_slots_fd, struct failure *failure,
	       struct slots *ret_slots)
{
	struct slots slots = {.arena = arena};
	int result = 0;

	if (rule_slots_fd >= 0)
		result = read_rules(&slots, rule_slots_fd);
	if (result == 0 && role_slots_fd >= 0)
		result = read_roles(&slots, role_slots_fd);
	if (result < 0)
		return fail_registry(failure, -result, "read");
	*ret_slots = slots;
	return 0;
}

static int store_rules(struct slots *slots, int fd, bool with_slot)
{
	list_for_each (entry, &slots->rules) {
		if (!entry->changed || (entry->value.slot != 0) != with_slot)
			continue;
		if (bpf_map_update_elem(fd, &entry->key, &entry->value, BPF_ANY) < 0)
			return -errno;
		entry->changed = false;
	}
	return 0;
}

int slots_store(struct slots *slots, int rule_slots_fd, int role_slots_fd, struct failure *failure)
{
	/* Who lost a slot first, so that no two rules ever have the same one in the map. */
	int result = store_rules(slots, rule_slots_fd, false);

	if (result == 0)
		result = store_rules(slots, rule_slots_fd, true);
	list_for_each (entry, &slots->roles) {
		if (result == 0 && entry->changed &&
		    bpf_map_update_elem(role_slots_fd, &entry->key, &entry->value, BPF_ANY) < 0)
			result = -errno;
		entry->changed = false;
	}
	return result < 0 ? fail_registry(failure, -result, "store") : 0;
}

/* ------------------------------------------------------------ assigning -------------------------
 */

/* The registry while slots are given out. */
struct assigning {
	struct slots *slots;
	const struct live_slots *live;
	uint32_t generation;
	size_t known;		      /* entries of slots->rules that are sorted by key */
	bool taken[RULE_SLOTS_MAX];   /* by an entry of the registry */
	struct rule_slot_entry *gone; /* copies: whose slots may go to others */
	size_t gone_count;
	size_t gone_next;
	uint32_t next_free;
};

static struct rule_slot_entry *find_rule(const struct assigning *assigning,
					 const struct rule_key *key)
{
	const struct slots *slots = assigning->slots;
	struct rule_slot_entry wanted = {.key = *key};

	if (!assigning->known)
		return NULL;
	return bsearch(&wanted, slots->rules.items, assigning->known, sizeof(wanted),
		       compare_rule_entries);
}

/* The longest gone first; the key makes the order total. */
static int compare_gone(const void *a, const void *b)
{
	const struct rule_slot_entry *x = a, *y = b;

	if (x->value.last_generation != y->value.last_generation)
		return x->value.last_generation < y->value.last_generation ? -1 : 1;
	return compare_rule_entries(a, b);
}

static void list_gone(struct assigning *assigning)
{
	const struct slots *slots = assigning->slots;

	assigning->gone =
		arena_alloc(slots->arena, (assigning->known + 1) * sizeof(*assigning->gone));
	for (size_t i = 0; i < assigning->known; i++) {
		const struct rule_slot_entry *entry = &slots->rules.items[i];

		if (entry->value.slot && !assigning->live->used[entry->value.slot] &&
		    entry->value.last_generation != assigning->generation)
			assigning->gone[assigning->gone_count++] = *entry;
	}
	qsort(assigning->gone, assigning->gone_count, sizeof(*assigning->gone), compare_gone);
}

/* A slot that nobody has, or one of a rule that has gone; 0: none. */
static uint32_t take_slot(struct assigning *assigning, struct slot_assignment *assignment)
{
	struct rule_slot_entry *entry;
	struct rule_slot_entry freed;

	while (assigning->next_free < RULE_SLOTS_MAX && assigning->taken[assigning->next_free])
		assigning->next_free++;
	if (assigning->next_free < RULE_SLOTS_MAX)
		return assigning->next_free++;
	if (assigning->gone_next >= assigning->gone_count)
		return 0;
	freed = assigning->gone[assigning->gone_next++];
	entry = find_rule(assigning, &freed.key);
	entry->value.slot = 0;
	entry->changed = true;
	*arena_push(assigning->slots->arena, &assignment->freed) = freed;
	return freed.value.slot;
}

static int assign_rule(struct assigning *assigning, const struct rule_key *key,
		       struct slot_assignment *assignment, struct failure *failure,
		       uint16_t *ret_slot)
{
	struct slots *slots = assigning->slots;
	struct rule_slot_entry *entry = find_rule(assigning, key);
	uint32_t slot = entry ? entry->value.slot : 0;

	if (!slot) {
		slot = take_slot(assigning, assignment);
		if (!slot)
			return fail(failure, ENOSPC,
				    "the policy in force and the new one have more rules together "
				    "than there are counters (RULE_SLOTS_MAX, %u); apply the "
				    "change in two steps",
				    RULE_SLOTS_MAX);
		if (!entry) {
			entry = arena_push(slots->arena, &slots->rules);
			entry->key = *key;
		}
		entry->value.slot = slot;
	}
	entry->value.last_generation = assigning->generation;
	entry->changed = true;
	if (slots->rules.count > RULE_IDS_MAX)
		return fail(failure, ENOSPC,
			    "more rule ids were counted since the first apply than are kept "
			    "(RULE_IDS_MAX, %u); sallyport detach forgets them, with their "
			    "counters",
			    RULE_IDS_MAX);
	*ret_slot = (uint16_t)slot;
	return 0;
}

static int assign_rules(struct slots *slots, const struct slot_request *request,
			struct failure *failure, struct slot_assignment *assignment)
{
	struct assigning *assigning = arena_alloc(slots->arena, sizeof(*assigning));
	struct rule_slot_entry *entry;
	struct rule_key key;
	int result = 0;

	*assigning = (struct assigning){
		.slots = slots,
		.live = request->live,
		.generation = request->generation,
		.known = slots->rules.count,
		.next_free = 1,
	};
	if (slots->rules.count)
		qsort(slots->rules.items, slots->rules.count, sizeof(*slots->rules.items),
		      compare_rule_entries);
	list_for_each (known, &slots->rules)
		assigning->taken[known->value.slot] = true;
	/* First mark what stays, so that no rule of this policy loses its slot to another of it. */
	for (size_t i = 0; i < request->rule_count; i++) {
		key = slots_rule_key(&request->rules[i]);
		entry = find_rule(assigning, &key);
		if (entry)
			entry->value.last_generation = request->generation;
	}
	list_gone(assigning);
	for (size_t i = 0; i < request->rule_count && result == 0; i++) {
		key = slots_rule_key(&request->rules[i]);
		result = assign_rule(assigning, &key, assignment, failure, &assignment->rules[i]);
	}
	return result;
}

static uint16_t assign_role(struct slots *slots, const char *role, uint32_t generation)
{
	bool taken[ROLE_SLOTS_MAX] = {[0] = true, [ROLE_SLOT_OTHER] = true};
	struct role_slot_entry *entry;
	uint32_t slot = 0;

	list_for_each (known, &slots->roles) {
		if (!strcmp(known->key.role, role)) {
			known->value.last_generation = generation;
			known->changed = true;
			return (uint16_t)known->value.slot;
		}
		taken[known->value.slot] = true;
	}
	while (slot < ROLE_SLOTS_MAX && taken[slot])
		slot++;
	if (slot == ROLE_SLOTS_MAX)
		return ROLE_SLOT_OTHER;
	entry = arena_push(slots->arena, &slots->roles);
	snprintf(entry->key.role, sizeof(entry->key.role), "%s", role);
	entry->value = (struct role_slot){.slot = slot, .last_generation = generation};
	entry->changed = true;
	return (uint16_t)slot;
}

int slots_assign(struct slots *slots, const struct slot_request *request, struct failure *failure,
		 struct slot_assignment *ret_slots)
{
	struct slot_assignment assignment = {
		.rules = arena_alloc(slots->arena, (request->rule_count + 1) * sizeof(uint16_t)),
		.roles = arena_alloc(slots->arena, (request->role_count + 1) * sizeof(uint16_t)),
	};
	int result;

	result = assign_rules(slots, request, failure, &assignment);
	if (result < 0)
		return result;
	for (size_t i = 0; i < request->role_count; i++) {
		assignment.roles[i] = assign_role(slots, request->roles[i], request->generation);
		assignment.roles_without += assignment.roles[i] == ROLE_SLOT_OTHER;
	}
	*ret_slots = assignment;
	return 0;
}

/* ------------------------------------------------------------ folding ---------------------------
 */

static int read_counter(int fd, uint32_t slot, struct counter *ret_sum)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter sum = {0};
	struct counter *values;
	int result = 0;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &slot, values) < 0)
		result = -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += values[cpu].packets;
		sum.bytes += values[cpu].bytes;
	}
	free(values);
	if (result == 0)
		*ret_sum = sum;
	return result;
}

static int zero_counter(int fd, uint32_t slot)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter *values;
	int result = 0;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_update_elem(fd, &slot, values, BPF_ANY) < 0)
		result = -errno;
	free(values);
	return result;
}

int slots_rule_total(const struct rule_counters *counters, const struct rule_key *key,
		     uint32_t slot, struct rule_base *ret_total)
{
	struct rule_base total = {0};
	struct counter received = {0}, transmitted = {0};
	int result = 0;

	if (bpf_map_lookup_elem(counters->rule_bases, key, &total) < 0 && errno != ENOENT)
		return -errno;
	if (slot && !total.folding) {
		result = read_counter(counters->receive_rules, slot, &received);
		if (result == 0)
			result = read_counter(counters->transmit_rules, slot, &transmitted);
	}
	if (result < 0)
		return result;
	total.received.packets += received.packets;
	total.received.bytes += received.bytes;
	total.transmitted.packets += transmitted.packets;
	total.transmitted.bytes += transmitted.bytes;
	*ret_total = total;
	return 0;
}

static int write_base(const struct rule_counters *counters, const struct rule_key *key,
		      struct rule_base *base, bool folding)
{
	base->folding = folding;
	return bpf_map_update_elem(counters->rule_bases, key, base, BPF_ANY) < 0 ? -errno : 0;
}

static int zero_slot(const struct rule_counters *counters, uint32_t slot)
{
	int result = zero_counter(counters->receive_rules, slot);

	return result < 0 ? result : zero_counter(counters->transmit_rules, slot);
}

int slots_fold(const struct rule_counters *counters, const struct rule_key *key, uint32_t slot,
	       struct failure *failure)
{
	struct rule_base base;
	int result;

	/* The mark and the sum are one write, so that the counters are in exactly one of the two.
	 */
	result = slots_rule_total(counters, key, slot, &base);
	if (result == 0)
		result = write_base(counters, key, &base, true);
	if (result == 0)
		result = zero_slot(counters, slot);
	if (result == 0)
		result = write_base(counters, key, &base, false);
	return result < 0 ? fail_registry(failure, -result, "fold the counters of") : 0;
}

int slots_fold_finish(const struct rule_counters *counters, const struct slots *slots,
		      struct failure *failure)
{
	struct rule_base base;
	int result = 0;

	for (size_t i = 0; i < slots->rules.count && result == 0; i++) {
		const struct rule_slot_entry *entry = &slots->rules.items[i];

		if (bpf_map_lookup_elem(counters->rule_bases, &entry->key, &base) < 0 ||
		    !base.folding)
			continue;
		if (entry->value.slot)
			result = zero_slot(counters, entry->value.slot);
		if (result == 0)
			result = write_base(counters, &entry->key, &base, false);
	}
	return result < 0 ? fail_registry(failure, -result, "finish folding") : 0;
}
