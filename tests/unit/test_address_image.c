/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a trie as data: its order, and the difference of two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "address_image.h"

#define ENTRIES_MAX 64

static const uint16_t role_slots[] = {7, 9};

struct entries {
	struct address_entry items[ENTRIES_MAX];
	size_t count;
};

static void add(struct entries *entries, const char *text, uint16_t class_id)
{
	struct address_entry *entry = &entries->items[entries->count++];

	*entry = (struct address_entry){.class_id = class_id};
	assert_true(prefix_parse(text, &entry->prefix));
}

static int compare_entries(const void *a, const void *b)
{
	return prefix_compare(&((const struct address_entry *)a)->prefix,
			      &((const struct address_entry *)b)->prefix);
}

static struct address_image image_of(struct entries *entries)
{
	struct address_image image;

	qsort(entries->items, entries->count, sizeof(*entries->items), compare_entries);
	assert_int_equal(address_image_build(entries->items, entries->count, role_slots, &image),
			 0);
	assert_int_equal(image.count, entries->count);
	return image;
}

static const char *key_text(const struct address_record *record, uint8_t family, char *buffer)
{
	struct prefix prefix = {.address.family = family,
				.length = (uint8_t)record->key.prefix_length};

	memcpy(prefix.address.bytes, record->key.address, sizeof(prefix.address.bytes));
	return prefix_format(&prefix, buffer);
}

static void what_is_inside_comes_first(void **state)
{
	static const char *const expected[] = {
		"10.0.0.0/9", "10.128.0.0", "10.255.255.255", "10.255.255.254/31",
		"10.0.0.0/8", "192.0.2.1",  "0.0.0.0/0",
	};
	struct entries entries = {.count = 0};
	struct address_image image;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		add(&entries, expected[i], (uint16_t)(i + 1));
	image = image_of(&entries);
	for (size_t i = 0; i < image.count; i++) {
		assert_string_equal(key_text(&image.items[i], 4, text), expected[i]);
		assert_int_equal(image.items[i].value.class_id, i + 1);
	}
	address_image_free(&image);
}

static void ipv6_too(void **state)
{
	static const char *const expected[] = {
		"2001:db8::1",		"2001:db8::/64",
		"2001:db8:0:ffff::/64", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8::/32",	"::/0",
	};
	struct entries entries = {.count = 0};
	struct address_image image;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		add(&entries, expected[i], 1);
	image = image_of(&entries);
	for (size_t i = 0; i < image.count; i++)
		assert_string_equal(key_text(&image.items[i], 6, text), expected[i]);
	address_image_free(&image);
}

static void values_are_those_of_the_entry(void **state)
{
	struct entries entries = {.count = 0};
	struct address_image image;

	add(&entries, "192.0.2.0/24", 5);
	entries.items[0].own = true;
	entries.items[0].peer_of_out = true;
	entries.items[0].role = 2;
	image = image_of(&entries);
	assert_int_equal(image.items[0].value.own, 1);
	assert_int_equal(image.items[0].value.peer_of_in, 0);
	assert_int_equal(image.items[0].value.peer_of_out, 1);
	assert_int_equal(image.items[0].value.role_slot, 9);
	address_image_free(&image);
}

/* Whatever the order of the kernel, the image's is the same. */
static void any_order_is_sorted(void **state)
{
	struct entries entries = {.count = 0};
	struct address_image image, mixed;

	add(&entries, "0.0.0.0/0", 1);
	add(&entries, "10.0.0.0/8", 2);
	add(&entries, "10.1.0.0/16", 3);
	add(&entries, "10.1.255.255", 4);
	add(&entries, "10.2.0.0/16", 5);
	add(&entries, "255.255.255.255", 6);
	image = image_of(&entries);
	mixed = image_of(&entries);
	for (size_t turn = 0; turn < 100; turn++) {
		size_t a = (size_t)random() % mixed.count, b = (size_t)random() % mixed.count;
		struct address_record record = mixed.items[a];

		mixed.items[a] = mixed.items[b];
		mixed.items[b] = record;
		if (turn % 10 == 9) {
			address_image_sort(&mixed);
			assert_memory_equal(mixed.items, image.items,
					    image.count * sizeof(*image.items));
		}
	}
	address_image_free(&image);
	address_image_free(&mixed);
}

