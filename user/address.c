/* SPDX-License-Identifier: BSD-2-Clause */
#include "address.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix_sort.h"

/* An address as a number: IPv4 in the lower 32 bits. */
typedef unsigned __int128 number;

static uint64_t load_half(const uint8_t *bytes)
{
	uint64_t half;

	memcpy(&half, bytes, sizeof(half));
	return be64toh(half);
}

static number number_of(const struct address *address)
{
	uint64_t upper = load_half(address->bytes);

	if (address->family == 4)
		return upper >> 32;
	return (number)upper << 64 | load_half(address->bytes + 8);
}

static void store_half(uint8_t *bytes, uint64_t half)
{
	half = htobe64(half);
	memcpy(bytes, &half, sizeof(half));
}

static struct address address_of(uint8_t family, number value)
{
	struct address address = {.family = family};

	if (family == 4)
		value <<= 96;
	store_half(address.bytes, (uint64_t)(value >> 64));
	store_half(address.bytes + 8, (uint64_t)value);
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
	bool ipv6 = strchr(text, ':') != NULL;
	struct address address = {.family = ipv6 ? 6 : 4};

	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, address.bytes) != 1)
		return false;
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

/* The address as it is written, and the length behind it. */
static bool parts_parse(const char *text, struct address *ret_address, uint8_t *ret_length)
{
	const char *slash = strchr(text, '/');
	char before[ADDRESS_TEXT_MAX];
	struct address address;

	if (!slash) {
		if (!address_parse(text, &address))
			return false;
		*ret_address = address;
		*ret_length = (uint8_t)address_bits(&address);
		return true;
	}
	if ((size_t)(slash - text) >= sizeof(before))
		return false;
	memcpy(before, text, (size_t)(slash - text));
	before[slash - text] = '\0';
	if (!address_parse(before, &address) ||
	    !length_parse(slash + 1, address_bits(&address), ret_length))
		return false;
	*ret_address = address;
	return true;
}

bool prefix_parse_loosely(const char *text, struct prefix *ret_prefix)
{
	struct address address;
	uint8_t length;

	if (!parts_parse(text, &address, &length))
		return false;
	*ret_prefix = (struct prefix){
		.address = address_of(address.family,
				      number_of(&address) &
					      ~low_bits(address_bits(&address) - length)),
		.length = length,
	};
	return true;
}

bool prefix_parse(const char *text, struct prefix *ret_prefix)
{
	struct address address;
	uint8_t length;

	if (!parts_parse(text, &address, &length) ||
	    (number_of(&address) & low_bits(address_bits(&address) - length)))
		return false;
	*ret_prefix = (struct prefix){.address = address, .length = length};
	return true;
}

struct prefix prefix_of_address(const struct address *address)
{
	return (struct prefix){.address = *address, .length = (uint8_t)address_bits(address)};
}

int address_compare(const struct address *a, const struct address *b)
{
	uint64_t left = load_half(a->bytes), right = load_half(b->bytes);

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (left == right) {
		left = load_half(a->bytes + 8);
		right = load_half(b->bytes + 8);
	}
	return left < right ? -1 : left > right;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = address_compare(&a->address, &b->address);

	return order ? order : (int)a->length - (int)b->length;
}

/* The first length bits are equal. */
static bool bits_equal(const struct address *a, const struct address *b, unsigned length)
{
	uint64_t upper = load_half(a->bytes) ^ load_half(b->bytes);

	if (length <= 64)
		return !length || !(upper >> (64 - length));
	return !upper && !((load_half(a->bytes + 8) ^ load_half(b->bytes + 8)) >> (128 - length));
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
	prefix_sort(list->items, list->count);
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

/* The last one is no multicast. */
static const struct prefix groups[] = {
	{.address = {4, {224}}, .length = 4},
	{.address = {6, {0xff}}, .length = 8},
	{.address = {4, {255, 255, 255, 255}}, .length = 32},
};

bool prefix_is_multicast(const struct prefix *prefix)
{
	return prefix_covers(&groups[0], prefix) || prefix_covers(&groups[1], prefix);
}

bool prefix_is_group(const struct prefix *prefix)
{
	return prefix_is_multicast(prefix) || prefix_covers(&groups[2], prefix);
}

void prefix_list_add_unicast(struct arena *arena, struct prefix_list *list)
{
	static const struct prefix whole[] = {{.address.family = 4}, {.address.family = 6}};
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

/* Every policy is printed for its digest, and most of it is this. Returns the end. */
static char *ipv4_format(const uint8_t *bytes, char *out)
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*out++ = '.';
		if (bytes[i] >= 100)
			*out++ = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			*out++ = (char)('0' + bytes[i] / 10 % 10);
		*out++ = (char)('0' + bytes[i] % 10);
	}
	*out = '\0';
	return out;
}

const char *address_format(const struct address *address, char *buffer)
{
	if (address->family == 4)
		ipv4_format(address->bytes, buffer);
	/* Its output is RFC 5952's. It can't fail: the buffer is large enough. */
	else if (!inet_ntop(AF_INET6, address->bytes, buffer, ADDRESS_TEXT_MAX))
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
