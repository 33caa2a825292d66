/* SPDX-License-Identifier: BSD-2-Clause */
#include "variants.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target.h"

#define PREFIXES 50u
#define FLOWS	 (1u << 10)
/* Half of the in rules are UDP's. */
#define PORTS (BENCH_IN_RULES / 2 * BENCH_RULE_PORTS)

/* ---- the sockets of the calls ---- */

struct sockets {
	int fds[2 * PORTS];
	size_t count;
};

static int bind_one(struct sockets *sockets, const struct address *local, uint16_t port)
{
	struct sockaddr_in name4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 name6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const bool v6 = local->family == 6;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	sockets->fds[sockets->count++] = fd;
	memcpy(&name4.sin_addr, local->bytes, sizeof(name4.sin_addr));
	memcpy(&name6.sin6_addr, local->bytes, sizeof(name6.sin6_addr));
	if (bind(fd, v6 ? (struct sockaddr *)&name6 : (struct sockaddr *)&name4,
		 v6 ? sizeof(name6) : sizeof(name4)))
		return -errno;
	return 0;
}

static int open_sockets(struct sockets *sockets, struct failure *failure)
{
	struct rlimit limit = {4 * PORTS, 4 * PORTS};
	int error = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return fail(failure, errno, "setrlimit: %s", strerror(errno));
	for (int f = 0; !error && f < 2; f++)
		for (unsigned i = 0; !error && i < BENCH_IN_RULES * BENCH_RULE_PORTS; i++) {
			struct address local;

			if (bench_protocol_of_rule(i / BENCH_RULE_PORTS) != IPPROTO_UDP)
				continue;
			address_parse(bench_own_address[f], &local);
			error = bind_one(sockets, &local, (uint16_t)(BENCH_RULE_PORT_FIRST + i));
		}
	if (error)
		return fail(failure, -error, "no socket for a call: %s", strerror(-error));
	return 0;
}

static void close_sockets(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++)
		close(sockets->fds[i]);
	sockets->count = 0;
}

/* ---- the policies ---- */

const char *const variant_names[VARIANTS] = {
	[VARIANT_PLAIN] = "flat",
	[VARIANT_IPV4] = "flat, IPv4 alone",
	[VARIANT_REMOTE_PORTS] = "flat, remote ports",
	[VARIANT_MEDIA] = "flat, live and shape",
};

/* What peers send from: every ephemeral port, and not every port. */
#define REMOTE_PORT_FIRST 1024u
#define REMOTE_PORT_LAST  65535u

static void change_rule(struct arena *arena, enum variant variant, const struct prefix_list *own,
			struct rule *rule)
{
	for (size_t m = 0; m < rule->match_count; m++) {
		struct match *match = &rule->matches[m];

		match->local = own;
		if (rule->direction != DIRECTION_IN)
			continue;
		if (variant == VARIANT_REMOTE_PORTS) {
			match->remote_ports = (struct port_list){0};
			port_list_add(arena, &match->remote_ports, REMOTE_PORT_FIRST,
				      REMOTE_PORT_LAST);
		}
		if (variant == VARIANT_MEDIA && match->protocol == IPPROTO_UDP)
			rule->options = match->options = RULE_LIVE | RULE_SHAPE_RTP;
	}
}

static struct host_policy *make_policy(struct arena *arena, const struct population *population,
				       enum variant variant)
{
	const size_t prefixes[2] = {PREFIXES, variant == VARIANT_IPV4 ? 0 : PREFIXES};
	struct host_policy *policy = bench_policy(arena, population, prefixes);

	/* IPv4 comes first. */
	if (variant == VARIANT_IPV4)
		policy->own.count = 1;
	for (size_t i = 0; i < policy->rule_count; i++)
		change_rule(arena, variant, &policy->own, &policy->rules[i]);
	return policy;
}

/* ---- measuring ---- */

static int load_all(const struct series *series, struct arena *arena, struct target *targets,
		    struct failure *failure)
{
	int error = 0;

	for (int variant = 0; !error && variant < VARIANTS; variant++) {
		cleanup(diagnostics_freep) struct diagnostics *diagnostics = diagnostics_new();
		cleanup(tables_freep) struct tables *tables = NULL;
		const struct host_policy *policy = make_policy(arena, series->population, variant);

		error = compile(policy, diagnostics, &tables);
		if (error)
			return fail(failure, -error, "the policy \"%s\" does not compile",
				    variant_names[variant]);
		error = target_load(&targets[variant], policy, tables, LOOKUP_FLAT, failure);
	}
	return error;
}

static const char *refuse_ipv6(void *self, const struct traffic *traffic)
{
	return traffic->family == 6 ? "it has no IPv6" : NULL;
}

static int measure_all(const struct series *series, struct target *targets, struct results *results,
		       struct failure *failure)
{
	static const size_t sizes[] = {PREFIXES};
	struct contender contenders[1 + VARIANTS] = {
		{.name = "XDP floor", .program = contender_empty_program}};
	struct series own = *series;
	int error = 0;

	for (int variant = 0; variant < VARIANTS; variant++) {
		contenders[1 + variant] = target_contender(&targets[variant], PREFIXES, NULL);
		contenders[1 + variant].name = variant_names[variant];
	}
	contenders[1 + VARIANT_IPV4].refuses = refuse_ipv6;
	own.contenders = contenders;
	own.contender_count = 1 + VARIANTS;
	own.sizes = sizes;
	own.size_count = 1;
	for (uint8_t family = 4; !error && family <= 6; family += 2) {
		const struct traffic traffic = {
			.name = "calls",
			.kind = TRAFFIC_MEDIA,
			.direction = DIRECTION_IN,
			.family = family,
			.packets = FLOWS,
		};

		error = series_measure(&own, &traffic, results, failure);
	}
	return error;
}

/* The programs ask for sockets of the namespace that they are run in. */
int variants_measure(const struct series *series, struct results *results, struct failure *failure)
{
	cleanup(arena_freep) struct arena *arena = arena_new();
	struct namespace *place = NULL;
	struct sockets sockets = {.count = 0};
	struct target targets[VARIANTS] = {0};
	int error = namespace_new(bench_own_address, failure, &place);

	if (!error)
		error = load_all(series, arena, targets, failure);
	if (!error)
		error = namespace_enter(place, failure);
	if (!error) {
		error = open_sockets(&sockets, failure);
		if (!error)
			error = measure_all(series, targets, results, failure);
		namespace_leave(place);
	}
	close_sockets(&sockets);
	for (int variant = 0; variant < VARIANTS; variant++)
		target_unload(&targets[variant]);
	namespace_free(place);
	return error;
}
