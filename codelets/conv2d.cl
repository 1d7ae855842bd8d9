/* SPDX-License-Identifier: BSD-3-Clause */
/* 2-D convolution in the lanes layout (conv2d.h), weights [o][kh][kw][c].
 *
 * A vector holds one value of sixteen images, so every product is
 * vector × scalar (in dw vector × vector) and a kernel is a choice of register
 * tiles.  Border cells use fewer taps; nothing is padded.
 */
#include "device.h"
#include "shared.h"
#include "conv2d.h"

#define ACC_MAX 24   /* accumulators of a tile: leaves registers for operands */

/* x·P(x²)/Q(x²) on [-7.9, 7.9], where tanh reaches 1 in single precision: error < 3e-7 */
DEVICE v16 conv_tanh(v16 x)
{
    const v16 limit = V16_SPLAT(7.90531110763549805f);
    x = V16_IF_GT(x, limit, limit, x);
    const v16 minus = V16_SPLAT(-7.90531110763549805f);
    x = V16_IF_GT(minus, x, minus, x);
    const v16 s = V16_MUL(x, x);
    v16 p = V16_FMA(s, V16_SPLAT(-2.76076847742355e-16f), V16_SPLAT(2.00018790482477e-13f));
    p = V16_FMA(p, s, V16_SPLAT(-8.60467152213735e-11f));
    p = V16_FMA(p, s, V16_SPLAT(5.12229709037114e-08f));
    p = V16_FMA(p, s, V16_SPLAT(1.48572235717979e-05f));
    p = V16_FMA(p, s, V16_SPLAT(6.37261928875436e-04f));
    p = V16_FMA(p, s, V16_SPLAT(4.89352455891786e-03f));
    v16 q = V16_FMA(s, V16_SPLAT(1.19825839466702e-06f), V16_SPLAT(1.18534705686654e-04f));
    q = V16_FMA(q, s, V16_SPLAT(2.26843463243900e-03f));
    q = V16_FMA(q, s, V16_SPLAT(4.89352518554385e-03f));
    return V16_DIVIDE(V16_MUL(x, p), q);
}

DEVICE void conv_activate(GLOBAL float *y, int vectors, int activation)
{
    if (activation == ACTIVATION_TANH)
        for (int i = 0; i < vectors; i++)
            V16_STORE(y + (size_t)i * 16, conv_tanh(V16_LOAD(y + (size_t)i * 16)));
    else if (activation == ACTIVATION_SIGMOID)
        for (int i = 0; i < vectors; i++)
            V16_STORE(y + (size_t)i * 16,
                      V16_FMA(conv_tanh(V16_MUL(V16_LOAD(y + (size_t)i * 16), V16_SPLAT(0.5f))), V16_SPLAT(0.5f),
                              V16_SPLAT(0.5f)));
}

/* The valid taps of one output index along one axis: `count` consecutive taps;
 * the first has kernel index `first` and reads input index `at`. */
struct taps { int first, count, at; };

/* y[q] = Σ_k x[q·stride - pad + k] w[k]: taps k = first, first+1, … */
DEVICE struct taps taps_forward(int q, int k, int stride, int pad, int size)
{
    struct taps t;
    t.at = q * stride - pad;
    t.first = t.at < 0 ? -t.at : 0;
    t.count = (k < size - t.at ? k : size - t.at) - t.first;
    t.at += t.first;
    return t;
}

/* dx[q] = Σ_k dy[(q + pad - k) / stride] w[k] where divisible: taps k = first, first+stride, …
 * read dy[at], dy[at-1], … */
DEVICE struct taps taps_back(int q, int k, int stride, int pad, int size)
{
    struct taps t;
    t.at = (q + pad) / stride;
    t.first = (q + pad) % stride;
    if (t.at > size - 1) {
        t.first += (t.at - (size - 1)) * stride;
        t.at = size - 1;
    }
    t.count = t.first < k ? (k - t.first + stride - 1) / stride : 0;
    t.count = t.count < t.at + 1 ? t.count : t.at + 1;
    return t;
}

