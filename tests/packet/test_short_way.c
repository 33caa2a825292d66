/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of an ordinary packet has no call, neither of a helper nor of a function: read in
 * the programs as the kernel has translated them, from their entry to where the long way begins.
 * And ordinary packets do take it.
 */
#include "bench.h"

/* Behind ours: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#define SITE   "tests/packet/options.yaml"
#define TAGGED "tests/packet/tagged.yaml"

#define IN     "{\"direction\":\"in\",\"destination\":\"192.0.2.10\",\"source_port\":40000,"
#define IN6    "{\"direction\":\"in\",\"destination\":\"2001:db8:1::10\",\"source_port\":40000,"
#define OUT    "{\"direction\":\"out\",\"source\":\"192.0.2.10\","
#define PEER   "198.51.100.7"
#define RTP    "\"payload\":\"8000000100000000000000000000\"}"

/* ---- what is in the programs ---- */

/* Where the kernel inlines look-ups of per-CPU arrays (Linux 6.10); before, each is a call. */
static bool kernel_inlines_all(void)
{
	struct utsname kernel;
	int major = 0, minor = 0;

	uname(&kernel);
	sscanf(kernel.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 10);
}

struct translated {
	struct bpf_insn *instructions;
	size_t count;
	bool *seen;
	size_t *waiting; /* to be walked from */
	size_t waiting_count;
	size_t calls;
	size_t exits;	  /* of the short way */
	size_t long_ways; /* places where the long way begins */
};

static struct translated translate(int fd)
{
	struct translated program = {0};
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	program.count = info.xlated_prog_len / sizeof(struct bpf_insn);
	program.instructions = calloc(program.count, sizeof(struct bpf_insn));
	program.seen = calloc(program.count, sizeof(bool));
	program.waiting = calloc(program.count * 2, sizeof(size_t));
	info = (struct bpf_prog_info){
		.xlated_prog_len = (__u32)(program.count * sizeof(struct bpf_insn)),
		.xlated_prog_insns = (__u64)(uintptr_t)program.instructions,
	};
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	/* The kernel gives no instructions where it hides them (kptr_restrict, bpf_jit_harden). */
	assert_int_not_equal(program.instructions[0].code, 0);
	return program;
}

static void translated_free(struct translated *program)
{
	free(program->instructions);
	free(program->seen);
	free(program->waiting);
}

static void visit(struct translated *program, long at)
{
	assert_true(at >= 0 && (size_t)at < program->count);
	if (program->seen[at])
		return;
	program->seen[at] = true;
	program->waiting[program->waiting_count++] = (size_t)at;
}

static bool is_jump(const struct bpf_insn *instruction)
{
	__u8 class = BPF_CLASS(instruction->code);

	return class == BPF_JMP || class == BPF_JMP32;
}

/* What may come after this instruction; nothing, where a way ends. */
static void visit_next(struct translated *program, size_t at)
{
	const struct bpf_insn *instruction = &program->instructions[at];
	long next = (long)at + 1;

	if (instruction->code == (BPF_LD | BPF_IMM | BPF_DW)) {
		visit(program, next + 1);
		return;
	}
	if (!is_jump(instruction) || BPF_OP(instruction->code) == BPF_CALL) {
		visit(program, next);
		return;
	}
	if (BPF_OP(instruction->code) == BPF_EXIT) {
		program->exits++;
		return;
	}
	if (instruction->code == (BPF_JMP32 | BPF_JA))
		next += instruction->imm;
	else
		visit(program, next + instruction->off);
	if (BPF_OP(instruction->code) != BPF_JA || instruction->code == (BPF_JMP32 | BPF_JA))
		visit(program, next);
}

static bool begins_long_way(const struct bpf_insn *instruction)
{
	__u8 class = BPF_CLASS(instruction->code);

	return (__u32)instruction->imm == LONG_WAY &&
	       (class == BPF_ALU || class == BPF_ALU64 || class == BPF_ST);
}

static void walk_short_way(struct translated *program)
{
	visit(program, 0);
	while (program->waiting_count) {
		size_t at = program->waiting[--program->waiting_count];
		const struct bpf_insn *instruction = &program->instructions[at];

		if (begins_long_way(instruction)) {
			program->long_ways++;
			continue;
		}
		if (is_jump(instruction) && BPF_OP(instruction->code) == BPF_CALL)
			program->calls++;
		visit_next(program, at);
	}
}

static void check_program(int fd, const char *name)
{
	struct translated program = translate(fd);

	walk_short_way(&program);
	print_message("%s: %zu calls, %zu exits before the long way\n", name, program.calls,
		      program.exits);
	assert_true(program.long_ways > 0);
	assert_true(program.exits > 0);
	assert_int_equal(program.calls, 0);
	translated_free(&program);
}

