/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

#define STEP_BYTES_MAX 160

void progress_step(const struct progress *progress, const char *format, ...)
{
	char text[STEP_BYTES_MAX];
	va_list arguments;

	if (!progress || !progress->step)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	progress->step(text, progress->data);
}
