/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_errors.h"

enum { THOUSAND = 1000, ADDRESS_HALF = 8, PREFIX_FAMILY_SHIFT = 48 };

/* MurmurHash3's finalizer for 64 bits. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	x ^= x >> 33;
	return x;
}

/* The first bytes of an address as one number. */
static uint64_t number(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static uint64_t mix_address(uint64_t hash, const struct address *address)
{
	if (address->family == 4)
		return mix(mix(hash) ^ number(address->bytes, 4));
	hash = mix(hash ^ number(address->bytes, ADDRESS_HALF));
	return mix(hash ^ number(address->bytes + ADDRESS_HALF, ADDRESS_HALF));
}

/* The seed of trace is 0. */
size_t model_errors_of_flow(const struct tuple *flow)
{
	uint64_t hash = mix_address(mix_address(0, &flow->local), &flow->remote);
	uint64_t rest = (uint64_t)flow->local_port << 32 | (uint64_t)flow->remote_port << 16 |
			(uint64_t)flow->protocol << 8 | flow->remote.family;

	return mix(hash ^ rest) % ICMP_FLOW_BUCKETS;
}

size_t model_errors_of_teller(const struct address *teller, const struct address *remote)
{
	unsigned bits = teller->family == 4 ? ICMP_TELLER_IPV4_BITS : ICMP_TELLER_IPV6_BITS;
	uint64_t prefix = number(teller->bytes, bits / 8);
	uint64_t hash = mix((uint64_t)teller->family << PREFIX_FAMILY_SHIFT | prefix);
	uint64_t set = hash % ICMP_TELLER_SETS;
	uint64_t way = mix_address(hash, remote) % ICMP_TELLER_WAYS;

	return ICMP_FLOW_BUCKETS + set * ICMP_TELLER_WAYS + way;
}

bool model_errors_charge(struct model_errors *errors, size_t bucket, uint32_t per_second,
			 uint64_t now)
{
	uint64_t *spent = &errors->buckets[bucket].spent;
	uint64_t leaked = (now - errors->buckets[bucket].at) * per_second;

	errors->buckets[bucket].at = now;
	*spent = *spent > leaked ? *spent - leaked : 0;
	if (*spent + THOUSAND > (uint64_t)per_second * THOUSAND)
		return false;
	*spent += THOUSAND;
	return true;
}
