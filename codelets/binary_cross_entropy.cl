/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "shared.h"
#include "vector_math.h"

/* Per row r: loss[r] = scale sum_c max(z, 0) - z t + log(1 + exp(-|z|)), which
 * overflows nowhere; dz = scale (1 / (1 + exp(-z)) - t) if requested. */
KERNEL4(bce_values, value_loss_args)
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
        for (int c = WARP_LANE; c < cols; c += WARP) {
            float v = zr[c], e = vector_exp(-fabsf(v)), upper = v < 0.0f ? 0.0f : v;
            sum += upper - v * tr[c] + vector_log(1.0f + e);
            if (ARG(want_gradient)) dr[c] = ARG(scale) * ((v < 0.0f ? e : 1.0f) / (1.0f + e) - tr[c]);
        }
        sum = WARP_SUM(sum);
        if (WARP_LANE == 0) stats[r] = ARG(scale) * sum;
    }
}
