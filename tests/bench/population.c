/* SPDX-License-Identifier: BSD-2-Clause */
#include "population.h"

#include <stdlib.h>
#include <string.h>

/* In thousandths. */
struct length_share {
	uint8_t length;
	uint32_t share;
};

/*
 * AWS's ip-ranges.json of August 2026: 7,905 different IPv4 prefixes and 3,108 IPv6 ones. What is
 * rarer than 1 in 200 there is added to its neighbour.
 */
static const struct length_share cloud_v4[] = {
	{13, 4},  {14, 8},  {15, 24}, {16, 48}, {17, 8},   {18, 13},  {19, 6},
	{20, 16}, {21, 26}, {22, 69}, {23, 70}, {24, 224}, {25, 33},  {26, 63},
	{27, 39}, {28, 40}, {29, 62}, {30, 24}, {31, 63},  {32, 160},
};
static const struct length_share cloud_v6[] = {
	{36, 66}, {39, 23},  {40, 423}, {42, 8},  {44, 10}, {46, 5},
	{47, 24}, {48, 209}, {56, 160}, {60, 41}, {64, 27}, {128, 4},
};
/* Networks of offices and carriers, and single hosts. */
static const struct length_share office_v4[] = {
	{20, 30}, {22, 70}, {24, 350}, {28, 100}, {32, 450}};
static const struct length_share office_v6[] = {
	{32, 30}, {40, 70}, {48, 350}, {64, 250}, {128, 300}};

/*
 * No cloud has more prefixes than that of the widest lengths: a million such would cover the whole
 * of the address space.
 */
#define CLOUD_WIDE_MAX	   8000u
#define CLOUD_LENGTH_WIDE4 22
#define CLOUD_LENGTH_WIDE6 44
/* In percent: how many of a cloud's lie in the same /16 or /32 as one before them. */
#define CLOUD_NEAR 85u

const char *const population_names[POPULATION_KINDS] = {
	[POPULATION_MIXED] = "mixed",
	[POPULATION_CLOUD] = "cloud",
	[POPULATION_HOSTS] = "hosts",
};

static struct address random_unicast(struct random *random, uint8_t family)
{
	struct address address = {.family = family};
	uint64_t upper = random_next(random);
	uint64_t lower = random_next(random);

	if (family == 4) {
		memcpy(address.bytes, &upper, 4);
		/* 1 to 223, and neither this host nor loopback */
		do
			address.bytes[0] = (uint8_t)random_between(random, 1, 223);
		while (address.bytes[0] == 127 || address.bytes[0] == 192);
	} else {
		memcpy(address.bytes, &upper, 8);
		memcpy(address.bytes + 8, &lower, 8);
		/* 2400::/6: global, and never documentation */
		address.bytes[0] = 0x24 | (address.bytes[0] & 3);
	}
	return address;
}

static uint8_t length_of(const struct length_share *shares, uint32_t dice)
{
	while (dice >= shares->share) {
		dice -= shares->share;
		shares++;
	}
	return shares->length;
}

