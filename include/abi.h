/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs in the kernel and the loader in user space share: keys and values of the maps,
 * the configuration, the outcome that trace reads. Fixed width, padding by name, layout asserted
 * here. Both compilers read this file; change a layout and LAYOUT_VERSION with it.
 *
 * Ports and addresses in keys are in network byte order (they are compared, never computed with)
 * unless a field says "host order".
 */
#ifndef SALLYPORT_ABI_H
#define SALLYPORT_ABI_H

#ifndef __bpf__
#include <assert.h>
#include <linux/types.h>
#include <stddef.h>
#else
#define static_assert _Static_assert
/* libbpf's is no constant expression */
#undef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

#include "bounds.h"
#include "reasons.h"

#define LAYOUT_VERSION 4u

enum direction {
	DIRECTION_IN = 0,  /* a peer opens to this host */
	DIRECTION_OUT = 1, /* this host opens */
	DIRECTION_COUNT = 2,
};

enum mode {
	MODE_OFF = 0,
	MODE_AUDIT = 1,
	MODE_ENFORCE = 2,
};

enum lookup {
	LOOKUP_MAPS = 0,
	LOOKUP_FLAT = 1,
};

enum forwarding {
	FORWARDING_REFUSE = 0, /* apply refuses a forwarding host; on the wire the same as drop */
	FORWARDING_DROP = 1,
	FORWARDING_PASS = 2,
};

/* Link protocols without IP, as bits: host: {link-control}. */
#define LINK_LACP	     0x1u /* EtherType 0x8809, all slow protocols of IEEE 802.3 */
#define LINK_LLDP	     0x2u /* 0x88cc */
#define LINK_EAPOL	     0x4u /* 0x888e */
#define LINK_STP	     0x8u /* LLC to 01:80:c2:00:00:0x, DSAP and SSAP 0x42 (IEEE 802.1D) */
#define LINK_CONTROL_DEFAULT (LINK_LACP | LINK_LLDP | LINK_EAPOL)

/* A set of VLAN ids as a bitmap. Id 0 stands for no tag, and for one that has but a priority. */
#define VLAN_IDS   4096u
#define VLAN_WORDS (VLAN_IDS / 64u)

/*
 * ICMP has no ports. In port tables its "port" is type << 8 | code of the request (host order), so
 * an echo request is a service like any other: protocol 1, port 0x0800; protocol 58, port 0x8000. A
 * protocol with neither ports nor echo has port 0.
 */
#define ICMP4_ECHO_SERVICE 0x0800u
#define ICMP6_ECHO_SERVICE 0x8000u

/*
 * What a rule takes away again from what it matches. A decision holds its rule's slot and these in
 * one number, so that a rule without options costs no look at them.
 */
#define RULE_SLOT_MASK	  0x0fffu
#define RULE_LIVE	  0x1000u /* only while a local socket is bound there */
#define RULE_SHAPE_RTP	  0x2000u /* only what RFC 7983 lets arrive on a media port */
#define RULE_LIMIT	  0x4000u /* so many a second and source: see rule_limits */
#define RULE_OPTIONS_MASK 0x7000u
#define RULE_OPTION_COUNT 3u

/* rule_limits: by rule slot; read only for rules with RULE_LIMIT. */
struct rule_limit {
	__u32 per_second; /* new TCP connections, packets of other protocols: 1 to LIMIT_MAX */
	__u32 burst;	  /* at most so many at once: 1 to LIMIT_MAX */
	__u8 ipv4_bits;	  /* a source is a prefix of so many bits */
	__u8 ipv6_bits;
	__u8 unused[6];
};
static_assert(sizeof(struct rule_limit) == 16, "rule_limit has no padding");

/*
 * live_answers: by port, what the kernel said when it was asked for a socket. Written and read
 * without a lock: see bpf/live.h.
 */
struct live_answer {
	__u64 about;   /* LIVE_*, and when it was asked, in ticks of the clock */
	__u64 subject; /* who it is about, exclusive-or about */
};
static_assert(sizeof(struct live_answer) == 16, "live_answer has no padding");

