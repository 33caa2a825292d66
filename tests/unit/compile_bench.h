/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the compiler: makes policies, and answers each question twice, by a look-up through
 * the compiled tables as the programs in the kernel do it, and by reading the rules one after the
 * other.
 */
#ifndef SALLYPORT_COMPILE_BENCH_H
#define SALLYPORT_COMPILE_BENCH_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tables.h"

#define LENGTH(array)	  (sizeof(array) / sizeof((array)[0]))
#define MATCHES_OF_A_RULE 4096u /* a further match of that rule makes another rule of its name */

/* ------------------------------------------------------------ making policies ------------------
 */

struct bench {
	struct arena *arena;
	struct host_policy host;
	LIST(struct rule) rules;
	LIST(struct peer_role) peers;
	struct diagnostics *diagnostics;
	struct tables *tables;
};

static inline void bench_open(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->arena = arena_new();
	bench->diagnostics = diagnostics_new();
}

static inline void bench_close(struct bench *bench)
{
	tables_free(bench->tables);
	diagnostics_free(bench->diagnostics);
	arena_free(bench->arena);
}

static inline struct prefix_list *addresses(struct arena *arena, const char *text)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));
	char *words = arena_strdup(arena, text);
	char *rest = NULL;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		struct prefix prefix;

		if (!prefix_parse(word, &prefix))
			fail_msg("%s is no prefix", word);
		prefix_list_add(arena, list, &prefix);
	}
	return list;
}

/* "any", or "5060-5061 7000". */
static inline struct port_list ports(struct arena *arena, const char *text)
{
	struct port_list list = {0};

	if (!strcmp(text, "any")) {
		port_list_add(arena, &list, 0, 65535);
		return list;
	}
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		port_list_add(arena, &list, (uint16_t)first, (uint16_t)last);
		text = *end ? end + 1 : end;
	}
	return list;
}

static inline struct match *add_match(struct bench *bench, const char *id, enum direction direction)
{
	struct rule *rule = NULL;

	if (bench->rules.count)
		rule = &bench->rules.items[bench->rules.count - 1];
	if (!rule || strcmp(rule->id, id) || rule->match_count == MATCHES_OF_A_RULE) {
		rule = arena_push(bench->arena, &bench->rules);
		rule->id = arena_strdup(bench->arena, id);
		rule->direction = direction;
	}
	/* A power of two is full. */
	if (!(rule->match_count & (rule->match_count - 1))) {
		size_t room = rule->match_count ? rule->match_count * 2 : 1;
		struct match *grown = arena_alloc(bench->arena, room * sizeof(*grown));

		if (rule->match_count)
			memcpy(grown, rule->matches, rule->match_count * sizeof(*grown));
		rule->matches = grown;
	}
	return &rule->matches[rule->match_count++];
}

/* local NULL: management. */
static inline void permit(struct bench *bench, const char *id, enum direction direction,
			  uint8_t protocol, const char *local, const char *local_ports,
			  const char *remote, const char *remote_ports)
{
	*add_match(bench, id, direction) = (struct match){
		.protocol = protocol,
		.local_ports = ports(bench->arena, local_ports),
		.remote_ports = ports(bench->arena, remote_ports),
		.local = local ? addresses(bench->arena, local) : NULL,
		.remote = addresses(bench->arena, remote),
	};
}

static inline void own(struct bench *bench, const char *text, const char *floating)
{
	bench->host.own = *addresses(bench->arena, text);
	bench->host.floating = *addresses(bench->arena, floating);
}

static inline void role(struct bench *bench, const char *name, const char *text)
{
	*arena_push(bench->arena, &bench->peers) =
		(struct peer_role){arena_strdup(bench->arena, name), addresses(bench->arena, text)};
}

static inline int try_compile(struct bench *bench)
{
	bench->host.rules = bench->rules.items;
	bench->host.rule_count = bench->rules.count;
	bench->host.peers = bench->peers.items;
	bench->host.peer_count = bench->peers.count;
	return compile(&bench->host, bench->diagnostics, &bench->tables);
}

