/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network namespace with a device that has the bench's own addresses. It has no name, so it goes
 * with the process, however that ends.
 *
 *     own (addresses) ---- veth ---- other (no addresses)
 */
#ifndef SALLYPORT_TESTS_BENCH_NAMESPACE_H
#define SALLYPORT_TESTS_BENCH_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"

#define NAMESPACE_DEVICE "own"
#define NAMESPACE_OTHER	 "other"
/* Where what leaves by the default route goes; nobody has it until somebody takes it. */
#define NAMESPACE_GATEWAY_MAC "02:00:00:00:00:01"

struct namespace
{
	int fd;	 /* of the namespace */
	int old; /* of the one that it was made in */
	unsigned ifindex;
	uint8_t mac[6]; /* of the device: NAMESPACE_DEVICE, or another that was set */
};

/* 0 or -errno with the reason in failure. */
int namespace_new(const char *const local[2], struct failure *failure,
		  struct namespace **ret_namespace);
/* With nothing in it but what is moved there. */
int namespace_new_empty(struct failure *failure, struct namespace **ret_namespace);
void namespace_free(struct namespace *namespace);
/* Reads index and address of a device that is in it into it. */
int namespace_set_device(struct namespace *namespace, const char *device, struct failure *failure);

/* For this thread, and for the commands that it runs. Leaving what was not entered is fine. */
int namespace_enter(const struct namespace *namespace, struct failure *failure);
void namespace_leave(const struct namespace *namespace);

/* tool_run and tool_shell in it. */
int namespace_run(const struct namespace *namespace, const char *const words[], const char *input,
		  struct failure *failure, char **ret_output);
int namespace_shell(const struct namespace *namespace, const char *line, struct failure *failure,
		    char **ret_output);

/* A script for the shell, in a mount namespace of its own too: its pins go with it. */
int namespace_private_shell(const struct namespace *namespace, const char *script,
			    struct failure *failure, char **ret_output);

#endif
