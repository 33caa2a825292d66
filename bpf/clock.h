/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of flows and fragments: jiffies on the wire, milliseconds of the line in trace. */
#ifndef SALLYPORT_BPF_CLOCK_H
#define SALLYPORT_BPF_CLOCK_H

static __always_inline __u64 clock_now(void)
{
	return config.virtual_clock ? state.now : bpf_jiffies64();
}

/*
 * Whether so many ticks have passed. Signed: another CPU may have written since a tick later than
 * this one read the clock, and its flow must not look as old as time.
 */
static __always_inline bool has_passed(__u64 ticks, __u64 since, __u64 now)
{
	return (__s64)(now - since) > (__s64)ticks;
}

#endif
