/* SPDX-License-Identifier: BSD-3-Clause */
/* Mean absolute error. */
#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (value_loss_infer(n, why, size)) return -1;
    n->forward_flops = 4.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e) { emit_value_loss(e, HSGD_KERNEL(mae_values)); }

const struct hsgd_op hsgd_op_mae = { .name = "mae",
                                     .layouts = 1u << HSGD_NHWC,
                                     .inputs = 2,
                                     .is_loss = true,
                                     .measures_values = true,
                                     .infer = infer,
                                     .forward = { { forward } } };
