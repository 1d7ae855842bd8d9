#include "cuda_device.h"

#include <hsgd/ops.h>
#include <stdio.h>

#ifdef HSGD_USE_CUDA

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

int cuda_count(void)
{
    int n = 0;
    if (cudaGetDeviceCount(&n)) {
        cudaGetLastError(); /* no driver, no device: not an error that anyone should find later */
        return 0;
    }
    return n < STARPU_MAXCUDADEVS ? n : STARPU_MAXCUDADEVS;
}

static cudaError_t describe(struct device *d)
{
    struct cudaDeviceProp properties;
    cudaError_t err = cudaGetDeviceProperties(&properties, d->info.index);
    if (err) return err;
    snprintf(d->info.name, sizeof d->info.name, "%.127s", properties.name);
    d->info.memory_bytes = properties.totalGlobalMem;
    d->units = properties.multiProcessorCount;
    return cudaSuccess;
}

/* The handle belongs to the device that is current when it is made; the
 * caller's thread keeps the device it had. */
int cuda_device_open(struct hsgd_context *ctx, struct device *d)
{
    int before = 0;
    cublasHandle_t handle = NULL;
    cudaError_t err = describe(d);
    if (!err) err = cudaGetDevice(&before);
    if (!err) err = cudaSetDevice(d->info.index);
    if (err) return hsgd_fail(ctx, EIO, "%s: the device does not answer (CUDA: %s)", d->info.id, cudaGetErrorString(err));
    cublasStatus_t status = cublasCreate_v2(&handle);
    cudaSetDevice(before);
    if (status) return hsgd_fail(ctx, EIO, "%s: cuBLAS does not start (status %d)", d->info.id, (int)status);
    d->cublas = handle;
    pthread_mutex_init(&d->cublas_lock, NULL);
    return 0;
}

void cuda_device_close(struct device *d)
{
    if (!d->cublas) return;
    cublasDestroy_v2(d->cublas);
    pthread_mutex_destroy(&d->cublas_lock);
    d->cublas = NULL;
}

int cuda_kernel_check(struct hsgd_context *ctx, const struct hsgd_kernel *kernel)
{
    if (kernel->cuda || kernel->cuda_call) return 0;
    return hsgd_fail(ctx, ENODEV, "kernel \"%s\" has no CUDA form", kernel->name);
}

#else /* without CUDA */

int cuda_count(void) { return 0; }

int cuda_device_open(struct hsgd_context *ctx, struct device *d)
{
    return hsgd_fail(ctx, ENODEV, "%s: built without CUDA", d->info.id);
}

void cuda_device_close(struct device *d) { (void)d; }

int cuda_kernel_check(struct hsgd_context *ctx, const struct hsgd_kernel *kernel)
{
    return hsgd_fail(ctx, ENODEV, "kernel \"%s\": built without CUDA", kernel->name);
}

#endif