/* ------------------------------------------------------------ questions and two answers --------
 */

struct question {
	enum direction direction;
	uint8_t protocol;
	struct address local;
	struct address remote;
	uint16_t local_port;
	uint16_t remote_port;
};

struct answer {
	enum reason reason;
	uint16_t rule; /* index + 1 */
	uint16_t options;
	uint16_t role; /* of the remote address */
};

static inline bool is_group(const struct address *address)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (address->family == 6)
		return address->bytes[0] == 0xff;
	return address->bytes[0] >> 4 == 0xe || !memcmp(address->bytes, broadcast, 4);
}

static inline uint16_t port_class(const struct tables *tables, bool used, enum port_side side,
				  uint8_t protocol, uint16_t port)
{
	if (!used)
		return 0;
	list_for_each (entry, &tables->ports) {
		if (entry->side == side && entry->protocol == protocol && entry->first <= port &&
		    port <= entry->last)
			return entry->class_id;
	}
	return 0;
}

/* Longest match, by looking at every entry. */
static inline struct address_entry address_entry(const struct tables *tables,
						 const struct address *address)
{
	struct address_entry best = {0};
	bool found = false;

	if (address->family == 4) {
		list_for_each (entry, &tables->ipv4) {
			if (prefix_contains(&entry->prefix, address) &&
			    (!found || entry->prefix.length >= best.prefix.length)) {
				best = *entry;
				found = true;
			}
		}
		return best;
	}
	list_for_each (entry, &tables->ipv6) {
		if (prefix_contains(&entry->prefix, address) &&
		    (!found || entry->prefix.length >= best.prefix.length)) {
			best = *entry;
			found = true;
		}
	}
	return best;
}

static inline uint16_t cell(const struct grid *grid, uint32_t row, uint32_t column)
{
	assert_in_range(row, 0, grid->rows - 1);
	assert_in_range(column, 0, grid->columns - 1);
	return grid->cells[(size_t)row * grid->columns + column];
}

static inline uint16_t local_class(const struct tables *tables, enum direction direction,
				   const struct address *address)
{
	uint16_t class_id = address_entry(tables, address).class_id;

	if (class_id >= LOCAL_CLASS_FIRST && class_id < tables->near[direction].columns)
		return class_id;
	return is_group(address) ? LOCAL_CLASS_GROUP : LOCAL_CLASS_OTHER;
}

static inline struct answer answer_of_tables(const struct tables *tables,
					     const struct question *question)
{
	enum direction direction = question->direction;
	bool in = direction == DIRECTION_IN;
	struct address_entry peer = address_entry(tables, &question->remote);
	struct answer answer = {.role = peer.role};
	uint16_t local_port = port_class(tables, tables->local_port_used[direction],
					 in ? PORT_IN_LOCAL : PORT_OUT_LOCAL, question->protocol,
					 question->local_port);
	uint16_t remote_port = port_class(tables, tables->remote_port_used[direction],
					  in ? PORT_IN_REMOTE : PORT_OUT_REMOTE, question->protocol,
					  question->remote_port);
	uint16_t near;
	uint16_t far;

	near = cell(&tables->near[direction], local_port,
		    local_class(tables, direction, &question->local));
	far = cell(&tables->far[direction], remote_port, peer.class_id);
	answer.rule = cell(&tables->decisions[direction], near, far);
	answer.options = answer.rule & RULE_OPTIONS_MASK;
	answer.rule &= RULE_SLOT_MASK;
	if (!(in ? local_port : remote_port))
		answer.reason = REASON_CLOSED_PORT;
	else if (in && peer.own)
		answer.reason = REASON_SPOOFED;
	else if (answer.rule)
		answer.reason = REASON_RULE;
	else if (!(in ? peer.peer_of_in : peer.peer_of_out))
		answer.reason = REASON_UNKNOWN_PEER;
	else
		answer.reason = in && !near ? REASON_WRONG_ADDRESS : REASON_WRONG_PORT;
	if (answer.reason != REASON_RULE)
		answer.rule = answer.options = 0;
	return answer;
}

