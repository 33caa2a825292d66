/* SPDX-License-Identifier: BSD-2-Clause */
#include "first_load.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "descriptor.h"
#include "writer.h"

int first_load_consider(const struct first_load *load, const struct interface *interface,
			struct failure *failure, struct newcomer_list *newcomers)
{
	struct generation_info information;
	struct newcomer newcomer = {.interface = interface};
	struct hooks hooks;
	int result;

	result = hooks_generation_info(load->pins, interface->name, load->generation, &information);
	if (result < 0)
		return fail(failure, -result,
			    "%s: generation %" PRIu32 " is not pinned whole: %s; apply again",
			    interface->name, load->generation, strerror(-result));
	result = hooks_read(load->pins, load->arena, interface->name, interface->index, failure,
			    &hooks);
	if (result < 0)
		return result;
	newcomer.receive = hooks_wants_receive(&information) && !hooks.receive.attached;
	newcomer.transmit = hooks_wants_transmit(&information) && !hooks.transmit.attached;
	/* Egress of an older generation has seen for long what this host sends. */
	newcomer.learning = newcomer.receive && (!hooks.transmit.attached ||
						 hooks.transmit.generation == load->generation);
	newcomer.adopt_ms = information.adopt_ms;
	if (newcomer.receive || newcomer.transmit)
		*arena_push(load->arena, newcomers) = newcomer;
	return 0;
}

/* ------------------------------------------------------------ adopting --------------------------
 */

/* The adopter of any of the interfaces will do: they all have the same tables. */
static int open_adopter(const struct first_load *load, const char *interface,
			struct failure *failure, struct adopter *adopter)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];

	pins_interface_directory(interface, directory);
	adopter->program_fd = pins_get(load->pins, "%s/generation-%" PRIu32 "/" PINS_PROGRAM_ADOPT,
				       directory, load->generation);
	adopter->rule_info_fd = pins_get(load->pins, "%s/generation-%" PRIu32 "/rule_info",
					 directory, load->generation);
	if (adopter->program_fd < 0 || adopter->rule_info_fd < 0)
		return fail(failure, ENOENT,
			    "%s: program adopt of generation %" PRIu32
			    " is not pinned; apply again",
			    interface, load->generation);
	return 0;
}

static void adopter_close(struct adopter *adopter)
{
	fd_closep(&adopter->program_fd);
	fd_closep(&adopter->rule_info_fd);
}

/* ------------------------------------------------------------ learning --------------------------
 */

static uint32_t learning_ms(const struct newcomer_list *newcomers)
{
	uint32_t longest = 0;

	list_for_each (newcomer, newcomers) {
		if (newcomer->learning && newcomer->adopt_ms > longest)
			longest = newcomer->adopt_ms;
	}
	return longest;
}

/*
 * Nothing is cut yet, so whoever does not want to wait may end the command: its signals, which are
 * blocked while hooks are swapped, are asked for here.
 */
static int wait_or_end(uint32_t milliseconds, struct failure *failure)
{
	const struct timespec length = {.tv_sec = milliseconds / 1000,
					.tv_nsec = (long)(milliseconds % 1000) * 1000000};
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGTERM);
	/* Who was stopped and goes on begins anew. */
	do
		signal = sigtimedwait(&signals, NULL, &length);
	while (signal < 0 && errno == EINTR);
	if (signal < 0)
		return 0;
	return fail(
		failure, EINTR,
		"ended by signal %d (%s) while egress learned: nothing is enforced that was not "
		"before",
		signal, strsignal(signal));
}

static int learn(const struct first_load *load, uint32_t milliseconds, struct failure *failure)
{
	progress_step(load->progress,
		      "waiting %s while egress learns what this host has open (host: {adopt})",
		      duration_format(load->arena, milliseconds));
	return wait_or_end(milliseconds, failure);
}

/* ------------------------------------------------------------ in order --------------------------
 */

static bool attaches_egress(const struct newcomer_list *newcomers)
{
	list_for_each (newcomer, newcomers) {
		if (newcomer->transmit)
			return true;
	}
	return false;
}

static int attach_egress(const struct first_load *load, const struct newcomer_list *newcomers,
			 struct failure *failure)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < newcomers->count; i++) {
		if (newcomers->items[i].transmit)
			result = hooks_swap_egress(load->pins, load->arena,
						   newcomers->items[i].interface, load->generation,
						   load->progress, failure);
	}
	return result;
}

/* Who says that nothing is to be waited for may do so where nothing is open, or can be known. */
static bool may_be_blind(const struct newcomer_list *newcomers)
{
	list_for_each (newcomer, newcomers) {
		if (newcomer->adopt_ms)
			return false;
	}
	return true;
}

static int pass(const struct first_load *load, const struct newcomer_list *newcomers,
		const struct adopter *adopter, struct failure *failure, struct adoptions *adoptions)
{
	int result;

	progress_step(load->progress, "adopt TCP connections, pass %u", adoptions->passes + 1);
	result = adopt_pass(adopter, failure, adoptions);
	if (result == -ENOENT && may_be_blind(newcomers)) {
		adoptions->blind = true;
		return 0;
	}
	if (result < 0)
		return fail_prefix(failure, -result,
				   "connections that are open would be cut (host: {adopt: 0s} goes "
				   "without if the kernel can't list them)");
	return 0;
}

/*
 * Before egress is attached, or it would drop the next segment of every connection; after it, for
 * those that were opened in between; and at the end, for those that found no room before.
 */
int first_load_learn(const struct first_load *load, const struct newcomer_list *newcomers,
		     struct failure *failure, struct adoptions *adoptions)
{
	struct interface_list hooked = {0};
	cleanup(adopter_close) struct adopter adopter = {load->arena, -1, -1, load->interfaces,
							 &hooked};
	uint32_t milliseconds = learning_ms(newcomers);
	int result;

	if (!newcomers->count)
		return 0;
	list_for_each (newcomer, newcomers)
		*arena_push(load->arena, &hooked) = *newcomer->interface;
	result = open_adopter(load, newcomers->items[0].interface->name, failure, &adopter);
	if (result == 0)
		result = pass(load, newcomers, &adopter, failure, adoptions);
	if (result == 0 && attaches_egress(newcomers)) {
		result = attach_egress(load, newcomers, failure);
		if (result == 0)
			result = pass(load, newcomers, &adopter, failure, adoptions);
	}
	if (result == 0 && milliseconds)
		result = learn(load, milliseconds, failure);
	if (result == 0 && milliseconds)
		result = pass(load, newcomers, &adopter, failure, adoptions);
	return result < 0 ? result : adopt_finish(&adopter, failure, adoptions);
}
