/* SPDX-License-Identifier: BSD-2-Clause */
#include "flat_map.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

/* The value in memory, or MAP_FAILED: the map is another one, or was not made for that. */
static void *map_value(int fd, size_t size, int protection)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);

	if (bpf_obj_get_info_by_fd(fd, &information, &length) < 0 ||
	    information.type != BPF_MAP_TYPE_ARRAY || information.max_entries != 1 ||
	    information.value_size != size || !(information.map_flags & BPF_F_MMAPABLE))
		return MAP_FAILED;
	return mmap(NULL, size, protection, MAP_SHARED, fd, 0);
}

bool flat_map_holds(int fd, const void *bytes, size_t size)
{
	void *value = map_value(fd, size, PROT_READ);
	bool equal;

	if (value == MAP_FAILED)
		return false;
	equal = !memcmp(value, bytes, size);
	munmap(value, size);
	return equal;
}

int flat_map_write(int fd, const void *bytes, size_t size)
{
	void *value = map_value(fd, size, PROT_READ | PROT_WRITE);
	const __u32 first = 0;

	if (value == MAP_FAILED)
		return bpf_map_update_elem(fd, &first, bytes, BPF_ANY) < 0 ? -errno : 0;
	memcpy(value, bytes, size);
	munmap(value, size);
	return 0;
}
