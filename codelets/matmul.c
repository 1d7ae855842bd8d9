/* SPDX-License-Identifier: BSD-3-Clause */
/* Emitting a matrix product: the kernels for each kind of device. */
#include "kernels.h"

#include "device/product_choice.h"
#include "gemm.h"

/* Our own GEMM. */
static void emit_gemm(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias, bool has_bias)
{
    struct gemm_args g = product_gemm(p, e->units);
    g.bias = has_bias;
    if (g.dots) {
        HSGD_LAUNCH(e, HSGD_KERNEL(gemm_dots), HSGD_TILES, gemm_groups(&g), &g, c, a, b, bias);
        return;
    }
    int64_t used = e->scratch_used;
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)gemm_workspace(p->m, p->n, p->k, g.ta, g.tb, e->units));
    e->scratch_used = used; /* only this launch needs it */
    HSGD_LAUNCH(e, HSGD_KERNEL(gemm_tiles), HSGD_TILES, gemm_groups(&g), &g, c, a, b, bias, work);
}

void emit_column_sums(struct hsgd_emit *e, int rows, int cols, int stride, struct hsgd_ref a, struct hsgd_ref out)
{
    struct column_sums_args sums = { rows, cols, stride };
    HSGD_LAUNCH(e, HSGD_KERNEL(column_sums), HSGD_ROWS, column_sums_groups(cols), &sums, a, out);
}

/* A product by a library, including bias and activation. */
static void emit_library(struct hsgd_emit *e, enum product_library library, const struct hsgd_matmul *p,
                         struct hsgd_ref a, struct hsgd_ref b, struct hsgd_ref c, struct hsgd_ref bias, bool has_bias)
{
    const struct hsgd_kernel *kernel = e->kind == HSGD_CUDA ? &hsgd_kernel_matmul_cuda : &hsgd_kernel_matmul_cpu;
    struct matmul_args args = { *p, has_bias, (int)library };
    HSGD_LAUNCH(e, kernel, HSGD_TILES, 1, &args, a, b, c, bias);
}

static enum product_library library_of(const struct hsgd_emit *e, const struct hsgd_matmul *p)
{
    if (e->kind == HSGD_OPENCL) return PRODUCT_OWN;
    return e->kind == HSGD_CPU ? product_choice(e->device)->library[product_class(p)] : PRODUCT_LIBRARIES;
}

void hsgd_emit_matmul(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                      struct hsgd_ref c, struct hsgd_ref bias)
{
    if (!e) return;
    if (!p) {
        hsgd_launch(e, NULL, HSGD_TILES, 1, NULL, NULL); /* reported as an error of the caller */
        return;
    }
    enum product_library library = library_of(e, p);
    bool has_bias = bias.buffer >= 0 && !p->bias_gradient;
    if (p->bias_gradient && e->kind != HSGD_CUDA) emit_column_sums(e, p->k, p->n, p->ldb, b, bias);
    if (!hsgd_wanted(bias)) bias = c;
    if (library == PRODUCT_OWN) emit_gemm(e, p, a, b, c, bias, has_bias);
    else emit_library(e, library, p, a, b, c, bias, has_bias);
}
