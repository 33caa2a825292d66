/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4), taken in pieces. */
#ifndef SALLYPORT_DIGEST_H
#define SALLYPORT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_TEXT_BYTES 65 /* 64 hex digits and a NUL */

struct digest {
	uint32_t state[8];
	uint64_t bytes;
	uint8_t block[64];
};

void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t length);
/* Text of the same kind as printf's. */
void digest_print(struct digest *digest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void digest_end(struct digest *digest, char *ret_text /* DIGEST_TEXT_BYTES */);

#endif
