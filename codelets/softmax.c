/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax over the channels of each position, and its logarithm. */
#include <stdio.h>

#include "kernels.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_floats(n, why, size)) return -1;
    if (n->in[0].rank < 1) {
        snprintf(why, size, "the input must have channels, not be one number");
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = 20.0 * sample_size(&n->in[0]);
    n->backward_flops = 4.0 * sample_size(&n->in[0]);
    return 0;
}

static struct softmax_args args_of(const struct hsgd_emit *e, bool log)
{
    const struct hsgd_type *t = &e->node->in[0];
    return (struct softmax_args){ e->rows * (int)hsgd_type_positions(t), hsgd_type_channels(t), log };
}

static void emit_forward(struct hsgd_emit *e, bool log)
{
    struct softmax_args a = args_of(e, log);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_fwd), HSGD_WARPS, a.rows, &a, e->x[0], e->y[0]);
}

static void emit_backward(struct hsgd_emit *e, bool log)
{
    struct softmax_args a = args_of(e, log);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(softmax_bwd), HSGD_WARPS, a.rows, &a, e->y[0], e->dy[0], e->dx[0]);
}

static void softmax_forward(struct hsgd_emit *e) { emit_forward(e, false); }
static void softmax_backward(struct hsgd_emit *e) { emit_backward(e, false); }
static void log_softmax_forward(struct hsgd_emit *e) { emit_forward(e, true); }
static void log_softmax_backward(struct hsgd_emit *e) { emit_backward(e, true); }

const struct hsgd_op hsgd_op_softmax = { .name = "softmax",
                                         .layouts = 1u << HSGD_NHWC,
                                         .keeps_out = 1,
                                         .infer = infer,
                                         .forward = { { softmax_forward } },
                                         .backward = { { softmax_backward } } };
const struct hsgd_op hsgd_op_log_softmax = { .name = "log_softmax",
                                             .layouts = 1u << HSGD_NHWC,
                                             .keeps_out = 1,
                                             .infer = infer,
                                             .forward = { { log_softmax_forward } },
                                             .backward = { { log_softmax_backward } } };
