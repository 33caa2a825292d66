/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the model share: a policy with documentation addresses, and scenarios. A
 * scenario is a list of packet lines, judged in order by one model, each with what
 * docs/packet-path.md says of it.
 */
#ifndef SALLYPORT_MODEL_STEPS_H
#define SALLYPORT_MODEL_STEPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka.h, which has a macro of the name fail. */
#include "frame.h"
#include "judge.h"
#include "packet_line.h"
#include "words.h"

#include <cmocka.h>

/* In the lists of steps, what is left out is none or false. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* ------------------------------------------------------------ the policy ------------------------
 */

static inline struct prefix_list *prefixes(struct arena *arena, const char *text)
{
	struct prefix_list *list = arena_alloc(arena, sizeof(*list));
	char *words = arena_strdup(arena, text);
	struct prefix prefix;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		assert_true(prefix_parse(word, &prefix));
		prefix_list_add(arena, list, &prefix);
	}
	return list;
}

static inline struct port_list ports(struct arena *arena, uint16_t first, uint16_t last)
{
	struct port_list list = {0};

	port_list_add(arena, &list, first, last);
	return list;
}

struct row {
	const char *id;
	enum direction direction;
	uint8_t protocol;
	uint16_t first, last;		  /* service */
	uint16_t other_first, other_last; /* the opener's ports */
	const char *local;		  /* NULL: every unicast address */
	const char *remote;
};

#define OWN   "192.0.2.1 2001:db8::1"
#define PEERS "198.51.100.0/24 2001:db8:1::/48"
#define ANY   0, 65535
#define IN    DIRECTION_IN
#define OUT   DIRECTION_OUT

static const struct row rows[] = {
	{"management/1", IN, 6, 22, 22, ANY, NULL, "203.0.113.0/28"},
	{"t/sip", IN, 17, 5060, 5060, ANY, OWN, PEERS},
	{"t/sip-tcp", IN, 6, 5060, 5060, ANY, OWN, PEERS},
	{"t/rtp", IN, 17, 30000, 30010, 16384, 32767, "192.0.2.1", "198.51.100.64/26"},
	{"t/echo", IN, 1, 0x0800, 0x0800, ANY, OWN, PEERS},
	{"t/echo6", IN, 58, 0x8000, 0x8000, ANY, OWN, PEERS},
	{"t/esp", IN, 50, 0, 0, ANY, OWN, "198.51.100.9"},
	{"t/vrrp", IN, 112, 0, 0, ANY, "224.0.0.18", PEERS},
	{"t/web", OUT, 6, 443, 443, ANY, OWN, PEERS},
	{"t/dns", OUT, 17, 53, 53, ANY, OWN, "203.0.113.53"},
	{"t/pinned", OUT, 6, 8443, 8443, 5000, 5000, OWN, "198.51.100.7"},
	{"t/ping", OUT, 1, 0x0800, 0x0800, ANY, OWN, PEERS},
	{"t/ping6", OUT, 58, 0x8000, 0x8000, ANY, OWN, PEERS},
	{"t/ah", OUT, 51, 0, 0, ANY, OWN, "198.51.100.9"},
	{"t/sctp", OUT, 132, 36412, 36412, ANY, OWN, PEERS},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static inline void add_rule(struct arena *arena, struct host_policy *policy, const struct row *row)
{
	struct rule *rule = &policy->rules[policy->rule_count++];
	struct match *match = arena_alloc(arena, sizeof(*match));
	struct port_list service = ports(arena, row->first, row->last);
	struct port_list other = ports(arena, row->other_first, row->other_last);
	bool in = row->direction == DIRECTION_IN;

	*match = (struct match){
		.protocol = row->protocol,
		.local_ports = in ? service : other,
		.remote_ports = in ? other : service,
		.local = row->local ? prefixes(arena, row->local) : NULL,
		.remote = prefixes(arena, row->remote),
	};
	*rule = (struct rule){
		.id = row->id, .direction = row->direction, .matches = match, .match_count = 1};
}

/* Without the rules whose id is without. */
static inline struct host_policy *policy_without(struct arena *arena, const char *without)
{
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));

	*policy = (struct host_policy){
		.site = "test",
		.own = *prefixes(arena, OWN),
		.floating = *prefixes(arena, "192.0.2.10"),
		.mode = {MODE_ENFORCE, MODE_ENFORCE},
		.link = link_settings_default(),
		.flows = 100,
		.fragments = 100,
		.icmp_errors_per_second = 100,
		.timeout_ms = {30000, 7200000, 30000, 30000, 120000, 10000},
		.fragment_timeout_ms = 2000,
	};
	policy->rules = arena_alloc(arena, ROWS * sizeof(*policy->rules));
	for (size_t i = 0; i < ROWS; i++)
		if (!without || strcmp(rows[i].id, without) != 0)
			add_rule(arena, policy, &rows[i]);
	return policy;
}

