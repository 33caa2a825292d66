/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which services of a flow are media: one flow may name SIP and RTP, and what is asked of RTP must
 * not be asked of SIP.
 */
#ifndef SALLYPORT_MEDIA_H
#define SALLYPORT_MEDIA_H

#include "value.h"

/*
 * The services that live and shape of a flow are about. Its media are what it allows for UDP alone
 * and not as one port in figures: "udp/30000-65535", "udp/any", "udp/$rtp-ports"; of several such,
 * only their ranges of more than one port; and never a UDP port that it names in another way
 * ("tcp+udp/5060", "udp/1718"). A flow that has no such service, nor services by a parameter, is
 * meant as a whole: all of its TCP and UDP ports. allow, whose parameters must have values in
 * scope, is what services came of.
 */
void media_services(const struct scope *scope, const service_term_list *allow,
		    const struct service_list *services, struct service_list *ret_media);

/* Which of a flow's options are asked of a service of this protocol. */
unsigned media_options(unsigned options, uint8_t protocol, bool is_media);

#endif
