/* SPDX-License-Identifier: BSD-2-Clause */
#include "drop_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "descriptor.h"
#include "pins.h"
#include "slots.h"

#define RINGS_BYTES  (DROP_RINGS * sizeof(struct drop_ring))
#define EVENTS_BYTES (DROP_RINGS * DROP_RING_EVENTS * sizeof(struct drop_event))
#define NANOSECONDS  UINT64_C(1000000000)

/* The rings of one interface. */
struct interface_rings {
	struct interface_rings *next;
	char name[IF_NAMESIZE];
	uint32_t map_id; /* of drop_events: another one was made by another first apply */
	const struct drop_ring *rings;
	const struct drop_event *events;
	int counters[DIRECTION_COUNT]; /* the maps by REASON_COUNTER */
	uint64_t seen[DROP_RINGS];     /* number of the last event that was read */
	uint64_t told[DIRECTION_COUNT][REASON_COUNTERS]; /* packets that it told of */
};

struct drop_reader {
	struct arena *arena; /* owns the reader too */
	struct drop_reader_request request;
	struct interface_rings *interfaces;
	/* What slots stand for, as of that generation; NULL: not asked yet. */
	struct arena *names;
	struct slots slots;
	uint32_t names_generation;
};

struct drop_reader *drop_reader_new(const struct drop_reader_request *request)
{
	struct arena *arena = arena_new();
	struct drop_reader *reader = arena_alloc(arena, sizeof(*reader));

	reader->arena = arena;
	reader->request = *request;
	return reader;
}

static void rings_free(struct interface_rings *one)
{
	if (one->rings)
		munmap((void *)one->rings, RINGS_BYTES);
	if (one->events)
		munmap((void *)one->events, EVENTS_BYTES);
	for (int direction = 0; direction < DIRECTION_COUNT; direction++)
		fd_closep(&one->counters[direction]);
	free(one);
}

static void rings_freep(struct interface_rings **one)
{
	if (*one)
		rings_free(*one);
}

void drop_reader_free(struct drop_reader *reader)
{
	struct interface_rings *next;

	if (!reader)
		return;
	for (struct interface_rings *one = reader->interfaces; one; one = next) {
		next = one->next;
		rings_free(one);
	}
	if (reader->names)
		arena_free(reader->names);
	arena_free(reader->arena);
}

void drop_reader_freep(struct drop_reader **reader)
{
	drop_reader_free(*reader);
}

/* ------------------------------------------------------------ interfaces that come and go */

/* NULL with errno set. */
static const void *map_values(int fd, size_t bytes)
{
	void *values = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	return values == MAP_FAILED ? NULL : values;
}

static int open_counters(const struct pins *pins, const char *directory,
			 struct interface_rings *one)
{
	static const char *const names[] = {
		[DIRECTION_IN] = "receive_reasons", [DIRECTION_OUT] = "transmit_reasons"};

	for (int direction = 0; direction < DIRECTION_COUNT; direction++) {
		one->counters[direction] = pins_get(pins, "%s/%s", directory, names[direction]);
		if (one->counters[direction] < 0)
			return one->counters[direction];
	}
	return 0;
}

static int map_rings(int rings, int events, struct interface_rings *one)
{
	one->rings = map_values(rings, RINGS_BYTES);
	if (!one->rings)
		return -errno;
	one->events = map_values(events, EVENTS_BYTES);
	return one->events ? 0 : -errno;
}

static struct interface_rings *rings_by_name(const struct drop_reader *reader, const char *name)
{
	for (struct interface_rings *one = reader->interfaces; one; one = one->next)
		if (strcmp(one->name, name) == 0)
			return one;
	return NULL;
}

static void forget(struct drop_reader *reader, struct interface_rings *gone)
{
	struct interface_rings **link = &reader->interfaces;

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	rings_free(gone);
}

static int open_interface(struct drop_reader *reader, const struct pins *pins, const char *name,
			  int rings, int events, uint32_t id)
{
	cleanup(rings_freep) struct interface_rings *one = calloc(1, sizeof(*one));
	char directory[PIN_DIRECTORY_BYTES_MAX];
	int error;

	if (!one)
		return -ENOMEM;
	snprintf(one->name, sizeof(one->name), "%s", name);
	one->map_id = id;
	one->counters[DIRECTION_IN] = one->counters[DIRECTION_OUT] = -1;
	error = open_counters(pins, pins_interface_directory(name, directory), one);
	if (!error)
		error = map_rings(rings, events, one);
	if (error)
		return error;
	one->next = reader->interfaces;
	reader->interfaces = one;
	one = NULL;
	return 0;
}

