/* SPDX-License-Identifier: BSD-3-Clause */
/* Pooling in the lanes layout (conv2d.h). */
#include "device.h"
#include "shared.h"
#include "conv2d.h"

/* The valid part [begin,end) of window q along one axis. */
struct span { int begin, end; };

DEVICE struct span pool_window(int q, int k, int stride, int pad, int size)
{
    const int at = q * stride - pad;
    const struct span s = { at < 0 ? 0 : at, at + k < size ? at + k : size };
    return s;
}

/* The windows [begin,end) that cover input i along one axis. */
DEVICE struct span pool_cover(int i, int k, int stride, int pad, int windows)
{
    const int first = i + pad - k + 1, last = (i + pad) / stride;
    const struct span s = { first <= 0 ? 0 : (first + stride - 1) / stride, last < windows ? last + 1 : windows };
    return s;
}

/* y[oy][ox][c] = max over the valid cells of the window of x[iy][ix][c]
 * x n×h×w×c and y n×oh×ow×c in lanes */
KERNEL2(pool_max_fwd, pool_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const struct pool_args a = a_;
    const int column = a.c * 16, row = a.w * column, simple = pool_is_2x2(a);
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.oh, oy = tile % a.oh;
        GLOBAL const float *xb = x + (size_t)block * a.h * row;
        GLOBAL float *out = y + (size_t)tile * a.ow * column;
        const struct span sy = pool_window(oy, a.k, a.stride, a.pad, a.h);
        for (int ox = 0; ox < a.ow; ox++, out += column) {
            const struct span sx = pool_window(ox, a.k, a.stride, a.pad, a.w);
            GLOBAL const float *p = xb + (size_t)sy.begin * row + sx.begin * column;
            if (simple)
                for (int i = 0; i < column; i += 16) {
                    const v16 top = V16_MAX(V16_LOAD(p + i), V16_LOAD(p + column + i));
                    const v16 low = V16_MAX(V16_LOAD(p + row + i), V16_LOAD(p + row + column + i));
                    V16_STORE(out + i, V16_MAX(top, low));
                }
            else
                for (int i = 0; i < column; i += 16) {
                    v16 best = V16_LOAD(p + i);
                    for (int ky = 0; ky < sy.end - sy.begin; ky++)
                        for (int kx = 0; kx < sx.end - sx.begin; kx++)
                            best = V16_MAX(best, V16_LOAD(p + ky * row + kx * column + i));
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
                const struct span sy = pool_window(oy, a.k, a.stride, a.pad, a.h);
                const struct span sx = pool_window(ox, a.k, a.stride, a.pad, a.w);
                const size_t from = out + (size_t)(oy * a.ow + ox) * column;
                for (int i = 0; i < column; i += 16) {
                    const v16 best = V16_LOAD(y + from + i), zero = V16_SPLAT(0.0f);
                    v16 left = V16_MUL(V16_LOAD(dy + from + i), pool_activation_grad(best, a.activation));
                    for (int iy = sy.begin; iy < sy.end; iy++)
                        for (int ix = sx.begin; ix < sx.end; ix++) {
                            const size_t at = in + (size_t)iy * row + ix * column + i;
                            const v16 value = V16_LOAD(x + at);
                            V16_STORE(dx + at, V16_ADD(V16_LOAD(dx + at), V16_IF_EQ(value, best, left, zero)));
                            left = V16_IF_EQ(value, best, zero, left);
                        }
                }
            }
    }
}

/* y = mean over the valid cells of the window of x: padding does not count.
 * x n×h×w×c and y n×oh×ow×c in lanes */
KERNEL2(pool_avg_fwd, pool_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const struct pool_args a = a_;
    const int column = a.c * 16, row = a.w * column;
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.oh, oy = tile % a.oh;
        GLOBAL const float *xb = x + (size_t)block * a.h * row;
        GLOBAL float *out = y + (size_t)tile * a.ow * column;
        const struct span sy = pool_window(oy, a.k, a.stride, a.pad, a.h);
        for (int ox = 0; ox < a.ow; ox++, out += column) {
            const struct span sx = pool_window(ox, a.k, a.stride, a.pad, a.w);
            GLOBAL const float *p = xb + (size_t)sy.begin * row + sx.begin * column;
            const int rows = sy.end - sy.begin, columns = sx.end - sx.begin;
            const float share = 1.0f / (float)(rows * columns);
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

/* dx[iy][ix][c] = Σ over the windows that cover the cell of dy[oy][ox][c] / (valid cells of the window)
 * dy n×oh×ow×c and dx n×h×w×c in lanes */
KERNEL2(pool_avg_bwd, pool_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, float, dx)
    const struct pool_args a = a_;
    const int column = a.c * 16;
    FOR_TILES(tile, a.tiles) {
        const int block = tile / a.h, iy = tile % a.h;
        GLOBAL const float *from = dy + (size_t)block * a.oh * a.ow * column;
        GLOBAL float *out = dx + (size_t)tile * a.w * column;
        const struct span qy = pool_cover(iy, a.k, a.stride, a.pad, a.oh);
        for (int ix = 0; ix < a.w; ix++, out += column) {
            const struct span qx = pool_cover(ix, a.k, a.stride, a.pad, a.ow);
            pool_zero(out, column);
            for (int oy = qy.begin; oy < qy.end; oy++)
                for (int ox = qx.begin; ox < qx.end; ox++) {
                    const struct span sy = pool_window(oy, a.k, a.stride, a.pad, a.h);
                    const struct span sx = pool_window(ox, a.k, a.stride, a.pad, a.w);
                    const float share = 1.0f / (float)((sy.end - sy.begin) * (sx.end - sx.begin));
                    GLOBAL const float *p = from + (size_t)(oy * a.ow + ox) * column;
                    for (int i = 0; i < column; i += 16)
                        V16_STORE(out + i, V16_FMA(V16_LOAD(p + i), V16_SPLAT(share), V16_LOAD(out + i)));
                }
        }
    }
}
