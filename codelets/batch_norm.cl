/* SPDX-License-Identifier: BSD-3-Clause */
/* Batch normalisation, over `total` steps of `vectors` vectors of sixteen floats.
 *
 * In lanes a step is a position of sixteen samples, vector v holds channel v, and
 * only `live` samples of the last block count.  Otherwise a step is the least
 * number of positions that fills whole vectors, float i of a step belongs to
 * channel i % c, and `tail` positions remain after the last step.
 *
 * A tile takes the steps of one of `splits` parts, and `wide` of the vectors. */
#include "device.h"

struct batch_norm_args { int c, lanes, vectors, steps, blocks, total, live, tail, splits, wide, tiles, run; };

struct norm_tile { int part, begin, end, first, last; };

DEVICE struct norm_tile norm_tile(const struct batch_norm_args a, int tile)
{
    const int groups = (a.vectors + a.wide - 1) / a.wide, part = tile / groups, first = tile % groups * a.wide;
    struct norm_tile t = { part, 0, 0, first, first + a.wide < a.vectors ? first + a.wide : a.vectors };
    if (a.splits) {
        t.begin = (int)((u64)a.total * (u64)part / (u64)a.splits);
        t.end = (int)((u64)a.total * (u64)(part + 1) / (u64)a.splits);
    }
    return t;
}

/* The end of the steps from s on that lie in one block, and are at most `run`. */
DEVICE int norm_stop(const struct batch_norm_args a, struct norm_tile t, int s, int run)
{
    const int block = (s / a.steps + 1) * a.steps, stop = block < t.end ? block : t.end;
    return stop - s > run ? s + run : stop;
}

/* 1 for each sample of the block of step s, 0 for lanes beyond the last; mask: those of the last block. */
DEVICE v16 norm_mask(const struct batch_norm_args a, int s, GLOBAL const float *mask)
{
    return a.live < 16 && s >= (a.blocks - 1) * a.steps ? V16_LOAD(mask) : V16_SPLAT(1.0f);
}

/* A part of the tail: channels [begin,end) of a tile. */
DEVICE int norm_tail(const struct batch_norm_args a, int tile)
{
    return a.tail ? (int)((u64)a.c * (u64)tile / (u64)a.tiles) : 0;
}

/* How many steps of part `part` lane `lane` has. */
DEVICE float norm_count(const struct batch_norm_args a, int part, int lane)
{
    const int full = (a.blocks - 1) * a.steps, begin = (int)((u64)a.total * (u64)part / (u64)a.splits);
    int end = (int)((u64)a.total * (u64)(part + 1) / (u64)a.splits);
    if (lane >= a.live && end > full) end = full;
    return end > begin ? (float)(end - begin) : 0.0f;
}

/* Where entry k of channel c lies in the work of all parts, `size` floats each:
 * the lanes of each part, and then the tail. */
struct norm_entry { size_t at; float count; };

DEVICE int norm_entries(const struct batch_norm_args a)
{
    return a.splits * (a.lanes ? 16 : a.vectors * 16 / a.c) + (a.tail > 0);
}

DEVICE struct norm_entry norm_entry(const struct batch_norm_args a, int c, int k, int size)
{
    const int lanes = a.lanes ? 16 : a.vectors * 16 / a.c, part = k / lanes, lane = k % lanes;
    struct norm_entry e = { (size_t)part * size + (a.lanes ? c * 16 + lane : c + lane * a.c), (float)a.tail };
    if (part < a.splits) e.count = norm_count(a, part, lane);
    return e;
}

/* ------------------------------------------------------------- statistics */

/* Merges some steps of one vector into { base + delta, m2 }: the mean, and the
 * sum of squares of the distances to it.  share: 1 / steps so far, these included.
 * Source: Chan, Golub, LeVeque 1979. */
DEVICE void norm_add(GLOBAL const float *x, int steps, int stride, v16 mask, float share, GLOBAL float *base,
                     GLOBAL float *delta, GLOBAL float *m2)
{
    const v16 centre = V16_MUL(V16_LOAD(base), V16_SPLAT(-1.0f)), before = V16_LOAD(delta);
    const v16 off = V16_MUL(before, V16_SPLAT(-1.0f));
    v16 sum = V16_SPLAT(0.0f), squares = V16_SPLAT(0.0f);
    int i = 0;
    for (; i + 4 <= steps; i += 4, x += (size_t)4 * stride) {
        v16 d[4];
        UNROLL
        for (int j = 0; j < 4; j++)
            d[j] = V16_MUL(V16_ADD(V16_ADD(V16_LOAD(x + (size_t)j * stride), centre), off), mask);
        UNROLL
        for (int j = 0; j < 4; j++) {
            sum = V16_ADD(sum, d[j]);
            squares = V16_FMA(d[j], d[j], squares);
        }
    }
    for (; i < steps; i++, x += stride) {
        const v16 d = V16_MUL(V16_ADD(V16_ADD(V16_LOAD(x), centre), off), mask);
        sum = V16_ADD(sum, d);
        squares = V16_FMA(d, d, squares);
    }
    const v16 moved = V16_MUL(sum, V16_SPLAT(share));
    V16_STORE(delta, V16_ADD(before, moved));
    V16_STORE(m2, V16_ADD(V16_LOAD(m2), V16_FMA(V16_MUL(sum, V16_SPLAT(-1.0f)), moved, squares)));
}

