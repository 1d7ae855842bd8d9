/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#ifdef HSGD_USE_CUDA

#include "cuda_grid.h"

#define GROUPS_PER_UNIT 16

/* The work-items of a group, and how many of what is shared out it takes: a
 * v16 is held by sixteen of them, a warp has 32 (device.h). */
static const struct group {
    int items, takes;
} groups_of[] = {
    [HSGD_ITEMS] = { 256, 256 }, [HSGD_ROWS] = { 128, 1 }, [HSGD_TILES] = { 64, 4 }, [HSGD_WARPS] = { 128, 4 }
};

void cuda_launch_size(int units, enum hsgd_grid how, int64_t count, dim3 *grid, dim3 *block)
{
    struct group g = groups_of[how];
    int64_t groups = (count + g.takes - 1) / g.takes, max = (int64_t)units * GROUPS_PER_UNIT;
    if (groups > max) groups = max;
    *grid = (dim3){ groups < 1 ? 1 : (unsigned)groups, 1, 1 };
    *block = (dim3){ (unsigned)g.items, 1, 1 };
}

int cuda_launch_beside(const struct hsgd_cuda_queue *queue, const struct hsgd_kernel *kernel, enum hsgd_grid how,
                       int64_t count, const void *args, void *const *buffers)
{
    unsigned long long none = 0;
    void *parameter[2 * HSGD_MAX_KERNEL_BUFFERS + 1];
    dim3 grid, block;
    for (int i = 0; i < kernel->buffers; i++) {
        parameter[2 * i] = (void *)&buffers[i];
        parameter[2 * i + 1] = &none;
    }
    parameter[2 * kernel->buffers] = (void *)args;
    cuda_launch_size(queue->units, how, count, &grid, &block);
    return cudaLaunchKernel(kernel->cuda, grid, block, parameter, 0, queue->stream);
}

#endif
