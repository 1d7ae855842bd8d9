/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "shared.h"

/* Per row r: loss[r] = scale sum_c |z - t|; dz = scale sign(z - t) if requested. */
KERNEL4(mae_values, value_loss_args)
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
        for (int c = WARP_LANE; c < cols; c += WARP) sum += fabsf(zr[c] - tr[c]);
        if (ARG(want_gradient))
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) {
                float d = zr[c] - tr[c];
                dr[c] = d == 0.0f ? 0.0f : d < 0.0f ? -ARG(scale) : d > 0.0f ? ARG(scale) : d; /* NaN stays NaN */
            }
        sum = WARP_SUM(sum);
        if (WARP_LANE == 0) stats[r] = ARG(scale) * sum;
    }
}
