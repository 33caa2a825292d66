/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "uri.h"

#define SECRET "s3cr3t"

/* ------------------------------------------------------------ what is one ----------------------
 */

struct good {
	const char *text;
	enum uri_scheme scheme;
	const char *host;
	unsigned family; /* 0: a name */
	unsigned port;
	bool has_password;
	const char *shown; /* NULL: as it is */
};

static const struct good good[] = {
	{"ftp://bob@10.0.0.5", URI_FTP, "10.0.0.5", 4, 0, false, NULL},
	{"ftp://bob:" SECRET "@10.0.0.5:2121/dir", URI_FTP, "10.0.0.5", 4, 2121, true,
	 "ftp://bob@10.0.0.5:2121/dir"},
	{"http://bob@web/", URI_HTTP, "web", 0, 0, false, NULL},
	{"https://bob:" SECRET "@web:8443/a/b", URI_HTTPS, "web", 0, 8443, true,
	 "https://bob@web:8443/a/b"},
	{"file:///var/backup", URI_FILE, NULL, 0, 0, false, NULL},
	{"file:///backup/a/file.zip", URI_FILE, NULL, 0, 0, false, NULL},
	{"sftp://bob@backups", URI_SFTP, "backups", 0, 0, false, NULL},
	{"sftp://bob:" SECRET "%40%3A@[2001:db8::5]:2222/dir", URI_SFTP, "2001:db8::5", 6, 2222,
	 true, "sftp://bob@[2001:db8::5]:2222/dir"},
	{"scp://10.0.0.5:", URI_SCP, "10.0.0.5", 4, 0, false, NULL},
	{"scp://10.0.0.5:/dir", URI_SCP, "10.0.0.5", 4, 0, false, NULL},
	{"scp://bob@host:2222:/dir", URI_SCP, "host", 0, 2222, false, NULL},
	{"scp://[2001:db8::5]:22:/dir", URI_SCP, "2001:db8::5", 6, 22, false, NULL},
	{"mailto:ops@example.com", URI_MAILTO, "example.com", 0, 0, false, NULL},
	{"snmp://" SECRET "@10.0.0.5", URI_SNMP, "10.0.0.5", 4, 0, false, "snmp://***@10.0.0.5"},
	{"snmp://" SECRET "@[2001:db8::5]:1162", URI_SNMP, "2001:db8::5", 6, 1162, false,
	 "snmp://***@[2001:db8::5]:1162"},
	{"snmp://bob:" SECRET "@10.0.0.5", URI_SNMP, "10.0.0.5", 4, 0, true,
	 "snmp://bob:***@10.0.0.5"},
	{"snmp://bob:" SECRET ":" SECRET "@10.0.0.5:1162", URI_SNMP, "10.0.0.5", 4, 1162, true,
	 "snmp://bob:***@10.0.0.5:1162"},
	{"ftp://bob@10.0.0.5:65535", URI_FTP, "10.0.0.5", 4, 65535, false, NULL},
};

static void check_good(struct arena *arena, const struct good *row)
{
	const char *shown = row->shown ? row->shown : row->text;
	const char *wrong = "";
	struct uri uri, again;

	if (!uri_parse(arena, row->text, &uri, &wrong))
		fail_msg("%s: %s", row->text, wrong);
	assert_int_equal(uri.scheme, row->scheme);
	assert_true(row->host ? uri.host && !strcmp(uri.host, row->host) : !uri.host);
	assert_int_equal(uri.is_address ? uri.address.family : 0, row->family);
	assert_int_equal(uri.port, row->port);
	assert_int_equal(uri.has_password, row->has_password);
	assert_string_equal(uri.shown, shown);
	/* What may be shown is the same location, tells nothing more, and shows as itself. */
	assert_true(uri_parse(arena, uri.shown, &again, &wrong));
	assert_string_equal(again.shown, shown);
	assert_false(again.has_password);
	assert_int_equal(again.port, uri.port);
	assert_int_equal(again.snmp_version, uri.snmp_version);
}

static void test_forms_of_the_document(void **state)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_good(arena, &good[i]);
	arena_free(arena);
}

static void test_snmp_versions(void **state)
{
	struct arena *arena = arena_new();
	const char *wrong;
	struct uri uri;

	assert_true(uri_parse(arena, "snmp://community@h", &uri, &wrong));
	assert_int_equal(uri.snmp_version, 2);
	assert_true(uri_parse(arena, "snmp://user:auth@h", &uri, &wrong));
	assert_int_equal(uri.snmp_version, 3);
	assert_true(uri_parse(arena, "snmp://user:auth:password@h", &uri, &wrong));
	assert_int_equal(uri.snmp_version, 3);
	arena_free(arena);
}