/* Steps of a tile, in floats. */
struct conv_steps {
    int in_row, in_tap, in_column;       /* input: next kernel row, next tap in it, next output column */
    int w_row, w_tap, w_depth, w_out;    /* weights: the same, next depth, next output channel */
    int out_column;                      /* output: next column of the tile */
    int rows, row_taps, depth;           /* trip counts; depth counts input vectors of one tap */
};

/* out[j][i] = max(floor, bias[i] + Σ_{row,tap,depth} in[j] w[i]) for i < OB channels, j < XB columns */
DEVICE void conv_tile(const int OB, const int XB, GLOBAL const float *in, GLOBAL const float *w,
                      GLOBAL const float *bias, GLOBAL float *out, const struct conv_steps s, v16 floor)
{
    v16 acc[ACC_MAX];
    UNROLL
    for (int i = 0; i < OB; i++) {
        const v16 start = bias ? V16_SPLAT(bias[i]) : V16_SPLAT(0.0f);
        UNROLL
        for (int j = 0; j < XB; j++)
            acc[i * XB + j] = start;
    }
    for (int row = 0; row < s.rows; row++)
        for (int tap = 0; tap < s.row_taps; tap++) {
            GLOBAL const float *p = in + row * s.in_row + tap * s.in_tap;
            GLOBAL const float *q = w + row * s.w_row + tap * s.w_tap;
            for (int d = 0; d < s.depth; d++, p += 16, q += s.w_depth) {
                v16 x[ACC_MAX];
                UNROLL
                for (int j = 0; j < XB; j++)
                    x[j] = V16_LOAD(p + j * s.in_column);
                UNROLL
                for (int i = 0; i < OB; i++) {
                    const v16 wi = V16_SPLAT(q[i * s.w_out]);
                    UNROLL
                    for (int j = 0; j < XB; j++)
                        acc[i * XB + j] = V16_FMA(wi, x[j], acc[i * XB + j]);
                }
            }
        }
    UNROLL
    for (int j = 0; j < XB; j++)
        UNROLL
        for (int i = 0; i < OB; i++)
            V16_STORE(out + j * s.out_column + i * 16, V16_IF_GT(floor, acc[i * XB + j], floor, acc[i * XB + j]));
}

/* Geometry of one row of outputs. */
struct conv_row {
    int width, k, stride, pad, in_width;   /* outputs, taps, …, inputs along the row */
    int in_begin, in_end;                  /* outputs that have every tap */
};

/* One row of OB output channels, in tiles of X2, X1 or 1 columns that share their taps. */
DEVICE void conv_columns(const int FORWARD, const int OB, const int X2, const int X1,
                         GLOBAL const float *in, GLOBAL const float *w, GLOBAL const float *bias, GLOBAL float *out,
                         const struct conv_row r, struct conv_steps s, int c, int out_c, v16 floor)
{
    const int phases = FORWARD ? 1 : r.stride;
    s.out_column = phases * out_c * 16;
    for (int phase = 0; phase < phases; phase++)
        for (int q = phase; q < r.width;) {
            const struct taps t = FORWARD ? taps_forward(q, r.k, r.stride, r.pad, r.in_width)
                                          : taps_back(q, r.k, r.stride, r.pad, r.in_width);
            const int run = q >= r.in_begin && q < r.in_end ? (r.in_end - q + phases - 1) / phases : 1;
            GLOBAL const float *p = in + t.at * c * 16;
            GLOBAL const float *wt = w + t.first * (FORWARD ? c : out_c);
            GLOBAL float *y = out + (size_t)q * out_c * 16;
            const int count = t.count > 0 ? t.count : 0;
            if (FORWARD) {   /* the taps of a row are contiguous in x and in w */
                s.row_taps = 1;
                s.depth = count * c;
            } else
                s.row_taps = count;
            if (run >= X2 && (run != 2 * X1 || 2 * X1 < X2)) {
                conv_tile(OB, X2, p, wt, bias, y, s, floor);
                q += X2 * phases;
            } else if (run >= X1) {
                conv_tile(OB, X1, p, wt, bias, y, s, floor);
                q += X1 * phases;
            } else {
                conv_tile(OB, 1, p, wt, bias, y, s, floor);
                q += phases;
            }
        }
}

