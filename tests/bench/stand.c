/* SPDX-License-Identifier: BSD-2-Clause */
#include "stand.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "clock.h"
#include "floor.skel.h"
#include "frame.h"

#define ETHERNET_BYTES 14u
#define MAC_BYTES      6u
#define IPV4_BYTES     20u
#define UDP_BYTES      8u
#define RTP_VERSION    0x80 /* 2, nothing else */
#define IPV4_CHECKSUM  10u  /* in the IP header */
#define IPV4_PROTOCOL  9u
/* Frames that are handed on together: what a device's poll handles at most. */
#define LIVE_BATCH 64u

/* Between two looks at the clock. */
#define FLOOD_REPEAT (1 << 20)

struct stand {
	struct floor_bpf *skeleton;
	uint8_t family;
	uint8_t frames[DIRECTION_COUNT][2][GENERATOR_IPV6_FRAME_BYTES]; /* IPv4, IPv6 */
	size_t lengths[2];
};

/*
 * A TCP segment without payload that reads as a whole UDP datagram with an RTP header (RFC 3550)
 * too: one frame serves both protocols.
 */
static int build_frame(struct stand *stand, enum direction direction, const char *own, bool v6)
{
	uint8_t *frame = stand->frames[direction][v6];
	struct frame_fields fields = {.protocol = IPPROTO_TCP, .hop_limit = 64};
	struct address local, remote = {.family = v6 ? 6 : 4};
	size_t l4 = ETHERNET_BYTES + (v6 ? 40 : IPV4_BYTES);
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
	frame[l4 + UDP_BYTES] = RTP_VERSION;
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

static int attach(const struct namespace *place, const struct bpf_program *program,
		  struct failure *failure)
{
	int error = namespace_enter(place, failure);

	if (!error &&
	    bpf_xdp_attach((int)place->ifindex, bpf_program__fd(program), XDP_FLAGS_DRV_MODE, NULL))
		error = fail(failure, errno, "XDP can't be attached to a device: %s",
			     strerror(errno));
	namespace_leave(place);
	return error;
}

int stand_adopt(struct stand *stand, const struct namespace *place, struct failure *failure)
{
	return attach(place, stand->skeleton->progs.empty_xdp, failure);
}

int stand_close(struct stand *stand, const struct namespace *place, struct failure *failure)
{
	return attach(place, stand->skeleton->progs.drop_xdp, failure);
}

/* ---- packets ---- */

/* RFC 1071, of an IPv4 header whose protocol and one address are still 0. */
static uint32_t sum_of_header(const uint8_t *header)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < IPV4_BYTES; i += 2)
		if (i != IPV4_CHECKSUM)
			sum += (uint32_t)header[i] << 8 | header[i + 1];
	return sum - header[IPV4_PROTOCOL];
}

