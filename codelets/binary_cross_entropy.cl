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

struct bce_weighted_args { int rows, cols, want_gradient, weights; float scale; };

/* The same with a weight for each of `weights` channels of what counts for targets of 1: per row
 * loss[r] = scale sum_c w t log(1 + exp(-z)) + (1 - t) log(1 + exp(z)); dz = scale ((1 - t) p - w t (1 - p)). */
KERNEL5(bce_weighted, bce_weighted_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const float, t)
    BUFFER(2, const float, w)
    BUFFER(3, float, dz)
    BUFFER(4, float, stats)
    const int cols = ARG(cols), weights = ARG(weights), want_gradient = ARG(want_gradient);
    const float scale = ARG(scale);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *zr = z + (size_t)r * cols, *tr = t + (size_t)r * cols;
        GLOBAL float *dr = dz + (size_t)r * cols;
        float sum = 0.0f;
        for (int c = WARP_LANE; c < cols; c += WARP) {
            const float v = zr[c], q = tr[c], wq = w[c % weights] * q;
            const float e = vector_exp(-fabsf(v)), l = vector_log(1.0f + e), one = 1.0f / (1.0f + e);
            const float p = v < 0.0f ? e * one : one, rest = v < 0.0f ? one : e * one;
            sum += wq * (v < 0.0f ? l - v : l) + (1.0f - q) * (v < 0.0f ? l : l + v);
            if (want_gradient) dr[c] = scale * ((1.0f - q) * p - wq * rest);
        }
        sum = WARP_SUM(sum);
        if (WARP_LANE == 0) stats[r] = scale * sum;
    }
}
