/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "shared.h"

/* Philox2x32-10 (Salmon et al., SC'11), as in runtime/base/rng.h. */
DEVICE u32 random_bits(u32 key, u32 lo, u32 hi)
{
    UNROLL
    for (int round = 0; round < 10; round++) {
        u64 p = (u64)lo * 0xD256D193u;
        lo = (u32)(p >> 32) ^ key ^ hi;
        hi = (u32)p;
        key += 0x9E3779B9u;
    }
    return hi;
}

struct dropout_args {
    int rows, size, lanes, width, parts, row_stride, part_stride, first_row, layer, threshold;
    float scale;
};

/* to[i] = from[i] * scale where kept, else 0.  The mask depends only on
 * (seed, step, layer, sample within the batch, element): an element is kept
 * if its 31 random bits are >= the threshold.  A group has one of `parts` of a
 * sample, or of 16 samples in lanes; from one to the next, of rows and of parts, there
 * are so many elements. */
KERNEL3(dropout, dropout_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, const u32, step)
    BUFFER(2, float, to)
    const int shift = ARG(lanes) ? 4 : 0, mask = ARG(lanes) ? 15 : 0, size = ARG(size) << shift;
    const int threshold = ARG(threshold), parts = ARG(parts);
    const float scale = ARG(scale);
    const u32 key = step[STEP_SEED] + 0x85EBCA6Bu * (u32)ARG(layer), number = step[STEP_NUMBER] * 0xC2B2AE35u;
    FOR_ROWS(p, (ARG(rows) >> shift) * parts) {
        const int part = p % parts, row = p / parts, first = part * ARG(width);
        const int width = size - first < ARG(width) ? size - first : ARG(width);
        const u32 sample = (u32)(ARG(first_row) + (row << shift)) + number;
        const size_t at = (size_t)row * ARG(row_stride) + (size_t)part * ARG(part_stride);
        GLOBAL const float *x = from + at;
        GLOBAL float *y = to + at;
        FOR_COLS(c, width) {
            const int i = first + c;
            const u32 bits = random_bits(key, (u32)(i >> shift), sample + (u32)(i & mask));
            const float scaled = x[c] * scale; /* always read: a read under a condition is not vectorised */
            y[c] = (int)(bits >> 1) >= threshold ? scaled : 0.0f;
        }
    }
}
