/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's convolutions, pools and detections, of images and sequences, and their attributes; a part of <hsgd/ops.h>. */
#ifndef HSGD_IMAGES_H
#define HSGD_IMAGES_H

#include <hsgd/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* y[n][oy][ox][o] = act(b[o] + sum_{ky,kx,c} x[n][oy s + ky d - p][ox s + kx d - p][c] w[o][ky][kx][c]),
 * x zero outside; kernel x kernel taps, stride s, dilation d, padding p < d (kernel - 1) + 1.
 * groups: inputs and outputs are divided into so many equal groups, and c are the
 * channels of o's group; as many as channels: a depthwise convolution.  kernel_w,
 * stride_w and dilation_w: of columns, where they are not those of rows; 0: they are.
 * pads: {4, {top, left, bottom, right}} in place of padding.  groups, dilation 0: 1.
 * weight: out_channels x kernel x kernel_w x in_channels / groups; bias: out_channels.
 * Aliasing: none.  Errors: groups do not divide the channels, or the window does not
 * fit.  Source: Goodfellow et al., Deep Learning, 9.5; Chollet 2017. */
struct hsgd_conv2d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
    int groups, dilation;
    int kernel_w, stride_w, dilation_w;
    struct hsgd_ints pads;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv2d;

/* The same of a sequence {t, c}: y[n][t][o] = act(b[o] + sum_{k,c} x[n][t s + k d - p][c] w[o][k][c]).
 * pads: {2, {left, right}} in place of padding.
 * weight: out_channels x kernel x in_channels / groups; bias: out_channels. */
struct hsgd_conv1d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
    int groups, dilation;
    struct hsgd_ints pads;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv1d;

/* The transpose of conv2d, as PyTorch's: y is zero but for the bias, and x[n][iy][ix][c] adds
 * its product with w[c][ky][kx][o] to y[n][iy s + ky d - p][ix s + kx d - p][o], o of c's group.
 * y has (h - 1) s - top - bottom + d (kernel - 1) + 1 + output_padding rows, and columns
 * likewise; 0 <= output_padding < max(s, d).  The rest as conv2d's.
 * weight: in_channels x kernel x kernel_w x out_channels / groups; bias: out_channels.
 * Aliasing: none.  Errors: as conv2d's.  Source: Dumoulin & Visin 2016. */
struct hsgd_conv_transpose2d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
    int groups, dilation;
    int kernel_w, stride_w, dilation_w;
    struct hsgd_ints pads;
    int output_padding;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv_transpose2d;

/* The maximum of each window of an image {h, w, c}, or of a sequence {t, c}; stride
 * 0: the kernel.  Windows are those of conv2d, conv1d; their cells outside do not
 * count, and one that has none inside gives -infinity.  ceil_mode: a last window may
 * begin in the image and end beyond its padding.  The gradient goes to the first
 * maximum of the window in row-major order.  Aliasing: none. */
struct hsgd_max_pool {
    int kernel, stride, padding;
    int kernel_w, stride_w, dilation, dilation_w;
    struct hsgd_ints pads;
    bool ceil_mode;
};
/* The mean of each such window, over its positions inside; count_include_pad: the
 * padding counts as zeros. */
struct hsgd_avg_pool {
    int kernel, stride, padding;
    int kernel_w, stride_w;
    struct hsgd_ints pads;
    bool ceil_mode, count_include_pad;
};
HSGD_API extern const struct hsgd_op hsgd_op_max_pool, hsgd_op_avg_pool;

/* output_size x output_size_w (0: output_size) means or maxima: window i of o along an
 * axis of n is [floor(i n / o), ceil((i + 1) n / o)), as PyTorch's.  Of a sequence
 * output_size means or maxima.  Aliasing: none. */
struct hsgd_adaptive_avg_pool {
    int output_size, output_size_w;
};
/* As hsgd_adaptive_avg_pool. */
struct hsgd_adaptive_max_pool {
    int output_size, output_size_w;
};
HSGD_API extern const struct hsgd_op hsgd_op_adaptive_avg_pool, hsgd_op_adaptive_max_pool;

/* y = the mean of each channel (the last axis) over all positions: {h, w, c} or
 * {t, c} become {c}.  Aliasing: none.  Source: Lin, Chen, Yan 2013. */
HSGD_API extern const struct hsgd_op hsgd_op_global_avg_pool;

/* Which box each cell of a grid is to find, of boxes x[0], {n, 5}: class, centre x and y,
 * width and height as fractions of the image; a class below 0 is no box.  x[1] is the image,
 * {h, w, c}, of which only the size counts: the grid has ceil(h / stride) rows and
 * ceil(w / stride) columns, which divide it evenly.  A cell is to find, of the boxes whose
 * centre it contains or has in both directions within `radius` cells of its own centre, the
 * one of the smallest area, the first of equals.
 * y[0], {rows, columns}, integers: the class of that box, plus 1; 0 of none.
 * y[1], {rows, columns, 4}: with (u, v) the cell's centre, (x - u) columns, (y - v) rows,
 * log(width columns), log(height rows); 0 of none.
 * A box that is not finite or has no size makes y[0] of its sample -1 everywhere, which is no
 * class.  Nothing has a gradient.  Aliasing: none.
 * Source: Girshick et al. 2014 (offsets); Tian et al., FCOS, 2019 (radius, smallest area). */
struct hsgd_assign_boxes {
    int stride;
    float radius;
};
HSGD_API extern const struct hsgd_op hsgd_op_assign_boxes;

/* What the cells of a grid have found: from scores x[0], {rows, columns, classes}, 0 to 1, of
 * which with has_background the first channel is no class, and offsets x[1], {rows, columns, 4},
 * as hsgd_assign_boxes has them, the boxes with the best scores by non-maximum suppression: the
 * best is taken, and of the others those of its class that overlap it by more than
 * iou_threshold (intersection over union) are left out; and so on.  y, {max_detections, 6}:
 * class, centre x and y, width and height of the part within the image, as fractions of it, and
 * score, from the best on; behind the last -1, 0, 0, 0, 0, 0.  Scores less than score_threshold
 * and those of offsets that are NaN do not count.  0: max_detections 32, iou_threshold 0.5,
 * score_threshold 0.05.  Nothing has a gradient.  Aliasing: none.
 * Source: Girshick et al. 2014. */
struct hsgd_detections {
    int max_detections;
    float iou_threshold, score_threshold;
    bool has_background;
};
HSGD_API extern const struct hsgd_op hsgd_op_detections;

#ifdef __cplusplus
}
#endif
#endif
