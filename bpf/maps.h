/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps. Sizes of 1 are set by the loader before the object is loaded (user/load.c); which maps
 * live for one generation and which outlive it is said in user/load.h.
 */
#ifndef SALLYPORT_BPF_MAPS_H
#define SALLYPORT_BPF_MAPS_H

/* Configuration and state of this generation on this interface. */
const volatile struct config config = {};
const volatile struct flat_shape shape = {};
const volatile struct flow_cache_shape flow_cache = {};
struct state state = {};

/* ---- the truth: what lookup: maps asks, and what people read ---- */

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct ipv4_key);
	__type(value, struct address_class);
} ipv4_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct ipv6_key);
	__type(value, struct address_class);
} ipv6_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct port_key);
	__type(value, struct port_class);
} port_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct end_key);
	__type(value, struct end_class);
} end_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct decision_key);
	__type(value, struct decision);
} decisions SEC(".maps");

/* By rule slot: for people. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rule_info);
} rule_info SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct generation_info);
} generation_info SEC(".maps");

/* ---- the index: what lookup: flat asks. One value each, as large as the policy needs. ---- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 8);
} flat_ipv4 SEC(".maps"), flat_ipv6 SEC(".maps"), flat_classes SEC(".maps");

/* ---- what outlives a generation ---- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOWS_DEFAULT);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOWS_DEFAULT);
	__type(key, struct flow_share_key);
	__type(value, __u32);
} flow_shares SEC(".maps");

/*
 * What is in front of flows (flow_cache.h): one value each. Mappable, since only such an array
 * begins where a cache line does.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 192);
} flow_cache_ipv4 SEC(".maps"), flow_cache_ipv6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, FLOW_SCREEN_BYTES(FLOW_PORT_SLOTS));
} flow_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, FLOW_SCREEN_BYTES(FLOW_SCREEN_WORD));
} flow_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FRAGMENTS_DEFAULT);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RULE_SLOTS_MAX);
	__type(key, __u32);
	__type(value, struct counter);
} receive_rules SEC(".maps"), transmit_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_COUNTERS);
	__type(key, __u32);
	__type(value, struct counter);
} receive_reasons SEC(".maps"), transmit_reasons SEC(".maps");

/* Sampled drops; see include/abi.h. User space maps both to read them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DROP_RINGS);
	__type(key, __u32);
	__type(value, struct drop_ring);
} drop_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DROP_RINGS *DROP_RING_EVENTS);
	__type(key, __u32);
	__type(value, struct drop_event);
} drop_events SEC(".maps");

struct sweep_timer {
	struct bpf_timer timer;
	__u64 sweeps;
	__u64 removed;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sweep_timer);
} sweep_timer SEC(".maps");

/* ---- the loader's own records: no program reads them; here so that they carry their types ---- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RULE_SLOTS_MAX * 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rule_key);
	__type(value, struct rule_slot);
} rule_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RULE_SLOTS_MAX * 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rule_key);
	__type(value, struct rule_base);
} rule_bases SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROLE_SLOTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct role_key);
	__type(value, struct role_slot);
} role_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct journal);
} journal SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct layout_meta);
} meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cross_check_countdown SEC(".maps");

/* The beginning of a frame whose headers are in several buffers: bpf/long_frame.h. */
struct header_copy {
	__u8 bytes[HEADER_COPY_BYTES + HEADER_COPY_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct header_copy);
} header_copies SEC(".maps");

#endif
