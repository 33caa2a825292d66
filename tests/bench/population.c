/* SPDX-License-Identifier: BSD-2-Clause */
#include "population.h"

#include <string.h>

/* As in the vendors' lists: networks of offices and clouds, and single hosts. In percent. */
struct length_share {
	uint8_t length;
	uint32_t percent;
};

static const struct length_share lengths_v4[] = {{20, 5}, {22, 10}, {24, 45}, {28, 15}, {32, 25}};
static const struct length_share lengths_v6[] = {{32, 5}, {40, 5}, {48, 45}, {64, 25}, {128, 20}};

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

static uint8_t random_length(struct random *random, uint8_t family)
{
	const struct length_share *shares = family == 4 ? lengths_v4 : lengths_v6;
	uint32_t dice = random_below(random, 100);

	while (dice >= shares->percent) {
		dice -= shares->percent;
		shares++;
	}
	return shares->length;
}

static void cut_behind(struct address *address, unsigned length)
{
	for (unsigned bit = length; bit < address_bits(address); bit++)
		address->bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

struct population *population_new(struct arena *arena, uint64_t seed, size_t prefixes)
{
	struct population *population = arena_alloc(arena, sizeof(*population));
	struct random random = random_seeded(seed, 0);

	population->arena = arena;
	for (int f = 0; f < 2; f++) {
		for (size_t i = 0; i < prefixes; i++) {
			struct prefix prefix = {
				.address = random_unicast(&random, f ? 6 : 4),
				.length = random_length(&random, f ? 6 : 4),
			};

			cut_behind(&prefix.address, prefix.length);
			prefix_list_add(arena, &population->ordered[f], &prefix);
			prefix_list_add(arena, &population->all[f], &prefix);
		}
		prefix_list_normalize(&population->all[f]);
	}
	return population;
}

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
