/* SPDX-License-Identifier: BSD-2-Clause */
#include "link_settings.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VLAN_ID_MAX  4094u /* IEEE 802.1Q: 0 is no VLAN, 4095 is reserved */

static const char untagged[] = "untagged";
static const char *const choice_words[] = {
	[LINK_AUTO] = "auto", [LINK_YES] = "yes", [LINK_NO] = "no"};

static const struct {
	const char *word;
	uint8_t bit;
} link_protocols[] = {
	{"lacp", LINK_LACP},
	{"lldp", LINK_LLDP},
	{"eapol", LINK_EAPOL},
	{"stp", LINK_STP},
};

const char *link_choice_name(enum link_choice choice)
{
	return choice_words[choice];
}

/* ------------------------------------------------------------ reading --------------------------
 */

static bool read_limit(const struct reader *reader, const struct node *node, const char *what,
		       uint32_t *ret_limit)
{
	uint64_t number;

	if (!read_number(reader, node, what, 1, ECHO_LIMIT_MAX, &number))
		return false;
	*ret_limit = (uint32_t)number;
	return true;
}

static void read_echo_mapping(const struct reader *reader, const struct node *node,
			      struct link_settings *settings)
{
	static const struct key_rule rules[] = {{"per-second", KEY_REQUIRED},
						{"burst", KEY_OPTIONAL}};
	const struct node *rate, *burst;
	uint32_t per_second;

	if (!read_mapping(reader, node, "`icmp-echo`", KEYS(rules)))
		return;
	rate = mapping_get(node, "per-second");
	burst = mapping_get(node, "burst");
	if (!rate || !read_limit(reader, rate, "per-second", &per_second))
		return;
	settings->echo_burst = per_second;
	if (burst && !read_limit(reader, burst, "burst", &settings->echo_burst))
		return;
	settings->echo_per_second = per_second;
	settings->has_echo = true;
}

static void read_echo(const struct reader *reader, const struct node *node,
		      struct link_settings *settings)
{
	uint64_t number;

	if (node->kind == NODE_MAPPING) {
		read_echo_mapping(reader, node, settings);
	} else if (node->kind == NODE_SCALAR && !strcmp(node->text, "off")) {
		settings->has_echo = true;
		settings->echo_per_second = 0;
	} else if (node->kind == NODE_SCALAR &&
		   !parse_digits(node->text, strlen(node->text), &number)) {
		reader_error(reader, node,
			     "`icmp-echo: %s`: write `off`, or how many pings a second may come in "
			     "from anybody: `{per-second: 5, burst: 10}`, or only `5`",
			     shown(reader, node->text));
	} else if (read_limit(reader, node, "icmp-echo", &settings->echo_per_second)) {
		settings->has_echo = true;
		settings->echo_burst = settings->echo_per_second;
	}
}

static bool read_vlan(const struct reader *reader, const struct node *node, uint64_t *ret_id)
{
	if (node->kind == NODE_SCALAR && !strcmp(node->text, untagged)) {
		*ret_id = 0;
		return true;
	}
	if (node->kind == NODE_SCALAR && !strcmp(node->text, "any")) {
		reader_error(reader, node, "`any` stands alone: take out the other VLANs");
		return false;
	}
	if (node->kind == NODE_SCALAR && !parse_digits(node->text, strlen(node->text), ret_id)) {
		reader_error(reader, node,
			     "`vlan: %s`: write VLAN ids from 1 to %u, `untagged` for frames "
			     "without a tag, or `any` alone",
			     shown(reader, node->text), VLAN_ID_MAX);
		return false;
	}
	return read_number(reader, node, "vlan", 1, VLAN_ID_MAX, ret_id);
}

static bool add_vlan(const struct reader *reader, const struct node *node, uint64_t *vlans)
{
	uint64_t id;

	if (!read_vlan(reader, node, &id))
		return false;
	if (vlans[id / 64] >> id % 64 & 1) {
		reader_error(reader, node, "`vlan`: `%s` is there twice",
			     shown(reader, node->text));
		return false;
	}
	vlans[id / 64] |= 1ull << id % 64;
	return true;
}

