/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/core.h"
#include "io/stream.h"

static struct hsgd_context context;
static _Thread_local size_t max; /* bytes of one allocation; 0: no limit */

void fuzz_require(int holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "fuzz: %s (\"%s\")\n", what, context.error);
    abort();
}

/* Called by the sanitizers after each allocation. */
void __sanitizer_malloc_hook(const volatile void *place, size_t bytes);
void __sanitizer_malloc_hook(const volatile void *place, size_t bytes)
{
    (void)place;
    if (!max || bytes <= max) return;
    max = 0;
    fprintf(stderr, "fuzz: an allocation of %zu bytes\n", bytes);
    abort();
}

static bool begins(const uint8_t *bytes, size_t n, const char *magic)
{
    return n >= strlen(magic) && !memcmp(bytes, magic, strlen(magic));
}

struct hsgd_context *fuzz_begin(const uint8_t *bytes, size_t n)
{
    bool xz = begins(bytes, n,
                     "\xfd"
                     "7zXZ");
    bool compressed = xz || begins(bytes, n, "\x1f\x8b") || begins(bytes, n, "PK");
    compressed = compressed || begins(bytes, n, "\x89PNG") || begins(bytes, n, "\xff\xd8\xff");
    context.error[0] = 0;
    max = FUZZ_FREE + FUZZ_FACTOR * n * (compressed ? STREAM_EXPANSION : 1) + (xz ? STREAM_DICTIONARY : 0);
    return &context;
}

void fuzz_allow(size_t bytes) { max += bytes; }

int fuzz_end(struct hsgd_context *ctx, int err)
{
    max = 0;
    fuzz_require(err <= 0, "a positive error");
    fuzz_require(err == 0 || ctx->error[0], "an error without a sentence");
    for (const char *c = ctx->error; err && *c; c++) fuzz_require((unsigned char)*c >= ' ', "not one line");
    return 0;
}
