/* SPDX-License-Identifier: BSD-3-Clause */
/* 2-D convolution on GPUs, in the layouts of conv2d.cl: sixteen images side by
 * side, so that sixteen neighbouring threads read neighbouring floats.  Written
 * for groups of 128; only CUDA devices have these kernels.
 */
#include "device.h"
#include "conv2d.h"

#define CONV_STEP 32     /* weights of an output channel that are in local memory at a time */
#define CONV_COLUMNS 2   /* pixels of an image that a thread computes */

/* A group of a convolution seen from its outputs: out[q][m] = sum over taps and d of
 * in[place of q under the tap][d] W[m][tap][d].  Backward, in is dy. */
struct gpu_conv {
    int m, d, taps;                    /* output channels, input channels, kernel size */
    int out_h, out_w, in_h, in_w;
    int out_all, in_all;               /* channels of all groups */
};

/* A thread's pixel: its block of images, its position, and whether it is inside the image. */
struct gpu_pixel { GLOBAL const float *image; int y, x; size_t at; };

DEVICE struct gpu_pixel gpu_pixel(GLOBAL const float *in, struct gpu_conv v, int column, int columns)
{
    const int position = (column < columns ? column : columns - 1) / 16, block = position / (v.out_h * v.out_w);
    struct gpu_pixel p;
    p.y = position / v.out_w % v.out_h;
    p.x = position % v.out_w;
    p.image = in + (size_t)block * v.in_h * v.in_w * v.in_all * 16 + column % 16;
    p.at = (size_t)position * v.out_all * 16 + column % 16;
    return p;
}

/* Address of the input of pixel p under a tap; NULL: outside the image. */
DEVICE GLOBAL const float *gpu_input(const int FORWARD, struct gpu_pixel p, struct gpu_conv v, struct conv2d_args a,
                                     int tap)
{
    const int ky = tap / a.kw * a.dilation_h, kx = tap % a.kw * a.dilation_w;
    int y, x;
    if (FORWARD) {
        y = p.y * a.stride_h - a.top + ky;
        x = p.x * a.stride_w - a.left + kx;
    } else {
        y = p.y + a.top - ky;
        x = p.x + a.left - kx;
        if (y < 0 || x < 0 || y % a.stride_h || x % a.stride_w) return NULL;
        y /= a.stride_h;
        x /= a.stride_w;
    }
    if (y < 0 || y >= v.in_h || x < 0 || x >= v.in_w) return NULL;
    return p.image + ((size_t)y * v.in_w + x) * v.in_all * 16;
}

/* Weights k of CONV_STEP from k0 on, of OB outputs from m0 on: shared[k][m]; w is the group's. */
DEVICE void gpu_stage(const int FORWARD, const int OB, GLOBAL const float *w, struct gpu_conv v, int m0, int k0,
                      LOCAL_ARG float *shared)
{
    const int all = v.taps * v.d;
    BARRIER();
    for (int i = LOCAL_ID; i < CONV_STEP * OB; i += LOCAL_SIZE) {
        const int m = m0 + i % OB, k = k0 + i / OB;
        const size_t at = FORWARD ? (size_t)m * all + k : ((size_t)(k % v.d) * v.taps + k / v.d) * v.m + m;
        shared[i] = m < v.m && k < all ? w[at] : 0.0f;
    }
    BARRIER();
}

