/* SPDX-License-Identifier: BSD-3-Clause */
/* Means over all positions: of `rows` samples, or blocks of sixteen in lanes,
 * with `width` floats at each position.  A tile takes `wide` vectors of a row. */
#include "device.h"

struct global_avg_pool_args { int rows, positions, width, add, wide, tiles; };

struct mean_tile { int row, first, whole, last; };

/* Floats [first,last) of a row, of which [first,whole) fill vectors. */
DEVICE struct mean_tile mean_tile(const struct global_avg_pool_args a, int tile)
{
    const int groups = ((a.width + 15) / 16 + a.wide - 1) / a.wide, first = tile % groups * a.wide * 16;
    struct mean_tile t = { tile / groups, first, 0, first + a.wide * 16 < a.width ? first + a.wide * 16 : a.width };
    t.whole = first + (t.last - first) / 16 * 16;
    return t;
}

/* y[r][i] = sum_p x[r][p][i] / positions */
KERNEL2(global_avg_pool_fwd, global_avg_pool_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const struct global_avg_pool_args a = a_;
    const float share = 1.0f / (float)a.positions;
    FOR_TILES(tile, a.tiles) {
        const struct mean_tile t = mean_tile(a, tile);
        GLOBAL const float *from = x + (size_t)t.row * a.positions * a.width;
        GLOBAL float *to = y + (size_t)t.row * a.width;
        for (int i = t.first; i < t.whole; i += 16) V16_STORE(to + i, V16_SPLAT(0.0f));
        for (int p = 0; p < a.positions; p += 4) {
            const int end = p + 4 < a.positions ? p + 4 : a.positions;
            const float factor = end == a.positions ? share : 1.0f;
            for (int i = t.first; i < t.whole; i += 16) {
                v16 sum = V16_LOAD(to + i);
                for (int q = p; q < end; q++) sum = V16_ADD(sum, V16_LOAD(from + (size_t)q * a.width + i));
                V16_STORE(to + i, V16_MUL(sum, V16_SPLAT(factor)));
            }
        }
        for (int i = t.whole; i < t.last; i++) {
            float sum = 0.0f;
            for (int p = 0; p < a.positions; p++) sum += from[(size_t)p * a.width + i];
            to[i] = sum * share;
        }
    }
}

/* dx[r][p][i] (+)= dy[r][i] / positions */
KERNEL2(global_avg_pool_bwd, global_avg_pool_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, float, dx)
    const int positions = ARG(positions), width = ARG(width), add = ARG(add);
    const float share = 1.0f / (float)positions;
    FOR_ROWS(row, ARG(rows)) {
        GLOBAL const float *from = dy + (size_t)row * width;
        for (int p = 0; p < positions; p++) {
            GLOBAL float *to = dx + ((size_t)row * positions + p) * width;
            if (add)
                FOR_COLS(i, width) to[i] += from[i] * share;
            else
                FOR_COLS(i, width) to[i] = from[i] * share;
        }
    }
}