#define LIVE_PEER_PORT 0x0000ffffu /* of LIVE_PEER, host order */
#define LIVE_BOUND     0x00010000u
#define LIVE_PEER      0x00020000u /* of this peer only; otherwise of any */
#define LIVE_TCP       0x00040000u /* otherwise UDP */
#define LIVE_IPV6      0x00080000u
#define LIVE_CLOCK     24 /* the bits from here on */

/*
 * limits: the sources that limited rules remember, LIMIT_WAYS places for those that share a set. A
 * place whose bucket is full again is as good as free.
 */
#define LIMIT_WAYS 4u

struct limit_source {
	__u64 rule;    /* slot, LIMIT_IPV6; 0: free */
	__u64 upper;   /* host order: bits 127..64 of the prefix; IPv4: 0 */
	__u64 lower;   /* bits 63..0; IPv4: its 32 bits */
	__u64 full_at; /* docs/packet-path.md, section 8 */
};
static_assert(sizeof(struct limit_source) == 32, "limit_source has no padding");

#define LIMIT_IPV6 0x00010000u

struct limit_set {
	struct limit_source ways[LIMIT_WAYS];
};

/* ------------------------------------------------------------ lookup: maps (the truth) ----------
 */

/* Which end of which rules a port is looked up for. */
enum port_side {
	PORT_IN_LOCAL = 0,   /* the service port of in rules */
	PORT_IN_REMOTE = 1,  /* the peer's source port in in rules */
	PORT_OUT_LOCAL = 2,  /* this host's source port in out rules */
	PORT_OUT_REMOTE = 3, /* the service port of out rules */
	PORT_SIDE_COUNT = 4,
};

/* Key of the LPM trie port_classes: side and protocol in full, then a prefix of the port. */
struct port_key {
	__u32 prefix_length; /* 16 + bits of port */
	__u8 side;	     /* enum port_side */
	__u8 protocol;
	__be16 port;
};
static_assert(sizeof(struct port_key) == 8, "port_key has no padding");

struct port_class {
	__u16 class_id; /* 0: in no rule (never stored) */
	__u16 unused;
};

struct ipv4_key {
	__u32 prefix_length;
	__u8 address[4];
};
static_assert(sizeof(struct ipv4_key) == 8, "ipv4_key has no padding");

struct ipv6_key {
	__u32 prefix_length;
	__u8 address[16];
};
static_assert(sizeof(struct ipv6_key) == 20, "ipv6_key has no padding");

/*
 * Class of an address, of a peer or of this host. The longest match gives one entry only, so each
 * entry already holds the rights of every shorter prefix above it.
 */
struct address_class {
	__u16 class_id;	  /* 0: no rule names it */
	__u8 own;	  /* 1: this host's own address */
	__u8 peer_of_in;  /* 1: remote end of some in rule */
	__u8 peer_of_out; /* 1: remote end of some out rule */
	__u8 unused;
	__u16 role_slot; /* label of drops of this peer */
};
static_assert(sizeof(struct address_class) == 8, "address_class has no padding");

/* Classes of local addresses that need no entry. */
#define LOCAL_CLASS_OTHER                                                                          \
	0u /* some unicast address that no rule names (management rules match it) */
#define LOCAL_CLASS_GROUP 1u /* multicast and limited broadcast */
#define LOCAL_CLASS_FIRST 2u

/* near = this host's end (port class, address class); far = the peer's end. */
struct end_key {
	__u8 direction; /* enum direction, of the rule */
	__u8 far;	/* 0: near, 1: far */
	__u16 port_class;
	__u16 address_class;
	__u16 unused;
};
static_assert(sizeof(struct end_key) == 8, "end_key has no padding");

struct end_class {
	__u16 class_id;
	__u16 unused;
};

struct decision_key {
	__u16 near_class;
	__u16 far_class;
	__u8 direction;
	__u8 unused[3];
};
static_assert(sizeof(struct decision_key) == 8, "decision_key has no padding");

struct decision {
	__u16 rule_slot; /* 0: no rule (never stored) */
	__u16 options;	 /* RULE_LIVE, RULE_SHAPE_RTP, RULE_LIMIT */
};

