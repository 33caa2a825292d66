/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The closed list of reasons: why a packet passed or was dropped.
 *
 * One list makes the enum, the words, the metric labels and the manual page; nothing else may name
 * a reason. Append only: the number of a reason is an index into pinned counters.
 *
 * X(SYMBOL, "word", verdict, "meaning")
 */
#ifndef SALLYPORT_REASONS_H
#define SALLYPORT_REASONS_H

#define SALLYPORT_REASONS(X)                                                                       \
	X(NONE, "none", DROP, "never given to a packet")                                           \
	X(RULE, "rule", PASS, "a rule allows it")                                                  \
	X(MIRROR, "mirror", PASS, "it answers what an in rule lets in")                            \
	X(FLOW, "flow", PASS, "it belongs to a flow that this host opened")                        \
	X(FRAGMENT, "fragment", PASS, "it continues a datagram whose first fragment passed")       \
	X(ICMP_ERROR, "icmp-error", PASS, "it reports on a packet of an allowed conversation")     \
	X(ARP, "arp", PASS, "ARP is never judged")                                                 \
	X(LINK_CONTROL, "link-control", PASS, "a link protocol of host: {link-control}")           \
	X(NEIGHBOUR, "neighbour-discovery", PASS, "IPv6 neighbour discovery on this link")         \
	X(DHCP, "dhcp", PASS, "the DHCP client exchange, by host: {dhcp: yes}")                    \
	X(FORWARDED, "forwarded", PASS, "it only passes through, by host: {forwarding: pass}")     \
	X(NOT_JUDGED, "not-judged", PASS, "the mode of this direction is off")                     \
	X(MALFORMED, "malformed", DROP, "its headers are cut short or contradict each other")      \
	X(ETHERTYPE, "ethertype", DROP, "neither IP nor a link protocol that passes")              \
	X(SPOOFED, "spoofed", DROP, "its source can't be a peer on this link")                     \
	X(FRAGMENT_EARLY, "fragment-early", DROP, "no first fragment of its datagram passed")      \
	X(FRAGMENT_TINY, "fragment-tiny", DROP, "a first fragment without the whole L4 header")    \
	X(FRAGMENT_OVERLAP, "fragment-overlap", DROP, "it starts inside the first's L4 header")    \
	X(FRAGMENT_TABLE_FULL, "fragment-table-full", DROP, "bounds: {fragments} is reached")      \
	X(NEIGHBOUR_SCOPE, "neighbour-scope", DROP, "neighbour discovery from off this link")      \
	X(ICMP_REDIRECT, "icmp-redirect", DROP, "redirects are never accepted")                    \
	X(ICMP_UNRELATED, "icmp-unrelated", DROP,                                                  \
	  "it quotes no packet of an allowed conversation")                                        \
	X(ICMP_LIMITED, "icmp-limited", DROP,                                                      \
	  "more ICMP errors from there, or about this flow, than are let in")                      \
	X(ICMP_TYPE, "icmp-type", DROP, "an ICMP message that no rule allows")                     \
	X(PROTOCOL, "protocol", DROP, "an IP protocol that no rule allows")                        \
	X(CLOSED_PORT, "closed-port", DROP, "a service port that is in no rule")                   \
	X(UNKNOWN_PEER, "unknown-peer", DROP, "the other end is in no rule of this direction")     \
	X(WRONG_ADDRESS, "wrong-address", DROP,                                                    \
	  "the service is not at this local address or port")                                      \
	X(WRONG_PORT, "wrong-port", DROP, "a known peer, but not for this port")                   \
	X(NO_FLOW, "no-flow", DROP, "an answer to nothing that this host asked")                   \
	X(FLOW_BLOCKED, "flow-blocked", DROP, "its flow began under a policy that allowed it")     \
	X(FLOW_TABLE_FULL, "flow-table-full", DROP, "bounds: {flows} is reached")                  \
	X(FLOW_PEER_FULL, "flow-peer-full", DROP, "one rule and peer hold too many flows")         \
	X(TRANSIT, "transit", DROP, "it only passes through, and forwarding is not allowed")       \
	X(NOT_BOUND, "not-bound", DROP, "a live port: no local socket is bound to it now")         \
	X(LIMITED, "limited", DROP, "more in a second than its rule or host: {icmp-echo} allows")  \
	X(SHAPE, "shape", DROP, "nothing that may arrive on a media port (RFC 7983)")              \
	X(ICMP_ECHO, "icmp-echo", PASS, "a ping or its answer, by host: {icmp-echo}")              \
	X(MEMBERSHIP, "multicast-membership", PASS, "IGMP or MLD on this link")                    \
	X(VLAN, "vlan", DROP, "a VLAN that host: {vlan} does not name")

enum verdict {
	VERDICT_DROP = 0,
	VERDICT_PASS = 1,
};

enum reason {
#define X(symbol, word, verdict, meaning) REASON_##symbol,
	SALLYPORT_REASONS(X)
#undef X
		REASON_COUNT,
};

#endif
