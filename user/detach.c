/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways out of generation.h: a policy out of force, and what a killed command left finished. */
#include <errno.h>
#include <string.h>

#include "generation.h"
#include "interface.h"
#include "pins.h"
#include "recovery.h"

static bool is_pinned(const struct interface_name_list *names, const char *interface)
{
	list_for_each (name, names) {
		if (!strcmp(name->text, interface))
			return true;
	}
	return false;
}

static int choose_detached(const struct detach_request *request,
			   const struct interface_name_list *names, struct failure *failure,
			   struct detach_result *result)
{
	for (size_t i = 0; i < request->interface_count; i++) {
		if (!is_pinned(names, request->interfaces[i]))
			return fail(failure, ENODEV,
				    "%s is not enforced, so nothing was detached; sallyport status "
				    "lists what is",
				    request->interfaces[i]);
		*arena_push(request->arena, &result->interfaces) = request->interfaces[i];
	}
	if (request->interface_count)
		return 0;
	list_for_each (name, names)
		*arena_push(request->arena, &result->interfaces) = name->text;
	return 0;
}

/* All that is pinned goes, whatever state it is in; part of it only from a state that is known. */
static int detach_locked(const struct detach_request *request, const struct recovery *recovery,
			 struct failure *failure, struct detach_result *result)
{
	struct interface_name_list names;
	struct layout_meta meta;
	const char *recovered;
	int error;

	error = pins_check(recovery->pins, failure, &meta);
	if (error == 0 && request->interface_count)
		error = recovery_run(recovery, failure, &recovered);
	if (error < 0 && error != -ENOENT && error != -EPROTO)
		return error;
	error = pins_interfaces(recovery->pins, recovery->arena, failure, &names);
	if (error == 0)
		error = choose_detached(request, &names, failure, result);
	for (size_t i = 0; error == 0 && i < result->interfaces.count; i++)
		error = recovery_detach(recovery, result->interfaces.items[i], failure);
	/* A first apply that was killed early leaves shared/ alone. */
	if (error == 0 && !request->interface_count)
		error = pins_remove(recovery->pins, failure, PINS_SHARED);
	return error;
}

int generation_detach(const struct detach_request *request, struct failure *failure,
		      struct detach_result *ret_result)
{
	const struct pins_request pins_request = {
		.root = request->pins,
		.wait_seconds = request->wait_seconds,
		.waiting = request->progress.step,
		.data = request->progress.data,
	};
	cleanup(pins_closep) struct pins *pins = NULL;
	struct interface_list interfaces;
	struct recovery recovery = {
		.arena = request->arena,
		.interfaces = &interfaces,
		.progress = &request->progress,
	};
	struct detach_result result = {0};
	int error;

	error = interface_list_read(request->arena, failure, &interfaces);
	if (error == 0)
		error = pins_open(&pins_request, failure, &pins);
	if (error == -ENOENT && request->interface_count)
		return fail(failure, ENODEV, "%s is not enforced: nothing is",
			    request->interfaces[0]);
	if (error < 0 && error != -ENOENT)
		return error;
	recovery.pins = pins;
	if (error == 0)
		error = detach_locked(request, &recovery, failure, &result);
	if (error < 0 && error != -ENOENT)
		return error;
	*ret_result = result;
	return 0;
}

int generation_recover(const struct recover_request *request, struct failure *failure,
		       const char **ret_done)
{
	const struct pins_request pins_request = {
		.root = request->pins,
		.wait_seconds = request->wait_seconds,
		.waiting = request->progress.step,
		.data = request->progress.data,
	};
	cleanup(pins_closep) struct pins *pins = NULL;
	struct interface_list interfaces;
	struct recovery recovery = {
		.arena = request->arena,
		.interfaces = &interfaces,
		.progress = &request->progress,
	};
	struct layout_meta meta;
	const char *done = NULL;
	int result;

	result = interface_list_read(request->arena, failure, &interfaces);
	if (result == 0)
		result = pins_open(&pins_request, failure, &pins);
	recovery.pins = pins;
	if (result == 0) {
		result = pins_check(pins, failure, &meta);
		if (result == 0 || result == -ENOENT)
			result = recovery_run(&recovery, failure, &done);
	}
	if (result < 0 && result != -ENOENT)
		return result;
	*ret_done = done;
	return 0;
}
