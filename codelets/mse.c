/* SPDX-License-Identifier: BSD-3-Clause */
/* Mean squared error against one-hot class labels. */
#include <stdio.h>

#include "kernels.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    if (l->in.h != 1 || l->in.w != 1 || l->in.c < 2) {
        snprintf(why, n, "the input must be 1x1xC with C >= 2, not %dx%dx%d", l->in.h, l->in.w, l->in.c);
        return -1;
    }
    l->out = l->in;
    l->forward_flops = 4.0 * l->in.c;
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    struct mse_args a = { e->rows, e->layer->in.c, e->dx.buffer >= 0 };
    struct hsgd_ref stats = hsgd_scratch(e, 2 * e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(mse), HSGD_ITEMS, e->rows, &a, e->x, e->labels, a.want_gradient ? e->dx : e->x, stats);
    struct loss_sums_args s = { e->rows };
    HSGD_LAUNCH(e, HSGD_KERNEL(loss_sums), HSGD_WARPS, 3, &s, stats, e->sums);
}

const struct hsgd_op hsgd_op_mse = {
    .name = "mse", .layouts = 1u << HSGD_NHWC, .is_loss = true, .prepare = prepare, .forward = forward
};
