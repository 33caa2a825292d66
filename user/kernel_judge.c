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
	const struct rule **rule_of_slot; /* RULE_SLOTS_MAX entries; NULL: none */
};

static int run(struct judge *base, enum direction direction, const void *frame, size_t length,
	       uint64_t at_ms, struct judgement *ret_judgement)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;

	loaded_state(kernel->loaded)->now = at_ms;
	return kernel_run(kernel->loaded, &kernel->policy, kernel->rule_of_slot, direction, frame,
			  length, ret_judgement);
}

static void clear_map(struct bpf_object *object, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);
	unsigned char key[256];

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key))
			break;
}

static int reset(struct judge *base)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;
	struct state *state = loaded_state(kernel->loaded);

	clear_map(loaded_object(kernel->loaded), "flows");
	clear_map(loaded_object(kernel->loaded), "flow_shares");
	clear_map(loaded_object(kernel->loaded), "fragments");
	state->icmp_second = 0;
	state->icmp_errors = 0;
	return 0;
}

static void kernel_judge_free(struct judge *base)
{
	struct kernel_judge *kernel = (struct kernel_judge *)base;

	loaded_free(kernel->loaded);
	tables_free(kernel->tables);
	free(kernel->rule_of_slot);
	free(kernel);
}

static int load_private(struct kernel_judge *kernel, struct failure *failure)
{
	const struct host_policy *policy = &kernel->policy;
	/* Labels of drops are nothing that a judgement shows: all of them are "none". */
	uint16_t *role_slots = calloc(kernel->tables->role_count + 1, sizeof(*role_slots));
	uint16_t rule_slots[RULES_MAX + 1];
	struct load_request request = {
		.policy = policy,
		.tables = kernel->tables,
		.rule_slots = rule_slots,
		.role_slots = role_slots,
		.generation = 1,
		.lasting = LASTING_MAPS_PRIVATE,
		.virtual_clock = true,
		.record = true,
	};
	int error;

	if (!role_slots)
		return fail(failure, ENOMEM, "out of memory");
	for (size_t i = 0; i < policy->rule_count; i++) {
		rule_slots[i] = (uint16_t)(i + 1);
		kernel->rule_of_slot[i + 1] = &policy->rules[i];
	}
	error = load(&request, failure, &kernel->loaded);
	free(role_slots);
	return error;
}

static int prepare(struct kernel_judge *kernel, struct failure *failure)
{
	struct diagnostics *diagnostics = diagnostics_new();
	int error = compile(&kernel->policy, diagnostics, &kernel->tables);

	diagnostics_free(diagnostics);
	if (error || !kernel->tables)
		return fail(failure, error ? -error : ENOMEM, "the policy is over a bound of the compiler");
	return load_private(kernel, failure);
}

int kernel_judge_new(const struct host_policy *policy, enum lookup lookup, struct failure *failure,
		     struct judge **ret_judge)
{
	struct kernel_judge *kernel = calloc(1, sizeof(*kernel));
	int error;

	if (!kernel)
		return fail(failure, ENOMEM, "out of memory");
	kernel->judge.judge = run;
	kernel->judge.reset = reset;
	kernel->judge.free = kernel_judge_free;
	kernel->policy = *policy;
	kernel->policy.lookup = lookup;
	kernel->rule_of_slot = calloc(RULE_SLOTS_MAX, sizeof(*kernel->rule_of_slot));
	if (kernel->rule_of_slot)
		error = prepare(kernel, failure);
	else
		error = fail(failure, ENOMEM, "out of memory");
	if (error) {
		kernel_judge_free(&kernel->judge);
		return error;
	}
	*ret_judge = &kernel->judge;
	return 0;
}
