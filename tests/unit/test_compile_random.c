/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables against rules: random host policies and random packets around the edges of their rules. */
#include <time.h>

#include "compile_bench.h"

#define RANDOM_POLICIES	 400
#define RANDOM_QUESTIONS 500

static uint64_t random_next(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static unsigned below(uint64_t *state, unsigned limit)
{
	return (unsigned)(random_next(state) % limit);
}

/* Few bits vary, so that prefixes meet each other. */
static struct address random_address(uint64_t *state)
{
	struct address address = {.family = 4, .bytes = {10}};

	if (below(state, 2)) {
		address = (struct address){.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
		address.bytes[7] = (uint8_t)below(state, 2);
		address.bytes[15] = (uint8_t)below(state, 16);
	} else {
		address.bytes[2] = (uint8_t)below(state, 2);
		address.bytes[3] = (uint8_t)below(state, 16);
	}
	if (!below(state, 12))
		address.bytes[0] = address.family == 4 ? 239 : 0xff;
	return address;
}

static struct prefix random_prefix(uint64_t *state)
{
	static const uint8_t lengths4[] = {0, 1, 7, 8, 9, 23, 24, 28, 29, 30, 31, 32, 32};
	static const uint8_t lengths6[] = {0, 1, 32, 63, 64, 65, 124, 125, 126, 127, 128, 128};
	struct address address = random_address(state);
	struct prefix prefix = prefix_of_address(&address);

	prefix.length = address.family == 4 ? lengths4[below(state, LENGTH(lengths4))]
					    : lengths6[below(state, LENGTH(lengths6))];
	for (unsigned bit = prefix.length; bit < address_bits(&address); bit++)
		prefix.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return prefix;
}

static struct prefix_list *random_prefixes(struct bench *bench, uint64_t *state)
{
	struct prefix_list *list = arena_alloc(bench->arena, sizeof(*list));
	unsigned count = below(state, 6);

	if (!below(state, 8))
		return addresses(bench->arena, "0.0.0.0/0 ::/0");
	for (unsigned i = 0; i <= count; i++) {
		struct prefix prefix = random_prefix(state);

		prefix_list_add(bench->arena, list, &prefix);
	}
	if (below(state, 2))
		prefix_list_normalize(list);
	return list;
}

static struct prefix_list random_singles(struct bench *bench, uint64_t *state, unsigned most)
{
	struct prefix_list list = {0};
	unsigned count = below(state, most + 1);

	for (unsigned i = 0; i < count; i++) {
		struct address address = random_address(state);
		struct prefix prefix = prefix_of_address(&address);

		if (!is_group(&address))
			prefix_list_add(bench->arena, &list, &prefix);
	}
	return list;
}

/* Some of this host's addresses; seldom a multicast address or a whole prefix as well. */
static const struct prefix_list *random_local(struct bench *bench, uint64_t *state)
{
	struct prefix_list *list = arena_alloc(bench->arena, sizeof(*list));

	if (!below(state, 5))
		return NULL;
	if (below(state, 3))
		return &bench->host.own;
	list_for_each (prefix, &bench->host.own) {
		if (below(state, 2))
			prefix_list_add(bench->arena, list, prefix);
	}
	list_for_each (prefix, &bench->host.floating) {
		if (below(state, 2))
			prefix_list_add(bench->arena, list, prefix);
	}
	if (!below(state, 6)) {
		struct prefix prefix = random_prefix(state);

		prefix_list_add(bench->arena, list, &prefix);
	}
	return list;
}

static uint16_t random_port(uint64_t *state)
{
	static const uint16_t bases[] = {0, 80, 443, 1000, 5060, 10000, 30000, 65531};

	return (uint16_t)(bases[below(state, LENGTH(bases))] + below(state, 5));
}

static struct port_list random_ports(struct bench *bench, uint64_t *state, unsigned any)
{
	struct port_list list = {0};
	unsigned count = below(state, 3);

	if (below(state, 10) < any)
		return ports(bench->arena, "any");
	for (unsigned i = 0; i <= count; i++) {
		uint16_t first = random_port(state);
		uint16_t last = below(state, 2) ? first : random_port(state);

		if (first <= last)
			port_list_add(bench->arena, &list, first, last);
		else
			port_list_add(bench->arena, &list, last, first);
	}
	if (below(state, 2))
		port_list_normalize(&list);
	return list;
}

static const uint8_t protocols[] = {IPPROTO_TCP,  IPPROTO_TCP,	IPPROTO_UDP,	IPPROTO_UDP,
				    IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_ESP};

static uint16_t only_service(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP	    ? ICMP4_ECHO_SERVICE
	       : protocol == IPPROTO_ICMPV6 ? ICMP6_ECHO_SERVICE
					    : 0;
}

static void random_match(struct bench *bench, uint64_t *state, unsigned source_any,
			 enum direction direction, struct match *match)
{
	struct port_list *service =
		direction == DIRECTION_IN ? &match->local_ports : &match->remote_ports;
	struct port_list *source =
		direction == DIRECTION_IN ? &match->remote_ports : &match->local_ports;

	match->protocol = protocols[below(state, LENGTH(protocols))];
	match->local = random_local(bench, state);
	if (protocol_has_ports(match->protocol)) {
		*service = random_ports(bench, state, 1);
		*source = random_ports(bench, state, source_any);
	} else {
		uint16_t port = only_service(match->protocol);

		port_list_add(bench->arena, service, port, port);
		*source = ports(bench->arena, below(state, 2) ? "any" : "0");
	}
}

static void random_policy(struct bench *bench, uint64_t *state)
{
	const struct prefix_list *shared[4];
	unsigned source_any = below(state, 2) ? 10 : 6;
	unsigned rules = below(state, 14);
	unsigned peers = below(state, 4);

	bench->host.own = random_singles(bench, state, 5);
	bench->host.floating = random_singles(bench, state, 2);
	for (size_t i = 0; i < LENGTH(shared); i++)
		shared[i] = random_prefixes(bench, state);
	for (unsigned i = 0; i < rules; i++) {
		char *id = arena_printf(bench->arena, "rule-%u", i);
		enum direction direction = below(state, 2) ? DIRECTION_IN : DIRECTION_OUT;
		unsigned matches = below(state, 3);

		for (unsigned j = 0; j <= matches; j++) {
			struct match *match = add_match(bench, id, direction);

			random_match(bench, state, source_any, direction, match);
			if (direction == DIRECTION_IN && below(state, 2))
				match->options = (1 + below(state, 7)) * RULE_LIVE;
			match->remote = below(state, 2) ? shared[below(state, LENGTH(shared))]
							: random_prefixes(bench, state);
		}
	}
	for (unsigned i = 0; i < peers; i++)
		*arena_push(bench->arena, &bench->peers) = (struct peer_role){
			arena_printf(bench->arena, "role-%u", below(state, 3)),
			below(state, 2) ? shared[below(state, LENGTH(shared))]
					: random_prefixes(bench, state),
		};
}

/* An edge of one of the prefixes, or its neighbour outside, or something inside. */
static struct address near_address(uint64_t *state, const struct prefix_list *list)
{
	struct prefix prefix;
	struct address address;
	unsigned kind = below(state, 5);

	if (!list || !list->count || !below(state, 4))
		return random_address(state);
	prefix = list->items[below(state, (unsigned)list->count)];
	address = prefix.address;
	for (unsigned bit = prefix.length; bit < address_bits(&address); bit++) {
		if (kind == 1 || kind == 3 || (kind == 4 && below(state, 2)))
			address.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	}
	for (unsigned i = address_bits(&address) / 8; kind == 2 && i-- > 0;) {
		if (address.bytes[i]--)
			break;
	}
	for (unsigned i = address_bits(&address) / 8; kind == 3 && i-- > 0;) {
		if (++address.bytes[i])
			break;
	}
	return address;
}

static uint16_t near_port(uint64_t *state, const struct port_list *list)
{
	const struct port_range *range;

	if (!list->count || !below(state, 6))
		return random_port(state);
	range = &list->items[below(state, (unsigned)list->count)];
	switch (below(state, 8)) {
	case 0:
		return (uint16_t)(range->first - 1);
	case 1:
		return (uint16_t)(range->last + 1);
	case 2:
		return (uint16_t)(range->first +
				  below(state, (unsigned)range->last - range->first + 1u));
	default:
		return below(state, 2) ? range->first : range->last;
	}
}

static struct question random_question(const struct bench *bench, uint64_t *state)
{
	struct question question = {
		.direction = below(state, 2) ? DIRECTION_IN : DIRECTION_OUT,
		.protocol = protocols[below(state, LENGTH(protocols))],
		.local = near_address(state, &bench->host.own),
		.remote = near_address(state,
				       below(state, 8) ? &bench->host.floating : &bench->host.own),
		.local_port = random_port(state),
		.remote_port = random_port(state),
	};

	if (bench->rules.count && below(state, 10)) {
		const struct rule *rule =
			&bench->rules.items[below(state, (unsigned)bench->rules.count)];
		const struct match *match =
			&rule->matches[below(state, (unsigned)rule->match_count)];

		question.direction = rule->direction;
		if (below(state, 10))
			question.protocol = match->protocol;
		question.local_port = near_port(state, &match->local_ports);
		question.remote_port = near_port(state, &match->remote_ports);
		if (match->local && below(state, 8))
			question.local = near_address(state, match->local);
		if (below(state, 8))
			question.remote = near_address(state, match->remote);
	}
	if (!protocol_has_ports(question.protocol)) {
		uint16_t port = below(state, 8) ? only_service(question.protocol) : 0x0d00;

		question.local_port = question.direction == DIRECTION_IN ? port : 0;
		question.remote_port = question.direction == DIRECTION_IN ? 0 : port;
	}
	return question;
}

static char *dump(const struct tables *tables)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	tables_print(tables, out);
	fclose(out);
	return text;
}

/* The same policy from another place in memory prints the same. */
static void check_deterministic(const struct bench *bench, uint64_t seed)
{
	struct bench again;
	char *first = dump(bench->tables);
	char *second;

	bench_open(&again);
	/* Something else first, so that addresses of lists are not those of the first run. */
	arena_alloc(again.arena, 100);
	random_policy(&again, &seed);
	compile_well(&again);
	second = dump(again.tables);
	assert_string_equal(first, second);
	free(first);
	free(second);
	bench_close(&again);
}

static uint64_t chosen_seed(void)
{
	const char *text = getenv("SALLYPORT_TEST_SEED");
	uint64_t seed = (uint64_t)time(NULL);

	if (text)
		seed = strtoull(text, NULL, 0);
	print_message("random policies: SALLYPORT_TEST_SEED=%llu repeats this run\n",
		      (unsigned long long)seed);
	return seed;
}

static void test_random_policies(void **state)
{
	static const enum reason expected[] = {REASON_CLOSED_PORT,   REASON_SPOOFED,
					       REASON_RULE,	     REASON_UNKNOWN_PEER,
					       REASON_WRONG_ADDRESS, REASON_WRONG_PORT};
	size_t seen[REASON_COUNT] = {0};
	uint64_t seed = chosen_seed();

	for (int i = 0; i < RANDOM_POLICIES; i++) {
		uint64_t policy_seed = random_next(&seed);
		uint64_t random = policy_seed;
		struct bench bench;

		bench_open(&bench);
		random_policy(&bench, &random);
		compile_well(&bench);
		for (int j = 0; j < RANDOM_QUESTIONS; j++) {
			struct question question = random_question(&bench, &random);

			seen[ask(&bench, &question)]++;
		}
		check_deterministic(&bench, policy_seed);
		bench_close(&bench);
	}
	/* A run that never gets to an answer proves nothing about it. */
	for (size_t i = 0; i < LENGTH(expected); i++) {
		print_message("  %s %zu\n", reason_word(expected[i]), seen[expected[i]]);
		assert_true(seen[expected[i]] > RANDOM_POLICIES * RANDOM_QUESTIONS / 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
