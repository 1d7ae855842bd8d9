/* SPDX-License-Identifier: BSD-3-Clause */
/* Pooling in the lanes layout (conv2d.h). */
#include "device.h"
#include "shared.h"
#include "conv2d.h"

/* One axis of the windows; adaptive: window q is [floor(q in/out), ceil((q+1) in/out)). */
struct pool_axis { int in, out, k, stride, dilation, pad, end, adaptive, counts; };

DEVICE struct pool_axis pool_rows(const struct pool_args a)
{
    const struct pool_axis x = { a.h, a.oh, a.kh, a.stride_h, a.dilation_h, a.top, a.bottom, a.adaptive, a.counts };
    return x;
}

DEVICE struct pool_axis pool_columns(const struct pool_args a)
{
    const struct pool_axis x = { a.w, a.ow, a.kw, a.stride_w, a.dilation_w, a.left, a.right, a.adaptive, a.counts };
    return x;
}

/* The cells of a window that are inside: `count` from `begin` on, `dilation` apart; `all`: what a mean divides by. */
struct span { int begin, count, all; };

/* floor(q of / by), ceil(q of / by) */
DEVICE int pool_floor(int q, int of, int by) { return (int)((u64)q * (u64)of / (u64)by); }
DEVICE int pool_ceil(int q, int of, int by) { return (int)(((u64)q * (u64)of + (u64)by - 1) / (u64)by); }

DEVICE struct span pool_window(int q, const struct pool_axis a)
{
    struct span s;
    if (a.adaptive) {
        s.begin = pool_floor(q, a.in, a.out);
        s.count = s.all = pool_ceil(q + 1, a.in, a.out) - s.begin;
        return s;
    }
    const int at = q * a.stride - a.pad, beyond = a.in - at, room = a.in + a.end - at;
    const int first = at < 0 ? (-at + a.dilation - 1) / a.dilation : 0;
    const int last = beyond > 0 ? (beyond + a.dilation - 1) / a.dilation : 0;
    s.begin = at + first * a.dilation;
    s.count = (a.k < last ? a.k : last) - first;
    s.all = !a.counts ? s.count : a.k < room ? a.k : room;
    if (s.count <= 0)
        s.begin = s.count = 0;
    return s;
}

/* The windows [begin,end) that cover input i along one axis, without dilation. */
struct cover { int begin, end; };

DEVICE struct cover pool_cover(int i, const struct pool_axis a)
{
    const int first = i + a.pad - a.k + 1, last = a.adaptive ? 0 : (i + a.pad) / a.stride;
    struct cover c;
    c.begin = a.adaptive ? pool_floor(i, a.out, a.in) : first <= 0 ? 0 : (first + a.stride - 1) / a.stride;
    c.end = a.adaptive ? pool_ceil(i + 1, a.out, a.in) : last < a.out ? last + 1 : a.out;
    return c;
}

/* y[oy][ox][c] = max over the valid cells of the window of x[iy][ix][c]
 * x n×h×w×c and y n×oh×ow×c in lanes */
KERNEL2(pool_max_fwd, pool_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const struct pool_args a = a_;
    const struct pool_axis down = pool_rows(a), across = pool_columns(a);
    const int column = a.c * 16, row = a.w * column, simple = pool_is_2x2(a);
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.oh, oy = tile % a.oh;
        GLOBAL const float *xb = x + (size_t)block * a.h * row;
        GLOBAL float *out = y + (size_t)tile * a.ow * column;
        const struct span sy = pool_window(oy, down);
        for (int ox = 0; ox < a.ow; ox++, out += column) {
            const struct span sx = pool_window(ox, across);
            GLOBAL const float *p = xb + (size_t)sy.begin * row + sx.begin * column;
            const int next_row = a.dilation_h * row, next = a.dilation_w * column;
            if (simple)
                for (int i = 0; i < column; i += 16) {
                    const v16 top = V16_MAX(V16_LOAD(p + i), V16_LOAD(p + column + i));
                    const v16 low = V16_MAX(V16_LOAD(p + row + i), V16_LOAD(p + row + column + i));
                    V16_STORE(out + i, V16_MAX(top, low));
                }
            else
                for (int i = 0; i < column; i += 16) {
                    v16 best = V16_SPLAT(-INFINITY);
                    for (int ky = 0; ky < sy.count; ky++)
                        for (int kx = 0; kx < sx.count; kx++)
                            best = V16_MAX(best, V16_LOAD(p + ky * next_row + kx * next + i));
                    V16_STORE(out + i, best);
                }
        }
    }
}

