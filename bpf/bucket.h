/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bucket without a timer (GCRA, ITU-T I.371): used is the time up to which what was taken so far
 * has used up the rate, and may run ahead of the clock by what the burst allows. In units of a tick
 * divided by the rate, so that nothing is ever divided or rounded. 0: full.
 */
#ifndef SALLYPORT_BPF_BUCKET_H
#define SALLYPORT_BPF_BUCKET_H

#define BUCKET_TRIES 4

/* False: nothing is left, and nothing was taken. burst: 1 or more. */
static __always_inline bool bucket_take(__u64 *used, __u32 per_second, __u32 burst)
{
	__u64 now = clock_now() * per_second;
	__u64 ahead = (burst - 1) * config.second;

	for (int try = 0; try < BUCKET_TRIES; try++) {
		__u64 seen = *(volatile __u64 *)used;
		__u64 from = (__s64)(seen - now) > 0 ? seen : now;

		if (from - now > ahead)
			return false;
		if (__sync_val_compare_and_swap(used, seen, from + config.second) == seen)
			return true;
	}
	return false; /* as many CPUs at once are a flood */
}

#endif
