/* SPDX-License-Identifier: BSD-3-Clause */
/* The product of two values of a sample, matrix by matrix. */
#include <stdio.h>

#include "kernels.h"
#include "type_text.h"
#include "types.h"

/* From so many multiplications a product is one launch, of a library; smaller ones are together in one. */
enum { LARGE = 1 << 15 };

/* C = op(A) op(B): C m x n. */
struct product {
    int m, n, k;
    bool transpose_a, transpose_b;
};

static const struct hsgd_matmul *attributes(const struct hsgd_node *n) { return n->attributes; }

/* Rows or columns of the matrices of an input. */
static int rows_of(const struct hsgd_type *t, bool transposed) { return t->dim[t->rank - (transposed ? 1 : 2)]; }
static int columns_of(const struct hsgd_type *t, bool transposed) { return rows_of(t, !transposed); }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_matmul *a = attributes(n);
    const struct hsgd_type *x = &n->in[0], *y = &n->in[1];
    if (need_floats(n, why, size)) return -1;
    bool fits = x->rank >= 2 && x->rank == y->rank && dims_fit(x, y, x->rank - 2);
    int k = fits ? columns_of(x, a->transpose_a) : 0, other = fits ? rows_of(y, a->transpose_b) : 0;
    if (!fits || (k != other && k != HSGD_ANY && other != HSGD_ANY)) {
        snprintf(why, size, "%s%s and %s%s cannot be multiplied", type_text(x).text,
                 a->transpose_a ? ", transposed," : "", type_text(y).text, a->transpose_b ? ", transposed," : "");
        return -1;
    }
    n->outputs = 1;
    n->out[0] = *x;
    for (int i = 0; i < x->rank - 2; i++)
        if (x->dim[i] == HSGD_ANY) n->out[0].dim[i] = y->dim[i];
    n->out[0].dim[x->rank - 2] = rows_of(x, a->transpose_a);
    n->out[0].dim[x->rank - 1] = columns_of(y, a->transpose_b);
    n->forward_flops = 2.0 * sample_size(&n->out[0]) * k;
    n->backward_flops = 2 * n->forward_flops;
    return need_room(&n->out[0], why, size);
}

static void emit_large(struct hsgd_emit *e, int count, const struct product *p, struct hsgd_ref a, struct hsgd_ref b,
                       struct hsgd_ref c)
{
    struct hsgd_matmul m = { .m = p->m,
                             .n = p->n,
                             .k = p->k,
                             .lda = p->transpose_a ? p->m : p->k,
                             .ldb = p->transpose_b ? p->k : p->n,
                             .ldc = p->n,
                             .transpose_a = p->transpose_a,
                             .transpose_b = p->transpose_b };
    for (int64_t i = 0; i < count; i++)
        hsgd_emit_matmul(e, &m, hsgd_at(a, i * p->m * p->k), hsgd_at(b, i * p->k * p->n), hsgd_at(c, i * p->m * p->n),
                         (struct hsgd_ref){ .buffer = -1 });
}

/* c = op(a) op(b), all matrices of all samples; absent: not wanted */
static void emit(struct hsgd_emit *e, struct product p, struct hsgd_ref a, struct hsgd_ref b, struct hsgd_ref c)
{
    int count = e->rows * (sample_size(&e->node->out[0]) /
                           (rows_of(&e->node->out[0], false) * columns_of(&e->node->out[0], false)));
    struct batched_matmul_args k = { .count = count,
                                     .m = p.m,
                                     .n = p.n,
                                     .k = p.k,
                                     .row_a = p.transpose_a ? 1 : p.k,
                                     .step_a = p.transpose_a ? p.m : 1,
                                     .step_b = p.transpose_b ? 1 : p.n,
                                     .column_b = p.transpose_b ? p.k : 1 };
    if (!hsgd_wanted(c)) return;
    if ((int64_t)p.m * p.n * p.k >= LARGE) emit_large(e, count, &p, a, b, c);
    else HSGD_LAUNCH(e, HSGD_KERNEL(batched_matmul), HSGD_WARPS, (int64_t)count * p.m, &k, a, b, c);
}

static struct product product_of(const struct hsgd_node *n)
{
    const struct hsgd_matmul *a = attributes(n);
    return (struct product){ rows_of(&n->in[0], a->transpose_a), columns_of(&n->in[1], a->transpose_b),
                             columns_of(&n->in[0], a->transpose_a), a->transpose_a, a->transpose_b };
}

static void forward(struct hsgd_emit *e) { emit(e, product_of(e->node), e->x[0], e->x[1], e->y[0]); }

/* d op(A) = dC op(B)^T, d op(B) = op(A)^T dC, or their transposes. */
static void backward(struct hsgd_emit *e)
{
    struct product p = product_of(e->node);
    bool ta = p.transpose_a, tb = p.transpose_b;
    if (ta) emit(e, (struct product){ p.k, p.m, p.n, tb, true }, e->x[1], e->dy[0], e->dx[0]);
    else emit(e, (struct product){ p.m, p.k, p.n, false, !tb }, e->dy[0], e->x[1], e->dx[0]);
    if (tb) emit(e, (struct product){ p.n, p.k, p.m, true, ta }, e->dy[0], e->x[0], e->dx[1]);
    else emit(e, (struct product){ p.k, p.n, p.m, !ta, false }, e->x[0], e->dy[0], e->dx[1]);
}

#define AT(field) offsetof(struct hsgd_matmul, field)
static const struct hsgd_attribute fields[] = { { "transpose_a", HSGD_BOOL, AT(transpose_a), false, 0, NULL },
                                                { "transpose_b", HSGD_BOOL, AT(transpose_b), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_matmul = { .name = "matmul",
                                        .attributes_size = sizeof(struct hsgd_matmul),
                                        .fields = fields,
                                        .inputs = 2,
                                        .layouts = 1u << HSGD_NHWC,
                                        .keeps_in = 3,
                                        .infer = infer,
                                        .forward = { { forward } },
                                        .backward = { { backward } } };