/* The same of the tail, for one channel. */
DEVICE void norm_tail_stats(GLOBAL const float *x, int c, int tail, GLOBAL float *base, GLOBAL float *delta,
                            GLOBAL float *m2)
{
    float sum = 0.0f, squares = 0.0f;
    for (int i = 1; i < tail; i++) sum += x[i * c] - x[0];
    sum /= (float)tail;
    for (int i = 0; i < tail; i++) squares += (x[i * c] - x[0] - sum) * (x[i * c] - x[0] - sum);
    *base = x[0];
    *delta = sum;
    *m2 = squares;
}

/* work: of each part base, delta and m2, a float per lane; then a mask per tile */
KERNEL2(batch_norm_stats, batch_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, work)
    const struct batch_norm_args a = a_;
    const int width = a.vectors * 16;
    GLOBAL float *tail = work + (size_t)a.splits * 3 * width;
    FOR_TILES(tile, a.tiles) {
        const struct norm_tile t = norm_tile(a, tile);
        GLOBAL float *base = work + (size_t)t.part * 3 * width, *delta = base + width, *m2 = delta + width;
        GLOBAL float *mask = tail + 3 * width + (size_t)tile * 16;
        for (int l = 0; l < 16; l++) mask[l] = l < a.live ? 1.0f : 0.0f;
        V16_AGREE();
        for (int v = t.first * 16; t.begin < t.end && v < t.last * 16; v += 16) {
            V16_STORE(base + v, V16_LOAD(x + (size_t)t.begin * width + v));
            V16_STORE(delta + v, V16_SPLAT(0.0f));
            V16_STORE(m2 + v, V16_SPLAT(0.0f));
        }
        for (int s = t.begin, stop; s < t.end; s = stop) {
            stop = norm_stop(a, t, s, a.run);
            const v16 live = norm_mask(a, s, mask);
            const float share = 1.0f / (float)(stop - t.begin);
            for (int v = t.first * 16; v < t.last * 16; v += 16)
                norm_add(x + (size_t)s * width + v, stop - s, width, live, share, base + v, delta + v, m2 + v);
        }
        for (int c = norm_tail(a, tile); c < norm_tail(a, tile + 1); c++)
            norm_tail_stats(x + (size_t)a.total * width + c, a.c, a.tail, tail + c, tail + width + c,
                            tail + 2 * width + c);
    }
}

struct batch_norm_reduce_args { struct batch_norm_args a; float share; };

/* sums = { mean[c], m2[c] } from the work of batch_norm_stats; share: 1 / values of a channel */
KERNEL2(batch_norm_reduce, batch_norm_reduce_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, float, sums)
    const struct batch_norm_args a = ARG(a);
    const int width = a.vectors * 16, entries = norm_entries(a);
    FOR_WARPS(c, a.c) {
        const float base = work[norm_entry(a, c, 0, 3 * width).at];
        float mean = 0.0f, m2 = 0.0f;
        for (int k = WARP_LANE; k < entries; k += WARP) {
            const struct norm_entry e = norm_entry(a, c, k, 3 * width);
            mean += e.count * (work[e.at] - base + work[e.at + width]);
        }
        mean = WARP_SUM(mean) * ARG(share);
        for (int k = WARP_LANE; k < entries; k += WARP) {
            const struct norm_entry e = norm_entry(a, c, k, 3 * width);
            const float d = work[e.at] - base + work[e.at + width] - mean;
            m2 += e.count > 0.0f ? work[e.at + 2 * width] + e.count * d * d : 0.0f;
        }
        m2 = WARP_SUM(m2);
        if (WARP_LANE == 0) {
            sums[c] = base + mean;
            sums[a.c + c] = fmaxf(m2, 0.0f);
        }
    }
}

struct batch_norm_merge_args { int c; float before, here; };

/* all, of `before` values, and one, of `here`, become one; before 0: all is written. */
KERNEL2(batch_norm_merge, batch_norm_merge_args)
{
    BUFFER(0, const float, one)
    BUFFER(1, float, all)
    const float before = ARG(before), here = ARG(here), n = before + here;
    const int size = ARG(c);
    FOR_ITEMS(c, size) {
        const float d = before > 0.0f ? one[c] - all[c] : 0.0f;
        all[c] = before > 0.0f ? all[c] + d * (here / n) : one[c];
        all[size + c] = one[size + c] + (before > 0.0f ? all[size + c] + d * d * before * (here / n) : 0.0f);
    }
}

