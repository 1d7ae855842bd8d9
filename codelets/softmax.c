/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax along an axis, and its logarithm. */
#include <stdio.h>

#include "kernels.h"
#include "strided.h"
#include "types.h"

/* Both have one form. */
_Static_assert(sizeof(struct hsgd_softmax) == sizeof(struct hsgd_log_softmax), "one form");

static int axis_of(const struct hsgd_node *n)
{
    const struct hsgd_softmax *a = n->attributes;
    return axis_place(a->axis ? a->axis : -1, n->in[0].rank);
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_softmax *a = n->attributes;
    if (need_floats(n, why, size)) return -1;
    if (n->in[0].rank < 1) {
        snprintf(why, size, "the input must have channels, not be one number");
        return -1;
    }
    if (axis_of(n) < 0) return no_axis(a->axis, &n->in[0], why, size);
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = 20.0 * sample_size(&n->in[0]);
    n->backward_flops = 4.0 * sample_size(&n->in[0]);
    return 0;
}

static struct softmax_columns_args args_of(const struct hsgd_emit *e, bool log)
{
    const struct hsgd_type *t = &e->node->in[0];
    int axis = axis_of(e->node), inner = 1;
    for (int i = axis + 1; i < t->rank; i++) inner *= t->dim[i];
    return (struct softmax_columns_args){ e->rows * (sample_size(t) / inner / t->dim[axis]), t->dim[axis], inner, log };
}

static void emit_forward(struct hsgd_emit *e, bool log)
{
    struct softmax_columns_args c = args_of(e, log);
    struct softmax_args a = { c.outer, c.n, log };
    if (c.inner == 1) {
        HSGD_LAUNCH(e, HSGD_KERNEL(softmax_fwd), HSGD_WARPS, a.rows, &a, e->x[0], e->y[0]);
        return;
    }
    struct hsgd_ref work = hsgd_scratch(e, 2 * (int64_t)c.outer * c.inner);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_columns_fwd), HSGD_ROWS, c.outer, &c, e->x[0], work, e->y[0]);
}

static void emit_backward(struct hsgd_emit *e, bool log)
{
    struct softmax_columns_args c = args_of(e, log);
    struct softmax_args a = { c.outer, c.n, log };
    if (!hsgd_wanted(e->dx[0])) return;
    if (c.inner == 1) {
        HSGD_LAUNCH(e, HSGD_KERNEL(softmax_bwd), HSGD_WARPS, a.rows, &a, e->y[0], e->dy[0], e->dx[0]);
        return;
    }
    struct hsgd_ref sums = hsgd_scratch(e, (int64_t)c.outer * c.inner);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_columns_bwd), HSGD_ROWS, c.outer, &c, e->y[0], e->dy[0], sums, e->dx[0]);
}

static void softmax_forward(struct hsgd_emit *e) { emit_forward(e, false); }
static void softmax_backward(struct hsgd_emit *e) { emit_backward(e, false); }
static void log_softmax_forward(struct hsgd_emit *e) { emit_forward(e, true); }
static void log_softmax_backward(struct hsgd_emit *e) { emit_backward(e, true); }

static const struct hsgd_attribute fields[] = {
    { "axis", HSGD_INT, offsetof(struct hsgd_softmax, axis), false, 0, NULL }, { 0 }
};

const struct hsgd_op hsgd_op_softmax = { .name = "softmax",
                                         .attributes_size = sizeof(struct hsgd_softmax),
                                         .fields = fields,
                                         .layouts = 1u << HSGD_NHWC,
                                         .keeps_out = 1,
                                         .infer = infer,
                                         .forward = { { softmax_forward } },
                                         .backward = { { softmax_backward } } };
const struct hsgd_op hsgd_op_log_softmax = { .name = "log_softmax",
                                             .attributes_size = sizeof(struct hsgd_log_softmax),
                                             .fields = fields,
                                             .layouts = 1u << HSGD_NHWC,
                                             .keeps_out = 1,
                                             .infer = infer,
                                             .forward = { { log_softmax_forward } },
                                             .backward = { { log_softmax_backward } } };
