/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 (FIPS 180-4). */
#ifndef HSGD_RUNTIME_SHA256_H
#define HSGD_RUNTIME_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t bytes);
/* A text and its end, so that texts one after the other do not run together. */
void sha256_text(struct sha256 *s, const char *text);
void sha256_end(struct sha256 *s, char hex[65]);

#endif
