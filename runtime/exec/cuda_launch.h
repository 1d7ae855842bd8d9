/* SPDX-License-Identifier: BSD-3-Clause */
/* A cell's launches on a CUDA stream.  Only where the build has CUDA. */
#ifndef HSGD_RUNTIME_CUDA_LAUNCH_H
#define HSGD_RUNTIME_CUDA_LAUNCH_H

#include <cuda_runtime_api.h>

#include "plan/plan.h"

/* A kernel launch as CUDA takes it; `parameter` points into the same struct:
 * per buffer its address and an offset, then the argument struct. */
struct kernel_call {
    float *buffer[HSGD_MAX_KERNEL_BUFFERS];
    unsigned long long offset[HSGD_MAX_KERNEL_BUFFERS];
    void *parameter[2 * HSGD_MAX_KERNEL_BUFFERS + 1];
    dim3 grid, block;
};
void kernel_call_fill(struct kernel_call *call, const struct variant *v, const struct launch *l, void *const *base,
                      int step);

/* Enqueues one launch; 0, or an error of CUDA or of the library called. */
int cuda_launch(const struct variant *v, const struct launch *l, void *const *base, int step, cudaStream_t stream);

/* What such an error means, as text. */
void cuda_launch_error(const struct variant *v, const struct launch *l, int err, char *text, size_t size);

/* Whether what it is given depends on the step. */
bool launch_moves(const struct launch *l);

#endif
