/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of lookup: flat against the prefixes that it was made from: random sets, thin and
 * crowded, looked up at every edge and between, with the walk that the programs do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/types.h>

#include "../differential/random.h"
#include "flat_tree.h"

#undef __always_inline
/* Units are of 32 bytes in memory of malloc's: what is read in them is aligned. */
#define __always_inline inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#include "../../bpf/flat_walk.h"

#define ROLES	  4
#define QUESTIONS 2000

static const uint16_t role_slots[ROLES] = {2, 3, 5, 7};

struct set {
	struct address_entry *entries;
	size_t count;
	uint8_t family;
	struct flat_tree tree;
};

/* How prefixes lie: how many bits of the address vary, from which one on, and how long they are. */
struct shape {
	const char *name;
	uint8_t family;
	unsigned first_bit;
	unsigned bits;
	unsigned shortest;
	unsigned longest;
	size_t count;
};

static const struct shape shapes[] = {
	{"one host", 4, 0, 32, 32, 32, 1},
	{"everything", 4, 0, 0, 0, 0, 1},
	{"a handful", 4, 0, 32, 8, 32, 7},
	{"thin", 4, 0, 32, 8, 32, 3000},
	{"a crowded /16", 4, 16, 16, 17, 32, 3000},
	{"a crowded /24", 4, 24, 8, 25, 32, 120},
	{"a full /24", 4, 24, 8, 32, 32, 900},
	{"hosts of a /16", 4, 16, 16, 32, 32, 20000},
	{"nested", 4, 8, 6, 0, 32, 200},
	{"edges of chunks", 4, 14, 4, 14, 18, 40},
	{"the last addresses", 4, 30, 2, 30, 32, 6},
	{"one host", 6, 0, 128, 128, 128, 1},
	{"everything", 6, 0, 0, 0, 0, 1},
	{"thin", 6, 3, 61, 16, 64, 3000},
	{"hosts of one link", 6, 112, 16, 128, 128, 3000},
	{"a crowded link", 6, 112, 16, 128, 128, 20000},
	{"hosts of some links", 6, 60, 68, 64, 128, 300},
	{"nested", 6, 40, 6, 0, 128, 300},
	{"sites", 6, 32, 16, 40, 48, 2000},
	{"edges of chunks", 6, 62, 4, 60, 68, 60},
	{"deep", 6, 0, 128, 120, 128, 200},
	{"the last addresses", 6, 126, 2, 126, 128, 6},
};

