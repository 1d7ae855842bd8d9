/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "vector_math.h"

struct kl_args { int rows, cols, want_gradient, log_target; };

/* Per row r: loss[r] = sum_c t (log t - x), of t = 0: 0; dx = -t if requested.  log_target: the target has log t. */
KERNEL4(kl_values, kl_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, target)
    BUFFER(2, float, dx)
    BUFFER(3, float, stats)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *xr = x + (size_t)r * cols, *tr = target + (size_t)r * cols;
        GLOBAL float *dr = dx + (size_t)r * cols;
        float sum = 0.0f;
        if (ARG(log_target))
            for (int c = WARP_LANE; c < cols; c += WARP) {
                float t = vector_exp(tr[c]);
                sum += t * (tr[c] - xr[c]);
                if (ARG(want_gradient)) dr[c] = -t;
            }
        else
            for (int c = WARP_LANE; c < cols; c += WARP) {
                float t = tr[c], l = PICK(t == 0.0f, 0.0f, vector_log(t) - xr[c]);
                sum += t * l;
                if (ARG(want_gradient)) dr[c] = -t;
            }
        sum = WARP_SUM(sum);
        if (WARP_LANE == 0) stats[r] = sum;
    }
}
