/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes shared by the host and the kernels of convolution, pool.cl and lanes.cl.
 *
 * The lanes layout of an image tensor N×H×W×C is [ceil(N/16)][H][W][C][16]:
 * sixteen images side by side in the lanes of a vector.  The last block is
 * padded: padding images are zero in inputs and gradients; in a forward output
 * they are finite and never read.
 */
#ifndef HSGD_CONV2D_H
#define HSGD_CONV2D_H

#ifdef __CUDACC__
#define HOST_AND_DEVICE static __host__ __device__ inline
#else
#define HOST_AND_DEVICE static inline
#endif

/* x n×h×w×c, y n×oh×ow×o, weights o×kh×kw×c/groups.  Tap k of row q of y is row
 * q·stride_h - top + k·dilation_h of x, the same for columns.  Outputs [g·o/groups,
 * (g+1)·o/groups) see channels [g·c/groups, (g+1)·c/groups). */
struct conv2d_args {
    int n, h, w, c, oh, ow, o, kh, kw;
    int stride_h, stride_w, dilation_h, dilation_w, top, left, groups, activation;
    int tiles;    /* of the kernel launched: conv2d_*_tiles() */
    int splits;   /* conv2d_dw: kernel rows are divided among this many tiles, 1…kh; other kernels: see there */
    int chunk;    /* depthwise: channels of a tile */
    int has_bias; /* depthwise: db is wanted; *_dx: there is a bias to add, and an activation */
};

/* x n×h×w×c, y n×oh×ow×c, windows kh×kw as those of conv2d_args; padding < (k - 1) dilation + 1 */
struct pool_args {
    int n, h, w, c, oh, ow, kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left, bottom, right;
    int adaptive;   /* windows follow from the sizes; dilation is 1 */
    int counts;     /* mean: padding counts as zeros */
    int activation; /* pool_max_bwd: activation that produced x; its derivative is applied */
    int tiles;
};

/* n images of `size` floats each */
struct lanes_args {
    int n, size, tiles;
};

HOST_AND_DEVICE int lanes_blocks(int n) { return (n + 15) / 16; }
HOST_AND_DEVICE int lanes_tiles(int n, int size) { return lanes_blocks(n) * ((size + 255) / 256); }

/* Channels of a group. */
HOST_AND_DEVICE int conv2d_in(struct conv2d_args a) { return a.c / a.groups; }
HOST_AND_DEVICE int conv2d_out(struct conv2d_args a) { return a.o / a.groups; }
/* Floats of the weight of one output. */
HOST_AND_DEVICE int conv2d_weights(struct conv2d_args a) { return a.kh * a.kw * conv2d_in(a); }
/* Whether each output sees one channel, and each channel has one output. */
HOST_AND_DEVICE int conv2d_depthwise(struct conv2d_args a) { return a.groups > 1 && a.groups == a.c && a.c == a.o; }

HOST_AND_DEVICE int conv2d_fwd_tiles(struct conv2d_args a) { return lanes_blocks(a.n) * a.oh; }
HOST_AND_DEVICE int conv2d_dx_tiles(struct conv2d_args a) { return lanes_blocks(a.n) * a.h; }

HOST_AND_DEVICE int pool_max_fwd_tiles(struct pool_args a) { return lanes_blocks(a.n) * a.oh; }
HOST_AND_DEVICE int pool_avg_fwd_tiles(struct pool_args a) { return lanes_blocks(a.n) * a.oh; }
HOST_AND_DEVICE int pool_avg_bwd_tiles(struct pool_args a) { return lanes_blocks(a.n) * a.h; }
HOST_AND_DEVICE int pool_is_2x2(struct pool_args a)
{
    return !a.adaptive && a.kh == 2 && a.kw == 2 && a.stride_h == 2 && a.stride_w == 2 && a.dilation_h == 1 &&
           a.dilation_w == 1 && a.top == 0 && a.left == 0 && 2 * a.oh <= a.h && 2 * a.ow <= a.w;
}
HOST_AND_DEVICE int pool_max_bwd_tiles(struct pool_args a) { return lanes_blocks(a.n) * (pool_is_2x2(a) ? a.oh : 1); }

