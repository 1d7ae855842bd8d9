/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "shared.h"

struct mse_args { int rows, cols, want_gradient; };

/* Per row r, with d_rc = z_rc - (c == t_r): loss[r] = mean_c d_rc^2,
 * correct[r] = (argmax z_r == t_r); dz_rc = 2 d_rc / cols if requested. */
KERNEL4(mse, mse_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, float, dz)
    BUFFER(3, float, stats)
    FOR_ITEMS(r, ARG(rows)) {
        int cols = ARG(cols), t = labels[r], best = 0;
        GLOBAL const float *zr = z + (size_t)r * cols;
        GLOBAL float *dr = dz + (size_t)r * cols;
        float sum = 0.0f, top = zr[0];
        for (int c = 0; c < cols; c++) {
            float v = zr[c], d = v - (c == t ? 1.0f : 0.0f);
            if (v > top) { top = v; best = c; }
            sum += d * d;
            if (ARG(want_gradient)) dr[c] = 2.0f * d / (float)cols;
        }
        stats[r] = sum / (float)cols;
        stats[ARG(rows) + r] = best == t ? 1.0f : 0.0f;
    }
}

/* Per row r: loss[r] = scale sum_c (z - t)^2; dz = 2 scale (z - t) if requested. */
KERNEL4(mse_values, value_loss_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const float, t)
    BUFFER(2, float, dz)
    BUFFER(3, float, stats)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *zr = z + (size_t)r * cols, *tr = t + (size_t)r * cols;
        GLOBAL float *dr = dz + (size_t)r * cols;
        float sum = 0.0f;
        for (int c = WARP_LANE; c < cols; c += WARP) sum += (zr[c] - tr[c]) * (zr[c] - tr[c]);
        if (ARG(want_gradient))
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) dr[c] = 2.0f * ARG(scale) * (zr[c] - tr[c]);
        sum = WARP_SUM(sum);
        if (WARP_LANE == 0) stats[r] = ARG(scale) * sum;
    }
}
