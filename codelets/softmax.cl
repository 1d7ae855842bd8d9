/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax of rows and its logarithm, in vectors on a CPU; on CUDA a warp takes a row. */
#include "device.h"
#include "vector_math.h"

/* The largest of a row; NaN may be left out, which then is in the sum. */
DEVICE float softmax_top(GLOBAL const float *x, int n)
{
    int c = 0;
    float top = x[0];
    if (WARP == 1 && n >= 16) {
        float lane[16];
        v16 most = V16_LOAD(x);
        for (c = 16; c + 16 <= n; c += 16) most = V16_MAX(V16_LOAD(x + c), most);
        V16_STORE(lane, most);
        for (int i = 0; i < 16; i++) top = lane[i] > top ? lane[i] : top;
    }
    for (c += WARP_LANE; c < n; c += WARP) top = x[c] > top ? x[c] : top;
    return WARP_MAX(top);
}

struct softmax_args { int rows, cols, log; };

/* y = exp(x - top) / sum, or its logarithm x - top - log(sum), sum = sum_c exp(x_c - top) */
KERNEL2(softmax_fwd, softmax_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *xr = x + (size_t)r * cols;
        GLOBAL float *yr = y + (size_t)r * cols;
        const float top = softmax_top(xr, cols);
        float sum = 0.0f;
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) {
            const float e = vector_exp(xr[c] - top);
            yr[c] = e;
            sum += e;
        }
        sum = WARP_SUM(sum);
        const float scale = 1.0f / sum, away = top + vector_log(sum);
        if (ARG(log))
            INDEPENDENT for (int c = WARP_LANE; c < cols; c += WARP) yr[c] = xr[c] - away;
        else
            INDEPENDENT for (int c = WARP_LANE; c < cols; c += WARP) yr[c] *= scale;
    }
}

/* dx = y (dy - sum_c dy_c y_c); of the logarithm: dy - exp(y) sum_c dy_c */
KERNEL3(softmax_bwd, softmax_args)
{
    BUFFER(0, const float, y)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dx)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *yr = y + (size_t)r * cols, *dyr = dy + (size_t)r * cols;
        GLOBAL float *dxr = dx + (size_t)r * cols;
        float sum = 0.0f;
        if (ARG(log)) {
            for (int c = WARP_LANE; c < cols; c += WARP) sum += dyr[c];
            sum = WARP_SUM(sum);
            INDEPENDENT for (int c = WARP_LANE; c < cols; c += WARP) dxr[c] = dyr[c] - vector_exp(yr[c]) * sum;
        } else {
            for (int c = WARP_LANE; c < cols; c += WARP) sum += dyr[c] * yr[c];
            sum = WARP_SUM(sum);
            INDEPENDENT for (int c = WARP_LANE; c < cols; c += WARP) dxr[c] = yr[c] * (dyr[c] - sum);
        }
    }
}