static void cut_behind(struct address *address, unsigned length)
{
	for (unsigned bit = length; bit < address_bits(address); bit++)
		address->bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

/* ---- drawing ---- */

struct draw {
	struct random random;
	uint8_t family;
	bool cloud;  /* the next one */
	size_t wide; /* prefixes of clouds' widest lengths so far */
	const struct prefix_list *before;
};

static uint8_t draw_length(struct draw *draw)
{
	const bool v4 = draw->family == 4;
	uint8_t length;

	if (!draw->cloud)
		return length_of(v4 ? office_v4 : office_v6, random_below(&draw->random, 1000));
	do
		length = length_of(v4 ? cloud_v4 : cloud_v6, random_below(&draw->random, 1000));
	while (draw->wide >= CLOUD_WIDE_MAX &&
	       length < (v4 ? CLOUD_LENGTH_WIDE4 : CLOUD_LENGTH_WIDE6));
	draw->wide += length < (v4 ? CLOUD_LENGTH_WIDE4 : CLOUD_LENGTH_WIDE6);
	return length;
}

static struct prefix draw_prefix(struct draw *draw)
{
	const struct prefix_list *before = draw->before;
	struct prefix prefix = {.length = draw_length(draw)};
	size_t shared = draw->family == 4 ? 2 : 4;

	prefix.address = random_unicast(&draw->random, draw->family);
	if (draw->cloud && before->count && random_percent(&draw->random, CLOUD_NEAR)) {
		const struct prefix *near =
			&before->items[random_below(&draw->random, (uint32_t)before->count)];

		memcpy(prefix.address.bytes, near->address.bytes, shared);
	}
	cut_behind(&prefix.address, prefix.length);
	return prefix;
}

/* ---- no prefix twice: a set of those that were drawn, by open addressing ---- */

struct drawn {
	uint32_t *slots; /* index + 1 in the list */
	size_t mask;
};

static size_t hash_of(const struct prefix *prefix)
{
	struct random random = {prefix->length};
	uint64_t words[2];

	memcpy(words, prefix->address.bytes, sizeof(words));
	random.state ^= words[0];
	random.state = random_next(&random) ^ words[1];
	return random_next(&random);
}

/* False: it is there already. */
static bool remember(struct drawn *drawn, const struct prefix_list *list,
		     const struct prefix *prefix)
{
	size_t slot = hash_of(prefix) & drawn->mask;

	while (drawn->slots[slot]) {
		if (!prefix_compare(&list->items[drawn->slots[slot] - 1], prefix))
			return false;
		slot = (slot + 1) & drawn->mask;
	}
	drawn->slots[slot] = (uint32_t)list->count + 1;
	return true;
}

static void draw_all(struct population *population, enum population_kind kind, int f,
		     struct random random, size_t prefixes)
{
	struct prefix_list *list = &population->ordered[f];
	struct draw draw = {.random = random, .family = f ? 6 : 4, .before = list};
	struct drawn drawn = {.mask = 1023};

	while (drawn.mask < prefixes * 2)
		drawn.mask = drawn.mask * 2 + 1;
	drawn.slots = arena_alloc(population->arena, (drawn.mask + 1) * sizeof(*drawn.slots));
	while (list->count < prefixes) {
		struct prefix prefix;

		draw.cloud = kind == POPULATION_CLOUD ||
			     (kind == POPULATION_MIXED && list->count % 2 == 0);
		prefix = draw_prefix(&draw);
		if (kind == POPULATION_HOSTS) {
			prefix.address = random_unicast(&draw.random, draw.family);
			prefix.length = (uint8_t)address_bits(&prefix.address);
		}
		if (!remember(&drawn, list, &prefix))
			continue;
		prefix_list_add(population->arena, list, &prefix);
		prefix_list_add(population->arena, &population->all[f], &prefix);
	}
	prefix_list_normalize(&population->all[f]);
}

struct population *population_new(struct arena *arena, enum population_kind kind, uint64_t seed,
				  const size_t prefixes[2])
{
	struct population *population = arena_alloc(arena, sizeof(*population));

	population->arena = arena;
	for (int f = 0; f < 2; f++)
		draw_all(population, kind, f, random_seeded(seed, (uint64_t)f), prefixes[f]);
	return population;
}

/* ---- addresses ---- */

struct address population_member(const struct population *population, struct random *random,
				 uint8_t family, size_t prefixes, size_t *ret_prefix)
{
	const struct prefix_list *list = &population->ordered[family == 6];
	size_t index = random_below(random, (uint32_t)prefixes);
	const struct prefix *prefix = &list->items[index];
	struct address address = random_unicast(random, family);

	for (unsigned bit = 0; bit < prefix->length; bit++) {
		uint8_t mask = (uint8_t)(0x80u >> bit % 8);

		address.bytes[bit / 8] &= (uint8_t)~mask;
		address.bytes[bit / 8] |= prefix->address.bytes[bit / 8] & mask;
	}
	*ret_prefix = index;
	return address;
}

/* In a normalized list the only prefix that can hold an address is the last that is not above it.
 */
static bool is_member(const struct prefix_list *all, const struct address *address)
{
	size_t first = 0, count = all->count;

	while (count > 1) {
		size_t half = count / 2;

		if (address_compare(&all->items[first + half].address, address) <= 0) {
			first += half;
			count -= half;
		} else {
			count = half;
		}
	}
	return all->count && prefix_contains(&all->items[first], address);
}

struct address population_stranger(const struct population *population, struct random *random,
				   uint8_t family)
{
	struct address address;

	do
		address = random_unicast(random, family);
	while (is_member(&population->all[family == 6], &address));
	return address;
}
