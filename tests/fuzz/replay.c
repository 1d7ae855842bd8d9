/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a fuzz target over files without libFuzzer: each unchanged,
 * truncated, and with a byte changed; at most CHANGES of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_BYTES = 1 << 16, CHANGES = 400 };

/* In memory of exactly n bytes, so that a sanitizer sees a read beyond. */
static void run(const uint8_t *bytes, size_t n, size_t change)
{
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact) abort();
    memcpy(exact, bytes, n);
    if (change < n) exact[change] ^= 0xff;
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static int replay(const char *path)
{
    static uint8_t bytes[MAX_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file) return perror(path), 1;
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, n, n);
    for (size_t i = 0; i < n; i += 1 + n / CHANGES) {
        run(bytes, i, i);
        run(bytes, n, i);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) failed += replay(argv[i]);
    return failed ? 1 : 0;
}
