/* SPDX-License-Identifier: BSD-3-Clause */
/* Gradients of the weights of a 2-D convolution, in the lanes layout (conv2d.h).
 *
 * A tile sums products vector × vector, or where there are enough outputs scalar ×
 * vector of a transposed dy.
 */
#include "device.h"
#include "shared.h"
#include "conv2d.h"

#define ACC_MAX 24   /* accumulators of a tile: leaves registers for operands */

/* The range that a tile of dw sums over: rows of one block, one kernel row, and KB of the entries of a run, whose x
 * are side by side: a whole kernel row, or one of its taps. */
struct dw_span {
    int begin, end;       /* output rows */
    int ky, entry;        /* kernel row, first entry */
    int entries, columns; /* of the run: entries, in so many kernel columns */
    int column, first;    /* of the run's first entry: columns of x from the output's place, channel of x */
};

/* acc[j] += x[j] · dy for the entries j of [from,to), one position.
 * PLAIN: dy is in lanes, x is a vector.  Else dy is transposed: one step for each image,
 * x is a scalar and the vector runs over outputs. */
DEVICE void dw_position(const int PLAIN, const int KB, const int VB, const int SOME, GLOBAL const float *x,
                        GLOBAL const float *dy, int dy_step, int from, int to, v16 *acc)
{
    for (int step = 0; step < (PLAIN ? 1 : 16); step++, dy += dy_step) {
        v16 d[ACC_MAX];
        UNROLL
        for (int v = 0; v < VB; v++)
            d[v] = V16_LOAD(dy + v * 16);
        UNROLL
        for (int j = 0; j < KB; j++)
            if (!SOME || (j >= from && j < to)) {
                v16 xj = PLAIN ? V16_LOAD(x + j * 16) : V16_SPLAT(x[j * 16 + step]);
                if (VB > 1)
                    V16_KEEP(xj);
                UNROLL
                for (int v = 0; v < VB; v++)
                    acc[j * VB + v] = V16_FMA(xj, d[v], acc[j * VB + v]);
            }
    }
}

/* the first output column q >= 0 with q·stride - pad + k >= 0, and the end of those with … < size */
DEVICE int dw_first(int k, int stride, int pad) { return pad > k ? (pad - k + stride - 1) / stride : 0; }
DEVICE int dw_end(int k, int stride, int pad, int size, int columns)
{
    const int last = size - 1 + pad - k;
    return last < 0 ? 0 : last / stride + 1 < columns ? last / stride + 1 : columns;
}

/* sums[j] += Σ over the rows of x[entry+j] · dy, for KB entries and VB vectors of dy */
DEVICE void dw_tile(const int PLAIN, const int KB, const int VB, GLOBAL const float *x, GLOBAL const float *dy,
                    int dy_step, GLOBAL float *sums, int sums_step,
                    const struct conv2d_args a, const struct dw_span span)
{
    /* the tile reads columns first…last of x: [some,none) has some of them inside, [all,part) all */
    const int wide = span.entries / span.columns;
    const int first = span.column + span.entry / wide, last = span.column + (span.entry + KB - 1) / wide;
    const int some = dw_first(last, a.stride_w, a.left), none = dw_end(first, a.stride_w, a.left, a.w, a.ow);
    const int all = dw_first(first, a.stride_w, a.left), part = dw_end(last, a.stride_w, a.left, a.w, a.ow);
    const int x_step = a.stride_w * a.c, d_step = dy_step * (PLAIN ? 1 : 16);
    /* entry 0 of the tile at the first position, in vectors of the row */
    const int start = (some * a.stride_w - a.left + span.column) * a.c + span.first + span.entry;
    v16 acc[ACC_MAX];
    UNROLL
    for (int i = 0; i < KB * VB; i++)
        acc[i] = V16_SPLAT(0.0f);
    for (int oy = span.begin; oy < span.end; oy++) {
        const int iy = oy * a.stride_h - a.top + span.ky * a.dilation_h;
        if (iy < 0 || iy >= a.h)
            continue;
        GLOBAL const float *row = x + (size_t)iy * a.w * a.c * 16;
        GLOBAL const float *d = dy + ((size_t)(oy - span.begin) * a.ow + some) * d_step;
        int at = start;
        for (int ox = some; ox < none;) {
            for (; ox < none && (ox < all || ox >= part); ox++, at += x_step, d += d_step)
                dw_position(PLAIN, KB, VB, 1, row + at * 16, d, dy_step, -at, a.w * a.c - at, acc);
            const int whole = ox >= all && ox < part ? part - ox : 0;
            GLOBAL const float *p = row + at * 16;
            for (int i = 0; i < whole; i++, p += x_step * 16, d += d_step)
                dw_position(PLAIN, KB, VB, 0, p, d, dy_step, 0, KB, acc);
            ox += whole;
            at += whole * x_step;
        }
    }
    UNROLL
    for (int j = 0; j < KB; j++)
        UNROLL
        for (int v = 0; v < VB; v++) {
            GLOBAL float *to = sums + j * sums_step + v * 16;
            V16_STORE(to, V16_ADD(V16_LOAD(to), acc[j * VB + v]));
        }
}

