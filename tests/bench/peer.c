/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "replies.h"
#include "ruleset.h"
#include "tool.h"

/*
 * Behind everything else in the input hook, behind conntrack's confirmation too: hooks of equal
 * priority run in the reverse order of their registration, and this one comes first.
 */
#define LATE                                                                                       \
	"table inet late {\ncounter passed { }\nchain late {\n"                                    \
	"type filter hook input priority 2147483647; policy drop;\n"                               \
	"counter name passed drop\n}\n}\n"
/* Nobody's checksum is looked at: a network card has done that. */
#define NO_CHECKSUMS "sysctl -qw net.netfilter.nf_conntrack_checksum=0 || true"

/* conntrack(8): entries that the kernel keeps at most; the default of a host of this size. */
#define TRACKED_FLOWS_MAX (1u << 16)

static const struct {
	const char *name;
	const char *commands[3];
} kinds[PEER_KINDS] = {
	[PEER_NONE] = {"stack", {"nft"}},
	[PEER_NFT_NETDEV] = {"nft netdev", {"nft"}},
	[PEER_NFT_TRACKED] = {"nft conntrack", {"nft"}},
	[PEER_IPSET] = {"iptables + ipset", {"nft", "ipset", "iptables-legacy-restore"}},
};

const char *peer_name(enum peer_kind kind)
{
	return kinds[kind].name;
}

const char *peer_missing(enum peer_kind kind)
{
	for (size_t i = 0; i < sizeof(kinds[kind].commands) / sizeof(kinds[kind].commands[0]); i++)
		if (kinds[kind].commands[i] && !tool_exists(kinds[kind].commands[i]))
			return kinds[kind].commands[i];
	return NULL;
}

/* ---- loading ---- */

static int nft(const struct peer *peer, const char *text, struct failure *failure)
{
	static const char *const words[] = {"nft", "-f", "-", NULL};

	return namespace_run(peer->place, words, text, failure, NULL);
}

static int load_nft(const struct peer *peer, const struct host_policy *policy,
		    struct failure *failure)
{
	const bool netdev = peer->kind == PEER_NFT_NETDEV;
	cleanup(arena_freep) struct arena *arena = arena_new();
	int error = nft(peer,
			netdev ? ruleset_nft_netdev(arena, NAMESPACE_DEVICE)
			       : ruleset_nft_tracked(arena),
			failure);

	for (size_t i = 0; !error; i += RULESET_CHUNK) {
		const char *elements =
			ruleset_nft_elements(arena, policy, netdev ? "netdev" : "inet", i);

		if (!elements)
			break;
		error = nft(peer, elements, failure);
	}
	if (!error && !netdev)
		error = namespace_shell(peer->place, NO_CHECKSUMS, failure, NULL);
	return error;
}

static int load_ipset(const struct peer *peer, const struct host_policy *policy,
		      struct failure *failure)
{
	static const char *const sets[] = {"ipset", "restore", NULL};
	static const char *const rules[2][2] = {{"iptables-legacy-restore", NULL},
						{"ip6tables-legacy-restore", NULL}};
	cleanup(arena_freep) struct arena *arena = arena_new();
	int error = namespace_run(peer->place, sets, ruleset_ipset(arena, policy), failure, NULL);

	for (int f = 0; !error && f < 2; f++)
		error = namespace_run(peer->place, rules[f],
				      ruleset_iptables(arena, policy, f ? 6 : 4), failure, NULL);
	return error;
}

int peer_load(struct peer *peer, enum peer_kind kind, const struct host_policy *policy,
	      struct stand *stand, struct failure *failure)
{
	uint64_t before = clock_now();
	int error;