/* What a slot stands for: never read by the programs, always by people (bpftool map dump). */
struct rule_info {
	char id[RULE_ID_BYTES_MAX + 1];
	char direction[4]; /* "in", "out" */
	char from[NAME_BYTES_MAX * 2 + 2];
	char to[NAME_BYTES_MAX * 2 + 2];
	char document[128];
	char section[96];
	char row[32];
	char lines[32]; /* of the document */
	char services[256];
};

/* ------------------------------------------------------------ lookup: flat (the index) ----------
 */

/*
 * flat_classes begins with u16 pages of ports. Entry [side << 16 | protocol << 8 | port >> 8] is
 * the number of a page of 256 classes that starts at FLAT_PORT_PAGES + page * 256. Page 0 is all
 * zero.
 */
#define FLAT_PORT_PAGES (PORT_SIDE_COUNT << 16)

/*
 * flat_ipv4, flat_ipv6: from an address to its leaf, in units of 32 bytes. An address is two halves
 * of 64 bits in host order; an IPv4 address stands at the top of the upper one. The first
 * FLAT_ROOT_UNITS hold an entry for each value of its upper 16 bits. An entry is a leaf, or
 * FLAT_NODE | kind | shift | number of a unit. A node looks at a half of the address, shifted
 * right:
 *
 *   list     its lowest 19 bits are held against ascending keys, in lanes of 20 bits, three to a
 *            word: entry n is that of a value which n keys are not above. One unit: u64 above,
 *            u64 keys, u32 entries[4]. FLAT_WIDE, two units in one cache line: u64 above, u64
 *            keys[3], u32 entries[8]; no more than 7 keys. Lanes that are not needed hold
 *            FLAT_KEY_NEVER, and their entries repeat the last one.
 *   dense    FLAT_DENSE, 32 units: u32 entries[256] by its lowest 8 bits
 *
 * A list holds for addresses whose bits above those 19 are its word "above"; what is below them
 * takes its first entry, what is above them the last: so bits that all prefixes of a region share
 * are skipped. (IPv4 has nothing to skip and never looks there: its lists are all shifted by 32,
 * its dense nodes by 40.)
 *
 * Behind the last unit FLAT_TAIL_UNITS of zeros follow, so that whatever an entry names is there.
 */
#define FLAT_UNIT_BYTES	    32u
#define FLAT_ROOT_UNITS	    (65536u * 4u / FLAT_UNIT_BYTES)
#define FLAT_DENSE_UNITS    (256u * 4u / FLAT_UNIT_BYTES)
#define FLAT_TAIL_UNITS	    FLAT_DENSE_UNITS
#define FLAT_NODE	    0x80000000u
#define FLAT_DENSE	    0x40000000u
#define FLAT_WIDE_BIT	    29
#define FLAT_WIDE	    (1u << FLAT_WIDE_BIT)
#define FLAT_LOWER	    0x10000000u /* it looks at the lower half, and so do all below it */
#define FLAT_SHIFT_AT	    22		/* shifts are even */
#define FLAT_SHIFT_MASK	    62u
#define FLAT_UNIT_MASK	    FLAT_UNITS_MAX
#define FLAT_KEY_BITS	    19u
#define FLAT_KEY_MASK	    0x7ffffu
#define FLAT_LANE_BITS	    20u
#define FLAT_LANES	    0x0000010000100001ull /* 1 in each lane of a word */
#define FLAT_KEY_NEVER	    0x80000ull
#define FLAT_ENTRIES_NARROW 4u
#define FLAT_ENTRIES_WIDE   8u
#define FLAT_STEPS_IPV4	    4 /* a dense node, then three lists */

/*
 * Nearly all peers share the first bits of their addresses; those tell nothing apart. So the root
 * is where most of them are: part = (upper half ^ value) >> shift is the root's index, if it is no
 * more than 16 bits; else the address lies elsewhere.
 */
struct flat_root {
	__u64 value;
	__u32 shift; /* even */
	__u32 outer; /* entry of all that lies elsewhere: it looks at the whole upper half */
};
static_assert(sizeof(struct flat_root) == 16, "flat_root has no padding");

