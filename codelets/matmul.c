/* Describing a matrix product: which kernels do it on which kind of device. */
#include "kernels.h"

#include "gemm.h"

/* Our own GEMM, where no BLAS library is. */
static void emit_gemm(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias, bool has_bias)
{
    struct gemm_args g = { .m = p->m, .n = p->n, .k = p->k, .lda = p->lda, .ldb = p->ldb, .ldc = p->ldc,
                           .ta = p->transpose_a, .tb = p->transpose_b, .accumulate = p->accumulate,
                           .bias = has_bias, .act = (int)p->activation, .workers = e->units };
    gemm_plan(&g);
    if (g.dots) {
        HSGD_LAUNCH(e, HSGD_KERNEL(gemm_dots), HSGD_TILES, gemm_groups(&g), &g, c, a, b, bias);
        return;
    }
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)gemm_workspace(p->m, p->n, p->k, g.ta, g.tb, e->units));
    HSGD_LAUNCH(e, HSGD_KERNEL(gemm_tiles), HSGD_TILES, gemm_groups(&g), &g, c, a, b, bias, work);
}

/* cuBLAS, and bias and activation after it. */
static void emit_cublas(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                        struct hsgd_ref c, struct hsgd_ref bias, bool has_bias)
{
    struct bias_act_args epilogue = { p->m, p->n, p->ldc, has_bias, (int)p->activation };
    HSGD_LAUNCH(e, &hsgd_kernel_matmul_cuda, HSGD_TILES, 1, p, a, b, c);
    if (has_bias || p->activation != HSGD_NO_ACTIVATION)
        HSGD_LAUNCH(e, HSGD_KERNEL(bias_act), HSGD_ROWS, p->m, &epilogue, c, bias);
}

void hsgd_emit_matmul(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias)
{
    bool has_bias = bias.buffer >= 0;
    if (!has_bias) bias = c;
    if (e->kind == HSGD_OPENCL) {
        emit_gemm(e, p, a, b, c, bias, has_bias);
    } else if (e->kind == HSGD_CUDA) {
        emit_cublas(e, p, a, b, c, bias, has_bias);
    } else {
        struct matmul_cpu_args args = { *p, has_bias };
        HSGD_LAUNCH(e, &hsgd_kernel_matmul_cpu, HSGD_TILES, 1, &args, a, b, c, bias);
    }
}
