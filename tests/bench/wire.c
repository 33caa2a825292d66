/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * End to end over veth: what a flood costs a host that enforces nothing, ours, or nftables, and
 * what it does to calls that are allowed.
 *
 *     wire [--quick | --smoke] [--seed N] [--json FILE]
 *
 * A veth's figures compare enforcers with each other; they are no network card's.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <linux/if_link.h>

#include "flood.h"
#include "link.h"
#include "machine.h"
#include "peer.h"
#include "rtp.h"
#include "ruleset.h"
#include "target.h"

enum {
	PREFIXES = 10000, /* of each family */
	FLOWS = 1 << 10,
	ROUNDS_MAX = 9,
	ROUNDS = 5,
	ROUNDS_QUICK = 3,
	MILLISECONDS = 1000,
	MILLISECONDS_QUICK = 400,
	MILLISECONDS_SMOKE = 100,
	CALLS_RULE = 1,	   /* an in rule of UDP */
	HOST_CPU = 1,	   /* all is sent from there, and so handled there */
	SETTLE_US = 20000, /* so that what is under way arrives */
	RATE_MODERATE = 200000,
};

/* BPF_TCX_EGRESS, which older headers of libbpf do not name. */
#define TCX_EGRESS 47

/* GUARD_LINK: the host drops everything at once, which is what sender and link cost. */
enum guard { GUARD_LINK, GUARD_NONE, GUARD_OURS, GUARD_NFT, GUARDS };

static const char *const guard_names[GUARDS] = {"(link alone)", "none", "sallyport, flat",
						"nft netdev"};

/* What is sent beside the calls. */
static const struct load {
	const char *name;
	bool flood;
	bool passes;
	bool calls;
	uint32_t rate;
} loads[] = {
	{"calls alone", false, false, true, 0},
	{"calls, and a flood of 200,000 /s", true, false, true, RATE_MODERATE},
	{"calls, and a flood without limit", true, false, true, FLOOD_UNLIMITED},
	{"flood without limit", true, false, false, FLOOD_UNLIMITED},
	{"allowed packets without limit", true, true, false, FLOOD_UNLIMITED},
};
enum { LOADS = sizeof(loads) / sizeof(loads[0]), LOAD_FLOOD = 3 };

/* Of one round; or of all, each figure's median. */
struct sample {
	double seconds;
	double received; /* by the host's device, packets a second */
	double to_stack;
	double cpu_ns; /* a packet of a flood without limit, both ends of the link; else 0 */
	double lost;   /* packets of calls */
	struct rtp_figures rtp;
};

struct host {
	struct link link;
	struct rtp rtp;
	struct target target;
	int egress_link;
};

struct wire {
	uint64_t seed;
	unsigned rounds;
	unsigned milliseconds;
	struct arena *arena;
	const struct population *population;
	const struct host_policy *policy;
	struct stand *stand;
	struct host hosts[GUARDS];
	struct generator_packet *floods[2]; /* what is dropped, what passes */
	struct sample samples[LOADS][GUARDS][ROUNDS_MAX];
	char nft_absent[256]; /* why nftables is not measured, or "" */
};

/* ---- enforcers ---- */

static bool is_absent(const struct wire *wire, enum guard guard)
{
	return guard == GUARD_NFT && wire->nft_absent[0];
}

/* The link alone is asked for what it costs, and for nothing else. */
static bool is_left_out(enum guard guard, int load)
{
	return guard == GUARD_LINK && load != LOAD_FLOOD;
}

static int attach_ours(struct wire *wire, struct host *host, struct failure *failure)
{
	cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
	cleanup(tables_freep) struct tables *tables = NULL;
	int error = compile(wire->policy, diagnostics, &tables);

	if (error)
		return fail(failure, -error, "the policy does not compile");
	error = target_load(&host->target, wire->policy, tables, LOOKUP_FLAT, failure);
	if (!error)
		error = namespace_enter(host->link.host, failure);
	if (error)
		return error;
	if (bpf_xdp_attach((int)host->link.host->ifindex, loaded_xdp_fd(host->target.loaded),
			   XDP_FLAGS_DRV_MODE, NULL))
		error = fail(failure, errno, "XDP can't be attached: %s", strerror(errno));
	/* A kernel without tcx measures what arrives alone. */
	host->egress_link = bpf_link_create(loaded_egress_fd(host->target.loaded),
					    (int)host->link.host->ifindex, TCX_EGRESS, NULL);
	namespace_leave(host->link.host);
	return error;
}

static int load_nft(struct wire *wire, struct host *host, struct failure *failure)
{
	static const char *const words[] = {"nft", "-f", "-", NULL};
	int error = namespace_run(host->link.host, words,
				  ruleset_nft_netdev(wire->arena, NAMESPACE_DEVICE), failure, NULL);

	for (size_t i = 0; !error; i += RULESET_CHUNK) {
		const char *elements = ruleset_nft_elements(wire->arena, wire->policy, "netdev", i);

		if (!elements)
			break;
		error = namespace_run(host->link.host, words, elements, failure, NULL);
	}
	return error;
}

