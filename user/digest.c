/* SPDX-License-Identifier: BSD-2-Clause */
#include "digest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FIPS 180-4, 4.2.2: of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

/* FIPS 180-4, 6.2.2, step 3. The words a..h stand at v[-j], v[1 - j] and so on, modulo 8. */
static inline __attribute__((always_inline)) void add_round(uint32_t *v, unsigned j, uint32_t input)
{
#define WORD(n) v[((n) + 8 - j) % 8]
	uint32_t a = WORD(0), e = WORD(4);
	uint32_t first = WORD(7) + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			 ((e & WORD(5)) ^ (~e & WORD(6))) + input;
	uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			  ((a & WORD(1)) ^ (a & WORD(2)) ^ (WORD(1) & WORD(2)));

	WORD(3) += first;
	WORD(7) = first + second;
#undef WORD
}

/* FIPS 180-4, 6.2.2. */
static void add_block(struct digest *digest)
{
	uint32_t schedule[64];
	uint32_t v[8];

	for (unsigned i = 0; i < 16; i++)
		schedule[i] = (uint32_t)digest->block[i * 4] << 24 |
			      (uint32_t)digest->block[i * 4 + 1] << 16 |
			      (uint32_t)digest->block[i * 4 + 2] << 8 | digest->block[i * 4 + 3];
	for (unsigned i = 16; i < 64; i++) {
		uint32_t a = schedule[i - 15];
		uint32_t b = schedule[i - 2];

		schedule[i] = schedule[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
			      schedule[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	memcpy(v, digest->state, sizeof(v));
	/* Eight rounds at a time: then the words are where they were, and none is moved. */
	for (unsigned i = 0; i < 64; i += 8) {
#pragma GCC unroll 8
		for (unsigned j = 0; j < 8; j++)
			add_round(v, j, constants[i + j] + schedule[i + j]);
	}
	for (unsigned i = 0; i < 8; i++)
		digest->state[i] += v[i];
}

void digest_begin(struct digest *digest)
{
	/* FIPS 180-4, 5.3.3: of the square roots of the first 8 primes. */
	static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memset(digest, 0, sizeof(*digest));
	memcpy(digest->state, initial, sizeof(initial));
}

void digest_add(struct digest *digest, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length) {
		size_t used = digest->bytes % sizeof(digest->block);
		size_t taken = sizeof(digest->block) - used;

		if (taken > length)
			taken = length;
		memcpy(digest->block + used, bytes, taken);
		digest->bytes += taken;
		bytes += taken;
		length -= taken;
		if (used + taken == sizeof(digest->block))
			add_block(digest);
	}
}

void digest_print(struct digest *digest, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		fprintf(stderr, "sallyport: out of memory; nothing was changed\n");
		exit(1);
	}
	digest_add(digest, text, (size_t)length);
	free(text);
}

void digest_end(struct digest *digest, char *ret_text)
{
	uint64_t bits = digest->bytes * 8;
	uint8_t length[8];

	for (unsigned i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - i * 8));
	digest_add(digest, "\x80", 1);
	while (digest->bytes % sizeof(digest->block) != 56)
		digest_add(digest, "", 1);
	digest_add(digest, length, sizeof(length));
	for (unsigned i = 0; i < 8; i++)
		snprintf(ret_text + i * 8, 9, "%08x", digest->state[i]);
}
