/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorting against the C library's, with an order that is written out byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prefix_sort.h"

#define COUNT_MAX 5000

static int compare(const void *a, const void *b)
{
	const struct prefix *left = a, *right = b;
	int order;

	if (left->address.family != right->address.family)
		return left->address.family - right->address.family;
	order = memcmp(left->address.bytes, right->address.bytes, sizeof(left->address.bytes));
	return order ? order : left->length - right->length;
}

static struct prefix random_prefix(unsigned ipv6_percent)
{
	struct prefix prefix = {.address.family = (unsigned)random() % 100 < ipv6_percent ? 6 : 4};
	unsigned bits = address_bits(&prefix.address);

	/* Few values in each byte, so that many prefixes are equal in part or wholly. */
	for (unsigned i = 0; i < bits / 8; i++)
		prefix.address.bytes[i] = (uint8_t)(random() % 4 * 85);
	prefix.length = (uint8_t)((unsigned)random() % (bits + 1));
	return prefix;
}

static void sorts_as_the_library_does(void **state)
{
	static const size_t counts[] = {0, 1, 2, 5, 1023, 1024, 1025, COUNT_MAX};
	static const unsigned ipv6_percents[] = {0, 1, 50, 100};
	static struct prefix sorted[COUNT_MAX], expected[COUNT_MAX];

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		for (size_t j = 0; j < sizeof(ipv6_percents) / sizeof(*ipv6_percents); j++) {
			for (size_t k = 0; k < counts[i]; k++)
				sorted[k] = expected[k] = random_prefix(ipv6_percents[j]);
			prefix_sort(sorted, counts[i]);
			qsort(expected, counts[i], sizeof(*expected), compare);
			assert_memory_equal(sorted, expected, counts[i] * sizeof(*sorted));
		}
	}
}

static void the_order_is_that_of_prefix_compare(void **state)
{
	for (unsigned i = 0; i < 20000; i++) {
		struct prefix left = random_prefix(50), right = random_prefix(50);
		int order = prefix_compare(&left, &right), expected = compare(&left, &right);

		assert_int_equal((order > 0) - (order < 0), (expected > 0) - (expected < 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_as_the_library_does),
		cmocka_unit_test(the_order_is_that_of_prefix_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
