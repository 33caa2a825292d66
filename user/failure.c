/* SPDX-License-Identifier: BSD-2-Clause */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct failure *failure, int error, const char *format, ...)
{
	va_list arguments;

	if (failure) {
		va_start(arguments, format);
		vsnprintf(failure->message, sizeof(failure->message), format, arguments);
		va_end(arguments);
	}
	return -error;
}

int fail_prefix(struct failure *failure, int error, const char *format, ...)
{
	char before[FAILURE_BYTES_MAX];
	char text[FAILURE_BYTES_MAX * 2];
	va_list arguments;

	if (!failure)
		return -error;
	va_start(arguments, format);
	vsnprintf(before, sizeof(before), format, arguments);
	va_end(arguments);
	snprintf(text, sizeof(text), "%s: %s", before, failure->message);
	snprintf(failure->message, sizeof(failure->message), "%.*s", FAILURE_BYTES_MAX - 1, text);
	return -error;
}
