/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the options of a rule take away from what it matches (docs/packet-path.md, section 8). The
 * option of no rule costs nothing: config says so before the programs are loaded.
 */
#ifndef SALLYPORT_BPF_OPTIONS_H
#define SALLYPORT_BPF_OPTIONS_H

#include "live.h"
#include "shape.h"
#include "limit.h"

static __always_inline bool has_option(const struct finding *finding, __u16 option)
{
	return config.rule_options & option && finding->options & option;
}

/* An arriving packet that a rule matched: REASON_RULE, or what it lacks. */
static __always_inline enum reason judge_options(struct xdp_md *context, struct packet *packet,
						 const struct finding *finding)
{
	if (has_option(finding, RULE_LIVE) && !live_is_bound(context, packet))
		return REASON_NOT_BOUND;
	if (has_option(finding, RULE_SHAPE_RTP) && !shape_is_rtp(context, packet))
		return REASON_SHAPE;
	if (has_option(finding, RULE_LIMIT) && config.mode[DIRECTION_IN] == MODE_ENFORCE &&
	    limit_counts(packet) && !limit_allows(packet, finding->rule_slot))
		return REASON_LIMITED;
	return REASON_RULE;
}

#endif
