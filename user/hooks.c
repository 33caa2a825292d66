/* SPDX-License-Identifier: BSD-2-Clause */
#include "hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "descriptor.h"

bool hooks_wants_receive(const struct generation_info *information)
{
	return strcmp(information->mode_in, "off") != 0;
}

bool hooks_wants_transmit(const struct generation_info *information)
{
	return hooks_wants_receive(information) || strcmp(information->mode_out, "off") != 0;
}

int hooks_generation_info(const struct pins *pins, const char *interface, uint32_t generation,
			  struct generation_info *ret_information)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);
	const __u32 first = 0;
	cleanup(fd_closep) int fd =
		pins_get(pins, "%s/generation-%" PRIu32 "/generation_info",
			 pins_interface_directory(interface, directory), generation);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &information, &length) < 0)
		return -errno;
	if (information.value_size != sizeof(*ret_information))
		return -EPROTO;
	return bpf_map_lookup_elem(fd, &first, ret_information) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------ what is in force ------------------
 */

static uint32_t pinned_program_id(const struct pins *pins, const char *directory,
				  uint32_t generation, const char *program)
{
	cleanup(fd_closep) int fd =
		pins_get(pins, "%s/generation-%" PRIu32 "/%s", directory, generation, program);
	uint32_t id;

	return fd >= 0 && program_read_id(fd, &id) == 0 ? id : 0;
}

static uint32_t generation_of(const struct pins *pins, const char *directory,
			      const struct generation_list *generations, const char *program,
			      uint32_t program_id)
{
	list_for_each (generation, generations) {
		if (pinned_program_id(pins, directory, *generation, program) == program_id)
			return *generation;
	}
	return 0;
}

/* A link of an interface that has gone, or was made anew since, holds nothing. */
static int link_hook_read(const struct pins *pins, const char *directory, const char *name,
			  uint32_t index, struct hook *ret_hook)
{
	cleanup(fd_closep) int fd = pins_get(pins, "%s/%s", directory, name);
	struct link_state link;
	int result;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = link_read(fd, &link);
	if (result < 0)
		return result;
	if (index && link.interface_index == index)
		*ret_hook = (struct hook){
			.attached = true,
			.program_id = link.program_id,
			.link_id = link.id,
		};
	return 0;
}

static int transmit_read(const struct pins *pins, const char *directory, uint32_t index,
			 const struct generation_list *generations, struct hooks *hooks)
{
	struct hook *hook = &hooks->transmit;
	uint32_t program_id = 0;
	int result;

	result = link_hook_read(pins, directory, PINS_LINK_EGRESS, index, hook);
	if (result < 0)
		return result;
	if (hook->attached) {
		hooks->egress_hook = EGRESS_HOOK_TCX;
		hooks->egress_first = tcx_position(index, hook->program_id) == 0;
	} else if (index) {
		result = clsact_read(index, &program_id);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	if (program_id)
		*hook = (struct hook){.attached = true, .program_id = program_id};
	if (hook->attached)
		hook->generation = generation_of(pins, directory, generations, PINS_PROGRAM_EGRESS,
						 hook->program_id);
	if (!program_id)
		return 0;
	/* Somebody else's filter may stand at our place. */
	if (hook->generation)
		hooks->egress_hook = EGRESS_HOOK_CLSACT;
	else
		*hook = (struct hook){0};
	return 0;
}

int hooks_read(const struct pins *pins, struct arena *arena, const char *interface, uint32_t index,
	       struct failure *failure, struct hooks *ret_hooks)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct generation_list generations;
	struct hooks hooks = {0};
	uint32_t program_id;
	int result;

	pins_interface_directory(interface, directory);
	result = pins_generations(pins, arena, interface, failure, &generations);
	if (result < 0)
		return result;
	result = link_hook_read(pins, directory, PINS_LINK_XDP, index, &hooks.receive);
	if (result == 0 && hooks.receive.attached) {
		hooks.receive.generation = generation_of(
			pins, directory, &generations, PINS_PROGRAM_XDP, hooks.receive.program_id);
		result = xdp_read(index, &hooks.xdp_mode, &program_id);
	}
	if (result == 0)
		result = transmit_read(pins, directory, index, &generations, &hooks);
	if (result < 0)
		return fail(failure, -result, "%s: can't read what is attached: %s", interface,
			    strerror(-result));
	*ret_hooks = hooks;
	return 0;
}

/* ------------------------------------------------------------ swapping --------------------------
 */