/* OB output channels of CONV_COLUMNS pixels per thread. */
DEVICE void gpu_block(const int FORWARD, const int OB, GLOBAL const float *in, GLOBAL const float *w,
                      GLOBAL const float *bias, GLOBAL float *out, struct gpu_conv v, struct conv2d_args a, int m0,
                      int first, int columns, LOCAL_ARG float *shared)
{
    float acc[32 * CONV_COLUMNS];
    struct gpu_pixel p[CONV_COLUMNS];
    GLOBAL const float *from[CONV_COLUMNS];
    int d = 0, tap = 0;
    UNROLL
    for (int j = 0; j < CONV_COLUMNS; j++) p[j] = gpu_pixel(in, v, first + j * LOCAL_SIZE + LOCAL_ID, columns);
    UNROLL
    for (int i = 0; i < OB * CONV_COLUMNS; i++) acc[i] = 0.0f;
    for (int k0 = 0; k0 < v.taps * v.d; k0 += CONV_STEP) {
        gpu_stage(FORWARD, OB, w, v, m0, k0, shared);
        for (int k = 0; k < CONV_STEP && tap < v.taps; k++) {
            UNROLL
            for (int j = 0; j < CONV_COLUMNS; j++) {
                if (d == 0) from[j] = gpu_input(FORWARD, p[j], v, a, tap);
                const float x = from[j] ? from[j][d * 16] : 0.0f;
                UNROLL
                for (int i = 0; i < OB; i++) acc[i * CONV_COLUMNS + j] += shared[k * OB + i] * x;
            }
            if (++d == v.d) {
                d = 0;
                tap++;
            }
        }
    }
    UNROLL
    for (int j = 0; j < CONV_COLUMNS; j++) {
        UNROLL
        for (int i = 0; i < OB; i++) {
            if (first + j * LOCAL_SIZE + LOCAL_ID >= columns || m0 + i >= v.m) continue;
            const float z = acc[i * CONV_COLUMNS + j] + (FORWARD || a.has_bias ? bias[m0 + i] : 0.0f);
            out[p[j].at + (size_t)(m0 + i) * 16] = activate(z, a.activation);
        }
    }
}

/* Tiles in order: neighbouring tiles have the same pixels and other channels. */
DEVICE void gpu_tiles(const int FORWARD, const int OB, GLOBAL const float *in, GLOBAL const float *w,
                      GLOBAL const float *bias, GLOBAL float *out, struct gpu_conv v, struct conv2d_args a,
                      LOCAL_ARG float *shared)
{
    const int across = (v.m + OB - 1) / OB, columns = lanes_blocks(a.n) * v.out_h * v.out_w * 16;
    FOR_ROWS(tile, a.tiles) {
        const int m0 = tile % across * OB, g = tile / across % a.groups, pixels = tile / across / a.groups;
        gpu_block(FORWARD, OB, in + (size_t)g * v.d * 16, w + (size_t)g * v.m * v.d * v.taps, bias + g * v.m,
                  out + (size_t)g * v.m * 16, v, a, m0, pixels * CONV_COLUMNS * LOCAL_SIZE, columns, shared);
    }
}

/* conv2d_fwd's formula.  One kernel for each value of gpu_outputs(), since a kernel
 * occupies the registers that its most demanding part needs. */
#define FORWARD_(OB)                                                                                               \
    {                                                                                                              \
        BUFFER(0, const float, x)                                                                                  \
        BUFFER(1, const float, w)                                                                                  \
        BUFFER(2, const float, bias)                                                                               \
        BUFFER(3, float, y)                                                                                        \
        LOCAL float shared[CONV_STEP * OB];                                                                        \
        const struct conv2d_args a = a_;                                                                           \
        const struct gpu_conv v = { conv2d_out(a), conv2d_in(a), a.kh * a.kw, a.oh, a.ow, a.h, a.w, a.o, a.c };    \
        gpu_tiles(1, OB, x, w, bias, y, v, a, shared);                                                             \
    }
KERNEL4(conv2d_gpu_fwd8, conv2d_args)
FORWARD_(8)
KERNEL4(conv2d_gpu_fwd16, conv2d_args)
FORWARD_(16)
KERNEL4(conv2d_gpu_fwd32, conv2d_args)
FORWARD_(32)

/* conv2d_dx's formula */
#define BACKWARD_(OB)                                                                                              \
    {                                                                                                              \
        BUFFER(0, const float, dy)                                                                                 \
        BUFFER(1, const float, w)                                                                                  \
        BUFFER(2, const float, bias)                                                                               \
        BUFFER(3, float, dx)                                                                                       \
        LOCAL float shared[CONV_STEP * OB];                                                                        \
        const struct conv2d_args a = a_;                                                                           \
        const struct gpu_conv v = { conv2d_in(a), conv2d_out(a), a.kh * a.kw, a.h, a.w, a.oh, a.ow, a.c, a.o };    \
        gpu_tiles(0, OB, dy, w, bias, dx, v, a, shared);                                                            \
    }
KERNEL4(conv2d_gpu_dx8, conv2d_args)
BACKWARD_(8)
KERNEL4(conv2d_gpu_dx16, conv2d_args)
BACKWARD_(16)
KERNEL4(conv2d_gpu_dx32, conv2d_args)
BACKWARD_(32)

