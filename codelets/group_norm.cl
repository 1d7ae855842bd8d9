/* SPDX-License-Identifier: BSD-3-Clause */
/* Group normalisation of samples of `positions` rows of c channels: sums of each
 * channel by tiles of one sample and up to `wide` vectors of channels, then of each
 * group.  The last vector of a row begins where it ends with the row, so that it may
 * have channels of the one before, with the same results; rows that are narrower than
 * a vector go channel by channel. */
#include "device.h"

#define GROUP_WIDE 4 /* maximum of `wide` */

struct group_norm_args { int rows, positions, c, groups, blocks, wide, affine, add; float epsilon; };

struct group_tile { int sample, vectors, first; };

/* Vectors [first, first + vectors) of a sample. */
DEVICE struct group_tile group_tile(const struct group_norm_args a, int tile)
{
    const int all = (a.c + 15) / 16, first = tile % a.blocks * a.wide;
    struct group_tile t = { tile / a.blocks, all - first < a.wide ? all - first : a.wide, first };
    return t;
}

/* Where vector v of a row begins. */
DEVICE int group_at(int v, int c) { return v * 16 + 16 <= c ? v * 16 : c - 16; }

/* For `wide` vectors at x: mean = base + sum (x - base) / positions, base the first value; m2 = sum (x - mean)^2 */
DEVICE void group_stats(int wide, GLOBAL const float *x, GLOBAL float *mean, GLOBAL float *m2, int positions, int c)
{
    v16 centre[GROUP_WIDE], sum[GROUP_WIDE];
    UNROLL
    for (int i = 0; i < wide; i++) {
        centre[i] = V16_MUL(V16_LOAD(x + 16 * i), V16_SPLAT(-1.0f));
        sum[i] = V16_SPLAT(0.0f);
    }
    for (int p = 0; p < positions; p++)
        UNROLL
        for (int i = 0; i < wide; i++)
            sum[i] = V16_ADD(sum[i], V16_ADD(V16_LOAD(x + (size_t)p * c + 16 * i), centre[i]));
    UNROLL
    for (int i = 0; i < wide; i++) {
        const v16 off = V16_MUL(sum[i], V16_SPLAT(1.0f / (float)positions));
        V16_STORE(mean + 16 * i, V16_ADD(V16_LOAD(x + 16 * i), off));
        centre[i] = V16_MUL(V16_LOAD(mean + 16 * i), V16_SPLAT(-1.0f));
        sum[i] = V16_SPLAT(0.0f);
    }
    for (int p = 0; p < positions; p++)
        UNROLL
        for (int i = 0; i < wide; i++) {
            const v16 d = V16_ADD(V16_LOAD(x + (size_t)p * c + 16 * i), centre[i]);
            sum[i] = V16_FMA(d, d, sum[i]);
        }
    UNROLL
    for (int i = 0; i < wide; i++) V16_STORE(m2 + 16 * i, sum[i]);
}

/* work[sample] = { mean[c], sum of squares of the distances to it [c] }, over the positions */
KERNEL2(group_norm_stats, group_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, work)
    const struct group_norm_args a = a_;
    const int c = a.c, positions = a.positions;
    FOR_TILES(tile, a.rows * a.blocks) {
        const struct group_tile t = group_tile(a, tile);
        GLOBAL const float *from = x + (size_t)t.sample * positions * c;
        GLOBAL float *mean = work + (size_t)t.sample * 2 * c, *m2 = mean + c;
        const int whole = t.vectors == GROUP_WIDE && (t.first + GROUP_WIDE) * 16 <= c;
        if (whole) group_stats(GROUP_WIDE, from + t.first * 16, mean + t.first * 16, m2 + t.first * 16, positions, c);
        for (int v = t.first; !whole && c >= 16 && v < t.first + t.vectors; v++) {
            const int at = group_at(v, c);
            group_stats(1, from + at, mean + at, m2 + at, positions, c);
        }
        for (int i = 0; c < 16 && i < c; i++) {
            float sum = 0.0f, squares = 0.0f;
            for (int p = 0; p < positions; p++) sum += from[p * c + i] - from[i];
            sum = from[i] + sum / (float)positions;
            for (int p = 0; p < positions; p++) squares += (from[p * c + i] - sum) * (from[p * c + i] - sum);
            mean[i] = sum;
            m2[i] = squares;
        }
    }
}

