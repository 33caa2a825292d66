/* SPDX-License-Identifier: BSD-2-Clause */
/* Random packets of the link: pings, group membership, link protocols, tags. */
#ifndef SALLYPORT_TEST_RANDOM_LINK_H
#define SALLYPORT_TEST_RANDOM_LINK_H

#include "random_packet.h"

/* An echo request to this host, from anybody. */
void random_ping(struct packet_source *source, struct spoken *spoken);
/* IGMP or MLD, mostly as a link has it. */
void random_membership(struct packet_source *source, struct spoken *spoken);
/* One to three tags, of ids that random policies name. */
void random_tags(struct random *random, struct frame_fields *fields);
/* Makes a spanning tree frame, or nearly one, of a frame; or the outer tag a service tag. */
void random_link_frame(struct random *random, struct random_packet *packet, size_t vlan_count);

#endif
