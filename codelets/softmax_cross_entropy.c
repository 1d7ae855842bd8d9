/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax cross-entropy loss on class labels. */
#include <stdio.h>

#include "c_locale.h"
#include "kernels.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_softmax_cross_entropy *a = l->attributes;
    if (!(a->label_smoothing >= 0 && a->label_smoothing < 1)) {
        c_snprintf(why, n, "label_smoothing must be in [0, 1), not %g", (double)a->label_smoothing);
        return -1;
    }
    if (l->in.h != 1 || l->in.w != 1 || l->in.c < 2) {
        snprintf(why, n, "the input must be 1x1xC with C >= 2, not %dx%dx%d", l->in.h, l->in.w, l->in.c);
        return -1;
    }
    l->out = l->in;
    l->forward_flops = 10.0 * l->in.c;
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_softmax_cross_entropy *loss = e->layer->attributes;
    int classes = e->layer->in.c;
    float smoothing = e->training ? loss->label_smoothing : 0;
    struct softmax_ce_args a = { e->rows, classes, e->dx.buffer >= 0, 1 - smoothing, smoothing / (float)classes };
    struct hsgd_ref stats = hsgd_scratch(e, 2 * e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_ce), HSGD_WARPS, e->rows, &a, e->x, e->labels, a.want_gradient ? e->dx : e->x,
                stats);
    struct loss_sums_args s = { e->rows };
    HSGD_LAUNCH(e, HSGD_KERNEL(loss_sums), HSGD_WARPS, 3, &s, stats, e->sums);
}

#define AT(field) offsetof(struct hsgd_softmax_cross_entropy, field)
static const struct hsgd_attribute fields[] = { { "label_smoothing", HSGD_FLOAT, AT(label_smoothing), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_softmax_cross_entropy = { .name = "softmax_cross_entropy",
                                                       .attributes_size = sizeof(struct hsgd_softmax_cross_entropy),
                                                       .fields = fields,
                                                       .layouts = 1u << HSGD_NHWC,
                                                       .is_loss = true,
                                                       .prepare = prepare,
                                                       .forward = forward };
