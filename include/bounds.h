/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every bound of sallyport, with its reason. Hitting one is an error that prints its name; nothing
 * is ever cut short in silence.
 */
#ifndef SALLYPORT_BOUNDS_H
#define SALLYPORT_BOUNDS_H

/* Policy files: far above any real file, small enough that a hostile one costs little. */
#define POLICY_FILE_BYTES_MAX (64u << 20) /* a million prefixes, one a line */
#define POLICY_DEPTH_MAX      16u
#define POLICY_NODES_MAX      2000000u
#define DIAGNOSTICS_MAX	      1000u	 /* a thousand errors are as good as all */
#define NAME_BYTES_MAX	      63u	 /* catalog, role, flow, parameter, host */
#define RULE_ID_BYTES_MAX     191u	 /* instance/flow:ROLE:ROLE:back */
#define TEXT_BYTES_MAX	      4096u	 /* one scalar */
#define DURATION_MS_MAX	      604800000u /* 7 days: no state of a connection lives longer */
#define ADOPT_MS_MAX	      600000u	 /* 10 minutes: apply holds its lock while it learns */
#define REFERENCE_DEPTH_MAX   16u	 /* a set in a set, a parameter that is another's value */

/* A host's policy. */
#define RULES_MAX	      4095u    /* counter slots, less slot 0; the contract asks for 1,024 */
#define MATCHES_MAX	      65536u   /* terms of all rules of a host */
#define PREFIXES_MAX	      2000000u /* of both families; the contract asks for 1M */
#define PRECEDENCE_PIECES_MAX 4096u    /* of what two rules both match, less what others decide */
#define LOCAL_ADDRESSES_MAX   256u     /* own addresses of one host */

/* Tables: classes are 16 bits wide in every index. */
#define CLASSES_MAX		  65535u
#define DECISION_CELLS_MAX	  (32u << 20) /* 64 MiB of u16 a direction */
#define FLAT_BY_ADDRESS_CELLS_MAX (1u << 20)  /* of a shortcut: beyond, the longer way is taken */
#define FLAT_PORT_PAGES_MAX	  65535u      /* pages of 256 ports, numbered in 16 bits */

/*
 * Nodes on any way through the index of IPv6: a million mixed prefixes need six. The verifier
 * follows each number of them to the end of the program.
 */
#define FLAT_STEPS_MAX 20
#define FLAT_UNITS_MAX 0x7fffffu /* of 32 bytes, that an entry can name */

/* Labels of counters. Slot 0 of each means "none". */
#define RULE_SLOTS_MAX	 4096u
#define ROLE_SLOTS_MAX	 128u
#define RULE_IDS_MAX	 16384u /* rules that ever had a counter since the first apply */
#define REASON_SLOTS_MAX 64u

#define CSV_BYTES_MAX	 (16u << 20) /* a table of flows that people wrote */

/* Feeds: AWS's has 16,000 entries in 2 MB. */
#define FEED_BYTES_MAX	       (64u << 20)
#define FEED_ENTRIES_MAX       1000000u
#define FEED_REDIRECTS_MAX     5
#define FEED_TIMEOUT_SECONDS   60u /* for a whole transfer, unless --timeout says otherwise */
#define FEED_SHRINK_PERCENT    20u /* an update that loses more than this is refused */
#define FEED_MAX_AGE_SECONDS   (7u * 86400u)
#define FEED_AGE_SECONDS_LIMIT (3650u * 86400u) /* what max-age may be at most */

/* The packet's way. */
#define VLAN_TAGS_MAX	      2
#define EXTENSION_HEADERS_MAX 8	    /* RFC 8200 lists five kinds, most once */
#define HEADER_COPY_BYTES     1024u /* a frame in several buffers has its headers within so many */
#define HEADER_COPY_ROOM      64u   /* and no header that is read whole is longer than this */

/*
 * A port counts as bound for so long after the kernel said that it is. RTP comes 50 times a second:
 * asked once a second, the question costs each packet a fiftieth.
 */
#define LIVE_ANSWER_MS 1000u
#define LIVE_ANSWERS   65536u /* kept, by port: a power of two, 1 MiB */

