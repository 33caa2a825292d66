/* SPDX-License-Identifier: BSD-2-Clause */
#include "table_maps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flat_map.h"

const char *table_map_name(enum table_map map)
{
	static const char *const names[TABLE_MAP_COUNT] = {
		"ipv4_classes", "ipv6_classes", "flat_classes", "flat_ipv4", "flat_ipv6",
	};

	return names[map];
}

const char *table_source_name(enum table_source source)
{
	static const char *const names[] = {"unused", "made", "updated", "kept"};

	return names[source];
}

void table_maps_close(struct table_maps *maps)
{
	for (size_t i = 0; i < TABLE_MAP_COUNT; i++) {
		if (maps->fd[i] >= 0)
			close(maps->fd[i]);
		maps->fd[i] = -1;
	}
}

static struct bpf_map *object_map(struct bpf_object *object, int map)
{
	return bpf_object__find_map_by_name(object, table_map_name((enum table_map)map));
}

static int descriptor(const struct table_maps *maps, int map)
{
	return maps ? maps->fd[map] : -1;
}

static int take(struct bpf_object *object, int map, int fd, enum table_source source,
		struct table_filling *filling, struct failure *failure)
{
	if (bpf_map__reuse_fd(object_map(object, map), fd) < 0)
		return fail(failure, errno, "map %s that is pinned can't be used again: %s",
			    table_map_name((enum table_map)map), strerror(errno));
	filling->reports[map].source = source;
	return 0;
}

/* ------------------------------------------------------------ tries -----------------------------
 */

/* A map of another layout is none to us. */
static bool has_room(int fd, const struct bpf_map *like, size_t entries)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &information, &length) == 0 &&
	       information.type == BPF_MAP_TYPE_LPM_TRIE &&
	       information.key_size == bpf_map__key_size(like) &&
	       information.value_size == bpf_map__value_size(like) &&
	       information.max_entries > entries;
}

static int build_image(const struct table_request *request, int map, struct failure *failure,
		       struct address_image *ret_image)
{
	const bool ipv4 = map == TABLE_IPV4_CLASSES;
	const struct tables *tables = request->tables;
	int error = address_image_build(ipv4 ? tables->ipv4.items : tables->ipv6.items,
					ipv4 ? tables->ipv4.count : tables->ipv6.count,
					request->role_slots, ret_image);

	return error ? fail(failure, -error, "out of memory") : 0;
}

static int choose_trie(const struct table_request *request, struct bpf_object *object, int map,
		       struct failure *failure, struct table_filling *filling)
{
	struct address_image *image = &filling->images[map];
	struct table_report *report = &filling->reports[map];
	struct bpf_map *own = object_map(object, map);
	int live = descriptor(request->live, map);
	int idle = descriptor(request->idle, map);
	int error = build_image(request, map, failure, image);

	if (error)
		return error;
	report->source = TABLE_MADE;
	bpf_map__set_max_entries(own, BANK_ENTRIES_MAX);
	if (has_room(live, own, image->count) && bank_holds(live, image) == 1) {
		report->counts.kept = image->count;
		return take(object, map, live, TABLE_KEPT, filling, failure);
	}
	if (has_room(idle, own, image->count))
		return take(object, map, idle, TABLE_UPDATED, filling, failure);
	return 0;
}

static int fill_trie(const struct table_request *request, struct bpf_object *object, int map,
		     struct failure *failure, struct table_filling *filling)
{
	const struct bank bank = {
		.fd = bpf_map__fd(object_map(object, map)),
		.name = table_map_name((enum table_map)map),
		.fresh = filling->reports[map].source == TABLE_MADE,
		.progress = request->progress,
	};

	if (filling->reports[map].source == TABLE_KEPT)
		return 0;
	return bank_bring_up(&bank, &filling->images[map], request->stopwatch, failure,
			     &filling->reports[map].counts);
}

