/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_options.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MILLISECONDS_A_SECOND = 1000 };

/* ------------------------------------------------------------ 8.2 shape -------------------------
 */

/* RFC 7983, section 7; what is there is told by its first byte. */
enum { STUN_BYTES = 20, ZRTP_BYTES = 12, DTLS_BYTES = 13, CHANNEL_BYTES = 4, RTP_BYTES = 12 };
enum { RTCP_BYTES = 4, RTCP_TYPE_FIRST = 192, RTCP_TYPE_LAST = 223 };

bool shape_is_media(const uint8_t *payload, size_t length)
{
	uint8_t first;

	if (length == 0)
		return false;
	first = payload[0];
	if (first <= 3)
		return length >= STUN_BYTES;
	if (first >= 16 && first <= 19)
		return length >= ZRTP_BYTES;
	if (first >= 20 && first <= 63)
		return length >= DTLS_BYTES;
	if (first >= 64 && first <= 79)
		return length >= CHANNEL_BYTES &&
		       length - CHANNEL_BYTES >= ((size_t)payload[2] << 8 | payload[3]);
	if (first < 128 || first > 191)
		return false;
	if (length >= 2 && payload[1] >= RTCP_TYPE_FIRST && payload[1] <= RTCP_TYPE_LAST)
		return length >= RTCP_BYTES;
	return length >= RTP_BYTES;
}

/* ------------------------------------------------------------ 8.3 limit -------------------------
 */

struct source {
	size_t slot;
	struct address prefix;
	uint64_t full_at;
	uint64_t used; /* number of the use */
};

static int compare_sources(const void *a, const void *b)
{
	const struct source *left = a;
	const struct source *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	return address_compare(&left->prefix, &right->prefix);
}

void model_limits_clear(struct model_limits *limits)
{
	tdestroy(limits->sources, free);
	*limits = (struct model_limits){0};
}

static struct address cut(const struct address *address, const struct rule_limit *limit)
{
	struct address prefix = *address;
	unsigned bits = address->family == 4 ? limit->ipv4_bits : limit->ipv6_bits;
	unsigned bytes = address->family == 4 ? 4 : 16;

	for (unsigned bit = bits; bit < bytes * 8; bit++)
		prefix.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return prefix;
}

static void find_oldest(const void *node, VISIT visit, void *context)
{
	struct source *source = *(struct source *const *)node;
	struct source **oldest = context;

	if ((visit == postorder || visit == leaf) && (!*oldest || source->used < (*oldest)->used))
		*oldest = source;
}

static void forget_oldest(struct model_limits *limits)
{
	struct source *oldest = NULL;

	twalk_r(limits->sources, find_oldest, &oldest);
	if (!oldest)
		return;
	tdelete(oldest, &limits->sources, compare_sources);
	free(oldest);
	limits->count--;
}

/* As an arena does: running out of memory ends the program. */
static void add_source(struct model_limits *limits, size_t sources_max, const struct source *source)
{
	struct source *copy;

	if (limits->count >= sources_max)
		forget_oldest(limits);
	copy = malloc(sizeof(*copy));
	if (!copy ||
	    !tsearch(memcpy(copy, source, sizeof(*copy)), &limits->sources, compare_sources)) {
		fputs("sallyport: out of memory\n", stderr);
		exit(1);
	}
	limits->count++;
}

bool model_limits_charge(struct model_limits *limits, size_t sources_max, size_t slot,
			 const struct rule_limit *limit, const struct address *source, uint64_t now)
{
	uint64_t time = now * limit->per_second;
	struct source probe = {.slot = slot, .prefix = cut(source, limit), .full_at = time};
	void *const *node = tfind(&probe, &limits->sources, compare_sources);
	struct source *found = node ? *node : &probe;
	uint64_t full_at = found->full_at > time ? found->full_at : time;

	if (full_at - time > (uint64_t)(limit->burst - 1) * MILLISECONDS_A_SECOND)
		return false;
	found->full_at = full_at + MILLISECONDS_A_SECOND;
	found->used = ++limits->uses;
	if (!node)
		add_source(limits, sources_max, found);
	return true;
}
