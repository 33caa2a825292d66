/* SPDX-License-Identifier: BSD-2-Clause */
#include "recovery.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"

int recovery_journal(const struct recovery *recovery, const char *step, const char *interface,
		     uint32_t generation, struct failure *failure)
{
	int result = pins_journal_write(recovery->pins, step, interface, generation);

	if (result < 0)
		return fail(failure, -result, "%s/%s/journal: can't write it: %s",
			    pins_root(recovery->pins), PINS_SHARED, strerror(-result));
	progress_step(recovery->progress, "journal: %s", step);
	return 0;
}

static uint32_t interface_index(const struct recovery *recovery, const char *name)
{
	const struct interface *interface = interface_by_name(recovery->interfaces, name);

	return interface ? interface->index : 0;
}

/* The newest generation of an interface that is older than this; 0: none. */
static uint32_t generation_before(const struct generation_list *generations, uint32_t generation)
{
	uint32_t before = 0;

	list_for_each (each, generations) {
		if (*each < generation)
			before = *each;
	}
	return before;
}

static bool generation_listed(const struct generation_list *generations, uint32_t generation)
{
	list_for_each (each, generations) {
		if (*each == generation)
			return true;
	}
	return false;
}

static int remove_generation(const struct recovery *recovery, const char *interface,
			     uint32_t generation, struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];

	progress_step(recovery->progress, "remove generation %" PRIu32 " of %s", generation,
		      interface);
	return pins_remove(recovery->pins, failure, "%s/generation-%" PRIu32,
			   pins_interface_directory(interface, directory), generation);
}

/* Calls each() for every interface that has the generation pinned, until one fails. */
static int for_interfaces_with(const struct recovery *recovery, uint32_t generation,
			       int (*each)(const struct recovery *recovery, const char *interface,
					   const struct generation_list *generations,
					   uint32_t generation, struct failure *failure),
			       struct failure *failure)
{
	struct generation_list generations;
	struct interface_name_list names;
	int result;

	result = pins_interfaces(recovery->pins, recovery->arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		result = pins_generations(recovery->pins, recovery->arena, names.items[i].text,
					  failure, &generations);
		if (result == 0 && generation_listed(&generations, generation))
			result = each(recovery, names.items[i].text, &generations, generation,
				      failure);
	}
	return result;
}

/* Interfaces without a generation have no use for their counters; shared/ goes with the last. */
static int remove_unused(const struct recovery *recovery, struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct generation_list generations;
	struct interface_name_list names;
	size_t left = 0;
	int result;

	result = pins_interfaces(recovery->pins, recovery->arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		result = pins_generations(recovery->pins, recovery->arena, names.items[i].text,
					  failure, &generations);
		if (result == 0 && generations.count == 0)
			result = pins_remove(
				recovery->pins, failure, "%s",
				pins_interface_directory(names.items[i].text, directory));
		left += generations.count != 0;
	}
	if (result == 0 && left == 0)
		result = pins_remove(recovery->pins, failure, PINS_SHARED);
	return result;
}

/* There is no journal any more once shared/ was removed. */
static int journal_idle(const struct recovery *recovery, struct failure *failure)
{
	if (!pins_exist(recovery->pins, PINS_SHARED "/journal"))
		return 0;
	return recovery_journal(recovery, JOURNAL_IDLE, "", 0, failure);
}

/* ------------------------------------------------------------ swap ------------------------------
 */

static int swap_one(const struct recovery *recovery, const char *name,
		    const struct generation_list *generations, uint32_t generation,
		    struct failure *failure)
{
	const struct interface *interface = interface_by_name(recovery->interfaces, name);

	/* It has gone since: there is no hook to swap. */
	if (!interface)
		return 0;
	return hooks_swap(recovery->pins, recovery->arena, interface, generation,
			  recovery->progress, failure);
}

static int find_newcomers(const struct recovery *recovery, const struct first_load *load,
			  struct failure *failure, struct newcomer_list *newcomers)
{
	struct generation_list generations;
	struct interface_name_list names;
	int result;

	result = pins_interfaces(recovery->pins, recovery->arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		const struct interface *interface =
			interface_by_name(recovery->interfaces, names.items[i].text);

		result = pins_generations(recovery->pins, recovery->arena, names.items[i].text,
					  failure, &generations);
		if (result == 0 && interface && generation_listed(&generations, load->generation))
			result = first_load_consider(load, interface, failure, newcomers);
	}
	return result;
}

