/* SPDX-License-Identifier: BSD-2-Clause */
#include "xdp_filter.h"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tool.h"

#define MAPS_MAX 16u

/* Its value: bytes behind the packets. */
struct statistics {
	uint64_t packets;
	uint64_t bytes;
};

const char *xdp_filter_missing(void)
{
	return tool_exists("xdp-filter") ? NULL : "xdp-filter";
}

/*
 * In a mount namespace of its own, so that its pins go with the command. Without libxdp's
 * dispatcher, since that can stand behind no other program, and would cost it a call.
 */
static int load_program(const struct xdp_filter *filter, const struct address *hosts, size_t count,
			struct failure *failure)
{
	char *text = NULL, address[ADDRESS_TEXT_MAX];
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	int error;

	if (!file)
		return fail(failure, ENOMEM, "out of memory");
	fputs("LIBXDP_SKIP_DISPATCHER=1 xdp-filter load " NAMESPACE_DEVICE
	      " -p deny -f tcp,udp,ipv4,ipv6\n",
	      file);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "xdp-filter ip -m src %s\n", address_format(&hosts[i], address));
	fclose(file);
	error = namespace_private_shell(filter->place, text, failure, NULL);
	free(text);
	return error;
}

static int find_program(struct xdp_filter *filter, struct failure *failure)
{
	__u32 id = 0;
	int error = namespace_enter(filter->place, failure);

	if (!error && bpf_xdp_query_id((int)filter->place->ifindex, 0, &id))
		error = fail(failure, errno, "its program is not attached: %s", strerror(errno));
	namespace_leave(filter->place);
	if (error)
		return error;
	filter->program_fd = bpf_prog_get_fd_by_id(id);
	if (filter->program_fd < 0)
		return fail(failure, errno, "its program can't be had: %s", strerror(errno));
	return 0;
}

static int find_statistics(struct xdp_filter *filter, struct failure *failure)
{
	__u32 ids[MAPS_MAX];
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (__u64)(uintptr_t)ids};
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(filter->program_fd, &info, &length))
		return fail(failure, errno, "its maps can't be listed: %s", strerror(errno));
	for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++) {
		struct bpf_map_info map = {0};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		length = sizeof(map);
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &map, &length) &&
		    strcmp(map.name, "xdp_stats_map") == 0) {
			filter->statistics_fd = fd;
			return 0;
		}
		close(fd);
	}
	return fail(failure, ENOENT, "it has no xdp_stats_map");
}

int xdp_filter_load(struct xdp_filter *filter, const struct address *hosts, size_t count,
		    struct failure *failure)
{
	int error;

	filter->program_fd = filter->statistics_fd = -1;
	error = namespace_new(bench_own_address, failure, &filter->place);
	if (!error)
		error = load_program(filter, hosts, count, failure);
	if (!error)
		error = find_program(filter, failure);
	if (!error)
		error = find_statistics(filter, failure);
	if (error)
		xdp_filter_unload(filter);
	return error;
}

void xdp_filter_unload(struct xdp_filter *filter)
{
	if (!filter->place)
		return;
	if (filter->program_fd >= 0)
		close(filter->program_fd);
	if (filter->statistics_fd >= 0)
		close(filter->statistics_fd);
	namespace_free(filter->place);
	filter->place = NULL;
}

/* ---- as one who is measured ---- */

static int program_of(void *self, enum direction direction)
{
	const struct xdp_filter *filter = self;

	return filter->program_fd;
}

static int count_expected(void *self, const struct traffic *traffic, struct failure *failure,
			  uint64_t *ret_packets)
{
	const struct xdp_filter *filter = self;
	const __u32 action = traffic_passes(traffic) ? XDP_PASS : XDP_DROP;
	int cpus = libbpf_num_possible_cpus();
	struct statistics *values = calloc((size_t)cpus, sizeof(*values));
	int error = 0;

	*ret_packets = 0;
	if (!values || bpf_map_lookup_elem(filter->statistics_fd, &action, values))
		error = fail(failure, errno, "xdp_stats_map can't be read: %s", strerror(errno));
	for (int cpu = 0; !error && cpu < cpus; cpu++)
		*ret_packets += values[cpu].packets;
	free(values);
	return error;
}

/* Of the served, the first packet's of each family is its host. */
static const char *refuses(void *self, const struct traffic *traffic)
{
	return traffic->packets == 1 || !traffic_passes(traffic)
		       ? NULL
		       : "it knows neither prefixes nor ranges";
}

struct contender xdp_filter_contender(struct xdp_filter *filter, size_t prefixes)
{
	return (struct contender){
		.name = "xdp-filter",
		.prefixes = prefixes,
		.program = program_of,
		.count = count_expected,
		.refuses = refuses,
		.self = filter,
	};
}
