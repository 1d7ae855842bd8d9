/* Describing a matrix product: which kernels do it on which kind of device. */
#include "kernels.h"

#include "gemm.h"

/* Our own GEMM: pack what is to be packed, then the tiles. */
static void emit_gemm(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias, bool has_bias)
{
    struct gemm_args g = { .m = p->m, .n = p->n, .k = p->k, .lda = p->lda, .ldb = p->ldb, .ldc = p->ldc,
                           .ta = p->transpose_a, .tb = p->transpose_b, .accumulate = p->accumulate,
                           .bias = has_bias, .act = p->activation };
    gemm_plan(&g);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)gemm_plan_workspace(&g) + 16);
    if (gemm_pack_groups(&g)) HSGD_LAUNCH(e, HSGD_KERNEL(gemm_pack), HSGD_TILES, gemm_pack_groups(&g), &g, work, a, b);
    if (g.dots) HSGD_LAUNCH(e, HSGD_KERNEL(gemm_dots), HSGD_TILES, gemm_tiles_groups(&g), &g, c, a, b, bias);
    else HSGD_LAUNCH(e, HSGD_KERNEL(gemm_tiles), HSGD_TILES, gemm_tiles_groups(&g), &g, c, a, b, bias, work);
}

void hsgd_emit_matmul(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias)
{
    bool has_bias = bias.buffer >= 0;
    if (e->kind == HSGD_CPU) {
        struct matmul_cpu_args args = { *p, has_bias };
        HSGD_LAUNCH(e, &hsgd_kernel_matmul_cpu, HSGD_TILES, 1, &args, a, b, c, has_bias ? bias : c);
        return;
    }
    emit_gemm(e, p, a, b, c, has_bias ? bias : c, has_bias);
}
