/* SPDX-License-Identifier: BSD-2-Clause */
#include "../include/bounds.h"
#include "rule_options.h"

#include <netinet/in.h>
#include <string.h>

/* A whole address: the prefix of a source where the file says none. */
enum { IPV4_BITS = 32, IPV6_BITS = 128, IPV6_BITS_DEFAULT = 64 };

/* ------------------------------------------------------------ reading --------------------------
 */

static bool read_bits(const struct reader *reader, const struct node *node, const char *key,
		      uint64_t most, uint8_t *bits)
{
	const struct node *child = mapping_get(node, key);
	uint64_t number;

	if (!child)
		return true;
	if (!read_number(reader, child, key, 1, most, &number))
		return false;
	*bits = (uint8_t)number;
	return true;
}

static bool read_rate(const struct reader *reader, const struct node *node, const char *key,
		      uint32_t *rate)
{
	const struct node *child = mapping_get(node, key);
	uint64_t number;

	if (!child)
		return true;
	if (child->kind == NODE_SCALAR && !strcmp(child->text, "0")) {
		reader_error(reader, child,
			     "`%s: 0` would let nothing in: to take the whole flow out, name it "
			     "under `without`; else write a number from 1 to %u",
			     key, LIMIT_MAX);
		return false;
	}
	if (!read_number(reader, child, key, 1, LIMIT_MAX, &number))
		return false;
	*rate = (uint32_t)number;
	return true;
}

static bool read_limit(const struct reader *reader, const struct node *node,
		       struct rule_limit *ret_limit)
{
	static const struct key_rule rules[] = {
		{"per-second", KEY_REQUIRED},
		{"burst", KEY_OPTIONAL},
		{"v4", KEY_OPTIONAL},
		{"v6", KEY_OPTIONAL},
	};
	struct rule_limit limit = {.ipv4_bits = IPV4_BITS, .ipv6_bits = IPV6_BITS_DEFAULT};
	bool good;

	if (node->kind != NODE_MAPPING && node->kind != NODE_BROKEN) {
		reader_error(reader, node,
			     "`limit` must be a mapping such as `{per-second: 50, burst: 100}`, "
			     "or `none`");
		return false;
	}
	if (!read_mapping(reader, node, "`limit`", KEYS(rules)))
		return false;
	good = read_rate(reader, node, "per-second", &limit.per_second);
	good &= read_rate(reader, node, "burst", &limit.burst);
	good &= read_bits(reader, node, "v4", IPV4_BITS, &limit.ipv4_bits);
	good &= read_bits(reader, node, "v6", IPV6_BITS, &limit.ipv6_bits);
	if (!good || !limit.per_second)
		return false;
	if (!limit.burst)
		limit.burst = limit.per_second;
	*ret_limit = limit;
	return true;
}

/* Not with read_choice(): with one shape there is, that is the one that was meant. */
static bool read_shape(const struct reader *reader, const struct node *node, bool *ret_rtp)
{
	if (!is_scalar(reader, node, "shape"))
		return false;
	*ret_rtp = !strcmp(node->text, "rtp");
	if (*ret_rtp || !strcmp(node->text, "none"))
		return true;
	reader_error(reader, node,
		     "`shape` can't be `%s`; did you mean `rtp`? (It is the only one; `none` turns "
		     "it off)",
		     shown(reader, node->text));
	return false;
}

static void say(struct options *options, unsigned option, bool on)
{
	options->said |= option;
	if (on)
		options->set |= option;
}

void rule_options_read(const struct reader *reader, const struct node *mapping,
		       struct options *ret_options)
{
	struct options options = {0};
	const struct node *child;
	bool live, rtp;

	if ((child = mapping_get(mapping, "limit"))) {
		if (child->kind == NODE_SCALAR && !strcmp(child->text, "none"))
			say(&options, RULE_LIMIT, false);
		else if (read_limit(reader, child, &options.limit))
			say(&options, RULE_LIMIT, true);
	}
	if ((child = mapping_get(mapping, "live")) && read_yes_no(reader, child, "live", &live))
		say(&options, RULE_LIVE, live);
	if ((child = mapping_get(mapping, "shape")) && read_shape(reader, child, &rtp))
		say(&options, RULE_SHAPE_RTP, rtp);
	*ret_options = options;
}

/* ------------------------------------------------------------ printing -------------------------
 */

