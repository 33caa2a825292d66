/* SPDX-License-Identifier: GPL-2.0-only */
/* Pings from anybody, so many a second: host: {icmp-echo} (docs/packet-path.md, step 2.7). */
#ifndef SALLYPORT_BPF_ECHO_H
#define SALLYPORT_BPF_ECHO_H

static __always_inline bool echo_is_offered(const struct conversation *c)
{
	const struct tuple tuple = tuple_of(c);

	return config.echo_per_second && !is_group_address(tuple.family, tuple.local);
}

/* An echo request that no rule lets in, and why. Returns the reason in force. */
__noinline int judge_echo_request(struct conversation *c, __u8 why)
{
	if (!c)
		return why;
	if (!echo_is_offered(c))
		return why;
	if (source_is_own(c))
		return REASON_SPOOFED;
	/* Audit charges no limits. */
	if (config.dry_run || config.mode[DIRECTION_IN] != MODE_ENFORCE)
		return REASON_ICMP_ECHO;
	return bucket_take(&state.echo_used, config.echo_per_second, config.echo_burst)
		       ? REASON_ICMP_ECHO
		       : REASON_LIMITED;
}

#endif
