/* cuBLAS's functions that are called, by OpenBLAS. */
#pragma GCC visibility push(default)
#include <cublas_v2.h>
#pragma GCC visibility pop

#include <cblas.h>
#include <stdlib.h>

#include "emu.h"

#define EXPORT __attribute__((visibility("default")))

struct cublasContext { int device; cudaStream_t stream; };

EXPORT cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    if (!(*handle = calloc(1, sizeof **handle))) return CUBLAS_STATUS_ALLOC_FAILED;
    (*handle)->device = emu_device();
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

struct product {
    int device, m, n, k, lda, ldb, ldc;
    cublasOperation_t ta, tb;
    float alpha, beta;
    const float *a, *b;
    float *c;
};

/* Bytes from the first to the last element of a matrix, by columns. */
static size_t extent(int rows, int columns, int ld)
{
    return rows && columns ? ((size_t)ld * (size_t)(columns - 1) + (size_t)rows) * sizeof(float) : 0;
}

/* Where the matrices are; faults unless they are inside their memory. */
static struct product translate(struct product p)
{
    emu_doing("cublasSgemm", "");
    p.a = emu_translate(p.a, p.ta == CUBLAS_OP_N ? extent(p.m, p.k, p.lda) : extent(p.k, p.m, p.lda), p.device, "A");
    p.b = emu_translate(p.b, p.tb == CUBLAS_OP_N ? extent(p.k, p.n, p.ldb) : extent(p.n, p.k, p.ldb), p.device, "B");
    p.c = emu_translate(p.c, extent(p.m, p.n, p.ldc), p.device, "C");
    return p;
}

static void run_product(void *data)
{
    struct product p = translate(*(struct product *)data);
    cblas_sgemm(CblasColMajor, p.ta == CUBLAS_OP_N ? CblasNoTrans : CblasTrans,
                p.tb == CUBLAS_OP_N ? CblasNoTrans : CblasTrans, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta,
                p.c, p.ldc);
}

static bool valid(const struct product *p)
{
    return p->m >= 0 && p->n >= 0 && p->k >= 0 && p->lda >= (p->ta == CUBLAS_OP_N ? p->m : p->k) &&
           p->ldb >= (p->tb == CUBLAS_OP_N ? p->k : p->n) && p->ldc >= p->m;
}

EXPORT cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                                     int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
                                     const float *beta, float *c, int ldc)
{
    struct product p = { handle->device, m, n, k, lda, ldb, ldc, ta, tb, *alpha, *beta, a, b, c };
    if (!valid(&p)) return CUBLAS_STATUS_INVALID_VALUE;
    emu_lock();
    if (emu_device() != handle->device) emu_fault("a cuBLAS handle of device %d on device %d", handle->device, emu_device());
    translate(p);
    emu_enqueue(emu_stream(handle->stream), run_product, &p, sizeof p);
    emu_unlock();
    return CUBLAS_STATUS_SUCCESS;
}
