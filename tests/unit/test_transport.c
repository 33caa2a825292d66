/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport.h"

typedef bool parse_function(struct arena *arena, const char *text, struct transport *ret_transport,
			    const char **ret_wrong);

struct good {
	const char *text;
	const char *canonical;
};

struct bad {
	const char *text;
	const char *wrong;
};

static void check_good(parse_function *parse, const struct good *rows, size_t count)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < count; i++) {
		struct transport transport, again;
		const char *wrong = "";

		if (!parse(arena, rows[i].text, &transport, &wrong))
			fail_msg("%s: %s", rows[i].text, wrong);
		assert_string_equal(transport_format(arena, &transport), rows[i].canonical);
		assert_true(transport_parse(arena, rows[i].canonical, &again, &wrong));
		assert_true(transport_equal(&transport, &again));
		assert_true(transport_parse_command_line(
			arena, transport_format_command_line(arena, &transport), &again, &wrong));
		assert_true(transport_equal(&transport, &again));
	}
	arena_free(arena);
}

static void check_bad(parse_function *parse, const struct bad *rows, size_t count)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < count; i++) {
		struct transport transport = {.port = 7};
		const char *wrong = NULL;

		if (parse(arena, rows[i].text, &transport, &wrong))
			fail_msg("%s was taken", rows[i].text);
		if (strcmp(wrong, rows[i].wrong) != 0)
			fail_msg("%s: `%s`, not `%s`", rows[i].text, wrong, rows[i].wrong);
		assert_int_equal(transport.port, 7);
	}
	arena_free(arena);
}

#define CHECK(check, parse, rows) check(parse, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_parameters(void **state)
{
	static const struct good rows[] = {
		{"port=20340", "port=20340"},
		{"port=20340;address=10.0.5.7", "port=20340;address=10.0.5.7"},
		{"address=10.0.5.7;port=20340", "port=20340;address=10.0.5.7"},
		{"port=1;address=2001:DB8:0::7", "port=1;address=2001:db8::7"},
		{"port=65535", "port=65535"},
	};

	CHECK(check_good, transport_parse, rows);
}

#define SEMICOLON "stands between port and address, as in `port=20340;address=10.0.5.7`"
#define NO_NAME                                                                                    \
	"is a host name: write the IP address, here as on the command line, which takes no name "  \
	"(reading P-04)"
#define P_03                                                                                       \
	"without it the client opens from any port, and there is nothing to let through (reading " \
	"P-03)"

static void test_malformed_parameters(void **state)
{
	static const struct bad rows[] = {
		{"", "`;` is an empty part: no semicolon stands at the begin, at the end or twice"},
		{"port=1;", "`;` is an empty part: no semicolon stands at the begin, at the end or "
			    "twice"},
		{";port=1", "`;` is an empty part: no semicolon stands at the begin, at the end or "
			    "twice"},
		{"port=1;;address=10.0.5.7", "`;` is an empty part: no semicolon stands at the "
					     "begin, at the end or twice"},
		{"port=1,address=10.0.5.7",
		 "`port=1,address=10.0.5.7`: a semicolon, not a comma, " SEMICOLON},
		{"port=1 address=10.0.5.7",
		 "`port=1 address=10.0.5.7`: a semicolon and no space " SEMICOLON},
		{"port=1; address=10.0.5.7",
		 "`port=1; address=10.0.5.7`: a semicolon and no space " SEMICOLON},
		{"port = 1", "`port = 1`: a semicolon and no space " SEMICOLON},
		{"port", "`port` is neither `port=NUMBER` nor `address=ADDRESS`"},
		{"20340", "`20340` is neither `port=NUMBER` nor `address=ADDRESS`"},
		{"port=", "`port` has nothing behind its `=`"},
		{"port=1;address=", "`address` has nothing behind its `=`"},
		{"port=0", "`0` is no port: a number from 1 to 65535 is due"},
		{"port=65536", "`65536` is no port: a number from 1 to 65535 is due"},
		{"port=0x50", "`0x50` is no port: a number from 1 to 65535 is due"},
		{"port=+80", "`+80` is no port: a number from 1 to 65535 is due"},
		{"port=080", "`080` is no port: a number from 1 to 65535 is due"},
		{"port=1-2", "`1-2` is no port: a number from 1 to 65535 is due"},
		{"port=99999999999999999999", "`99999999999999999999` is no port: a number from 1 "
					      "to 65535 is due"},
		{"port=1;port=1", "`1`: the port is there twice"},
		{"port=1;address=10.0.5.7;address=10.0.5.7", "`10.0.5.7`: the address is there "
							     "twice"},
		{"address=10.0.5.7", "`address` stands without `port=NUMBER`: " P_03},
		{"port=1;address=ts-1", "`ts-1` " NO_NAME},
		{"port=1;address=ts-1.example.com", "`ts-1.example.com` " NO_NAME},
		{"port=1;address=10.0.5", "`10.0.5` is no IP address"},
		{"port=1;address=10.0.5.7/32", "`10.0.5.7/32` is no IP address"},
		{"port=1;address=[2001:db8::7]", "`[2001:db8::7]` is no IP address"},
		{"prot=1", "`prot` is no transport parameter; did you mean `port`?"},
		{"Port=1", "`Port` is no transport parameter; did you mean `port`?"},
		{"backup-port=1", "`backup-port` is no transport parameter: only `port` and "
				  "`address` may stand here"},
		{"-transport-port=1", "`-transport-port` is no transport parameter: only `port` "
				      "and `address` may stand here"},
	};

	CHECK(check_bad, transport_parse, rows);
}

