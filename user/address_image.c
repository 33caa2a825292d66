/* SPDX-License-Identifier: BSD-2-Clause */
#include "address_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One prefix of each length of IPv6 can be open, /0 too. */
#define NESTED_MAX 129u

static struct address_record record_of(const struct address_entry *entry,
				       const uint16_t *role_slots)
{
	struct address_record record = {
		.key.prefix_length = entry->prefix.length,
		.value =
			{
				.class_id = entry->class_id,
				.own = entry->own,
				.peer_of_in = entry->peer_of_in,
				.peer_of_out = entry->peer_of_out,
				.role_slot = entry->role ? role_slots[entry->role - 1] : 0,
			},
	};

	memcpy(record.key.address, entry->prefix.address.bytes, sizeof(record.key.address));
	return record;
}

/* An empty image is no error, and malloc(0) may give NULL. */
static int allocate(size_t count, struct address_record **ret_records)
{
	*ret_records = malloc((count + 1) * sizeof(**ret_records));
	return *ret_records ? 0 : -ENOMEM;
}

int address_image_build(const struct address_entry *entries, size_t count,
			const uint16_t *role_slots, struct address_image *ret_image)
{
	const struct address_entry *open[NESTED_MAX];
	struct address_image image = {0};
	size_t depth = 0;
	int error = allocate(count, &image.items);

	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		while (depth && !prefix_covers(&open[depth - 1]->prefix, &entries[i].prefix))
			image.items[image.count++] = record_of(open[--depth], role_slots);
		open[depth++] = &entries[i];
	}
	while (depth)
		image.items[image.count++] = record_of(open[--depth], role_slots);
	*ret_image = image;
	return 0;
}

/* ---- order ---- */

/* The last address of a prefix. */
static void last_address(const struct ipv6_key *key, uint8_t *last)
{
	uint32_t whole = key->prefix_length / 8;

	memcpy(last, key->address, sizeof(key->address));
	if (whole >= sizeof(key->address))
		return;
	last[whole] |= (uint8_t)(0xff >> key->prefix_length % 8);
	memset(last + whole + 1, 0xff, sizeof(key->address) - whole - 1);
}

/* By where they end; what is inside a prefix and ends with it comes before it. */
int address_record_compare(const struct address_record *a, const struct address_record *b)
{
	uint8_t last_of_a[sizeof(a->key.address)];
	uint8_t last_of_b[sizeof(b->key.address)];
	int order;

	last_address(&a->key, last_of_a);
	last_address(&b->key, last_of_b);
	order = memcmp(last_of_a, last_of_b, sizeof(last_of_a));
	return order ? order : (int)b->key.prefix_length - (int)a->key.prefix_length;
}

static int compare(const void *a, const void *b)
{
	return address_record_compare(a, b);
}

void address_image_sort(struct address_image *image)
{
	for (size_t i = 1; i < image->count; i++) {
		if (address_record_compare(&image->items[i - 1], &image->items[i]) > 0) {
			qsort(image->items, image->count, sizeof(*image->items), compare);
			return;
		}
	}
}

void address_image_free(struct address_image *image)
{
	free(image->items);
	*image = (struct address_image){0};
}

/* ---- difference ---- */

/* Which of the two comes first; what has come to its end comes last. */
static int compare_heads(const struct address_image *held, size_t old,
			 const struct address_image *wanted, size_t new)
{
	const struct address_record *from = &held->items[old];
	const struct address_record *to = &wanted->items[new];

	if (old == held->count)
		return 1;
	if (new == wanted->count)
		return -1;
	return memcmp(&from->key, &to->key, sizeof(to->key)) ? address_record_compare(from, to) : 0;
}

static void compare_images(const struct address_image *held, const struct address_image *wanted,
			   struct address_difference *difference)
{
	size_t old = 0, new = 0, put = 0;

	while (old < held->count || new < wanted->count) {
		int order = compare_heads(held, old, wanted, new);

		if (order < 0) {
			difference->remove[difference->removed++] = held->items[old++];
		} else if (order > 0) {
			difference->put[put++] = wanted->items[new ++];
			difference->added++;
		} else if (memcmp(&held->items[old++].value, &wanted->items[new].value,
				  sizeof(wanted->items[new].value)) != 0) {
			difference->put[put++] = wanted->items[new ++];
			difference->changed++;
		} else {
			difference->kept++;
			new ++;
		}
	}
}

int address_difference_make(const struct address_image *held, const struct address_image *wanted,
			    struct address_difference *ret_difference)
{
	struct address_difference difference = {0};

	if (allocate(held->count, &difference.remove) || allocate(wanted->count, &difference.put)) {
		address_difference_free(&difference);
		return -ENOMEM;
	}
	compare_images(held, wanted, &difference);
	*ret_difference = difference;
	return 0;
}

void address_difference_free(struct address_difference *difference)
{
	free(difference->remove);
	free(difference->put);
	*difference = (struct address_difference){0};
}
