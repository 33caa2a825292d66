/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pins: what keeps a policy in force when no process of ours lives. Below a root in the BPF
 * file system, all of it mode 0700:
 *
 *   shared/        what all interfaces of the network namespace share
 *   INTERFACE/     counters, link_xdp, link_egress (tcx only: under clsact the filter holds the
 *                  program), and generation-N/ with every map and program of that generation
 *
 * The directory of an interface has its name, where names cannot stand as they are in percent
 * encoding: the BPF file system takes no dots.
 */
#ifndef SALLYPORT_PINS_H
#define SALLYPORT_PINS_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "../include/abi.h"
#include "arena.h"
#include "failure.h"

#define PINS_ROOT	    "/sys/fs/bpf/sallyport"
#define PINS_SHARED	    "shared"
#define PINS_LINK_XDP	    "link_xdp"
#define PINS_LINK_EGRESS    "link_egress"
#define PINS_PROGRAM_XDP    "xdp_ingress"
#define PINS_PROGRAM_EGRESS "tc_egress"
#define PINS_PROGRAM_SWEEP  "sweep"
#define PINS_PROGRAM_ADOPT  "adopt"

#define PIN_PATH_BYTES_MAX  PATH_MAX

struct pins;

struct pins_request {
	const char *root;      /* NULL: PINS_ROOT */
	bool create;	       /* make the root if it is not there */
	bool read_only;	       /* do not lock: for status and metrics, which must never wait */
	unsigned wait_seconds; /* for another command to end */
	/* Told once if there is another command to wait for. May be NULL. */
	void (*waiting)(const char *text, void *data);
	void *data;
};

/*
 * Opens the root and takes its lock. -ENOENT without a word if there is no root and create is not
 * set; all other errors with the way out in failure: no BPF file system, not permitted, -EBUSY if
 * the other command did not end in time.
 */
int pins_open(const struct pins_request *request, struct failure *failure, struct pins **ret_pins);
void pins_close(struct pins *pins); /* removes the root if it is empty, and unlocks it */
void pins_closep(struct pins **pins);
const char *pins_root(const struct pins *pins);
/* A command holds the lock at this moment: its process id, 0 if none does (or it can't be told). */
int pins_busy(const struct pins *pins);

/* Paths are relative to the root: "shared/flows". */

/* A file descriptor of what is pinned there (the caller's), or -errno; -ENOENT: nothing. */
int pins_get(const struct pins *pins, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Pins there; makes the directories above it. -EEXIST: something is. */
int pins_put(const struct pins *pins, int fd, struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool pins_exist(const struct pins *pins, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Removes a pin, or a directory with all in it. Nothing there is no error. */
int pins_remove(const struct pins *pins, struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How many entries the hash map pinned there has, and may have. */
int pins_map_use(const struct pins *pins, const char *path, uint64_t *ret_used,
		 uint64_t *ret_bound);

/* The directory of an interface, relative to the root. Returns buffer. */
#define PIN_DIRECTORY_BYTES_MAX (IF_NAMESIZE * 3 + 1)
const char *pins_interface_directory(const char *interface, char *buffer);

struct interface_name {
	char text[IF_NAMESIZE];
};
struct interface_name_list {
	struct interface_name *items;
	size_t count;
	size_t capacity;
};
/* Interfaces that have a directory, in order of their names. */
int pins_interfaces(const struct pins *pins, struct arena *arena, struct failure *failure,
		    struct interface_name_list *ret_names);

struct generation_list {
	uint32_t *items;
	size_t count;
	size_t capacity;
};
/* Generations pinned for an interface, in ascending order; none: an empty list. */
int pins_generations(const struct pins *pins, struct arena *arena, const char *interface,
		     struct failure *failure, struct generation_list *ret_generations);

/* One-entry records in shared/: meta and journal. -ENOENT: not pinned. */
int pins_meta_read(const struct pins *pins, struct layout_meta *ret_meta);
int pins_meta_write(const struct pins *pins, const struct layout_meta *meta);
int pins_journal_read(const struct pins *pins, struct journal *ret_journal);
int pins_journal_write(const struct pins *pins, const char *step, const char *interface,
		       uint32_t generation);

/*
 * Whether this program and this network namespace may use these pins: -EPROTO for another layout,
 * -EXDEV for another namespace, with the way out; -ENOENT if there is no meta (nothing was ever
 * applied, or the first command was killed before it attached anything).
 */
int pins_check(const struct pins *pins, struct failure *failure, struct layout_meta *ret_meta);

#endif
