/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products on CPUs: oneDNN where available, else OpenBLAS. */
#include "config.h"

#include <cblas.h>
#include <math.h>
#ifdef HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#endif

#include "kernels.h"

void hsgd_blas_enter(struct hsgd_blas_state *saved)
{
#ifdef HAVE_DNNL
    saved->openmp_threads = omp_get_max_threads();
    if (saved->openmp_threads != 1) omp_set_num_threads(1);
#else
    saved->openmp_threads = 1;
#endif
}

void hsgd_blas_leave(const struct hsgd_blas_state *saved)
{
#ifdef HAVE_DNNL
    if (saved->openmp_threads != 1) omp_set_num_threads(saved->openmp_threads);
#else
    (void)saved;
#endif
}

int hsgd_blas_threads(void) { return openblas_get_num_threads(); }

int hsgd_blas_single_thread(void)
{
    int before = openblas_get_num_threads();
    openblas_set_num_threads(1);
    return before;
}

void hsgd_blas_restore(int threads) { openblas_set_num_threads(threads); }

static void product(const struct hsgd_matmul *p, const float *a, const float *b, float *c)
{
    float beta = p->accumulate ? 1.0f : 0.0f;
#ifdef HAVE_DNNL
    dnnl_sgemm(p->transpose_a ? 'T' : 'N', p->transpose_b ? 'T' : 'N', p->m, p->n, p->k, 1.0f, a, p->lda, b, p->ldb,
               beta, c, p->ldc);
#else
    cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans, p->transpose_b ? CblasTrans : CblasNoTrans,
                p->m, p->n, p->k, 1.0f, a, p->lda, b, p->ldb, beta, c, p->ldc);
#endif
}

static void matmul_cpu(void *const *buffers, const void *args)
{
    const struct matmul_args *m = args;
    const struct hsgd_matmul *p = &m->p;
    product(p, buffers[0], buffers[1], buffers[2]);
    if (!m->has_bias && p->activation == HSGD_NO_ACTIVATION) return;
    struct bias_act_args epilogue = { p->m, p->n, p->ldc, m->has_bias, p->activation };
    HSGD_KERNEL(bias_act)->cpu((void *const[]){ buffers[2], buffers[3] }, &epilogue);
}

const struct hsgd_kernel hsgd_kernel_matmul_cpu = {
    .name = "matmul_cpu", .buffers = 4, .args_size = sizeof(struct matmul_args), .cpu = matmul_cpu
};