/* derivative of the activation, from its result y */
DEVICE v16 pool_activation_grad(v16 y, int activation)
{
    const v16 zero = V16_SPLAT(0.0f), one = V16_SPLAT(1.0f);
    return activation == ACTIVATION_RELU ? V16_IF_GT(y, zero, one, zero)
         : activation == ACTIVATION_TANH ? V16_FMA(V16_MUL(V16_SPLAT(-1.0f), y), y, one)
         : activation == ACTIVATION_SIGMOID ? V16_FMA(V16_MUL(V16_SPLAT(-1.0f), y), y, y) : one;
}

/* One window row-pair of 2×2: every cell of dx in two input rows is written once. */
DEVICE void pool_max_bwd_2x2(GLOBAL const float *x, GLOBAL const float *y, GLOBAL const float *dy, GLOBAL float *dx,
                             const struct pool_args a)
{
    const int column = a.c * 16, row = a.w * column;
    const v16 zero = V16_SPLAT(0.0f);
    for (int ox = 0; ox < a.ow; ox++, x += 2 * column, dx += 2 * column, y += column, dy += column)
        for (int i = 0; i < column; i += 16) {
            const v16 best = V16_LOAD(y + i);
            v16 left = V16_LOAD(dy + i);
            if (a.activation != ACTIVATION_NONE)
                left = V16_MUL(left, pool_activation_grad(best, a.activation));
            UNROLL
            for (int cell = 0; cell < 4; cell++) {
                const int at = (cell / 2) * row + (cell % 2) * column + i;
                const v16 value = V16_LOAD(x + at);
                V16_STORE(dx + at, V16_IF_EQ(value, best, left, zero));
                left = V16_IF_EQ(value, best, zero, left);
            }
        }
}

DEVICE void pool_zero(GLOBAL float *p, int floats)
{
    for (int i = 0; i < floats; i += 16)
        V16_STORE(p + i, V16_SPLAT(0.0f));
}

/* dx = Σ over windows of dy at the first cell, in row-major order, that holds the window's maximum y,
 * times f'(x) of the activation that produced x.  Overwrites dx.
 * x and dx n×h×w×c, y and dy n×oh×ow×c in lanes */
