/* SPDX-License-Identifier: BSD-3-Clause */
/* Depthwise 2-D convolution in the lanes layout (conv2d.h): output c sees channel c
 * alone, through its kh×kw weights.
 *
 * A tile is one row of `chunk` channels.  It goes along the row a few columns at a
 * time, and there over its channels, which are side by side in memory.
 */
#include "device.h"
#include "shared.h"
#include "conv2d.h"
#include "conv2d_taps.h"

#define DEPTH_XB 4     /* columns of a channel at a time */
#define DEPTH_DW_XB 8  /* the same for the gradient of weights */
#define DEPTH_READ 17  /* columns of x for those, with three taps and stride 2 */

/* One row of outputs of some channels; steps in floats. */
struct depth_row {
    struct conv_axis axis;
    struct conv_interior interior;
    int width, channels, column;      /* outputs; channels of the tile; floats from one column to the next */
    int in_row, in_tap, in_output;    /* input: next kernel row, next tap in it, next output of the same phase */
    int w_row, w_tap, w_channel;      /* weights: the same, next channel */
    int rows;                         /* kernel rows */
};

/* Of the columns that a tile reads those from `begin` to `end` exist, of its outputs the first `outputs`. */
struct depth_edge { int begin, end, outputs; };

/* out[j] = max(floor, start + Σ_{row,tap} in[j] w) for j < XB outputs of one channel */
DEVICE void depth_tile(const int XB, GLOBAL const float *in, GLOBAL const float *w, int taps, v16 start,
                       GLOBAL float *out, int out_step, const struct depth_row r, v16 floor)
{
    v16 acc[DEPTH_XB];
    UNROLL
    for (int j = 0; j < XB; j++)
        acc[j] = start;
    for (int row = 0; row < r.rows; row++)
        for (int tap = 0; tap < taps; tap++) {
            GLOBAL const float *p = in + row * r.in_row + tap * r.in_tap;
            const v16 wt = V16_SPLAT(w[row * r.w_row + tap * r.w_tap]);
            UNROLL
            for (int j = 0; j < XB; j++)
                acc[j] = V16_FMA(wt, V16_LOAD(p + j * r.in_output), acc[j]);
        }
    UNROLL
    for (int j = 0; j < XB; j++)
        V16_STORE(out + j * out_step, V16_IF_GT(floor, acc[j], floor, acc[j]));
}

/* x[i], i < N: columns of one channel, zero where they do not exist */
DEVICE void depth_load(const int SOME, const int N, GLOBAL const float *in, int column, const struct depth_edge e,
                       v16 *x)
{
    UNROLL
    for (int i = 0; i < N; i++)
        x[i] = !SOME || (i >= e.begin && i < e.end) ? V16_LOAD(in + i * column) : V16_SPLAT(0.0f);
}

/* depth_tile() with three taps side by side, which loads each column once: outputs are S columns apart. */
DEVICE void depth_three(const int SOME, const int S, GLOBAL const float *in, GLOBAL const float *w, v16 start,
                        GLOBAL float *out, const struct depth_row r, const struct depth_edge e, v16 floor)
{
    v16 acc[DEPTH_XB];
    UNROLL
    for (int j = 0; j < DEPTH_XB; j++)
        acc[j] = start;
    for (int row = 0; row < r.rows; row++, in += r.in_row, w += r.w_row) {
        v16 x[DEPTH_READ];
        depth_load(SOME, S * (DEPTH_XB - 1) + 3, in, r.column, e, x);
        UNROLL
        for (int tap = 0; tap < 3; tap++) {
            const v16 wt = V16_SPLAT(w[tap * r.w_tap]);
            UNROLL
            for (int j = 0; j < DEPTH_XB; j++)
                acc[j] = V16_FMA(wt, x[j * S + tap], acc[j]);
        }
    }
    UNROLL
    for (int j = 0; j < DEPTH_XB; j++)
        if (!SOME || j < e.outputs)
            V16_STORE(out + j * r.column, V16_IF_GT(floor, acc[j], floor, acc[j]));
}

