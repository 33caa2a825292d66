/* SPDX-License-Identifier: BSD-2-Clause */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
	char after[FAILURE_BYTES_MAX];
	size_t length;
	va_list arguments;

	if (!failure)
		return -error;
	memcpy(after, failure->message, sizeof(after));
	va_start(arguments, format);
	vsnprintf(failure->message, sizeof(failure->message), format, arguments);
	va_end(arguments);
	length = strlen(failure->message);
	snprintf(failure->message + length, sizeof(failure->message) - length, ": %s", after);
	return -error;
}