static int set_up_host(struct wire *wire, enum guard guard, const struct address *from,
		       struct failure *failure)
{
	struct host *host = &wire->hosts[guard];
	int error = link_new(bench_own_address, from, &host->link, failure);

	if (!error)
		error = stand_adopt(wire->stand, host->link.peer, failure);
	host->rtp.from = *from;
	address_parse(bench_own_address[0], &host->rtp.to);
	host->rtp.port_first = BENCH_RULE_PORT_FIRST + CALLS_RULE * BENCH_RULE_PORTS;
	if (!error)
		error = rtp_open(&host->rtp, host->link.host, failure);
	/* Without a program a veth takes what sockets send another way than what floods do. */
	if (!error && guard == GUARD_LINK)
		error = stand_close(wire->stand, host->link.host, failure);
	if (!error && (guard == GUARD_NONE || guard == GUARD_NFT))
		error = stand_adopt(wire->stand, host->link.host, failure);
	if (!error && guard == GUARD_OURS)
		error = attach_ours(wire, host, failure);
	if (!error && guard == GUARD_NFT && load_nft(wire, host, failure))
		snprintf(wire->nft_absent, sizeof(wire->nft_absent), "%s", failure->message);
	return error;
}

/* The first address of the calls' peers: prefix CALLS_RULE is in the group of that rule. */
static struct address caller(const struct wire *wire)
{
	struct address address = wire->population->ordered[0].items[CALLS_RULE].address;

	address.bytes[3] |=
		prefix_is_single(&wire->population->ordered[0].items[CALLS_RULE]) ? 0 : 1;
	return address;
}

static int set_up(struct wire *wire, struct failure *failure)
{
	const size_t prefixes[2] = {PREFIXES, PREFIXES};
	struct traffic traffic = {.family = 4, .packets = FLOWS, .direction = DIRECTION_IN};
	struct address from;
	int error = stand_new(bench_own_address, failure, &wire->stand);

	wire->population = population_new(wire->arena, POPULATION_MIXED, wire->seed, prefixes);
	wire->policy = bench_policy(wire->arena, wire->population, prefixes);
	for (int passes = 0; passes < 2; passes++) {
		traffic.kind = passes ? TRAFFIC_SERVED : TRAFFIC_STRANGER;
		wire->floods[passes] =
			arena_alloc(wire->arena, FLOWS * sizeof(*wire->floods[passes]));
		traffic_fill(&traffic, wire->population, wire->seed, PREFIXES,
			     wire->floods[passes]);
	}
	from = caller(wire);
	for (int guard = 0; !error && guard < GUARDS; guard++)
		error = set_up_host(wire, guard, &from, failure);
	return error;
}

static void take_down(struct wire *wire)
{
	for (int guard = 0; guard < GUARDS; guard++) {
		struct host *host = &wire->hosts[guard];

		if (host->egress_link > 0)
			close(host->egress_link);
		if (host->target.loaded)
			target_unload(&host->target);
		if (host->link.host)
			rtp_close(&host->rtp);
		link_free(&host->link);
	}
	stand_free(wire->stand);
}

/* ---- measuring ---- */

static int wait_for(pid_t pid, struct failure *failure)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(failure, errno, "waitpid: %s", strerror(errno));
	if (status)
		return fail(failure, EIO, "the calls can't be sent: %s",
			    strerror(WIFEXITED(status) ? WEXITSTATUS(status) : EINTR));
	return 0;
}

/* The flood begins before the calls and ends after them. */
static int send_all(struct wire *wire, struct host *host, const struct load *load,
		    struct sample *sample, struct failure *failure)
{
	struct flood flood = {
		.stand = wire->stand,
		.from = host->link.peer,
		.cpu = HOST_CPU,
		.rate = load->rate,
		.milliseconds = wire->milliseconds + 50,
	};
	struct flood_run run = {0};
	struct flood_sent sent = {.seconds = wire->milliseconds / 1e3};
	pid_t calls = 0;
	int error = 0, flood_error = 0;

	memcpy(flood.to, host->link.host->mac, sizeof(flood.to));
	if (load->flood)
		error = flood_start(&flood, failure, &run);
	if (!error && load->calls)
		error = rtp_start(&host->rtp, host->link.peer, HOST_CPU, wire->milliseconds,
				  failure, &calls);
	if (calls)
		error = wait_for(calls, failure);
	if (run.pid)
		flood_error = flood_wait(&run, failure, &sent);
	sample->seconds = sent.seconds;
	if (load->flood && !load->rate && sent.packets)
		sample->cpu_ns = sent.cpu_ns / (double)sent.packets;
	return error ? error : flood_error;
}

