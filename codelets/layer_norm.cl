/* SPDX-License-Identifier: BSD-3-Clause */
/* Layer normalisation of rows of `cols` floats; rms: with mean 0 and without b.  On
 * CUDA a warp takes a row; elsewhere an item goes through it in vectors.  Sums are of
 * distances to the row's first value, so that a large mean does no harm. */
#include "device.h"

struct layer_norm_args { int rows, cols, add, splits, wide, tiles, rms; float epsilon; };

DEVICE float norm_lanes(v16 v)
{
    float lane[16];
    V16_STORE(lane, v);
    UNROLL
    for (int apart = 8; apart; apart /= 2)
        for (int i = 0; i < apart; i++) lane[i] += lane[i + apart];
    return lane[0];
}

/* sum over the row of x - base - off, or of its square */
DEVICE float norm_distance(GLOBAL const float *x, int cols, float base, float off, int squared)
{
    v16 sums = V16_SPLAT(0.0f);
    float sum = 0.0f;
    int c = 0;
    if (WARP == 1) {
        const v16 centre = V16_SPLAT(-base), shift = V16_SPLAT(-off);
        for (; c + 16 <= cols; c += 16) {
            const v16 d = V16_ADD(V16_ADD(V16_LOAD(x + c), centre), shift);
            sums = squared ? V16_FMA(d, d, sums) : V16_ADD(sums, d);
        }
        sum = norm_lanes(sums);
    }
    for (c += WARP_LANE; c < cols; c += WARP) {
        const float d = x[c] - base - off;
        sum += squared ? d * d : d;
    }
    return WARP_SUM(sum);
}

/* Per row r of x: y = (x - mean) rstd w + b; kept[r] = { mean, rstd },
 * mean = sum_c x / cols, rstd = 1 / sqrt(sum_c (x - mean)^2 / cols + epsilon). */
KERNEL5(layer_norm_fwd, layer_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, b)
    BUFFER(3, float, y)
    BUFFER(4, float, kept)
    const int cols = ARG(cols), rms = ARG(rms);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *xr = x + (size_t)r * cols;
        GLOBAL float *yr = y + (size_t)r * cols;
        const float base = rms ? 0.0f : xr[0];
        const float off = rms ? 0.0f : norm_distance(xr, cols, base, 0.0f, 0) / (float)cols;
        const float variance = norm_distance(xr, cols, base, off, 1) / (float)cols;
        const float rstd = 1.0f / sqrtf(variance + ARG(epsilon));
        int c = 0;
        if (WARP == 1) {
            const v16 centre = V16_SPLAT(-base), scale = V16_SPLAT(rstd), shift = V16_SPLAT(-off * rstd);
            for (; c + 16 <= cols; c += 16) {
                const v16 h = V16_FMA(V16_ADD(V16_LOAD(xr + c), centre), scale, shift);
                V16_STORE(yr + c, V16_FMA(h, V16_LOAD(w + c), rms ? V16_SPLAT(0.0f) : V16_LOAD(b + c)));
            }
        }
        for (c += WARP_LANE; c < cols; c += WARP)
            yr[c] = (xr[c] - base - off) * rstd * w[c] + (rms ? 0.0f : b[c]);
        if (WARP_LANE == 0) {
            kept[2 * r] = base + off;
            kept[2 * r + 1] = rstd;
        }
    }
}

