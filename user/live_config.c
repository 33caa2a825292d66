/* SPDX-License-Identifier: BSD-2-Clause */
#include "live_config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "descriptor.h"

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

/* Where the variable "config" stands in the section that the map is: the compiler chose. */
static int find_config(const struct bpf_map_info *info, __u32 *ret_offset)
{
	cleanup(btf_freep) struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	const struct btf_type *section;
	const struct btf_var_secinfo *variable;

	if (!btf)
		return -errno;
	section = btf__type_by_id(btf, info->btf_value_type_id);
	if (!section || !btf_is_datasec(section))
		return -EPROTO;
	variable = btf_var_secinfos(section);
	for (int i = 0; i < btf_vlen(section); i++, variable++) {
		const struct btf_type *type = btf__type_by_id(btf, variable->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), "config") != 0)
			continue;
		if (variable->size != sizeof(struct config) ||
		    variable->offset + variable->size > info->value_size)
			return -EPROTO;
		*ret_offset = variable->offset;
		return 0;
	}
	return -EPROTO;
}

static int read_section(int fd, struct config *ret_config)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	const __u32 first = 0;
	__u32 offset = 0;
	char *value;
	int error;

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	error = find_config(&info, &offset);
	if (error)
		return error;
	value = malloc(info.value_size);
	if (!value)
		return -ENOMEM;
	error = bpf_map_lookup_elem(fd, &first, value) < 0 ? -errno : 0;
	if (!error)
		memcpy(ret_config, value + offset, sizeof(*ret_config));
	free(value);
	return error;
}

int live_config_read(const struct pins *pins, const char *interface, uint32_t generation,
		     struct failure *failure, struct config *ret_config)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	cleanup(fd_closep) int fd =
		pins_get(pins, "%s/generation-%" PRIu32 "/configuration",
			 pins_interface_directory(interface, directory), generation);
	int error;

	if (fd < 0)
		return fd;
	error = read_section(fd, ret_config);
	if (error)
		return fail(failure, -error,
			    "%s: the configuration of generation %" PRIu32 " can't be read: %s",
			    interface, generation, strerror(-error));
	return 0;
}
