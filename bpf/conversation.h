/* SPDX-License-Identifier: GPL-2.0-only */
/* What kind of packet it is, and how in rules, out rules and the flow table look at an echo. */
#ifndef SALLYPORT_BPF_CONVERSATION_H
#define SALLYPORT_BPF_CONVERSATION_H

static __always_inline bool is_icmp(__u8 family, __u8 protocol)
{
	return (family == 4 && protocol == IPPROTO_ICMP) ||
	       (family == 6 && protocol == IPPROTO_ICMPV6);
}

static __always_inline bool packet_is_icmp(const struct packet *packet)
{
	return is_icmp(packet->c.family, packet->c.protocol);
}

static __always_inline bool is_echo_request(const struct packet *packet)
{
	return packet_is_icmp(packet) && !packet->icmp_code &&
	       packet->icmp_type == (packet->c.family == 4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
}

static __always_inline bool is_echo_reply(const struct packet *packet)
{
	return packet_is_icmp(packet) && !packet->icmp_code &&
	       packet->icmp_type == (packet->c.family == 4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY);
}

/* RFC 792: 3, 11, 12. RFC 4443: 1 to 4. */
static __always_inline bool is_icmp_error(const struct packet *packet)
{
	__u8 type = packet->icmp_type;

	if (!packet_is_icmp(packet))
		return false;
	if (packet->c.family == 4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

static __always_inline bool is_redirect(const struct packet *packet)
{
	return packet_is_icmp(packet) &&
	       packet->icmp_type == (packet->c.family == 4 ? ICMP_REDIRECT : NDISC_REDIRECT);
}

/* Router and neighbour solicitations and advertisements (RFC 4861 4.1 to 4.4). */
static __always_inline bool is_neighbour_discovery(const struct packet *packet)
{
	return packet->c.family == 6 && packet->c.protocol == IPPROTO_ICMPV6 &&
	       packet->icmp_type >= NDISC_ROUTER_SOLICITATION &&
	       packet->icmp_type <= NDISC_NEIGHBOUR_ADVERTISEMENT;
}

static __always_inline bool tcp_is_syn(const struct packet *packet)
{
	return packet->c.protocol == IPPROTO_TCP &&
	       (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline bool tcp_is_opener(const struct packet *packet)
{
	return packet->c.protocol == IPPROTO_TCP &&
	       (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/* What a flow's key has for the local port: an echo's identifier. */
static __always_inline __u16 flow_local_port(const struct conversation *c)
{
	return is_icmp(c->family, c->protocol) ? c->identifier : c->local_port;
}

static __always_inline __u16 echo_service(__u8 family)
{
	return family == 4 ? ICMP4_ECHO_SERVICE : ICMP6_ECHO_SERVICE;
}

/* As in rules see it: the echo service is at this host. */
static __always_inline void look_as_served(struct conversation *c)
{
	if (!is_icmp(c->family, c->protocol))
		return;
	c->local_port = echo_service(c->family);
	c->remote_port = 0;
}

/* As out rules see it: the echo service is at the peer. */
static __always_inline void look_as_opened(struct conversation *c)
{
	if (!is_icmp(c->family, c->protocol))
		return;
	c->local_port = 0;
	c->remote_port = echo_service(c->family);
}

#endif