struct batch_norm_running_args { int c; float count, momentum; };

/* running + momentum (batch - running), with the unbiased variance; one more batch. */
KERNEL4(batch_norm_running, batch_norm_running_args)
{
    BUFFER(0, const float, all)
    BUFFER(1, float, mean)
    BUFFER(2, float, variance)
    BUFFER(3, float, batches)
    const float unbiased = 1.0f / fmaxf(ARG(count) - 1.0f, 1.0f);
    FOR_ITEMS(c, ARG(c)) {
        mean[c] += ARG(momentum) * (all[c] - mean[c]);
        variance[c] += ARG(momentum) * (all[ARG(c) + c] * unbiased - variance[c]);
        if (c == 0) batches[0] += 1.0f;
    }
}

/* ---------------------------------------------------------------- forward */

struct batch_norm_scale_args { int c, lanes, width, plain; float count, epsilon; };

/* factors = { scale, shift } of each float of a step: (x - mean) rstd w + b is
 * scale x + shift; plain: without w and b.  m2 / count is the variance. */
KERNEL5(batch_norm_scale, batch_norm_scale_args)
{
    BUFFER(0, const float, mean)
    BUFFER(1, const float, m2)
    BUFFER(2, const float, w)
    BUFFER(3, const float, b)
    BUFFER(4, float, factors)
    FOR_ITEMS(i, ARG(width)) {
        const int c = ARG(lanes) ? i / 16 : i % ARG(c);
        const float rstd = 1.0f / sqrtf(m2[c] / ARG(count) + ARG(epsilon)), scale = ARG(plain) ? rstd : rstd * w[c];
        factors[i] = scale;
        factors[ARG(width) + i] = (ARG(plain) ? 0.0f : b[c]) - mean[c] * scale;
    }
}

/* y = scale x + shift */
KERNEL3(batch_norm_fwd, batch_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, factors)
    BUFFER(2, float, y)
    const struct batch_norm_args a = a_;
    const int width = a.vectors * 16;
    FOR_TILES(tile, a.tiles) {
        const struct norm_tile t = norm_tile(a, tile);
        for (int s = t.begin; s < t.end; s++)
            for (int v = t.first * 16; v < t.last * 16; v += 16) {
                const size_t at = (size_t)s * width + v;
                V16_STORE(y + at, V16_FMA(V16_LOAD(x + at), V16_LOAD(factors + v), V16_LOAD(factors + width + v)));
            }
        for (int i = 0; i < a.tail; i++)
            for (int c = norm_tail(a, tile); c < norm_tail(a, tile + 1); c++) {
                const size_t at = (size_t)a.total * width + i * a.c + c;
                y[at] = x[at] * factors[c] + factors[width + c];
            }
    }
}

/* --------------------------------------------------------------- backward */

/* Adds dy and dy h of some steps of one vector, h = scale x + shift. */
DEVICE void norm_add_gradients(GLOBAL const float *x, GLOBAL const float *dy, int steps, int stride, v16 scale,
                               v16 shift, GLOBAL float *with_h, GLOBAL float *plain)
{
    v16 sum = V16_SPLAT(0.0f), products = V16_SPLAT(0.0f);
    int i = 0;
    for (; i + 4 <= steps; i += 4, x += (size_t)4 * stride, dy += (size_t)4 * stride) {
        v16 d[4], h[4];
        UNROLL
        for (int j = 0; j < 4; j++) {
            d[j] = V16_LOAD(dy + (size_t)j * stride);
            h[j] = V16_FMA(V16_LOAD(x + (size_t)j * stride), scale, shift);
        }
        UNROLL
        for (int j = 0; j < 4; j++) {
            sum = V16_ADD(sum, d[j]);
            products = V16_FMA(d[j], h[j], products);
        }
    }
    for (; i < steps; i++, x += stride, dy += stride) {
        const v16 d = V16_LOAD(dy);
        sum = V16_ADD(sum, d);
        products = V16_FMA(d, V16_FMA(V16_LOAD(x), scale, shift), products);
    }
    V16_STORE(with_h, V16_ADD(V16_LOAD(with_h), products));
    V16_STORE(plain, V16_ADD(V16_LOAD(plain), sum));
}