/* tile sizes for dw: the next size of 1 3 5 8 9 12 15 24, at most `max_size`, that divides `left` evenly */
DEVICE int dw_size(int left, int max_size)
{
    const int pieces = (left + max_size - 1) / max_size, want = (left + pieces - 1) / pieces;
    const int up = want <= 1 ? 1 : want <= 3 ? 3 : want <= 5 ? 5 : want <= 8 ? 8 : want <= 9 ? 9
                 : want <= 12 ? 12 : want <= 15 ? 15 : 24;
    if (up <= left)
        return up;
    return left >= 15 ? 15 : left >= 12 ? 12 : left >= 9 ? 9 : left >= 8 ? 8 : left >= 5 ? 5 : left >= 3 ? 3 : 1;
}

/* every entry of a run, in tiles of up to ACC_MAX/VB entries */
DEVICE void dw_run(const int PLAIN, const int VB, GLOBAL const float *x, GLOBAL const float *dy, int dy_step,
                   GLOBAL float *sums, int sums_step, const struct conv2d_args a, struct dw_span span)
{
#define TILE_(KB)                                                              \
    case KB:                                                                   \
        if (KB * VB <= ACC_MAX)                                                \
            dw_tile(PLAIN, KB, VB, x, dy, dy_step, sums, sums_step, a, span);  \
        break;
    for (int size; span.entry < span.entries; span.entry += size, sums += size * sums_step) {
        size = dw_size(span.entries - span.entry, ACC_MAX / VB);
        switch (size) {
            TILE_(1) TILE_(3) TILE_(5) TILE_(8) TILE_(9) TILE_(12) TILE_(15) TILE_(24)
        }
    }
#undef TILE_
}

/* transposed[position][image][output] of 16·VB outputs from dy in lanes, zero from `outputs` on; adds to their sums */
DEVICE void dw_transpose(const int VB, GLOBAL const float *dy, int o, int outputs, int positions,
                         GLOBAL float *transposed, GLOBAL float *bias)
{
    for (int v = 0; v < VB; v++) {
        const int here = outputs - v * 16, full = here >= 16;
        v16 sum = V16_LOAD(bias + v * 16);
        for (int i = 0; i < positions; i++) {
            GLOBAL const float *d = dy + ((size_t)i * o + v * 16) * 16;
            v16 r[16];
            if (full) {
                UNROLL
                for (int l = 0; l < 16; l++)
                    r[l] = V16_LOAD(d + l * 16);
            } else {
                UNROLL
                for (int l = 0; l < 16; l++)
                    r[l] = l < here ? V16_LOAD(d + l * 16) : V16_SPLAT(0.0f);
            }
            v16_transpose(r);
            UNROLL
            for (int l = 0; l < 16; l++)
                V16_STORE(transposed + (((size_t)i * 16 + l) * VB + v) * 16, r[l]);
            UNROLL
            for (int l = 0; l < 4; l++)
                r[l] = V16_ADD(V16_ADD(r[l], r[l + 4]), V16_ADD(r[l + 8], r[l + 12]));
            sum = V16_ADD(sum, V16_ADD(V16_ADD(r[0], r[1]), V16_ADD(r[2], r[3])));
        }
        V16_STORE(bias + v * 16, sum);
    }
}

