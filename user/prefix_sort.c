/* SPDX-License-Identifier: BSD-2-Clause */
#include "prefix_sort.h"

#include <stdlib.h>
#include <string.h>

/* Shorter lists are sorted before the counters of a pass are cleared. */
#define RADIX_MIN 1024u
/* An IPv4 prefix is 32 bits of address and 6 of length: four digits of ten bits. */
#define DIGIT_BITS  10u
#define DIGITS	    4u
#define LENGTH_BITS 6u

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static uint64_t key_of(const struct prefix *prefix)
{
	const uint8_t *bytes = prefix->address.bytes;
	uint64_t address = (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 |
			   (uint64_t)bytes[2] << 8 | bytes[3];

	return address << LENGTH_BITS | prefix->length;
}

static struct prefix prefix_of(uint64_t key)
{
	uint64_t address = key >> LENGTH_BITS;

	return (struct prefix){
		.address = {4,
			    {(uint8_t)(address >> 24), (uint8_t)(address >> 16),
			     (uint8_t)(address >> 8), (uint8_t)address}},
		.length = (uint8_t)(key & ((1u << LENGTH_BITS) - 1)),
	};
}

static void sort_by_digit(const uint64_t *from, uint64_t *to, size_t count, unsigned digit)
{
	size_t places[1u << DIGIT_BITS] = {0};
	const unsigned shift = digit * DIGIT_BITS;
	const uint64_t mask = (1u << DIGIT_BITS) - 1;
	size_t place = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i] >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		size_t here = places[i];

		places[i] = place;
		place += here;
	}
	for (size_t i = 0; i < count; i++)
		to[places[from[i] >> shift & mask]++] = from[i];
}

/* IPv4 alone, from the digit that counts least. False: no memory for it. */
static bool sort_by_digits(struct prefix *prefixes, size_t count)
{
	uint64_t *keys = malloc(2 * count * sizeof(*keys));

	if (!keys)
		return false;
	for (size_t i = 0; i < count; i++)
		keys[i] = key_of(&prefixes[i]);
	for (unsigned digit = 0; digit < DIGITS; digit++)
		sort_by_digit(keys + (digit % 2 ? count : 0), keys + (digit % 2 ? 0 : count), count,
			      digit);
	for (size_t i = 0; i < count; i++)
		prefixes[i] = prefix_of(keys[i]);
	free(keys);
	return true;
}

/* IPv4 to the front. Returns how many there are. */
static size_t part_families(struct prefix *prefixes, size_t count)
{
	size_t ipv4 = 0;

	for (size_t i = 0; i < count; i++) {
		struct prefix prefix = prefixes[i];

		if (prefix.address.family != 4)
			continue;
		prefixes[i] = prefixes[ipv4];
		prefixes[ipv4++] = prefix;
	}
	return ipv4;
}

void prefix_sort(struct prefix *prefixes, size_t count)
{
	size_t ipv4 = part_families(prefixes, count);

	if (ipv4 < RADIX_MIN || !sort_by_digits(prefixes, ipv4))
		qsort(prefixes, ipv4, sizeof(*prefixes), compare);
	qsort(prefixes + ipv4, count - ipv4, sizeof(*prefixes), compare);
}