/* A row of three taps: outputs S columns apart, or backward with stride 1, where the weights run from right to left. */
DEVICE void depth_threes(const int FORWARD, const int S, GLOBAL const float *in, GLOBAL const float *w,
                         GLOBAL const float *bias, GLOBAL float *out, struct depth_row r, v16 floor)
{
    r.w_tap = FORWARD ? 1 : -1;
    w += FORWARD ? 0 : 2;
    for (int q = 0; q < r.width; q += DEPTH_XB) {
        const int at = FORWARD ? q * S - r.axis.pad : q + r.axis.pad - 2;
        const struct depth_edge e = { -at, r.axis.size - at, r.width - q };
        const int some = e.begin > 0 || e.end < S * (DEPTH_XB - 1) + 3 || e.outputs < DEPTH_XB;
        GLOBAL const float *p = in + at * r.column;
        GLOBAL float *y = out + q * r.column;
        for (int c = 0; c < r.channels; c++) {
            const v16 start = bias ? V16_SPLAT(bias[c]) : V16_SPLAT(0.0f);
            if (some)
                depth_three(1, S, p + c * 16, w + c * r.w_channel, start, y + c * 16, r, e, floor);
            else
                depth_three(0, S, p + c * 16, w + c * r.w_channel, start, y + c * 16, r, e, floor);
        }
    }
}

/* A row of any taps: inside, outputs of one phase share them. */
DEVICE void depth_any(const int FORWARD, GLOBAL const float *in, GLOBAL const float *w, GLOBAL const float *bias,
                      GLOBAL float *out, const struct depth_row r, v16 floor)
{
    const int phases = FORWARD ? 1 : r.axis.stride, step = phases * r.column;
    for (int phase = 0; phase < phases; phase++)
        for (int q = phase; q < r.width;) {
            const struct taps t = FORWARD ? taps_forward(q, r.axis) : taps_back(q, r.axis);
            const int inside = q >= r.interior.begin && q + (DEPTH_XB - 1) * phases < r.interior.end;
            GLOBAL const float *p = in + t.at * r.column;
            GLOBAL float *y = out + q * r.column;
            for (int c = 0; c < r.channels; c++) {
                const v16 start = bias ? V16_SPLAT(bias[c]) : V16_SPLAT(0.0f);
                GLOBAL const float *wc = w + c * r.w_channel + t.first;
                if (inside)
                    depth_tile(DEPTH_XB, p + c * 16, wc, t.count, start, y + c * 16, step, r, floor);
                else
                    depth_tile(1, p + c * 16, wc, t.count, start, y + c * 16, step, r, floor);
            }
            q += inside ? DEPTH_XB * phases : phases;
        }
}

/* A row of outputs by the loop that fits its taps. */
DEVICE void depth_outputs(const int FORWARD, GLOBAL const float *in, GLOBAL const float *w, GLOBAL const float *bias,
                          GLOBAL float *out, const struct depth_row r, v16 floor)
{
    const int three = r.axis.k == 3 && r.axis.dilation == 1;
    if (three && r.axis.stride == 1)
        depth_threes(FORWARD, 1, in, w, bias, out, r, floor);
    else if (FORWARD && three && r.axis.stride == 2)
        depth_threes(1, 2, in, w, bias, out, r, floor);
    else
        depth_any(FORWARD, in, w, bias, out, r, floor);
}

DEVICE void depth_activate(GLOBAL float *out, int width, const struct depth_row r, int activation)
{
    for (int q = 0; activation > ACTIVATION_RELU && q < width; q++)
        conv_activate(out + q * r.column, r.channels, activation);
}

/* conv2d_fwd's formula with one input and one output in each group */
KERNEL4(conv2d_depth_fwd, conv2d_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, bias)
    BUFFER(3, float, y)
    const struct conv2d_args a = a_;
    const struct conv_axis rows = conv_rows(a, a.h), across = conv_across(a, a.w);
    const int column = a.c * 16, chunks = depth_chunks(a);
    struct depth_row r = { across, interior_forward(across, a.ow), a.ow, 0, column, a.dilation_h * a.w * column,
                           a.dilation_w * column, a.stride_w * column, a.kw, 1, a.kh * a.kw, 0 };
    const v16 floor = V16_SPLAT(a.activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    FOR_TILES(tile, a.tiles) {
        const int place = tile / chunks, first = tile % chunks * a.chunk, block = place / a.oh;
        const struct taps t = taps_forward(place % a.oh, rows);
        GLOBAL const float *in = x + ((size_t)block * a.h + t.at) * a.w * column + first * 16;
        GLOBAL float *out = y + (size_t)place * a.ow * column + first * 16;
        r.rows = t.count;
        r.channels = a.c - first < a.chunk ? a.c - first : a.chunk;
        depth_outputs(1, in, w + first * r.w_channel + t.first * a.kw, bias + first, out, r, floor);
        depth_activate(out, a.ow, r, a.activation);
    }
}

