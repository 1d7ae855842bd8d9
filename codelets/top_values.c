/* SPDX-License-Identifier: BSD-3-Clause */
/* The k largest or smallest numbers along an axis, and where they are. */
#include <stdio.h>

#include "kernels.h"
#include "strided.h"
#include "types.h"

static const struct hsgd_top_values *attributes(const struct hsgd_node *n) { return n->attributes; }

static int axis_of(const struct hsgd_node *n)
{
    return axis_place(attributes(n)->axis ? attributes(n)->axis : -1, n->in[0].rank);
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    int axis = axis_of(n), k = attributes(n)->k;
    if (need_numbers(n, why, size)) return -1;
    if (axis < 0) return no_axis(attributes(n)->axis, &n->in[0], why, size);
    int dim = n->in[0].dim[axis];
    if (k < 1 || (dim != HSGD_ANY && k > dim)) {
        snprintf(why, size, "k must be at least 1 and at most the size of the axis, %d, not %d", dim, k);
        if (dim == HSGD_ANY) snprintf(why, size, "k must be at least 1, not %d", k);
        return -1;
    }
    n->outputs = 2;
    n->out[0] = n->in[0];
    n->out[0].dim[axis] = k;
    n->out[1] = n->out[0];
    n->out[1].dtype = HSGD_I32;
    n->forward_flops = (double)k * sample_size(&n->in[0]);
    n->backward_flops = sample_size(&n->in[0]);
    return 0;
}

static struct top_values_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_type *t = &e->node->in[0];
    int axis = axis_of(e->node), inner = 1;
    for (int i = axis + 1; i < t->rank; i++) inner *= t->dim[i];
    return (struct top_values_args){ e->rows * (sample_size(t) / t->dim[axis]), t->dim[axis], inner,
                                     attributes(e->node)->k, attributes(e->node)->min };
}

static void forward(struct hsgd_emit *e)
{
    struct top_values_args a = args_of(e);
    bool integers = e->node->in[0].dtype == HSGD_I32;
    HSGD_LAUNCH(e, integers ? HSGD_KERNEL(top_values_integers) : HSGD_KERNEL(top_values), HSGD_ITEMS, a.lines, &a,
                e->x[0], e->y[0], e->y[1]);
}

static void backward(struct hsgd_emit *e)
{
    struct top_values_args a = args_of(e);
    if (e->node->in[0].dtype == HSGD_I32 || !hsgd_wanted(e->dy[0])) emit_no_gradients(e);
    else if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(top_values_bwd), HSGD_ITEMS, a.lines, &a, e->dy[0], e->y[1], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_top_values, field)
static const struct hsgd_attribute fields[] = { { "k", HSGD_INT, AT(k), true, 0, NULL },
                                                { "axis", HSGD_INT, AT(axis), false, 0, NULL },
                                                { "min", HSGD_BOOL, AT(min), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_top_values = { .name = "top_values",
                                            .attributes_size = sizeof(struct hsgd_top_values),
                                            .fields = fields,
                                            .layouts = 1u << HSGD_NHWC,
                                            .keeps_out = 2,
                                            .infer = infer,
                                            .forward = { { forward } },
                                            .backward = { { backward } } };