/* What the rules say, read one by one. */
struct reading {
	bool service_port;
	bool near;
	bool peer;
	uint16_t rule; /* with the fewest options; of equals, the first */
	unsigned options;
};

static inline struct reading read_rules(const struct host_policy *host,
					const struct question *question, bool remote_is_ours)
{
	struct reading reading = {0};

	for (size_t i = 0; i < host->rule_count; i++) {
		const struct rule *rule = &host->rules[i];

		if (rule->direction != question->direction)
			continue;
		for (size_t j = 0; j < rule->match_count; j++) {
			const struct match *match = &rule->matches[j];
			bool protocol = match->protocol == question->protocol;
			bool local_port =
				port_list_contains(&match->local_ports, question->local_port);
			bool remote_port =
				port_list_contains(&match->remote_ports, question->remote_port);
			bool local = match->local
					     ? prefix_list_contains(match->local, &question->local)
					     : !is_group(&question->local);
			bool remote = !remote_is_ours &&
				      prefix_list_contains(match->remote, &question->remote);
			bool in = rule->direction == DIRECTION_IN;

			reading.service_port |= protocol && (in ? local_port : remote_port);
			reading.near |= protocol && local_port && local;
			reading.peer |= remote;
			if (!protocol || !local_port || !remote_port || !local || !remote ||
			    (reading.rule && __builtin_popcount(match->options) >=
						     __builtin_popcount(reading.options)))
				continue;
			reading.rule = (uint16_t)(i + 1);
			reading.options = match->options;
		}
	}
	return reading;
}

static const char *role_of(const struct host_policy *host, const struct address *address)
{
	for (size_t i = 0; i < host->peer_count; i++) {
		if (prefix_list_contains(host->peers[i].addresses, address))
			return host->peers[i].role;
	}
	return "";
}

static inline enum reason reason_of_rules(const struct host_policy *host,
					  const struct question *question, uint16_t *ret_rule,
					  unsigned *ret_options)
{
	bool floating = prefix_list_contains(&host->floating, &question->remote);
	bool ours = floating || prefix_list_contains(&host->own, &question->remote);
	struct reading reading = read_rules(host, question, ours);

	*ret_rule = 0;
	*ret_options = 0;
	if (!reading.service_port)
		return REASON_CLOSED_PORT;
	if (question->direction == DIRECTION_IN && ours && !floating)
		return REASON_SPOOFED;
	*ret_rule = reading.rule;
	*ret_options = reading.options;
	if (reading.rule)
		return REASON_RULE;
	if (!reading.peer)
		return REASON_UNKNOWN_PEER;
	if (question->direction == DIRECTION_IN && !reading.near)
		return REASON_WRONG_ADDRESS;
	return REASON_WRONG_PORT;
}

static const char *reason_word(enum reason reason)
{
	static const char *const words[] = {
#define X(symbol, word, verdict, meaning) [REASON_##symbol] = word,
		SALLYPORT_REASONS(X)
#undef X
	};

	return words[reason];
}

/* Both answers must agree; returns the reason. */
static inline enum reason ask(const struct bench *bench, const struct question *question)
{
	const struct tables *tables = bench->tables;
	struct answer answer = answer_of_tables(tables, question);
	const char *label = answer.role ? tables->roles[answer.role - 1] : "";
	const char *expected_label = role_of(&bench->host, &question->remote);
	char local[ADDRESS_TEXT_MAX];
	char remote[ADDRESS_TEXT_MAX];
	uint16_t rule;
	unsigned options;
	enum reason reason = reason_of_rules(&bench->host, question, &rule, &options);

	if (answer.reason == reason && answer.rule == rule && answer.options == options &&
	    !strcmp(label, expected_label))
		return reason;
	tables_print(tables, stderr);
	fail_msg("%s protocol %u local %s %u remote %s %u: tables say %s, rule %u, role '%s'; "
		 "rules say %s, rule %u, role '%s'",
		 question->direction == DIRECTION_IN ? "in" : "out", question->protocol,
		 address_format(&question->local, local), question->local_port,
		 address_format(&question->remote, remote), question->remote_port,
		 reason_word(answer.reason), answer.rule, label, reason_word(reason), rule,
		 expected_label);
	return REASON_NONE;
}

