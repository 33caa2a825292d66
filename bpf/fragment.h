/* SPDX-License-Identifier: GPL-2.0-only */
/* Later fragments follow the judgement of their first (docs/packet-path.md, section 4). */
#ifndef SALLYPORT_BPF_FRAGMENT_H
#define SALLYPORT_BPF_FRAGMENT_H

static __always_inline struct fragment_key fragment_key(enum direction direction,
							const struct packet *packet)
{
	const bool in = direction == DIRECTION_IN;
	struct fragment_key key = {};

	__builtin_memcpy(key.source, in ? packet->c.remote : packet->c.local, sizeof(key.source));
	__builtin_memcpy(key.destination, in ? packet->c.local : packet->c.remote,
			 sizeof(key.destination));
	key.identification = packet->identification;
	key.protocol = packet->c.family == 4 ? packet->c.protocol : 0;
	key.family = packet->c.family;
	key.direction = direction;
	return key;
}

/* What a first fragment leaves for the others. Returns the reason of the first itself. */
__noinline int fragment_first(enum direction direction, struct packet *packet,
			      struct finding *finding)
{
	struct fragment entry = {};
	struct fragment_key key;
	bool passes;

	if (!packet || !finding)
		return REASON_FRAGMENT_EARLY;
	key = fragment_key(direction, packet);
	passes = reason_verdict(finding->reason) == VERDICT_PASS;
	if (config.dry_run) {
		if (!passes || !config.fragments_full || bpf_map_lookup_elem(&fragments, &key))
			return finding->reason;
		finding->rule_slot = 0;
		return REASON_FRAGMENT_TABLE_FULL;
	}
	if (!passes && config.mode[direction & 1] == MODE_ENFORCE) {
		bpf_map_delete_elem(&fragments, &key);
		return finding->reason;
	}
	entry.seen = clock_now();
	entry.header_end = packet->header_end;
	entry.rule_slot = finding->rule_slot;
	entry.judged = passes ? VERDICT_PASS : VERDICT_DROP;
	entry.reason = finding->reason;
	entry.role_slot = finding->role_slot;
	if (!bpf_map_update_elem(&fragments, &key, &entry, BPF_ANY) || !passes)
		return finding->reason;
	finding->rule_slot = 0;
	return REASON_FRAGMENT_TABLE_FULL;
}

__noinline int fragment_later(enum direction direction, struct packet *packet,
			      struct finding *finding)
{
	const struct fragment *entry;
	struct fragment_key key;

	if (!packet || !finding)
		return REASON_FRAGMENT_EARLY;
	key = fragment_key(direction, packet);
	entry = bpf_map_lookup_elem(&fragments, &key);
	if (!entry || has_passed(config.fragment_timeout, entry->seen, clock_now()))
		return REASON_FRAGMENT_EARLY;
	if (packet->fragment_offset < entry->header_end)
		return REASON_FRAGMENT_OVERLAP;
	finding->role_slot = entry->role_slot;
	if (entry->judged == VERDICT_DROP)
		return entry->reason;
	finding->rule_slot = entry->rule_slot;
	return REASON_FRAGMENT;
}

#endif
