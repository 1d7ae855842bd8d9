/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#ifdef HSGD_USE_CUDA

#include "cuda_launch.h"

#include <stdio.h>

#include "device/cuda_device.h"
#include "device/cuda_grid.h"

static int64_t place(const struct hsgd_ref *r, int step) { return r->offset + r->slot_stride * step; }

void kernel_call_fill(struct kernel_call *call, const struct variant *v, const struct launch *l, void *const *base,
                      int step)
{
    int n = 0;
    for (int r = 0; r < l->nrefs; r++) {
        call->buffer[r] = base[l->ref[r].buffer];
        call->offset[r] = (unsigned long long)place(&l->ref[r], step);
        call->parameter[n++] = &call->buffer[r];
        call->parameter[n++] = &call->offset[r];
    }
    call->parameter[n] = v->program.args + l->args;
    cuda_launch_size(v->device->units, l->grid, l->count, &call->grid, &call->block);
}

static int launch_kernel(const struct variant *v, const struct launch *l, void *const *base, int step,
                         cudaStream_t stream)
{
    struct kernel_call call;
    kernel_call_fill(&call, v, l, base, step);
    return cudaLaunchKernel(l->kernel->cuda, call.grid, call.block, call.parameter, 0, stream);
}

static int call_library(const struct variant *v, const struct launch *l, void *const *base, int step,
                        cudaStream_t stream)
{
    struct hsgd_cuda_queue queue = cuda_device_queue(v->device, starpu_worker_get_id(), stream);
    void *at[HSGD_MAX_KERNEL_BUFFERS];
    for (int r = 0; r < l->nrefs; r++) at[r] = (char *)base[l->ref[r].buffer] + place(&l->ref[r], step);
    queue.prepared = l->device_object;
    return l->kernel->cuda_call(at, v->program.args + l->args, &queue);
}

int cuda_launch(const struct variant *v, const struct launch *l, void *const *base, int step, cudaStream_t stream)
{
    return l->kernel->cuda_call ? call_library(v, l, base, step, stream) : launch_kernel(v, l, base, step, stream);
}

void cuda_launch_error(const struct variant *v, const struct launch *l, int err, char *text, size_t size)
{
    const struct hsgd_kernel *k = l->kernel;
    struct hsgd_cuda_queue queue = cuda_device_queue(v->device, starpu_worker_get_id(), NULL);
    if (k->cuda_error) snprintf(text, size, "%s", k->cuda_error(err, &queue));
    else snprintf(text, size, "%s error %d", k->cuda_call ? "library" : "CUDA", err);
}

bool launch_moves(const struct launch *l)
{
    for (int r = 0; r < l->nrefs; r++)
        if (l->ref[r].slot_stride) return true;
    return false;
}

#endif
