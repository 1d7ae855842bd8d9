/* SPDX-License-Identifier: BSD-3-Clause */
/* The emulated cuDNN: a shared object of its own, which HSGD_CUDNN names.  What
 * it is told is checked in cudnn.c, convolution.c computes. */
#ifndef HSGD_TESTS_CUDAEMU_CONVOLUTION_H
#define HSGD_TESTS_CUDAEMU_CONVOLUTION_H

#include "emu.h"

enum convolution_kind { CONVOLVE, CONVOLVE_DATA, CONVOLVE_FILTER, CONVOLVE_KINDS };

/* Floats from one index to the next, of a tensor in NHWC or a filter. */
struct tensor {
    int n, c, h, w;
    size_t along_n, along_c, along_h, along_w;
};

/* x, w and y: what is read and what is written, by kind. */
struct convolution {
    enum convolution_kind kind;
    int device, pad_h, pad_w, stride_h, stride_w;
    bool tf32;
    struct tensor x, w, y;
    const void *memory[3]; /* of x, w, y */
    void *workspace;
    size_t workspace_bytes;
};

size_t tensor_bytes(const struct tensor *t);
/* Checks the addresses; enqueued, checks again and computes. */
void convolution_check(const struct convolution *v);
void convolution_run(void *data);

#endif
