/* SPDX-License-Identifier: BSD-2-Clause */
/* What libbpf says about its work, on stderr for those who ask. */
#ifndef SALLYPORT_KERNEL_LOG_H
#define SALLYPORT_KERNEL_LOG_H

/*
 * 0: nothing (a failure has its own words); 1: warnings; 2: what it does, too; 3 and more: every
 * detail. Once, before anything is loaded.
 */
void kernel_log_level(unsigned level);

#endif
