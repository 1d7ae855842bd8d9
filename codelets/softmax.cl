/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax of rows and its logarithm, in vectors on a CPU; on CUDA a warp takes a row.  Along an axis that is not the
 * last, columns beside each other are computed together. */
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

/* `outer` times n numbers of each of `inner` columns. */
struct softmax_columns_args { int outer, n, inner, log; };

/* The same along columns; work: the maximum and the sum of each */
KERNEL3(softmax_columns_fwd, softmax_columns_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, work)
    BUFFER(2, float, y)
    const int n = ARG(n), inner = ARG(inner), log = ARG(log);
    FOR_ROWS(r, ARG(outer)) {
        GLOBAL const float *xs = x + (size_t)r * n * inner;
        GLOBAL float *ys = y + (size_t)r * n * inner;
        GLOBAL float *tops = work + (size_t)r * 2 * inner, *sums = tops + inner;
        FOR_COLS(c, inner) tops[c] = xs[c];
        for (int i = 1; i < n; i++) {
            GLOBAL const float *p = xs + (size_t)i * inner;
            FOR_COLS(c, inner) tops[c] = p[c] > tops[c] ? p[c] : tops[c];
        }
        FOR_COLS(c, inner) sums[c] = 0.0f;
        for (int i = 0; i < n; i++) {
            GLOBAL const float *p = xs + (size_t)i * inner;
            GLOBAL float *to = ys + (size_t)i * inner;
            FOR_COLS(c, inner) {
                const float e = vector_exp(p[c] - tops[c]);
                to[c] = e;
                sums[c] += e;
            }
        }
        FOR_COLS(c, inner) sums[c] = log ? tops[c] + vector_log(sums[c]) : 1.0f / sums[c];
        for (int i = 0; i < n; i++) {
            GLOBAL const float *p = xs + (size_t)i * inner;
            GLOBAL float *to = ys + (size_t)i * inner;
            if (log)
                FOR_COLS(c, inner) to[c] = p[c] - sums[c];
            else
                FOR_COLS(c, inner) to[c] *= sums[c];
        }
    }
}

/* The same along columns; sums: of each */
KERNEL4(softmax_columns_bwd, softmax_columns_args)
{
    BUFFER(0, const float, y)
    BUFFER(1, const float, dy)
    BUFFER(2, float, sums)
    BUFFER(3, float, dx)
    const int n = ARG(n), inner = ARG(inner), log = ARG(log);
    FOR_ROWS(r, ARG(outer)) {
        const size_t at = (size_t)r * n * inner;
        GLOBAL float *s = sums + (size_t)r * inner;
        FOR_COLS(c, inner) s[c] = 0.0f;
        for (int i = 0; i < n; i++) {
            GLOBAL const float *p = y + at + (size_t)i * inner, *d = dy + at + (size_t)i * inner;
            if (log)
                FOR_COLS(c, inner) s[c] += d[c];
            else
                FOR_COLS(c, inner) s[c] += d[c] * p[c];
        }
        for (int i = 0; i < n; i++) {
            GLOBAL const float *p = y + at + (size_t)i * inner, *d = dy + at + (size_t)i * inner;
            GLOBAL float *to = dx + at + (size_t)i * inner;
            if (log)
                FOR_COLS(c, inner) to[c] = d[c] - vector_exp(p[c]) * s[c];
            else
                FOR_COLS(c, inner) to[c] = p[c] * (d[c] - s[c]);
        }
    }
}
