/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why something could not be done, for the user: what failed, and the way out. (Findings in policy
 * files are diagnostics instead.)
 */
#ifndef SALLYPORT_FAILURE_H
#define SALLYPORT_FAILURE_H

#include <errno.h>

#define FAILURE_BYTES_MAX 2048

struct failure {
	char message[FAILURE_BYTES_MAX]; /* no "sallyport:" before it, no newline behind it */
};

/*
 * fail(failure, error, format, ...) writes the message and is -error, so that "return fail(...)"
 * reads well; fail_prefix() puts "text: " before the message that is there. failure may be NULL.
 * Macros, so that compilers and analyzers see that the result is never 0.
 */
#undef fail /* cmocka has one too */
#define fail(failure, error, ...)                                                                  \
	({                                                                                         \
		int failure_code_ = failure_code(error);                                           \
		failure_write((failure), __VA_ARGS__);                                             \
		failure_code_;                                                                     \
	})
#define fail_prefix(failure, error, ...)                                                           \
	({                                                                                         \
		int failure_code_ = failure_code(error);                                           \
		failure_write_before((failure), __VA_ARGS__);                                      \
		failure_code_;                                                                     \
	})

void failure_write(struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void failure_write_before(struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline int failure_code(int error)
{
	return error > 0 ? -error : -EIO;
}

#endif
