/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"

/* From FIPS 180-4's examples; the lengths in between are where padding needs a second block. */
static void test_known_digests(void **state)
{
	static const struct {
		size_t count; /* of the letter a; 0: text */
		const char *text;
		const char *expected;
	} rows[] = {
		{0, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{0, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{0, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{55, NULL, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
		{56, NULL, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
		{64, NULL, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
		{1000000, NULL, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	};
	char text[DIGEST_TEXT_BYTES];
	struct digest digest;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		digest_begin(&digest);
		for (size_t j = 0; j < rows[i].count; j++)
			digest_add(&digest, "a", 1);
		if (!rows[i].count)
			digest_add(&digest, rows[i].text, strlen(rows[i].text));
		digest_end(&digest, text);
		assert_string_equal(text, rows[i].expected);
	}
}

static void test_pieces_make_the_whole(void **state)
{
	char whole[DIGEST_TEXT_BYTES];
	char pieces[DIGEST_TEXT_BYTES];
	struct digest digest;
	char text[200];

	memset(text, 'x', sizeof(text));
	digest_begin(&digest);
	digest_add(&digest, text, sizeof(text));
	digest_end(&digest, whole);
	digest_begin(&digest);
	digest_print(&digest, "%.*s", 70, text);
	digest_add(&digest, text, 1);
	digest_print(&digest, "%.*s", 129, text);
	digest_end(&digest, pieces);
	assert_string_equal(whole, pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_digests),
		cmocka_unit_test(test_pieces_make_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
