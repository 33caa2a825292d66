/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Constants that the kernel defines as macros, so that its BTF does not hold them. Each group names
 * the kernel header that it is from. Include behind vmlinux.h.
 */
#ifndef SALLYPORT_CONSTANTS_H
#define SALLYPORT_CONSTANTS_H

/* include/uapi/linux/if_ether.h */
#define ETH_ALEN     6
#define ETH_HLEN     14
#define ETH_DATA_LEN 1500
#define ETH_P_IP     0x0800
#define ETH_P_ARP    0x0806
#define ETH_P_8021Q  0x8100
#define ETH_P_IPV6   0x86DD
#define ETH_P_SLOW   0x8809 /* IEEE 802.3 slow protocols: LACP */
#define ETH_P_PAE    0x888E /* IEEE 802.1X: EAPOL */
#define ETH_P_8021AD 0x88A8
#define ETH_P_LLDP   0x88CC

/* include/net/llc_pdu.h and IEEE 802.1D 9.2 */
#define LLC_STP 0x42
#define LLC_UI	0x03

/* include/linux/if_vlan.h */
#define VLAN_HLEN     4
#define VLAN_VID_MASK 0x0fff

/* include/uapi/linux/in6.h; IPPROTO_TCP and the others are an enum in vmlinux.h. */
#define IPPROTO_HOPOPTS	 0
#define IPPROTO_ROUTING	 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6	 58
#define IPPROTO_NONE	 59
#define IPPROTO_DSTOPTS	 60

/* include/net/ip.h, host order (RFC 791 3.1) */
#define IP_MF	  0x2000
#define IP_OFFSET 0x1fff

/* include/net/ipv6.h, host order (RFC 8200 4.5) */
#define IP6_MF	   0x0001
#define IP6_OFFSET 0xfff8

/* include/uapi/linux/icmp.h */
#define ICMP_ECHOREPLY	   0
#define ICMP_DEST_UNREACH  3
#define ICMP_REDIRECT	   5
#define ICMP_ECHO	   8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12

/* include/uapi/linux/icmpv6.h */
#define ICMPV6_DEST_UNREACH  1
#define ICMPV6_PKT_TOOBIG    2
#define ICMPV6_TIME_EXCEED   3
#define ICMPV6_PARAMPROB     4
#define ICMPV6_ECHO_REQUEST  128
#define ICMPV6_ECHO_REPLY    129
#define ICMPV6_MGM_QUERY     130
#define ICMPV6_MGM_REDUCTION 132
#define ICMPV6_MLD2_REPORT   143

/* include/net/ndisc.h */
#define NDISC_ROUTER_SOLICITATION     133
#define NDISC_ROUTER_ADVERTISEMENT    134
#define NDISC_NEIGHBOUR_SOLICITATION  135
#define NDISC_NEIGHBOUR_ADVERTISEMENT 136
#define NDISC_REDIRECT		      137

/* include/uapi/linux/pkt_cls.h; TCX_NEXT and the others are an enum in vmlinux.h. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_OK     0
#define TC_ACT_SHOT   2

/* include/uapi/linux/time.h: the clock of bpf_timer_init() */
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOTTIME	7

/* include/linux/socket.h: families of the socket look-up helpers */
#define AF_INET	 2
#define AF_INET6 10

/* include/uapi/asm-generic/errno-base.h */
#define ENOENT 2
#define EBUSY  16
#define EEXIST 17

#endif
