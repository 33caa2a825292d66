/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why something could not be done, for the user: what failed, and the way out. (Findings in policy
 * files are diagnostics instead.)
 */
#ifndef SALLYPORT_FAILURE_H
#define SALLYPORT_FAILURE_H

#define FAILURE_BYTES_MAX 2048

struct failure {
	char message[FAILURE_BYTES_MAX]; /* no "sallyport:" before it, no newline behind it */
};

/* Writes the message and returns -error, so that "return fail(...)" reads well. failure may be
 * NULL. */
int fail(struct failure *failure, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "text: " before the message that is there. Returns -error. */
int fail_prefix(struct failure *failure, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