static void test_command_lines(void **state)
{
	static const struct good rows[] = {
		{"-transport-port 20340", "port=20340"},
		{"-transport-port 20340 -transport-address 10.0.5.7",
		 "port=20340;address=10.0.5.7"},
		{"ts_server.exe -host cs -port 2020 -app TS -l 7260@lic -nco X/Y -transport-port "
		 "20340 -transport-address 10.0.5.7",
		 "port=20340;address=10.0.5.7"},
		{"\"C:\\Program Files\\ts.exe\" -app \"The T-Server\" -transport-address "
		 "10.0.5.7\t-transport-port \"20340\"",
		 "port=20340;address=10.0.5.7"},
		{"sh run.sh '-transport-port' 1 translate trace", "port=1"},
		{"-transport-port 1 -transport-address 2001:db8::7", "port=1;address=2001:db8::7"},
	};

	CHECK(check_good, transport_parse_command_line, rows);
}

static void test_malformed_command_lines(void **state)
{
	static const struct bad rows[] = {
		{"-app TS -port 2020", "the command line has no `-transport-port NUMBER`: " P_03},
		{"-transport-address 10.0.5.7", "the command line has no `-transport-port NUMBER`: "
						"" P_03},
		{"-transport-port", "`-transport-port` has no value behind it"},
		{"-transport-port -transport-address 10.0.5.7",
		 "`-transport-port` has no value behind it"},
		{"-transport-port 1 -transport-address",
		 "`-transport-address` has no value behind it"},
		{"-transport-port x", "`x` is no port: a number from 1 to 65535 is due"},
		{"-transport-port 1 -transport-port 2", "`2`: the port is there twice"},
		{"-transport-port 1 -transport-address ts-1",
		 "`ts-1` is a host name: a command line takes an IP address only (reading P-04)"},
		{"-transport-port=1",
		 "`-transport-port=1` is not taken by Genesys applications: write `-transport-port "
		 "VALUE`"},
		{"--transport-port 1", "`--transport-port` is not taken by Genesys applications: "
				       "write `-transport-port VALUE`"},
		{"- transport-port 1", "`transport-port` is not taken by Genesys applications: "
				       "write `-transport-port VALUE`"},
		{"\xe2\x80\x93transport-port 1",
		 "`\xe2\x80\x93transport-port` is not taken by Genesys applications: write "
		 "`-transport-port VALUE`"},
		{"-transport-port 1 -transport-adress 10.0.5.7",
		 "`-transport-adress` is not taken by Genesys applications: write "
		 "`-transport-address VALUE`"},
		{"\"ts.exe -transport-port 1",
		 "`ts.exe -transport-port 1`: the quote is not closed"},
		{"-transport-port '1", "`1`: the quote is not closed"},
	};

	CHECK(check_bad, transport_parse_command_line, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_malformed_parameters),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_malformed_command_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