KERNEL4(pool_max_bwd, pool_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, y)
    BUFFER(2, const float, dy)
    BUFFER(3, float, dx)
    const struct pool_args a = a_;
    const struct pool_axis down = pool_rows(a), across = pool_columns(a);
    const int column = a.c * 16, row = a.w * column, simple = pool_is_2x2(a);
    FOR_TILES(tile, a.tiles) {
        if (simple) {
            const int oy = tile % a.oh, rest = a.w - 2 * a.ow;
            const size_t in = ((size_t)(tile / a.oh) * a.h + 2 * oy) * row, out = (size_t)tile * a.ow * column;
            pool_max_bwd_2x2(x + in, y + out, dy + out, dx + in, a);
            for (int i = 0; rest && i < 2; i++)
                pool_zero(dx + in + (i + 1) * row - column, column);
            if (oy == a.oh - 1 && a.h > 2 * a.oh)
                pool_zero(dx + in + 2 * row, row);
            continue;
        }
        const size_t in = (size_t)tile * a.h * row, out = (size_t)tile * a.oh * a.ow * column;
        for (int iy = 0; iy < a.h; iy++)
            pool_zero(dx + in + (size_t)iy * row, row);
        for (int oy = 0; oy < a.oh; oy++)
            for (int ox = 0; ox < a.ow; ox++) {
                const struct span sy = pool_window(oy, down), sx = pool_window(ox, across);
                const size_t from = out + (size_t)(oy * a.ow + ox) * column;
                for (int i = 0; i < column; i += 16) {
                    const v16 best = V16_LOAD(y + from + i), zero = V16_SPLAT(0.0f);
                    v16 left = V16_MUL(V16_LOAD(dy + from + i), pool_activation_grad(best, a.activation));
                    for (int ky = 0; ky < sy.count; ky++)
                        for (int kx = 0; kx < sx.count; kx++) {
                            const int iy = sy.begin + ky * a.dilation_h, ix = sx.begin + kx * a.dilation_w;
                            const size_t at = in + (size_t)iy * row + ix * column + i;
                            const v16 value = V16_LOAD(x + at);
                            V16_STORE(dx + at, V16_ADD(V16_LOAD(dx + at), V16_IF_EQ(value, best, left, zero)));
                            left = V16_IF_EQ(value, best, zero, left);
                        }
                }
            }
    }
}

/* y = sum over the valid cells of the window of x / their number, or with `counts` that with the padding.
 * x n×h×w×c and y n×oh×ow×c in lanes */
KERNEL2(pool_avg_fwd, pool_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const struct pool_args a = a_;
    const struct pool_axis down = pool_rows(a), across = pool_columns(a);
    const int column = a.c * 16, row = a.w * column;
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.oh, oy = tile % a.oh;
        GLOBAL const float *xb = x + (size_t)block * a.h * row;
        GLOBAL float *out = y + (size_t)tile * a.ow * column;
        const struct span sy = pool_window(oy, down);
        for (int ox = 0; ox < a.ow; ox++, out += column) {
            const struct span sx = pool_window(ox, across);
            GLOBAL const float *p = xb + (size_t)sy.begin * row + sx.begin * column;
            const int rows = sy.count, columns = sx.count;
            const float share = 1.0f / (float)(sy.all * sx.all);
            for (int i = 0; i < column; i += 16) {
                v16 sum = V16_SPLAT(0.0f);
                for (int ky = 0; ky < rows; ky++)
                    for (int kx = 0; kx < columns; kx++)
                        sum = V16_ADD(sum, V16_LOAD(p + ky * row + kx * column + i));
                V16_STORE(out + i, V16_MUL(sum, V16_SPLAT(share)));
            }
        }
    }
}

/* dx[iy][ix][c] = Σ over the windows that cover the cell of dy[oy][ox][c] / (what the window's mean divides by)
 * dy n×oh×ow×c and dx n×h×w×c in lanes */
KERNEL2(pool_avg_bwd, pool_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, float, dx)
    const struct pool_args a = a_;
    const struct pool_axis down = pool_rows(a), across = pool_columns(a);
    const int column = a.c * 16;
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.h, iy = tile % a.h;
        GLOBAL const float *from = dy + (size_t)block * a.oh * a.ow * column;
        GLOBAL float *out = dx + (size_t)tile * a.w * column;
        const struct cover qy = pool_cover(iy, down);
        for (int ix = 0; ix < a.w; ix++, out += column) {
            const struct cover qx = pool_cover(ix, across);
            pool_zero(out, column);
            for (int oy = qy.begin; oy < qy.end; oy++)
                for (int ox = qx.begin; ox < qx.end; ox++) {
                    const struct span sy = pool_window(oy, down), sx = pool_window(ox, across);
                    const float share = 1.0f / (float)(sy.all * sx.all);
                    GLOBAL const float *p = from + (size_t)(oy * a.ow + ox) * column;
                    for (int i = 0; i < column; i += 16)
                        V16_STORE(out + i, V16_FMA(V16_LOAD(p + i), V16_SPLAT(share), V16_LOAD(out + i)));
                }
        }
    }
}