/* One row of all output channels, eight at a time. */
DEVICE void conv_channels(const int FORWARD, GLOBAL const float *in, GLOBAL const float *w, GLOBAL const float *bias,
                          GLOBAL float *out, const struct conv_row r, const struct conv_steps s, int c, int out_c,
                          v16 floor)
{
#define COLUMNS_(OB, X2, X1)                                                                                     \
    (conv_columns(FORWARD, OB, X2, X1, in, w + o * s.w_out, bias ? bias + o : bias, out + o * 16, r, s, c, out_c, \
                  floor), OB)
    for (int o = 0; o < out_c;) {
        const int left = out_c - o;
        o += left >= 8 ? COLUMNS_(8, 3, 2)
           : left >= 6 ? COLUMNS_(6, 4, 2)
           : left >= 4 ? COLUMNS_(4, 6, 3)
           : left >= 2 ? COLUMNS_(2, 8, 4)
           :             COLUMNS_(1, 8, 4);
    }
#undef COLUMNS_
}

/* y = f(b + Σ_{ky,kx,c} x[oy·stride-pad+ky][ox·stride-pad+kx][c] w[o][ky][kx][c])
 * x n×h×w×c and y n×oh×ow×o in lanes, weights o×kh×kw×c, bias o.  tanh and sigmoid err by < 3e-7. */
KERNEL4(conv2d_fwd, conv2d_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, bias)
    BUFFER(3, float, y)
    const int c = ARG(c), o = ARG(o), h = ARG(h), width = ARG(w), oh = ARG(oh), ow = ARG(ow);
    const int k = ARG(kw), stride = ARG(stride), pad = ARG(pad), row = k * c;
    const int last = width + pad - k;   /* interior: pad <= q·stride <= last */
    const int interior = last < 0 ? 0 : last / stride + 1 < ow ? last / stride + 1 : ow;
    const struct conv_row r = { ow, k, stride, pad, width, (pad + stride - 1) / stride, interior };
    struct conv_steps s = { width * c * 16, 0, stride * c * 16, row, 0, 1, ARG(kh) * row, 0, 0, 0, 0 };
    const v16 floor = V16_SPLAT(ARG(activation) == ACTIVATION_RELU ? 0.0f : -INFINITY);
    FOR_TILES(tile, ARG(tiles)) {
        const int block = tile / oh, oy = tile % oh;
        const struct taps t = taps_forward(oy, ARG(kh), stride, pad, h);
        GLOBAL float *out = y + (size_t)tile * ow * o * 16;
        s.rows = t.count > 0 ? t.count : 0;
        conv_channels(1, x + ((size_t)block * h + t.at) * width * c * 16, w + t.first * row, bias, out,
                      r, s, c, o, floor);
        conv_activate(out, ow * o, ARG(activation));
    }
}

/* dx[iy][ix][c] = Σ_{ky,kx,o} dy[oy][ox][o] w[o][ky][kx][c] where oy·stride-pad+ky = iy and the same for x
 * dy n×oh×ow×o and dx n×h×w×c in lanes, weights o×kh×kw×c */