static void test_ports_of_schemes(void **state)
{
	static const struct {
		const char *name;
		unsigned port;
		unsigned protocol;
	} rows[] = {{"ftp", 21, 6}, {"http", 80, 6},   {"https", 443, 6}, {"sftp", 22, 6},
		    {"scp", 22, 6}, {"mailto", 25, 6}, {"snmp", 162, 17}};
	enum uri_scheme scheme;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(uri_scheme_find(rows[i].name, &scheme));
		assert_string_equal(uri_scheme_name(scheme), rows[i].name);
		assert_int_equal(uri_scheme_port(scheme), rows[i].port);
		assert_int_equal(uri_scheme_protocol(scheme), rows[i].protocol);
	}
	assert_true(uri_scheme_find("file", &scheme));
	assert_int_equal(uri_scheme_port(scheme), 0);
	assert_false(uri_scheme_find("ssh", &scheme));
}

/* ------------------------------------------------------------ what is none ---------------------
 */

static const struct {
	const char *text;
	const char *wrong; /* its begin */
} bad[] = {
	{"", "a location begins with one of"},
	{"10.0.0.5", "a location begins with one of"},
	{"gopher://bob@h/", "a location begins with one of"},
	{"SFTP://bob@h", "the scheme is written in full and in lower case; did you mean `sftp:`?"},
	{"sfpt://bob@h", "the scheme is written in full and in lower case; did you mean `sftp:`?"},
	{"http(s)://bob@h/", "the scheme is written in full"},
	{"sftp:bob@h", "`//` is due behind the colon"},
	{"sftp:/bob@h", "`//` is due behind the colon"},
	{"sftp://h/dir", "the user before the `@` is missing"},
	{"http://h/", "the user before the `@` is missing"},
	{"ftp://h", "the user before the `@` is missing"},
	{"snmp://10.0.0.5", "the user before the `@` is missing"},
	{"sftp://@h", "nothing stands where the user is due"},
	{"sftp://:" SECRET "@h", "nothing stands where the user is due"},
	{"sftp://bob:@h", "the password behind the colon is empty"},
	{"sftp://bob:" SECRET ":x@h", "more than one colon before the `@`"},
	{"sftp://bob:" SECRET "@x@h", "more than one `@`"},
	{"sftp://bob:" SECRET "%4@h", "what stands before the `@` has a character"},
	{"sftp://bob:" SECRET "#@h", "what stands before the `@` has a character"},
	{"sftp://bob:" SECRET "/h", "the user before the `@` is missing"},
	{"scp://bob:" SECRET "@h:/x", "scp takes no password"},
	{"mailto:bob:" SECRET "@h", "mailto takes no password"},
	{"snmp://a:" SECRET ":c:d@h", "more than three parts before the `@`"},
	{"snmp://a::" SECRET "@h", "a part between the colons is empty"},
	{"snmp://a:" SECRET ":@h", "a part between the colons is empty"},
	{"snmp://user:" SECRET ":password]@h", "the `]` before the `@` is a misprint"},
	{"snmp://c@h/x", "snmp has no path"},
	{"sftp://bob@", "the host is missing"},
	{"sftp://bob@:22", "the host is missing"},
	{"sftp://bob@10.0.0", "the host is no IPv4 address, nor a name: 10.0.0"},
	{"sftp://bob@10.0.0.256", "the host is no IPv4 address, nor a name: 10.0.0.256"},
	{"sftp://bob@a_b!c", "the host is neither an address nor a name"},
	{"sftp://bob@2001:db8::5/x", "an IPv6 address stands in brackets"},
	{"snmp://c@2001:db8::5", "an IPv6 address stands in brackets"},
	{"sftp://bob@[2001:db8::5/x", "the bracket around the IPv6 address is not closed"},
	{"sftp://bob@[10.0.0.5]", "in brackets stands an IPv6 address"},
	{"sftp://bob@[fe80::1%25eth0]", "in brackets stands an IPv6 address"},
	{"sftp://bob@[h]", "in brackets stands an IPv6 address"},
	{"sftp://bob@[2001:db8::5]x", "a path begins with `/`"},
	{"sftp://bob@h:0", "behind the host's colon stands a port"},
	{"sftp://bob@h:", "behind the host's colon stands a port"},
	{"sftp://bob@h:022", "behind the host's colon stands a port"},
	{"sftp://bob@h:65536", "behind the host's colon stands a port"},
	{"sftp://bob@h:22x", "behind the host's colon stands a port"},
	{"sftp://bob@h:+22", "behind the host's colon stands a port"},
	{"http://bob@h", "the path is missing"},
	{"https://bob@h:443", "the path is missing"},
	{"sftp://bob@h/a?b", "the path has a character"},
	{"sftp://bob@h/a%2", "the path has a character"},
	{"sftp://bob@h/a%zz", "the path has a character"},
	{"ftp://bob@h /dir", "a location has no space in it"},
	{"http://bob@h /dir", "a location has no space in it"},
	{"scp://h/dir", "a colon is due before the path"},
	{"scp://h", "a colon is due before the path"},
	{"scp://h:22", "a colon is due before the path"},
	{"scp://h:22/dir", "a colon is due before the path"},
	{"scp://h:dir", "behind the host's colon stands a port"},
	{"scp://h:22:dir", "a path begins with `/`"},
	{"file://h/dir", "a file has a path on this machine, and no host"},
	{"file:///", "a file has a path on this machine, and no host"},
	{"file:/dir", "a file has a path on this machine, and no host"},
	{"file:///a b", "a location has no space in it"},
	{"file:///a#b", "the path has a character"},
	{"mailto://bob@example.com", "no `//` stands in a mail address"},
	{"mailto:bob", "the user before the `@` is missing"},
	{"mailto:@example.com", "nothing stands where the user is due"},
	{"mailto:bob@", "one mail domain is due behind the `@`"},
	{"mailto:bob@example..com", "one mail domain is due behind the `@`"},
	{"mailto:bob@example.com.", "one mail domain is due behind the `@`"},
	{"mailto:bob@-example.com", "one mail domain is due behind the `@`"},
	{"mailto:bob@a.com,eve@b.com", "one mail domain is due behind the `@`"},
	{"mailto:bob@a.com?subject=x", "one mail domain is due behind the `@`"},
};

