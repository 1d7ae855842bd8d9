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
#include "conv2d_taps.h"

#define ACC_MAX 24   /* accumulators of a tile: leaves registers for operands */

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
    for (int row = 0; row < s.rows; row++, in += s.in_row, w += s.w_row) {
        GLOBAL const float *in_tap = in, *w_tap = w;
        for (int tap = 0; tap < s.row_taps; tap++, in_tap += s.in_tap, w_tap += s.w_tap) {
            GLOBAL const float *p = in_tap, *q = w_tap;
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
    }
    UNROLL
    for (int j = 0; j < XB; j++)
        UNROLL
        for (int i = 0; i < OB; i++)
            V16_STORE(out + j * s.out_column + i * 16, V16_IF_GT(floor, acc[i * XB + j], floor, acc[i * XB + j]));
}

/* One row of outputs: `width` of out_c channels from inputs of `c`; kernel indices are w_at floats apart. */
struct conv_row {
    struct conv_axis axis;
    struct conv_interior interior;
    int width, c, out_c, w_at;
    int joined; /* forward: the taps of a row are contiguous in x and in w */
};

/* One row of OB output channels, in tiles of X2, X1 or 1 columns that share their taps. */
DEVICE void conv_columns(const int FORWARD, const int OB, const int X2, const int X1,
                         GLOBAL const float *in, GLOBAL const float *w, GLOBAL const float *bias, GLOBAL float *out,
                         const struct conv_row r, struct conv_steps s, v16 floor)
{
    const int phases = FORWARD ? 1 : r.axis.stride;
    s.out_column = phases * r.out_c * 16;
    for (int phase = 0; phase < phases; phase++)
        for (int q = phase; q < r.width;) {
            const int inside = q >= r.interior.begin && q < r.interior.end;
            const struct taps t = !FORWARD ? taps_back(q, r.axis) : inside ? taps_all(q, r.axis)
                                                                           : taps_forward(q, r.axis);
            const int run = inside ? (r.interior.end - q + phases - 1) / phases : 1;
            GLOBAL const float *p = in + t.at * r.c * 16;
            GLOBAL const float *wt = w + t.first * r.w_at;
            GLOBAL float *y = out + (size_t)q * r.out_c * 16;
            if (FORWARD && r.joined) {
                s.row_taps = 1;
                s.depth = t.count * r.c;
            } else
                s.row_taps = t.count;
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

/* One row of the output channels of a group, eight at a time. */
DEVICE void conv_channels(const int FORWARD, GLOBAL const float *in, GLOBAL const float *w, GLOBAL const float *bias,
                          GLOBAL float *out, const struct conv_row r, const struct conv_steps s, int outputs, v16 floor)
{
#define COLUMNS_(OB, X2, X1) \
    (conv_columns(FORWARD, OB, X2, X1, in, w + o * s.w_out, bias ? bias + o : bias, out + o * 16, r, s, floor), OB)
    for (int o = 0; o < outputs;) {
        const int left = outputs - o;
        o += left >= 8 ? COLUMNS_(8, 3, 2)
           : left >= 6 ? COLUMNS_(6, 4, 2)
           : left >= 4 ? COLUMNS_(4, 6, 3)
           : left >= 2 ? COLUMNS_(2, 8, 4)
           :             COLUMNS_(1, 8, 4);
    }
#undef COLUMNS_
}

/* y = f(b + Σ_{ky,kx,c} x[oy·stride-pad+ky·dilation][ox·stride-pad+kx·dilation][c] w[o][ky][kx][c])
 * x n×h×w×c and y n×oh×ow×o in lanes, weights o×kh×kw×c/groups, bias o.  tanh and sigmoid err by < 3e-7. */
KERNEL4(conv2d_fwd, conv2d_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, bias)
    BUFFER(3, float, y)
    const struct conv2d_args a = a_;
    const int c = conv2d_in(a), o = conv2d_out(a), row = a.kw * c, down = a.dilation_h * a.w * a.c * 16;
    const struct conv_axis rows = conv_rows(a, a.h), across = conv_across(a, a.w);
    const struct conv_row r = { across, interior_forward(across, a.ow), a.ow, a.c, a.o, c,
                                a.groups == 1 && a.dilation_w == 1 };
    struct conv_steps s = { down, a.dilation_w * a.c * 16, a.stride_w * a.c * 16, row, c, 1, a.kh * row, 0, 0, 0, c };
    const v16 floor = V16_SPLAT(a.activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.oh, oy = tile % a.oh;
        const struct taps t = taps_forward(oy, rows);
        GLOBAL const float *in = x + ((size_t)block * a.h + t.at) * a.w * a.c * 16;
        GLOBAL float *out = y + (size_t)tile * a.ow * a.o * 16;
        s.rows = t.count;
        for (int g = 0; g < a.groups; g++)
            conv_channels(1, in + g * c * 16, w + (size_t)g * o * s.w_out + t.first * row, bias + g * o,
                          out + g * o * 16, r, s, o, floor);
        conv_activate(out, a.ow * a.o, a.activation);
    }
}

/* dx[iy][ix][c] = Σ_{ky,kx,o} dy[oy][ox][o] w[o][ky][kx][c] where oy·stride-pad+ky·dilation = iy and the same for x;
 * has_bias: f(b[c] + that)
 * dy n×oh×ow×o and dx n×h×w×c in lanes, weights o×kh×kw×c/groups */
KERNEL4(conv2d_dx, conv2d_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const float, w)
    BUFFER(2, const float, bias)
    BUFFER(3, float, dx)
    const struct conv2d_args a = a_;
    const int c = conv2d_in(a), o = conv2d_out(a), row = a.kw * c;
    const struct conv_axis rows = conv_rows(a, a.oh), across = conv_across(a, a.ow);
    const struct taps any = taps_back(0, across), any_row = taps_back(0, rows); /* steps are the same for all */
    const struct conv_row r = { across, interior_back(across, a.w), a.w, a.o, a.c, c, 0 };
    struct conv_steps s = { any_row.apart * a.ow * a.o * 16, any.apart * a.o * 16, a.o * 16, any_row.step * row,
                            any.step * c, a.kh * row, 1, 0, 0, 0, o };
    const v16 floor = V16_SPLAT(a.activation == ACTIVATION_RELU ? 0.0f : -INFINITY);
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.h, iy = tile % a.h;
        const struct taps t = taps_back(iy, rows);
        GLOBAL const float *in = dy + ((size_t)block * a.oh + t.at) * a.ow * a.o * 16;
        GLOBAL float *out = dx + (size_t)tile * a.w * a.c * 16;
        s.rows = t.count;
        for (int g = 0; g < a.groups; g++)
            conv_channels(0, in + g * o * 16, w + (size_t)g * o * s.w_depth + t.first * row,
                          a.has_bias ? bias + g * c : 0, out + g * c * 16, r, s, c, floor);
        conv_activate(out, a.w * a.c, a.activation);
    }
}
