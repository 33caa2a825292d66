/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every bound of sallyport, with its reason. Hitting one is an error that prints its name; nothing
 * is ever cut short in silence.
 */
#ifndef SALLYPORT_BOUNDS_H
#define SALLYPORT_BOUNDS_H

/* Policy files: far above any real file, small enough that a hostile one costs little. */
#define POLICY_FILE_BYTES_MAX (16u << 20)
#define POLICY_DEPTH_MAX      16u
#define POLICY_NODES_MAX      2000000u
#define DIAGNOSTICS_MAX	      1000u /* a thousand errors are as good as all */
#define NAME_BYTES_MAX	      63u   /* catalog, role, flow, parameter, host */
#define RULE_ID_BYTES_MAX     191u  /* instance/flow:ROLE:ROLE:back */
#define TEXT_BYTES_MAX	      4096u /* one scalar */

/* A host's policy. */
#define RULES_MAX	    4095u    /* counter slots, less slot 0; the contract asks for 1,024 */
#define MATCHES_MAX	    65536u   /* terms of all rules of a host */
#define PREFIXES_MAX	    2000000u /* of both families; the contract asks for 1M */
#define LOCAL_ADDRESSES_MAX 256u     /* own addresses of one host */

/* Tables: classes are 16 bits wide in every index. */
#define CLASSES_MAX	   65535u
#define DECISION_CELLS_MAX (32u << 20) /* 64 MiB of u16 a direction */

/* Labels of counters. Slot 0 of each means "none". */
#define RULE_SLOTS_MAX	 4096u
#define ROLE_SLOTS_MAX	 128u
#define REASON_SLOTS_MAX 64u

/* The packet's way. */
#define VLAN_TAGS_MAX	      2
#define EXTENSION_HEADERS_MAX 8 /* RFC 8200 lists five kinds, most once */

/* Defaults of the site's bounds. */
#define FLOWS_DEFAULT	       65536u
#define FLOWS_MAX	       (16u << 20)
#define FRAGMENTS_DEFAULT      4096u
#define FRAGMENTS_MAX	       (1u << 20)
#define ICMP_ERRORS_PER_SECOND 100u /* path-MTU discovery needs a handful */
#define FLOW_PEER_SHARE	       4u   /* one rule and peer may hold 1/4 of the flow table */

#endif