/* bias[v] += Σ over the positions of dy, one vector for each of `outputs`; reads dy in order, ahead of the tiles */
DEVICE void dw_plain_bias(GLOBAL const float *dy, int o, int outputs, int positions, GLOBAL float *bias)
{
    const int row = o * 16;
    int i = 0;
    for (; i + 4 <= positions; i += 4, dy += 4 * row)
        for (int v = 0; v < outputs * 16; v += 16) {
            const v16 before = V16_LOAD(bias + v); /* first: gcc's order of the additions follows from it */
            const v16 a = V16_ADD(V16_LOAD(dy + v), V16_LOAD(dy + row + v));
            const v16 b = V16_ADD(V16_LOAD(dy + 2 * row + v), V16_LOAD(dy + 3 * row + v));
            V16_STORE(bias + v, V16_ADD(before, V16_ADD(a, b)));
        }
    for (; i < positions; i++, dy += row)
        for (int v = 0; v < outputs * 16; v += 16)
            V16_STORE(bias + v, V16_ADD(V16_LOAD(bias + v), V16_LOAD(dy + v)));
}

/* a run with dy in lanes, three, two or one output at a time */
DEVICE void dw_plain_run(GLOBAL const float *x, GLOBAL const float *dy, GLOBAL float *sums,
                         const struct conv2d_args a, const struct dw_span span)
{
    const int step = a.o * 16, outputs = conv2d_out(a), to = outputs * 16, max_outputs = span.entries <= 8 ? 3 : 2;
    for (int o = 0; o < outputs; dy += 16, sums += 16, o++) {
        if (max_outputs == 3 && outputs - o >= 3) {
            dw_run(1, 3, x, dy, step, sums, to, a, span);
            dy += 32, sums += 32, o += 2;
        } else if (outputs - o >= 2) {
            dw_run(1, 2, x, dy, step, sums, to, a, span);
            dy += 16, sums += 16, o++;
        } else
            dw_run(1, 1, x, dy, step, sums, to, a, span);
    }
}

/* one kernel row, as one run or one for each tap; d: dy in lanes, or transposed */
DEVICE void dw_row(const int plain, const int vectors, GLOBAL const float *x, GLOBAL const float *d, GLOBAL float *sums,
                   const struct conv2d_args a, struct dw_span span, int group)
{
    const int joined = a.groups == 1 && a.dilation_w == 1, c = conv2d_in(a);
    span.columns = joined ? a.kw : 1;
    span.entries = span.columns * c;
    span.first = group * c;
    for (int run = 0; run < a.kw; run += span.columns, sums += (size_t)span.entries * vectors * 16) {
        span.column = run * a.dilation_w;
        if (plain)
            dw_plain_run(x, d, sums, a, span);
        else if (vectors == 2)
            dw_run(0, 2, x, d, 32, sums, 32, a, span);
        else
            dw_run(0, 1, x, d, 16, sums, 16, a, span);
    }
}

/* What a tile computes: `outputs` outputs of a group from o0 on, kernel rows [ky_begin, ky_end). */
struct dw_part { int group, o0, outputs, ky_begin, ky_end; };

DEVICE struct dw_part dw_tile_at(const struct conv2d_args a, int tile)
{
    const int split = tile % a.splits, blocks = dw_blocks(a), all = conv2d_out(a), wide = dw_vectors(a) * 16;
    const int begin = dw_plain(a) ? 0 : tile / a.splits % blocks * wide;
    struct dw_part p;
    p.group = tile / a.splits / blocks;
    p.o0 = p.group * all + begin;
    p.outputs = dw_plain(a) || all - begin < wide ? all - begin : wide;
    p.ky_begin = a.kh * split / a.splits;
    p.ky_end = a.kh * (split + 1) / a.splits;
    return p;
}