int table_maps_spare(const struct table_request *request, struct bpf_object *object,
		     enum table_map map, struct failure *failure)
{
	cleanup(address_image_free) struct address_image image = {0};
	const struct bpf_map *like = object_map(object, map);
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(like),
		    .btf_fd = (__u32)bpf_object__btf_fd(object),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));
	struct bank bank = {.name = table_map_name(map), .fresh = true};
	struct bank_counts counts;
	int error;

	bank.fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, bank.name, bpf_map__key_size(like),
				 bpf_map__value_size(like), BANK_ENTRIES_MAX, &options);
	if (bank.fd < 0)
		return fail(failure, errno, "map %s can't be made: %s", bank.name, strerror(errno));
	error = build_image(request, map, failure, &image);
	if (!error)
		error = bank_bring_up(&bank, &image, request->stopwatch, failure, &counts);
	if (!error)
		return bank.fd;
	close(bank.fd);
	return error;
}

/* ------------------------------------------------------------ the index -------------------------
 */

struct bytes {
	const void *start;
	size_t size;
};

static struct bytes tree_bytes(const struct flat_tree *tree, uint32_t units)
{
	return (struct bytes){tree->units, (size_t)(units + FLAT_TAIL_UNITS) * FLAT_UNIT_BYTES};
}

static struct bytes flat_bytes(const struct flat *flat, int map)
{
	const struct flat_shape *shape = &flat->shape;

	if (map == TABLE_FLAT_IPV4)
		return tree_bytes(&flat->ipv4, shape->ipv4_units);
	if (map == TABLE_FLAT_IPV6)
		return tree_bytes(&flat->ipv6, shape->ipv6_units);
	return (struct bytes){flat->classes,
			      (size_t)(shape->classes_mask + 1) * sizeof(*flat->classes)};
}

static int choose_flat(const struct table_request *request, struct bpf_object *object, int map,
		       struct failure *failure, struct table_filling *filling)
{
	struct bytes bytes = flat_bytes(request->flat, map);
	struct bpf_map *own = object_map(object, map);
	int live = descriptor(request->live, map);

	bpf_map__set_value_size(own, (__u32)bytes.size);
	if (!bytes.start)
		return 0;
	filling->reports[map].source = TABLE_MADE;
	bpf_map__set_map_flags(own, bpf_map__map_flags(own) | BPF_F_MMAPABLE);
	if (live >= 0 && flat_map_holds(live, bytes.start, bytes.size))
		return take(object, map, live, TABLE_KEPT, filling, failure);
	return 0;
}

static int fill_flat(const struct table_request *request, struct bpf_object *object, int map,
		     struct failure *failure, const struct table_filling *filling)
{
	struct bytes bytes = flat_bytes(request->flat, map);
	int error = 0;

	if (filling->reports[map].source == TABLE_MADE)
		error = flat_map_write(bpf_map__fd(object_map(object, map)), bytes.start,
				       bytes.size);
	if (error)
		return fail(failure, -error, "map %s can't be written: %s",
			    table_map_name((enum table_map)map), strerror(-error));
	return 0;
}

/* ------------------------------------------------------------ all of them -----------------------
 */

int table_maps_choose(const struct table_request *request, struct bpf_object *object,
		      struct failure *failure, struct table_filling *ret_filling)
{
	struct table_filling filling = {0};
	int error = 0;

	for (int map = 0; !error && map < TABLE_TRIE_COUNT; map++)
		error = choose_trie(request, object, map, failure, &filling);
	stopwatch_lap(request->stopwatch, "tries_compare");
	for (int map = TABLE_TRIE_COUNT; !error && map < TABLE_MAP_COUNT; map++)
		error = choose_flat(request, object, map, failure, &filling);
	stopwatch_lap(request->stopwatch, "flat_compare");
	if (error) {
		table_filling_free(&filling);
		return error;
	}
	*ret_filling = filling;
	return 0;
}

int table_maps_fill(const struct table_request *request, struct bpf_object *object,
		    struct failure *failure, struct table_filling *filling)
{
	int error = 0;

	for (int map = 0; !error && map < TABLE_TRIE_COUNT; map++)
		error = fill_trie(request, object, map, failure, filling);
	for (int map = TABLE_TRIE_COUNT; !error && map < TABLE_MAP_COUNT; map++)
		error = fill_flat(request, object, map, failure, filling);
	stopwatch_lap(request->stopwatch, "flat_write");
	return error;
}

void table_filling_free(struct table_filling *filling)
{
	for (size_t i = 0; i < TABLE_TRIE_COUNT; i++)
		address_image_free(&filling->images[i]);
}
