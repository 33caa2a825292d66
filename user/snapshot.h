/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one moment's counters say, for every interface that a policy is loaded on. Plain data: what
 * renders it needs no kernel. Every string and list lives in the snapshot's arena.
 */
#ifndef SALLYPORT_SNAPSHOT_H
#define SALLYPORT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "../include/abi.h"
#include "arena.h"

/* One rule id on one interface. Totals count on across reloads. */
struct rule_totals {
	const char *id; /* "cyara/voice-6" */
	struct counter receive;
	struct counter transmit;
	/* Of the policy that is in force; all NULL for a rule that is no longer part of it. */
	const char *direction; /* "in", "out" */
	const char *from;
	const char *to;
	const char *services;
	const char *document; /* "": the site's own rule */
	const char *section;
	const char *row;
};

/* One reason and role of the peer on one interface. */
struct reason_totals {
	enum reason reason;
	const char *role; /* of the peer; "none": it plays none; passes: always "none" */
	struct counter receive;
	struct counter transmit;
	/* Judged so in audit mode, but let pass. */
	struct counter would_receive;
	struct counter would_transmit;
};

struct map_use {
	const char *name;
	uint64_t entries;
	uint64_t bound;
};
typedef LIST(struct map_use) map_use_list;

struct interface_totals {
	const char *name;
	const char *site;
	const char *host;		   /* "": unnamed */
	const char *digest;		   /* of the host policy that is in force */
	const char *mode[DIRECTION_COUNT]; /* "off", "audit", "enforce" */
	const char *lookup;		   /* "flat", "maps" */
	uint32_t generation;
	uint64_t loaded_at;	 /* seconds since 1970 */
	uint32_t rule_count;	 /* rules in force */
	const char *xdp_mode;	 /* "native", "generic", "none": not attached */
	const char *egress_hook; /* "tcx", "clsact", "none": not attached */
	const char *state;	 /* "ok", "mixed", "partial", "gone": see status.h */
	bool fallback;		 /* flat and maps disagreed: maps judge until the next load */
	uint64_t disagreements;
	LIST(struct rule_totals) rules;
	LIST(struct reason_totals) reasons;
	map_use_list maps;
};

/* A stored feed. */
struct feed_age {
	const char *name; /* of its file: "ip-ranges.amazonaws.com-0123456789abcdef" */
	const char *url;
	uint64_t checked_at; /* seconds since 1970; 0: it can't be read */
	uint64_t max_age_seconds;
};

struct snapshot {
	struct arena *arena; /* owns the snapshot too */
	LIST(struct interface_totals) interfaces;
	struct map_use flows; /* shared by all interfaces of the network namespace */
	map_use_list shared_maps;
	LIST(struct feed_age) feeds;
};

struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *snapshot);
void snapshot_freep(struct snapshot **snapshot);

/* The interface holds one policy at every hook that its modes ask for. */
bool interface_is_whole(const struct interface_totals *interface);

/*
 * Writes a line on each interface: what it enforces, or what is wrong. True if there is at least
 * one and all of them are whole.
 */
bool snapshot_health(const struct snapshot *snapshot, FILE *out);

/* Everything, by the words of the metrics. New reference. */
json_t *snapshot_json(const struct snapshot *snapshot);

#endif
