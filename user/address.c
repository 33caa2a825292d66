/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An address as a number: IPv4 in the lower 32 bits. */
typedef unsigned __int128 number;

static number number_of(const struct address *address)
{
	unsigned bytes = address_bits(address) / 8;
	number value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | address->bytes[i];
	return value;
}

static struct address address_of(uint8_t family, number value)
{
	struct address address = {.family = family};

	for (unsigned i = address_bits(&address) / 8; i-- > 0; value >>= 8)
		address.bytes[i] = (uint8_t)value;
	return address;
}

/* A number whose lowest bits are 1. bits is at most 128. */
static number low_bits(unsigned bits)
{
	return bits >= 128 ? ~(number)0 : ((number)1 << bits) - 1;
}

unsigned address_bits(const struct address *address)
{
	return address->family == 4 ? 32 : 128;
}

bool address_parse(const char *text, struct address *ret_address)
{
	struct address address = {.family = 4};

	if (inet_pton(AF_INET, text, address.bytes) != 1) {
		address.family = 6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1)
			return false;
	}
	*ret_address = address;
	return true;
}

/* Decimal digits alone, without leading zeros, up to max. */
static bool length_parse(const char *text, unsigned max, uint8_t *ret_length)
{
	unsigned length = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		length = length * 10 + (unsigned)(*text - '0');
		if (length > max)
			return false;
	}
	*ret_length = (uint8_t)length;
	return true;
}

bool prefix_parse_loosely(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	char before[ADDRESS_TEXT_MAX];
	struct prefix prefix;
	unsigned bits;
	number value;

	if (!slash) {
		if (!address_parse(text, &prefix.address))
			return false;
		*ret_prefix = prefix_of_address(&prefix.address);
		return true;
	}
	if ((size_t)(slash - text) >= sizeof(before))
		return false;
	memcpy(before, text, (size_t)(slash - text));
	before[slash - text] = '\0';
	if (!address_parse(before, &prefix.address))
		return false;
	bits = address_bits(&prefix.address);
	if (!length_parse(slash + 1, bits, &prefix.length))
		return false;
	value = number_of(&prefix.address) & ~low_bits(bits - prefix.length);
	prefix.address = address_of(prefix.address.family, value);
	*ret_prefix = prefix;
	return true;
}

bool prefix_parse(const char *text, struct prefix *ret_prefix)
{
	struct address address;
	struct prefix prefix;
	char before[ADDRESS_TEXT_MAX];
	size_t length = strcspn(text, "/");

	if (!prefix_parse_loosely(text, &prefix))
		return false;
	memcpy(before, text, length);
	before[length] = '\0';
	if (!address_parse(before, &address) || address_compare(&address, &prefix.address))
		return false;
	*ret_prefix = prefix;
	return true;
}

