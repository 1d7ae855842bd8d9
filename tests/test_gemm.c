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

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct product *a = n->attributes;
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = hsgd_vector(a->nc);
    n->params = 3;
    n->param[0] = (struct hsgd_param_spec){ .name = "b", .rank = 1, .dim = { a->nb }, .init = HSGD_INIT_ZERO };
    n->param[1] = (struct hsgd_param_spec){ .name = "bias", .rank = 1, .dim = { a->p.n }, .init = HSGD_INIT_ZERO };
    n->param[2] = (struct hsgd_param_spec){ .name = "c", .rank = 1, .dim = { a->nc }, .init = HSGD_INIT_ZERO };
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct product *a = e->node->attributes;
    struct copy_args copy = { a->nc };
    struct hsgd_ref none = { .buffer = -1 };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a->nc, &copy, e->weight[2].piece[0].ref, e->y[0]);
    if (a->own && e->kind == HSGD_CPU) e->kind = HSGD_OPENCL; /* where BLAS is not chosen */
    hsgd_emit_matmul(e, &a->p, e->x[0], e->weight[0].piece[0].ref, e->y[0], a->bias ? e->weight[1].piece[0].ref : none);
}

static const struct hsgd_op op = { .name = "gemm",
                                   .attributes_size = sizeof(struct product),
                                   .layouts = 1u << HSGD_NHWC,
                                   .infer = infer,
                                   .forward = { { forward } } };

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
        struct hsgd_op_call run = {
            .rows = 1, .in = { hsgd_vector(a.na) }, .x = { x }, .params = { b, bias, c }, .y = { y }
        };
        check_run(d, &op, &a, &run, p->m * p->n);
        check_near("c", y, want, a.nc);
    }
    free(x), free(b), free(bias), free(c), free(y), free(want);
}

void test_gemm(void)
{
    for (int i = 0; i < 256 && check_going(); i++) one(i);
}