/* conv2d_gpu.cl: output channels that a group computes at a time; tiles of m
 * channels and `pixels` pixels; entries of a weight, including the bias; and
 * dw's tiles, whose positions are divided into `splits` parts. */
HOST_AND_DEVICE int gpu_outputs(int m) { return m <= 8 ? 8 : m <= 16 ? 16 : 32; }
HOST_AND_DEVICE int gpu_tiles_of(int m, int pixels)
{
    return (m + gpu_outputs(m) - 1) / gpu_outputs(m) * ((pixels + 15) / 16);
}
HOST_AND_DEVICE int gpu_dw_entries(struct conv2d_args a) { return conv2d_weights(a) + 1; }
HOST_AND_DEVICE int gpu_dw_tiles(struct conv2d_args a)
{
    int m = conv2d_out(a), wide = 4096 / gpu_outputs(m);
    return (m + gpu_outputs(m) - 1) / gpu_outputs(m) * ((gpu_dw_entries(a) + wide - 1) / wide) * a.groups * a.splits;
}
HOST_AND_DEVICE unsigned long gpu_dw_work(struct conv2d_args a)
{
    return (unsigned long)a.splits * (unsigned long)a.o * (unsigned long)gpu_dw_entries(a);
}

/* conv2d_dw, for each group.  With few outputs, images stay in the lanes.
 * Otherwise one tile transposes 16·dw_vectors() outputs into the lanes. */
HOST_AND_DEVICE int dw_plain(struct conv2d_args a) { return conv2d_out(a) < 12; }
HOST_AND_DEVICE int dw_vectors(struct conv2d_args a)
{
    return dw_plain(a) ? conv2d_out(a) : conv2d_out(a) > 16 ? 2 : 1;
}
HOST_AND_DEVICE int dw_blocks(struct conv2d_args a)
{
    return dw_plain(a) ? 1 : (conv2d_out(a) + 16 * dw_vectors(a) - 1) / (16 * dw_vectors(a));
}
HOST_AND_DEVICE int conv2d_dw_tiles(struct conv2d_args a) { return a.groups * dw_blocks(a) * a.splits; }

/* output rows that a tile processes at a time: about 64 positions */
HOST_AND_DEVICE int dw_rows(struct conv2d_args a) { return a.ow >= 64 ? 1 : 64 / a.ow < a.oh ? 64 / a.ow : a.oh; }

/* scratch of one tile, in vectors of 16 floats: bias sums, weight sums, transposed rows of dy */
HOST_AND_DEVICE int dw_work_sums(struct conv2d_args a) { return dw_vectors(a); }
HOST_AND_DEVICE int dw_work_rows(struct conv2d_args a) { return dw_vectors(a) * (1 + conv2d_weights(a)); }
HOST_AND_DEVICE int dw_work_tile(struct conv2d_args a)
{
    return dw_work_rows(a) + (dw_plain(a) ? 0 : dw_rows(a) * a.ow * 16 * dw_vectors(a));
}
/* floats of scratch that conv2d_dw needs */
HOST_AND_DEVICE unsigned long conv2d_dw_work(struct conv2d_args a)
{
    return 16ul * (unsigned long)dw_work_tile(a) * (unsigned long)conv2d_dw_tiles(a);
}

/* conv2d_depth.cl: tiles of `chunk` channels of a row; of the gradient of weights, whose rows are divided into
 * `splits` parts with sums of their own, 16·(kh·kw + 1) floats for each channel. */
HOST_AND_DEVICE int depth_chunks(struct conv2d_args a) { return (a.c + a.chunk - 1) / a.chunk; }
HOST_AND_DEVICE int depth_fwd_tiles(struct conv2d_args a) { return lanes_blocks(a.n) * a.oh * depth_chunks(a); }
HOST_AND_DEVICE int depth_dx_tiles(struct conv2d_args a) { return lanes_blocks(a.n) * a.h * depth_chunks(a); }
HOST_AND_DEVICE int depth_dw_tiles(struct conv2d_args a) { return a.splits * depth_chunks(a); }
HOST_AND_DEVICE unsigned long depth_dw_work(struct conv2d_args a)
{
    return 16ul * (unsigned long)a.splits * (unsigned long)a.c * (unsigned long)(a.kh * a.kw + 1);
}

#endif
