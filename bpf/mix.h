/* SPDX-License-Identifier: GPL-2.0-only */
/* The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
#ifndef SALLYPORT_BPF_MIX_H
#define SALLYPORT_BPF_MIX_H

static __always_inline __u64 mix(__u64 bits)
{
	bits = (bits ^ bits >> 33) * 0xff51afd7ed558ccdull;
	bits = (bits ^ bits >> 33) * 0xc4ceb9fe1a85ec53ull;
	return bits ^ bits >> 33;
}

#endif
