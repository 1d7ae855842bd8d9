/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products: the library's own kernels on both kinds of device, and
 * what CPUs use instead of them. */
#include <string.h>

#include "reference/check.h"
#include "kernels.h"
#include "test_ops.h"

/* x is A; params are B, bias and the C to start from; y is C. */
struct product {
    struct hsgd_matmul p;
    bool bias, own;
    int na, nb, nc;
};

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct product *a = l->attributes;
    (void)why, (void)n;
    l->out = (struct hsgd_shape){ 1, 1, a->nc };
    l->params = 3;
    l->param[0] = (struct hsgd_param_spec){ "b", 1, { a->nb }, HSGD_INIT_ZERO, 1, 1, 0 };
    l->param[1] = (struct hsgd_param_spec){ "bias", 1, { a->p.n }, HSGD_INIT_ZERO, 1, 1, 0 };
    l->param[2] = (struct hsgd_param_spec){ "c", 1, { a->nc }, HSGD_INIT_ZERO, 1, 1, 0 };
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct product *a = e->layer->attributes;
    struct copy_args copy = { a->nc };
    struct hsgd_ref none = { .buffer = -1 };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a->nc, &copy, e->weight[2].piece[0].ref, e->y);
    if (a->own && e->kind == HSGD_CPU) e->kind = HSGD_OPENCL; /* where BLAS is not chosen */
    hsgd_emit_matmul(e, &a->p, e->x, e->weight[0].piece[0].ref, e->y, a->bias ? e->weight[1].piece[0].ref : none);
}

static const struct hsgd_op op = { .name = "gemm",
                                   .attributes_size = sizeof(struct product),
                                   .layouts = 1u << HSGD_NHWC,
                                   .prepare = prepare,
                                   .forward = forward };

/* Bound: that of the sum of k products, C and bias, and 8 u for tanh and
 * sigmoid.  What lies between the rows of C stays as it is. */
static void reference(const struct product *a, const float *x, const float *b, const float *bias, const float *c,
                      struct approx *y)
{
    const struct hsgd_matmul *p = &a->p;
    for (int i = 0; i < a->nc; i++) y[i] = (struct approx){ c[i], 0 };
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->n; j++) {
            struct approx_sum s = { 0 };
            for (int q = 0; q < p->k; q++) {
                double left = p->transpose_a ? x[q * p->lda + i] : x[i * p->lda + q];
                double right = p->transpose_b ? b[j * p->ldb + q] : b[q * p->ldb + j];
                approx_add(&s, left * right, 0);
            }
            if (p->accumulate) approx_add(&s, c[i * p->ldc + j], 0);
            if (a->bias) approx_add(&s, bias[j], 0);
            y[i * p->ldc + j] = (struct approx){ check_activation(s.v, p->activation),
                                                 approx_of(s).e + (p->activation > HSGD_RELU ? 8 * CHECK_U : 0) };
        }
}

static int gap(void) { return check_int(0, 1) ? check_int(0, 9) : 0; }

static struct product draw(int turn)
{
    struct product a = { .bias = turn >> 3 & 1, .own = turn >> 6 & 1 };
    struct hsgd_matmul *p = &a.p;
    *p = (struct hsgd_matmul){ check_size(150),
                               check_size(150),
                               check_size(200),
                               0,
                               0,
                               0,
                               turn & 1,
                               turn >> 1 & 1,
                               turn >> 2 & 1,
                               (enum hsgd_activation)(turn >> 4 & 3),
                               false };
    if (turn % 16 == 7) p->m = check_int(1, 30), p->n = check_int(1, 50), p->k = check_int(800, 1300);
    if (turn % 16 == 14) p->m = check_int(1, 40), p->n = check_int(1, 16);
    p->lda = (p->transpose_a ? p->m : p->k) + gap();
    p->ldb = (p->transpose_b ? p->k : p->n) + gap();
    p->ldc = p->n + gap();
    a.na = ((p->transpose_a ? p->k : p->m) - 1) * p->lda + (p->transpose_a ? p->m : p->k);
    a.nb = ((p->transpose_b ? p->n : p->k) - 1) * p->ldb + (p->transpose_b ? p->k : p->n);
    a.nc = (p->m - 1) * p->ldc + p->n;
    return a;
}

static void one(int turn)
{
    struct product a = draw(turn);
    const struct hsgd_matmul *p = &a.p;
    check_shape("shape %d: %dx%dx%d, transposed %d %d, accumulate %d, bias %d, activation %d, own %d", turn, p->m, p->n,
                p->k, p->transpose_a, p->transpose_b, p->accumulate, a.bias, p->activation, a.own);
    float *x = check_floats(a.na), *b = check_floats(a.nb), *bias = check_floats(p->n), *c = check_floats(a.nc);
    float *y = check_floats(a.nc);
    struct approx *want = check_approx(a.nc);
    reference(&a, x, b, bias, c, want);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = 1, .in = { 1, 1, a.na }, .x = x, .params = { b, bias, c }, .y = y };
        check_run(d, &op, &a, &run, p->m * p->n);
        check_near("c", y, want, a.nc);
    }
    free(x), free(b), free(bias), free(c), free(y), free(want);
}

void test_gemm(void)
{
    for (int i = 0; i < 256 && check_going(); i++) one(i);
}
