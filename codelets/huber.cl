/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct huber_args { int rows, cols, want_gradient; float scale, width; };

/* Per row r: loss[r] = scale sum_c m (|d| - m / 2), d = z - t and m = min(|d|, width); dz = scale times d, cut to
 * +-width, if requested. */
KERNEL4(huber_values, huber_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const float, t)
    BUFFER(2, float, dz)
    BUFFER(3, float, stats)
    const int cols = ARG(cols);
    const float width = ARG(width), scale = ARG(scale);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *zr = z + (size_t)r * cols, *tr = t + (size_t)r * cols;
        GLOBAL float *dr = dz + (size_t)r * cols;
        float sum = 0.0f;
        for (int c = WARP_LANE; c < cols; c += WARP) {
            float a = fabsf(zr[c] - tr[c]), m = a < width ? a : width;
            sum += m * (a - 0.5f * m);
        }
        if (ARG(want_gradient))
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) {
                float d = zr[c] - tr[c];
                dr[c] = scale * (d > width ? width : d < -width ? -width : d); /* NaN stays NaN */
            }
        sum = WARP_SUM(sum);
        if (WARP_LANE == 0) stats[r] = scale * sum;
    }
}

/* Which of the positions of a sample count; inner: positions for each index of the first axis. */
struct value_mask_args { int rows, cols, positions, inner, by_length, want_gradient; };

/* 1 where the class of the position is above 0, or its index on the first axis below the length of its sample. */
DEVICE float value_counts(GLOBAL const int *which, int r, int positions, int inner, int by_length)
{
    const int sample = r / positions;
    return (by_length ? (r - sample * positions) / inner < which[sample] : which[r] > 0) ? 1.0f : 0.0f;
}

/* stats holds loss[rows], then gets 0, then what counts; other rows have no loss and no gradient. */
KERNEL3(value_mask, value_mask_args)
{
    BUFFER(0, const int, which)
    BUFFER(1, float, stats)
    BUFFER(2, float, dz)
    const int rows = ARG(rows), cols = ARG(cols);
    FOR_WARPS(r, rows) {
        const float count = value_counts(which, r, ARG(positions), ARG(inner), ARG(by_length));
        if (WARP_LANE == 0) {
            if (count == 0.0f) stats[r] = 0.0f;
            stats[(size_t)rows + r] = 0.0f;
            stats[2 * (size_t)rows + r] = count;
        }
        GLOBAL float *dr = dz + (size_t)r * cols;
        if (count == 0.0f && ARG(want_gradient))
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) dr[c] = 0.0f;
    }
}

/* count[0] = the number of positions that count, by one warp */
KERNEL2(value_count, value_mask_args)
{
    BUFFER(0, const int, which)
    BUFFER(1, float, count)
    FOR_WARPS(i, 1) {
        float n = 0.0f;
        for (int r = WARP_LANE; r < ARG(rows); r += WARP)
            n += value_counts(which, r, ARG(positions), ARG(inner), ARG(by_length));
        n = WARP_SUM(n);
        if (WARP_LANE == 0) count[i] = n;
    }
}
