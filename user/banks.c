/* SPDX-License-Identifier: BSD-2-Clause */
#include "banks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "descriptor.h"

typedef LIST(uint32_t) id_list;

struct survey {
	const struct pins *pins;
	struct arena *arena;
	id_list used[TABLE_TRIE_COUNT]; /* ids of maps that a pinned generation has */
	struct interface_name newest_of;
	uint32_t newest; /* 0: no generation is pinned */
};

/* 0: it can't be told. Ids begin with 1. */
static uint32_t map_id(int fd)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);

	return bpf_obj_get_info_by_fd(fd, &information, &length) < 0 ? 0 : information.id;
}

static int open_bank(const struct pins *pins, unsigned number, int map)
{
	return pins_get(pins, PINS_SHARED "/bank-%u/%s", number,
			table_map_name((enum table_map)map));
}

static int open_of_generation(const struct pins *pins, const char *interface, uint32_t generation,
			      int map)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];

	return pins_get(pins, "%s/generation-%" PRIu32 "/%s",
			pins_interface_directory(interface, directory), generation,
			table_map_name((enum table_map)map));
}

/* ------------------------------------------------------------ which are used -------------------
 */

static int note_generation(struct survey *survey, const struct interface_name *interface,
			   uint32_t generation)
{
	for (int map = 0; map < TABLE_TRIE_COUNT; map++) {
		cleanup(fd_closep) int fd =
			open_of_generation(survey->pins, interface->text, generation, map);
		uint32_t id = fd < 0 ? 0 : map_id(fd);

		if (!id)
			return fd < 0 ? fd : -EIO;
		*arena_push(survey->arena, &survey->used[map]) = id;
	}
	if (generation > survey->newest) {
		survey->newest = generation;
		survey->newest_of = *interface;
	}
	return 0;
}

static int note_generations(struct survey *survey, struct failure *failure)
{
	struct generation_list generations;
	struct interface_name_list names;
	int error = pins_interfaces(survey->pins, survey->arena, failure, &names);

	if (error)
		return error;
	list_for_each (name, &names) {
		error = pins_generations(survey->pins, survey->arena, name->text, failure,
					 &generations);
		if (error)
			return error;
		list_for_each (generation, &generations) {
			error = note_generation(survey, name, *generation);
			if (error)
				return fail(failure, -error,
					    "%s: the tries of generation %" PRIu32
					    " can't be opened: %s; sallyport detach, then apply",
					    name->text, *generation, strerror(-error));
		}
	}
	return 0;
}