static void print_limit(struct writer *writer, unsigned indent, const struct rule_limit *limit)
{
	struct arena *arena = writer->arena;
	pair_list pairs = {0};

	pair_list_add(writer, &pairs, "per-second", arena_printf(arena, "%u", limit->per_second));
	if (limit->burst != limit->per_second)
		pair_list_add(writer, &pairs, "burst", arena_printf(arena, "%u", limit->burst));
	if (limit->ipv4_bits != IPV4_BITS)
		pair_list_add(writer, &pairs, "v4", arena_printf(arena, "%u", limit->ipv4_bits));
	if (limit->ipv6_bits != IPV6_BITS_DEFAULT)
		pair_list_add(writer, &pairs, "v6", arena_printf(arena, "%u", limit->ipv6_bits));
	write_pairs(writer, indent, "limit", &pairs);
}

void rule_options_print(struct writer *writer, unsigned indent, const struct options *options,
			bool with_off)
{
	unsigned off = with_off ? options->said & ~options->set : 0;

	if (options->set & RULE_LIMIT)
		print_limit(writer, indent, &options->limit);
	if (off & RULE_LIMIT)
		write_text(writer, indent, "limit", "none");
	if ((options->set | off) & RULE_LIVE)
		write_text(writer, indent, "live", off & RULE_LIVE ? "no" : "yes");
	if ((options->set | off) & RULE_SHAPE_RTP)
		write_text(writer, indent, "shape", off & RULE_SHAPE_RTP ? "none" : "rtp");
}

static const char *append(struct arena *arena, const char *text, const char *more)
{
	return *text ? arena_printf(arena, "%s, %s", text, more) : more;
}

static const char *limit_format(struct arena *arena, const struct rule_limit *limit)
{
	const char *text = arena_printf(arena, "limit: %u a second", limit->per_second);

	if (limit->burst != limit->per_second)
		text = arena_printf(arena, "%s, at most %u at once", text, limit->burst);
	if (limit->ipv4_bits != IPV4_BITS || limit->ipv6_bits != IPV6_BITS_DEFAULT)
		text = arena_printf(arena, "%s, each /%u or /%u", text, limit->ipv4_bits,
				    limit->ipv6_bits);
	return text;
}

const char *rule_options_format(struct arena *arena, unsigned set, const struct rule_limit *limit)
{
	const char *text = "";

	if (set & RULE_LIVE)
		text = append(arena, text, "live");
	if (set & RULE_SHAPE_RTP)
		text = append(arena, text, "shape: rtp");
	if (set & RULE_LIMIT)
		text = append(arena, text, limit_format(arena, limit));
	return text;
}

/* ------------------------------------------------------------ meaning --------------------------
 */

struct options rule_options_over(const struct options *flow, const struct options *adjust)
{
	struct options options = *flow;

	if (!adjust)
		return options;
	options.set = (flow->set & ~adjust->said) | adjust->set;
	options.said |= adjust->said;
	if (adjust->set & RULE_LIMIT)
		options.limit = adjust->limit;
	return options;
}

/* May a service of the list be of this protocol? What a parameter of services has may be any. */
static bool may_have(const service_term_list *allow, uint8_t protocol)
{
	if (!allow->count)
		return true; /* a template: the site's entry says */
	list_for_each (term, allow) {
		if (term->kind == SERVICE_PARAMETER)
			return true;
		for (unsigned i = 0; term->kind == SERVICE_PORTS && i < term->protocol_count; i++) {
			if (term->protocols[i] == protocol)
				return true;
		}
	}
	return false;
}

const char *rule_options_refuse(const struct options *options, const service_term_list *allow,
				const char **ret_key)
{
	*ret_key = "shape";
	if (options->set & RULE_SHAPE_RTP && !may_have(allow, IPPROTO_UDP))
		return "`shape: rtp` looks at UDP packets, and this flow has no UDP port: take it "
		       "out";
	*ret_key = "live";
	if (options->set & RULE_LIVE && !may_have(allow, IPPROTO_UDP) &&
	    !may_have(allow, IPPROTO_TCP))
		return "`live` asks for a socket at a TCP or UDP port, and this flow has none: "
		       "take it out";
	return NULL;
}

bool rule_options_subset(unsigned a, const struct rule_limit *a_limit, unsigned b,
			 const struct rule_limit *b_limit)
{
	if (a & ~b)
		return false;
	return !(a & RULE_LIMIT) ||
	       (a_limit->per_second == b_limit->per_second && a_limit->burst == b_limit->burst &&
		a_limit->ipv4_bits == b_limit->ipv4_bits &&
		a_limit->ipv6_bits == b_limit->ipv6_bits);
}

unsigned rule_options_count(unsigned set)
{
	return (unsigned)__builtin_popcount(set & RULE_OPTIONS_MASK);
}