/* One generation that both hooks of an interface are to hold. */
struct swap {
	const struct pins *pins;
	const struct interface *interface;
	const char *directory;
	uint32_t generation;
	struct generation_info information;
	struct hooks before;
	const struct progress *progress;
};

static int open_program(const struct swap *swap, const char *name, struct failure *failure)
{
	int fd = pins_get(swap->pins, "%s/generation-%" PRIu32 "/%s", swap->directory,
			  swap->generation, name);

	if (fd < 0)
		return fail(failure, -fd,
			    "%s: program %s of generation %" PRIu32
			    " is not pinned: %s; apply again",
			    swap->interface->name, name, swap->generation, strerror(-fd));
	return fd;
}

/* Pins a new link, in place of one that holds nothing any more. */
static int pin_link(const struct swap *swap, int link_fd, const char *name, struct failure *failure)
{
	int result = pins_remove(swap->pins, failure, "%s/%s", swap->directory, name);

	if (result < 0)
		return result;
	progress_step(swap->progress, "pin %s of %s", name, swap->interface->name);
	return pins_put(swap->pins, link_fd, failure, "%s/%s", swap->directory, name);
}

static int update_link(const struct swap *swap, const char *name, int program_fd,
		       struct failure *failure)
{
	cleanup(fd_closep) int fd = pins_get(swap->pins, "%s/%s", swap->directory, name);

	if (fd < 0)
		return fail(failure, -fd, "%s: %s is not pinned: %s", swap->interface->name, name,
			    strerror(-fd));
	return attach_update(fd, program_fd, swap->interface->name, failure);
}

static int attach_egress(const struct swap *swap, int program_fd, struct failure *failure)
{
	if (!strcmp(swap->information.egress_hook, egress_hook_name(EGRESS_HOOK_TCX))) {
		cleanup(fd_closep) int fd = attach_tcx(swap->interface, program_fd, failure);

		return fd < 0 ? fd : pin_link(swap, fd, PINS_LINK_EGRESS, failure);
	}
	return attach_clsact(swap->interface, program_fd, 0, failure);
}

static int swap_egress(const struct swap *swap, struct failure *failure)
{
	cleanup(fd_closep) int program_fd = open_program(swap, PINS_PROGRAM_EGRESS, failure);
	const struct hook *before = &swap->before.transmit;

	if (program_fd < 0)
		return program_fd;
	if (!before->attached) {
		if (!hooks_wants_transmit(&swap->information))
			return 0;
		progress_step(swap->progress, "attach egress of %s by %s", swap->interface->name,
			      swap->information.egress_hook);
		return attach_egress(swap, program_fd, failure);
	}
	if (before->generation == swap->generation)
		return 0;
	progress_step(swap->progress, "swap egress of %s to generation %" PRIu32,
		      swap->interface->name, swap->generation);
	if (swap->before.egress_hook == EGRESS_HOOK_TCX)
		return update_link(swap, PINS_LINK_EGRESS, program_fd, failure);
	return attach_clsact(swap->interface, program_fd, before->program_id, failure);
}

static int attach_receive(const struct swap *swap, int program_fd, struct failure *failure)
{
	enum xdp_mode mode = strcmp(swap->information.xdp_mode, xdp_mode_name(XDP_MODE_GENERIC))
				     ? XDP_MODE_NATIVE
				     : XDP_MODE_GENERIC;
	cleanup(fd_closep) int fd = attach_xdp(swap->interface, program_fd, mode, failure);

	return fd < 0 ? fd : pin_link(swap, fd, PINS_LINK_XDP, failure);
}

static int swap_receive(const struct swap *swap, struct failure *failure)
{
	cleanup(fd_closep) int program_fd = open_program(swap, PINS_PROGRAM_XDP, failure);
	const struct hook *before = &swap->before.receive;

	if (program_fd < 0)
		return program_fd;
	if (!before->attached) {
		if (!hooks_wants_receive(&swap->information))
			return 0;
		progress_step(swap->progress, "attach XDP of %s, %s", swap->interface->name,
			      swap->information.xdp_mode);
		return attach_receive(swap, program_fd, failure);
	}
	if (before->generation == swap->generation)
		return 0;
	progress_step(swap->progress, "swap XDP of %s to generation %" PRIu32,
		      swap->interface->name, swap->generation);
	return update_link(swap, PINS_LINK_XDP, program_fd, failure);
}

