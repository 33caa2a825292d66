/* SPDX-License-Identifier: BSD-2-Clause */
#include "map_address.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The sections of the programs, as libbpf knows them itself. */
static const struct section {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	__u32 flags;
} sections[] = {
	{"xdp.frags", BPF_PROG_TYPE_XDP, BPF_XDP, BPF_F_XDP_HAS_FRAGS},
	{"xdp", BPF_PROG_TYPE_XDP, BPF_XDP, 0},
	{"tc", BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"syscall", BPF_PROG_TYPE_SYSCALL, 0, BPF_F_SLEEPABLE},
};

/* Maps of one value, that the programs never look up. */
static const char *const maps[] = {
	"flat_classes",	   "flat_ipv4",	 "flat_ipv6", "flow_cache_ipv4",
	"flow_cache_ipv6", "flow_ports", "flow_keys",
};

static bool is_meant_as_value(int fd)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);

	if (bpf_obj_get_info_by_fd(fd, &information, &length) < 0)
		return false;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		if (!strcmp(information.name, maps[i]))
			return true;
	}
	return false;
}

/* Called by libbpf when all maps are there and all references to them are resolved. */
static int use_addresses(struct bpf_program *program, struct bpf_prog_load_opts *options,
			 long cookie)
{
	const size_t count = bpf_program__insn_cnt(program);
	const size_t bytes = count * sizeof(struct bpf_insn);
	struct bpf_insn *instructions = malloc(bytes);
	int error;

	if (!instructions)
		return -ENOMEM;
	options->prog_flags |= sections[cookie].flags;
	memcpy(instructions, bpf_program__insns(program), bytes);
	for (size_t i = 0; i < count; i++) {
		struct bpf_insn *instruction = &instructions[i];

		if (instruction->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (instruction->src_reg == BPF_PSEUDO_MAP_FD &&
		    is_meant_as_value(instruction->imm))
			instruction->src_reg = BPF_PSEUDO_MAP_VALUE;
		i++;
	}
	error = bpf_program__set_insns(program, instructions, count);
	free(instructions);
	return error;
}

static int registered; /* 0, or what libbpf said */

static void register_handlers(void)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = (long)i,
			    .prog_prepare_load_fn = use_addresses);
		int handler = libbpf_register_prog_handler(sections[i].name, sections[i].type,
							   sections[i].attach, &options);

		if (handler < 0)
			registered = handler;
	}
}

int map_address_use(struct failure *failure)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, register_handlers);
	return registered ? fail(failure, -registered, "libbpf takes no handler of programs: %s",
				 strerror(-registered))
			  : 0;
}
