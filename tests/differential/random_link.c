/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_link.h"

#include <string.h>

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_IGMP = 2,
	PROTOCOL_ICMPV6 = 58,
	VLAN_IDS_USED = 8, /* random_policy.c */
};

static struct address address_of(const char *text)
{
	struct address result = {0};

	address_parse(text, &result);
	return result;
}

static const struct address *own_address(const struct packet_source *source)
{
	const struct prefix_list *own = &source->policy->own;

	return &own->items[random_below(source->random, (uint32_t)own->count)].address;
}

void random_ping(struct packet_source *source, struct spoken *spoken)
{
	static const char *const peers[] = {"198.51.100.1", "2001:db8:9::1"};
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	bool v4;

	spoken->direction = DIRECTION_IN;
	fields->destination = *own_address(source);
	v4 = fields->destination.family == 4;
	fields->source = address_of(peers[!v4]);
	if (random_percent(random, 10))
		fields->source = *own_address(source);
	if (fields->source.family != fields->destination.family)
		fields->source = fields->destination;
	if (random_percent(random, 10))
		fields->destination = address_of(v4 ? "224.0.0.1" : "ff02::1");
	fields->protocol = v4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
	fields->icmp_type = v4 ? 8 : 128;
	fields->icmp_id = (uint16_t)random_between(random, 1, 3);
	fields->payload = source->payload;
	fields->payload_length = random_below(random, 64);
}

void random_membership(struct packet_source *source, struct spoken *spoken)
{
	static const char *const sources4[] = {"10.2.0.1", "10.1.0.1", "0.0.0.0", "0.0.0.1"};
	static const char *const groups4[] = {"224.0.0.1", "224.0.0.22", "239.1.2.3",
					      "255.255.255.255", "10.1.0.1"};
	static const char *const sources6[] = {
		"fe80::2", "fe80::2", "::", "2001:db8:1::1", "febf::1", "fec0::1"};
	static const char *const groups6[] = {"ff02::1", "ff02::16", "ff05::1", "2001:db8:1::1"};
	static const uint8_t types6[] = {129, 130, 131, 132, 133, 142, 143, 143, 144};
	struct random *random = source->random;
	struct frame_fields *fields = &spoken->fields;
	bool v4 = random_percent(random, 50);

	spoken->direction = (enum direction)random_below(random, 2);
	fields->source = address_of(v4 ? random_of(random, sources4) : random_of(random, sources6));
	fields->destination =
		address_of(v4 ? random_of(random, groups4) : random_of(random, groups6));
	if (random_percent(random, 15))
		fields->source = *own_address(source);
	if (fields->source.family != fields->destination.family)
		fields->source = address_of(v4 ? sources4[0] : sources6[0]);
	fields->protocol = v4 ? PROTOCOL_IGMP : PROTOCOL_ICMPV6;
	fields->hop_limit = random_percent(random, 85) ? 1 : 2;
	fields->icmp_type = random_of(random, types6);
	fields->ipv4_options = v4 ? 4 : 0; /* router alert */
	if (!v4 && random_percent(random, 80))
		fields->extension_count = 1; /* hop-by-hop, with router alert */
	fields->payload = source->payload;
	fields->payload_length = 16;
	if (random_percent(random, 5))
		fields->fragment = (struct frame_fragment){true, true, 1, 0};
}

void random_tags(struct random *random, struct frame_fields *fields)
{
	fields->vlan_count = random_between(random, 1, 3);
	for (size_t i = 0; i < fields->vlan_count; i++) {
		fields->vlan_ids[i] = (uint16_t)random_below(random, VLAN_IDS_USED);
		if (random_percent(random, 20)) /* a priority beside it */
			fields->vlan_ids[i] |= 0xa000;
	}
}

void random_link_frame(struct random *random, struct random_packet *packet, size_t vlan_count)
{
	static const uint8_t bridges[] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};
	static const uint8_t llc[] = {0, 38, 0x42, 0x42, 0x03};

	if (vlan_count && random_percent(random, 50)) { /* 0x8100 or 0x88a8 */
		packet->frame[12] ^= 0x81 ^ 0x88;
		packet->frame[13] ^= 0x00 ^ 0xa8;
		return;
	}
	if (packet->length < 14 + 3)
		return;
	memcpy(packet->frame, bridges, sizeof(bridges));
	packet->frame[5] = (uint8_t)random_below(random, 20);
	memcpy(packet->frame + 12, llc, sizeof(llc));
	if (random_percent(random, 20))
		packet->frame[random_below(random, 17)] ^= 1;
}
