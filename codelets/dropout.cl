/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "shared.h"

/* Philox2x32-10 (Salmon et al., SC'11), as in runtime/base/rng.h. */
DEVICE u32 random_bits(u32 key, u32 lo, u32 hi)
{
    for (int round = 0; round < 10; round++) {
        u64 p = (u64)lo * 0xD256D193u;
        lo = (u32)(p >> 32) ^ key ^ hi;
        hi = (u32)p;
        key += 0x9E3779B9u;
    }
    return hi;
}

struct dropout_args { int n, size, lanes, first_row, layer, threshold; float scale; };

/* to[i] = from[i] * scale where kept, else 0.  The mask depends only on
 * (seed, step, layer, sample within the batch, element): an element is kept
 * if its 31 random bits are >= the threshold. */
KERNEL3(dropout, dropout_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, const u32, step)
    BUFFER(2, float, to)
    const int size = ARG(size), lanes = ARG(lanes), threshold = ARG(threshold), first = ARG(first_row);
    const float scale = ARG(scale);
    const u32 key = step[STEP_SEED] + 0x85EBCA6Bu * (u32)ARG(layer), number = step[STEP_NUMBER] * 0xC2B2AE35u;
    FOR_ITEMS(i, ARG(n)) {
        int row = lanes ? i / 16 / size * 16 + i % 16 : i / size;
        int element = lanes ? i / 16 % size : i % size;
        u32 bits = random_bits(key, (u32)element, (u32)(first + row) + number);
        to[i] = (int)(bits >> 1) >= threshold ? from[i] * scale : 0.0f;
    }
}