static int measure(struct wire *wire, enum guard guard, const struct load *load,
		   struct sample *sample, struct failure *failure)
{
	struct host *host = &wire->hosts[guard];
	struct link_counts before, after;
	int error;

	rtp_drain(&host->rtp);
	stand_set_packets(wire->stand, 4, wire->floods[load->passes], FLOWS);
	error = link_read(&host->link, &before, failure);
	if (!error)
		error = send_all(wire, host, load, sample, failure);
	usleep(SETTLE_US);
	if (!error)
		error = link_read(&host->link, &after, failure);
	if (!error && load->calls)
		error = rtp_collect(&host->rtp, wire->milliseconds, &sample->rtp, failure);
	if (error)
		return error;
	sample->lost = sample->rtp.sent - sample->rtp.received;
	sample->received = (double)(after.received - before.received) / sample->seconds;
	sample->to_stack = (double)(after.to_stack - before.to_stack) / sample->seconds;
	return 0;
}

/* A flood that is let in, or calls that are kept out, are no figures to compare. */
static int check(const struct wire *wire, enum guard guard, const struct load *load,
		 const struct sample *sample, struct failure *failure)
{
	const double calls = load->calls ? RTP_PACKETS_PER_SECOND : 0;

	if (guard != GUARD_NONE && load->flood && !load->passes && sample->to_stack > calls * 1.1)
		return fail(failure, EPROTO, "%s, %s: %.0f packets a second got in",
			    guard_names[guard], load->name, sample->to_stack);
	if (load->passes && sample->to_stack < sample->received * 0.99)
		return fail(failure, EPROTO, "%s, %s: of %.0f packets a second %.0f got in",
			    guard_names[guard], load->name, sample->received, sample->to_stack);
	/* Some get lost where somebody else has the CPU; that nearly all do is the policy. */
	if (load->calls && sample->rtp.received < sample->rtp.sent / 20)
		return fail(failure, EPROTO, "%s, %s: of %u packets of calls %u arrived",
			    guard_names[guard], load->name, sample->rtp.sent, sample->rtp.received);
	return 0;
}

static int measure_all(struct wire *wire, struct failure *failure)
{
	int error = 0;

	for (unsigned round = 0; !error && round < wire->rounds; round++)
		for (int load = 0; !error && load < LOADS; load++)
			for (int guard = 0; !error && guard < GUARDS; guard++) {
				struct sample *sample = &wire->samples[load][guard][round];

				if (is_absent(wire, guard) || is_left_out(guard, load))
					continue;
				error = measure(wire, guard, &loads[load], sample, failure);
				if (!error)
					error = check(wire, guard, &loads[load], sample, failure);
			}
	return error;
}

/* ---- printing ---- */

static int compare_numbers(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *numbers, unsigned count)
{
	qsort(numbers, count, sizeof(*numbers), compare_numbers);
	return numbers[count / 2];
}

static struct sample median_of(const struct wire *wire, int load, int guard)
{
	static const size_t fields[] = {
		offsetof(struct sample, received),	offsetof(struct sample, to_stack),
		offsetof(struct sample, cpu_ns),	offsetof(struct sample, lost),
		offsetof(struct sample, rtp.median_us), offsetof(struct sample, rtp.p99_us),
	};
	struct sample result = wire->samples[load][guard][0];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		double numbers[ROUNDS_MAX];

		for (unsigned round = 0; round < wire->rounds; round++)
			memcpy(&numbers[round],
			       (const char *)&wire->samples[load][guard][round] + fields[i],
			       sizeof(double));
		*(double *)((char *)&result + fields[i]) = median(numbers, wire->rounds);
	}
	return result;
}

static double worst_lost(const struct wire *wire, int load, int guard)
{
	double worst = 0;

	for (unsigned round = 0; round < wire->rounds; round++)
		if (wire->samples[load][guard][round].lost > worst)
			worst = wire->samples[load][guard][round].lost;
	return worst;
}

static void print_row(const struct wire *wire, int load, int guard, const struct sample *sample)
{
	const struct sample alone = median_of(wire, 0, guard);
	const double link_ns = median_of(wire, LOAD_FLOOD, GUARD_LINK).cpu_ns;
	const struct rtp_figures *rtp = &sample->rtp;

	printf("| %s | %s | %.0f | %.0f | %.0f |", loads[load].name, guard_names[guard],
	       sample->received / 1e3, sample->to_stack / 1e3,
	       (sample->received - sample->to_stack) / 1e3);
	if (sample->cpu_ns > 0)
		printf(" %.0f | %.0f |", sample->cpu_ns, sample->cpu_ns - link_ns);
	else
		printf(" – | – |");
	if (loads[load].calls)
		printf(" %.1f | %+.1f | %.1f | %.0f of %u (worst round %.0f) |\n", rtp->median_us,
		       rtp->median_us - alone.rtp.median_us, rtp->p99_us, sample->lost, rtp->sent,
		       worst_lost(wire, load, guard));
	else
		printf(" – | – | – | – |\n");
}