/* ------------------------------------------------------------- gradients */

/* Entries of a tile: k = (ky, kx, channel), then the bias, whose x is 1. */
struct gpu_entries { LOCAL_ARG int *offset, *ky, *kx; int n; };

DEVICE void gpu_entries_fill(struct gpu_entries e, int e0, struct conv2d_args a)
{
    const int c = conv2d_in(a);
    for (int i = LOCAL_ID; i < e.n; i += LOCAL_SIZE) {
        const int tap = (e0 + i) / c;
        e.ky[i] = tap / a.kw * a.dilation_h;
        e.kx[i] = tap % a.kw * a.dilation_w;
        e.offset[i] = ((e.ky[i] * a.w + e.kx[i]) * a.c + (e0 + i) % c) * 16;
    }
}

/* One position: dy of OB outputs and x of all entries, image by image: row [image].  x begins at the group's
 * channels, its outputs end at o_end. */
DEVICE void gpu_stage_position(const int OB, const int WIDE, GLOBAL const float *x, GLOBAL const float *dy, int o0,
                               int o_end, int e0, struct gpu_entries e, struct conv2d_args a, int position,
                               LOCAL_ARG float *dy_rows, LOCAL_ARG float *x_rows)
{
    const int block = position / (a.oh * a.ow), y = position / a.ow % a.oh * a.stride_h - a.top;
    const int column = position % a.ow * a.stride_w - a.left, bias = conv2d_weights(a) - e0;
    GLOBAL const float *corner = x + (ptrdiff_t)block * a.h * a.w * a.c * 16 + ((ptrdiff_t)y * a.w + column) * a.c * 16;
    for (int i = LOCAL_ID; i < OB * 16; i += LOCAL_SIZE)
        dy_rows[i % 16 * (OB + 4) + i / 16] =
            o0 + i / 16 < o_end ? dy[((size_t)position * a.o + o0 + i / 16) * 16 + i % 16] : 0.0f;
    for (int i = LOCAL_ID; i < e.n * 16; i += LOCAL_SIZE) {
        const int k = i / 16, row = y + e.ky[k], col = column + e.kx[k];
        const int inside = k < bias && row >= 0 && row < a.h && col >= 0 && col < a.w;
        x_rows[i % 16 * (WIDE + 4) + k] = inside ? corner[e.offset[k] + i % 16] : k == bias ? 1.0f : 0.0f;
    }
}

/* Sums over the positions [begin, end) for OB outputs and WIDE entries: a
 * thread has eight outputs and four entries. */
DEVICE void gpu_dw_block(const int OB, GLOBAL const float *x, GLOBAL const float *dy, GLOBAL float *sums, int o0,
                         int o_end, int e0, struct gpu_entries e, struct conv2d_args a, int begin, int end,
                         LOCAL_ARG float *shared)
{
    const int WIDE = 4096 / OB, across = WIDE / 4, all = gpu_dw_entries(a);
    const int mine = LOCAL_ID % across * 4, outputs = LOCAL_ID / across * 8;
    LOCAL_ARG float *x_rows = shared + 16 * (OB + 4);
    float acc[32];
    UNROLL
    for (int i = 0; i < 32; i++) acc[i] = 0.0f;
    for (int position = begin; position < end; position++) {
        BARRIER();
        gpu_stage_position(OB, WIDE, x, dy, o0, o_end, e0, e, a, position, shared, x_rows);
        BARRIER();
        for (int image = 0; mine < e.n && image < 16; image++) {
            UNROLL
            for (int i = 0; i < 8; i++)
                UNROLL
                for (int j = 0; j < 4; j++)
                    acc[i * 4 + j] += shared[image * (OB + 4) + outputs + i] * x_rows[image * (WIDE + 4) + mine + j];
        }
    }
    UNROLL
    for (int i = 0; i < 8; i++) {
        UNROLL
        for (int j = 0; j < 4; j++)
            if (o0 + outputs + i < o_end && mine + j < e.n)
                sums[(size_t)(o0 + outputs + i) * all + e0 + mine + j] = acc[i * 4 + j];
    }
}

