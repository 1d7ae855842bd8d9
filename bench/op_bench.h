/* SPDX-License-Identifier: BSD-3-Clause */
/* Direct library calls that op_bench compares operations with. */
#ifndef HSGD_BENCH_OP_BENCH_H
#define HSGD_BENCH_OP_BENCH_H

#include <hsgd/hsgd.h>
#include <stdbool.h>

/* Seconds of the products of a dense layer by cuBLAS on CUDA device `index`,
 * in fp32 without TF32: forward, and with `backward` those of both gradients
 * too.  NAN if cuBLAS is missing or fails. */
double direct_dense(int index, int rows, int in, int units, bool backward, int repeats);

/* A convolution of `rows` samples. */
struct direct_conv {
    int rows;
    struct hsgd_shape in, out;
    int kernel, stride, padding;
};

/* The same for a convolution by cuDNN, in NHWC, without the conversion from the
 * operation's layout.  NAN if cuDNN is missing or fails. */
double direct_conv2d(int index, const struct direct_conv *a, bool backward, int repeats);

/* Seconds per call: the minimum over several runs of `repeats` calls on the current
 * CUDA device; NAN if one fails. */
double min_seconds(bool (*enqueue)(const void *arg), const void *arg, int repeats);

#endif