static void difference_of_each_kind(void **state)
{
	struct entries before = {.count = 0}, after = {.count = 0};
	struct address_image held, wanted;
	struct address_difference difference;
	char text[ADDRESS_TEXT_MAX];

	add(&before, "10.0.0.0/8", 1);
	add(&before, "10.1.0.0/16", 2);
	add(&before, "10.2.0.0/16", 3);
	add(&after, "10.0.0.0/8", 1);
	add(&after, "10.1.0.0/16", 4);
	add(&after, "10.3.0.0/16", 3);
	held = image_of(&before);
	wanted = image_of(&after);
	assert_int_equal(address_difference_make(&held, &wanted, &difference), 0);
	assert_int_equal(difference.kept, 1);
	assert_int_equal(difference.changed, 1);
	assert_int_equal(difference.added, 1);
	assert_int_equal(difference.removed, 1);
	assert_string_equal(key_text(&difference.remove[0], 4, text), "10.2.0.0/16");
	assert_string_equal(key_text(&difference.put[0], 4, text), "10.1.0.0/16");
	assert_int_equal(difference.put[0].value.class_id, 4);
	assert_string_equal(key_text(&difference.put[1], 4, text), "10.3.0.0/16");
	address_difference_free(&difference);
	address_image_free(&held);
	address_image_free(&wanted);
}

static void from_nothing_and_to_nothing(void **state)
{
	struct entries entries = {.count = 0};
	struct address_image some, none = {0};
	struct address_difference difference;

	add(&entries, "10.0.0.0/8", 1);
	add(&entries, "10.1.0.0/16", 2);
	some = image_of(&entries);
	assert_int_equal(address_difference_make(&none, &some, &difference), 0);
	assert_int_equal(difference.added, 2);
	assert_int_equal(difference.removed + difference.changed + difference.kept, 0);
	address_difference_free(&difference);
	assert_int_equal(address_difference_make(&some, &none, &difference), 0);
	assert_int_equal(difference.removed, 2);
	assert_int_equal(difference.added + difference.changed + difference.kept, 0);
	address_difference_free(&difference);
	assert_int_equal(address_difference_make(&none, &none, &difference), 0);
	address_difference_free(&difference);
	address_image_free(&some);
}

/* A plain model of a trie: a list that is searched from its beginning. */
static void model_put(struct address_image *model, const struct address_record *record)
{
	for (size_t i = 0; i < model->count; i++) {
		if (!memcmp(&model->items[i].key, &record->key, sizeof(record->key))) {
			model->items[i] = *record;
			return;
		}
	}
	model->items[model->count++] = *record;
}

static void model_remove(struct address_image *model, const struct address_record *record)
{
	for (size_t i = 0; i < model->count; i++) {
		if (!memcmp(&model->items[i].key, &record->key, sizeof(record->key))) {
			model->items[i] = model->items[--model->count];
			return;
		}
	}
	fail_msg("removes what is not there");
}

static void random_entries(struct entries *entries)
{
	size_t count = (size_t)random() % 30;

	entries->count = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned length = (unsigned)random() % 6;
		struct address_entry entry = {
			.prefix = {.address = {4, {(uint8_t)(random() & (0xff00 >> length))}},
				   .length = (uint8_t)length},
			.class_id = (uint16_t)(random() % 3),
		};
		bool there = false;

		for (size_t j = 0; j < entries->count; j++)
			there |= !prefix_compare(&entries->items[j].prefix, &entry.prefix);
		if (!there)
			entries->items[entries->count++] = entry;
	}
}

/* Nested prefixes of a few bits, so that everything meets: the difference makes one the other. */
static void difference_makes_one_the_other(void **state)
{
	struct address_record room[2 * ENTRIES_MAX];
	struct entries before, after;

	for (unsigned turn = 0; turn < 5000; turn++) {
		struct address_image model = {.items = room};
		struct address_difference difference;
		struct address_image held, wanted;

		random_entries(&before);
		random_entries(&after);
		held = image_of(&before);
		wanted = image_of(&after);
		for (size_t i = 1; i < held.count; i++)
			assert_true(address_record_compare(&held.items[i - 1], &held.items[i]) < 0);
		memcpy(room, held.items, held.count * sizeof(*room));
		model.count = held.count;
		assert_int_equal(address_difference_make(&held, &wanted, &difference), 0);
		assert_int_equal(difference.kept + difference.changed + difference.removed,
				 held.count);
		assert_int_equal(difference.kept + difference.changed + difference.added,
				 wanted.count);
		for (size_t i = 0; i < difference.removed; i++)
			model_remove(&model, &difference.remove[i]);
		for (size_t i = 0; i < difference.added + difference.changed; i++)
			model_put(&model, &difference.put[i]);
		address_image_sort(&model);
		assert_int_equal(model.count, wanted.count);
		assert_memory_equal(model.items, wanted.items, wanted.count * sizeof(*room));
		address_difference_free(&difference);
		address_image_free(&held);
		address_image_free(&wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inside_comes_first),
		cmocka_unit_test(ipv6_too),
		cmocka_unit_test(values_are_those_of_the_entry),
		cmocka_unit_test(any_order_is_sorted),
		cmocka_unit_test(difference_of_each_kind),
		cmocka_unit_test(from_nothing_and_to_nothing),
		cmocka_unit_test(difference_makes_one_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
