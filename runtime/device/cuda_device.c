/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "cuda_device.h"

#include <hsgd/ops.h>
#include <stdio.h>

#ifdef HSGD_USE_CUDA

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_grid.h"
#include "cudnn_library.h"

#define MAX_ALIGNMENT 256u /* bytes: that of device memory */

/* What a kernel's cuda_prepare() returned, and for what. */
struct prepared {
    struct prepared *next;
    const struct hsgd_kernel *kernel;
    unsigned alignment;
    void *prepared;
    hsgd_cuda_release_fn *release;
    unsigned char args[];
};

struct cuda_device {
    cublasLtHandle_t cublas_lt;
    bool tf32;
    size_t workspace_bytes;
    void *workspace[STARPU_NMAXWORKERS];     /* a worker's, who has one stream */
    struct cudnn *cudnn[STARPU_NMAXWORKERS]; /* a worker's; NULL: it is not used */
    struct cudnn *preparing;                 /* the same for plans being built, while workers are at work */
    struct prepared *first;
};

int cuda_count(void)
{
    int n = 0;
    if (cudaGetDeviceCount(&n)) {
        cudaGetLastError(); /* no driver, no device: not an error that anyone should find later */
        return 0;
    }
    return n < STARPU_MAXCUDADEVS ? n : STARPU_MAXCUDADEVS;
}

/* ---------------------------------------------------------------- life cycle */

/* What NVIDIA recommends for cuBLAS: 32 MiB from Hopper on, else 4 MiB. */
static size_t workspace_of(const struct cudaDeviceProp *p) { return (size_t)(p->major >= 9 ? 32 : 4) << 20; }

static cudaError_t describe(struct device *d)
{
    struct cudaDeviceProp properties;
    cudaError_t err = cudaGetDeviceProperties(&properties, d->info.index);
    if (err) return err;
    snprintf(d->info.name, sizeof d->info.name, "%.127s", properties.name);
    d->info.memory_bytes = properties.totalGlobalMem;
    d->units = properties.multiProcessorCount;
    d->cuda->workspace_bytes = workspace_of(&properties);
    return cudaSuccess;
}

/* Makes the device current; *before is what the calling thread had. */
static cudaError_t use_device(const struct device *d, int *before)
{
    cudaError_t err = cudaGetDevice(before);
    return err ? err : cudaSetDevice(d->info.index);
}

static int no_answer(struct hsgd_context *ctx, const struct device *d, cudaError_t err)
{
    return hsgd_fail(ctx, EIO, "%s: the device does not answer (CUDA: %s)", d->info.id, cudaGetErrorString(err));
}

/* The handle belongs to the device that is current when it is made. */
int cuda_device_open(struct hsgd_context *ctx, struct device *d)
{
    int before = 0;
    if (!(d->cuda = calloc(1, sizeof *d->cuda))) return hsgd_fail(ctx, ENOMEM, "out of memory");
    d->cuda->tf32 = ctx->tf32;
    cudaError_t err = describe(d);
    if (!err) err = use_device(d, &before);
    if (err) return no_answer(ctx, d, err);
    cublasStatus_t status = cublasLtCreate(&d->cuda->cublas_lt);
    int failed = cudnn_open(ctx, d, &d->cuda->preparing);
    cudaSetDevice(before);
    if (status) return hsgd_fail(ctx, EIO, "%s: cuBLASLt does not start (status %d)", d->info.id, (int)status);
    return failed;
}

int cuda_worker_open(struct hsgd_context *ctx, struct device *d, int worker)
{
    int before = 0;
    cudaError_t err = use_device(d, &before);
    if (err) return no_answer(ctx, d, err);
    err = cudaMalloc(&d->cuda->workspace[worker], d->cuda->workspace_bytes);
    int failed = err || !d->cuda->preparing ? 0 : cudnn_open(ctx, d, &d->cuda->cudnn[worker]);
    cudaSetDevice(before);
    if (err)
        return hsgd_fail(ctx, ENOMEM, "%s: no %zu bytes for cuBLASLt (CUDA: %s)", d->info.id, d->cuda->workspace_bytes,
                         cudaGetErrorString(err));
    if (failed || !d->cuda->preparing || d->cuda->cudnn[worker]) return failed;
    return hsgd_fail(ctx, EIO, "%s: cuDNN starts once, but not for each worker", d->info.id);
}

