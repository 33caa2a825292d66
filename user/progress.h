/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of a command, for -v and for tests: "swap egress of eth0 to generation 7". */
#ifndef SALLYPORT_PROGRESS_H
#define SALLYPORT_PROGRESS_H

struct progress {
	void (*step)(const char *text, void *data); /* may be NULL */
	void *data;
};

/* progress may be NULL. */
void progress_step(const struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