/* kept[sample][group] = { mean, rstd } of the channels' statistics, which count the same.
 * Source: Chan, Golub, LeVeque 1979. */
KERNEL2(group_norm_merge, group_norm_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, float, kept)
    const int groups = ARG(groups), size = ARG(c) / groups;
    FOR_ITEMS(i, ARG(rows) * groups) {
        GLOBAL const float *mean = work + (size_t)(i / groups) * 2 * ARG(c) + i % groups * size, *m2 = mean + ARG(c);
        float off = 0.0f, within = 0.0f, between = 0.0f;
        for (int j = 0; j < size; j++) off += mean[j] - mean[0];
        off /= (float)size;
        for (int j = 0; j < size; j++) {
            const float d = mean[j] - mean[0] - off;
            within += m2[j];
            between += d * d;
        }
        const float variance = (within / (float)ARG(positions) + between) / (float)size;
        kept[2 * i] = mean[0] + off;
        kept[2 * i + 1] = 1.0f / sqrtf(variance + ARG(epsilon));
    }
}

/* factors[sample] = { mean[c], rstd w[c] } of each channel's group */
KERNEL3(group_norm_scale, group_norm_args)
{
    BUFFER(0, const float, kept)
    BUFFER(1, const float, w)
    BUFFER(2, float, factors)
    const int c = ARG(c), groups = ARG(groups), size = c / groups, affine = ARG(affine);
    FOR_ITEMS(i, ARG(rows) * c) {
        const int n = i / c, k = i % c;
        GLOBAL const float *group = kept + 2 * ((size_t)n * groups + k / size);
        factors[(size_t)2 * n * c + k] = group[0];
        factors[(size_t)(2 * n + 1) * c + k] = affine ? group[1] * w[k] : group[1];
    }
}

/* y = (x - mean) scale + b; rows are positions */
KERNEL4(group_norm_fwd, group_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, factors)
    BUFFER(2, const float, b)
    BUFFER(3, float, y)
    const int c = ARG(c), affine = ARG(affine);
    FOR_ROWS(r, ARG(rows) * ARG(positions)) {
        GLOBAL const float *mean = factors + (size_t)(r / ARG(positions)) * 2 * c, *scale = mean + c;
        GLOBAL const float *xr = x + (size_t)r * c;
        GLOBAL float *yr = y + (size_t)r * c;
        FOR_COLS(k, c) yr[k] = (xr[k] - mean[k]) * scale[k] + (affine ? b[k] : 0.0f);
    }
}

/* For `wide` vectors: plain = sum dy, with_h = sum dy (x - mean) */
DEVICE void group_sums(int wide, GLOBAL const float *x, GLOBAL const float *dy, GLOBAL const float *mean,
                       GLOBAL float *with_h, GLOBAL float *plain, int positions, int c)
{
    v16 centre[GROUP_WIDE], sum[GROUP_WIDE], products[GROUP_WIDE];
    UNROLL
    for (int i = 0; i < wide; i++) {
        centre[i] = V16_MUL(V16_LOAD(mean + 16 * i), V16_SPLAT(-1.0f));
        sum[i] = products[i] = V16_SPLAT(0.0f);
    }
    for (int p = 0; p < positions; p++)
        UNROLL
        for (int i = 0; i < wide; i++) {
            const size_t at = (size_t)p * c + 16 * i;
            const v16 d = V16_LOAD(dy + at);
            sum[i] = V16_ADD(sum[i], d);
            products[i] = V16_FMA(d, V16_ADD(V16_LOAD(x + at), centre[i]), products[i]);
        }
    UNROLL
    for (int i = 0; i < wide; i++) {
        V16_STORE(with_h + 16 * i, products[i]);
        V16_STORE(plain + 16 * i, sum[i]);
    }
}