/* work: of each part the sums of dy h and of dy, a float per lane.  dy is 0 in lanes beyond the last sample. */
KERNEL4(batch_norm_sums, batch_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, const float, factors)
    BUFFER(3, float, work)
    const struct batch_norm_args a = a_;
    const int width = a.vectors * 16;
    GLOBAL float *tail = work + (size_t)a.splits * 2 * width;
    FOR_TILES(tile, a.tiles) {
        const struct norm_tile t = norm_tile(a, tile);
        GLOBAL float *with_h = work + (size_t)t.part * 2 * width, *plain = with_h + width;
        for (int v = t.first * 16; t.begin < t.end && v < t.last * 16; v += 16) {
            V16_STORE(with_h + v, V16_SPLAT(0.0f));
            V16_STORE(plain + v, V16_SPLAT(0.0f));
        }
        for (int s = t.begin, stop; s < t.end; s = stop) {
            stop = s + a.run < t.end ? s + a.run : t.end;
            for (int v = t.first * 16; v < t.last * 16; v += 16)
                norm_add_gradients(x + (size_t)s * width + v, dy + (size_t)s * width + v, stop - s, width,
                                   V16_LOAD(factors + v), V16_LOAD(factors + width + v), with_h + v, plain + v);
        }
        for (int c = norm_tail(a, tile); c < norm_tail(a, tile + 1); c++) {
            float sum = 0.0f, products = 0.0f;
            for (int i = 0; i < a.tail; i++) {
                const size_t at = (size_t)a.total * width + i * a.c + c;
                sum += dy[at];
                products += dy[at] * (x[at] * factors[c] + factors[width + c]);
            }
            tail[c] = products;
            tail[width + c] = sum;
        }
    }
}

/* sums = { sum of dy h, sum of dy } of each channel */
KERNEL2(batch_norm_total, batch_norm_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, float, sums)
    const struct batch_norm_args a = a_;
    const int width = a.vectors * 16, entries = norm_entries(a);
    FOR_WARPS(c, a.c) {
        float with_h = 0.0f, plain = 0.0f;
        for (int k = WARP_LANE; k < entries; k += WARP) {
            const size_t at = norm_entry(a, c, k, 2 * width).at;
            with_h += work[at];
            plain += work[at + width];
        }
        with_h = WARP_SUM(with_h);
        plain = WARP_SUM(plain);
        if (WARP_LANE == 0) {
            sums[c] = with_h;
            sums[a.c + c] = plain;
        }
    }
}

/* w rstd (dy - (sum dy + h sum dy h) / count) is p dy + q x + r: factors = { p, q, r } of each
 * float of a step.  sums: over the whole batch. */
KERNEL5(batch_norm_slope, batch_norm_scale_args)
{
    BUFFER(0, const float, mean)
    BUFFER(1, const float, m2)
    BUFFER(2, const float, w)
    BUFFER(3, const float, sums)
    BUFFER(4, float, factors)
    FOR_ITEMS(i, ARG(width)) {
        const int c = ARG(lanes) ? i / 16 : i % ARG(c);
        const float rstd = 1.0f / sqrtf(m2[c] / ARG(count) + ARG(epsilon)), p = w[c] * rstd;
        const float q = -p * rstd * sums[c] / ARG(count);
        factors[i] = p;
        factors[ARG(width) + i] = q;
        factors[2 * ARG(width) + i] = -p * sums[ARG(c) + c] / ARG(count) - q * mean[c];
    }
}

/* dx = p dy + q x + r, 0 in lanes beyond the last sample; then a mask per tile in factors */
KERNEL4(batch_norm_dx, batch_norm_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, factors)
    BUFFER(3, float, dx)
    const struct batch_norm_args a = a_;
    const int width = a.vectors * 16;
    FOR_TILES(tile, a.tiles) {
        const struct norm_tile t = norm_tile(a, tile);
        GLOBAL float *mask = factors + 3 * width + (size_t)tile * 16;
        for (int l = 0; l < 16; l++) mask[l] = l < a.live ? 1.0f : 0.0f;
        V16_AGREE();
        for (int s = t.begin, stop; s < t.end; s = stop) {
            stop = norm_stop(a, t, s, a.total);
            const v16 live = norm_mask(a, s, mask);
            for (int i = s; i < stop; i++)
                for (int v = t.first * 16; v < t.last * 16; v += 16) {
                    const size_t at = (size_t)i * width + v;
                    const v16 r = V16_FMA(V16_LOAD(x + at), V16_LOAD(factors + width + v),
                                          V16_LOAD(factors + 2 * width + v));
                    V16_STORE(dx + at, V16_MUL(V16_FMA(V16_LOAD(dy + at), V16_LOAD(factors + v), r), live));
                }
        }
        for (int i = 0; i < a.tail; i++)
            for (int c = norm_tail(a, tile); c < norm_tail(a, tile + 1); c++) {
                const size_t at = (size_t)a.total * width + i * a.c + c;
                dx[at] = dy[at] * factors[c] + x[at] * factors[width + c] + factors[2 * width + c];
            }
    }
}