/* What is not held yet can refuse us; what is held can't, but for a broken kernel. */
static int attach_new(const struct recovery *recovery, uint32_t generation, struct failure *failure)
{
	const struct first_load load = {
		.pins = recovery->pins,
		.arena = recovery->arena,
		.interfaces = recovery->interfaces,
		.progress = recovery->progress,
		.generation = generation,
	};
	struct adoptions nobody_asks = {0};
	struct newcomer_list newcomers = {0};
	int result;

	result = find_newcomers(recovery, &load, failure, &newcomers);
	if (result == 0)
		result = first_load_learn(&load, &newcomers, failure,
					  recovery->adoptions ? recovery->adoptions : &nobody_asks);
	for (size_t i = 0; result == 0 && i < newcomers.count; i++)
		result = hooks_swap(recovery->pins, recovery->arena, newcomers.items[i].interface,
				    generation, recovery->progress, failure);
	return result;
}

/* First attaches come first: one that fails must not have changed what other interfaces enforce. */
int recovery_swap(const struct recovery *recovery, uint32_t generation, struct failure *failure)
{
	int result = attach_new(recovery, generation, failure);

	return result < 0 ? result : for_interfaces_with(recovery, generation, swap_one, failure);
}

/* ------------------------------------------------------------ undo ------------------------------
 */

static int revert_one(const struct recovery *recovery, const char *name,
		      const struct generation_list *generations, uint32_t generation,
		      struct failure *failure)
{
	uint32_t before = generation_before(generations, generation);

	if (before)
		return swap_one(recovery, name, generations, before, failure);
	return hooks_detach(recovery->pins, recovery->arena, name, interface_index(recovery, name),
			    recovery->progress, failure);
}

static int remove_one(const struct recovery *recovery, const char *name,
		      const struct generation_list *generations, uint32_t generation,
		      struct failure *failure)
{
	return remove_generation(recovery, name, generation, failure);
}

int recovery_undo(const struct recovery *recovery, uint32_t generation, struct failure *failure)
{
	int result;

	result = recovery_journal(recovery, JOURNAL_REVERT, "", generation, failure);
	if (result == 0)
		result = for_interfaces_with(recovery, generation, revert_one, failure);
	if (result == 0)
		result = for_interfaces_with(recovery, generation, remove_one, failure);
	if (result == 0)
		result = recovery_arm_sweep(recovery, failure);
	if (result == 0)
		result = remove_unused(recovery, failure);
	if (result == 0)
		result = journal_idle(recovery, failure);
	return result;
}

/* ------------------------------------------------------------ clean -----------------------------
 */

static int clean_one(const struct recovery *recovery, const char *name,
		     const struct generation_list *generations, uint32_t generation,
		     struct failure *failure)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < generations->count; i++) {
		if (generations->items[i] != generation)
			result = remove_generation(recovery, name, generations->items[i], failure);
	}
	return result;
}

int recovery_clean(const struct recovery *recovery, uint32_t generation, struct failure *failure)
{
	int result;

	result = recovery_journal(recovery, JOURNAL_CLEAN, "", generation, failure);
	if (result == 0)
		result = for_interfaces_with(recovery, generation, clean_one, failure);
	if (result == 0)
		result = journal_idle(recovery, failure);
	return result;
}

/* ------------------------------------------------------------ detach ----------------------------
 */

int recovery_detach(const struct recovery *recovery, const char *interface, struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	int result;

	/*
	 * Not an error if it can't be written: detaching is also the way out of pins of another
	 * layout, and of pins that somebody damaged.
	 */
	if (pins_journal_write(recovery->pins, JOURNAL_DETACH, interface, 0) == 0)
		progress_step(recovery->progress, "journal: %s", JOURNAL_DETACH);
	result = hooks_detach(recovery->pins, recovery->arena, interface,
			      interface_index(recovery, interface), recovery->progress, failure);
	if (result < 0)
		return result;
	progress_step(recovery->progress, "remove the pins of %s", interface);
	result = pins_remove(recovery->pins, failure, "%s",
			     pins_interface_directory(interface, directory));
	if (result == 0)
		result = recovery_arm_sweep(recovery, failure);
	if (result == 0)
		result = remove_unused(recovery, failure);
	if (result == 0 && pins_exist(recovery->pins, PINS_SHARED "/journal"))
		pins_journal_write(recovery->pins, JOURNAL_IDLE, "", 0);
	return result;
}

/* ------------------------------------------------------------ the sweep -------------------------
 */

#define SWEEP_ARM_TRIES	   20
#define SWEEP_ARM_PAUSE_US 10000

static int arm(const struct recovery *recovery, const char *interface, uint32_t generation,
	       struct failure *failure)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	char directory[PIN_DIRECTORY_BYTES_MAX];
	cleanup(fd_closep) int fd =
		pins_get(recovery->pins, "%s/generation-%" PRIu32 "/" PINS_PROGRAM_SWEEP,
			 pins_interface_directory(interface, directory), generation);
	int result = fd;

	/* The kernel allocates the timer without waiting for memory, which may fail one moment and
	 * not the next. */
	for (int try = 0; fd >= 0 && try < SWEEP_ARM_TRIES; try++) {
		result = bpf_prog_test_run_opts(fd, &options) < 0 ? -errno : -(int)options.retval;
		if (result == 0)
			return 0;
		usleep(SWEEP_ARM_PAUSE_US);
	}
	return fail(failure, -result,
		    "can't arm the timer that sweeps expired flows (program sweep: %s); try again",
		    strerror(-result));
}

