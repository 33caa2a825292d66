/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds as their publishers write them, and as they arrive when something went wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail

#include "feed.h"

#define AWS                                                                                        \
	"{\"syncToken\": \"1763600000\", \"createDate\": \"2026-11-20-00-53-20\", "                \
	"\"prefixes\": ["                                                                          \
	"{\"ip_prefix\": \"198.51.100.0/25\", \"region\": \"us-east-1\", \"service\": "            \
	"\"AMAZON\", "                                                                             \
	"\"network_border_group\": \"us-east-1\"},"                                                \
	"{\"ip_prefix\": \"198.51.100.0/25\", \"region\": \"us-east-1\", \"service\": \"EC2\"},"   \
	"{\"ip_prefix\": \"198.51.100.128/25\", \"region\": \"us-east-1\", \"service\": \"EC2\"}," \
	"{\"ip_prefix\": \"203.0.113.0/24\", \"region\": \"GLOBAL\", \"service\": \"AMAZON\"}],"   \
	"\"ipv6_prefixes\": ["                                                                     \
	"{\"ipv6_prefix\": \"2001:db8:5::/48\", \"region\": \"us-east-1\", \"service\": "          \
	"\"AMAZON\"}]}"
#define GENESYS                                                                                    \
	"{\"entities\": ["                                                                         \
	"{\"cidr\": \"192.0.2.0/28\", \"service\": \"media\", \"region\": \"us-east-1\", "         \
	"\"direction\": \"both\"},"                                                                \
	"{\"cidr\": \"192.0.2.16/28\", \"service\": \"api\", \"region\": \"us-east-1\", "          \
	"\"direction\": \"both\"}]}"

static int parse(struct arena *arena, const struct site_feed *source, const char *text,
		 struct failure *failure, struct feed *feed)
{
	return feed_parse(arena, source, text, strlen(text), failure, feed);
}

static const char *format(struct arena *arena, const struct prefix_list *list)
{
	char buffer[ADDRESS_TEXT_MAX];
	const char *text = "";

	list_for_each (prefix, list)
		text = arena_printf(arena, "%s%s%s", text, *text ? " " : "",
				    prefix_format(prefix, buffer));
	return text;
}