/* A leaf. */
#define FLAT_OWN	 0x40000000u
#define FLAT_PEER_OF_IN	 0x20000000u
#define FLAT_PEER_OF_OUT 0x10000000u
#define FLAT_ROLE_SHIFT	 16 /* seven bits: role_slot */
#define FLAT_ROLE_MASK	 0x007f0000u
#define FLAT_CLASS_MASK	 0x0000ffffu

/* Own addresses that are compared before the tree is asked: most hosts have no more. */
#define FLAT_LOCAL_MAX 4u

struct flat_local {
	__be32 address[4]; /* IPv4 in the first */
	__u16 class_id;
	__u16 unused[3];
};
static_assert(sizeof(struct flat_local) == 24, "flat_local has no padding");

/*
 * Behind the pages of ports flat_classes holds u16 tables: where each starts, and its row length;
 * see bpf/lookup_flat.h.
 */
struct flat_shape {
	__u32 near_offset[DIRECTION_COUNT];
	__u32 near_columns[DIRECTION_COUNT]; /* local address classes */
	__u32 far_offset[DIRECTION_COUNT];
	__u32 far_columns[DIRECTION_COUNT]; /* peer classes */
	__u32 decision_offset[DIRECTION_COUNT];
	__u32 decision_columns[DIRECTION_COUNT]; /* far classes, or peer classes */
	__u32 far_is_address[DIRECTION_COUNT];	 /* decisions are by peer class: no table of far */
	__u32 classes_mask; /* entries of flat_classes, rounded up to a power of two, less one */
	__u32 ipv4_units;   /* that entries may name */
	__u32 ipv6_units;
	__u32 ipv4_locals;
	__u32 ipv6_locals;
	__u32 ipv4_empty; /* 1: no address of that family is in the tables, and no code looks for it
			   */
	__u32 ipv6_empty;
	__u32 locals_complete; /* 1: no other address has a class of its own at the near end */
	struct flat_root ipv6_root;
	struct flat_local ipv4_local[FLAT_LOCAL_MAX];
	struct flat_local ipv6_local[FLAT_LOCAL_MAX];
};

/* ------------------------------------------------------------ state -----------------------------
 */

struct flow_key {
	__u8 local[16]; /* IPv4 in the last four bytes, the rest 0 */
	__u8 remote[16];
	__be16 local_port; /* ICMP echo: the identifier */
	__be16 remote_port;
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u16 unused;
};
static_assert(sizeof(struct flow_key) == 40, "flow_key has no padding");

enum flow_state {
	FLOW_SYN = 0,	  /* TCP, own SYN sent */
	FLOW_TCP = 1,	  /* TCP, own ACK sent */
	FLOW_CLOSING = 2, /* TCP, own FIN or RST sent */
	FLOW_UDP_NEW = 3, /* one own packet */
	FLOW_UDP = 4,	  /* two own packets or more; SCTP and other protocols too */
	FLOW_ICMP = 5,	  /* echo */
	FLOW_STATE_COUNT = 6,
};

struct flow {
	__u64 last_seen; /* clock of the last own packet */
	__u64 created;
	__u32 generation; /* of the policy that judged it last */
	__u16 rule_slot;  /* 0: opened while out was audit or off and no rule matched */
	__u8 state;	  /* enum flow_state */
	__u8 blocked;	  /* the policy of that generation does not allow it */
};
static_assert(sizeof(struct flow) == 24, "flow has no padding");

/*
 * A screen tells what surely belongs to no flow, by one bit: of its local port, and of its whole
 * key, hashed. Shared as flows is, and right at every moment: see bpf/flow_screen.h.
 */
#define FLOW_SCREEN_WORD 32u /* slots of one word */

struct flow_screen {
	__u32 half; /* 0, 1: the one that openers write to */
	__u32 unused;
	__u64 owners[]; /* lower half: one bit a slot; upper: likewise */
			/* Behind them a __u32 for each slot: flows in the table, or about to be. */
};
static_assert(sizeof(struct flow_screen) == 8, "flow_screen has no padding");