	peer->kind = kind;
	error = namespace_new(bench_own_address, failure, &peer->place);
	if (!error)
		error = stand_adopt(stand, peer->place, failure);
	if (!error)
		error = nft(peer, LATE, failure);
	if (!error && (kind == PEER_NFT_NETDEV || kind == PEER_NFT_TRACKED))
		error = load_nft(peer, policy, failure);
	if (!error && kind == PEER_IPSET)
		error = load_ipset(peer, policy, failure);
	peer->load_ns = clock_now() - before;
	return error;
}

void peer_unload(struct peer *peer)
{
	namespace_free(peer->place);
	peer->place = NULL;
}

/* ---- counting ---- */

static int ask_nft(const struct peer *peer, const char *line, struct failure *failure,
		   uint64_t *ret_packets)
{
	char *text = NULL;
	const char *at;
	int error = namespace_shell(peer->place, line, failure, &text);

	if (error)
		return error;
	at = strstr(text, "packets ");
	if (!at || sscanf(at, "packets %" SCNu64, ret_packets) != 1)
		error = fail(failure, EPROTO, "\"%s\" answered: %.200s", line, text);
	free(text);
	return error;
}

/* The last rule's first column. */
static int ask_iptables(const struct peer *peer, uint8_t family, struct failure *failure,
			uint64_t *ret_packets)
{
	char *text = NULL;
	int error = namespace_shell(
		peer->place,
		family == 4 ? "iptables-legacy -t raw -nvxL PREROUTING | tail -n 1"
			    : "ip6tables-legacy -t raw -nvxL PREROUTING | tail -n 1",
		failure, &text);

	if (!error && sscanf(text, "%" SCNu64, ret_packets) != 1)
		error = fail(failure, EPROTO, "iptables answered: %.200s", text);
	free(text);
	return error;
}

int peer_count_passed(const struct peer *peer, struct failure *failure, uint64_t *ret_packets)
{
	return ask_nft(peer, "nft list counter inet late passed", failure, ret_packets);
}

static int count_expected(void *self, const struct traffic *traffic, struct failure *failure,
			  uint64_t *ret_packets)
{
	const struct peer *peer = self;

	if (peer->kind == PEER_NONE || traffic_passes(traffic))
		return peer_count_passed(peer, failure, ret_packets);
	switch (peer->kind) {
	case PEER_NFT_NETDEV:
		return ask_nft(peer, "nft list counter netdev bench dropped", failure, ret_packets);
	case PEER_NFT_TRACKED:
		return ask_nft(peer, "nft list counter inet bench dropped", failure, ret_packets);
	default:
		return ask_iptables(peer, traffic->family, failure, ret_packets);
	}
}

/* ---- as one who is measured ---- */

/* A connection is one once both sides were heard: the first packets, and an answer to each. */
static int establish(void *self, struct stand *stand, const struct traffic *traffic,
		     const struct generator_packet *packets, struct failure *failure)
{
	const struct peer *peer = self;
	struct stand_run run = {
		.direction = DIRECTION_IN,
		.program_fd = STAND_EMPTY,
		.place = peer->place,
		.repeat = traffic->packets,
	};
	uint32_t nanoseconds;
	int error;

	if (!traffic_passes(traffic))
		return 0;
	error = stand_run(stand, &run, failure, &nanoseconds);
	if (!error)
		error = replies_send(peer->place, traffic->family, packets, traffic->packets,
				     failure);
	return error;
}

static const char *refuses(void *self, const struct traffic *traffic)
{
	const struct peer *peer = self;

	if (peer->kind == PEER_NFT_TRACKED && traffic_passes(traffic) &&
	    traffic->packets > TRACKED_FLOWS_MAX)
		return "more connections than the kernel keeps by default";
	return NULL;
}

struct contender peer_contender(struct peer *peer, size_t prefixes)
{
	return (struct contender){
		.name = peer_name(peer->kind),
		.prefixes = prefixes,
		.place = peer->place,
		.program = contender_empty_program,
		.count = count_expected,
		.prepare = peer->kind == PEER_NFT_TRACKED ? establish : NULL,
		.refuses = refuses,
		.self = peer,
	};
}