static void test_what_is_wrong(void **state)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *wrong = NULL;
		struct uri uri = {.port = 7};

		if (uri_parse(arena, bad[i].text, &uri, &wrong))
			fail_msg("%s was taken", bad[i].text);
		if (strncmp(wrong, bad[i].wrong, strlen(bad[i].wrong)) != 0)
			fail_msg("%s: `%s`, not `%s`", bad[i].text, wrong, bad[i].wrong);
		assert_null(strstr(wrong, SECRET));
		assert_int_equal(uri.port, 7);
	}
	arena_free(arena);
}

/* A password is cut at any byte, and something else follows: nothing of it is ever said. */
static void test_no_prefix_is_taken_for_another(void **state)
{
	static const char text[] = "sftp://bob:" SECRET "@[2001:db8::5]:2222/dir";
	struct arena *arena = arena_new();

	for (size_t length = 0; length < sizeof(text); length++) {
		const char *part = arena_strndup(arena, text, length);
		const char *wrong = "";
		struct uri uri;

		if (uri_parse(arena, part, &uri, &wrong))
			assert_null(strstr(uri.shown, "s3"));
		else
			assert_null(strstr(wrong, "s3"));
	}
	arena_free(arena);
}

/* ------------------------------------------------------------ for messages ---------------------
 */

static void test_conceal(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} rows[] = {
		{"", ""},
		{"10.0.0.5", "10.0.0.5"},
		{"http://h:80/x", "http://h:80/x"},
		{"http://[2001:db8::5]:80/x", "http://[2001:db8::5]:80/x"},
		{"sftp://bob@h", "sftp://bob@h"},
		{"sftp://bob@h:22/x", "sftp://bob@h:22/x"},
		{"sftp://bob:" SECRET "@h:22/x", "sftp://bob:***@h:22/x"},
		{"sftp://bob:" SECRET "@" SECRET "@h", "sftp://bob:***@h"},
		{"sftp://bob:" SECRET " " SECRET "@h", "sftp://bob:***@h"},
		{"sftp://bob:" SECRET, "sftp://bob:***"},
		{"sftp://bob:1" SECRET "/x", "sftp://bob:***"},
		{"snmp://" SECRET "@h", "snmp://***@h"},
		{"snmp://a:" SECRET, "snmp://***"},
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(uri_conceal(arena, rows[i].text), rows[i].shown);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_of_the_document),
		cmocka_unit_test(test_snmp_versions),
		cmocka_unit_test(test_ports_of_schemes),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_no_prefix_is_taken_for_another),
		cmocka_unit_test(test_conceal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