#define FLOW_SCREEN_BYTES(slots)                                                                   \
	(sizeof(struct flow_screen) + (slots) / FLOW_SCREEN_WORD * 8 + (slots)*4)

enum flow_plane {
	FLOW_PLANE_TCP = 0,
	FLOW_PLANE_UDP = 1,
	FLOW_PLANE_OTHER = 2, /* by what stands for the local port in struct flow_key */
	FLOW_PLANE_COUNT = 4, /* rounded up, so that a mask bounds the slot */
};

/* The slots of local ports: plane << 16 | port. */
#define FLOW_PORT_SLOTS ((__u32)FLOW_PLANE_COUNT << 16)
#define FLOW_PORT_MASK	(FLOW_PORT_SLOTS - 1)

/*
 * The cache of TCP and UDP flows: lines of 64 bytes for IPv4 and of 192 for IPv6, by a hash of the
 * flow's key. How they are read and written by many CPUs at once is said in bpf/flow_line.h.
 */
#define FLOW_LINE_IPV4_WAYS 3
#define FLOW_LINE_IPV6_WAYS 4

/* A flow in a line: its rule slot, 1 + its state (0: there is no flow), and whether it is blocked.
 */
#define FLOW_MARK_SLOT_MASK   0x0fffu
#define FLOW_MARK_STATE_SHIFT 12
#define FLOW_MARK_STATE_MASK  0x7u
#define FLOW_MARK_BLOCKED     0x8000u
static_assert(RULE_SLOTS_MAX - 1 <= FLOW_MARK_SLOT_MASK, "a rule slot fits a mark");
static_assert(FLOW_STATE_COUNT <= FLOW_MARK_STATE_MASK, "a state and none fit a mark");

struct flow_line_ipv4 {
	__u32 sequence;
	__u32 generation; /* of the policy that judged these flows */
	__u16 era;	  /* clock >> 32 when they were seen */
	__u16 marks[FLOW_LINE_IPV4_WAYS];
	__u32 seen[FLOW_LINE_IPV4_WAYS];  /* clock of the last own packet, lower half */
	__u32 ports[FLOW_LINE_IPV4_WAYS]; /* local << 16 | remote, host order */
	__be32 local[FLOW_LINE_IPV4_WAYS];
	__be32 remote[FLOW_LINE_IPV4_WAYS];
};
static_assert(sizeof(struct flow_line_ipv4) == 64, "one cache line");

struct flow_line_ipv6 {
	__u32 sequence; /* as above */
	__u32 generation;
	__u16 era;
	__u16 marks[FLOW_LINE_IPV6_WAYS];
	__u16 unused;
	__u32 seen[FLOW_LINE_IPV6_WAYS];
	__u32 ports[FLOW_LINE_IPV6_WAYS];
	__u32 unused_too[3];
	struct {
		__be32 local[4];
		__be32 remote[4];
	} addresses[FLOW_LINE_IPV6_WAYS];
};
static_assert(sizeof(struct flow_line_ipv6) == 64 + FLOW_LINE_IPV6_WAYS * 32u, "three cache lines");

/*
 * Lines of the two maps, and slots of the screen of keys, less one, each a power of two. Set before
 * the programs are loaded.
 */
struct flow_cache_shape {
	__u32 ipv4_mask;
	__u32 ipv6_mask;
	__u32 key_mask;
};

/* How many flows one rule holds to one peer. */
struct flow_share_key {
	__u8 remote[16];
	__u16 rule_slot;
	__u8 family;
	__u8 unused[5];
};
static_assert(sizeof(struct flow_share_key) == 24, "flow_share_key has no padding");

/* What became of a TCP connection that was open before its hooks were. */
enum adoption_outcome {
	ADOPTION_ADMITTED = 0, /* an in rule admits it, and its mirror the answers: needs none */
	ADOPTION_KNOWN = 1,    /* it has a flow already */
	ADOPTION_MADE = 2,     /* it has one now */
	ADOPTION_REFUSED = 3,  /* no rule allows it, and it is cut */
	ADOPTION_NO_ROOM = 4,  /* the flow table is full */
	ADOPTION_IGNORED = 5,  /* no rule allows it, but in only looks, and nothing is cut */
};