void cuda_device_close(struct device *d)
{
    struct cuda_device *c = d->cuda;
    int before = 0;
    if (!c) return;
    bool entered = !use_device(d, &before);
    for (struct prepared *p = c->first, *next; p; p = next) {
        next = p->next;
        p->release(p->prepared);
        free(p);
    }
    for (int i = 0; i < STARPU_NMAXWORKERS; i++) {
        if (c->workspace[i]) cudaFree(c->workspace[i]);
        cudnn_close(c->cudnn[i]);
    }
    cudnn_close(c->preparing);
    if (c->cublas_lt) cublasLtDestroy(c->cublas_lt);
    if (entered) cudaSetDevice(before);
    free(c);
    d->cuda = NULL;
}

/* ------------------------------------------------------------- library calls */

struct hsgd_cuda_queue cuda_device_queue(const struct device *d, int worker, void *stream)
{
    return (struct hsgd_cuda_queue){ .stream = stream,
                                     .cublas_lt = d->cuda->cublas_lt,
                                     .workspace = d->cuda->workspace[worker],
                                     .workspace_bytes = d->cuda->workspace_bytes,
                                     .cudnn = d->cuda->cudnn[worker],
                                     .tf32 = d->cuda->tf32,
                                     .units = d->units,
                                     .launch = cuda_launch_beside };
}

/* Bytes that every buffer's place is a multiple of. */
static unsigned alignment_of(const struct hsgd_ref *ref, int n)
{
    uint64_t bits = MAX_ALIGNMENT;
    for (int r = 0; r < n; r++) bits |= (uint64_t)ref[r].offset;
    return (unsigned)(bits & -bits);
}

static void *prepare(struct device *d, const struct hsgd_kernel *k, const void *args, unsigned alignment)
{
    struct hsgd_cuda_queue queue = cuda_device_queue(d, d->worker[0], NULL);
    struct prepared *p = malloc(sizeof *p + k->args_size);
    int before = 0;
    if (!p) return NULL;
    *p = (struct prepared){ d->cuda->first, k, alignment, NULL, k->cuda_release ? k->cuda_release : free };
    memcpy(p->args, args, k->args_size);
    queue.cudnn = d->cuda->preparing;
    if (!use_device(d, &before)) p->prepared = k->cuda_prepare(args, alignment, &queue);
    cudaSetDevice(before);
    if (p->prepared) return (d->cuda->first = p)->prepared;
    free(p);
    return NULL;
}

void *cuda_prepared(struct device *d, const struct hsgd_kernel *k, const void *args, const struct hsgd_ref *refs)
{
    unsigned alignment = alignment_of(refs, k->buffers);
    const struct prepared *p = d->cuda->first;
    while (p && (p->kernel != k || p->alignment != alignment || memcmp(p->args, args, k->args_size))) p = p->next;
    return p ? p->prepared : prepare(d, k, args, alignment);
}

int cuda_kernel_bind(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *k, const void *args,
                     const struct hsgd_ref *refs, void **prepared)
{
    *prepared = NULL;
    if (!k->cuda && !k->cuda_call) return hsgd_fail(ctx, ENODEV, "kernel \"%s\" has no CUDA form", k->name);
    if (!k->cuda_prepare) return 0;
    *prepared = cuda_prepared(d, k, args, refs);
    return *prepared ? 0 : hsgd_fail(ctx, ENODEV, "%s: the library cannot do \"%s\"", d->info.id, k->name);
}

#else /* without CUDA */

int cuda_count(void) { return 0; }

int cuda_device_open(struct hsgd_context *ctx, struct device *d)
{
    return hsgd_fail(ctx, ENODEV, "%s: built without CUDA", d->info.id);
}

int cuda_worker_open(struct hsgd_context *ctx, struct device *d, int worker)
{
    (void)worker;
    return hsgd_fail(ctx, ENODEV, "%s: built without CUDA", d->info.id);
}

void cuda_device_close(struct device *d) { (void)d; }

void *cuda_prepared(struct device *d, const struct hsgd_kernel *k, const void *args, const struct hsgd_ref *refs)
{
    (void)d, (void)k, (void)args, (void)refs;
    return NULL;
}

int cuda_kernel_bind(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *k, const void *args,
                     const struct hsgd_ref *refs, void **prepared)
{
    (void)args, (void)refs, (void)prepared;
    return hsgd_fail(ctx, ENODEV, "%s: kernel \"%s\": built without CUDA", d->info.id, k->name);
}

#endif
