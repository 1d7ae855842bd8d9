/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of all numbers before, along an axis. */
#include <stdio.h>

#include "kernels.h"
#include "strided.h"
#include "types.h"

static const struct hsgd_cumsum *attributes(const struct hsgd_node *n) { return n->attributes; }

static int axis_of(const struct hsgd_node *n)
{
    return axis_place(attributes(n)->axis ? attributes(n)->axis : -1, n->in[0].rank);
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_numbers(n, why, size)) return -1;
    if (axis_of(n) < 0) return no_axis(attributes(n)->axis, &n->in[0], why, size);
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = n->backward_flops = sample_size(&n->in[0]);
    return 0;
}

static struct cumsum_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_type *t = &e->node->in[0];
    int axis = axis_of(e->node), inner = 1;
    for (int i = axis + 1; i < t->rank; i++) inner *= t->dim[i];
    return (struct cumsum_args){ e->rows * (sample_size(t) / inner / t->dim[axis]), t->dim[axis], inner,
                                 attributes(e->node)->exclusive, attributes(e->node)->reverse };
}

static void launch(struct hsgd_emit *e, struct cumsum_args a, struct hsgd_ref from, struct hsgd_ref to)
{
    bool integers = e->node->in[0].dtype == HSGD_I32;
    HSGD_LAUNCH(e, integers ? HSGD_KERNEL(cumsum_integers) : HSGD_KERNEL(cumsum), a.inner == 1 ? HSGD_ITEMS : HSGD_ROWS,
                a.outer, &a, from, to);
}

static void forward(struct hsgd_emit *e) { launch(e, args_of(e), e->x[0], e->y[0]); }

/* dx_i = the sum of dy of all sums that x_i is in: from the other end. */
static void backward(struct hsgd_emit *e)
{
    struct cumsum_args a = args_of(e);
    if (e->node->in[0].dtype == HSGD_I32) {
        emit_no_gradients(e);
        return;
    }
    a.reverse = !a.reverse;
    if (hsgd_wanted(e->dx[0])) launch(e, a, e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_cumsum, field)
static const struct hsgd_attribute fields[] = { { "axis", HSGD_INT, AT(axis), false, 0, NULL },
                                                { "exclusive", HSGD_BOOL, AT(exclusive), false, 0, NULL },
                                                { "reverse", HSGD_BOOL, AT(reverse), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_cumsum = { .name = "cumsum",
                                        .attributes_size = sizeof(struct hsgd_cumsum),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_NHWC,
                                        .infer = infer,
                                        .forward = { { forward } },
                                        .backward = { { backward } } };
