/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which services of a flow are media: one flow may name SIP and RTP, and what is asked of RTP must
 * not be asked of SIP.
 */
#ifndef SALLYPORT_MEDIA_H
#define SALLYPORT_MEDIA_H

#include "value.h"

/*
 * The services that live and shape of a flow are about: its ranges of more than one port that are
 * UDP alone ("udp/30000-65535"), less the UDP ports that it names in any other way
 * ("tcp+udp/5060"). If it has no such range, all of its services with TCP or UDP ports. allow,
 * whose parameters must have values in scope, is what services came of.
 */
void media_services(const struct scope *scope, const service_term_list *allow,
		    const struct service_list *services, struct service_list *ret_media);

/* Which of a flow's options are asked of a service of this protocol. */
unsigned media_options(unsigned options, uint8_t protocol, bool is_media);

#endif
