/* SPDX-License-Identifier: BSD-2-Clause */
/* A small generator that gives the same numbers everywhere: SplitMix64. */
#ifndef SALLYPORT_TEST_RANDOM_H
#define SALLYPORT_TEST_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t value = random->state += 0x9e3779b97f4a7c15u;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

/* 0 to count - 1 */
static inline uint32_t random_below(struct random *random, uint32_t count)
{
	return (uint32_t)(random_next(random) % count);
}

/* first to last, both included */
static inline uint32_t random_between(struct random *random, uint32_t first, uint32_t last)
{
	return first + (uint32_t)(random_next(random) % ((uint64_t)last - first + 1));
}

static inline bool random_percent(struct random *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}

#define random_of(random, array)                                                                   \
	((array)[random_below((random), (uint32_t)(sizeof(array) / sizeof((array)[0])))])

/* One number out of two, so that neighbouring seeds have nothing in common. */
static inline struct random random_seeded(uint64_t seed, uint64_t index)
{
	struct random random = {seed};

	random.state = random_next(&random) + index;
	random.state = random_next(&random);
	return random;
}

#endif
