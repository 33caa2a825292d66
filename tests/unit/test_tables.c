/* SPDX-License-Identifier: BSD-2-Clause */
/* The canonical dump, in full, of a small policy: a change of numbering or of words shows here. */
#include "compile_bench.h"

static char *dump(const struct tables *tables)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	tables_print(tables, out);
	fclose(out);
	return text;
}

static void test_dump(void **state)
{
	struct bench bench;
	char *text;

	bench_open(&bench);
	own(&bench, "192.0.2.1 2001:db8::1", "192.0.2.9");
	permit(&bench, "management/1", DIRECTION_IN, IPPROTO_TCP, NULL, "22", "198.51.100.0/28",
	       "any");
	permit(&bench, "cyara/voice-6", DIRECTION_IN, IPPROTO_UDP, "192.0.2.1 2001:db8::1",
	       "5060 30000-65535", "203.0.113.0/24 2001:db8:6::/48", "any");
	permit(&bench, "cyara/web-1", DIRECTION_OUT, IPPROTO_TCP, "192.0.2.1", "1024-65535",
	       "203.0.113.7", "443");
	role(&bench, "cyara/gateway", "203.0.113.0/24");
	compile_well(&bench);
	text = dump(bench.tables);
	assert_string_equal(text, "role 1 cyara/gateway\n"
				  "in local-port used\n"
				  "in remote-port unused\n"
				  "out local-port used\n"
				  "out remote-port used\n"
				  "port in-local tcp 22 class 1\n"
				  "port in-local udp 5060 class 2\n"
				  "port in-local udp 30000-65535 class 2\n"
				  "port out-local tcp 1024-65535 class 1\n"
				  "port out-remote tcp 443 class 1\n"
				  "address 192.0.2.1 class 4 own\n"
				  "address 192.0.2.9 class 2\n"
				  "address 198.51.100.0/28 class 5 peer-of-in\n"
				  "address 203.0.113.0/24 class 6 peer-of-in role cyara/gateway\n"
				  "address 203.0.113.7 class 7 peer-of-in peer-of-out "
				  "role cyara/gateway\n"
				  "address 2001:db8::1 class 3 own\n"
				  "address 2001:db8:6::/48 class 6 peer-of-in\n"
				  "near in port-class 1 address-class 0 class 1\n"
				  "near in port-class 1 address-class 2 class 1\n"
				  "near in port-class 1 address-class 3 class 1\n"
				  "near in port-class 1 address-class 4 class 1\n"
				  "near in port-class 2 address-class 3 class 2\n"
				  "near in port-class 2 address-class 4 class 2\n"
				  "far in port-class 0 address-class 5 class 1\n"
				  "far in port-class 0 address-class 6 class 2\n"
				  "far in port-class 0 address-class 7 class 2\n"
				  "decision in near 1 far 1 rule management/1\n"
				  "decision in near 2 far 2 rule cyara/voice-6\n"
				  "near out port-class 1 address-class 4 class 1\n"
				  "far out port-class 1 address-class 7 class 1\n"
				  "decision out near 1 far 1 rule cyara/web-1\n");
	free(text);
	bench_close(&bench);
}

static void test_free_of_nothing(void **state)
{
	struct tables *tables = NULL;

	tables_free(tables);
	tables_freep(&tables);
	assert_null(tables);
}

static void test_new_is_empty(void **state)
{
	struct tables *tables = tables_new();
	char *text = dump(tables);

	assert_string_equal(text, "in local-port unused\n"
				  "in remote-port unused\n"
				  "out local-port unused\n"
				  "out remote-port unused\n");
	free(text);
	tables_free(tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_free_of_nothing),
		cmocka_unit_test(test_new_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
