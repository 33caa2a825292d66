/* SPDX-License-Identifier: BSD-2-Clause */
#include "stand.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "floor.skel.h"
#include "frame.h"

#define ETHERNET_BYTES	 14u
#define XDP_VERDICT_PASS 2    /* XDP_PASS */
#define TC_VERDICT_NEXT	 (-1) /* TC_ACT_UNSPEC */

struct stand {
	struct floor_bpf *skeleton;
	uint8_t family;
	uint8_t frames[DIRECTION_COUNT][2][GENERATOR_IPV6_FRAME_BYTES]; /* IPv4, IPv6 */
	size_t lengths[2];
};

/*
 * A TCP segment without payload that reads as a whole UDP datagram too: one frame serves both
 * protocols.
 */
static int build_frame(struct stand *stand, enum direction direction, const char *own, bool v6)
{
	uint8_t *frame = stand->frames[direction][v6];
	struct frame_fields fields = {.protocol = IPPROTO_TCP, .hop_limit = 64};
	struct address local, remote = {.family = v6 ? 6 : 4};
	size_t l4 = ETHERNET_BYTES + (v6 ? 40 : 20);
	int error;

	if (!address_parse(own, &local))
		return -EINVAL;
	fields.source = direction == DIRECTION_IN ? remote : local;
	fields.destination = direction == DIRECTION_IN ? local : remote;
	error = frame_build(&fields, frame, GENERATOR_IPV6_FRAME_BYTES, &stand->lengths[v6]);
	if (error)
		return error;
	frame[l4 + 4] = 0;
	frame[l4 + 5] = (uint8_t)(stand->lengths[v6] - l4);
	return 0;
}

int stand_new(const char *const local[2], struct failure *failure, struct stand **ret_stand)
{
	struct stand *stand = calloc(1, sizeof(*stand));
	int error = 0;

	if (!stand)
		return fail(failure, ENOMEM, "out of memory");
	for (int d = 0; !error && d < DIRECTION_COUNT; d++)
		for (int v6 = 0; !error && v6 < 2; v6++)
			error = build_frame(stand, d, local[v6], v6);
	if (error) {
		free(stand);
		return fail(failure, -error, "the frames can't be built");
	}
	stand->skeleton = floor_bpf__open_and_load();
	if (!stand->skeleton) {
		error = errno;
		free(stand);
		return fail(failure, error, "the generators can't be loaded: %s", strerror(error));
	}
	*ret_stand = stand;
	return 0;
}

void stand_free(struct stand *stand)
{
	if (!stand)
		return;
	floor_bpf__destroy(stand->skeleton);
	free(stand);
}

void stand_set_packets(struct stand *stand, uint8_t family, const struct generator_packet *packets,
		       uint32_t count)
{
	stand->family = family;
	stand->skeleton->bss->generator.family = family;
	stand->skeleton->bss->generator.mask = count - 1;
	memcpy(stand->skeleton->bss->packets, packets, count * sizeof(*packets));
}

int stand_empty_fd(const struct stand *stand, enum direction direction)
{
	return bpf_program__fd(direction == DIRECTION_IN ? stand->skeleton->progs.empty_xdp
							 : stand->skeleton->progs.empty_tc);
}

int stand_run(struct stand *stand, enum direction direction, int program_fd, uint32_t repeat,
	      struct failure *failure, enum verdict *ret_verdict, uint32_t *ret_nanoseconds)
{
	const bool in = direction == DIRECTION_IN, v6 = stand->family == 6;
	struct bpf_program *generator =
		in ? stand->skeleton->progs.generate_xdp : stand->skeleton->progs.generate_tc;
	struct bpf_map *under_test =
		in ? stand->skeleton->maps.xdp_under_test : stand->skeleton->maps.tc_under_test;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = stand->frames[direction][v6],
		    .data_size_in = (__u32)stand->lengths[v6], .repeat = (int)repeat);
	__u32 zero = 0, program = (__u32)program_fd;

	stand->skeleton->bss->generator.next = 0;
	if (bpf_map_update_elem(bpf_map__fd(under_test), &zero, &program, BPF_ANY))
		return fail(failure, errno, "the program can't be put behind the generator: %s",
			    strerror(errno));
	if (bpf_prog_test_run_opts(bpf_program__fd(generator), &options))
		return fail(failure, errno, "BPF_PROG_TEST_RUN: %s", strerror(errno));
	*ret_verdict = (int)options.retval == (in ? XDP_VERDICT_PASS : TC_VERDICT_NEXT)
			       ? VERDICT_PASS
			       : VERDICT_DROP;
	*ret_nanoseconds = options.duration;
	return 0;
}