static bool is_used(const id_list *used, uint32_t id)
{
	list_for_each (each, used) {
		if (*each == id)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------ which are idle -------------------
 */

/*
 * The kernel frees a trie in one go, which holds a CPU up for as long as it is large: what is
 * emptied before is freed bit by bit.
 */
static int remove_bank(const struct survey *survey, unsigned number, int map, int fd,
		       struct failure *failure)
{
	const struct bank bank = {.fd = fd, .name = table_map_name((enum table_map)map)};
	const struct address_image nothing = {0};
	struct bank_counts counts;
	int error = bank_bring_up(&bank, &nothing, NULL, failure, &counts);

	return error ? error
		     : pins_remove(survey->pins, failure, PINS_SHARED "/bank-%u/%s", number,
				   table_map_name((enum table_map)map));
}

static int find_idle(const struct survey *survey, int map, struct failure *failure, int *ret_fd)
{
	for (unsigned number = 1; number <= BANKS_MAX; number++) {
		cleanup(fd_closep) int fd = open_bank(survey->pins, number, map);
		uint32_t id = fd < 0 ? 0 : map_id(fd);
		int error;

		if (fd == -ENOENT || (id && is_used(&survey->used[map], id)))
			continue;
		if (!id)
			return fail(failure, EIO,
				    PINS_SHARED "/bank-%u/%s can't be opened; sallyport detach, "
						"then apply",
				    number, table_map_name((enum table_map)map));
		if (*ret_fd < 0) {
			*ret_fd = fd;
			fd = -1;
			continue;
		}
		error = remove_bank(survey, number, map, fd, failure);
		if (error)
			return error;
	}
	return 0;
}

/* ------------------------------------------------------------ the whole ------------------------
 */

/* What can't be opened is not used again. */
static void open_live(const struct survey *survey, struct table_maps *live)
{
	for (int map = 0; survey->newest && map < TABLE_MAP_COUNT; map++)
		live->fd[map] = open_of_generation(survey->pins, survey->newest_of.text,
						   survey->newest, map);
}

int banks_open(const struct pins *pins, struct arena *arena, bool only_look,
	       struct failure *failure, struct banks *ret_banks)
{
	struct survey survey = {.pins = pins, .arena = arena};
	cleanup(banks_close) struct banks banks = BANKS_NONE;
	int error = note_generations(&survey, failure);

	open_live(&survey, &banks.live);
	if (!only_look && bank_can_wait()) {
		for (int map = 0; !error && map < TABLE_TRIE_COUNT; map++)
			error = find_idle(&survey, map, failure, &banks.idle.fd[map]);
	}
	if (error)
		return error;
	*ret_banks = banks;
	banks = BANKS_NONE;
	return 0;
}

void banks_close(struct banks *banks)
{
	table_maps_close(&banks->live);
	table_maps_close(&banks->idle);
}

/* Where there is no place left, nothing is pinned. */
static int pin_bank(const struct pins *pins, int map, int fd, struct failure *failure)
{
	const char *name = table_map_name((enum table_map)map);

	for (unsigned number = 1; number <= BANKS_MAX; number++) {
		if (!pins_exist(pins, PINS_SHARED "/bank-%u/%s", number, name))
			return pins_put(pins, fd, failure, PINS_SHARED "/bank-%u/%s", number, name);
	}
	return 0;
}

int banks_keep(const struct pins *pins, struct loaded *loaded, struct failure *failure)
{
	int error = 0;

	for (int map = 0; !error && bank_can_wait() && map < TABLE_TRIE_COUNT; map++) {
		const char *name = table_map_name((enum table_map)map);

		if (loaded_report(loaded, (enum table_map)map)->source == TABLE_MADE)
			error = pin_bank(
				pins, map,
				bpf_object__find_map_fd_by_name(loaded_object(loaded), name),
				failure);
	}
	return error;
}

int banks_spare(const struct pins *pins, struct arena *arena, const struct load_request *request,
		struct loaded *loaded, struct failure *failure)
{
	struct survey survey = {.pins = pins, .arena = arena};
	cleanup(table_maps_close) struct table_maps idle = TABLE_MAPS_NONE;
	int error = bank_can_wait() ? note_generations(&survey, failure) : 0;

	for (int map = 0; !error && bank_can_wait() && map < TABLE_TRIE_COUNT; map++) {
		error = find_idle(&survey, map, failure, &idle.fd[map]);
		if (error || idle.fd[map] >= 0)
			continue;
		idle.fd[map] = loaded_spare(request, loaded, (enum table_map)map, failure);
		error = idle.fd[map] < 0 ? idle.fd[map]
					 : pin_bank(pins, map, idle.fd[map], failure);
	}
	return error;
}

unsigned banks_number(const struct pins *pins, const char *interface, uint32_t generation,
		      enum table_map map)
{
	cleanup(fd_closep) int fd = open_of_generation(pins, interface, generation, map);
	uint32_t id = fd < 0 ? 0 : map_id(fd);

	if (!id)
		return 0;
	for (unsigned number = 1; number <= BANKS_MAX; number++) {
		cleanup(fd_closep) int bank = open_bank(pins, number, map);

		if (bank >= 0 && map_id(bank) == id)
			return number;
	}
	return 0;
}
