/* Describing a matrix product: which kernels do it on which kind of device. */
#include "gemm.h"
#include "kernels.h"

void hsgd_emit_matmul(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias)
{
    bool has_bias = bias.buffer >= 0;
    if (e->kind == HSGD_CPU) {
        struct matmul_cpu_args args = { *p, has_bias };
        HSGD_LAUNCH(e, &hsgd_kernel_matmul_cpu, HSGD_TILES, 1, &args, a, b, c, has_bias ? bias : c);
        return;
    }
    hsgd_emit_gemm(e, p, a, b, c, has_bias ? bias : c, has_bias);
}
