/* SPDX-License-Identifier: BSD-2-Clause */
/* A policy file from a string, and what was found in it: for the tests of the parser. */
#ifndef SALLYPORT_POLICY_TEXT_H
#define SALLYPORT_POLICY_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/arena.h"
#include "../../user/diagnostic.h"

struct policy_text {
	struct arena *arena;
	struct diagnostics *diagnostics;
	char path[32];
};

static inline struct policy_text policy_text_of_bytes(const char *bytes, size_t length)
{
	struct policy_text text = {arena_new(), diagnostics_new(), "/tmp/sallyport-text-XXXXXX"};
	int fd = mkstemp(text.path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
	return text;
}

static inline struct policy_text policy_text(const char *string)
{
	return policy_text_of_bytes(string, strlen(string));
}

static inline void policy_text_free(struct policy_text *text)
{
	unlink(text->path);
	diagnostics_free(text->diagnostics);
	arena_free(text->arena);
}

/* All findings, without the file's name: "1:2: error: ...\n". In the arena. */
static inline const char *findings(struct policy_text *text)
{
	char *all = NULL, *from, *to;
	size_t length = 0, prefix = strlen(text->path) + 1;
	FILE *out = open_memstream(&all, &length);
	char *copy;

	diagnostics_print(text->diagnostics, out, true);
	fclose(out);
	copy = to = arena_alloc(text->arena, length + 1);
	for (from = all; *from;) {
		size_t line = strcspn(from, "\n") + 1;
		size_t skip = strncmp(from, text->path, prefix - 1) ? 0 : prefix;

		memcpy(to, from + skip, line - skip);
		to += line - skip;
		from += line;
	}
	free(all);
	return copy;
}

#endif
