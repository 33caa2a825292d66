/* SPDX-License-Identifier: BSD-2-Clause */
#include "live_policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "../include/abi.h"
#include "descriptor.h"
#include "live_config.h"
#include "live_rules.h"

struct end_entry {
	struct end_key key;
	uint16_t class_id;
};

struct port_set {
	uint8_t side;
	uint8_t protocol;
	uint16_t class_id;
	struct port_list ports;
};

struct address_item {
	struct prefix prefix;
	struct address_class value;
};

struct live_reader {
	struct arena *arena;
	const struct pins *pins;
	const char *directory;
	uint32_t generation;
	struct failure *failure;
	LIST(struct address_item) addresses; /* sorted by prefix_compare */
	LIST(struct port_set) ports;
	LIST(struct end_entry) ends;
	struct prefix_list *sets; /* by class of address; SET_OTHER: what no rule names */
	const struct rule **rule_of_slot;
	struct config config;
};

/* Classes are 16 bits wide. */
#define SET_OTHER 65536u

/* ------------------------------------------------------------ maps ------------------------------
 */

/* Calls entry for every entry of a map of the generation. */
static int read_map(struct live_reader *reader, const char *name, void *key, void *value,
		    void (*entry)(struct live_reader *reader, const void *key, const void *value))
{
	cleanup(fd_closep) int fd = pins_get(reader->pins, "%s/generation-%u/%s", reader->directory,
					     reader->generation, name);
	void *previous = NULL;
	int error;

	if (fd < 0)
		return fail(reader->failure, -fd, "the live map %s can't be opened: %s", name,
			    strerror(-fd));
	for (;;) {
		error = bpf_map_get_next_key(fd, previous, key);
		if (error)
			break;
		if (!bpf_map_lookup_elem(fd, key, value))
			entry(reader, key, value);
		previous = key;
	}
	if (error != -ENOENT)
		return fail(reader->failure, -error, "the live map %s can't be read: %s", name,
			    strerror(-error));
	return 0;
}

static void add_address(struct live_reader *reader, uint8_t family, const uint8_t *bytes,
			uint32_t length, const void *value)
{
	struct address_item *item = arena_push(reader->arena, &reader->addresses);

	item->prefix.address.family = family;
	memcpy(item->prefix.address.bytes, bytes, family == 4 ? 4 : 16);
	item->prefix.length = (uint8_t)length;
	memcpy(&item->value, value, sizeof(item->value));
}

static void add_ipv4(struct live_reader *reader, const void *key, const void *value)
{
	const struct ipv4_key *ipv4 = key;

	add_address(reader, 4, ipv4->address, ipv4->prefix_length, value);
}

static void add_ipv6(struct live_reader *reader, const void *key, const void *value)
{
	const struct ipv6_key *ipv6 = key;

	add_address(reader, 6, ipv6->address, ipv6->prefix_length, value);
}

static void add_port(struct live_reader *reader, const void *key, const void *value)
{
	const struct port_key *port = key;
	const struct port_class *class = value;
	uint16_t first = ntohs(port->port);
	uint16_t last = (uint16_t)(first | (0xffffu >> (port->prefix_length - 16)));
	struct port_set *set = NULL;

	if (port->prefix_length == 16)
		last = UINT16_MAX;
	list_for_each (other, &reader->ports) {
		if (other->side == port->side && other->protocol == port->protocol &&
		    other->class_id == class->class_id)
			set = other;
	}
	if (!set) {
		set = arena_push(reader->arena, &reader->ports);
		set->side = port->side;
		set->protocol = port->protocol;
		set->class_id = class->class_id;
	}
	port_list_add(reader->arena, &set->ports, first, last);
}

static void add_end(struct live_reader *reader, const void *key, const void *value)
{
	const struct end_class *class = value;
	struct end_entry *end = arena_push(reader->arena, &reader->ends);

	memcpy(&end->key, key, sizeof(end->key));
	end->class_id = class->class_id;
}

/* ------------------------------------------------------------ sets ------------------------------
 */

