/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct position_args { int rows, t, cols, length, cached; };

/* y[n][p] = x[n][p] + w[state[n] + p]; NaN where w has no such row; state is read where cached. */
KERNEL4(position_fwd, position_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, state)
    BUFFER(3, float, y)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows) * ARG(t)) {
        const int p = r % ARG(t) + (ARG(cached) ? (int)state[r / ARG(t)] : 0), inside = p < ARG(length);
        GLOBAL const float *xr = x + (size_t)r * cols, *wr = w + (inside ? (size_t)p * cols : 0);
        GLOBAL float *yr = y + (size_t)r * cols;
        const float beyond = inside ? 0.0f : BITS_TO_FLOAT(0x7fc00000u);
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) yr[c] = xr[c] + wr[c] + beyond;
    }
}

/* dw[p] = sum_n dy[n][p], 0 from p = t on */
KERNEL2(position_dw, position_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, float, dw)
    const int cols = ARG(cols), t = ARG(t);
    FOR_WARPS(p, ARG(length)) {
        GLOBAL float *to = dw + (size_t)p * cols;
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) to[c] = 0.0f;
        for (int n = 0; p < t && n < ARG(rows); n++) {
            GLOBAL const float *d = dy + ((size_t)n * t + p) * cols;
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) to[c] += d[c];
        }
    }
}