/* What the program adopt is asked, and its answer in the same place. */
struct adoption {
	struct flow_key key; /* TCP */
	__u8 state;	     /* enum flow_state: of the flow that is due */
	__u8 outcome;	     /* enum adoption_outcome */
	__u8 reason;	     /* enum reason: where no rule matches, why */
	__u8 served;	     /* 1: its local port is one that this host serves */
	__u16 rule_slot;     /* 0: none */
	__u16 unused;
};
static_assert(sizeof(struct adoption) == 48, "adoption has no padding");

struct fragment_key {
	__u8 source[16];
	__u8 destination[16];
	__be32 identification; /* IPv4: in the lower 16 bits */
	__u8 protocol;	       /* IPv4 only: RFC 791 3.2; 0 for IPv6 (RFC 8200 4.5) */
	__u8 family;
	__u8 direction; /* enum direction: arriving or leaving */
	__u8 unused;
};
static_assert(sizeof(struct fragment_key) == 40, "fragment_key has no padding");

struct fragment {
	__u64 seen;	  /* clock of the first fragment */
	__u16 header_end; /* bytes of the first fragment's payload up to the end of its L4 header */
	__u16 rule_slot;
	__u8 judged; /* enum verdict of the first fragment; drop is kept only in audit */
	__u8 reason; /* of the first */
	__u16 role_slot;
};
static_assert(sizeof(struct fragment) == 16, "fragment has no padding");

struct counter {
	__u64 packets;
	__u64 bytes;
};
static_assert(sizeof(struct counter) == 16, "counter has no padding");

/* Index into receive_reasons and transmit_reasons. */
#define REASON_COUNTERS (2u * ROLE_SLOTS_MAX * REASON_SLOTS_MAX)
#define REASON_COUNTER(would, role, reason)                                                        \
	((((would) ? 1u : 0u) * ROLE_SLOTS_MAX + (role)) * REASON_SLOTS_MAX + (reason))
static_assert(REASON_COUNT <= REASON_SLOTS_MAX, "reasons fit their counters");

/* ------------------------------------------------------------ drop events -----------------------
 * For each direction and reason a ring of the last DROP_RING_EVENTS sampled drops, so that a flood
 * of one reason overwrites nothing of another. Rings are never full and nobody consumes them: any
 * number of readers look, and each knows by the numbers what it has missed.
 */

#define DROP_RING(direction, reason) ((direction)*REASON_SLOTS_MAX + (reason))
#define DROP_RINGS		     ((__u32)DIRECTION_COUNT * REASON_SLOTS_MAX)
/* Index into drop_events of the event that has this number in its ring. */
#define DROP_EVENT(ring, number) ((ring)*DROP_RING_EVENTS + (__u32)((number) % DROP_RING_EVENTS))

/* drop_rings, by DROP_RING. */
struct drop_ring {
	/*
	 * Clock from which the next drop makes an event. Each event moves it on by
	 * 1/DROP_EVENTS_PER_SECOND of a second; before, it is brought up to a second behind now, so
	 * that after a quiet second so many may come at once.
	 */
	__u64 due;
	__u64 events; /* that were ever made: the number of the last */
};
static_assert(sizeof(struct drop_ring) == 16, "drop_ring has no padding");

/* drop_events, by DROP_EVENT. */
struct drop_event {
	__u64 number;	  /* in its ring, from 1; 0: none yet, or it is being written */
	__u64 time;	  /* CLOCK_BOOTTIME, nanoseconds */
	__u64 packets;	  /* dropped in this direction by this reason and role so far, with this */
	__u32 interface;  /* index */
	__u32 generation; /* of the policy that judged it */
	__u32 length;	  /* bytes of the whole frame */
	__u16 captured;	  /* bytes of frame[] that hold its beginning */
	__u16 rule_slot;  /* the rule that was involved; 0: none */
	__u16 role_slot;  /* of the peer; 0: none */
	__u16 vlan_tci;	  /* of a tag that is in metadata, not in the frame; host order */
	__u16 vlan_protocol; /* its EtherType, host order; 0: there is none */
	__u8 direction;	     /* enum direction */
	__u8 reason;	     /* enum reason */
	__u8 verdict;	     /* enum verdict as it took effect; pass: audit */
	__u8 unused[7];
	__u8 frame[DROP_EVENT_FRAME_BYTES];
};
static_assert(offsetof(struct drop_event, length) == 32, "drop_event has no padding");
static_assert(offsetof(struct drop_event, direction) == 46, "drop_event has no padding");
static_assert(offsetof(struct drop_event, frame) == 56, "drop_event has no padding");
static_assert(sizeof(struct drop_event) == 56 + DROP_EVENT_FRAME_BYTES, "drop_event likewise");
static_assert(DROP_RING_EVENTS > DROP_EVENTS_PER_SECOND + 1, "what comes at once fits its ring");

