/* SPDX-License-Identifier: BSD-2-Clause */
#include "lasting.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define META_MAP       "meta"
#define GENERATION_MAP "generation_info"
#define MAP_NAME_BYTES 64

struct lasting_map {
	const char *name;
	size_t offset; /* of its descriptor in struct lasting_maps */
	bool shared;   /* by all interfaces */
};

#define LASTING_MAP(map, is_shared)                                                                \
	{                                                                                          \
		.name = #map, .offset = offsetof(struct lasting_maps, map), .shared = is_shared    \
	}

static const struct lasting_map lasting_table[] = {
	LASTING_MAP(flows, true),
	LASTING_MAP(flow_shares, true),
	LASTING_MAP(flow_cache_ipv4, true),
	LASTING_MAP(flow_cache_ipv6, true),
	LASTING_MAP(flow_ports, true),
	LASTING_MAP(flow_keys, true),
	LASTING_MAP(fragments, true),
	LASTING_MAP(sweep_timer, true),
	LASTING_MAP(rule_slots, true),
	LASTING_MAP(role_slots, true),
	LASTING_MAP(journal, true),
	LASTING_MAP(meta, true),
	LASTING_MAP(receive_rules, false),
	LASTING_MAP(transmit_rules, false),
	LASTING_MAP(receive_reasons, false),
	LASTING_MAP(transmit_reasons, false),
	LASTING_MAP(rule_bases, false),
	LASTING_MAP(drop_rings, false),
	LASTING_MAP(drop_events, false),
};
#define LASTING_COUNT (sizeof(lasting_table) / sizeof(*lasting_table))
static_assert(LASTING_COUNT * sizeof(int) == sizeof(struct lasting_maps),
	      "every lasting map has its place");

static int *descriptor_of(struct lasting_maps *lasting, const struct lasting_map *map)
{
	return (int *)((char *)lasting + map->offset);
}

static const struct lasting_map *lasting_by_name(const char *name)
{
	for (size_t i = 0; i < LASTING_COUNT; i++) {
		if (!strcmp(lasting_table[i].name, name))
			return &lasting_table[i];
	}
	return NULL;
}

int lasting_open(const struct pins *pins, const char *interface, struct lasting_maps *ret_lasting,
		 struct failure *failure)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct lasting_maps lasting = LASTING_MAPS_PRIVATE;
	int fd;

	pins_interface_directory(interface, directory);
	for (size_t i = 0; i < LASTING_COUNT; i++) {
		const struct lasting_map *map = &lasting_table[i];

		fd = pins_get(pins, "%s/%s", map->shared ? PINS_SHARED : directory, map->name);
		if (fd < 0 && fd != -ENOENT) {
			lasting_close(&lasting);
			return fail(failure, -fd, "pinned map %s can't be opened: %s", map->name,
				    strerror(-fd));
		}
		if (fd >= 0)
			*descriptor_of(&lasting, map) = fd;
	}
	*ret_lasting = lasting;
	return 0;
}

void lasting_close(struct lasting_maps *lasting)
{
	for (size_t i = 0; i < LASTING_COUNT; i++) {
		int *fd = descriptor_of(lasting, &lasting_table[i]);

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

/* The BPF file system takes no dots, and the compiler's names of sections say nothing. */
static void pin_name(const struct bpf_map *map, char *name /* MAP_NAME_BYTES */)
{
	const char *text = bpf_map__name(map);
	const char *dot = strchr(text, '.');

	if (dot && !strcmp(dot, ".rodata"))
		text = "configuration";
	else if (dot && !strcmp(dot, ".bss"))
		text = "state";
	snprintf(name, MAP_NAME_BYTES, "%s", text);
	for (char *c = name; (c = strchr(c, '.')); c++)
		*c = '_';
}

static int pin_maps(const struct pins *pins, const char *directory, struct bpf_object *object,
		    const struct lasting_maps *lasting, uint32_t generation,
		    struct failure *failure)
{
	struct lasting_maps present = *lasting;
	char name[MAP_NAME_BYTES];
	struct bpf_map *map;
	int result = 0;

	bpf_object__for_each_map(map, object)
	{
		const struct lasting_map *lasts = lasting_by_name(bpf_map__name(map));

		pin_name(map, name);
		if (result < 0 || !strcmp(name, GENERATION_MAP) || !strcmp(name, META_MAP))
			continue;
		if (!lasts)
			result = pins_put(pins, bpf_map__fd(map), failure,
					  "%s/generation-%" PRIu32 "/%s", directory, generation,
					  name);
		else if (*descriptor_of(&present, lasts) < 0)
			result = pins_put(pins, bpf_map__fd(map), failure, "%s/%s",
					  lasts->shared ? PINS_SHARED : directory, name);
	}
	return result;
}

static int pin_programs(const struct pins *pins, const char *directory, struct bpf_object *object,
			uint32_t generation, struct failure *failure)
{
	struct bpf_program *program;
	int result = 0;

	bpf_object__for_each_program(program, object)
	{
		if (result == 0 && bpf_program__fd(program) >= 0)
			result = pins_put(pins, bpf_program__fd(program), failure,
					  "%s/generation-%" PRIu32 "/%s", directory, generation,
					  bpf_program__name(program));
	}
	return result;
}

/* Writes a record into its one-entry map; returns the map's descriptor, the object's. */
static int write_record(struct bpf_object *object, const char *name, const void *value, size_t size,
			struct failure *failure)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	const __u32 first = 0;

	if (!map || bpf_map__value_size(map) != size)
		return fail(failure, EPROTO, "the programs have no map %s of this layout", name);
	if (bpf_map_update_elem(bpf_map__fd(map), &first, value, BPF_ANY) < 0)
		return fail(failure, errno, "can't write %s: %s", name, strerror(errno));
	return bpf_map__fd(map);
}

int lasting_pin_generation(const struct pins *pins, const char *interface, struct loaded *loaded,
			   const struct lasting_maps *lasting,
			   const struct generation_info *information, struct failure *failure)
{
	struct bpf_object *object = loaded_object(loaded);
	const uint32_t generation = information->generation;
	char directory[PIN_DIRECTORY_BYTES_MAX];
	int result;

	pins_interface_directory(interface, directory);
	result = pin_maps(pins, directory, object, lasting, generation, failure);
	if (result == 0)
		result = pin_programs(pins, directory, object, generation, failure);
	if (result == 0)
		result = write_record(object, GENERATION_MAP, information, sizeof(*information),
				      failure);
	if (result >= 0)
		result = pins_put(pins, result, failure, "%s/generation-%" PRIu32 "/%s", directory,
				  generation, GENERATION_MAP);
	return result;
}

int lasting_pin_meta(const struct pins *pins, struct loaded *loaded, const struct layout_meta *meta,
		     struct failure *failure)
{
	int fd = write_record(loaded_object(loaded), META_MAP, meta, sizeof(*meta), failure);

	return fd < 0 ? fd : pins_put(pins, fd, failure, "%s/%s", PINS_SHARED, META_MAP);
}