/* rule NULL: none. */
static inline void expect(const struct bench *bench, enum direction direction, uint8_t protocol,
			  const char *local, uint16_t local_port, const char *remote,
			  uint16_t remote_port, enum reason reason, const char *rule)
{
	struct question question = {
		.direction = direction,
		.protocol = protocol,
		.local_port = local_port,
		.remote_port = remote_port,
	};
	struct answer answer;

	assert_true(address_parse(local, &question.local));
	assert_true(address_parse(remote, &question.remote));
	ask(bench, &question);
	answer = answer_of_tables(bench->tables, &question);
	assert_string_equal(reason_word(answer.reason), reason_word(reason));
	if (rule) {
		assert_int_not_equal(answer.rule, 0);
		assert_string_equal(bench->tables->rules[answer.rule - 1].id, rule);
	}
}

/* ------------------------------------------------------------ what every table must keep -------
 */

static inline void check_entries(const struct address_entry *entries, size_t count,
				 const struct tables *tables)
{
	for (size_t i = 0; i < count; i++) {
		const struct address_entry *entry = &entries[i];
		struct address_entry around = {0};

		for (size_t j = 0; j < i; j++) {
			if (prefix_covers(&entries[j].prefix, &entry->prefix))
				around = entries[j];
		}
		assert_true(!i || prefix_compare(&entries[i - 1].prefix, &entry->prefix) < 0);
		assert_false(around.class_id == entry->class_id && around.own == entry->own &&
			     around.role == entry->role && around.peer_of_in == entry->peer_of_in &&
			     around.peer_of_out == entry->peer_of_out);
		assert_in_range(entry->class_id, 0, tables->far[DIRECTION_IN].columns - 1);
		assert_in_range(entry->role, 0, tables->role_count);
		assert_int_not_equal(entry->class_id, LOCAL_CLASS_GROUP);
	}
}

static inline void check_ports(const struct tables *tables)
{
	for (size_t i = 0; i < tables->ports.count; i++) {
		const struct port_entry *entry = &tables->ports.items[i];
		const struct port_entry *before = entry - 1;

		assert_int_not_equal(entry->class_id, 0);
		assert_true(entry->first <= entry->last);
		if (!i || before->side < entry->side)
			continue;
		assert_int_equal(before->side, entry->side);
		if (before->protocol < entry->protocol)
			continue;
		assert_int_equal(before->protocol, entry->protocol);
		assert_true(before->last < entry->first);
		assert_false(before->last + 1 == entry->first &&
			     before->class_id == entry->class_id);
	}
}

static inline void check_shape(const struct tables *tables)
{
	check_entries(tables->ipv4.items, tables->ipv4.count, tables);
	check_entries(tables->ipv6.items, tables->ipv6.count, tables);
	check_ports(tables);
	assert_true(tables->local_port_used[DIRECTION_IN]);
	assert_true(tables->remote_port_used[DIRECTION_OUT]);
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		const struct grid *decisions = &tables->decisions[i];

		for (uint32_t row = 0; row < decisions->rows; row++)
			assert_int_equal(cell(decisions, row, 0), 0);
		for (uint32_t column = 0; column < decisions->columns; column++)
			assert_int_equal(cell(decisions, 0, column), 0);
		for (uint32_t row = 0; row < tables->far[i].rows; row++)
			assert_int_equal(cell(&tables->far[i], row, 0), 0);
		for (uint32_t row = 0; row < tables->near[i].rows; row++)
			assert_int_equal(cell(&tables->near[i], row, LOCAL_CLASS_GROUP), 0);
	}
}

static inline void compile_well(struct bench *bench)
{
	if (try_compile(bench)) {
		diagnostics_print(bench->diagnostics, stderr, false);
		fail_msg("the policy does not compile");
	}
	check_shape(bench->tables);
}

#endif
