/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A map with one large value, written and compared through memory: a system call copies the value
 * twice, which takes ten times as long.
 */
#ifndef SALLYPORT_FLAT_MAP_H
#define SALLYPORT_FLAT_MAP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the value of the array map is exactly these bytes. False where that can't be told. */
bool flat_map_holds(int fd, const void *bytes, size_t size);

/* Writes the value. Returns 0 or -errno. */
int flat_map_write(int fd, const void *bytes, size_t size);

#endif
