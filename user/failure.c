/* SPDX-License-Identifier: BSD-2-Clause */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void failure_write(struct failure *failure, const char *format, ...)
{
	va_list arguments;

	if (!failure)
		return;
	va_start(arguments, format);
	vsnprintf(failure->message, sizeof(failure->message), format, arguments);
	va_end(arguments);
}

void failure_write_before(struct failure *failure, const char *format, ...)
{
	char after[FAILURE_BYTES_MAX];
	va_list arguments;
	size_t length;

	if (!failure)
		return;
	memcpy(after, failure->message, sizeof(after));
	va_start(arguments, format);
	vsnprintf(failure->message, sizeof(failure->message), format, arguments);
	va_end(arguments);
	length = strlen(failure->message);
	snprintf(failure->message + length, sizeof(failure->message) - length, ": %s", after);
}
