/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables into the kernel: opens the skeleton, sets its configuration, creates or reuses the maps,
 * fills them, reads them back, and leaves two programs that could be attached. It attaches and pins
 * nothing.
 */
#ifndef SALLYPORT_LOAD_H
#define SALLYPORT_LOAD_H

#include <stdbool.h>

#include "failure.h"
#include "host_policy.h"
#include "stopwatch.h"
#include "table_maps.h"
#include "tables.h"

struct bpf_object;

/* Maps that outlive a generation. File descriptors, -1: make a private one. Not taken over. */
struct lasting_maps {
	int flows;	      /* shared/: of the network namespace */
	int flow_shares;      /* shared/ */
	int flow_cache_ipv4;  /* shared/ */
	int flow_cache_ipv6;  /* shared/ */
	int flow_ports;	      /* shared/ */
	int flow_keys;	      /* shared/ */
	int fragments;	      /* shared/ */
	int receive_rules;    /* <interface>/: counters by rule slot */
	int transmit_rules;   /* <interface>/ */
	int receive_reasons;  /* <interface>/: counters by REASON_COUNTER */
	int transmit_reasons; /* <interface>/ */
	int sweep_timer;      /* shared/ */
	int rule_slots;	      /* shared/: struct rule_key -> struct rule_slot */
	int role_slots;	      /* shared/: struct role_key -> struct role_slot */
	int journal;	      /* shared/: struct journal */
	int meta;	      /* shared/: struct layout_meta */
	int rule_bases;	      /* <interface>/: struct rule_key -> struct rule_base */
	int drop_rings;	      /* <interface>/: struct drop_ring by DROP_RING */
	int drop_events;      /* <interface>/: struct drop_event by DROP_EVENT */
};
#define LASTING_MAPS_PRIVATE                                                                       \
	((struct lasting_maps){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, \
			       -1, -1})

struct loaded;

struct load_request {
	const struct host_policy *policy;
	const struct tables *tables;
	const uint16_t *rule_slots; /* by rule index */
	const uint16_t *role_slots; /* by index into tables->roles */
	uint32_t generation;
	struct lasting_maps lasting;
	bool virtual_clock; /* trace, explain: see struct config */
	bool record;
	bool dry_run;
	const struct table_maps
		*live; /* in force: used again where they hold the same. NULL: none */
	const struct table_maps *idle; /* banks that no program uses: may be changed. NULL: none */
	/* Loaded a moment ago for another interface, from the same tables and slots: all maps of
	 * tables are used again as they are. NULL: none. */
	const struct loaded *twin;
	const struct progress *progress; /* may be NULL */
	struct stopwatch *stopwatch;	 /* may be NULL */
};

/* 0 or -errno with the reason, the verifier log's tail included, in failure. */
int load(const struct load_request *request, struct failure *failure, struct loaded **ret_loaded);
/* Tables of live maps that take no entry more: a dry run can't try. */
struct load_room {
	bool flows_full;
	bool fragments_full;
};

/*
 * The programs once more over the maps of a generation that is live, for explain: recording, and
 * changing nothing (dry run); counters and state are private. map_fd returns the descriptor of a
 * map by its name in the object (taken over), or -errno.
 */
int load_copy(int (*map_fd)(void *data, const char *name), void *data, const struct load_room *room,
	      struct failure *failure, struct loaded **ret_loaded);

void loaded_free(struct loaded *loaded); /* closes; what is pinned or attached stays */
void loaded_freep(struct loaded **loaded);

/* One more trie of the same content as that of a load, for the next one to begin from. The caller's
 * descriptor, or -errno. */
int loaded_spare(const struct load_request *request, struct loaded *loaded, enum table_map map,
		 struct failure *failure);

struct bpf_object *
loaded_object(struct loaded *loaded);		/* for pinning: every map and program by its name */
int loaded_xdp_fd(const struct loaded *loaded); /* program xdp_ingress */
int loaded_egress_fd(const struct loaded *loaded); /* program tc_egress */
int loaded_sweep_fd(
	const struct loaded *loaded); /* program sweep (SEC syscall): one run arms the timer */
const struct table_report *loaded_report(const struct loaded *loaded, enum table_map map);
int loaded_adopt_fd(
	const struct loaded *loaded); /* program adopt: a frame that is a struct adoption */
struct state *loaded_state(struct loaded *loaded); /* mapped, writable: what the programs see now */
/* Every source and ICMP error starts anew, for trace and tests. 0, or -errno. */
int loaded_forget_limits(struct loaded *loaded);

/*
 * Empties flows, what stands in front of them, and fragments: for trace and tests, while no program
 * runs. 0 or -errno.
 */
int loaded_forget(struct loaded *loaded);

/*
 * Names of the maps in the object, so that pins read well (bpffs and BTF names):
 *   generation: ipv4_classes ipv6_classes port_classes end_classes decisions rule_info flat_classes
 * flat_ipv4 flat_ipv6 live_answers rule_limits limits icmp_buckets configuration (.rodata)
 * state (.bss) generation_info (ARRAY of 1)
 *
 *   lasting:    flows flow_shares flow_cache_ipv4 flow_cache_ipv6 flow_ports flow_keys fragments
 * receive_rules transmit_rules receive_reasons transmit_reasons drop_rings drop_events sweep_timer;
 * rule_slots and rule_bases (HASH, RULE_IDS_MAX, NO_PREALLOC), role_slots (HASH, ROLE_SLOTS_MAX,
 * NO_PREALLOC), journal and meta (ARRAY of 1)
 */

#endif