/* conv2d_dx's formula with one input and one output in each group */
KERNEL4(conv2d_depth_dx, conv2d_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const float, w)
    BUFFER(2, const float, bias)
    BUFFER(3, float, dx)
    const struct conv2d_args a = a_;
    const struct conv_axis rows = conv_rows(a, a.oh), across = conv_across(a, a.ow);
    const struct taps any = taps_back(0, across), any_row = taps_back(0, rows); /* steps are the same for all */
    const int column = a.c * 16, chunks = depth_chunks(a);
    struct depth_row r = { across, interior_back(across, a.w), a.w, 0, column, any_row.apart * a.ow * column,
                           any.apart * column, column, any_row.step * a.kw, any.step, a.kh * a.kw, 0 };
    const v16 floor = V16_SPLAT(a.activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    FOR_TILES(tile, a.tiles) {
        const int place = tile / chunks, first = tile % chunks * a.chunk, block = place / a.h;
        const struct taps t = taps_back(place % a.h, rows);
        GLOBAL const float *in = dy + ((size_t)block * a.oh + t.at) * a.ow * column + first * 16;
        GLOBAL float *out = dx + (size_t)place * a.w * column + first * 16;
        r.rows = t.count;
        r.channels = a.c - first < a.chunk ? a.c - first : a.chunk;
        depth_outputs(0, in, w + first * r.w_channel + t.first * a.kw, a.has_bias ? bias + first : 0, out, r, floor);
        depth_activate(out, a.w, r, a.activation);
    }
}

/* ------------------------------------------------------------- gradients */

/* One output row and kernel row of some channels; their sums are sums_step floats apart. */
struct depth_dw_row {
    struct conv_axis axis;
    struct conv_interior interior;
    int width, channels, column, sums_step;
};

/* sums[tap] += Σ_j x[S j + tap] dy[j] of one channel, for three taps and DEPTH_DW_XB positions */
DEVICE void depth_dw_three(const int SOME, const int S, GLOBAL const float *x, GLOBAL const float *dy,
                           GLOBAL float *sums, int column, const struct depth_edge e)
{
    const struct depth_edge outputs = { 0, e.outputs, 0 };
    v16 at[DEPTH_READ], d[DEPTH_DW_XB];
    depth_load(SOME, S * (DEPTH_DW_XB - 1) + 3, x, column, e, at);
    depth_load(SOME, DEPTH_DW_XB, dy, column, outputs, d);
    UNROLL
    for (int tap = 0; tap < 3; tap++) {
        v16 sum = V16_LOAD(sums + tap * 16);
        UNROLL
        for (int j = 0; j < DEPTH_DW_XB; j++)
            sum = V16_FMA(at[S * j + tap], d[j], sum);
        V16_STORE(sums + tap * 16, sum);
    }
}

DEVICE void depth_dw_threes(const int S, GLOBAL const float *x, GLOBAL const float *dy, GLOBAL float *sums,
                            const struct depth_dw_row r)
{
    for (int q = 0; q < r.width; q += DEPTH_DW_XB) {
        const int at = q * S - r.axis.pad;
        const struct depth_edge e = { -at, r.axis.size - at, r.width - q };
        const int some = e.begin > 0 || e.end < S * (DEPTH_DW_XB - 1) + 3 || e.outputs < DEPTH_DW_XB;
        GLOBAL const float *p = x + at * r.column, *d = dy + q * r.column;
        for (int c = 0; c < r.channels; c++)
            if (some)
                depth_dw_three(1, S, p + c * 16, d + c * 16, sums + c * r.sums_step, r.column, e);
            else
                depth_dw_three(0, S, p + c * 16, d + c * 16, sums + c * r.sums_step, r.column, e);
    }
}

