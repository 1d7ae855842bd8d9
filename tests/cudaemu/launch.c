/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels: their registration, and launching them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>
#pragma GCC visibility pop

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

#define EXPORT __attribute__((visibility("default")))
#define FUNCTIONS 1024

static struct {
    const void *host;
    struct emu_kernel *kernel;
} functions[FUNCTIONS];
static int nfunctions;

/* Called before main() by what nvcc makes, with the name in the kernel's own text. */
EXPORT void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int limit, uint3 *t,
                                   uint3 *b, dim3 *block, dim3 *grid, int *warp)
{
    (void)handle, (void)device, (void)limit, (void)t, (void)b, (void)block, (void)grid, (void)warp;
    for (int i = 0; i < emu_nkernels && nfunctions < FUNCTIONS; i++) {
        if (strcmp(emu_kernels[i].name, name)) continue;
        functions[nfunctions].host = host;
        functions[nfunctions++].kernel = &emu_kernels[i];
    }
}

EXPORT void **__cudaRegisterFatBinary(void *code)
{
    static void *handle;
    (void)code;
    return &handle;
}

EXPORT void __cudaRegisterFatBinaryEnd(void **handle) { (void)handle; }
EXPORT void __cudaUnregisterFatBinary(void **handle) { (void)handle; }

struct launch {
    struct emu_kernel *kernel;
    struct emu_grid grid;
    int device;
    char *buffer[EMU_BUFFERS];
    uint64_t offset[EMU_BUFFERS];
    unsigned char args[];
};

/* The buffers as the host sees them; checked when launched and when run. */
static void translate(const struct launch *l, char **to)
{
    char what[32];
    emu_doing("kernel", l->kernel->name);
    for (int i = 0; i < l->kernel->buffers; i++) {
        snprintf(what, sizeof what, "buffer %d", i);
        to[i] = emu_translate(l->buffer[i], 0, l->device, what);
    }
}

static void run_launch(void *data)
{
    struct launch *l = data;
    char *buffer[EMU_BUFFERS];
    translate(l, buffer);
    emu_run_grid(l->kernel, l->grid, buffer, l->offset, l->args);
    for (int i = 0; i < l->kernel->buffers; i++) emu_check_front(l->buffer[i]);
}

static size_t launch_bytes(const struct emu_kernel *k) { return sizeof(struct launch) + k->args_size; }

/* What a launch copies of its parameters; to be freed. */
static struct launch *make_launch(struct emu_kernel *k, dim3 grid, dim3 block, void **parameter)
{
    struct launch *l = calloc(1, launch_bytes(k));
    char *buffer[EMU_BUFFERS];
    *l = (struct launch){ .kernel = k, .grid = { grid.x, block.x }, .device = emu_device() };
    for (int i = 0; i < k->buffers; i++) {
        l->buffer[i] = *(char **)parameter[2 * i];
        l->offset[i] = *(uint64_t *)parameter[2 * i + 1];
    }
    memcpy(l->args, parameter[2 * k->buffers], k->args_size);
    translate(l, buffer);
    return l;
}

static struct emu_kernel *find(const void *host)
{
    for (int i = 0; i < nfunctions; i++)
        if (functions[i].host == host) return functions[i].kernel;
    return NULL;
}

EXPORT cudaError_t cudaLaunchKernel(const void *host, dim3 grid, dim3 block, void **parameter, size_t shared,
                                    cudaStream_t stream)
{
    struct emu_kernel *k = find(host);
    (void)shared;
    if (!k) return cudaErrorInvalidDeviceFunction;
    emu_lock();
    struct launch *l = make_launch(k, grid, block, parameter);
    emu_enqueue(emu_stream(stream), run_launch, l, launch_bytes(k));
    free(l);
    emu_unlock();
    return cudaSuccess;
}

/* From its next launch on a graph's kernel gets these. */
EXPORT cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                                    const struct cudaKernelNodeParams *p)
{
    struct emu_kernel *k = find(p->func);
    if (!k) return cudaErrorInvalidDeviceFunction;
    emu_lock();
    struct launch *to = emu_exec_data(exec, node, run_launch);
    struct launch *l = make_launch(k, p->gridDim, p->blockDim, p->kernelParams);
    if (!to || to->kernel != k) emu_fault("a graph's node is set to kernel %s, which it is not", k->name);
    memcpy(to, l, launch_bytes(k));
    free(l);
    emu_unlock();
    return cudaSuccess;
}

/* HSGD_CUDAEMU_REPORT=1: what has been launched, when the process ends. */
__attribute__((destructor)) static void report(void)
{
    unsigned long total = 0;
    int never = 0;
    if (!emu_environment("HSGD_CUDAEMU_REPORT", 0) || !nfunctions) return;
    for (int i = 0; i < emu_nkernels; i++) {
        printf("emulated CUDA: %-24s %8lu launches\n", emu_kernels[i].name, emu_kernels[i].launches);
        total += emu_kernels[i].launches;
        never += !emu_kernels[i].launches;
    }
    printf("emulated CUDA: %lu launches, %d kernels never launched\n", total, never);
    emu_graph_report();
    emu_copy_report();
}
