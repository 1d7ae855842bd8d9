/* Matrix products on CUDA devices: cuBLAS, in single precision (no TF32). */
#include "config.h"

#include "kernels.h"

#ifdef HSGD_USE_CUDA

#include <cublas_v2.h>

/* cuBLAS counts by columns: a row-major matrix is its own transpose there, so
 * C^T = op(B)^T op(A)^T is asked for. */
static int matmul_cuda(void *const *buffers, const void *args, const struct hsgd_cuda_queue *queue)
{
    const struct hsgd_matmul *p = args;
    const float one = 1.0f, beta = p->accumulate ? 1.0f : 0.0f;
    return cublasSgemm_v2(queue->cublas, p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                          p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, p->n, p->m, p->k, &one, buffers[1], p->ldb,
                          buffers[0], p->lda, &beta, buffers[2], p->ldc);
}

#else
#define matmul_cuda NULL
#endif

const struct hsgd_kernel hsgd_kernel_matmul_cuda = {
    .name = "matmul_cuda", .buffers = 3, .args_size = sizeof(struct hsgd_matmul), .cuda_call = matmul_cuda
};