#define LIMIT_SETS_MIN 256u /* of LIMIT_WAYS sources: below that they get in each other's way */

/* Frames that packet lines and tests build. */
#define FRAME_BYTES_MAX (14u + 4u * FRAME_VLAN_TAGS_MAX + 40u + 65535u)
#define RUN_BYTES_MAX                                                                              \
	3072 /* a leaving frame in a test run of the kernel's: a page less its room                \
	      */
#define FRAME_VLAN_TAGS_MAX   4u  /* more than the programs read, so that this can be tried */
#define FRAME_EXTENSIONS_MAX  12u /* likewise */
#define PACKET_LINE_BYTES_MAX (1u << 18) /* a frame of the greatest length in hex, and room */

/* Defaults of the site's bounds. */
#define FLOWS_DEFAULT	    65536u
#define FLOWS_MIN	    64u
#define FLOWS_MAX	    (16u << 20)
#define FLOW_LINES_MAX	    (1u << 20) /* of the flow cache, a family: more would cost memory only */
#define FLOW_KEY_SLOTS_MAX  (1u << 24) /* of the screen of keys: 68 MiB */
#define FRAGMENTS_DEFAULT   4096u
#define FRAGMENTS_MIN	    16u
#define FRAGMENTS_MAX	    (1u << 20)
#define ADOPT_MS_DEFAULT    5000u /* silence in a call is rarely longer: RTCP alone is due by then */
#define SOURCES_DEFAULT	    65536u /* that limiters remember, of all rules */
#define SOURCES_MIN	    64u
#define SOURCES_MAX	    (4u << 20)
#define LIMIT_MAX	    1000000u /* a second and at once; the limiter's arithmetic counts on it */
#define FRAGMENT_TIMEOUT_MS 2000u    /* from a first fragment to its last */
#define CROSS_CHECK_DEFAULT 65536u   /* one packet in so many */
/* Timeouts of flows, in enum flow_state's order: design, "Flow state". */
#define TIMEOUT_MS_DEFAULTS                                                                        \
	{                                                                                          \
		30000u, 7200000u, 30000u, 30000u, 120000u, 10000u                                  \
	}
#define ECHO_LIMIT_MAX	1000000u /* icmp-echo: a second, and burst */
#define FLOW_PEER_SHARE 4u	 /* one rule and peer may hold 1/4 of the flow table */

/* A second of one bucket, and at once: path-MTU discovery needs one, and one more where the path
 * narrows again. */
#define ICMP_ERRORS_PER_SECOND 10u
/*
 * Buckets of arriving ICMP errors, 8 bytes each: 2048 for own flows, so that two that learn at once
 * seldom share one; and for in rules 8 for each of 256 sets of tellers, so that a path that changes
 * is told to many peers at once, and a stranger has a 256th of it whatever he quotes.
 */
#define ICMP_FLOW_BUCKETS 2048u /* powers of two, all three */
#define ICMP_TELLER_SETS  256u
#define ICMP_TELLER_WAYS  8u
#define ICMP_BUCKETS	  (ICMP_FLOW_BUCKETS + ICMP_TELLER_SETS * ICMP_TELLER_WAYS)
/* Of one teller: what routes are announced by, and what a site is given (RFC 6177). */
#define ICMP_TELLER_IPV4_BITS 24
#define ICMP_TELLER_IPV6_BITS 48

/* Drop events: a second's worth may come at once, so a ring holds that and some that are older. */
#define DROP_EVENTS_PER_SECOND 10u  /* and direction and reason: enough to read, nothing to feel */
#define DROP_RING_EVENTS       16u  /* kept of each direction and reason; a power of two */
#define DROP_EVENT_FRAME_BYTES 128u /* two tags, IPv6, an extension, TCP with all its options */

/* While a command swaps hooks, what is read of them is half old and half new. */
#define STATUS_READINGS 10u
#define STATUS_PAUSE_MS 20u

/* The exporter: a Prometheus or two and a person at a time. */
#define SERVE_CONNECTIONS_MAX	   32u
#define SERVE_TIMEOUT_SECONDS	   5u	       /* idle ones make room, if all are taken */
#define SERVE_CONNECTION_BYTES_MAX (32u << 10) /* one request's headers */

#endif