/* ------------------------------------------------------------ configuration ---------------------
 */

/*
 * Set before the programs are loaded (const volatile, so that what a policy does not use is dead
 * code to the verifier). The clock counts jiffies on the wire and milliseconds in trace.
 */
struct config {
	__u64 timeouts[FLOW_STATE_COUNT]; /* in ticks of the clock */
	__u64 fragment_timeout;
	__u64 second; /* ticks of the clock in a second */
	__u32 generation;
	__u32 cross_check; /* one packet in so many is judged by both encodings; 0: none */
	__u32 icmp_errors_per_second; /* of each bucket of icmp_buckets, and at once: 1 or more */
	__u32 flow_share;	      /* flows that one rule and peer may hold; 0: any */
	__u8 mode[DIRECTION_COUNT];   /* enum mode */
	__u8 lookup;		      /* enum lookup */
	__u8 forwarding;	      /* enum forwarding */
	__u8 dhcp;		      /* the client exchange passes */
	__u8 router_advertisements;
	__u8 virtual_clock; /* trace: the clock is state.now */
	__u8 record;	    /* trace: write state.outcome */
	__u8 dry_run;	    /* explain: change no flow, fragment or limit */
	/* 0: no rule of that direction looks at it, so it is not looked up. */
	__u8 local_port_used[DIRECTION_COUNT];
	__u8 remote_port_used[DIRECTION_COUNT];
	/* What a dry run can't find out without changing something: is there no room left? */
	__u8 flows_full;
	__u8 fragments_full;
	__u8 unused;
	__u32 cross_check_mask; /* a power of two that is not above cross_check, less one */
	__u32 rule_options;    /* RULE_OPTIONS_MASK's bits that some in rule has: 0 costs nothing */
	__u32 live_ticks;      /* how long a port that was found bound counts as bound */
	__u32 limit_sets;      /* of the map limits */
	__u64 limit_seed;      /* so that nobody can choose what shares a set or a bucket */
	__u32 echo_per_second; /* echo requests from anybody that no rule lets in; 0: none */
	__u32 echo_burst;
	__u8 link_control;	   /* LINK_LACP and others: what passes */
	__u8 multicast_membership; /* IGMP and MLD pass on the link */
	__u8 vlan_filter;	   /* 1: only vlans pass */
	__u8 router_choice;	   /* the site says router_advertisements, not the interface */
	__u8 unused2[4];
	__u64 vlans[VLAN_WORDS];
};

/* What the last packet met; only where config.record is set. */
struct outcome {
	__u8 verdict; /* enum verdict, as it takes effect */
	__u8 judged;  /* enum verdict, as the policy says */
	__u8 reason;  /* enum reason, of what was judged */
	__u8 unused;
	__u16 rule_slot;
	__u16 role_slot;
	__u32 way; /* LONG_WAY, or 0: the packet was judged on the short way */
};

/* A number that nothing else in the programs is, so that the long way can be found in them. */
#define LONG_WAY 0x106e6a11u

/* Whether a local socket is bound where a packet goes: what a rule with RULE_LIVE asks. */
enum bound {
	BOUND_NO = 0,
	BOUND_YES = 1,
	BOUND_ASK = 2, /* the sockets of this network namespace, as on the wire */
};

