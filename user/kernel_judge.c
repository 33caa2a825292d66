/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "judge.h"
#include "kernel_run.h"
#include "load.h"

struct kernel_judge {
	struct judge judge;
	struct host_policy policy; /* the caller's, with the lookup that was asked for */
	struct tables *tables;
	struct loaded *loaded;
	uint32_t generation;
	/*
	 * RULE_SLOTS_MAX entries each. A slot stays with its rule's id and direction across swaps;
	 * where the policy of now has no such rule, rule_of_slot is NULL.
	 */
	const struct rule **rule_of_slot;
	struct slot_name {
		char *id; /* NULL: the slot is free */
		enum direction direction;
	} * slot_names;
};

static int run(struct judge *base, enum direction direction, const void *frame, size_t length,
	       uint64_t at_ms, struct judgement *ret_judgement)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;

	loaded_state(kernel->loaded)->now = at_ms;
	loaded_state(kernel->loaded)->bound = (__u8)base->bound;
	loaded_state(kernel->loaded)->has_payload = base->has_payload;
	return kernel_run(kernel->loaded, &kernel->policy, kernel->rule_of_slot, direction, frame,
			  length, ret_judgement);
}

static int reset(struct judge *base)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;
	struct state *state = loaded_state(kernel->loaded);
	int error;

	state->echo_used = 0;
	error = loaded_forget(kernel->loaded);
	return error ? error : loaded_forget_limits(kernel->loaded);
}

static void kernel_judge_free(struct judge *base)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;

	loaded_free(kernel->loaded);
	tables_free(kernel->tables);
	for (size_t i = 0; kernel->slot_names && i < RULE_SLOTS_MAX; i++)
		free(kernel->slot_names[i].id);
	free(kernel->slot_names);
	free(kernel->rule_of_slot);
	free(kernel);
}

/* The slot of a rule, by its name; slot 0 is nobody's. 0: all are taken. */
static uint16_t slot_for(struct kernel_judge *kernel, const struct rule *rule)
{
	for (uint16_t slot = 1; slot < RULE_SLOTS_MAX; slot++) {
		struct slot_name *name = &kernel->slot_names[slot];

		if (!name->id) {
			name->id = strdup(rule->id);
			name->direction = rule->direction;
			return name->id ? slot : 0;
		}
		if (name->direction == rule->direction && strcmp(name->id, rule->id) == 0)
			return slot;
	}
	return 0;
}

static int give_slots(struct kernel_judge *kernel, const struct host_policy *policy,
		      uint16_t *rule_slots, const struct rule **rule_of_slot,
		      struct failure *failure)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		rule_slots[i] = slot_for(kernel, &policy->rules[i]);
		if (!rule_slots[i])
			return fail(failure, E2BIG, "RULE_SLOTS_MAX (%u): too many rules in all",
				    RULE_SLOTS_MAX);
		rule_of_slot[rule_slots[i]] = &policy->rules[i];
	}
	return 0;
}

/* The maps that a swap carries over; those of nobody the first time. */
static struct lasting_maps lasting_of(struct kernel_judge *kernel)
{
	struct lasting_maps lasting = LASTING_MAPS_PRIVATE;
	struct bpf_object *object;

	if (!kernel->loaded)
		return lasting;
	object = loaded_object(kernel->loaded);
	lasting.flows = bpf_object__find_map_fd_by_name(object, "flows");
	lasting.flow_shares = bpf_object__find_map_fd_by_name(object, "flow_shares");
	lasting.flow_cache_ipv4 = bpf_object__find_map_fd_by_name(object, "flow_cache_ipv4");
	lasting.flow_cache_ipv6 = bpf_object__find_map_fd_by_name(object, "flow_cache_ipv6");
	lasting.flow_ports = bpf_object__find_map_fd_by_name(object, "flow_ports");
	lasting.flow_keys = bpf_object__find_map_fd_by_name(object, "flow_keys");
	lasting.fragments = bpf_object__find_map_fd_by_name(object, "fragments");
	return lasting;
}

static int load_private(struct kernel_judge *kernel, const struct host_policy *policy,
			const struct tables *tables, const struct rule **rule_of_slot,
			struct failure *failure, struct loaded **ret_loaded)
{
	/* Labels of drops are nothing that a judgement shows: all of them are "none". */
	uint16_t *role_slots = calloc(tables->role_count + 1, sizeof(*role_slots));
	uint16_t rule_slots[RULES_MAX + 1];
	struct load_request request = {
		.policy = policy,
		.tables = tables,
		.rule_slots = rule_slots,
		.role_slots = role_slots,
		.generation = kernel->generation + 1,
		.lasting = lasting_of(kernel),
		.virtual_clock = true,
		.record = true,
	};
	int error;

	if (!role_slots)
		return fail(failure, ENOMEM, "out of memory");
	error = give_slots(kernel, policy, rule_slots, rule_of_slot, failure);
	if (!error)
		error = load(&request, failure, ret_loaded);
	free(role_slots);
	return error;
}

/* Another policy; the first time, the first. */
static int swap(struct judge *base, const struct host_policy *policy, struct failure *failure)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;
	struct diagnostics *diagnostics = diagnostics_new();
	struct host_policy wanted = *policy;
	const struct rule **rule_of_slot = calloc(RULE_SLOTS_MAX, sizeof(struct rule *));
	struct loaded *loaded = NULL;
	struct tables *tables = NULL;
	int error;

	wanted.lookup = kernel->policy.lookup;
	error = compile(&wanted, diagnostics, &tables);
	diagnostics_free(diagnostics);
	if (!rule_of_slot || !tables)
		error = fail(
			failure, error ? -error : ENOMEM,
			"the policy is over a bound of the compiler, or there is no memory for it");
	else
		error = load_private(kernel, &wanted, tables, rule_of_slot, failure, &loaded);
	if (error) {
		tables_free(tables);
		free(rule_of_slot);
		return error;
	}
	loaded_free(kernel->loaded);
	tables_free(kernel->tables);
	free(kernel->rule_of_slot);
	kernel->rule_of_slot = rule_of_slot;
	kernel->loaded = loaded;
	kernel->tables = tables;
	kernel->policy = wanted;
	kernel->generation++;
	return 0;
}

int kernel_judge_new(const struct host_policy *policy, enum lookup lookup, struct failure *failure,
		     struct judge **ret_judge)
{
	struct kernel_judge *kernel = calloc(1, sizeof(*kernel));
	int error;

	if (!kernel)
		return fail(failure, ENOMEM, "out of memory");
	kernel->judge.bound = kernel->judge.otherwise_bound = BOUND_YES;
	kernel->judge.judge = run;
	kernel->judge.swap = swap;
	kernel->judge.reset = reset;
	kernel->judge.free = kernel_judge_free;
	kernel->policy.lookup = lookup;
	kernel->slot_names = calloc(RULE_SLOTS_MAX, sizeof(*kernel->slot_names));
	if (kernel->slot_names)
		error = swap(&kernel->judge, policy, failure);
	else
		error = fail(failure, ENOMEM, "out of memory");
	if (error) {
		kernel_judge_free(&kernel->judge);
		return error;
	}
	*ret_judge = &kernel->judge;
	return 0;
}