static void read_vlans(const struct reader *reader, const struct node *node,
		       struct link_settings *settings)
{
	uint64_t vlans[VLAN_WORDS] = {0};
	const struct node *item;
	bool good = true;

	if (node->kind == NODE_SCALAR && !strcmp(node->text, "any")) {
		settings->has_vlan = true;
		settings->vlan_filter = false;
		return;
	}
	if (!read_list(reader, node, "vlan"))
		return;
	if (!list_count(node)) {
		reader_error(reader, node,
			     "`vlan` is an empty list, which would let nothing pass: name the "
			     "VLANs, or write `any`");
		return;
	}
	for (item = list_first(node); item; item = list_next(node, item))
		good = add_vlan(reader, item, vlans) && good;
	if (!good)
		return;
	settings->has_vlan = true;
	settings->vlan_filter = true;
	memcpy(settings->vlans, vlans, sizeof(vlans));
}

static void read_link_control(const struct reader *reader, const struct node *node,
			      struct link_settings *settings)
{
	const char *words[COUNT(link_protocols)];
	const struct node *item;
	uint8_t bits = 0;
	bool good = true;

	for (size_t i = 0; i < COUNT(link_protocols); i++)
		words[i] = link_protocols[i].word;
	if (!read_list(reader, node, "link-control"))
		return;
	for (item = list_first(node); item; item = list_next(node, item)) {
		unsigned choice;

		if (!read_choice(reader, item, "link-control", words, COUNT(words), &choice)) {
			good = false;
		} else if (bits & link_protocols[choice].bit) {
			reader_error(reader, item, "`link-control`: `%s` is there twice",
				     words[choice]);
			good = false;
		} else {
			bits |= link_protocols[choice].bit;
		}
	}
	if (!good)
		return;
	settings->has_link_control = true;
	settings->link_control = bits;
}

static void read_link_choice(const struct reader *reader, const struct node *mapping,
			     const char *key, bool *has, enum link_choice *choice)
{
	const struct node *node = mapping_get(mapping, key);
	unsigned number;

	if (!node || !read_choice(reader, node, key, choice_words, COUNT(choice_words), &number))
		return;
	*has = true;
	*choice = (enum link_choice)number;
}

void link_settings_read(const struct reader *reader, const struct node *mapping,
			struct link_settings *settings)
{
	const struct node *node;

	if ((node = mapping_get(mapping, "icmp-echo")))
		read_echo(reader, node, settings);
	if ((node = mapping_get(mapping, "vlan")))
		read_vlans(reader, node, settings);
	if ((node = mapping_get(mapping, "link-control")))
		read_link_control(reader, node, settings);
	read_link_choice(reader, mapping, "router-advertisements",
			 &settings->has_router_advertisements, &settings->router_advertisements);
	read_link_choice(reader, mapping, "multicast-membership",
			 &settings->has_multicast_membership, &settings->multicast_membership);
}

/* ------------------------------------------------------------ merging --------------------------
 */

struct link_settings link_settings_default(void)
{
	return (struct link_settings){.link_control = LINK_CONTROL_DEFAULT};
}

void link_settings_merge(const struct link_settings *over, struct link_settings *settings)
{
	if (over->has_echo) {
		settings->echo_per_second = over->echo_per_second;
		settings->echo_burst = over->echo_burst;
	}
	if (over->has_vlan) {
		settings->vlan_filter = over->vlan_filter;
		memcpy(settings->vlans, over->vlans, sizeof(settings->vlans));
	}
	if (over->has_link_control)
		settings->link_control = over->link_control;
	if (over->has_router_advertisements)
		settings->router_advertisements = over->router_advertisements;
	if (over->has_multicast_membership)
		settings->multicast_membership = over->multicast_membership;
}

struct link_settings link_settings_without_defaults(const struct link_settings *settings)
{
	struct link_settings kept = *settings;