static int compare_items(const void *a, const void *b)
{
	const struct address_item *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

/* The class of each prefix holds for what no longer prefix in it says otherwise. */
static void make_sets(struct live_reader *reader)
{
	struct prefix_list own = {0};
	struct address_item *items = reader->addresses.items;
	size_t count = reader->addresses.count;

	reader->sets = arena_alloc(reader->arena, (SET_OTHER + 1) * sizeof(*reader->sets));
	if (count)
		qsort(items, count, sizeof(*items), compare_items);
	for (size_t i = 0; i < count; i++) {
		struct prefix_list part = {0}, inner = {0};

		prefix_list_add(reader->arena, &part, &items[i].prefix);
		for (size_t j = i + 1;
		     j < count && prefix_covers(&items[i].prefix, &items[j].prefix); j++)
			prefix_list_add(reader->arena, &inner, &items[j].prefix);
		prefix_list_subtract(reader->arena, &part, &inner);
		list_for_each (prefix, &part) {
			prefix_list_add(reader->arena, &reader->sets[items[i].value.class_id],
					prefix);
			if (items[i].value.own)
				prefix_list_add(reader->arena, &own, prefix);
		}
	}
	for (size_t i = 0; i < SET_OTHER; i++)
		prefix_list_normalize(&reader->sets[i]);
	prefix_list_add_unicast(reader->arena, &reader->sets[SET_OTHER]);
	prefix_list_subtract(reader->arena, &reader->sets[SET_OTHER], &own);
	list_for_each (set, &reader->ports)
		port_list_normalize(&set->ports);
}

static const struct prefix_list *local_set(const struct live_reader *reader, uint16_t class_id)
{
	return &reader->sets[class_id == LOCAL_CLASS_OTHER ? SET_OTHER : class_id];
}

/* ------------------------------------------------------------ rules -----------------------------
 */

/* Ports of a class, or any where no rule of the direction looks at that end's. NULL: no such class.
 */
static const struct port_list *ports_of(const struct live_reader *reader, enum port_side side,
					uint16_t class_id, uint8_t *protocol)
{
	list_for_each (set, &reader->ports) {
		if (set->side == side && set->class_id == class_id) {
			*protocol = set->protocol;
			return &set->ports;
		}
	}
	return NULL;
}

struct rule_maker {
	struct rule rule;
	LIST(struct match) matches;
};

struct policy_maker {
	struct live_reader *reader;
	struct rule_maker *rules; /* by slot */
};

/* One near end with one far end that a decision joins. */
static void add_match(struct policy_maker *maker, const struct decision *decision,
		      const struct end_key *near, const struct end_key *far)
{
	static struct port_range whole = {0, UINT16_MAX};
	static const struct port_list any = {&whole, 1, 1};
	struct live_reader *reader = maker->reader;
	bool in = near->direction == DIRECTION_IN;
	uint8_t near_protocol = 0, far_protocol = 0;
	const struct port_list *local_ports = ports_of(reader, in ? PORT_IN_LOCAL : PORT_OUT_LOCAL,
						       near->port_class, &near_protocol);
	const struct port_list *remote_ports = ports_of(
		reader, in ? PORT_IN_REMOTE : PORT_OUT_REMOTE, far->port_class, &far_protocol);
	uint8_t protocol = in ? near_protocol : far_protocol;

	/* The end that is not the service's has ports only where some rule asks for them. */
	if (!(in ? local_ports : remote_ports) ||
	    (local_ports && remote_ports && near_protocol != far_protocol))
		return;
	*arena_push(reader->arena, &maker->rules[decision->rule_slot].matches) = (struct match){
		.protocol = protocol,
		.local_ports = local_ports ? *local_ports : any,
		.remote_ports = remote_ports ? *remote_ports : any,
		.local = local_set(reader, near->address_class),
		.remote = &reader->sets[far->address_class],
		.options = decision->options,
	};
}

static int read_decisions(struct policy_maker *maker)
{
	struct live_reader *reader = maker->reader;
	cleanup(fd_closep) int fd = pins_get(reader->pins, "%s/generation-%u/decisions",
					     reader->directory, reader->generation);
	struct decision_key key, *previous = NULL, last;
	struct decision decision;

	if (fd < 0)
		return fail(reader->failure, -fd, "the live decisions can't be opened: %s",
			    strerror(-fd));
	while (!bpf_map_get_next_key(fd, previous, &key)) {
		last = key;
		previous = &last;
		if (bpf_map_lookup_elem(fd, &key, &decision) ||
		    decision.rule_slot >= RULE_SLOTS_MAX)
			continue;
		list_for_each (near, &reader->ends) {
			if (near->key.direction != key.direction || near->key.far ||
			    near->class_id != key.near_class)
				continue;
			list_for_each (far, &reader->ends) {
				if (far->key.direction == key.direction && far->key.far &&
				    far->class_id == key.far_class)
					add_match(maker, &decision, &near->key, &far->key);
			}
		}
	}
	return 0;
}

static int read_rule_info(struct live_reader *reader)
{
	cleanup(fd_closep) int fd = pins_get(reader->pins, "%s/generation-%u/rule_info",
					     reader->directory, reader->generation);

	if (fd < 0)
		return fail(reader->failure, -fd, "the live rules can't be opened: %s",
			    strerror(-fd));
	reader->rule_of_slot = live_rules_read(reader->arena, fd);
	return 0;
}

/* fd of rule_limits. */
static void read_options(int fd, uint32_t slot, struct rule *rule)
{
	for (size_t i = 0; i < rule->match_count; i++)
		rule->options |= rule->matches[i].options;
	if (rule->options & RULE_LIMIT)
		bpf_map_lookup_elem(fd, &slot, &rule->limit);
}

static int make_rules(struct live_reader *reader, struct host_policy *policy)
{
	cleanup(fd_closep) int limits = pins_get(reader->pins, "%s/generation-%u/rule_limits",
						 reader->directory, reader->generation);
	struct policy_maker maker = {
		.reader = reader,
		.rules = arena_alloc(reader->arena, RULE_SLOTS_MAX * sizeof(*maker.rules)),
	};
	int error = read_decisions(&maker);

	if (error)
		return error;
	policy->rules = arena_alloc(reader->arena, RULE_SLOTS_MAX * sizeof(*policy->rules));
	for (size_t slot = 0; slot < RULE_SLOTS_MAX; slot++) {
		struct rule *rule = &policy->rules[policy->rule_count];

		if (!reader->rule_of_slot[slot])
			continue;
		*rule = *reader->rule_of_slot[slot];
		rule->matches = maker.rules[slot].matches.items;
		rule->match_count = maker.rules[slot].matches.count;
		read_options(limits, (uint32_t)slot, rule);
		policy->rule_count++;
	}
	return 0;
}

static int read_maps(struct live_reader *reader)
{
	struct ipv4_key ipv4;
	struct ipv6_key ipv6;
	struct address_class address;
	struct port_key port;
	struct port_class port_class;
	struct end_key end;
	struct end_class end_class;
	int error;

	error = read_map(reader, "ipv4_classes", &ipv4, &address, add_ipv4);
	if (!error)
		error = read_map(reader, "ipv6_classes", &ipv6, &address, add_ipv6);
	if (!error)
		error = read_map(reader, "port_classes", &port, &port_class, add_port);
	if (!error)
		error = read_map(reader, "end_classes", &end, &end_class, add_end);
	if (!error)
		error = read_rule_info(reader);
	if (!error)
		make_sets(reader);
	return error;
}

/* Tries are used again by the second apply after this: what was read would be of two policies. */
static int check_still_there(const struct live_reader *reader)
{
	if (pins_exist(reader->pins, "%s/generation-%u/generation_info", reader->directory,
		       reader->generation))
		return 0;
	return fail(reader->failure, EAGAIN,
		    "the policy was replaced while it was read; try again");
}

static void read_link(const struct config *config, struct host_policy *policy)
{
	struct link_settings *link = &policy->link;

	link->echo_per_second = config->echo_per_second;
	link->echo_burst = config->echo_burst;
	link->link_control = config->link_control;
	link->vlan_filter = config->vlan_filter;
	memcpy(link->vlans, config->vlans, sizeof(link->vlans));
	if (config->router_choice)
		link->router_advertisements = config->router_advertisements ? LINK_YES : LINK_NO;
	policy->router_advertisements = config->router_advertisements;
	policy->multicast_membership = config->multicast_membership;
}

int live_policy_read(struct arena *arena, const struct pins *pins, const char *interface,
		     uint32_t generation, struct failure *failure, struct host_policy **ret_policy)
{
	char directory[PIN_DIRECTORY_BYTES_MAX];
	struct live_reader reader = {
		.arena = arena,
		.pins = pins,
		.directory = pins_interface_directory(interface, directory),
		.generation = generation,
		.failure = failure,
	};
	struct host_policy *policy = arena_alloc(arena, sizeof(*policy));
	int error = live_config_read(pins, interface, generation, failure, &reader.config);

	if (!error)
		error = read_maps(&reader);
	if (!error)
		error = check_still_there(&reader);
	if (!error)
		error = make_rules(&reader, policy);
	if (error)
		return error;
	policy->mode[DIRECTION_IN] = (enum mode)reader.config.mode[DIRECTION_IN];
	policy->mode[DIRECTION_OUT] = (enum mode)reader.config.mode[DIRECTION_OUT];
	policy->forwarding = (enum forwarding)reader.config.forwarding;
	policy->dhcp = reader.config.dhcp;
	read_link(&reader.config, policy);
	*ret_policy = policy;
	return 0;
}
