/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of a launch on a CUDA device.  Only where the build has CUDA. */
#ifndef HSGD_RUNTIME_CUDA_GRID_H
#define HSGD_RUNTIME_CUDA_GRID_H

#include <cuda_runtime_api.h>
#include <hsgd/ops.h>

/* How many groups of how many items; every loop of a kernel strides over what
 * is more. */
void cuda_launch_size(int units, enum hsgd_grid how, int64_t count, dim3 *grid, dim3 *block);

/* hsgd_cuda_queue.launch */
int cuda_launch_beside(const struct hsgd_cuda_queue *queue, const struct hsgd_kernel *kernel, enum hsgd_grid grid,
                       int64_t count, const void *args, void *const *buffers);

#endif