/* Writable state of one generation on one interface. */
struct state {
	__u64 now; /* trace: the virtual clock */
	__u64 disagreements;
	__u32 fallback; /* 1: flat and maps disagreed, maps decide until the next load */
	struct outcome outcome;
	/* Said of the next packet before it is judged; looked at only where config.record is set.
	 */
	__u8 bound;	  /* enum bound */
	__u8 has_payload; /* 0: RULE_SHAPE_RTP is not asked */
	__u8 unused[6];
	/* Clock times config.echo_per_second up to which echo requests have used their limit. */
	__u64 echo_used;
};

/* ------------------------------------------------------------ what outlives a command -----------
 * Never read by the programs: for the commands, and for people (bpftool map dump).
 */

/* Key of rule_slots and rule_bases. One rule id may stand for an in rule and an out rule. */
struct rule_key {
	char id[RULE_ID_BYTES_MAX + 1];
	char direction[8]; /* "in", "out" */
};
static_assert(sizeof(struct rule_key) == 200, "rule_key has no padding");

/* rule_slots: which counters a rule has. An entry stays when its slot was given to another rule. */
struct rule_slot {
	__u32 slot;	       /* 0: none at the moment; its totals are in rule_bases */
	__u32 last_generation; /* the latest that had this rule */
};
static_assert(sizeof(struct rule_slot) == 8, "rule_slot has no padding");

/* rule_bases, of one interface: what a rule had counted in slots that it no longer has. */
struct rule_base {
	struct counter received;
	struct counter transmitted;
	__u32 folding; /* 1: the slot's counters are in here already, and about to be zeroed */
	__u32 unused;
};
static_assert(sizeof(struct rule_base) == 40, "rule_base has no padding");

struct role_key {
	char role[NAME_BYTES_MAX * 2 + 2]; /* "cyara/mssql" */
};
static_assert(sizeof(struct role_key) == 128, "role_key has no padding");

/* role_slots: which counters the drops of a role's peers have. */
struct role_slot {
	__u32 slot;
	__u32 last_generation;
};
static_assert(sizeof(struct role_slot) == 8, "role_slot has no padding");

#define ROLE_SLOT_OTHER 1u /* all roles that found no slot of their own */

/* meta: one entry. Pinned last, so that pins with it are whole. */
struct layout_meta {
	__u32 layout_version;
	__u32 generation;   /* the last number that was given */
	__u64 netns_inode;  /* of the network namespace that the pins belong to */
	__u64 netns_cookie; /* SO_NETNS_COOKIE; 0: the kernel has none */
	__u64 created_at;   /* Unix time, seconds */
};
static_assert(sizeof(struct layout_meta) == 32, "layout_meta has no padding");

/* journal: one entry. What is being done, so that the next command can finish or revert it. */
struct journal {
	char step[16];	    /* "idle", "prepare", "swap", "revert", "clean", "detach" */
	char interface[16]; /* detach: which */
	__u32 generation;   /* prepare, swap, revert: the new one */
	__u32 pid;	    /* of the command that wrote it */
	__u64 since;	    /* Unix time, seconds */
};
static_assert(sizeof(struct journal) == 48, "journal has no padding");

/* generation_info: one entry. Where a generation comes from. */
struct generation_info {
	char site[NAME_BYTES_MAX + 1];
	char host[NAME_BYTES_MAX + 1]; /* "": an unnamed host */
	char digest[72];	       /* host_policy_digest */
	char version[24];	       /* of the sallyport that loaded it */
	char mode_in[8];	       /* "off", "audit", "enforce" */
	char mode_out[8];
	char lookup[8];	     /* "flat", "maps" */
	char xdp_mode[8];    /* to attach in: "native", "generic"; what is in force is asked for */
	char egress_hook[8]; /* to attach to: "tcx", "clsact" */
	char documents[512]; /* titles, "; " between them */
	__u64 loaded_at;     /* Unix time, seconds */
	__u32 generation;
	__u32 rules;
	__u32 clsact_created; /* 1: the clsact qdisc is ours, and goes when we go */
	__u32 adopt_ms;	      /* egress learns so long before XDP is first attached */
};
static_assert(sizeof(struct generation_info) == 800, "generation_info has no padding");

#endif