/* The same for any taps, which positions share inside. */
DEVICE void depth_dw_any(GLOBAL const float *x, GLOBAL const float *dy, GLOBAL float *sums, const struct depth_dw_row r)
{
    for (int q = 0, positions; q < r.width; q += positions) {
        const struct taps t = taps_forward(q, r.axis);
        positions = q >= r.interior.begin && q < r.interior.end ? r.interior.end - q : 1;
        GLOBAL const float *p = x + t.at * r.column, *d = dy + q * r.column;
        for (int c = 0; c < r.channels; c++)
            for (int tap = 0; tap < t.count; tap++) {
                GLOBAL const float *at = p + tap * r.axis.dilation * r.column + c * 16;
                GLOBAL float *to = sums + c * r.sums_step + (t.first + tap) * 16;
                v16 sum = V16_LOAD(to);
                for (int j = 0; j < positions; j++)
                    sum = V16_FMA(V16_LOAD(at + j * r.axis.stride * r.column), V16_LOAD(d + j * r.column + c * 16),
                                  sum);
                V16_STORE(to, sum);
            }
    }
}

/* sums[c] += Σ dy over a row, for some channels */
DEVICE void depth_bias(GLOBAL const float *dy, GLOBAL float *sums, const struct depth_dw_row r)
{
    for (int q = 0; q < r.width; q++)
        for (int c = 0; c < r.channels; c++) {
            GLOBAL float *to = sums + c * r.sums_step;
            V16_STORE(to, V16_ADD(V16_LOAD(to), V16_LOAD(dy + q * r.column + c * 16)));
        }
}

/* work[split][c][tap, then the bias][16]: conv2d_dw's sums over one split of the rows of all blocks, lane by lane
 * x n×h×w×c and dy n×oh×ow×c in lanes, work depth_dw_work() floats */
KERNEL3(conv2d_depth_dw, conv2d_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, work)
    const struct conv2d_args a = a_;
    const struct conv_axis across = conv_across(a, a.w);
    const int column = a.c * 16, chunks = depth_chunks(a), taps = a.kh * a.kw, rows = lanes_blocks(a.n) * a.oh;
    struct depth_dw_row r = { across, interior_forward(across, a.ow), a.ow, 0, column, (taps + 1) * 16 };
    const int three = a.kw == 3 && a.dilation_w == 1;
    FOR_TILES(tile, a.tiles) {
        const int split = tile / chunks, first = tile % chunks * a.chunk;
        const int begin = (int)((u64)rows * (u64)split / (u64)a.splits);
        const int end = (int)((u64)rows * (u64)(split + 1) / (u64)a.splits);
        GLOBAL float *sums = work + ((size_t)split * a.c + first) * r.sums_step;
        r.channels = a.c - first < a.chunk ? a.c - first : a.chunk;
        for (int i = 0; i < r.channels * (taps + 1); i++)
            V16_STORE(sums + i * 16, V16_SPLAT(0.0f));
        for (int row = begin; row < end; row++) {
            const int block = row / a.oh, at = row % a.oh * a.stride_h - a.top;
            GLOBAL const float *d = dy + (size_t)row * a.ow * column + first * 16;
            if (a.has_bias)
                depth_bias(d, sums + taps * 16, r);
            for (int ky = 0; ky < a.kh; ky++) {
                const int iy = at + ky * a.dilation_h;
                if (iy < 0 || iy >= a.h)
                    continue;
                GLOBAL const float *in = x + ((size_t)block * a.h + iy) * a.w * column + first * 16;
                if (three && a.stride_w == 1)
                    depth_dw_threes(1, in, d, sums + ky * a.kw * 16, r);
                else if (three && a.stride_w == 2)
                    depth_dw_threes(2, in, d, sums + ky * a.kw * 16, r);
                else
                    depth_dw_any(in, d, sums + ky * a.kw * 16, r);
            }
        }
    }
}

/* dw c×kh×kw and db from the sums: over splits and lanes, in order */
KERNEL3(conv2d_depth_sum, conv2d_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, float, dw)
    BUFFER(2, float, db)
    const int taps = ARG(kh) * ARG(kw), all = ARG(c) * (taps + 1);
    FOR_ITEMS(i, all) {
        float s = 0.0f;
        for (int split = 0; split < ARG(splits); split++)
            for (int l = 0; l < 16; l++)
                s += work[((size_t)split * all + i) * 16 + l];
        if (i % (taps + 1) < taps)
            dw[i / (taps + 1) * taps + i % (taps + 1)] = s;
        else
            db[i / (taps + 1)] = s;
    }
}
