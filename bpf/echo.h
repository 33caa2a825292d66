/* SPDX-License-Identifier: GPL-2.0-only */
/* Pings from anybody, so many a second: host: {icmp-echo} (docs/packet-path.md, step 2.7). */
#ifndef SALLYPORT_BPF_ECHO_H
#define SALLYPORT_BPF_ECHO_H

#define ECHO_TRIES 4

static __always_inline bool echo_is_offered(const struct conversation *c)
{
	const struct tuple tuple = tuple_of(c);

	return config.echo_per_second && !is_group_address(tuple.family, tuple.local);
}

/*
 * A bucket without a timer (GCRA, ITU-T I.371): echo_used is the time up to which the pings so far
 * have used up the rate, and may run ahead of the clock by what the burst allows. In units of a
 * tick divided by the rate, so that nothing is ever divided or rounded.
 */
static __always_inline bool echo_take(void)
{
	__u64 now = clock_now() * config.echo_per_second;
	__u64 ahead = (config.echo_burst - 1) * config.second;

	for (int try = 0; try < ECHO_TRIES; try++) {
		__u64 seen = *(volatile __u64 *)&state.echo_used;
		__u64 from = (__s64)(seen - now) > 0 ? seen : now;

		if (from - now > ahead)
			return false;
		if (__sync_val_compare_and_swap(&state.echo_used, seen, from + config.second) ==
		    seen)
			return true;
	}
	return false; /* as many CPUs at once are a flood */
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
	return echo_take() ? REASON_ICMP_ECHO : REASON_LIMITED;
}

#endif
