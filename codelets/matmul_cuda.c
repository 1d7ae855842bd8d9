/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products on CUDA devices by cuBLASLt.  Bias and activation are done
 * by cuBLASLt's epilogue where one exists, else by our kernels. */
#include "config.h"

#include "kernels.h"

#ifdef HSGD_USE_CUDA

#include <cublasLt.h>
#include <stdlib.h>

/* The choice of cuBLASLt's heuristics for a product. */
struct prepared {
    cublasLtMatmulAlgo_t algo;
    cublasLtEpilogue_t epilogue;
};

/* cuBLASLt's descriptors of a product. */
struct description {
    cublasLtMatmulDescOpaque_t product;
    cublasLtMatrixLayoutOpaque_t a, b, c;
};

static cublasStatus_t set(struct description *d, cublasLtMatmulDescAttributes_t what, const void *value, size_t bytes)
{
    return cublasLtMatmulDescSetAttribute(&d->product, what, value, bytes);
}

static cublasStatus_t lay_out(cublasLtMatrixLayout_t layout, int rows, int columns, int ld)
{
    return cublasLtMatrixLayoutInit(layout, CUDA_R_32F, (uint64_t)rows, (uint64_t)columns, ld);
}

/* cuBLAS is column-major: our row-major matrix is its transpose there, so
 * C^T = op(B)^T op(A)^T is requested, and its A is our B. */
static cublasStatus_t describe(struct description *d, const struct hsgd_matmul *p, bool tf32,
                               cublasLtEpilogue_t epilogue, const void *bias)
{
    cublasOperation_t ta = p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, tb = p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasComputeType_t arithmetic = tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    cublasStatus_t err = cublasLtMatmulDescInit(&d->product, arithmetic, CUDA_R_32F);
    if (!err) err = set(d, CUBLASLT_MATMUL_DESC_TRANSA, &ta, sizeof ta);
    if (!err) err = set(d, CUBLASLT_MATMUL_DESC_TRANSB, &tb, sizeof tb);
    if (!err) err = set(d, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    if (!err) err = set(d, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    if (!err) err = lay_out(&d->a, p->transpose_b ? p->k : p->n, p->transpose_b ? p->n : p->k, p->ldb);
    if (!err) err = lay_out(&d->b, p->transpose_a ? p->m : p->k, p->transpose_a ? p->k : p->m, p->lda);
    if (!err) err = lay_out(&d->c, p->n, p->m, p->ldc);
    return err;
}

/* ------------------------------------------------------------- preparing */

/* The epilogue for bias, activation or bias gradient; DEFAULT: none needed, or none exists. */
static cublasLtEpilogue_t epilogue_of(const struct matmul_args *m)
{
    if (m->p.bias_gradient) return CUBLASLT_EPILOGUE_BGRADA;
    if (m->p.activation == HSGD_RELU) return m->has_bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    if (m->p.activation != HSGD_NO_ACTIVATION) return CUBLASLT_EPILOGUE_DEFAULT;
    return m->has_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

static cublasStatus_t prefer(cublasLtMatmulPreference_t p, unsigned alignment, size_t workspace)
{
    static const cublasLtMatmulPreferenceAttributes_t operand[] = { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                                                    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                                                    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                                                                    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES };
    uint32_t bytes = alignment;
    uint64_t max_bytes = workspace;
    cublasStatus_t err = cublasLtMatmulPreferenceInit(p);
    if (!err)
        err = cublasLtMatmulPreferenceSetAttribute(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &max_bytes,
                                                   sizeof max_bytes);
    for (int i = 0; !err && i < 4; i++) err = cublasLtMatmulPreferenceSetAttribute(p, operand[i], &bytes, sizeof bytes);
    return err;
}

/* The fastest by the heuristics; some of them inspect the address of the
 * bias, for which the workspace's is given. */
static cublasStatus_t choose(struct prepared *r, const struct hsgd_matmul *p, unsigned alignment,
                             const struct hsgd_cuda_queue *queue)
{
    struct description d;
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulHeuristicResult_t best = { 0 };
    int found = 0;
    cublasStatus_t err = describe(&d, p, queue->tf32, r->epilogue, queue->workspace);
    if (!err) err = prefer(&preference, alignment, queue->workspace_bytes);
    if (!err)
        err = cublasLtMatmulAlgoGetHeuristic(queue->cublas_lt, &d.product, &d.a, &d.b, &d.c, &d.c, &preference, 1,
                                             &best, &found);
    if (err || !found) return err ? err : CUBLAS_STATUS_NOT_SUPPORTED;
    r->algo = best.algo;
    return best.state;
}

static void *prepare(const void *args, unsigned alignment, const struct hsgd_cuda_queue *queue)
{
    const struct matmul_args *m = args;
    struct prepared *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->epilogue = epilogue_of(m);
    if (!choose(r, &m->p, alignment, queue)) return r;
    r->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    if (!choose(r, &m->p, alignment, queue)) return r;
    free(r);
    return NULL;
}

/* --------------------------------------------------------------- running */

static int product(const struct prepared *r, const struct matmul_args *m, void *const *buffers,
                   const struct hsgd_cuda_queue *queue)
{
    const struct hsgd_matmul *p = &m->p;
    const float one = 1.0f, beta = p->accumulate ? 1.0f : 0.0f;
    struct description d;
    cublasStatus_t err = describe(&d, p, queue->tf32, r->epilogue, buffers[3]);
    if (err) return err;
    return cublasLtMatmul(queue->cublas_lt, &d.product, &one, buffers[1], &d.a, buffers[0], &d.b, &beta, buffers[2],
                          &d.c, buffers[2], &d.c, &r->algo, queue->workspace, queue->workspace_bytes, queue->stream);
}

/* Bias, activation or bias gradient without an epilogue. */
static int follow(const struct matmul_args *m, void *const *buffers, const struct hsgd_cuda_queue *queue)
{
    const struct hsgd_matmul *p = &m->p;
    struct column_sums_args sums = { p->k, p->n, p->ldb };
    struct bias_act_args after = { p->m, p->n, p->ldc, m->has_bias, (int)p->activation };
    if (p->bias_gradient)
        return queue->launch(queue, HSGD_KERNEL(column_sums), HSGD_ROWS, column_sums_groups(p->n), &sums,
                             (void *const[]){ buffers[1], buffers[3] });
    if (!m->has_bias && p->activation == HSGD_NO_ACTIVATION) return 0;
    return queue->launch(queue, HSGD_KERNEL(bias_act), HSGD_ROWS, p->m, &after,
                         (void *const[]){ buffers[2], buffers[3] });
}

static int matmul_cuda(void *const *buffers, const void *args, const struct hsgd_cuda_queue *queue)
{
    const struct prepared *r = queue->prepared;
    int err = product(r, args, buffers, queue);
    return err || r->epilogue != CUBLASLT_EPILOGUE_DEFAULT ? err : follow(args, buffers, queue);
}

#else
#define matmul_cuda NULL
#define prepare NULL
#endif

const struct hsgd_kernel hsgd_kernel_matmul_cuda = { .name = "matmul_cuda",
                                                     .buffers = 4,
                                                     .args_size = sizeof(struct matmul_args),
                                                     .cuda_call = matmul_cuda,
                                                     .cuda_prepare = prepare };
