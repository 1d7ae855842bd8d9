/* SPDX-License-Identifier: BSD-3-Clause */
/* Mean squared error against values, or against one-hot class labels. */
#include <stdio.h>

#include "loss.h"
#include "type_text.h"

static bool of_classes(const struct hsgd_node *n) { return n->in[1].dtype == HSGD_I32; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (of_classes(n) ? class_loss_infer(n, why, size) : value_loss_infer(n, why, size)) return -1;
    if (of_classes(n) && n->terms != 1) {
        snprintf(why, size, "the input must be C >= 2 scores per sample, not %s", type_text(&n->in[0]).text);
        return -1;
    }
    n->forward_flops = 4.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    if (!of_classes(e->node)) {
        emit_value_loss(e, HSGD_KERNEL(mse_values));
        return;
    }
    struct mse_args a = { e->rows, hsgd_type_channels(&e->node->in[0]), hsgd_wanted(e->dx[0]) };
    struct hsgd_ref stats = hsgd_scratch(e, 2 * e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(mse), HSGD_ITEMS, e->rows, &a, e->x[0], e->x[1], a.want_gradient ? e->dx[0] : e->x[0],
                stats);
    struct loss_sums_args s = { e->rows };
    HSGD_LAUNCH(e, HSGD_KERNEL(loss_sums), HSGD_WARPS, 3, &s, stats, e->sums);
}

const struct hsgd_op hsgd_op_mse = { .name = "mse",
                                     .layouts = 1u << HSGD_NHWC,
                                     .inputs = 2,
                                     .is_loss = true,
                                     .measures_values = true,
                                     .infer = infer,
                                     .forward = { { forward } } };