static void test_the_short_way_has_no_call(void **state)
{
	struct bench *bench;

	(void)state;
	if (!kernel_inlines_all()) {
		print_message("before Linux 6.10 look-ups of per-CPU arrays are calls\n");
		skip();
	}
	bench = bench_new_site(SITE, LOOKUP_FLAT, false, MODE_ENFORCE);
	check_program(loaded_xdp_fd(bench->loaded), "xdp_ingress");
	check_program(loaded_egress_fd(bench->loaded), "tc_egress");
	bench_free(bench);
}

/* ---- what a policy does not use ---- */

#define LEAN                                                                                       \
	"site: lean\ncatalogs: [base]\nmode: {in: enforce, out: enforce}\n"                        \
	"management: [{from: 192.0.2.5, allow: [tcp/22]}]\n"
#define HOST "hosts: {edge: {addresses: 192.0.2.10, roles: []}}\n"
#define FLOW(more)                                                                                 \
	"flows: [{id: media, from: [192.0.2.20], to: edge, allow: udp/30000-30999" more "}]\n"

struct feature {
	const char *name;
	const char *site;
};

static const struct feature features[] = {
	{"IPv6",
	 LEAN "hosts: {edge: {addresses: [192.0.2.10, \"2001:db8::10\"], roles: []}}\n" FLOW("")},
	{"VLANs", LEAN HOST FLOW("") "host: {vlan: [untagged, 120]}\n"},
	{"remote ports", LEAN HOST FLOW(", source-ports: 1024-65535")},
	{"live ports", LEAN HOST FLOW(", live: yes")},
	{"shape", LEAN HOST FLOW(", shape: rtp")},
	{"limits", LEAN HOST FLOW(", limit: {per-second: 10, burst: 10}")},
	{"pings", LEAN HOST FLOW("") "host: {icmp-echo: {per-second: 5, burst: 5}}\n"},
};

/* Instructions of the program for what arrives, as translated for a site of this text. */
static size_t size_for(const char *text)
{
	char path[] = "/tmp/sallyport-lean-XXXXXX";
	int fd = mkstemp(path);
	struct translated program;
	struct bench *bench;
	size_t size;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	bench = bench_new_site(path, LOOKUP_FLAT, false, MODE_ENFORCE);
	unlink(path);
	program = translate(loaded_xdp_fd(bench->loaded));
	size = program.count;
	translated_free(&program);
	bench_free(bench);
	return size;
}

/* What it does not use is not there: the verifier takes it out. */
static void test_a_policy_costs_what_it_uses(void **state)
{
	const size_t lean = size_for(LEAN HOST FLOW(""));

	(void)state;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const size_t size = size_for(features[i].site);

		print_message("%s: %zu instructions more than %zu\n", features[i].name, size - lean,
			      lean);
		if (size <= lean)
			fail_msg("%s: %zu instructions, and %zu without", features[i].name, size,
				 lean);
	}
}

/* ---- who takes it ---- */

struct row {
	const char *name;
	const char *line;
	enum reason reason;
};

/* clang-format off */
static const struct row rows[] = {
	{"SYN to a closed port", IN "\"source\":\"" PEER "\",\"destination_port\":9,\"l4\":\"tcp\",\"tcp_flags\":\"SYN\"}", REASON_CLOSED_PORT},
	{"SYN of a stranger", IN "\"source\":\"192.88.99.99\",\"destination_port\":5061,\"l4\":\"tcp\",\"tcp_flags\":\"SYN\"}", REASON_UNKNOWN_PEER},
	{"datagram of a stranger", IN "\"source\":\"192.88.99.99\",\"destination_port\":5060,\"l4\":\"udp\"," RTP, REASON_UNKNOWN_PEER},
	{"the same, IPv6", IN6 "\"source\":\"2001:db8:9::99\",\"destination_port\":5060,\"l4\":\"udp\"," RTP, REASON_UNKNOWN_PEER},
	{"datagram to a closed port", IN "\"source\":\"" PEER "\",\"destination_port\":9,\"l4\":\"udp\"," RTP, REASON_CLOSED_PORT},
	{"answer to nothing", IN "\"source\":\"" PEER "\",\"destination_port\":9,\"l4\":\"tcp\",\"tcp_flags\":\"SYN+ACK\"}", REASON_NO_FLOW},
	{"media", IN "\"source\":\"" PEER "\",\"destination_port\":5060,\"l4\":\"udp\"," RTP, REASON_RULE},
	{"its answer", OUT "\"destination\":\"" PEER "\",\"destination_port\":40000,\"source_port\":5060,\"l4\":\"udp\"," RTP, REASON_MIRROR},
	{"media that leaves", OUT "\"destination\":\"" PEER "\",\"source_port\":20000,\"destination_port\":40000,\"l4\":\"udp\"," RTP, REASON_MIRROR},
};
/* clang-format on */

static void test_ordinary_packets_take_it(void **state)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, false, MODE_ENFORCE);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum direction direction;
		size_t length;
		const uint8_t *frame = bench_frame(rows[i].line, &direction, &length);
		struct met met = bench_run(bench, direction, frame, length, 1000 + i);

		if (met.outcome.way || met.outcome.reason != rows[i].reason)
			fail_msg("%s: reason %u, by the %s way", rows[i].name, met.outcome.reason,
				 met.outcome.way ? "long" : "short");
	}
	bench_free(bench);
}

