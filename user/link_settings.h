/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What passes on a link besides rules: pings, VLANs, link protocols, router advertisements,
 * membership of multicast groups. As a site file says it under host: or in hosts.H, and, merged, of
 * one host.
 */
#ifndef SALLYPORT_LINK_SETTINGS_H
#define SALLYPORT_LINK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "../include/abi.h"
#include "arena.h"

struct node;
struct reader;
struct writer;

enum link_choice { LINK_AUTO = 0, LINK_YES, LINK_NO };

struct link_settings {
	/* Which of them the file sets; of a merged one they mean nothing. */
	bool has_echo, has_vlan, has_link_control;
	bool has_router_advertisements, has_multicast_membership;
	uint32_t echo_per_second; /* 0: only rules let pings in */
	uint32_t echo_burst;	  /* at least 1 where there is a limit */
	bool vlan_filter;	  /* false: every VLAN */
	uint64_t vlans[VLAN_WORDS];
	uint8_t link_control; /* bits of LINK_LACP and others */
	enum link_choice router_advertisements;
	enum link_choice multicast_membership;
};

/* The keys of host: that are read here, for a list of struct key_rule. */
#define LINK_SETTING_RULES                                                                         \
	{"icmp-echo", KEY_OPTIONAL}, {"vlan", KEY_OPTIONAL}, {"link-control", KEY_OPTIONAL},       \
		{"router-advertisements", KEY_OPTIONAL},                                           \
	{                                                                                          \
		"multicast-membership", KEY_OPTIONAL                                               \
	}

/* What holds where no file says anything. */
struct link_settings link_settings_default(void);
/* Reads the keys above of a mapping; the others are left alone. */
void link_settings_read(const struct reader *reader, const struct node *mapping,
			struct link_settings *settings);
/* What is set in over takes the place of what settings has. */
void link_settings_merge(const struct link_settings *over, struct link_settings *settings);
/* The same without what is set to its default. */
struct link_settings link_settings_without_defaults(const struct link_settings *settings);
bool link_settings_are_empty(const struct link_settings *settings);

/* The key icmp-echo, and the others: those that are set. */
void icmp_echo_print(struct writer *writer, unsigned indent, const struct link_settings *settings);
void link_settings_print(struct writer *writer, unsigned indent,
			 const struct link_settings *settings);

/* In words, as in a site file: "off", "5 a second, burst 10"; "any", "untagged, 12"; "lacp, lldp";
 * in the arena. */
const char *echo_format(struct arena *arena, const struct link_settings *settings);
const char *vlans_format(struct arena *arena, const struct link_settings *settings);
const char *link_control_format(struct arena *arena, uint8_t link_control);
const char *link_choice_name(enum link_choice choice); /* "auto", "yes", "no" */

#endif