/* work[sample] = { sum dy (x - mean) [c], sum dy [c] }, over the positions; factors: the means of group_norm_scale */
KERNEL4(group_norm_sums, group_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, const float, factors)
    BUFFER(3, float, work)
    const struct group_norm_args a = a_;
    const int c = a.c, positions = a.positions;
    FOR_TILES(tile, a.rows * a.blocks) {
        const struct group_tile t = group_tile(a, tile);
        const size_t sample = (size_t)t.sample * positions * c;
        GLOBAL const float *from = x + sample, *d = dy + sample, *mean = factors + (size_t)t.sample * 2 * c;
        GLOBAL float *with_h = work + (size_t)t.sample * 2 * c, *plain = with_h + c;
        const int whole = t.vectors == GROUP_WIDE && (t.first + GROUP_WIDE) * 16 <= c, at = t.first * 16;
        if (whole) group_sums(GROUP_WIDE, from + at, d + at, mean + at, with_h + at, plain + at, positions, c);
        for (int v = t.first; !whole && c >= 16 && v < t.first + t.vectors; v++) {
            const int k = group_at(v, c);
            group_sums(1, from + k, d + k, mean + k, with_h + k, plain + k, positions, c);
        }
        for (int i = 0; c < 16 && i < c; i++) {
            float sum = 0.0f, products = 0.0f;
            for (int p = 0; p < positions; p++) {
                sum += d[p * c + i];
                products += d[p * c + i] * (from[p * c + i] - mean[i]);
            }
            with_h[i] = products;
            plain[i] = sum;
        }
    }
}

/* g = dy w, h = (x - mean) rstd, means over the values of a group: slopes[sample][group] =
 * { rstd mean(g), rstd^2 mean(g h) } */
KERNEL4(group_norm_slopes, group_norm_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, const float, kept)
    BUFFER(2, const float, w)
    BUFFER(3, float, slopes)
    const int c = ARG(c), groups = ARG(groups), size = c / groups, affine = ARG(affine);
    FOR_ITEMS(i, ARG(rows) * groups) {
        const int first = i % groups * size;
        GLOBAL const float *with_h = work + (size_t)(i / groups) * 2 * c + first, *plain = with_h + c;
        const float rstd = kept[2 * i + 1], share = rstd / ((float)ARG(positions) * (float)size);
        float sum = 0.0f, products = 0.0f;
        for (int j = 0; j < size; j++) {
            const float of = affine ? w[first + j] : 1.0f;
            sum += of * plain[j];
            products += of * with_h[j];
        }
        slopes[2 * i] = share * sum;
        slopes[2 * i + 1] = share * rstd * rstd * products;
    }
}

/* For a row of factors of group_norm_scale and the slopes, of each channel: lines[sample] = { its slopes [2][c] };
 * work: sum dy (x - mean) becomes sum dy h */
KERNEL4(group_norm_lines, group_norm_args)
{
    BUFFER(0, const float, slopes)
    BUFFER(1, const float, kept)
    BUFFER(2, float, work)
    BUFFER(3, float, lines)
    const int c = ARG(c), groups = ARG(groups), size = c / groups;
    FOR_ITEMS(i, ARG(rows) * c) {
        const int n = i / c, k = i % c;
        const size_t group = 2 * ((size_t)n * groups + k / size);
        work[(size_t)2 * n * c + k] *= kept[group + 1];
        lines[(size_t)2 * n * c + k] = slopes[group];
        lines[(size_t)(2 * n + 1) * c + k] = slopes[group + 1];
    }
}

/* dx (+)= scale dy - lines[0] - (x - mean) lines[1], that is rstd (g - mean(g) - h mean(g h)) */
KERNEL5(group_norm_dx, group_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, const float, factors)
    BUFFER(3, const float, lines)
    BUFFER(4, float, dx)
    const int c = ARG(c), add = ARG(add);
    FOR_ROWS(r, ARG(rows) * ARG(positions)) {
        const size_t of_sample = (size_t)(r / ARG(positions)) * 2 * c;
        GLOBAL const float *mean = factors + of_sample, *scale = mean + c, *off = lines + of_sample, *slope = off + c;
        GLOBAL const float *xr = x + (size_t)r * c, *dr = dy + (size_t)r * c;
        GLOBAL float *to = dx + (size_t)r * c;
        if (add)
            FOR_COLS(k, c) to[k] += scale[k] * dr[k] - off[k] - (xr[k] - mean[k]) * slope[k];
        else
            FOR_COLS(k, c) to[k] = scale[k] * dr[k] - off[k] - (xr[k] - mean[k]) * slope[k];
    }
}