static void print(const struct wire *wire, const struct machine *machine)
{
	printf("%s, Linux %s, %s. Seed %" PRIu64 ", %d prefixes of each family, medians of %u "
	       "interleaved rounds of %u ms.\n"
	       "%u calls of %u packets a second. The flood is of random sources, TCP SYN and UDP, "
	       "to open ports. Thousands of packets a second; CPU is of sender, link and host "
	       "together, and "
	       "above what sender and link take;\n"
	       "how long a packet of a call took is from when it was due to the receiving kernel's "
	       "time "
	       "stamp, in microseconds.\n\n",
	       machine->date, machine->kernel, machine->cpu, wire->seed, PREFIXES, wire->rounds,
	       wire->milliseconds, RTP_CALLS, RTP_PACKETS_PER_CALL);
	printf("| sent | enforced by | received | to the stack | dropped | CPU a packet, ns | "
	       "above "
	       "the link | calls: median | added | p99 | lost |\n"
	       "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
	for (int load = 0; load < LOADS; load++)
		for (int guard = 0; guard < GUARDS; guard++) {
			struct sample sample = median_of(wire, load, guard);

			if (is_left_out(guard, load))
				continue;
			if (is_absent(wire, guard))
				printf("| %s | %s | not measured: %s |\n", loads[load].name,
				       guard_names[guard], wire->nft_absent);
			else
				print_row(wire, load, guard, &sample);
		}
}

static int write_json(const struct wire *wire, const struct machine *machine, const char *path)
{
	json_t *list = json_array(), *all;
	int failed;

	for (int load = 0; load < LOADS; load++)
		for (int guard = 0; guard < GUARDS; guard++) {
			struct sample sample = median_of(wire, load, guard);

			if (is_absent(wire, guard) || is_left_out(guard, load))
				continue;
			json_array_append_new(
				list,
				json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:i, "
					  "s:i}",
					  "sent", loads[load].name, "enforced_by",
					  guard_names[guard], "received_pps", sample.received,
					  "to_stack_pps", sample.to_stack, "cpu_ns", sample.cpu_ns,
					  "calls_median_us", sample.rtp.median_us, "calls_p99_us",
					  sample.rtp.p99_us, "calls_sent", (int)sample.rtp.sent,
					  "calls_lost", (int)sample.lost, "calls_lost_worst",
					  (int)worst_lost(wire, load, guard)));
		}
	all = json_pack("{s:s, s:s, s:s, s:I, s:o}", "date", machine->date, "kernel",
			machine->kernel, "cpu", machine->cpu, "seed", (json_int_t)wire->seed,
			"rows", list);
	failed = !all || json_dump_file(all, path, JSON_INDENT(1));
	json_decref(all);
	return failed ? -EIO : 0;
}

/* ---- main ---- */

static bool read_options(int argc, char **argv, struct wire *wire, const char **ret_json)
{
	static const struct option long_options[] = {
		{"quick", no_argument, NULL, 'q'},
		{"smoke", no_argument, NULL, 'k'},
		{"seed", required_argument, NULL, 's'},
		{"json", required_argument, NULL, 'j'},
		{0},
	};
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (option) {
		case 'q':
			wire->rounds = ROUNDS_QUICK;
			wire->milliseconds = MILLISECONDS_QUICK;
			break;
		case 'k':
			wire->rounds = 1;
			wire->milliseconds = MILLISECONDS_SMOKE;
			break;
		case 's':
			wire->seed = strtoull(optarg, &end, 10);
			if (end == optarg || *end)
				return false;
			break;
		case 'j':
			*ret_json = optarg;
			break;
		default:
			return false;
		}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	struct machine machine;
	struct failure failure;
	const char *json = NULL;
	int error;

	if (!wire)
		return 1;
	wire->seed = 1;
	wire->rounds = ROUNDS;
	wire->milliseconds = MILLISECONDS;
	if (!read_options(argc, argv, wire, &json)) {
		fprintf(stderr, "usage: wire [--quick | --smoke] [--seed N] [--json FILE]\n");
		free(wire);
		return 2;
	}
	wire->arena = arena_new();
	error = set_up(wire, &failure);
	if (!error)
		error = measure_all(wire, &failure);
	machine_describe(&machine);
	if (error)
		fprintf(stderr, "wire: %s\n", failure.message);
	else
		print(wire, &machine);
	if (!error && json)
		error = write_json(wire, &machine, json);
	take_down(wire);
	arena_free(wire->arena);
	free(wire);
	return error ? 1 : 0;
}