/* Opens the rings of an interface unless they are open. Not there: no error, and nothing open. */
static int refresh_interface(struct drop_reader *reader, const struct pins *pins, const char *name)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	cleanup(fd_closep) int rings =
		pins_get(pins, "%s/drop_rings", pins_interface_directory(name, directory));
	cleanup(fd_closep) int events = pins_get(pins, "%s/drop_events", directory);
	struct interface_rings *one = rings_by_name(reader, name);
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);

	if (rings == -ENOENT || events == -ENOENT)
		return 0;
	if (rings < 0 || events < 0)
		return rings < 0 ? rings : events;
	if (bpf_obj_get_info_by_fd(events, &info, &length))
		return -errno;
	if (info.value_size != sizeof(struct drop_event) ||
	    info.max_entries != DROP_RINGS * DROP_RING_EVENTS)
		return -EPROTO;
	if (one && one->map_id == info.id)
		return 0;
	if (one)
		forget(reader, one);
	return open_interface(reader, pins, name, rings, events, info.id);
}

static bool has_name(const struct interface_name_list *names, const char *name)
{
	list_for_each (each, names)
		if (strcmp(each->text, name) == 0)
			return true;
	return false;
}

static int refresh(struct drop_reader *reader, const struct pins *pins, struct arena *arena,
		   struct failure *failure)
{
	const char *wanted = reader->request.interface;
	struct interface_name_list names = {0};
	struct interface_rings *next;
	int error = pins ? pins_interfaces(pins, arena, failure, &names) : 0;

	if (error)
		return error;
	for (struct interface_rings *one = reader->interfaces; one; one = next) {
		next = one->next;
		if (!has_name(&names, one->name))
			forget(reader, one);
	}
	list_for_each (name, &names) {
		if (wanted && strcmp(wanted, name->text) != 0)
			continue;
		error = refresh_interface(reader, pins, name->text);
		if (error)
			return fail(failure, -error, "the drop events of %s can't be read: %s",
				    name->text,
				    error == -EPROTO ? "they were made by another version of "
						       "sallyport; \"sallyport apply\" renews them"
						     : strerror(-error));
	}
	return 0;
}

/* ------------------------------------------------------------ names */

static void read_names(struct drop_reader *reader, const struct pins *pins, uint32_t generation)
{
	cleanup(fd_closep) int rules = pins_get(pins, PINS_SHARED "/rule_slots");
	cleanup(fd_closep) int roles = pins_get(pins, PINS_SHARED "/role_slots");

	if (reader->names && generation <= reader->names_generation)
		return;
	if (reader->names)
		arena_free(reader->names);
	reader->names = arena_new();
	reader->slots = (struct slots){0};
	reader->names_generation = generation;
	/* A drop without names is better than none. */
	slots_read(reader->names, rules, roles, NULL, &reader->slots);
}

static const char *role_name(const struct drop_reader *reader, struct arena *arena, uint16_t slot)
{
	list_for_each (entry, &reader->slots.roles)
		if (slot && entry->value.slot == slot)
			return arena_strdup(arena, entry->key.role);
	return slot == ROLE_SLOT_OTHER ? "other" : NULL;
}

static const char *rule_name(const struct drop_reader *reader, struct arena *arena, uint16_t slot)
{
	list_for_each (entry, &reader->slots.rules)
		if (slot && entry->value.slot == slot)
			return arena_strdup(arena, entry->key.id);
	return NULL;
}

/* ------------------------------------------------------------ rings */

enum look { LOOK_TAKEN, LOOK_BEING_WRITTEN, LOOK_OVERWRITTEN };

/* Copies an event if it is there whole: its number is the same before and behind the copy. */
static enum look look_at(const struct drop_event *slot, uint64_t number,
			 struct drop_event *ret_event)
{
	uint64_t found = __atomic_load_n(&slot->number, __ATOMIC_ACQUIRE);

	if (found != number)
		return found > number ? LOOK_OVERWRITTEN : LOOK_BEING_WRITTEN;
	memcpy(ret_event, slot, sizeof(*ret_event));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	found = __atomic_load_n(&slot->number, __ATOMIC_RELAXED);
	return found == number ? LOOK_TAKEN : LOOK_OVERWRITTEN;
}

/* How many drops lie between the event before of this reason and role and this one. */
static void count_since(struct interface_rings *one, struct drop *drop)
{
	const struct drop_event *event = &drop->event;
	uint32_t index =
		REASON_COUNTER(event->verdict == VERDICT_PASS, event->role_slot, event->reason);
	uint64_t *told = &one->told[event->direction][index];

	drop->has_more = *told != 0;
	drop->more = event->packets > *told ? event->packets - *told - 1 : 0;
	*told = event->packets;
}

static void read_ring(struct interface_rings *one, uint32_t ring, struct arena *arena,
		      struct drop_reading *reading)
{
	uint64_t last = __atomic_load_n(&one->rings[ring].events, __ATOMIC_ACQUIRE);
	uint64_t first = one->seen[ring] + 1;

	if (last >= first + DROP_RING_EVENTS) {
		/* Those from before the first reading are nothing that it missed. */
		if (one->seen[ring])
			reading->missed += last - DROP_RING_EVENTS + 1 - first;
		first = last - DROP_RING_EVENTS + 1;
	}
	for (uint64_t number = first; number <= last; number++) {
		struct drop drop = {.interface = arena_strdup(arena, one->name)};
		enum look look =
			look_at(&one->events[DROP_EVENT(ring, number)], number, &drop.event);

		if (look == LOOK_BEING_WRITTEN)
			return;
		one->seen[ring] = number;
		if (look == LOOK_OVERWRITTEN) {
			reading->missed++;
			continue;
		}
		count_since(one, &drop);
		*arena_push(arena, &reading->drops) = drop;
	}
}

