/* SPDX-License-Identifier: BSD-2-Clause */
/* File descriptors that close with the block they stand in. */
#ifndef SALLYPORT_DESCRIPTOR_H
#define SALLYPORT_DESCRIPTOR_H

#include <unistd.h>

#include "arena.h"

/* For cleanup(): negative means none. */
static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