static bool bit_of(const struct address *address, unsigned bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static void set_bit(struct address *address, unsigned bit, bool value)
{
	uint8_t mask = (uint8_t)(0x80u >> bit % 8);

	if (value)
		address->bytes[bit / 8] |= mask;
	else
		address->bytes[bit / 8] &= (uint8_t)~mask;
}

/* All ones in front of what varies where ones is set: the edge of the address space. */
static struct address random_address(struct random *random, const struct shape *shape, bool ones)
{
	struct address address = {.family = shape->family};

	for (unsigned bit = 0; bit < address_bits(&address); bit++) {
		if (bit >= shape->first_bit && bit < shape->first_bit + shape->bits)
			set_bit(&address, bit, random_percent(random, 50));
		else
			set_bit(&address, bit, ones || bit % 5 == 2);
	}
	return address;
}

static int compare_entries(const void *a, const void *b)
{
	const struct address_entry *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

static void make_set(struct random *random, const struct shape *shape, struct set *set)
{
	bool ones = random_percent(random, 30);
	size_t kept = 0;

	set->family = shape->family;
	set->entries = calloc(shape->count, sizeof(*set->entries));
	for (size_t i = 0; i < shape->count; i++) {
		struct address_entry *entry = &set->entries[i];
		struct address address = random_address(random, shape, ones);

		entry->prefix = prefix_of_address(&address);
		entry->prefix.length =
			(uint8_t)random_between(random, shape->shortest, shape->longest);
		for (unsigned bit = entry->prefix.length; bit < address_bits(&address); bit++)
			set_bit(&entry->prefix.address, bit, false);
		entry->class_id = (uint16_t)random_between(random, 1, 9);
		entry->own = random_percent(random, 5);
		entry->peer_of_in = random_percent(random, 50);
		entry->peer_of_out = random_percent(random, 50);
		entry->role = (uint16_t)random_below(random, ROLES + 1);
	}
	qsort(set->entries, shape->count, sizeof(*set->entries), compare_entries);
	for (size_t i = 0; i < shape->count; i++)
		if (!kept || compare_entries(&set->entries[kept - 1], &set->entries[i]))
			set->entries[kept++] = set->entries[i];
	set->count = kept;
	assert_int_equal(
		flat_tree_build(set->entries, set->count, set->family == 4, role_slots, &set->tree),
		0);
}

static void free_set(struct set *set)
{
	flat_tree_free(&set->tree);
	free(set->entries);
}

/* The longest prefix that has the address, said in a leaf. */
static uint32_t leaf_of(const struct set *set, const struct address *address)
{
	const struct address_entry *best = NULL;

	for (size_t i = 0; i < set->count; i++)
		if (prefix_contains(&set->entries[i].prefix, address) &&
		    (!best || set->entries[i].prefix.length > best->prefix.length))
			best = &set->entries[i];
	if (!best)
		return 0;
	return (best->own ? FLAT_OWN : 0) | (best->peer_of_in ? FLAT_PEER_OF_IN : 0) |
	       (best->peer_of_out ? FLAT_PEER_OF_OUT : 0) | best->class_id |
	       (best->role ? (uint32_t)role_slots[best->role - 1] << FLAT_ROLE_SHIFT : 0);
}

static uint64_t half_of(const uint8_t *bytes)
{
	uint64_t half = 0;

	for (int i = 0; i < 8; i++)
		half = half << 8 | bytes[i];
	return half;
}

static uint32_t walk(const struct set *set, const struct address *address)
{
	if (set->family == 4)
		return ipv4_walk(set->tree.units, set->tree.unit_count,
				 (uint32_t)(half_of(address->bytes) >> 32));
	return ipv6_walk(set->tree.units, &set->tree.root, set->tree.unit_count,
			 half_of(address->bytes), half_of(address->bytes + 8));
}

static void ask(const struct set *set, const struct address *address, const char *name)
{
	char text[ADDRESS_TEXT_MAX];
	uint32_t found = walk(set, address), meant = leaf_of(set, address);

	if (found != meant)
		fail_msg("%s: %s is %#x, not %#x", name, address_format(address, text), meant,
			 found);
}

/* One more or less, around the ends of the address space too. */
static void move(struct address *address, int by)
{
	for (unsigned i = address_bits(address) / 8; i-- > 0;) {
		uint8_t before = address->bytes[i];

		address->bytes[i] = (uint8_t)(before + by);
		if (by > 0 ? address->bytes[i] : before)
			return;
	}
}

static void ask_around(const struct set *set, const struct prefix *prefix, const char *name)
{
	struct address address = prefix->address;

	ask(set, &address, name);
	move(&address, -1);
	ask(set, &address, name);
	address = prefix->address;
	for (unsigned bit = prefix->length; bit < address_bits(&address); bit++)
		set_bit(&address, bit, true);
	ask(set, &address, name);
	move(&address, 1);
	ask(set, &address, name);
}

static void test_walks_find_what_the_prefixes_say(void **state)
{
	struct random random = {.state = 4};

	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			const struct shape *shape = &shapes[i];
			struct set set = {0};

			make_set(&random, shape, &set);
			for (size_t j = 0; j < set.count && j < QUESTIONS; j++)
				ask_around(&set, &set.entries[j].prefix, shape->name);
			for (size_t j = 0; j < QUESTIONS; j++) {
				struct address address =
					random_address(&random, shape, random_percent(&random, 50));
				unsigned flip = random_below(&random, address_bits(&address));

				set_bit(&address, flip, !bit_of(&address, flip));
				ask(&set, &address, shape->name);
			}
			free_set(&set);
		}
}

static void test_an_entry_out_of_range_is_no_leaf(void **state)
{
	struct set set = {0};
	struct random random = {.state = 1};
	struct address address;

	(void)state;
	make_set(&random, &shapes[4], &set);
	address = set.entries[0].prefix.address;
	((uint32_t *)set.tree.units)[half_of(address.bytes) >> 48] = FLAT_NODE | FLAT_UNIT_MASK;
	assert_int_equal(walk(&set, &address), 0);
	free_set(&set);
}

static void test_memory_follows_the_prefixes(void **state)
{
	const struct shape thin = {"thin", 4, 0, 32, 32, 32, 100000};
	struct random random = {.state = 2};
	struct set set = {0};

	(void)state;
	make_set(&random, &thin, &set);
	/* Goal: a million in 64 MiB. */
	assert_true(flat_tree_bytes(&set.tree) < 8u << 20);
	free_set(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks_find_what_the_prefixes_say),
		cmocka_unit_test(test_an_entry_out_of_range_is_no_leaf),
		cmocka_unit_test(test_memory_follows_the_prefixes),
	};

	return cmocka_run_group_tests_name("flat_tree", tests, NULL, NULL);
}
