/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_judge_live: what is pinned, asked without touching it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "descriptor.h"
#include "judge.h"
#include "kernel_run.h"
#include "live_rules.h"
#include "load.h"
#include "pins.h"
#include "status.h"

struct live_judge {
	struct judge judge;
	struct arena *arena;
	struct loaded *loaded;
	struct host_policy modes; /* only the modes are set */
	const struct rule **rule_of_slot;
};

/* Where load_copy finds the live maps. */
struct place {
	struct pins *pins;
	const char *directory;
	uint32_t generation;
};

static int live_map(void *data, const char *name)
{
	const struct place *place = data;
	int fd = pins_get(place->pins, "%s/generation-%u/%s", place->directory, place->generation,
			  name);

	if (fd == -ENOENT)
		fd = pins_get(place->pins, "%s/%s", place->directory, name);
	return fd == -ENOENT ? pins_get(place->pins, PINS_SHARED "/%s", name) : fd;
}

static int read_rules(struct live_judge *live, struct place *place, struct failure *failure)
{
	cleanup(fd_closep) int fd = live_map(place, "rule_info");

	if (fd < 0)
		return fail(failure, -fd, "the live rules can't be opened: %s", strerror(-fd));
	live->rule_of_slot = live_rules_read(live->arena, fd);
	return 0;
}

static enum mode mode_of(const char *word)
{
	if (strcmp(word, "enforce") == 0)
		return MODE_ENFORCE;
	return strcmp(word, "audit") == 0 ? MODE_AUDIT : MODE_OFF;
}

/* The generation that is in force on the interface, and its modes. */
static int find_generation(struct live_judge *live, const char *root, const char *interface,
			   uint32_t *ret_generation, struct failure *failure)
{
	struct status status;
	int error = generation_status(live->arena, root, failure, &status);

	if (error)
		return error;
	list_for_each (one, &status.interfaces) {
		if (strcmp(one->name, interface) != 0 || !one->generation)
			continue;
		live->modes.mode[DIRECTION_IN] = mode_of(one->information.mode_in);
		live->modes.mode[DIRECTION_OUT] = mode_of(one->information.mode_out);
		*ret_generation = one->generation;
		return 0;
	}
	return fail(failure, ENOENT,
		    "nothing is enforced on %s: \"sallyport status\" lists what is", interface);
}

/* Expired entries that wait for the sweep take room too, as they do on the wire. */
static bool is_full(const struct pins *pins, const char *path)
{
	uint64_t used, bound;

	return pins_map_use(pins, path, &used, &bound) == 0 && used >= bound;
}

static int open_live(struct live_judge *live, const char *root, const char *interface,
		     struct failure *failure)
{
	struct pins_request request = {.root = root, .read_only = true};
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct load_room room = {0};
	struct place place = {.directory = pins_interface_directory(interface, directory)};
	int error = find_generation(live, root, interface, &place.generation, failure);

	if (error)
		return error;
	error = pins_open(&request, failure, &place.pins);
	if (error)
		return error;
	room.flows_full = is_full(place.pins, PINS_SHARED "/flows");
	room.fragments_full = is_full(place.pins, PINS_SHARED "/fragments");
	error = read_rules(live, &place, failure);
	if (!error)
		error = load_copy(live_map, &place, &room, failure, &live->loaded);
	pins_close(place.pins);
	return error;
}

static int judge_live(struct judge *base, enum direction direction, const void *frame,
		      size_t length, uint64_t at_ms, struct judgement *ret_judgement)
{
	struct live_judge *live = (struct live_judge *)base;

	loaded_state(live->loaded)->bound = (__u8)base->bound;
	loaded_state(live->loaded)->has_payload = base->has_payload;
	return kernel_run(live->loaded, &live->modes, live->rule_of_slot, direction, frame, length,
			  ret_judgement);
}

/* There is nothing of its own to forget. */
static int reset_live(struct judge *base)
{
	return 0;
}

static void live_judge_free(struct judge *base)
{
	struct live_judge *live = (struct live_judge *)base;

	loaded_free(live->loaded);
	arena_free(live->arena);
	free(live);
}

int kernel_judge_live(const char *pins, const char *interface, struct failure *failure,
		      struct judge **ret_judge)
{
	struct live_judge *live = calloc(1, sizeof(*live));
	int error;

	if (!live)
		return fail(failure, ENOMEM, "out of memory");
	live->arena = arena_new();
	live->judge.bound = live->judge.otherwise_bound = BOUND_ASK;
	live->judge.judge = judge_live;
	live->judge.reset = reset_live;
	live->judge.free = live_judge_free;
	error = open_live(live, pins, interface, failure);
	if (error) {
		live_judge_free(&live->judge);
		return error;
	}
	*ret_judge = &live->judge;
	return 0;
}