struct prefix prefix_of_address(const struct address *address)
{
	return (struct prefix){.address = *address, .length = (uint8_t)address_bits(address)};
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = address_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

/* The first length bits are equal. */
static bool bits_equal(const struct address *a, const struct address *b, unsigned length)
{
	unsigned whole = length / 8;
	unsigned rest = length % 8;

	if (memcmp(a->bytes, b->bytes, whole))
		return false;
	return !rest || !((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest));
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	return prefix->address.family == address->family &&
	       bits_equal(&prefix->address, address, prefix->length);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->length <= inner->length && prefix_contains(outer, &inner->address);
}

bool prefix_is_single(const struct prefix *prefix)
{
	return prefix->length == address_bits(&prefix->address);
}

bool prefix_list_contains(const struct prefix_list *list, const struct address *address)
{
	list_for_each (prefix, list) {
		if (prefix_contains(prefix, address))
			return true;
	}
	return false;
}

bool prefix_list_equal(const struct prefix_list *a, const struct prefix_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (prefix_compare(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

void prefix_list_add(struct arena *arena, struct prefix_list *list, const struct prefix *prefix)
{
	*arena_push(arena, list) = *prefix;
}

static void add_numbers(struct arena *arena, struct prefix_list *list, uint8_t family, number first,
			number last)
{
	unsigned family_bits = family == 4 ? 32 : 128;

	for (;;) {
		struct prefix prefix;
		unsigned bits = 0; /* of the block that starts at first */

		while (bits < family_bits && !(first & low_bits(bits + 1)) &&
		       (first | low_bits(bits + 1)) <= last)
			bits++;
		prefix.address = address_of(family, first);
		prefix.length = (uint8_t)(family_bits - bits);
		prefix_list_add(arena, list, &prefix);
		first |= low_bits(bits);
		if (first == last)
			return;
		first++;
	}
}

void prefix_list_add_range(struct arena *arena, struct prefix_list *list,
			   const struct address *first, const struct address *last)
{
	add_numbers(arena, list, first->family, number_of(first), number_of(last));
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* Two halves of one prefix, the lower one first. */
static bool is_pair(const struct prefix *lower, const struct prefix *upper)
{
	number bit;

	if (lower->length != upper->length || !lower->length ||
	    lower->address.family != upper->address.family)
		return false;
	bit = (number)1 << (address_bits(&lower->address) - lower->length);
	return !(number_of(&lower->address) & bit) &&
	       number_of(&upper->address) == (number_of(&lower->address) | bit);
}

static bool is_canonical(const struct prefix_list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		const struct prefix *before = &list->items[i - 1];
		const struct prefix *here = &list->items[i];

		if (prefix_compare(before, here) >= 0 || prefix_covers(before, here) ||
		    is_pair(before, here))
			return false;
	}
	return true;
}

void prefix_list_normalize(struct prefix_list *list)
{
	size_t kept = 0;

	if (is_canonical(list))
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_prefixes);
	/* Sorted so, what covers a prefix stands right before it, and a pair meets when its upper
	 * half arrives: the kept ones are a stack. */
	for (size_t i = 0; i < list->count; i++) {
		if (kept && prefix_covers(&list->items[kept - 1], &list->items[i]))
			continue;
		list->items[kept++] = list->items[i];
		while (kept > 1 && is_pair(&list->items[kept - 2], &list->items[kept - 1])) {
			list->items[kept - 2].length--;
			kept--;
		}
	}
	list->count = kept;
}

/* Adds prefix less remove->items[from..]; those that lie inside it follow each other there. Returns
 * the first that lies behind it. */
static size_t subtract_one(struct arena *arena, struct prefix_list *result,
			   const struct prefix *prefix, const struct prefix_list *remove,
			   size_t from)
{
	uint8_t family = prefix->address.family;
	unsigned bits = address_bits(&prefix->address);
	number first = number_of(&prefix->address);
	number last = first | low_bits(bits - prefix->length);

	for (; from < remove->count; from++) {
		const struct prefix *hole = &remove->items[from];
		number start;
		number end;

		if (!prefix_covers(prefix, hole))
			break;
		start = number_of(&hole->address);
		end = start | low_bits(bits - hole->length);
		if (start > first)
			add_numbers(arena, result, family, first, start - 1);
		if (end == last)
			return from + 1;
		first = end + 1;
	}
	add_numbers(arena, result, family, first, last);
	return from;
}

void prefix_list_subtract(struct arena *arena, struct prefix_list *list,
			  const struct prefix_list *remove)
{
	struct prefix_list result = {0};
	struct prefix_list holes = *remove;
	size_t hole = 0;

	if (!is_canonical(remove)) {
		holes.items = arena_alloc(arena, remove->count * sizeof(*holes.items));
		memcpy(holes.items, remove->items, remove->count * sizeof(*holes.items));
		prefix_list_normalize(&holes);
	}
	prefix_list_normalize(list);
	if (!holes.count || !list->count)
		return;
	/* Both are sorted and disjoint, so one walk along the two is enough. */
	list_for_each (prefix, list) {
		while (hole < holes.count && prefix_compare(&holes.items[hole], prefix) < 0 &&
		       !prefix_covers(&holes.items[hole], prefix))
			hole++;
		if (hole < holes.count && prefix_covers(&holes.items[hole], prefix))
			continue;
		hole = subtract_one(arena, &result, prefix, &holes, hole);
	}
	*list = result;
}

void prefix_list_add_unicast(struct arena *arena, struct prefix_list *list)
{
	static const struct prefix whole[] = {{.address.family = 4}, {.address.family = 6}};
	static const struct prefix groups[] = {
		{.address = {4, {224}}, .length = 4},
		{.address = {4, {255, 255, 255, 255}}, .length = 32},
		{.address = {6, {0xff}}, .length = 8},
	};
	struct prefix_list unicast = {0}, group = {0};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		prefix_list_add(arena, &unicast, &whole[i]);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		prefix_list_add(arena, &group, &groups[i]);
	prefix_list_subtract(arena, &unicast, &group);
	list_for_each (prefix, &unicast)
		prefix_list_add(arena, list, prefix);
	prefix_list_normalize(list);
}

const char *address_format(const struct address *address, char *buffer)
{
	int family = address->family == 4 ? AF_INET : AF_INET6;

	/* Its output for IPv6 is RFC 5952's. It can't fail: the buffer is large enough. */
	if (!inet_ntop(family, address->bytes, buffer, ADDRESS_TEXT_MAX))
		buffer[0] = '\0';
	return buffer;
}

const char *prefix_format(const struct prefix *prefix, char *buffer)
{
	size_t length;

	address_format(&prefix->address, buffer);
	if (!prefix_is_single(prefix)) {
		length = strlen(buffer);
		snprintf(buffer + length, ADDRESS_TEXT_MAX - length, "/%u", prefix->length);
	}
	return buffer;
}