/* Adds the products of one block's output rows from oy on, as many as are processed at a time, to a tile's sums. */
DEVICE void dw_rows_of_tile(GLOBAL const float *x, GLOBAL const float *dy, GLOBAL float *bias,
                            const struct conv2d_args a, const struct dw_part p, int block, int oy)
{
    const int plain = dw_plain(a), vectors = dw_vectors(a), entries = a.kw * conv2d_in(a);
    struct dw_span span = { oy, oy + dw_rows(a) < a.oh ? oy + dw_rows(a) : a.oh, 0, 0, 0, 0, 0, 0 };
    const int positions = (span.end - oy) * a.ow;
    GLOBAL const float *xb = x + (size_t)block * a.h * a.w * a.c * 16;
    GLOBAL const float *d = dy + (((size_t)block * a.oh + oy) * a.ow * a.o + p.o0) * 16;
    GLOBAL float *sums = bias + (size_t)dw_work_sums(a) * 16;
    GLOBAL float *transposed = bias + (size_t)dw_work_rows(a) * 16;
    if (plain)
        dw_plain_bias(d, a.o, p.outputs, positions, bias);
    else if (vectors == 2)
        dw_transpose(2, d, a.o, p.outputs, positions, transposed, bias);
    else
        dw_transpose(1, d, a.o, p.outputs, positions, transposed, bias);
    for (span.ky = p.ky_begin; span.ky < p.ky_end; span.ky++)
        dw_row(plain, vectors, xb, plain ? d : transposed, sums + (size_t)span.ky * entries * vectors * 16, a, span,
               p.group);
}

DEVICE float lanes_sum(GLOBAL const float *v)
{
    float s = 0;
    for (int l = 0; l < 16; l++)
        s += v[l];
    return s;
}

/* The tile's part of dw and db, from its sums. */
DEVICE void dw_store(GLOBAL const float *bias, GLOBAL float *dw, GLOBAL float *db, const struct conv2d_args a,
                     const struct dw_part p)
{
    const int plain = dw_plain(a), vectors = dw_vectors(a), entries = a.kw * conv2d_in(a);
    for (int i = p.ky_begin * entries; i < p.ky_end * entries; i++)
        for (int o = 0; o < p.outputs; o++) {
            GLOBAL const float *sum = bias + (size_t)(dw_work_sums(a) + i * vectors) * 16;
            dw[(size_t)(p.o0 + o) * a.kh * entries + i] = plain ? lanes_sum(sum + o * 16) : sum[o];
        }
    for (int o = 0; p.ky_begin == 0 && o < p.outputs; o++)
        db[p.o0 + o] = plain ? lanes_sum(bias + o * 16) : bias[o];
}

/* dw[o][ky][kx][c] = Σ_{n,oy,ox} dy[oy][ox][o] x[oy·stride-pad+ky·dilation][ox·stride-pad+kx·dilation][c],
 * db[o] = Σ dy[oy][ox][o]
 * x n×h×w×c and dy n×oh×ow×o in lanes, work conv2d_dw_work() floats.  Overwrites dw and db.
 * Sums over some rows of a block, then over all of those, then lanes: the order depends on the shapes alone. */
KERNEL5(conv2d_dw, conv2d_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dw)
    BUFFER(3, float, db)
    BUFFER(4, float, work)
    const struct conv2d_args a = a_;
    const int vectors = dw_vectors(a);
    FOR_TILES(tile, a.tiles) {
        GLOBAL float *sums = work + (size_t)tile * dw_work_tile(a) * 16;
        for (int i = 0; i < (1 + conv2d_weights(a)) * vectors; i++)
            V16_STORE(sums + (size_t)i * 16, V16_SPLAT(0.0f));
    }
    /* the tiles inside, so that x is read once */
    for (int block = 0; block < lanes_blocks(a.n); block++)
        for (int oy = 0; oy < a.oh; oy += dw_rows(a))
            FOR_TILES(tile, a.tiles)
                dw_rows_of_tile(x, dy, work + (size_t)tile * dw_work_tile(a) * 16, a, dw_tile_at(a, tile), block, oy);
    V16_AGREE();
    FOR_TILES(tile, a.tiles)
        dw_store(work + (size_t)tile * dw_work_tile(a) * 16, dw, db, a, dw_tile_at(a, tile));
}
