/* SPDX-License-Identifier: BSD-3-Clause */
/* The valid positions of a sample as one vector: the last, their mean or maximum. */
#include <stdio.h>

#include "kernels.h"
#include "type_text.h"

static bool has_lengths(const struct hsgd_node *n) { return n->inputs > 1; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *x = &n->in[0], *length = &n->in[1];
    if (x->rank != 2 || x->dtype != HSGD_F32) {
        snprintf(why, size, "the input must be of floats with the dimensions steps and channels, not %s",
                 type_text(x).text);
        return -1;
    }
    if (has_lengths(n) && (length->rank || length->dtype != HSGD_I32)) {
        snprintf(why, size, "lengths must be one integer, not %s", type_text(length).text);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = hsgd_vector(x->dim[1]);
    n->forward_flops = n->backward_flops = (double)hsgd_type_size(x);
    return 0;
}

static struct positions_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_type *x = &e->node->in[0];
    return (struct positions_args){ e->rows, x->dim[0], x->dim[1], has_lengths(e->node), e->adds & 1 };
}

/* Without lengths the kernel has a buffer that it does not read. */
static struct hsgd_ref lengths_of(const struct hsgd_emit *e, struct hsgd_ref other)
{
    return has_lengths(e->node) ? e->x[1] : other;
}

static void launch(struct hsgd_emit *e, const struct hsgd_kernel *kernel, struct hsgd_ref from, struct hsgd_ref to)
{
    struct positions_args a = args_of(e);
    if (hsgd_wanted(to)) HSGD_LAUNCH(e, kernel, HSGD_ROWS, a.rows, &a, from, lengths_of(e, from), to);
}

static void last(struct hsgd_emit *e) { launch(e, HSGD_KERNEL(last_fwd), e->x[0], e->y[0]); }
static void last_back(struct hsgd_emit *e) { launch(e, HSGD_KERNEL(last_bwd), e->dy[0], e->dx[0]); }
static void mean(struct hsgd_emit *e) { launch(e, HSGD_KERNEL(mean_positions_fwd), e->x[0], e->y[0]); }
static void mean_back(struct hsgd_emit *e) { launch(e, HSGD_KERNEL(mean_positions_bwd), e->dy[0], e->dx[0]); }
static void max(struct hsgd_emit *e) { launch(e, HSGD_KERNEL(max_positions_fwd), e->x[0], e->y[0]); }

static void max_back(struct hsgd_emit *e)
{
    struct positions_args a = args_of(e);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(max_positions_bwd), HSGD_ROWS, a.rows, &a, e->x[0], e->y[0], e->dy[0],
                    lengths_of(e, e->x[0]), e->dx[0]);
}

const struct hsgd_op hsgd_op_last = {
    .name = "last",
    .max_inputs = 2,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 2,
    .adds = 1,
    .infer = infer,
    .forward = { { last } },
    .backward = { { last_back } },
};
const struct hsgd_op hsgd_op_mean_positions = {
    .name = "mean_positions",
    .max_inputs = 2,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 2,
    .adds = 1,
    .infer = infer,
    .forward = { { mean } },
    .backward = { { mean_back } },
};
const struct hsgd_op hsgd_op_max_positions = {
    .name = "max_positions",
    .max_inputs = 2,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 3,
    .keeps_out = 1,
    .adds = 1,
    .infer = infer,
    .forward = { { max } },
    .backward = { { max_back } },
};
