/* SPDX-License-Identifier: BSD-2-Clause */
#include "status.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "descriptor.h"
#include "interface.h"
#include "live_config.h"
#include "recovery.h"

const char *interface_state_name(enum interface_state state)
{
	static const char *const names[] = {"ok", "mixed", "partial", "gone"};

	return names[state];
}

static enum interface_state judge_state(const struct interface_status *status)
{
	const struct hooks *hooks = &status->hooks;

	if (!status->index)
		return INTERFACE_GONE;
	if (!status->has_information ||
	    (hooks_wants_receive(&status->information) && !hooks->receive.generation) ||
	    (hooks_wants_transmit(&status->information) && !hooks->transmit.generation))
		return INTERFACE_PARTIAL;
	if (hooks->receive.attached && hooks->transmit.attached &&
	    hooks->receive.generation != hooks->transmit.generation)
		return INTERFACE_MIXED;
	return INTERFACE_OK;
}

static int find_generation(const struct pins *pins, struct arena *arena, struct failure *failure,
			   struct interface_status *status)
{
	struct generation_list generations;
	int result;

	status->generation = status->hooks.receive.generation ? status->hooks.receive.generation
							      : status->hooks.transmit.generation;
	if (status->generation)
		return 0;
	result = pins_generations(pins, arena, status->name, failure, &generations);
	if (result == 0 && generations.count)
		status->generation = generations.items[generations.count - 1];
	return result;
}

static void read_state(const struct pins *pins, struct interface_status *status)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);
	const __u32 first = 0;
	struct state state;
	cleanup(fd_closep) int fd =
		pins_get(pins, "%s/generation-%" PRIu32 "/state",
			 pins_interface_directory(status->name, directory), status->generation);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &information, &length) < 0 ||
	    information.value_size != sizeof(state) || bpf_map_lookup_elem(fd, &first, &state) < 0)
		return;
	status->has_state = true;
	status->disagreements = state.disagreements;
	status->fallback = state.fallback != 0;
}

static void read_banks(const struct pins *pins, struct interface_status *status)
{
	for (int map = 0; map < TABLE_TRIE_COUNT; map++)
		status->banks[map] =
			banks_number(pins, status->name, status->generation, (enum table_map)map);
}

static bool tells_vlans_apart(const struct pins *pins, const struct interface_status *status)
{
	struct config config = {0};

	/* Another version's configuration is told about elsewhere. */
	return live_config_read(pins, status->name, status->generation, NULL, &config) == 0 &&
	       config.vlan_filter;
}

static int read_interface(const struct pins *pins, struct arena *arena,
			  const struct interface_list *interfaces, const char *name,
			  struct failure *failure, struct interface_status *ret_status)
{
	const struct interface *interface = interface_by_name(interfaces, name);
	struct interface_status status = {
		.name = name,
		.index = interface ? interface->index : 0,
	};
	int result;

	result = hooks_read(pins, arena, name, status.index, failure, &status.hooks);
	if (result == 0)
		result = find_generation(pins, arena, failure, &status);
	if (result < 0)
		return result;
	status.has_information =
		hooks_generation_info(pins, name, status.generation, &status.information) == 0;
	read_state(pins, &status);
	read_banks(pins, &status);
	status.vlan_stripped = interface && tells_vlans_apart(pins, &status) &&
			       interface_strips_vlan(interfaces, interface);
	status.state = judge_state(&status);
	*ret_status = status;
	return 0;
}

/* busy: who was at work before. */
static int read_shared(const struct pins *pins, int busy, struct failure *failure,
		       struct status *status)
{
	int result = pins_journal_read(pins, &status->journal);

	if (result == 0)
		result = pins_map_use(pins, PINS_SHARED "/flows", &status->flows.used,
				      &status->flows.bound);
	if (result == 0)
		result = pins_map_use(pins, PINS_SHARED "/fragments", &status->fragments.used,
				      &status->fragments.bound);
	if (result < 0)
		return fail(failure, -result, "%s/%s: can't read it: %s", pins_root(pins),
			    PINS_SHARED, strerror(-result));
	status->busy = pins_busy(pins);
	status->interrupted = !busy && !status->busy && *status->journal.step &&
			      strcmp(status->journal.step, JOURNAL_IDLE) != 0;
	return 0;
}

static int read_once(const struct pins *pins, int busy, struct arena *arena,
		     struct failure *failure, struct status *status)
{
	struct interface_list interfaces;
	struct interface_name_list names;
	int result;

	result = pins_check(pins, failure, &status->meta);
	if (result == -ENOENT)
		return 0;
	status->pinned = true;
	if (result == 0)
		result = read_shared(pins, busy, failure, status);
	if (result == 0)
		result = interface_list_read(arena, failure, &interfaces);
	if (result == 0)
		result = pins_interfaces(pins, arena, failure, &names);
	for (size_t i = 0; result == 0 && i < names.count; i++)
		result = read_interface(pins, arena, &interfaces, names.items[i].text, failure,
					arena_push(arena, &status->interfaces));
	return result;
}

/*
 * What a command changes at this very moment looks as if it had been cut short, for as long as a
 * grace period or two: so it is asked again.
 */
static int read_pins(const struct pins *pins, struct arena *arena, struct failure *failure,
		     struct status *ret_status)
{
	const struct timespec pause = {.tv_nsec = STATUS_PAUSE_MS * 1000000L};
	struct status status;
	int result, busy;

	for (unsigned reading = 0;; reading++) {
		status = (struct status){0};
		busy = pins_busy(pins);
		result = read_once(pins, busy, arena, failure, &status);
		if (reading == STATUS_READINGS || (!busy && !status.busy) ||
		    (result == 0 && status_is_whole(&status)))
			break;
		nanosleep(&pause, NULL);
	}
	*ret_status = status;
	return result;
}

int generation_status(struct arena *arena, const char *root, struct failure *failure,
		      struct status *ret_status)
{
	const struct pins_request request = {.root = root, .read_only = true};
	cleanup(pins_closep) struct pins *pins = NULL;
	struct status status = {0};
	int result;

	result = pins_open(&request, failure, &pins);
	if (result == 0)
		result = read_pins(pins, arena, failure, &status);
	if (result < 0 && result != -ENOENT)
		return result;
	*ret_status = status;
	return 0;
}

bool status_is_whole(const struct status *status)
{
	if (!status->pinned || status->interrupted)
		return false;
	list_for_each (interface, &status->interfaces) {
		if (interface->state != INTERFACE_OK)
			return false;
	}
	return status->interfaces.count != 0;
}
