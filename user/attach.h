/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs onto the hooks of one interface: XDP by bpf_link, tc egress by a tcx link (Linux 6.6 and
 * later) or a filter of the clsact qdisc. Nothing here falls back in silence.
 */
#ifndef SALLYPORT_ATTACH_H
#define SALLYPORT_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "interface.h"

enum xdp_mode {
	XDP_MODE_NONE = 0, /* not attached */
	XDP_MODE_NATIVE = 1,
	XDP_MODE_GENERIC = 2, /* behind the stack's allocations: only when asked for */
};
const char *xdp_mode_name(enum xdp_mode mode);

enum egress_hook {
	EGRESS_HOOK_NONE = 0, /* not attached; as a request: tcx if the kernel has it */
	EGRESS_HOOK_TCX = 1,
	EGRESS_HOOK_CLSACT = 2,
};
const char *egress_hook_name(enum egress_hook hook);

/*
 * Attaches and returns the link's file descriptor (the caller's; closing it detaches, unless it was
 * pinned). -EBUSY: another program holds the hook, and the message says which. -EOPNOTSUPP: no
 * native XDP here.
 */
int attach_xdp(const struct interface *interface, int program_fd, enum xdp_mode mode,
	       struct failure *failure);
/* -EBUSY, in the same words, where a program holds XDP: for who has none there yet. */
int attach_xdp_check_free(const struct interface *interface, struct failure *failure);

/* Whether the kernel has tcx. */
bool tcx_supported(uint32_t interface_index);
/* First in its chain. Returns the link's file descriptor, as attach_xdp does. */
int attach_tcx(const struct interface *interface, int program_fd, struct failure *failure);

/* Puts another program behind an attached link; no packet meets neither. */
int attach_update(int link_fd, int program_fd, const char *interface, struct failure *failure);

/* Detaches a link that others may still have open. A link whose interface has gone is no error. */
int attach_detach(int link_fd, struct failure *failure);

struct link_state {
	uint32_t id;
	uint32_t program_id;
	uint32_t interface_index; /* 0: the interface has gone */
};
int link_read(int link_fd, struct link_state *ret_state);
int program_read_id(int program_fd, uint32_t *ret_id);

/* Whether the interface has a clsact qdisc. */
int clsact_exists(uint32_t interface_index);
/*
 * Adds or replaces the filter of our priority and handle, and makes the qdisc if there is none.
 * replaces_id: the program that may be there already, 0: none. -EBUSY: somebody else's is.
 */
int attach_clsact(const struct interface *interface, int program_fd, uint32_t replaces_id,
		  struct failure *failure);
/* The program behind our filter: -ENOENT if there is none. */
int clsact_read(uint32_t interface_index, uint32_t *ret_program_id);
/* Removes our filter, and the qdisc too if remove_qdisc is set and nobody else has filters there.
 */
int clsact_detach(uint32_t interface_index, bool remove_qdisc, struct failure *failure);

/* What is in force, asked of the kernel. The program may be anybody's. */
int xdp_read(uint32_t interface_index, enum xdp_mode *ret_mode, uint32_t *ret_program_id);
/* How many programs run before this one in the tcx egress chain; -ENOENT: it is not in there. */
int tcx_position(uint32_t interface_index, uint32_t program_id);

#endif