	kept.has_echo = settings->has_echo && settings->echo_per_second;
	kept.has_vlan = settings->has_vlan && settings->vlan_filter;
	kept.has_link_control =
		settings->has_link_control && settings->link_control != LINK_CONTROL_DEFAULT;
	kept.has_router_advertisements =
		settings->has_router_advertisements && settings->router_advertisements != LINK_AUTO;
	kept.has_multicast_membership =
		settings->has_multicast_membership && settings->multicast_membership != LINK_AUTO;
	return kept;
}

bool link_settings_are_empty(const struct link_settings *settings)
{
	return !settings->has_echo && !settings->has_vlan && !settings->has_link_control &&
	       !settings->has_router_advertisements && !settings->has_multicast_membership;
}

/* ------------------------------------------------------------ printing -------------------------
 */

void icmp_echo_print(struct writer *writer, unsigned indent, const struct link_settings *settings)
{
	pair_list pairs = {0};

	if (!settings->has_echo)
		return;
	if (!settings->echo_per_second) {
		write_text(writer, indent, "icmp-echo", "off");
		return;
	}
	pair_list_add(writer, &pairs, "per-second",
		      arena_printf(writer->arena, "%u", settings->echo_per_second));
	pair_list_add(writer, &pairs, "burst",
		      arena_printf(writer->arena, "%u", settings->echo_burst));
	write_pairs(writer, indent, "icmp-echo", &pairs);
}

static void print_vlans(struct writer *writer, unsigned indent,
			const struct link_settings *settings)
{
	text_list texts = {0};

	if (!settings->vlan_filter) {
		write_text(writer, indent, "vlan", "any");
		return;
	}
	for (unsigned id = 0; id < VLAN_IDS; id++)
		if (settings->vlans[id / 64] >> id % 64 & 1)
			text_list_add(writer, &texts,
				      id ? arena_printf(writer->arena, "%u", id) : untagged);
	write_list(writer, indent, "vlan", &texts);
}

static void print_link_control(struct writer *writer, unsigned indent, uint8_t bits)
{
	text_list texts = {0};

	for (size_t i = 0; i < COUNT(link_protocols); i++)
		if (bits & link_protocols[i].bit)
			text_list_add(writer, &texts, link_protocols[i].word);
	write_list(writer, indent, "link-control", &texts);
}

void link_settings_print(struct writer *writer, unsigned indent,
			 const struct link_settings *settings)
{
	if (settings->has_vlan)
		print_vlans(writer, indent, settings);
	if (settings->has_link_control)
		print_link_control(writer, indent, settings->link_control);
	if (settings->has_router_advertisements)
		write_text(writer, indent, "router-advertisements",
			   choice_words[settings->router_advertisements]);
	if (settings->has_multicast_membership)
		write_text(writer, indent, "multicast-membership",
			   choice_words[settings->multicast_membership]);
}

/* ------------------------------------------------------------ in words -------------------------
 */

const char *echo_format(struct arena *arena, const struct link_settings *settings)
{
	if (!settings->echo_per_second)
		return "off";
	return arena_printf(arena, "%u a second, burst %u", settings->echo_per_second,
			    settings->echo_burst);
}

const char *vlans_format(struct arena *arena, const struct link_settings *settings)
{
	const char *text = NULL;

	if (!settings->vlan_filter)
		return "any";
	for (unsigned id = 0; id < VLAN_IDS; id++) {
		if (!(settings->vlans[id / 64] >> id % 64 & 1))
			continue;
		text = id ? arena_printf(arena, "%s%s%u", text ? text : "", text ? ", " : "", id)
			  : untagged;
	}
	return text;
}

const char *link_control_format(struct arena *arena, uint8_t link_control)
{
	const char *text = NULL;

	for (size_t i = 0; i < COUNT(link_protocols); i++)
		if (link_control & link_protocols[i].bit)
			text = text ? arena_printf(arena, "%s, %s", text, link_protocols[i].word)
				    : link_protocols[i].word;
	return text ? text : "none";
}
