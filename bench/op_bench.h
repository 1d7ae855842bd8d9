/* SPDX-License-Identifier: BSD-3-Clause */
/* Direct calls that op_bench compares operations with. */
#ifndef HSGD_BENCH_OP_BENCH_H
#define HSGD_BENCH_OP_BENCH_H

#include <hsgd/hsgd.h>
#include <stdbool.h>

/* Seconds of the products of a dense layer by cuBLAS on CUDA device `index`,
 * in fp32 without TF32: forward, and with `backward` those of both gradients
 * too.  NAN where there is no cuBLAS or it fails. */
double direct_dense(int index, int rows, int in, int units, bool backward, int repeats);

/* A convolution of `rows` samples. */
struct direct_conv { int rows; struct hsgd_shape in, out; int kernel, stride, padding; };

/* The same of a convolution by cuDNN, in NHWC, which the operation's own
 * tensors are not in.  NAN where there is no cuDNN or it fails. */
double direct_conv2d(int index, const struct direct_conv *a, bool backward, int repeats);

/* The least of some runs of `repeats` calls on the current CUDA device; NAN: one failed. */
double min_seconds(bool (*enqueue)(const void *arg), const void *arg, int repeats);

#endif
