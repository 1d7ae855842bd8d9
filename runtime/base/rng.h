/* SPDX-License-Identifier: BSD-3-Clause */
/* Counter-based random numbers: a pure function of a key and a counter, so
 * nothing depends on the device, slice or worker that draws them.
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC'11 (Philox2x32-10). */
#ifndef HSGD_RUNTIME_RNG_H
#define HSGD_RUNTIME_RNG_H

#include <stdint.h>

static inline uint64_t hsgd_random(uint64_t key, uint64_t counter)
{
    uint32_t k = (uint32_t)(key ^ key >> 32), lo = (uint32_t)counter, hi = (uint32_t)(counter >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)lo * 0xD256D193u;
        lo = (uint32_t)(p >> 32) ^ k ^ hi;
        hi = (uint32_t)p;
        k += 0x9E3779B9u;
    }
    return (uint64_t)hi << 32 | lo;
}

/* Uniform in [0,1), 24 bits. */
static inline float hsgd_random_float(uint64_t key, uint64_t counter)
{
    return (float)(hsgd_random(key, counter) >> 40) * 0x1p-24f;
}

#endif
