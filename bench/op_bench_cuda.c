/* SPDX-License-Identifier: BSD-3-Clause */
#include "op_bench.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <math.h>
#include <time.h>

enum { X, W, Y, DX, DW, MATRICES };
#define RUNS 6 /* the first warms up */

struct products {
    cublasHandle_t blas;
    float *matrix[MATRICES];
    int rows, in, units;
    bool backward;
};

/* Row-major matrices are cuBLAS's transposed ones. */
static bool multiply(const void *arg)
{
    const struct products *p = arg;
    const float one = 1, zero = 0;
    float *const *m = p->matrix;
    int b = p->rows, n = p->in, u = p->units;
    bool ok = !cublasSgemm(p->blas, CUBLAS_OP_N, CUBLAS_OP_N, u, b, n, &one, m[W], u, m[X], n, &zero, m[Y], u);
    if (!ok || !p->backward) return ok;
    return !cublasSgemm(p->blas, CUBLAS_OP_N, CUBLAS_OP_T, u, n, b, &one, m[Y], u, m[X], n, &zero, m[DW], u) &&
           !cublasSgemm(p->blas, CUBLAS_OP_T, CUBLAS_OP_N, n, b, u, &one, m[W], u, m[Y], u, &zero, m[DX], n);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double min_seconds(bool (*enqueue)(const void *arg), const void *arg, int repeats)
{
    double shortest = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        double began = now();
        for (int i = 0; i < repeats; i++)
            if (!enqueue(arg)) return NAN;
        if (cudaDeviceSynchronize()) return NAN;
        if (run) shortest = fmin(shortest, (now() - began) / repeats);
    }
    return shortest;
}

static bool allocate(struct products *p)
{
    size_t x = (size_t)p->rows * p->in, w = (size_t)p->in * p->units, y = (size_t)p->rows * p->units;
    size_t floats[MATRICES] = { x, w, y, x, w };
    for (int i = 0; i < MATRICES; i++)
        if (cudaMalloc((void **)&p->matrix[i], floats[i] * sizeof(float)) ||
            cudaMemset(p->matrix[i], 0, floats[i] * sizeof(float)))
            return false;
    return !cublasCreate(&p->blas);
}

double direct_dense(int index, int rows, int in, int units, bool backward, int repeats)
{
    struct products p = { .rows = rows, .in = in, .units = units, .backward = backward };
    double seconds = NAN;
    if (cudaSetDevice(index)) return NAN;
    if (allocate(&p)) seconds = min_seconds(multiply, &p, repeats);
    if (p.blas) cublasDestroy(p.blas);
    for (int i = 0; i < MATRICES; i++) cudaFree(p.matrix[i]);
    return seconds;
}