/* ------------------------------------------------------------ scenarios -------------------------
 */

struct step {
	const char *line;
	enum reason reason; /* judged: as include/reasons.h says, unless would says so */
	const char *rule;   /* NULL: none */
	bool lets_pass;	    /* it passes though the reason is a drop's: audit */
};

static inline void run_step(struct judge *judge, const struct step *step, size_t number)
{
	struct packet_line line;
	struct failure failure = {0};
	struct judgement judgement;
	enum verdict judged = reason_verdict(step->reason);

	if (packet_line_parse(step->line, strlen(step->line), NULL, &line, &failure))
		fail_msg("step %zu: %s: %s", number, step->line, failure.message);
	assert_int_equal(judge->judge(judge, line.direction, line.frame, line.frame_length,
				      line.at_ms, &judgement),
			 0);
	packet_line_clear(&line);
	if (judgement.reason != step->reason || judgement.judged != judged ||
	    judgement.verdict != (step->lets_pass ? VERDICT_PASS : judged) ||
	    strcmp(judgement.rule ? judgement.rule->id : "", step->rule ? step->rule : "") != 0)
		fail_msg("step %zu: %s\n  got %s, judged %s, %s, rule %s\n  expected %s, rule %s",
			 number, step->line, verdict_name(judgement.verdict),
			 verdict_name(judgement.judged), reason_name(judgement.reason),
			 judgement.rule ? judgement.rule->id : "none", reason_name(step->reason),
			 step->rule ? step->rule : "none");
}

static inline void run_steps(struct judge *judge, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_step(judge, &steps[i], i + 1);
}

static inline void run_policy(const struct host_policy *policy, const struct step *steps,
			      size_t count)
{
	struct judge *judge;

	assert_int_equal(model_new(policy, &judge), 0);
	run_steps(judge, steps, count);
	judge->free(judge);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define RUN(change, ...)                                                                           \
	do {                                                                                       \
		static const struct step steps_[] = {__VA_ARGS__};                                 \
		struct arena *arena_ = arena_new();                                                \
		struct host_policy *policy = policy_without(arena_, NULL);                         \
		change;                                                                            \
		run_policy(policy, steps_, COUNT(steps_));                                         \
		arena_free(arena_);                                                                \
	} while (0)

#define UNCHANGED (void)policy

/* Ends of packets, to keep lines short: P is a peer, H is this host. */
#define FROM(s, d)     "\"source\":\"" s "\",\"destination\":\"" d "\""
#define P_H	       FROM("198.51.100.70", "192.0.2.1")
#define H_P	       FROM("192.0.2.1", "198.51.100.70")
#define P6_H6	       FROM("2001:db8:1::5", "2001:db8::1")
#define H6_P6	       FROM("2001:db8::1", "2001:db8:1::5")
#define PORTS(s, d)    ",\"source_port\":" #s ",\"destination_port\":" #d
#define ARRIVES(rest)  "{\"direction\":\"in\"," rest "}"
#define LEAVES(rest)   "{\"direction\":\"out\"," rest "}"
#define TCP	       "\"l4\":\"tcp\","
#define UDP	       "\"l4\":\"udp\","
#define ICMP	       "\"l4\":\"icmp\","
#define FLAGS(f)       ",\"tcp_flags\":\"" f "\""
#define TYPE(t)	       ",\"icmp_type\":" #t
#define AT(ms)	       ",\"at_ms\":" #ms
#define PART(i, o, m)  ",\"fragment\":{\"id\":" #i ",\"offset\":" #o ",\"more\":" m "}"
#define MORE	       "true"
#define LAST	       "false"
#define PAYLOAD(hex)   ",\"payload\":\"" hex "\""
#define FRAME(d, hex)  "{\"direction\":\"" d "\",\"frame\":\"" hex "\"}"
#define ETHERNET(type) "020000000002020000000001" type

#endif