/* h = (x - mean) rstd, g = dy w: dx (+)= rstd (g - mean_c(g) - h mean_c(g h)); rms: without mean_c(g) */
KERNEL5(layer_norm_dx, layer_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, dy)
    BUFFER(3, const float, kept)
    BUFFER(4, float, dx)
    const int cols = ARG(cols), add = ARG(add);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *xr = x + (size_t)r * cols, *dr = dy + (size_t)r * cols;
        GLOBAL float *to = dx + (size_t)r * cols;
        const float mean = kept[2 * r], rstd = kept[2 * r + 1];
        const v16 centre = V16_SPLAT(-mean), scale = V16_SPLAT(rstd);
        v16 sums = V16_SPLAT(0.0f), products = V16_SPLAT(0.0f);
        float sum = 0.0f, product = 0.0f;
        int c = 0;
        if (WARP == 1) {
            for (; c + 16 <= cols; c += 16) {
                const v16 g = V16_MUL(V16_LOAD(dr + c), V16_LOAD(w + c));
                sums = V16_ADD(sums, g);
                products = V16_FMA(g, V16_MUL(V16_ADD(V16_LOAD(xr + c), centre), scale), products);
            }
            sum = norm_lanes(sums);
            product = norm_lanes(products);
        }
        for (int i = c + WARP_LANE; i < cols; i += WARP) {
            sum += dr[i] * w[i];
            product += dr[i] * w[i] * (xr[i] - mean) * rstd;
        }
        sum = ARG(rms) ? 0.0f : WARP_SUM(sum) / (float)cols;
        product = WARP_SUM(product) / (float)cols;
        if (WARP == 1) {
            const v16 slope = V16_SPLAT(-product * rstd), off = V16_SPLAT(-sum);
            for (c = 0; c + 16 <= cols; c += 16) {
                const v16 g = V16_FMA(V16_LOAD(dr + c), V16_LOAD(w + c), off);
                const v16 d = V16_MUL(V16_FMA(V16_ADD(V16_LOAD(xr + c), centre), slope, g), scale);
                V16_STORE(to + c, add ? V16_ADD(V16_LOAD(to + c), d) : d);
            }
        }
        for (int i = c + WARP_LANE; i < cols; i += WARP) {
            const float d = rstd * (dr[i] * w[i] - sum - (xr[i] - mean) * rstd * product);
            to[i] = add ? to[i] + d : d;
        }
    }
}

/* A tile sums the rows of one of `splits` parts, of `wide` vectors of columns:
 * work[part] = { sum_r dy h, sum_r dy } of each column */
KERNEL4(layer_norm_sums, layer_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, const float, kept)
    BUFFER(3, float, work)
    const int cols = ARG(cols), vectors = (cols + 15) / 16, groups = (vectors + ARG(wide) - 1) / ARG(wide);
    FOR_TILES(tile, ARG(tiles)) {
        const int part = tile / groups, first = tile % groups * ARG(wide) * 16;
        const int last = first + ARG(wide) * 16 < cols ? first + ARG(wide) * 16 : cols;
        const int begin = (int)((u64)ARG(rows) * (u64)part / (u64)ARG(splits));
        const int end = (int)((u64)ARG(rows) * (u64)(part + 1) / (u64)ARG(splits));
        const int whole = first + (last - first) / 16 * 16;
        GLOBAL float *with_h = work + (size_t)part * 2 * cols, *plain = with_h + cols;
        for (int c = first; c < whole; c += 16) {
            V16_STORE(with_h + c, V16_SPLAT(0.0f));
            V16_STORE(plain + c, V16_SPLAT(0.0f));
        }
        for (int r = begin; r < end; r += 4) {
            const int rows = end - r < 4 ? end - r : 4;
            for (int c = first; c < whole; c += 16) {
                v16 sum = V16_LOAD(plain + c), products = V16_LOAD(with_h + c);
                for (int i = r; i < r + rows; i++) {
                    const v16 d = V16_LOAD(dy + (size_t)i * cols + c);
                    const v16 from_mean = V16_ADD(V16_LOAD(x + (size_t)i * cols + c), V16_SPLAT(-kept[2 * i]));
                    sum = V16_ADD(sum, d);
                    products = V16_FMA(d, V16_MUL(from_mean, V16_SPLAT(kept[2 * i + 1])), products);
                }
                V16_STORE(plain + c, sum);
                V16_STORE(with_h + c, products);
            }
        }
        for (int c = whole; c < last; c++) {
            float sum = 0.0f, products = 0.0f;
            for (int i = begin; i < end; i++) {
                const float d = dy[(size_t)i * cols + c];
                sum += d;
                products += d * (x[(size_t)i * cols + c] - kept[2 * i]) * kept[2 * i + 1];
            }
            plain[c] = sum;
            with_h[c] = products;
        }
    }
}

/* dw, db: the sums of all parts, in order */
KERNEL3(layer_norm_total, layer_norm_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, float, dw)
    BUFFER(2, float, db)
    const int cols = ARG(cols), parts = ARG(splits);
    FOR_ITEMS(c, cols) {
        float with_h = 0.0f, plain = 0.0f;
        for (int p = 0; p < parts; p++) {
            with_h += work[(size_t)p * 2 * cols + c];
            plain += work[(size_t)p * 2 * cols + cols + c];
        }
        dw[c] = with_h;
        db[c] = plain;
    }
}