KERNEL3(conv2d_dx, conv2d_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const float, w)
    BUFFER(2, float, dx)
    const int c = ARG(c), o = ARG(o), h = ARG(h), width = ARG(w), oh = ARG(oh), ow = ARG(ow);
    const int k = ARG(kw), stride = ARG(stride), pad = ARG(pad), row = k * c;
    const struct conv_row r = { width, k, stride, pad, ow, k - 1 - pad,
                                ow * stride - pad < width ? ow * stride - pad : width };
    struct conv_steps s = { -ow * o * 16, -o * 16, o * 16, stride * row, stride * c, ARG(kh) * row, 1, 0, 0, 0, o };
    const v16 floor = V16_SPLAT(-INFINITY);
    FOR_TILES(tile, ARG(tiles)) {
        const int block = tile / h, iy = tile % h;
        const struct taps t = taps_back(iy, ARG(kh), stride, pad, oh);
        s.rows = t.count;
        conv_channels(0, dy + ((size_t)block * oh + t.at) * ow * o * 16, w + t.first * row, 0,
                      dx + (size_t)tile * width * c * 16, r, s, o, c, floor);
    }
}

/* The range that a tile of dw sums over: rows of one block, one kernel row, KB of its kw·c entries. */
struct dw_span {
    int begin, end;       /* output rows */
    int ky, entry;        /* kernel row, first entry kx·c + channel */
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
    /* the tile reads kernel columns first…last: [some,none) has some of them inside, [all,part) all */
    const int first = span.entry / a.c, last = (span.entry + KB - 1) / a.c;
    const int some = dw_first(last, a.stride, a.pad), none = dw_end(first, a.stride, a.pad, a.w, a.ow);
    const int all = dw_first(first, a.stride, a.pad), part = dw_end(last, a.stride, a.pad, a.w, a.ow);
    const int x_step = a.stride * a.c, d_step = dy_step * (PLAIN ? 1 : 16);
    v16 acc[ACC_MAX];
    UNROLL
    for (int i = 0; i < KB * VB; i++)
        acc[i] = V16_SPLAT(0.0f);
    for (int oy = span.begin; oy < span.end; oy++) {
        const int iy = oy * a.stride - a.pad + span.ky;
        if (iy < 0 || iy >= a.h)
            continue;
        GLOBAL const float *row = x + (size_t)iy * a.w * a.c * 16;
        GLOBAL const float *d = dy + ((size_t)(oy - span.begin) * a.ow + some) * d_step;
        int at = (some * a.stride - a.pad) * a.c + span.entry;   /* entry 0 of the tile, in vectors of the row */
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

/* every entry of one kernel row, in tiles of up to ACC_MAX/VB entries */
DEVICE void dw_row(const int PLAIN, const int VB, GLOBAL const float *x, GLOBAL const float *dy, int dy_step,
                   GLOBAL float *sums, int sums_step, const struct conv2d_args a, struct dw_span span)
{
#define TILE_(KB)                                                              \
    case KB:                                                                   \
        if (KB * VB <= ACC_MAX)                                                \
            dw_tile(PLAIN, KB, VB, x, dy, dy_step, sums, sums_step, a, span);  \
        break;
    for (int size; span.entry < a.kw * a.c; span.entry += size, sums += size * sums_step) {
        size = dw_size(a.kw * a.c - span.entry, ACC_MAX / VB);
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

/* bias[v] += Σ over the positions of dy, one vector for each output; reads dy in order, ahead of the tiles */
DEVICE void dw_plain_bias(GLOBAL const float *dy, int o, int positions, GLOBAL float *bias)
{
    const int row = o * 16;
    int i = 0;
    for (; i + 4 <= positions; i += 4, dy += 4 * row)
        for (int v = 0; v < row; v += 16) {
            const v16 a = V16_ADD(V16_LOAD(dy + v), V16_LOAD(dy + row + v));
            const v16 b = V16_ADD(V16_LOAD(dy + 2 * row + v), V16_LOAD(dy + 3 * row + v));
            V16_STORE(bias + v, V16_ADD(V16_LOAD(bias + v), V16_ADD(a, b)));
        }
    for (; i < positions; i++, dy += row)
        for (int v = 0; v < row; v += 16)
            V16_STORE(bias + v, V16_ADD(V16_LOAD(bias + v), V16_LOAD(dy + v)));
}

/* one kernel row with dy in lanes, three, two or one output at a time */
DEVICE void dw_plain_row(GLOBAL const float *x, GLOBAL const float *dy, GLOBAL float *sums,
                         const struct conv2d_args a, const struct dw_span span)
{
    const int step = a.o * 16, max_outputs = a.kw * a.c <= 8 ? 3 : 2;
    for (int o = 0; o < a.o; dy += 16, sums += 16, o++) {
        if (max_outputs == 3 && a.o - o >= 3) {
            dw_row(1, 3, x, dy, step, sums, step, a, span);
            dy += 32, sums += 32, o += 2;
        } else if (a.o - o >= 2) {
            dw_row(1, 2, x, dy, step, sums, step, a, span);
            dy += 16, sums += 16, o++;
        } else
            dw_row(1, 1, x, dy, step, sums, step, a, span);
    }
}

DEVICE float lanes_sum(GLOBAL const float *v)
{
    float s = 0;
    for (int l = 0; l < 16; l++)
        s += v[l];
    return s;
}

/* dw[o][ky][kx][c] = Σ_{n,oy,ox} dy[oy][ox][o] x[oy·stride-pad+ky][ox·stride-pad+kx][c],  db[o] = Σ dy[oy][ox][o]
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
    const int plain = dw_plain(a), vectors = dw_vectors(a), entries = a.kw * a.c, weights = a.kh * entries;
    FOR_TILES(tile, a.tiles) {
        const int split = tile % a.splits, o0 = plain ? 0 : tile / a.splits * vectors * 16;
        const int outputs = plain || a.o - o0 < vectors * 16 ? a.o - o0 : vectors * 16;
        const int ky_begin = a.kh * split / a.splits, ky_end = a.kh * (split + 1) / a.splits;
        GLOBAL float *bias = work + (size_t)tile * dw_work_tile(a) * 16;
        GLOBAL float *sums = bias + (size_t)dw_work_sums(a) * 16;
        GLOBAL float *transposed = bias + (size_t)dw_work_rows(a) * 16;
        for (int i = 0; i < (1 + weights) * vectors; i++)
            V16_STORE(bias + (size_t)i * 16, V16_SPLAT(0.0f));

        for (int block = 0; block < lanes_blocks(a.n); block++)
            for (int oy = 0; oy < a.oh; oy += dw_rows(a)) {
                struct dw_span span = { oy, oy + dw_rows(a) < a.oh ? oy + dw_rows(a) : a.oh, 0, 0 };
                const int positions = (span.end - oy) * a.ow;
                GLOBAL const float *xb = x + (size_t)block * a.h * a.w * a.c * 16;
                GLOBAL const float *d = dy + (((size_t)block * a.oh + oy) * a.ow * a.o + o0) * 16;
                if (plain)
                    dw_plain_bias(d, a.o, positions, bias);
                else if (vectors == 2)
                    dw_transpose(2, d, a.o, outputs, positions, transposed, bias);
                else
                    dw_transpose(1, d, a.o, outputs, positions, transposed, bias);
                for (span.ky = ky_begin; span.ky < ky_end; span.ky++) {
                    GLOBAL float *to = sums + (size_t)span.ky * entries * vectors * 16;
                    if (plain)
                        dw_plain_row(xb, d, to, a, span);
                    else if (vectors == 2)
                        dw_row(0, 2, xb, transposed, 32, to, 32, a, span);
                    else
                        dw_row(0, 1, xb, transposed, 16, to, 16, a, span);
                }
            }

        V16_AGREE();
        for (int i = ky_begin * entries; i < ky_end * entries; i++)
            for (int o = 0; o < outputs; o++) {
                GLOBAL const float *sum = sums + (size_t)i * vectors * 16;
                dw[(size_t)(o0 + o) * weights + i] = plain ? lanes_sum(sum + o * 16) : sum[o];
            }
        for (int o = 0; split == 0 && o < outputs; o++)
            db[o0 + o] = plain ? lanes_sum(bias + o * 16) : bias[o];
    }
}
