/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel_log.h"

#include <stdarg.h>
#include <stdio.h>

#include <bpf/libbpf.h>

static int print_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static int print_work(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level != LIBBPF_DEBUG ? vfprintf(stderr, format, arguments) : 0;
}

static int print_all(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return vfprintf(stderr, format, arguments);
}

void kernel_log_level(unsigned level)
{
	static const libbpf_print_fn_t printers[] = {NULL, print_warnings, print_work, print_all};

	libbpf_set_print(printers[level < 3 ? level : 3]);
}