/* work[split][o][k, then the bias]: conv2d_dw's formula over one split of the positions */
KERNEL3(conv2d_gpu_dw, conv2d_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, work)
    LOCAL float shared[16 * (512 + 4) + 16 * (8 + 4)];
    LOCAL int offset[512], ky[512], kx[512];
    const struct conv2d_args a = a_;
    const int m = conv2d_out(a), outputs = gpu_outputs(m), wide = 4096 / outputs, all = gpu_dw_entries(a);
    const int down = (m + outputs - 1) / outputs, across = (all + wide - 1) / wide;
    const int positions = lanes_blocks(a.n) * a.oh * a.ow;
    FOR_ROWS(tile, a.tiles) {
        const int g = tile / (down * across) % a.groups, split = tile / (down * across * a.groups);
        const int o0 = g * m + tile % down * outputs, o_end = (g + 1) * m, e0 = tile / down % across * wide;
        const int begin = (int)((u64)positions * (u64)split / (u64)a.splits);
        const int end = (int)((u64)positions * (u64)(split + 1) / (u64)a.splits);
        GLOBAL const float *xg = x + (size_t)g * conv2d_in(a) * 16;
        GLOBAL float *sums = work + (size_t)split * a.o * all;
        const struct gpu_entries e = { offset, ky, kx, all - e0 < wide ? all - e0 : wide };
        BARRIER();
        gpu_entries_fill(e, e0, a);
        if (outputs == 8) gpu_dw_block(8, xg, dy, sums, o0, o_end, e0, e, a, begin, end, shared);
        else if (outputs == 16) gpu_dw_block(16, xg, dy, sums, o0, o_end, e0, e, a, begin, end, shared);
        else gpu_dw_block(32, xg, dy, sums, o0, o_end, e0, e, a, begin, end, shared);
    }
}

/* dw and db: sums of the splits, in order */
KERNEL3(conv2d_gpu_sum, conv2d_args)
{
    BUFFER(0, const float, work)
    BUFFER(1, float, dw)
    BUFFER(2, float, db)
    const int weights = conv2d_weights(a_), all = weights + 1;
    FOR_ITEMS(i, ARG(o) * all) {
        float s = 0.0f;
        for (int part = 0; part < ARG(splits); part++) s += work[(size_t)part * ARG(o) * all + i];
        if (i % all < weights) dw[i / all * weights + i % all] = s;
        else db[i / all] = s;
    }
}

/* ----------------------------------------------------- after cuDNN's call */

#define FINISH_CHUNK 256 /* floats per image that one tile moves, as lanes_tiles() counts */

struct conv2d_finish_args { int n, size, channels, activation, tiles; };

/* y[b][e][l] = act(z[16b+l][e] + bias[e mod channels]): lanes_pack, fused with
 * bias and activation.  z n×size in NHWC, y ceil(n/16)×size×16.  Here a v16 is one
 * thread's float, so activate() applies to it. */
KERNEL3(conv2d_gpu_finish, conv2d_finish_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const float, bias)
    BUFFER(2, float, y)
    const struct conv2d_finish_args a = a_;
    const int chunks = (a.size + FINISH_CHUNK - 1) / FINISH_CHUNK;
    FOR_TILES(tile, a.tiles) {
        const int block = tile / chunks, begin = tile % chunks * FINISH_CHUNK;
        const int end = begin + FINISH_CHUNK < a.size ? begin + FINISH_CHUNK : a.size;
        const int images = a.n - block * 16 < 16 ? a.n - block * 16 : 16;
        GLOBAL const float *from = z + (size_t)block * 16 * a.size;
        GLOBAL float *to = y + (size_t)block * 16 * a.size;
        int e = begin;
        for (; e + 16 <= end; e += 16) {
            v16 r[16];
            UNROLL
            for (int l = 0; l < 16; l++) r[l] = l < images ? V16_LOAD(from + (size_t)l * a.size + e) : V16_SPLAT(0.0f);
            v16_transpose(r);
            UNROLL
            for (int i = 0; i < 16; i++)
                V16_STORE(to + (size_t)(e + i) * 16, activate(r[i] + bias[(e + i) % a.channels], a.activation));
        }
        for (; e < end; e++)
            for (int l = 0; l < 16; l++)
                to[(size_t)e * 16 + l] =
                    activate((l < images ? from[(size_t)l * a.size + e] : 0.0f) + bias[e % a.channels], a.activation);
    }
}