/* The kernel has the last word about what is in force. */
static int verify(const struct swap *swap, struct arena *arena, struct failure *failure)
{
	const struct interface *interface = swap->interface;
	struct hooks hooks = {0};
	int result;

	result = hooks_read(swap->pins, arena, interface->name, interface->index, failure, &hooks);
	if (result < 0)
		return result;
	if ((hooks_wants_receive(&swap->information) || hooks.receive.attached) &&
	    hooks.receive.generation != swap->generation)
		return fail(failure, EIO,
			    "%s: XDP runs program %" PRIu32 ", not that of generation %" PRIu32,
			    interface->name, hooks.receive.program_id, swap->generation);
	if ((hooks_wants_transmit(&swap->information) || hooks.transmit.attached) &&
	    hooks.transmit.generation != swap->generation)
		return fail(failure, EIO,
			    "%s: egress runs program %" PRIu32 ", not that of generation %" PRIu32,
			    interface->name, hooks.transmit.program_id, swap->generation);
	return 0;
}

/* What the generation asks for, and what is attached. */
static int read_swap(struct swap *swap, struct arena *arena, struct failure *failure)
{
	const struct interface *interface = swap->interface;
	int result = hooks_generation_info(swap->pins, interface->name, swap->generation,
					   &swap->information);

	if (result < 0)
		return fail(failure, -result,
			    "%s: generation %" PRIu32 " is not pinned whole: %s; apply again",
			    interface->name, swap->generation, strerror(-result));
	return hooks_read(swap->pins, arena, interface->name, interface->index, failure,
			  &swap->before);
}

int hooks_swap_egress(const struct pins *pins, struct arena *arena,
		      const struct interface *interface, uint32_t generation,
		      const struct progress *progress, struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct swap swap = {
		.pins = pins,
		.interface = interface,
		.directory = pins_interface_directory(interface->name, directory),
		.generation = generation,
		.progress = progress,
	};
	int result = read_swap(&swap, arena, failure);

	return result < 0 ? result : swap_egress(&swap, failure);
}

int hooks_swap(const struct pins *pins, struct arena *arena, const struct interface *interface,
	       uint32_t generation, const struct progress *progress, struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct swap swap = {
		.pins = pins,
		.interface = interface,
		.directory = pins_interface_directory(interface->name, directory),
		.generation = generation,
		.progress = progress,
	};
	int result = read_swap(&swap, arena, failure);

	if (result == 0)
		result = swap_egress(&swap, failure);
	if (result == 0)
		result = swap_receive(&swap, failure);
	if (result == 0)
		result = verify(&swap, arena, failure);
	return result;
}

/* ------------------------------------------------------------ detaching -------------------------
 */

static int detach_link(const struct pins *pins, const char *directory, const char *name,
		       struct failure *failure)
{
	cleanup(fd_closep) int fd = pins_get(pins, "%s/%s", directory, name);
	int result;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fail(failure, -fd, "%s/%s: %s", directory, name, strerror(-fd));
	/* Others may have the link open: detach it rather than wait for its last reference. */
	result = attach_detach(fd, failure);
	return result < 0 ? result : pins_remove(pins, failure, "%s/%s", directory, name);
}

static bool clsact_is_ours(const struct pins *pins, struct arena *arena, const char *interface)
{
	struct generation_info information = {0};
	struct generation_list generations = {0};

	if (pins_generations(pins, arena, interface, NULL, &generations) < 0)
		return false;
	list_for_each (generation, &generations) {
		if (hooks_generation_info(pins, interface, *generation, &information) == 0 &&
		    information.clsact_created)
			return true;
	}
	return false;
}

int hooks_detach(const struct pins *pins, struct arena *arena, const char *interface,
		 uint32_t index, const struct progress *progress, struct failure *failure)
{
	bool remove_qdisc = clsact_is_ours(pins, arena, interface);
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct hooks hooks = {0};
	int result;

	pins_interface_directory(interface, directory);
	result = hooks_read(pins, arena, interface, index, failure, &hooks);
	if (result < 0)
		return result;
	progress_step(progress, "detach XDP of %s", interface);
	result = detach_link(pins, directory, PINS_LINK_XDP, failure);
	if (result < 0)
		return result;
	progress_step(progress, "detach egress of %s", interface);
	result = detach_link(pins, directory, PINS_LINK_EGRESS, failure);
	if (result == 0 && index && (hooks.egress_hook == EGRESS_HOOK_CLSACT || remove_qdisc))
		result = clsact_detach(index, remove_qdisc, failure);
	return result;
}