/* Of site.yaml: a port that owns a flow, and packets to it that are of none. */
static const char opens[] = OUT "\"destination\":\"192.0.2.20\",\"source_port\":50001,"
				"\"destination_port\":5672,\"l4\":\"tcp\",\"tcp_flags\":\"SYN\"}";
static const char *const strays[] = {
	IN "\"source\":\"" PEER
	   "\",\"destination_port\":50001,\"l4\":\"tcp\",\"tcp_flags\":\"ACK\"}",
	IN "\"source\":\"192.0.2.20\",\"destination_port\":50001,\"l4\":\"tcp\",\"tcp_flags\":"
	   "\"RST\"}",
	IN6 "\"source\":\"2001:db8:9::99\",\"destination_port\":50001,\"l4\":\"tcp\",\"tcp_flags\":"
	    "\"ACK\"}",
};

static struct outcome run_line(struct bench *bench, const char *line)
{
	enum direction direction;
	size_t length;
	const uint8_t *frame = bench_frame(line, &direction, &length);

	return bench_run(bench, direction, frame, length, 1000).outcome;
}

static void test_strays_at_the_port_of_a_flow_take_it(void **state)
{
	struct bench *bench = bench_new_flows(FLOWS_MIN);

	(void)state;
	assert_int_equal(run_line(bench, opens).reason, REASON_RULE);
	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		struct outcome outcome = run_line(bench, strays[i]);

		assert_int_equal(outcome.reason, REASON_NO_FLOW);
		assert_int_equal(outcome.way, 0);
	}
	bench_free(bench);
}

/* So that the tests above can fail. */
static void test_a_fragment_takes_the_long_way(void **state)
{
	struct bench *bench = bench_new_site(SITE, LOOKUP_FLAT, false, MODE_ENFORCE);
	enum direction direction;
	size_t length;
	const uint8_t *frame = bench_frame(
		IN "\"source\":\"" PEER "\",\"destination_port\":5060,\"l4\":\"udp\",\"fragment\":"
		   "{\"id\":7,\"offset\":0,\"more\":true},\"payload\":"
		   "\"80000001000000000000000000000000\"}",
		&direction, &length);
	struct met met = bench_run(bench, direction, frame, length, 1000);

	(void)state;
	assert_int_equal(met.outcome.way, LONG_WAY);
	bench_free(bench);
}

/* Where a site chooses VLANs: with one tag, and without. */
static void test_tagged_packets_take_it(void **state)
{
	/* clang-format off */
	static const struct {
		const char *line;
		enum reason reason;
		bool far; /* the long way */
	} tagged[] = {
		{IN "\"source\":\"" PEER "\",\"destination_port\":20000,\"l4\":\"udp\",\"vlan\":[10]," RTP, REASON_RULE, false},
		{IN "\"source\":\"" PEER "\",\"destination_port\":20000,\"l4\":\"udp\"," RTP, REASON_RULE, false},
		{IN6 "\"source\":\"2001:db8:5::7\",\"destination_port\":20000,\"l4\":\"udp\",\"vlan\":[10]," RTP, REASON_RULE, false},
		{IN "\"source\":\"192.88.99.99\",\"destination_port\":20000,\"l4\":\"udp\",\"vlan\":[10]," RTP, REASON_UNKNOWN_PEER, false},
		{IN "\"source\":\"" PEER "\",\"destination_port\":20000,\"l4\":\"udp\",\"vlan\":[11]," RTP, REASON_VLAN, true},
		{IN "\"source\":\"" PEER "\",\"destination_port\":20000,\"l4\":\"udp\",\"vlan\":[10,11]," RTP, REASON_RULE, true},
	};
	/* clang-format on */
	struct bench *bench = bench_new_site(TAGGED, LOOKUP_FLAT, false, MODE_ENFORCE);

	(void)state;
	for (size_t i = 0; i < sizeof(tagged) / sizeof(tagged[0]); i++) {
		enum direction direction;
		size_t length;
		const uint8_t *frame = bench_frame(tagged[i].line, &direction, &length);
		struct met met = bench_run(bench, direction, frame, length, 1000 + i);

		if (!met.outcome.way == tagged[i].far || met.outcome.reason != tagged[i].reason)
			fail_msg("%s: reason %u, by the %s way", tagged[i].line, met.outcome.reason,
				 met.outcome.way ? "long" : "short");
	}
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_short_way_has_no_call),
		cmocka_unit_test(test_a_policy_costs_what_it_uses),
		cmocka_unit_test(test_ordinary_packets_take_it),
		cmocka_unit_test(test_strays_at_the_port_of_a_flow_take_it),
		cmocka_unit_test(test_a_fragment_takes_the_long_way),
		cmocka_unit_test(test_tagged_packets_take_it),
	};

	return cmocka_run_group_tests_name("short_way", tests, NULL, NULL);
}