static uint16_t checksum_with(uint32_t sum, const struct generator_packet *packet)
{
	uint32_t remote = ntohl(packet->remote[0]);

	sum += packet->protocol + (remote >> 16) + (remote & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

void stand_set_packets(struct stand *stand, uint8_t family, const struct generator_packet *packets,
		       uint32_t count)
{
	struct generator_packet *table = stand->skeleton->bss->packets;
	uint32_t sum = sum_of_header(stand->frames[DIRECTION_IN][0] + ETHERNET_BYTES);

	stand->family = family;
	stand->skeleton->bss->generator.family = family;
	stand->skeleton->bss->generator.mask = count - 1;
	memcpy(table, packets, count * sizeof(*packets));
	for (uint32_t i = 0; family == 4 && i < count; i++)
		table[i].ip_checksum = checksum_with(sum, &table[i]);
}

/* ---- running ---- */

/* Puts the program behind the generator that it can follow, and returns that. */
static int choose_generator(struct stand *stand, enum direction direction, int program_fd,
			    struct failure *failure)
{
	struct floor_bpf *skeleton = stand->skeleton;
	__u32 zero = 0, program = (__u32)program_fd;

	if (direction == DIRECTION_OUT) {
		if (!bpf_map_update_elem(bpf_map__fd(skeleton->maps.tc_under_test), &zero, &program,
					 BPF_ANY))
			return bpf_program__fd(skeleton->progs.generate_tc);
	} else {
		if (!bpf_map_update_elem(bpf_map__fd(skeleton->maps.xdp_under_test), &zero,
					 &program, BPF_ANY))
			return bpf_program__fd(skeleton->progs.generate_xdp);
		if (!bpf_map_update_elem(bpf_map__fd(skeleton->maps.xdp_frags_under_test), &zero,
					 &program, BPF_ANY))
			return bpf_program__fd(skeleton->progs.generate_xdp_frags);
	}
	return fail(failure, errno, "the program can't be put behind the generator: %s",
		    strerror(errno));
}

static int empty_fd(const struct stand *stand, enum direction direction)
{
	return bpf_program__fd(direction == DIRECTION_IN ? stand->skeleton->progs.empty_xdp
							 : stand->skeleton->progs.empty_tc);
}

int stand_run(struct stand *stand, const struct stand_run *run, struct failure *failure,
	      uint32_t *ret_nanoseconds)
{
	const bool v6 = stand->family == 6;
	int program_fd =
		run->program_fd == STAND_EMPTY ? empty_fd(stand, run->direction) : run->program_fd;
	int generator = choose_generator(stand, run->direction, program_fd, failure);
	uint8_t frame[GENERATOR_IPV6_FRAME_BYTES];
	struct xdp_md context = {.data_end = (__u32)stand->lengths[v6]};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = (__u32)stand->lengths[v6], .repeat = (int)run->repeat);
	int error = 0;

	if (generator < 0)
		return generator;
	memcpy(frame, stand->frames[run->direction][v6], stand->lengths[v6]);
	if (run->place) {
		memcpy(frame, run->place->mac, MAC_BYTES);
		context.ingress_ifindex = run->place->ifindex;
		options.ctx_in = &context;
		options.ctx_size_in = sizeof(context);
		options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		options.batch_size = LIVE_BATCH;
		error = namespace_enter(run->place, failure);
	}
	if (!error && bpf_prog_test_run_opts(generator, &options))
		error = fail(failure, errno, "BPF_PROG_TEST_RUN%s: %s", run->place ? " (live)" : "",
			     strerror(errno));
	if (run->place)
		namespace_leave(run->place);
	if (!error)
		*ret_nanoseconds = options.duration;
	return error;
}

int stand_flood(struct stand *stand, const struct namespace *from, const uint8_t *to, uint32_t rate,
		unsigned milliseconds, struct failure *failure, uint64_t *ret_packets)
{
	const bool v6 = stand->family == 6;
	struct generator *generator = &stand->skeleton->bss->generator;
	const uint64_t since = clock_now(), until = since + milliseconds * 1000000ull;
	uint8_t frame[GENERATOR_IPV6_FRAME_BYTES];
	struct xdp_md context = {
		.data_end = (__u32)stand->lengths[v6],
		.ingress_ifindex = from->ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = (__u32)stand->lengths[v6], .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = LIVE_BATCH, .repeat = FLOOD_REPEAT);
	int error = namespace_enter(from, failure);

	generator->interval = rate ? 1000000000u / rate : 0;
	generator->due = since;
	generator->sent = 0;
	memcpy(frame, stand->frames[DIRECTION_IN][v6], stand->lengths[v6]);
	memcpy(frame, to, MAC_BYTES);
	while (!error && clock_now() < until)
		if (bpf_prog_test_run_opts(bpf_program__fd(stand->skeleton->progs.flood_xdp),
					   &options))
			error = fail(failure, errno, "BPF_PROG_TEST_RUN (live): %s",
				     strerror(errno));
	namespace_leave(from);
	*ret_packets = generator->sent;
	return error;
}