static void read_rings(const struct drop_reader *reader, struct arena *arena,
		       struct drop_reading *reading)
{
	const enum reason wanted = reader->request.reason;

	for (struct interface_rings *one = reader->interfaces; one; one = one->next)
		for (uint32_t ring = 0; ring < DROP_RINGS; ring++)
			if (wanted == REASON_NONE || ring % REASON_SLOTS_MAX == wanted)
				read_ring(one, ring, arena, reading);
}

/* ------------------------------------------------------------ a reading */

static uint64_t clock_nanoseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static int compare_times(const void *a, const void *b)
{
	const struct drop *left = a, *right = b;

	if (left->event.time != right->event.time)
		return left->event.time < right->event.time ? -1 : 1;
	return 0;
}

/* Names and the calendar's time, which the kernel does not know. */
static void complete(struct drop_reader *reader, const struct pins *pins, struct arena *arena,
		     struct drop_reading *reading)
{
	uint64_t boot = clock_nanoseconds(CLOCK_REALTIME) - clock_nanoseconds(CLOCK_BOOTTIME);

	if (!reading->drops.count)
		return;
	qsort(reading->drops.items, reading->drops.count, sizeof(*reading->drops.items),
	      compare_times);
	list_for_each (drop, &reading->drops) {
		if (pins)
			read_names(reader, pins, drop->event.generation);
		drop->role = role_name(reader, arena, drop->event.role_slot);
		drop->rule = rule_name(reader, arena, drop->event.rule_slot);
		drop->time = boot + drop->event.time;
	}
}

int drop_reader_read(struct drop_reader *reader, struct arena *arena, struct failure *failure,
		     struct drop_reading *ret_reading)
{
	const struct pins_request request = {.root = reader->request.pins, .read_only = true};
	cleanup(pins_closep) struct pins *pins = NULL;
	struct drop_reading reading = {0};
	struct layout_meta meta;
	int error = pins_open(&request, failure, &pins);

	if (!error)
		error = pins_check(pins, failure, &meta);
	if (error && error != -ENOENT)
		return error;
	/* First what is open: an interface may have ended with drops that nobody read. */
	read_rings(reader, arena, &reading);
	error = refresh(reader, error ? NULL : pins, arena, failure);
	if (error)
		return error;
	read_rings(reader, arena, &reading);
	for (struct interface_rings *one = reader->interfaces; one; one = one->next)
		reading.interfaces++;
	complete(reader, pins, arena, &reading);
	*ret_reading = reading;
	return 0;
}

/* ------------------------------------------------------------ what has no event yet */

static int read_counter(int fd, uint32_t index, struct counter *values, int cpus,
			uint64_t *ret_packets)
{
	uint64_t packets = 0;

	if (bpf_map_lookup_elem(fd, &index, values))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++)
		packets += values[cpu].packets;
	*ret_packets = packets;
	return 0;
}

static int read_rest(const struct drop_reader *reader, struct interface_rings *one,
		     enum direction direction, struct counter *values, int cpus,
		     struct arena *arena, drop_list *rest)
{
	for (uint32_t index = 0; index < REASON_COUNTERS; index++) {
		const uint64_t told = one->told[direction][index];
		struct drop drop = {.has_more = true};
		uint64_t packets = told;
		int error;

		if (!told)
			continue;
		error = read_counter(one->counters[direction], index, values, cpus, &packets);
		if (error)
			return error;
		if (packets <= told)
			continue;
		drop.interface = arena_strdup(arena, one->name);
		drop.more = packets - told;
		drop.event.packets = packets;
		drop.event.direction = (uint8_t)direction;
		drop.event.reason = (uint8_t)(index % REASON_SLOTS_MAX);
		drop.event.verdict = index < REASON_COUNTER(1, 0, 0) ? VERDICT_DROP : VERDICT_PASS;
		drop.role = role_name(reader, arena, index / REASON_SLOTS_MAX % ROLE_SLOTS_MAX);
		*arena_push(arena, rest) = drop;
	}
	return 0;
}

int drop_reader_rest(struct drop_reader *reader, struct arena *arena, struct failure *failure,
		     drop_list *ret_rest)
{
	const int cpus = libbpf_num_possible_cpus();
	struct counter *values =
		arena_alloc(arena, (size_t)(cpus > 0 ? cpus : 1) * sizeof(*values));
	drop_list rest = {0};
	int error = cpus < 0 ? cpus : 0;

	for (struct interface_rings *one = reader->interfaces; one; one = one->next)
		for (int direction = 0; direction < DIRECTION_COUNT; direction++)
			if (!error)
				error = read_rest(reader, one, direction, values, cpus, arena,
						  &rest);
	if (error)
		return fail(failure, -error, "the counters of drops can't be read: %s",
			    strerror(-error));
	*ret_rest = rest;
	return 0;
}