int recovery_arm_sweep(const struct recovery *recovery, struct failure *failure)
{
	struct generation_list generations;
	struct interface_name_list names;
	const char *interface = NULL;
	uint32_t newest = 0;
	int result;

	result = pins_interfaces(recovery->pins, recovery->arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		result = pins_generations(recovery->pins, recovery->arena, names.items[i].text,
					  failure, &generations);
		if (result < 0 || generations.count == 0)
			continue;
		if (generations.items[generations.count - 1] > newest) {
			newest = generations.items[generations.count - 1];
			interface = names.items[i].text;
		}
	}
	return result == 0 && interface ? arm(recovery, interface, newest, failure) : result;
}

/* ------------------------------------------------------------ what was left ---------------------
 */

/* A first command was killed before it attached anything, or the last detach before its end. */
static int wipe(const struct recovery *recovery, struct failure *failure, const char **ret_done)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct interface_name_list names;
	struct hooks hooks;
	int result;

	result = pins_interfaces(recovery->pins, recovery->arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		result =
			hooks_read(recovery->pins, recovery->arena, names.items[i].text,
				   interface_index(recovery, names.items[i].text), failure, &hooks);
		if (result == 0 && (hooks.receive.attached || hooks.transmit.attached))
			return fail(failure, EPROTO,
				    "%s: %s is enforced, but %s/meta or %s/journal is missing, so "
				    "what is in force can't be told; sallyport detach, then apply",
				    pins_root(recovery->pins), names.items[i].text, PINS_SHARED,
				    PINS_SHARED);
	}
	if (result == 0 && (names.count || pins_exist(recovery->pins, PINS_SHARED)))
		*ret_done = "removed pins that a killed command had left, with nothing attached";
	for (size_t i = 0; result == 0 && i < names.count; i++)
		result = pins_remove(recovery->pins, failure, "%s",
				     pins_interface_directory(names.items[i].text, directory));
	return result == 0 ? pins_remove(recovery->pins, failure, PINS_SHARED) : result;
}

static int finish_swap(const struct recovery *recovery, uint32_t generation,
		       struct failure *failure, const char **ret_done)
{
	struct failure undo_failure;
	int result = recovery_swap(recovery, generation, failure);

	if (result == 0) {
		*ret_done = arena_printf(recovery->arena,
					 "finished the swap to generation %" PRIu32
					 " that a killed command had begun",
					 generation);
		return recovery_clean(recovery, generation, failure);
	}
	*ret_done = arena_printf(recovery->arena,
				 "reverted generation %" PRIu32
				 ", to which a killed command had begun to swap (%s)",
				 generation, failure ? failure->message : "");
	result = recovery_undo(recovery, generation, &undo_failure);
	return result < 0 ? fail(failure, -result, "%s", undo_failure.message) : 0;
}

int recovery_run(const struct recovery *recovery, struct failure *failure, const char **ret_done)
{
	struct journal journal;
	struct layout_meta meta;
	int result;

	*ret_done = NULL;
	if (pins_meta_read(recovery->pins, &meta) == -ENOENT)
		return wipe(recovery, failure, ret_done);
	result = pins_journal_read(recovery->pins, &journal);
	if (result == -ENOENT)
		return wipe(recovery, failure, ret_done);
	if (result < 0)
		return fail(failure, -result,
			    "%s/%s/journal: can't read it: %s; sallyport detach, "
			    "then apply",
			    pins_root(recovery->pins), PINS_SHARED, strerror(-result));
	if (!strcmp(journal.step, JOURNAL_SWAP))
		return finish_swap(recovery, journal.generation, failure, ret_done);
	if (!strcmp(journal.step, JOURNAL_PREPARE) || !strcmp(journal.step, JOURNAL_REVERT)) {
		*ret_done = arena_printf(recovery->arena,
					 "removed generation %" PRIu32
					 ", which a killed command had begun to load",
					 journal.generation);
		return recovery_undo(recovery, journal.generation, failure);
	}
	if (!strcmp(journal.step, JOURNAL_CLEAN)) {
		*ret_done = arena_printf(recovery->arena,
					 "removed what was older than generation %" PRIu32,
					 journal.generation);
		return recovery_clean(recovery, journal.generation, failure);
	}
	if (!strcmp(journal.step, JOURNAL_DETACH)) {
		*ret_done =
			arena_printf(recovery->arena, "finished detaching %s", journal.interface);
		return recovery_detach(recovery, arena_strdup(recovery->arena, journal.interface),
				       failure);
	}
	return 0;
}