static void what_is_asked_for_is_taken(void **state)
{
	static const struct {
		enum feed_kind kind;
		const char *region, *service, *text, *expected;
		size_t entries;
	} rows[] = {
		{FEED_AWS, NULL, NULL, AWS, "198.51.100.0/24 203.0.113.0/24 2001:db8:5::/48", 5},
		{FEED_AWS, "us-east-1", NULL, AWS, "198.51.100.0/24 2001:db8:5::/48", 4},
		{FEED_AWS, "us-east-1", "EC2", AWS, "198.51.100.0/24", 2},
		{FEED_AWS, "GLOBAL", NULL, AWS, "203.0.113.0/24", 1},
		{FEED_GENESYS_CLOUD, NULL, NULL, GENESYS, "192.0.2.0/27", 2},
		{FEED_GENESYS_CLOUD, NULL, "media", GENESYS, "192.0.2.0/28", 1},
		{FEED_LIST, NULL, NULL,
		 "# a list\r\n\r\n192.0.2.1 # one\n\t2001:db8::/32\r\n192.0.2.0/32",
		 "192.0.2.0/31 2001:db8::/32", 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct site_feed source = {.kind = rows[i].kind};
		struct failure failure = {""};
		struct feed feed;

		if (rows[i].region)
			*arena_push(arena, &source.regions) = (struct word){.text = rows[i].region};
		if (rows[i].service)
			*arena_push(arena, &source.services) =
				(struct word){.text = rows[i].service};
		assert_int_equal(parse(arena, &source, rows[i].text, &failure, &feed), 0);
		assert_string_equal(format(arena, &feed.prefixes), rows[i].expected);
		assert_int_equal(feed.entries, rows[i].entries);
		if (rows[i].kind == FEED_AWS)
			assert_string_equal(feed.date, "2026-11-20-00-53-20");
		else
			assert_null(feed.date);
		arena_free(arena);
	}
}

static void what_is_not_surely_understood_is_refused(void **state)
{
	static const struct {
		enum feed_kind kind;
		const char *text, *message;
	} rows[] = {
		{FEED_AWS, "", "line 1, column 0: '[' or '{' expected near end of file"},
		{FEED_AWS, "{\"prefixes\": [", "line 1, column 14: ']' expected near end of file"},
		{FEED_AWS, "[]", "it has no list \"prefixes\", so it is no feed of the kind aws"},
		{FEED_AWS, GENESYS,
		 "it has no list \"prefixes\", so it is no feed of the kind aws"},
		{FEED_AWS, "{\"prefixes\": []}",
		 "it has no list \"ipv6_prefixes\", so it is no feed of the kind aws"},
		{FEED_AWS, "{\"prefixes\": [], \"ipv6_prefixes\": []}",
		 "it is empty: there is no address in it"},
		{FEED_AWS, "{\"prefixes\": [7], \"ipv6_prefixes\": []}",
		 "prefixes[0]: it has no text \"ip_prefix\""},
		{FEED_AWS,
		 "{\"prefixes\": [{\"ip_prefix\": \"192.0.2.0/24\", \"service\": \"EC2\"}], "
		 "\"ipv6_prefixes\": []}",
		 "prefixes[0]: it has no text \"region\""},
		{FEED_AWS, "{\"prefixes\": [], \"prefixes\": []}",
		 "line 1, column 27: duplicate object key near '\"prefixes\"'"},
		{FEED_GENESYS_CLOUD, AWS,
		 "it has no list \"entities\", so it is no feed of the kind genesys-cloud"},
		{FEED_GENESYS_CLOUD,
		 "{\"entities\": [{\"cidr\": \"192.0.2.1/24\", \"region\": \"r\", \"service\": "
		 "\"s\"}]}",
		 "entities[0]: \"192.0.2.1/24\" has bits behind its length; was 192.0.2.0/24 "
		 "meant?"},
		{FEED_LIST, "", "it is empty: there is no address in it"},
		{FEED_LIST, "192.0.2.1\n192.0.2.256\n",
		 "line 2: \"192.0.2.256\" is no address or prefix"},
		{FEED_LIST, "192.0.2.1 192.0.2.2\n",
		 "line 1: \"192.0.2.1 192.0.2.2\" is no address or prefix"},
		{FEED_LIST, "::/0\n",
		 "line 1: ::/0 is every address: no feed of addresses says that"},
		{FEED_LIST, "<html>\n", "line 1: \"<html>\" is no address or prefix"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct site_feed source = {.kind = rows[i].kind};
		struct failure failure = {""};
		struct feed feed;

		assert_int_equal(parse(arena, &source, rows[i].text, &failure, &feed), -EINVAL);
		assert_string_equal(failure.message, rows[i].message);
		arena_free(arena);
	}
}

static void a_region_that_is_not_there_is_a_slip(void **state)
{
	struct arena *arena = arena_new();
	struct word region = {.text = "us-west-1"}, service = {.text = "EC3"};
	struct site_feed source = {.kind = FEED_AWS, .regions = {.items = &region, .count = 1}};
	struct failure failure = {""};
	struct feed feed;

	assert_int_equal(parse(arena, &source, AWS, &failure, &feed), -EINVAL);
	assert_string_equal(failure.message,
			    "it has no region `us-west-1`; did you mean `us-east-1`?");
	region.text = "GLOBAL";
	service.text = "EC2";
	source.services.items = &service;
	source.services.count = 1;
	assert_int_equal(parse(arena, &source, AWS, &failure, &feed), -EINVAL);
	assert_string_equal(failure.message,
			    "it is empty: there is no address in it of the regions "
			    "and services asked for together");
	arena_free(arena);
}

static void a_cut_feed_is_never_taken(void **state)
{
	struct arena *arena = arena_new();
	struct site_feed source = {.kind = FEED_AWS};
	struct failure failure = {""};
	struct feed feed;

	for (size_t length = 0; length < strlen(AWS); length++)
		assert_int_equal(feed_parse(arena, &source, AWS, length, &failure, &feed), -EINVAL);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_taken),
		cmocka_unit_test(what_is_not_surely_understood_is_refused),
		cmocka_unit_test(a_region_that_is_not_there_is_a_slip),
		cmocka_unit_test(a_cut_feed_is_never_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
