/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products on CPUs by a library, oneDNN or OpenBLAS. */
#include "config.h"

#include <cblas.h>
#ifdef HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#endif

#include "products.h"

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

static void by_openblas(const struct hsgd_matmul *p, const float *a, const float *b, float *c)
{
    cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans, p->transpose_b ? CblasTrans : CblasNoTrans,
                p->m, p->n, p->k, 1.0f, a, p->lda, b, p->ldb, p->accumulate ? 1.0f : 0.0f, c, p->ldc);
}

static void by_onednn(const struct hsgd_matmul *p, const float *a, const float *b, float *c)
{
#ifdef HAVE_DNNL
    dnnl_sgemm(p->transpose_a ? 'T' : 'N', p->transpose_b ? 'T' : 'N', p->m, p->n, p->k, 1.0f, a, p->lda, b, p->ldb,
               p->accumulate ? 1.0f : 0.0f, c, p->ldc);
#else
    by_openblas(p, a, b, c); /* never chosen */
#endif
}

static void matmul_cpu(void *const *buffers, const void *args)
{
    const struct matmul_args *m = args;
    const struct hsgd_matmul *p = &m->p;
    (m->library == PRODUCT_ONEDNN ? by_onednn : by_openblas)(p, buffers[0], buffers[1], buffers[2]);
    if (!m->has_bias && p->activation == HSGD_NO_ACTIVATION) return;
    struct bias_act_args epilogue = { p->m, p->n, p->ldc, m->has_bias, p->activation };
    HSGD_KERNEL(bias_act)->cpu((void *const[]){ buffers[2], buffers[3] }, &epilogue);
}

const struct hsgd_kernel hsgd_kernel_matmul_cpu = {
    .name = "matmul_cpu", .buffers = 4, .args_size = sizeof(struct matmul_args), .cpu = matmul_cpu
};
